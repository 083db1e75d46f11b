"""Targets scaled, labels set right, rows shuffled and divided anew; answers keep their units."""

import numpy as np
import pytest
from candidates import (
    L,
    apply,
    build,
    candidate,
    keras,
    one_hot,
    train,
    why_not,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer import keras_bridge
from AutoTrainer.solutions.candidate import TargetScale
from AutoTrainer.solutions.rows import DECADES, spans_decades

ROWS = 64
NUMBERS = np.random.RandomState(0)
X = NUMBERS.randn(ROWS, 4).astype('float32')
LARGE = (5e4 + 1e4 * X[:, 0]).astype('float32')
DECADED = np.exp(4 * NUMBERS.randn(ROWS)).astype('float32')


def with_outputs(units, head='linear'):
    return lambda: keras.Sequential([keras.Input((4,)), L.Dense(5, activation='relu', name='fc'),
                                     L.Dense(units, activation=head, name='out')])


def regression(y, units=1, loss='mse', head='linear', **settings):
    return candidate(with_outputs(units, head), x=X, y=y, loss=loss, **settings)


# ------------------------------------------------------------------------------- scaled targets

@pytest.mark.parametrize('y, units, logarithm', [
    (LARGE, 1, False), (LARGE[:, None], 1, False), (0.001 * X[:, 0], 1, False),
    (np.arange(ROWS), 1, False), (np.stack([LARGE, 3 * X[:, 0], X[:, 1]], axis=1), 3, False),
    (DECADED, 1, True), (np.stack([DECADED, 100 * DECADED], axis=1), 2, True)])
def test_targets_are_scaled_and_answers_come_back(y, units, logarithm):
    changed, words = apply('targets', regression(y, units, val=(X[:8], y[:8])))
    scale, data = changed.targets, changed.training.dataset
    scaled = np.asarray(data['y']).reshape(ROWS, -1)
    assert scale.logarithm is logarithm and ('logarithm' in words) is logarithm
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(scaled.std(axis=0), 1, atol=1e-3)
    assert data['y'].shape == np.shape(y) and data['y'].dtype == np.float32
    assert np.array_equal(data['y_val'], data['y'][:8])    # by the numbers of the training rows
    assert np.allclose(scale.of_outputs(scaled), np.asarray(y).reshape(ROWS, -1), rtol=1e-3,
                       atol=1e-4)
    assert 'scaled already' in why_not('targets', changed)
    train(changed)


def test_targets_of_a_sequence():
    def by_step():
        x = keras.Input((5, 3))
        return keras.Model(x, L.Dense(2)(L.GRU(4, return_sequences=True)(x)))

    y = (1000 + 50 * NUMBERS.randn(16, 5, 2)).astype('float32')
    changed, _ = apply('targets', candidate(by_step, y=y, loss='mae'))
    scaled = changed.training.dataset['y']
    assert scaled.shape == y.shape and len(changed.targets.scale) == 2
    assert np.allclose(scaled.reshape(-1, 2).std(axis=0), 1, atol=1e-3)
    assert np.allclose(changed.targets.of_outputs(scaled), y, rtol=1e-4)


def test_a_column_without_any_spread_is_only_moved():
    y = np.stack([LARGE, np.full(ROWS, 7.0)], axis=1)
    changed, _ = apply('targets', regression(y, 2))
    assert changed.targets.scale[1] == 1 and not changed.training.dataset['y'][:, 1].any()


@pytest.mark.parametrize('y, units, loss, why', [
    (X[:, 0] * 1.0, 1, 'mse', 'mean 0 and deviation 1 already'),
    (LARGE, 1, 'binary_crossentropy', 'the loss is of classes'),
    (np.arange(ROWS) % 2, 1, 'mse', 'the labels are classes'),
    (one_hot(ROWS), 3, 'mse', 'the labels are classes'),
    (np.arange(3 * ROWS).reshape(ROWS, 3) % 2, 3, 'mse', 'the labels are classes'),
    (np.where(X[:, 0] > 1, np.nan, LARGE), 1, 'mse', 'not finite'),
    ([LARGE, LARGE], 1, 'mse', 'several outputs'), ({'out': LARGE}, 1, 'mse', 'several outputs')])
def test_why_targets_are_left_alone(y, units, loss, why):
    assert why in why_not('targets', regression(y, units, loss))


@pytest.mark.parametrize('values, expected', [
    ([1, 10, 100, 1e3, 1e4, 1e5], True), ([1, 2, 3, 4, 5, 6], False), ([-1, 10, 1e5, 1e6], False),
    ([0, 0, 0, 0, 1e6], True),                              # from the median to the largest
    ([1e6, 1.1e6, 1.2e6], False), ([0.0] * 5, False)])
def test_spans_decades(values, expected):
    assert spans_decades(np.array(values, float).reshape(-1, 1)) is expected
    both = np.stack([values, np.linspace(0, 1, len(values))], axis=1)
    assert spans_decades(both) is False                     # in all outputs
    assert DECADES == 3


finite = st.floats(-1e6, 1e6)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(finite, st.floats(1e-3, 1e6)), min_size=1, max_size=3), st.booleans(),
       st.lists(st.floats(0, 1e6), min_size=1, max_size=9))
