"""The recognizer: every symptom as a table of series or gradients and what they show."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer.judge.configuration import accuracy_counts
from AutoTrainer.judge.facts import GradientSummary, OutputSummary, Task
from AutoTrainer.judge.history import HistoryState, OscillationCounter, extrema, judged
from AutoTrainer.utils.monitor import (
    DEFAULT_PARAMS,
    IssueMonitor,
    check_params,
    data_issue,
    getdynamicCF,
    gradient_issue,
    gradient_message_summary,
    gradient_norm,
    gradient_zero_radio,
    has_NaN,
    layer_issue,
    loss_function_issue,
    loss_issue,
    max_delta_acc,
    needs_probe,
    not_converged,
    ol_judge,
    weights_issue,
)

NAN, INF = math.nan, math.inf


def params(**changes):
    return dict(DEFAULT_PARAMS, **changes)


def state_of(acc=(), loss=None, val_loss=None, val_acc=None, **changes):
    """The state after a history; what is not given is not measured, the loss is 1.0."""
    state = HistoryState(params(**changes))
    columns = {'acc': acc, 'loss': loss, 'val_loss': val_loss, 'val_acc': val_acc}
    for epoch in range(max(len(column) for column in columns.values() if column is not None)):
        state.update({key: (column[epoch] if column else {'loss': 1.0}.get(key))
                      for key, column in columns.items()})
    return state


def kernels(*norms):
    return tuple(('kernel_%d' % i, norm) for i, norm in enumerate(norms))


def summary(*norms, zero_share=0.0, **facts):
    return GradientSummary(kernels(*norms), zero_share, **facts)


# ------------------------------------------------------------------------- plain measurements

@pytest.mark.parametrize('values, expected', [
    (1.0, False), (NAN, True), (INF, True), (-INF, True), (0, False), ([], False),
    ([1.0, NAN], True), (np.zeros((2, 3)), False), (np.array([0.0, INF]), True),
    ([np.zeros((2, 2)), np.zeros(3)], False), ([np.zeros((2, 2)), np.array([NAN])], True),
    ([[1.0, [2.0, NAN]], 3.0], True), ((1.0, 2.0), False), (np.zeros((0, 4)), False),
])
def test_has_nan(values, expected):
    assert has_NaN(values) is expected


@pytest.mark.parametrize('gradients, kernels, biases', [
    ([[3.0, 4.0]], [], [5.0]), ([[[1.0, 1.0], [1.0, 1.0]], [2.0]], [2.0], [2.0]), ([[]], [], [0.0]),
    ([np.zeros((2, 2, 2)), np.full((1, 1), 3.0)], [0.0, 3.0], []), ([-2.0], [], [2.0]),
    ([], [], []),
])
def test_gradient_norm(gradients, kernels, biases):
    assert gradient_norm(gradients) == (kernels, biases)


@pytest.mark.parametrize('gradients, expected', [
    ([], 0.0), ([np.zeros(4)], 1.0), ([np.ones(4)], 0.0),
    ([np.zeros(3), np.ones((1, 1))], 0.75), ([np.zeros(0)], 0.0),
    ([np.array([0.0, -0.0, 1e-300, NAN])], 0.5),
])
def test_gradient_zero_radio(gradients, expected):
    assert gradient_zero_radio(gradients)[0] == expected


def test_gradient_zero_radio_of_each_kernel_and_bias():
    assert gradient_zero_radio([np.zeros((2, 2)), np.array([0.0, 1.0]), np.ones((1, 2))]) == (
        5 / 8, [1.0, 0.0], [0.5])
    assert gradient_zero_radio([np.zeros((0, 2))]) == (0.0, [0.0], [])


def test_gradient_message_summary_takes_kernels_and_leaves_biases_out():
    found = gradient_message_summary(
        [np.full((2, 2), 2.0), np.zeros(2), np.full((1, 4), 0.5), np.array([9.0])])
    assert found.kernels == (('kernel_0', 4.0), ('kernel_1', 1.0))
    assert found.zero_share == 2 / 11
    assert found.finite
    assert not gradient_message_summary([np.array([[NAN]])]).finite
    assert gradient_message_summary([]) == GradientSummary((), 0.0)


@pytest.mark.parametrize('acc, expected', [
    ([], 0.0), ([0.5], 0.0), ([0.5, 0.5], 0.0), ([0.9, 0.5], 0.0), ([0.25, 0.5], 0.25),
    ([0.5, 0.75, 0.5, 0.625], 0.25), ([0.0, NAN, 0.5], 0.0), ([0.0, 0.25, NAN], 0.25),
    (np.array([0.0, 0.5, 0.75]), 0.5),
])
def test_max_delta_acc(acc, expected):
    assert max_delta_acc(acc) == expected


@pytest.mark.parametrize('series, maxima, minima', [
    ([], [], []), ([1], [], []), ([1, 2], [], []),
    ([1, 2, 1], [2], []), ([2, 1, 2], [], [1]), ([1, 2, 3], [], []),
    ([1, 1, 1], [1], [1]),                # a tie is both
    ([1, 2, 2, 1], [2, 2], []),           # a plateau counts once per epoch of it
    ([1, 1, 2], [], [1]), ([2, 1, 1, 0], [1], [1]),
    ([0, 3, 1, 2, 0], [3, 2], [1]),
    ([1, NAN, 1], [], []), ([NAN, 1, 1, 1], [1], [1]),
])
def test_extrema(series, maxima, minima):
    assert extrema(series) == (maxima, minima)


OSCILLATION_TABLE = [
    # curve, threshold, rate, flagged
    ([], 0.03, 0.2, False), ([0.5], 0.03, 0.2, False), ([0.5, 0.9], 0.03, 0.2, False),
    ([0.5, 0.9, 0.5], 0.03, 0.2, False),                       # a maximum without a minimum
    ([0.5, 0.9, 0.5, 0.9], 0.03, 0.2, True),                   # one pair in four epochs
    ([0.5] * 10, 0.03, 0.2, False),                            # constant: pairs of height 0
    ([0.5] * 10, 0.0, 0.2, True),                              # … which a threshold of 0 counts
    ([0.0, 0.5, 0.25, 0.75], 0.25, 0.25, True),                # exactly at both thresholds
    ([0.0, 0.5, 0.25, 0.75], 0.2500001, 0.25, False),
    ([0.0, 0.5, 0.25, 0.75], 0.25, 0.2500001, False),
    ([0.0, 0.5, 0.25, 0.75, 0.8], 0.25, 0.2, True),            # 1 ≥ 0.2·5
    ([0.0, 0.5, 0.25, 0.75, 0.8, 0.9], 0.25, 0.2, False),      # 1 < 0.2·6
    ([0.9, 0.1, 0.5, 0.4, 0.6], 0.03, 0.2, True),    # the first maximum (0.5) pairs with 0.1
    ([0.9, 0.5, 0.52, 0.51, 0.6], 0.03, 0.2, False),  # its pairing is by number: 0.52 − 0.5
    ([0.1, 0.2, 0.3, 0.4, 0.5], 0.03, 0.2, False),             # rising
    ([NAN, NAN, NAN, NAN], 0.03, 0.2, False),
    ([0.5, NAN, 0.5, 0.9, 0.5, 0.9], 0.03, 0.1, True),
]


@pytest.mark.parametrize('acc, threshold, rate, flagged', OSCILLATION_TABLE)
def test_ol_judge(acc, threshold, rate, flagged):
    assert ol_judge({'acc': acc}, threshold, rate) is flagged


def test_ol_judge_takes_arrays():
    assert ol_judge({'acc': np.array([0.5, 0.9, 0.5, 0.9])}, 0.03, 0.2)
    assert not ol_judge({'acc': np.array([])}, 0.03, 0.2)


# Few distinct values, so that ties, plateaus and equal heights come up all the time.
CURVES = st.lists(st.one_of(st.sampled_from([0.0, 0.1, 0.12, 0.13, 0.15, 0.5]),
                            st.floats(0, 1), st.just(NAN)), max_size=60)


@settings(max_examples=300, deadline=None)
@given(curve=CURVES, threshold=st.sampled_from([0.0, 0.02, 0.03, 0.4]),
       rate=st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5]))
def test_the_counter_is_ol_judge_on_every_prefix(curve, threshold, rate):
    counter = OscillationCounter(threshold)
    assert counter.oscillates(rate) == ol_judge({'acc': []}, threshold, rate)
    for epoch, value in enumerate(curve, 1):
        counter.update(value)
        assert counter.oscillates(rate) == ol_judge({'acc': curve[:epoch]}, threshold, rate)


@settings(max_examples=300, deadline=None)
@given(curve=CURVES)
def test_the_state_holds_maximum_and_largest_gain_of_every_prefix(curve):
    state = HistoryState(DEFAULT_PARAMS)
    for epoch, value in enumerate(curve, 1):
        state.update({'loss': 1 - value, 'acc': value, 'val_loss': 2.0, 'val_acc': 1 - value})
        seen = [number for number in curve[:epoch] if not math.isnan(number)]
        assert state.epochs == epoch
        assert state.best_acc == max(seen, default=-INF)
        assert state.best_val_acc == max((1 - number for number in seen), default=-INF)
        assert state.lowest_loss == min((1 - number for number in seen), default=INF)
        assert state.largest_gain == max_delta_acc(curve[:epoch])


@pytest.mark.parametrize('current_epoch, total_epoch, expected', [
    (1, 50, 'epoch_50'), (9, 50, 'epoch_50'), (10, 50, 'epoch_1'), (20, 50, 'epoch_1'),
    (21, 50, 'epoch_10'), (50, 50, 'epoch_10'), (19, 100, 'epoch_100'), (20, 100, 'epoch_1'),
    (40, 100, 'epoch_1'), (41, 100, 'epoch_10'), (1, 1, 'epoch_10'), (1, 5, 'epoch_1'),
    (11, 56, 'epoch_56'), (12, 56, 'epoch_1'), (22, 56, 'epoch_1'), (23, 56, 'epoch_10'),
])
def test_getdynamicCF(current_epoch, total_epoch, expected):
    assert getdynamicCF(current_epoch, total_epoch) == expected


# -------------------------------------------------------------------- the history's own symptoms

@pytest.mark.parametrize('epoch, total_epoch, expected', [
    (14, 50, False), (15, 50, True), (59, 200, False), (60, 200, True), (89, 300, False),
    (90, 300, True), (1, 1, False), (2, 2, False), (3, 3, True), (2, 6, False), (3, 6, True),
    (3, 10, True), (3, 11, False), (4, 11, True), (0, 0, False),
])
def test_judgment_point(epoch, total_epoch, expected):
    assert judged(epoch, total_epoch) is expected


@pytest.mark.parametrize('total_epoch', [10, 30, 70, 90, 110, 130, 170, 190, 1000, 12330])
def test_judgment_point_is_exact_where_three_tenths_are_a_whole_number(total_epoch):
    point = total_epoch // 10 * 3
    assert judged(point, total_epoch)
    assert not judged(point - 1, total_epoch)


@pytest.mark.parametrize('acc, val_acc, expected', [
    ([], [], False),                             # nothing measured is not a bad accuracy
    ([0.5, 0.6], [0.5, 0.6], True),
    ([0.5, 0.7, 0.1], [0.5, 0.6, 0.1], False),   # exactly Θ, once, is converged
    ([0.5, 0.6999], [0.5, 0.6], True),
    ([0.5, 0.6], [0.5, 0.7], False),             # validation alone is enough
    ([0.5, 0.6], None, True),
    ([NAN, NAN], None, True),
])
def test_not_converged(acc, val_acc, expected):
    epochs = max(len(acc), len(val_acc or ()), 1)
    state = state_of(acc=acc, val_acc=val_acc, loss=[1.0] * epochs)
    assert not_converged(state, params()) is expected


def test_a_run_without_accuracy_is_never_unconverged_and_never_probed():
    state = state_of(loss=[1.0] * 50)
    assert not not_converged(state, params())
    assert not needs_probe(state, 50, params())


@pytest.mark.parametrize('acc, loss, total_epoch, expected', [
    ([0.5] * 14, None, 50, False),                       # before the judgment point
    ([0.5] * 15, None, 50, True),
    ([0.5] * 14 + [0.7], None, 50, False),               # converged
    ([0.5] * 15, [1.0] * 14 + [NAN], 50, False),         # NaN is a verdict by itself
    ([0.5] * 2, None, 2, False), ([0.5] * 3, None, 3, True),
])
def test_needs_probe(acc, loss, total_epoch, expected):
    assert needs_probe(state_of(acc=acc, loss=loss), total_epoch, params()) is expected


def symptoms(total_epoch=10, determine_threshold=5, changes=None, **columns):
    state = state_of(**columns, **(changes or {}))
    found = loss_issue(state, total_epoch, params(**(changes or {})), determine_threshold)
    return {name for name, reason in found.items() if reason}


LOSS_TABLE = [
    # columns, total epochs, symptoms
    (dict(acc=[0.1]), 1, set()), (dict(acc=[0.1, 0.1]), 2, set()),   # too short to judge
    (dict(acc=[0.1, 0.1, 0.1]), 3, {'not_converge', 'sc_accuracy'}),
    (dict(acc=[0.1, 0.1, 0.1]), 10, {'not_converge', 'sc_accuracy'}),
    (dict(acc=[0.1, 0.1, 0.1]), 11, set()),                          # before the judgment point
    (dict(acc=[0.0, 0.01, 0.01]), 10, {'not_converge', 'sc_accuracy'}),    # a gain of exactly δ
    (dict(acc=[0.0, 0.0101, 0.0]), 10, {'not_converge'}),
    (dict(acc=[0.9, 0.9, 0.9]), 10, {'sc_accuracy'}),                # slow, but converged
    (dict(acc=[0.1, 0.7, 0.7]), 10, set()),
    (dict(acc=[0.1, 0.9, 0.1, 0.9]), 10, {'unstable_loss'}),
    (dict(acc=[0.1, 0.6, 0.1, 0.6]), 10, {'unstable_loss', 'not_converge'}),
    (dict(acc=[0.1, 0.9, 0.1, 0.9]), 20, set()),                     # waits for the judgment
    (dict(acc=[0.1, 0.9, 0.1]), 10, set()),                          # no pair yet
    (dict(acc=[NAN, NAN, NAN]), 10, {'nan_loss', 'not_converge', 'sc_accuracy'}),
    (dict(loss=[1.0, NAN]), 10, {'nan_loss'}),                       # at once
    (dict(loss=[INF]), 10, {'nan_loss'}),
    (dict(loss=[1.0, 1.0], val_loss=[1.0, -INF]), 10, {'nan_loss'}),
    (dict(loss=[NAN, 1.0, 1.0, 1.0]), 10, {'nan_loss'}),             # stays
    (dict(acc=[0.1, 0.3, 0.4], loss=[1e3] * 3), 10, {'nan_loss', 'not_converge'}),
    (dict(acc=[0.1, 0.3, 0.4], loss=[999.9] * 3), 10, {'not_converge'}),
    (dict(acc=[0.1, 0.3, 0.4], loss=[1e4, 1e4, 1.0]), 10, {'not_converge'}),  # it is over
    (dict(acc=[0.1, 0.9, 0.9], loss=[1e4] * 3), 10, set()),          # it trains nevertheless
    (dict(loss=[1e4] * 3), 10, set()),
    (dict(loss=[1.0, -0.1, 1.0]), 10, {'abnormal_loss'}),
    (dict(loss=[1.0, 0.0, 1.0]), 10, set()),
    (dict(loss=[-0.1, -0.1]), 10, set()),                            # waits for the judgment
    (dict(acc=[0.9] * 5, val_acc=[0.75] * 5), 10, {'sc_accuracy', 'test_not_well'}),
    (dict(acc=[0.875] * 5, val_acc=[0.875 - 0.0999] * 5), 10, {'sc_accuracy'}),
    (dict(acc=[0.9] * 4, val_acc=[0.75] * 4), 10, {'sc_accuracy'}),
    (dict(loss=[1.0] * 6, val_loss=[1, 1, 1, 1, 1, 1]), 10, {'test_turn_bad'}),
    (dict(loss=[1.0] * 5, val_loss=[1, 2, 3, 4, 5]), 10, set()),
    (dict(loss=[1.0] * 6, val_loss=[1, 2, 3, 4, 5, 0.9]), 10, set()),
]


@pytest.mark.parametrize('columns, total_epoch, expected', LOSS_TABLE)
def test_symptoms_of_the_history(columns, total_epoch, expected):
    assert symptoms(total_epoch=total_epoch, **columns) == expected


def test_the_training_accuracy_is_judged_for_oscillation():
    swinging, steady = [0.1, 0.9, 0.1, 0.9], [0.8] * 4
    assert 'unstable_loss' in symptoms(acc=swinging, val_acc=steady)
    assert 'unstable_loss' not in symptoms(acc=steady, val_acc=swinging)


def test_thresholds_of_the_history_are_the_callers():
    swinging = [0.5, 0.6, 0.5, 0.6]
    assert symptoms(acc=swinging) == {'unstable_loss', 'not_converge'}
    assert symptoms(acc=swinging, changes={'zeta': 0.2}) == {'not_converge'}
    assert symptoms(acc=swinging, changes={'eta': 0.3}) == {'not_converge'}
    assert symptoms(acc=swinging, changes={'Theta': 0.6}) == {'unstable_loss'}
    assert 'sc_accuracy' in symptoms(acc=swinging, changes={'delta': 0.2})
    assert symptoms(acc=[0.9] * 3, val_acc=[0.1] * 3, determine_threshold=3) == {
        'sc_accuracy', 'test_not_well'}


def test_history_reasons_name_the_numbers():
    found = loss_issue(state_of(acc=[0.5, 0.625, 0.5, 0.625]), 10, params(zeta=0.05))
    assert '0.05 1 times in 4 epochs: 0.25' in found['unstable_loss']
    assert 'η = 0.2' in found['unstable_loss']
    assert found['not_converge'] == 'max(Acc) = 0.625 < Θ = 0.7'
    assert found['sc_accuracy'] is None
    found = loss_issue(state_of(acc=[0.5, 0.507, 0.5]), 10, params())
    assert '0.007 ≤ δ = 0.01' in found['sc_accuracy']
    found = loss_issue(state_of(loss=[1.0, NAN, INF]), 10, params())
    assert found['nan_loss'] == 'loss = nan at epoch 2 is not a finite number'


# ------------------------------------------------------------------ symptoms read from a probe

GRADIENT_TABLE = [
    # summary, symptoms
    (summary(), set()),
    (summary(1.0, 1.0), set()),
    (summary(1.0), set()),                                     # a single kernel: ratio 1
    (summary(1e-4, 0.1), {'vanish_gradient'}),                 # exactly β1 and β2
    (summary(1.1e-4, 1.0), set()),                             # the ratio alone is not enough
    (summary(1e-5, 1e-3), set()),                              # nor is a small first norm
    (summary(1e-5, 1e5, 1.0), {'vanish_gradient'}),            # first and last count, no other
    (summary(0.0, 1.0), {'vanish_gradient'}),
    (summary(0.0, 0.0), {'vanish_gradient'}),
    (summary(1.0, 0.0), set()),                                # a last norm of 0 says nothing
    (summary(70.0, 1.0), {'explode_gradient'}), (summary(69.9, 1.0), set()),   # exactly β3
    (summary(1e9, 1e9), set()),
    (summary(1.0, 1.0, zero_share=0.7), {'died_relu'}),        # exactly γ
    (summary(1.0, 1.0, zero_share=0.6999), set()),
    (summary(1.0, 1.0, zero_share=0.9, rectified=False), set()),
    (summary(0.0, 0.0, zero_share=1.0), {'died_relu', 'vanish_gradient'}),
    (summary(0.0, 0.0, zero_share=1.0, rectified=False), {'vanish_gradient'}),
    (summary(70.0, 1.0, zero_share=0.8), {'died_relu', 'explode_gradient'}),
    (summary(zero_share=0.8), {'died_relu'}),                  # no kernel at all
    (summary(NAN, 1.0, finite=False), {'nan_gradient'}),
    (summary(0.0, 0.0, zero_share=1.0, finite=False), {'nan_gradient'}),
]


@pytest.mark.parametrize('gradients, expected', GRADIENT_TABLE)
def test_symptoms_of_the_gradients(gradients, expected):
    found = gradient_issue(gradients, params())
    assert {name for name, reason in found.items() if reason} == expected


def test_thresholds_of_the_gradients_are_the_callers():
    assert gradient_issue(summary(0.5, 1.0), params(beta_1=0.5, beta_2=0.5))['vanish_gradient']
    assert gradient_issue(summary(2.0, 1.0), params(beta_3=2))['explode_gradient']
    assert gradient_issue(summary(1.0, zero_share=0.1), params(gamma=0.1))['died_relu']


def test_gradient_reasons_name_the_numbers():
    found = gradient_issue(summary(2e-7, 0.1, zero_share=0.75), params())
    assert found['vanish_gradient'] == (
        '‖G1‖/‖Gn‖ = 2e-06 ≤ β1 = 0.001 and ‖G1‖ = 2e-07 ≤ β2 = 0.0001')
    assert found['died_relu'] == 'share of zero gradients = 0.75 ≥ γ = 0.7'
    found = gradient_issue(summary(140.0, 1.0), params())
    assert found['explode_gradient'] == '‖G1‖/‖Gn‖ = 140 ≥ β3 = 70'


@pytest.mark.parametrize('facts, expected', [
    ({}, set()), ({'weights_finite': False}, {'nan_weight'}),
    ({'largest_weight': 1e3}, {'large_weight'}), ({'largest_weight': 999.0}, set()),
])
def test_symptoms_of_the_weights(facts, expected):
    found = weights_issue(summary(1.0, **facts))
    assert {name for name, reason in found.items() if reason} == expected


CATEGORICAL, BINARY = 'categorical_crossentropy', 'binary_crossentropy'
SPARSE = 'sparse_categorical_crossentropy'


@pytest.mark.parametrize('task, lowest_loss, flagged', [
    (Task(), 1.0, False),
    (Task(loss=CATEGORICAL, units=3, labels='one_hot'), 0.0, False),
    (Task(loss=CATEGORICAL, units=3, labels='one_hot'), -0.1, True),
    (Task(loss='mean_squared_error', units=1, labels='real'), -0.1, False),
    (Task(loss='', units=1), -5.0, False),
    (Task(loss=CATEGORICAL, units=2, labels='one_hot'), 0.0, False),
    (Task(loss=CATEGORICAL, units=1, labels='binary'), 0.0, True),
    (Task(loss=SPARSE, units=1, labels='binary'), 0.0, True),
    (Task(loss=SPARSE, units=10, labels='integer'), 0.0, False),
    (Task(loss=BINARY, units=3, labels='one_hot'), 0.0, True),
    (Task(loss='mean_squared_error', units=3, labels='one_hot'), 0.0, True),
    (Task(loss=BINARY, units=3, labels='multi_hot'), 0.0, False),
    (Task(loss=BINARY, units=2, labels='one_hot'), 0.0, False),
    (Task(loss='', units=3, labels='one_hot'), 0.0, False),
    (Task(loss=BINARY, units=1, labels='binary'), 0.0, False),
    (Task(loss='mean_squared_error', units=1, labels='binary'), 0.0, True),
    (Task(loss='', units=1, labels='binary'), 0.0, False),
    (Task(loss='mean_squared_error', units=1, labels='real'), 0.0, False),
    (Task(loss=BINARY, units=1, labels='binary'), NAN, False),
    (Task(loss='kl_divergence', units=3, labels='one_hot'), 0.0, False),
    (Task(loss='categorical_focal_crossentropy', units=3, labels='one_hot'), 0.0, False),
    (Task(loss='hinge', units=1, labels='binary'), 0.0, False),
    (Task(loss='a_loss_of_ones_own', units=3, labels='one_hot'), 0.0, False),
    (Task(loss=CATEGORICAL, units=3, labels='binary'), 0.0, True),
])
def test_loss_function_issue(task, lowest_loss, flagged):
    assert bool(loss_function_issue(task, lowest_loss)) is flagged


def outputs(lowest=0.0, highest=1.0, largest_sum=1.0):
    return OutputSummary((), lowest, highest, largest_sum)


SOFTMAX = Task(loss=CATEGORICAL, head='softmax', units=3)
SIGMOID = Task(loss=BINARY, head='sigmoid', units=1)


@pytest.mark.parametrize('loss, units, labels, counts', [
    ('mean_squared_error', 1, 'real', False), ('mean_squared_error', 3, 'real', False),
    ('mean_absolute_error', 1, 'integer', False), ('', 1, 'real', False),
    ('mean_squared_error', 1, 'binary', True), ('mean_squared_error', 3, 'one_hot', True),
    ('mean_squared_error', 3, 'integer', True), ('mean_squared_error', 1, '', True),
    ('categorical_crossentropy', 3, 'real', True),  # shares as labels
    ('binary_crossentropy', 1, 'integer', True), ('', 0, '', True),
])
def test_accuracy_says_nothing_of_a_regression(loss, units, labels, counts):
    assert accuracy_counts(Task(loss=loss, units=units, labels=labels)) is counts


@pytest.mark.parametrize('task, measured, flagged', [
    (SOFTMAX, outputs(), False),
    (SOFTMAX, outputs(largest_sum=1.1), False),                 # exactly ω2 + 0.1
    (SOFTMAX, outputs(largest_sum=1.11), True),
    (SOFTMAX, outputs(largest_sum=0.89), True), (SOFTMAX, outputs(largest_sum=0.95), False),
    (SOFTMAX, outputs(lowest=-0.01), True),
    (SOFTMAX._replace(head='relu'), outputs(largest_sum=0.0), True),
    (SOFTMAX._replace(units=1), outputs(largest_sum=5.0), False),   # the loss is at fault there
    (SIGMOID, outputs(), False),
    (SIGMOID, outputs(highest=1.01), True), (SIGMOID, outputs(lowest=-0.01), True),
    (SIGMOID._replace(head='softmax'), outputs(), True),
    (SIGMOID._replace(units=3), outputs(largest_sum=2.5), False),   # several labels a row
    (Task(loss='mean_squared_error', head='linear', units=1), outputs(-9, 9, 9), False),
    (Task(), outputs(-9, 9, 9), False),
])
def test_layer_issue(task, measured, flagged):
    assert bool(layer_issue(task, measured, params())) is flagged


@pytest.mark.parametrize('scale, flagged', [
    (9.99, False), (10.0, True), (1e6, True), (0.0, False), (NAN, False),
])
def test_data_issue(scale, flagged):
    reason = data_issue(Task(input_scale=scale), params())
    assert bool(reason) is flagged
    if flagged:
        assert '%.3g' % scale in reason and 'ω1 = 10' in reason


def test_configuration_reasons_name_the_numbers():
    assert 'the model has 1' in loss_function_issue(Task(loss=CATEGORICAL, units=1))
    reason = loss_function_issue(Task(loss='mean_squared_error', units=3, labels='one_hot'))
    assert 'one-hot' in reason and '3 outputs' in reason and CATEGORICAL in reason
    assert layer_issue(SOFTMAX._replace(logits=True), outputs(-5.0, 9.0, 4.0), params()) is None
    assert '-0.25' in loss_function_issue(Task(loss=CATEGORICAL, units=3), -0.25)
    reason = layer_issue(SOFTMAX._replace(head='relu'), outputs(-0.5, 9.0, 4.25), params())
    assert 'relu' in reason and '3 outputs sum to 4.25' in reason and '-0.5' in reason
    reason = layer_issue(SIGMOID._replace(head='linear'), outputs(-2.0, 3.0), params())
    assert 'linear' in reason and '-2' in reason and '3' in reason


# ------------------------------------------------------------------------------- the recognizer

def history_of(acc, loss=None, val_acc=None, val_loss=None):
    return {'loss': loss or [1.0] * len(acc), 'acc': list(acc), 'val_acc': list(val_acc or ()),
            'val_loss': list(val_loss or ())}


FLAT = history_of([0.1] * 3)             # neither converged nor fast
FAST = history_of([0.1, 0.3, 0.4])       # not converged, but it moves
GOOD = history_of([0.1, 0.8, 0.9])
WILD = history_of([0.1, 0.6, 0.1, 0.6])  # not converged, swinging
HEALTHY = summary(1.0, 1.0)
VANISHED, EXPLODED = summary(1e-6, 1.0), summary(100.0, 1.0)
DEAD = summary(0.0, 0.0, zero_share=1.0)

DIAGNOSES = [
    # history, gradients, issues
    (GOOD, None, []), (GOOD, HEALTHY, []),
    (GOOD, VANISHED, []), (GOOD, EXPLODED, []), (GOOD, DEAD, []),    # the accuracy clause
    (FAST, None, []), (FAST, HEALTHY, []),
    (FAST, VANISHED, ['vanish']), (FAST, EXPLODED, ['explode']), (FAST, DEAD, ['relu']),
    (FAST, summary(100.0, 1.0, zero_share=0.8), ['relu']),           # relu before explode
    (FAST, summary(1e-6, 1.0, zero_share=0.8), ['relu']),            # relu before vanish
    (FAST, summary(1e-6, 1.0, weights_finite=False), ['explode']),   # explode before vanish
    (FAST, summary(1.0, finite=False), ['explode']),
    (GOOD, summary(1.0, finite=False), []), (GOOD, summary(1.0, weights_finite=False), []),
    (FLAT, None, ['not_converge']), (FLAT, HEALTHY, ['not_converge']),
    (FLAT, VANISHED, ['vanish']), (FLAT, EXPLODED, ['explode']), (FLAT, DEAD, ['relu']),
    (WILD, None, ['unstable']), (WILD, HEALTHY, ['unstable']),
    (WILD, VANISHED, ['vanish', 'unstable']),                        # a gradient outranks it
    (history_of([0.1, 0.9, 0.1, 0.9]), None, ['unstable']),          # learns and swings
    (history_of([0.1, 0.3, 0.4], loss=[1.0, 1.0, 1e3]), HEALTHY, ['explode']),
    (history_of([0.1], loss=[NAN]), None, ['explode']),              # before any judgment
    (history_of([0.9] * 3, loss=[1.0, NAN, 1.0]), HEALTHY, ['explode']),
    (history_of([0.1, 0.6, 0.1, 0.6], loss=[NAN] * 4), DEAD, ['explode']),
    (history_of([]), None, []), (history_of([0.1]), VANISHED, []),
    (history_of([0.1, 0.1]), VANISHED, []),
    ({'loss': [1.0] * 5}, VANISHED, []),                             # no accuracy at all
    (history_of([0.0, 0.01, 0.0]), None, ['not_converge']),          # a gain of exactly δ
    (history_of([0.1, 0.7, 0.7]), VANISHED, []),                     # exactly Θ
]


@pytest.mark.parametrize('history, gradients, issues', DIAGNOSES)
def test_diagnosis(history, gradients, issues):
    monitor = IssueMonitor(total_epoch=10)
    assert monitor.determine(None, history, gradients) == issues
    assert bool(monitor.reason) == bool(issues)
    for issue in issues:
        assert issue + ': ' in monitor.reason


@pytest.mark.parametrize('key', ['loss', 'acc', 'val_loss', 'val_acc'])
@pytest.mark.parametrize('value', [NAN, INF, -INF])
def test_a_log_value_that_is_no_number_is_a_verdict_at_any_epoch(key, value):
    """Also in a run that had learnt, and long before anything else is judged."""
    history = dict(history_of([0.9], val_acc=[0.9], val_loss=[1.0]), **{key: [value]})
    assert IssueMonitor(total_epoch=100).determine(None, history, None) == ['explode']


@pytest.mark.parametrize('task, measured, history, issues', [
    (SOFTMAX, outputs(largest_sum=9.0), FAST, ['activation_issue']),
    (SOFTMAX, outputs(largest_sum=9.0), GOOD, []),               # it trains: leave it alone
    (SOFTMAX, None, FAST, []),
    (Task(loss='mean_squared_error', units=3, labels='one_hot'), None, FAST, ['loss_issue']),
    (Task(input_scale=50.0), None, FAST, ['abnormal_data']),
    (Task(input_scale=50.0), None, GOOD, []),
    (SOFTMAX._replace(input_scale=50.0), outputs(lowest=-1.0), FLAT,
     ['abnormal_data', 'activation_issue', 'not_converge']),
    (Task(loss=BINARY, units=3, labels='one_hot', input_scale=50.0), outputs(lowest=-1.0), WILD,
     ['abnormal_data', 'activation_issue', 'loss_issue', 'unstable']),
    (Task(input_scale=50.0), None, history_of([0.1], loss=[NAN]), ['abnormal_data', 'explode']),
    (SOFTMAX._replace(head='relu'), None, history_of([0.1], loss=[NAN]),
     ['activation_issue', 'explode']),
    (SOFTMAX._replace(head='relu', logits=True), None, history_of([0.1], loss=[NAN]), ['explode']),
    (SOFTMAX._replace(head='softmax'), None, history_of([0.1], loss=[NAN]), ['explode']),
    (Task(loss='mean_squared_error', head='linear', units=1, labels='real'), None,
     history_of([0.1], loss=[NAN]), ['explode']),
])
def test_configuration_faults_come_first(task, measured, history, issues):
    monitor = IssueMonitor(total_epoch=10, task=task)
    assert monitor.determine(None, history, HEALTHY, layer_output=measured) == issues


def test_the_reason_names_every_number_that_decided():
    monitor = IssueMonitor(total_epoch=10)
    monitor.determine(None, FLAT, VANISHED)
    assert monitor.reason == ('vanish: ‖G1‖/‖Gn‖ = 1e-06 ≤ β1 = 0.001 and ‖G1‖ = 1e-06 ≤ '
                              'β2 = 0.0001, and max(Acc) = 0.1 < Θ = 0.7')
    monitor.determine(None, FLAT, HEALTHY)
    assert monitor.reason == ('not_converge: the largest accuracy gain of an epoch is 0 ≤ '
                              'δ = 0.01, and max(Acc) = 0.1 < Θ = 0.7')


def test_features_carry_the_symptoms_that_did_not_decide_too():
    monitor = IssueMonitor(total_epoch=10)
    assert monitor.determine(None, GOOD, VANISHED) == []
    assert {name for name, there in monitor.feature.items() if there} == {'vanish_gradient'}
    monitor.determine(None, GOOD, HEALTHY)
    assert not any(monitor.feature.values())


def checks(monitor, gradients, first=3):
    """Issues of one check per epoch, the accuracy standing still, from epoch ``first`` on."""
    return [monitor.determine(None, history_of([0.1] * epoch), one)
            for epoch, one in enumerate(gradients, first)]


@pytest.mark.parametrize('name, window, gradients, issue', [
    ('alpha_1', 0, VANISHED, 'vanish'), ('alpha_1', 2, VANISHED, 'vanish'),
    ('alpha_2', 2, EXPLODED, 'explode'), ('alpha_3', 2, DEAD, 'relu'),
])
def test_windows_ask_for_further_checks_in_a_row(name, window, gradients, issue):
    monitor = IssueMonitor(total_epoch=10, params={name: window, 'beta_1': 1e-3, 'delta': -1})
    if issue == 'relu':  # all-zero gradients have vanished too
        monitor.params['alpha_1'] = 99
    assert checks(monitor, [gradients] * 4) == [[]] * window + [[issue]] * (4 - window)


def test_a_window_starts_again_after_a_check_without_the_symptom():
    monitor = IssueMonitor(total_epoch=10, params={'alpha_1': 1, 'delta': -1})
    assert checks(monitor, [VANISHED, HEALTHY, VANISHED, VANISHED]) == [[], [], [], ['vanish']]


def test_checks_before_the_judgment_point_do_not_fill_a_window():
    monitor = IssueMonitor(total_epoch=20, params={'alpha_1': 1, 'delta': -1})
    assert checks(monitor, [VANISHED] * 4, first=4) == [[], [], [], ['vanish']]


def test_the_verdict_does_not_depend_on_how_often_it_is_asked_for():
    acc = [0.1, 0.6, 0.1, 0.6, 0.1, 0.6, 0.2]
    often, once = IssueMonitor(total_epoch=10), IssueMonitor(total_epoch=10)
    for epoch in range(1, len(acc) + 1):
        last = often.determine(None, history_of(acc[:epoch]), HEALTHY)
    assert once.determine(None, history_of(acc), HEALTHY) == last == ['unstable']
    assert once.reason == often.reason


OVERFITTED = history_of([0.9] * 6, val_acc=[0.75] * 6, val_loss=[1, 2, 3, 4, 5, 6])
COLLAPSED = history_of([0.95] * 5 + [0.1] * 10, loss=[0.1] * 5 + [2.3] * 10)


@pytest.mark.parametrize('history, name', [(OVERFITTED, 'overfit'), (COLLAPSED, 'collapse')])
def test_optional_issues_are_judged_where_they_are_asked_for(history, name):
    assert IssueMonitor(total_epoch=20).determine(None, history, None) == []
    monitor = IssueMonitor(total_epoch=20, optional_issues=[name])
    assert monitor.determine(None, history, None) == [name]
    assert monitor.reason.startswith(name + ': ')


def test_epochs_without_validation_say_nothing_of_overfitting():
    """As with validation_freq=2: the epochs between neither add to the count nor end it."""
    gaps = dict(history_of([0.9] * 12), val_acc=[None, 0.75] * 6,
                val_loss=[None, 1, None, 2, None, 3, None, 4, None, 5, None, 6])
    monitor = IssueMonitor(total_epoch=20, optional_issues=['overfit'])
    assert monitor.determine(None, gaps, None) == ['overfit']


@pytest.mark.parametrize('loss, acc, losses, issues', [
    (CATEGORICAL, [0.1, 0.3, 0.4], [1e6, 1e6, 1e6], ['explode']),
    (CATEGORICAL, [0.1, 0.3, 0.4], [1e6, 1e6, 1.0], []),   # it is over
    (CATEGORICAL, [0.1, 0.8, 0.9], [1e6, 1e6, 1e6], []),   # it trains nevertheless
    ('mean_squared_error', [0.1, 0.3, 0.4], [1e6, 1e6, 1e6], []),
    ('my_own', [0.1, 0.3, 0.4], [1e6, 1e6, 1e6], []),
])
def test_a_large_loss_counts_where_it_goes_by_classes(loss, acc, losses, issues):
    """The square of an error in euros is large in the best of trainings."""
    monitor = IssueMonitor(10, task=Task(loss=loss))
    assert monitor.determine(None, history_of(acc, loss=losses), HEALTHY) == issues


@pytest.mark.parametrize('changes, expected', [
    (None, DEFAULT_PARAMS), ({}, DEFAULT_PARAMS),
    ({'beta_3': 10}, dict(DEFAULT_PARAMS, beta_3=10)),
    ({'Theta': 0.5}, dict(DEFAULT_PARAMS, Theta=0.5)),
])
def test_params_are_completed(changes, expected):
    assert check_params(changes, satisfied_acc=0.7) == expected


def test_theta_is_the_satisfied_accuracy_unless_it_is_given():
    assert IssueMonitor(10).params['Theta'] == 0.7
    assert IssueMonitor(10, satisfied_acc=0.6).params['Theta'] == 0.6
    assert IssueMonitor(10, satisfied_acc=0.6, params={'Theta': 0.9}).params['Theta'] == 0.9


@pytest.mark.parametrize('changes', [{'beta_4': 1}, {'beta_1': '1e-3'}, {'eta': NAN},
                                     {'eta': INF}, {'zeta': None}, {'zeta': True}])
def test_wrong_params_are_quoted(changes):
    (name, value), = changes.items()
    with pytest.raises(ValueError) as error:
        IssueMonitor(10, params=changes)
    assert repr(name) in str(error.value)
    assert repr(value) in str(error.value) or 'beta_1' in str(error.value)


def test_a_wrong_optional_issue_is_quoted():
    with pytest.raises(ValueError) as error:
        IssueMonitor(10, optional_issues=['colapse'])
    assert "'colapse'" in str(error.value) and 'collapse' in str(error.value)
