"""Who runs in a race, in which order and why; nothing is trained or built."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from candidates import MODELS, L, candidate, keras, one_hot

from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.losses import loss_name
from AutoTrainer.judge.preflight import CERTAIN, LIKELY, NOTE, Finding
from AutoTrainer.solutions.entrants import (
    MENDS,
    OF_THE_ROWS,
    ORDER,
    Diagnosis,
    Limits,
    Offers,
    prepared,
)
from AutoTrainer.utils.repair import SOLUTIONS

JUDGE = Path(__file__).resolve().parents[2] / 'AutoTrainer' / 'judge'
ROWS = 64
X = (30 + 20 * np.random.RandomState(0).randn(ROWS, 4)).astype('float32')
TWO = np.arange(ROWS) % 2
MANY = 400


def sigmoids():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(5, activation='sigmoid', name='fc1'),
        L.Dropout(0.5), L.Dense(5, activation='sigmoid', name='fc2'),
        L.Dense(1, activation='softmax', name='out')])


def base(build=sigmoids, **settings):
    usual = dict(x=X, y=TWO, loss='binary_crossentropy', epochs=10)
    return candidate(build, **dict(usual, **settings))


def finding(name, severity=CERTAIN):
    return Finding(name, severity, 'it is so', 'change it', 'loss_issue')


def offers(issues=('vanish',), findings=(), given=None, solutions=SOLUTIONS, **settings):
    return Offers(base() if given is None else given, Diagnosis(tuple(issues), tuple(findings)),
                  solutions, **settings)


def listed(found, most=MANY, leading=()):
    """All candidates that are offered."""
    entrants = []
    while len(entrants) < most:
        entrant = found(leading)
        if entrant is None:
            break
        entrants.append(entrant)
    return entrants


def names(entrant):
    return [name for name, _ in entrant.steps]


def is_drawn(entrant):
    return entrant.name.endswith('draw')


def would_train(entrant):
    """Everything that says what a candidate trains, as text."""
    given = entrant.candidate
    how, optimizer = given.training, given.training.optimizer
    config = {key: value for key, value in optimizer['config'].items() if key != 'name'}
    return json.dumps([
        given.model.config, sorted(given.model.weights), optimizer['class_name'], config,
        loss_name(how.loss), how.batch_size, how.epochs, how.shuffle, len(how.callbacks),
        given.targets, given.labels, given.split], sort_keys=True, default=str)


# -------------------------------------------------------------------------------------- the tables

WITHOUT = {'nan_in_labels', 'nan_in_inputs', 'constant_inputs', 'constant_columns',
           'duplicate_columns', 'same_rows', 'one_label', 'label_among_inputs', 'text_in_inputs',
           'text_in_labels', 'beyond_vocabulary', 'weights_at_rest', 'layers_at_rest',
           'rows_of_another_kind', 'overfit', 'labels_broadcast', 'rows_mixed',
           'other_in_inference', 'stand_in_numbers', 'outlying_labels',
           'validation_scaled_otherwise'}
"""Findings that only other rows mend, or another program."""


def test_every_finding_is_mended_or_said_to_be_without_a_mend():
    text = ''.join(path.read_text(encoding='utf-8') for path in sorted(JUDGE.glob('*.py')))
    found = {name for pair in re.findall(
        r"\b(?:Finding|_head|_loss|_data)\(\s*'(\w+)'(?: if \w+ else '(\w+)')?", text)
        for name in pair if name}
    assert len(found) > 45 and not set(MENDS) & WITHOUT
    assert found == set(MENDS) | WITHOUT


def test_mends_and_cures_are_solutions_in_the_order():
    every = list(MENDS.values()) + [cure for issue in ISSUES.values() for cure in issue.cures]
    for entry in every:
        parts = entry.split('+')
        assert set(parts) <= set(ORDER) and len(set(parts)) == len(parts), entry
    assert set(ORDER) <= set(SOLUTIONS) and len(set(ORDER)) == len(ORDER)
    assert set(OF_THE_ROWS) <= set(ORDER)


def test_every_issue_that_stops_a_training_has_cures():
    assert {name for name, issue in ISSUES.items() if not issue.cures} == {'no_signal'}


# --------------------------------------------------------------------------------------- the order

def test_the_first_mends_findings_and_cause_together():
    found = offers(['activation_issue', 'vanish'], [
        finding('softmax_of_one'), finding('dropout_leaves_nothing', LIKELY),
        finding('column_scale', NOTE)])
    first, second, third = [found() for _ in range(3)]
    assert names(first) == ['head', 'less_dropout'] and first.name == 'head+less_dropout'
    assert 'softmax_of_one, dropout_leaves_nothing' in first.why
    assert 'column_scale' not in first.why and ISSUES['activation_issue'].words in first.why
    # then at a step that fits
    assert names(second) == ['head', 'less_dropout', 'less_batch', 'step']
    # then everything that could be in the way, notes too
    assert set(names(third)) >= {'head', 'data', 'less_dropout', 'wider', 'relu', 'weights',
                                 'less_batch', 'step'}
    assert 'everything' in third.why
    assert [entrant.number for entrant in (first, second, third)] == [1, 2, 3]


@pytest.mark.parametrize('issue', sorted(name for name, issue in ISSUES.items() if issue.cures))
def test_the_first_cure_of_the_named_cause_comes_first(issue):
    """Whatever else was seen; as far as the model has something to change."""
    cure = ISSUES[issue].cures[0].split('+')
    first = offers([issue, 'underfit'])()
    assert set(names(first)) <= set(cure) | {'less_batch', 'step'}
    assert set(names(first)) & set(cure)
    third = listed(offers([issue]), 3)
    assert any('everything' in entrant.why for entrant in third)


def test_what_was_seen_too_comes_after_the_cause():
    entrants = [entrant for entrant in listed(offers(['vanish', 'unstable'])) if not is_drawn(
        entrant)]
    whys = [entrant.why for entrant in entrants]
    of_cause = [i for i, why in enumerate(whys) if 'solution of %s' % ISSUES['vanish'].words in why]
    of_other = [i for i, why in enumerate(whys) if ISSUES['unstable'].words in why]
    assert of_cause and of_other and max(of_cause) < min(of_other)
    assert ISSUES['unstable'].words in whys[of_other[0]] and 'seen too' in whys[of_other[0]]


def test_steps_are_applied_in_order_and_each_says_what_it_does():
    for entrant in listed(offers(['vanish', 'unstable'], [finding('softmax_of_one')])):
        places = [ORDER.index(name) for name in names(entrant)]
        assert places == sorted(places) and len(set(places)) == len(places)
        assert len(entrant.words) == len(entrant.steps) + is_drawn(entrant)
        assert all(entrant.words) and entrant.why
        assert entrant.name == '+'.join(names(entrant) + ['draw'] * is_drawn(entrant))


BASES = {'sigmoids': base, **{kind: (lambda kind=kind: candidate(
    MODELS[kind], epochs=10, loss='mse', y=one_hot(16))) for kind in sorted(MODELS)}}


@pytest.mark.parametrize('kind', sorted(BASES))
def test_no_two_are_alike(kind):
    given = BASES[kind]()
    found = offers(['underfit', 'vanish', 'collapse'], given=given)
    entrants = listed(found)
    texts = {would_train(entrant) for entrant in entrants}
    assert len(texts) == len(entrants) > 20
    assert [entrant.number for entrant in entrants] == list(range(1, len(entrants) + 1))
    assert found() is None and found() is None


def test_every_solution_in_the_order_runs_somewhere():
    """Or is one that a finding speaks for."""
    seen = set()
    for issue in ISSUES:
        for entrant in listed(offers([issue], [finding(name) for name in sorted(MENDS)])):
            seen.update(names(entrant))
    spoken = {name for entry in MENDS.values() for name in entry.split('+')}
    cures = {name for issue in ISSUES.values() for cure in issue.cures for name in cure.split('+')}
    assert set(ORDER) - seen - spoken - cures <= {'gradient'}


# -------------------------------------------------------------------------------------- the limits

@pytest.mark.parametrize('memory', [False, True])
@pytest.mark.parametrize('sufferance', range(4))
def test_limits_hold_for_all(sufferance, memory):
    found = offers(['vanish', 'activation_issue'], [finding('softmax_of_one')],
                   limits=Limits(sufferance, memory))
    entrants = listed(found)
    used = {SOLUTIONS[name] for entrant in entrants for name in names(entrant)}
    assert entrants and all(entry.sufferance <= sufferance for entry in used)
    assert not (memory and any(entry.memory for entry in used))
    left = [SOLUTIONS[name] for name in found.left_out]
    assert all(entry.sufferance > sufferance or memory and entry.memory for entry in left)
    expected = {'head': 1, 'relu': 2, 'bn': 3}
    assert {name for name in expected if name in found.left_out} == {
        name for name, level in expected.items()
        if level > sufferance or memory and SOLUTIONS[name].memory}
    assert len(set(found.left_out)) == len(found.left_out)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = L.Dense(4, activation='relu')
        self.out = L.Dense(1, activation='sigmoid')

    def call(self, x):
        return self.out(self.inner(x))


def subclassed():
    model = Own()
    model(X[:1])
    return model


def test_of_a_subclassed_model_only_the_training_changes():
    found = offers(['vanish'], [finding('column_scale', LIKELY)],
                   given=base(subclassed))
    entrants = listed(found)
    assert len(entrants) > 5
    assert all(SOLUTIONS[name].sufferance == 0 for entrant in entrants for name in names(entrant))
    assert all(entrant.candidate.model is entrants[0].candidate.model for entrant in entrants)
    assert {'data', 'selu', 'weights', 'wider', 'head'} <= set(found.left_out)
    assert not {'step', 'less_batch'} & set(found.left_out)


def test_the_cause_alone():
    """For measuring how often it is the right one: nothing general, nothing drawn."""
    entrants = listed(offers(['vanish', 'unstable'], [finding('softmax_of_one')], own=True))
    cures = [set(cure.split('+')) for cure in ISSUES['vanish'].cures]
    assert 1 <= len(entrants) <= len(cures)
    for entrant in entrants:
        assert any(set(names(entrant)) <= cure | {'head'} for cure in cures)
        assert 'head' in names(entrant) and not is_drawn(entrant)


def test_nothing_to_offer():
    """A single layer that is trained as everybody would, and a cause that nothing here cures."""
    def single():
        return keras.Sequential([keras.Input((4,)), L.Dense(1, activation='sigmoid')])

    found = offers(['no_signal'], given=base(single), own=True)
    assert found() is None and found.left_out == []


# ----------------------------------------------------------------------------------------- the lot

def drawn(seed=0, leading=(), given=None):
    return [entrant for entrant in listed(offers(given=given, seed=seed), leading=leading)
            if is_drawn(entrant)]


def test_draws_begin_when_the_list_runs_out():
    kinds = [is_drawn(entrant) for entrant in listed(offers())]
    assert kinds == sorted(kinds) and 5 < kinds.count(True) <= 30 and kinds.count(False) > 5


def test_draws_are_those_of_the_seed():
    given = base()
    one, again, other = [drawn(seed, given=given) for seed in (1, 1, 2)]
    assert [would_train(entrant) for entrant in one] == [would_train(entrant) for entrant in again]
    assert not {would_train(entrant) for entrant in one} & {
        would_train(entrant) for entrant in other}


def test_draws_stand_on_what_has_helped():
    """Its own step and batch aside; an activation that is drawn takes the place of another."""
    leading = (('head', 0), ('data', 0), ('relu', 0), ('less_batch', 0), ('step', 1))
    for entrant in drawn(leading=leading):
        assert {'head', 'data'} <= set(names(entrant))
        assert not {'step', 'less_batch', 'wider', 'weights'} & set(names(entrant))
        assert len({'relu', 'selu', 'tanh'} & set(names(entrant))) <= 1
        assert 'drawn by lot' in entrant.words[-1] and 'has helped' in entrant.why


def test_draws_stay_within_bounds():
    for entrant in drawn():
        how = entrant.candidate.training
        low, high = {'Adam': (3e-4, 3e-2), 'RMSprop': (3e-4, 1e-2), 'SGD': (3e-3, 0.3)}[
            how.optimizer['class_name']]
        assert 0.95 * low <= how.optimizer['config']['learning_rate'] <= 1.05 * high
        assert how.batch_size in (8, 16, 32, 64) and how.callbacks == ()
        assert loss_name(how.loss) == 'binary_crossentropy'  # no distance for classes


def test_draws_of_a_regression_try_another_distance():
    def plain_end():
        return keras.Sequential([keras.Input((4,)), L.Dense(5, activation='relu'), L.Dense(1)])

    given = base(plain_end, y=X[:, 0], loss='mse')
    found = {loss_name(entrant.candidate.training.loss) for entrant in listed(offers(given=given))
             if is_drawn(entrant)}
    assert found == {'mean_squared_error', 'mean_absolute_error'}


@pytest.mark.parametrize('seed', [0, 7])
def test_weights_drawn_anew_are_those_of_the_seed(seed):
    given = base()
    one, again, other = [
        [would_train(entrant) for entrant in listed(offers(given=given, seed=number), 8)]
        for number in (seed, seed, seed + 1)]
    assert one == again and one != other


# ------------------------------------------------------------------- what all of them begin with

HELD = {'val': (X[:16], np.where(TWO[:16] > 0, 1, -1))}


@pytest.mark.parametrize('found, steps', [
    ([], ()),
    ([finding('labels_not_zero_one')], (('labels', 0),)),
    ([finding('labels_not_zero_one', NOTE)], ()),                      # mere notes
    ([finding('validation_of_another_kind', LIKELY)], (('split', 0),)),
    ([finding('labels_not_zero_one'), finding('class_never_trained')],
     (('split', 0), ('labels', 0))),
    ([finding('softmax_of_one')], ())])                                # nothing of the rows
def test_prepared(found, steps):
    given = base(y=np.where(TWO > 0, 1, -1), **HELD)
    changed, applied, words = prepared(given, Diagnosis(('vanish',), tuple(found)), SOLUTIONS, 3)
    assert applied == steps and len(words) == len(steps)
    assert changed.split is (('split', 0) in steps)
    assert changed.labels == ('zero-one' if ('labels', 0) in steps else '')
    if not steps:
        assert changed is given


def test_prepared_rows_are_those_of_the_seed():
    given = base(y=np.where(TWO > 0, 1, -1), **HELD)
    diagnosis = Diagnosis((), (finding('validation_of_another_kind'),))
    one, again, other = [prepared(given, diagnosis, SOLUTIONS, seed)[0].training.dataset['x']
                         for seed in (1, 1, 2)]
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_what_does_not_apply_to_the_rows_is_left_out():
    changed, applied, words = prepared(
        base(), Diagnosis((), (finding('labels_not_zero_one'), finding('class_never_trained'))),
        SOLUTIONS, 0)
    assert (applied, words, changed.split, changed.labels) == ((), (), False, '')