def test_a_scale_is_taken_back(columns, logarithm, values):
    offset, scale = zip(*columns)
    found = TargetScale(offset if not logarithm else tuple(o / 1e6 for o in offset), scale,
                        logarithm)
    y = np.stack([values] * len(columns), axis=1)
    # float32 holds some seven digits of the larger of label and offset
    loss = 1e-5 * (1 + np.abs(y) + np.max(np.abs(found.offset)))
    back = found.of_outputs(found.of_labels(y))
    assert back.shape == y.shape
    assert np.all(np.abs(back - y) <= loss * (20 if logarithm else 1))


# ------------------------------------------------------------------------------------- the labels

@pytest.mark.parametrize('y, expected, mark, words', [
    (np.array([-1, 1, 1, -1] * 16), [0, 1, 1, 0], 'zero-one', 'labels -1 and 1 → 0 and 1'),
    (np.array([1, 2, 1, 2] * 16), [0, 1, 0, 1], 'zero-one', 'labels 1 and 2 → 0 and 1'),
    (np.array([0, 255, 0, 0] * 16), [0, 1, 0, 0], 'zero-one', 'labels 0 and 255 → 0 and 1'),
    (np.array([0.25, 0.75, 0.25, 0.25] * 16), [0, 1, 0, 0], 'zero-one',
     'labels 0.25 and 0.75 → 0 and 1'),
    (np.array([0, 0.5, 1, 0.5] * 16, 'float32'), [0, 1, 2, 1], 'class numbers',
     'labels × 2, which makes them class numbers again'),
    (np.array([0, 1, 2, 9] * 16, 'float32') / 255, [0, 1, 2, 9], 'class numbers', None)])
@pytest.mark.parametrize('column', [False, True])
def test_labels(y, expected, mark, words, column):
    y = y[:, None] if column else y
    changed, said = apply('labels', regression(y, val=(X[:8], y[:8])))
    data = changed.training.dataset
    assert list(np.ravel(data['y'])[:4]) == expected and data['y'].shape == y.shape
    assert list(np.ravel(data['y_val'])) == expected * 2
    assert changed.labels == mark and (words is None or said == words)
    assert 'as they should be' in why_not('labels', changed)
    train(changed)


@pytest.mark.parametrize('y', [
    np.arange(ROWS) % 2, np.arange(ROWS) % 3, X[:, 0], one_hot(ROWS), np.zeros(ROWS),
    np.full(ROWS, 3.0), np.full(ROWS, np.nan), [X[:, 0], X[:, 1]]])
def test_labels_that_are_left_alone(y):
    assert 'as they should be' in why_not('labels', regression(y))


# --------------------------------------------------------------------------------------- the rows

def test_shuffle():
    given = regression(LARGE, shuffle=False)
    changed, _ = apply('shuffle', given)
    assert changed.training.shuffle and not given.training.shuffle
    assert 'shuffled already' in why_not('shuffle', changed)


ORDERED = np.arange(ROWS + 16)


@pytest.mark.parametrize('form', ['array', 'list', 'dictionary'])
def test_split_pools_the_rows(form):
    """As many rows of each kind, every row once, with its own label."""
    def parts(rows):
        column = rows[:, None].astype('float32')
        return {'array': column, 'list': [column, 2 * column],
                'dictionary': {'a': column, 'b': 2 * column}}[form]

    given = regression(ORDERED[:ROWS])
    given = given._replace(training=given.training._replace(dataset={
        'x': parts(ORDERED[:ROWS]), 'y': ORDERED[:ROWS], 'x_val': parts(ORDERED[ROWS:]),
        'y_val': ORDERED[ROWS:]}))
    one, again, other = [apply('split', given, seed=seed)[0] for seed in (1, 1, 2)]
    data = one.training.dataset
    assert one.split and len(data['y']) == ROWS and len(data['y_val']) == 16
    assert sorted(np.concatenate([data['y'], data['y_val']])) == list(ORDERED)
    assert min(data['y_val']) < ROWS and max(data['y']) >= ROWS
    for key in ('', '_val'):
        x = data['x' + key]
        first, second = (x, None) if form == 'array' else x if form == 'list' else (x['a'], x['b'])
        assert np.array_equal(first[:, 0], data['y' + key])
        assert second is None or np.array_equal(second, 2 * first)
    assert np.array_equal(again.training.dataset['y'], data['y'])
    assert not np.array_equal(other.training.dataset['y'], data['y'])
    assert 'divided anew already' in why_not('split', one)
    assert list(given.training.dataset['y']) == list(ORDERED[:ROWS])


def test_split_needs_validation_rows():
    assert 'no validation rows' in why_not('split', regression(LARGE))


def test_a_scaled_regression_trains_where_the_raw_one_overflows():
    given = regression(1e6 * X[:, 0], optimizer='SGD', learning_rate=0.1, epochs=3)
    raw = train(given, 3).get_weights()
    scaled = train(apply('targets', given)[0], 3).get_weights()
    assert not all(np.all(np.isfinite(w)) and np.abs(w).max() < 1e3 for w in raw)
    assert all(np.abs(w).max() < 10 for w in scaled)
    assert keras_bridge.output_units(build(given)) == 1
