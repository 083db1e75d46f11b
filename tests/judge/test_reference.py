"""Rows that a training is held against: drawn once, measured output by output."""

import json

import numpy as np
import pytest

from AutoTrainer.judge import reference as reference_module
from AutoTrainer.judge.reference import MEASURED_ROWS, Constants, Measured, Reference, Target
from AutoTrainer.judge.skill import ACCURACY, SQUARED, Skill
from AutoTrainer.judge.yardstick import LEAST_ROWS, MOST_ROWS

ROWS = 3000
X = np.random.RandomState(0).randn(ROWS, 5)
CLASSES = (X[:, 0] > 0.5).astype(int)
AMOUNTS = X[:, :1] - X[:, 1:2]


def targets(y=CLASSES, y_val=None, labels='binary', units=1, logits=False):
    return [Target(y, y_val, labels, units, logits)]


# ------------------------------------------------------------------------- what a constant reaches

@pytest.mark.parametrize('y, labels, units, accuracy', [
    (CLASSES, 'binary', 1, 1 - CLASSES.mean()),
    (np.eye(2)[CLASSES], 'one_hot', 2, 1 - CLASSES.mean()),
    (CLASSES + 1, 'integer', 3, 1 - CLASSES.mean()),
    (2 * CLASSES - 1, 'integer', 1, None),              # Keras's accuracy says nothing of -1 and 1
    (AMOUNTS, 'real', 1, None),
    (np.eye(2, dtype=int)[CLASSES] | np.eye(2, dtype=int)[1 - CLASSES], 'multi_hot', 2, None),
    (np.array(['a'] * ROWS), '', 1, None),
])
def test_what_the_constant_answer_reaches(y, labels, units, accuracy):
    known = Reference(X, targets(y, y[:100], labels, units), X[:100])
    assert known.training.rows == ROWS and known.validation.rows == 100
    assert known.training.accuracy == pytest.approx(accuracy) if accuracy else (
        known.training.accuracy is None and known.validation.accuracy is None)


def test_without_validation_rows_and_with_several_outputs_less_is_known():
    assert Reference(X, targets()).validation is None
    several = Reference(X, targets() + targets(AMOUNTS, None, 'real'))
    assert several.training == Constants(ROWS)


# ----------------------------------------------------------------------------- the rows measured

@pytest.mark.parametrize('rows, seen', [(40, 40), (ROWS, MEASURED_ROWS)])
def test_rows_are_drawn_once_and_bounded(rows, seen):
    """The same rows of inputs and labels, at every look."""
    x = np.arange(rows)[:, None]
    known = Reference(x, targets(np.arange(rows) % 2), seed=5)
    inputs, = known.measured_rows()
    assert len(inputs) == len(np.unique(inputs)) == seen
    assert np.array_equal(inputs, known.measured_rows()[0])
    assert np.array_equal(inputs, np.sort(inputs, axis=0))  # in the order of the data
    measured = known.measured([[inputs % 2]])  # somebody who knows the answers of these rows
    assert {skill.value for skill in measured.training[0].values()} == {1.0}


def test_another_seed_draws_other_rows():
    first, second = [Reference(X, targets(), seed=seed).measured_rows()[0]
                     for seed in (0, 2**40 + 1)]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize('pack, unpack', [
    (lambda x: x, lambda x: x),
    (lambda x: {'left': x[:, :2], 'right': x[:, 2:]},
     lambda x: np.concatenate([x['left'], x['right']], axis=1)),
    (lambda x: [x[:, :2], x[:, 2:]], lambda x: np.concatenate(x, axis=1)),
])
def test_inputs_of_any_kind(pack, unpack):
    known = Reference(pack(X), targets(y_val=CLASSES[:9]), pack(X[:9]))
    training, validation = known.measured_rows()
    assert np.array_equal(unpack(validation), X[:9])
    measured = known.measured([[(unpack(training)[:, :1] > 0.5)], [np.zeros((9, 1))]])
    assert measured.training[0][ACCURACY].value == 1
    assert measured.validation[0][ACCURACY].value <= 0


def test_tables_of_pandas():
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame(X, index=np.arange(ROWS)[::-1] + 7)  # rows by place, not by name
    known = Reference(frame, targets(pandas.Series(CLASSES, index=frame.index)))
    inputs, = known.measured_rows()
    assert known.measured([[inputs[:, :1] > 0.5]]).training[0][ACCURACY].value == 1
    assert known.yardsticks()[0].skills[ACCURACY].value > 0.8


# --------------------------------------------------------------------------- what outputs are worth

def test_each_output_is_measured_by_itself():
    known = Reference(X, targets(y_val=CLASSES[:50]) + targets(AMOUNTS, AMOUNTS[:50], 'real'),
                      X[:50])
    rows = known.measured_rows()
    measured = known.measured([[part[:, :1] > 0.5, np.full((len(part), 1), len(part))]
                               for part in rows])
    assert measured.forms == (ACCURACY, SQUARED)
    for part in (measured.training, measured.validation):
        assert part[0][ACCURACY].value == 1 and set(part[1]) == {SQUARED}
        assert part[1][SQUARED].value < -5
    assert measured.spread[0] == pytest.approx(1, abs=0.1) and measured.spread[1] == 0


def test_the_spread_is_that_of_the_training_rows():
    known = Reference(X, targets(y_val=CLASSES[:50]), X[:50])
    training, validation = known.measured_rows()
    assert known.measured([[np.zeros((len(training), 1))], [validation[:, :1]]]).spread == (0,)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('outputs, spread', [
    (np.zeros, 0), (lambda shape: X[:shape[0], :1] * 0.5, pytest.approx(0.36, abs=0.05)),
    (lambda shape: np.where(np.arange(shape[0]) == 3, np.inf, 1.0)[:, None], None),
])
def test_how_far_predictions_differ_from_row_to_row(outputs, spread):
    known = Reference(X, targets(AMOUNTS, None, 'real'))
    found, = known.measured([[outputs((MEASURED_ROWS, 1))]]).spread
    assert np.isnan(found) if spread is None else found == spread


def test_logits_are_told_by_the_output():
    known = Reference(X, targets(logits=True))
    inputs, = known.measured_rows()
    skills, = known.measured([[100 * (inputs[:, :1] - 0.5)]]).training
    assert skills[ACCURACY].value == 1 and skills[SQUARED].value > 0.9


@pytest.mark.parametrize('target, outputs', [
    (targets(np.array(['a'] * ROWS), None, ''), np.zeros((MEASURED_ROWS, 1))),   # unknown labels
    (targets(None, None, ''), np.zeros((MEASURED_ROWS, 1))),
    (targets(AMOUNTS, None, 'real'), np.zeros((MEASURED_ROWS, 7))),              # another shape
    (targets(CLASSES - 1, None, 'integer', 2), np.zeros((MEASURED_ROWS, 2))),    # a class of -1
    (targets(np.ones(ROWS)), np.ones((MEASURED_ROWS, 1))),                       # one answer
])
def test_where_nothing_can_be_measured_nothing_is(target, outputs):
    known = Reference(X, target)
    assert known.measured([[outputs]]).training == ({},)


def test_to_a_record():
    measured = Measured(({ACCURACY: Skill(0.5, 0.25)},), (), (0.5,), (ACCURACY,))
    assert json.loads(json.dumps(measured.as_dict())) == {
        'training': [{ACCURACY: [0.5, 0.25]}], 'validation': [], 'spread': [0.5],
        'forms': [ACCURACY]}


# ------------------------------------------------------------------------------------ the yardstick

def test_yardsticks_come_when_they_are_asked_for_and_once(monkeypatch):
    asked = []
    measure = reference_module.classical.measure
    monkeypatch.setattr(reference_module.classical, 'measure',
                        lambda *args: asked.append(args) or measure(*args))
    known = Reference(X, targets(y_val=CLASSES[::-1]), X[::-1])
    known.measured([[np.zeros((MEASURED_ROWS, 1))] * 2])
    assert not asked
    first = known.yardsticks()
    assert known.yardsticks() is first and len(asked) == 1
    assert first[0].skills[ACCURACY].value > 0.8 and first[0].unseen[ACCURACY].value > 0.8
    assert first[0].rows == MOST_ROWS * 3 // 4 + MEASURED_ROWS <= MOST_ROWS


def test_each_output_has_its_own_yardstick():
    noise = np.random.RandomState(1).randn(ROWS, 1)
    known = Reference(X, targets() + targets(AMOUNTS, None, 'real') + targets(noise, None, 'real')
                      + targets(np.array(['a'] * ROWS), None, ''))
    found = known.yardsticks()
    assert [bool(yardstick.skills) for yardstick in found] == [True, True, True, False]
    assert found[0].skills[ACCURACY].value > 0.8 and found[1].skills[SQUARED].value > 0.9
    assert found[2].skills[SQUARED].value < 0.1
    assert found[3].note == 'the labels are of no known kind'


@pytest.mark.parametrize('x, y, labels, note', [
    (X[:LEAST_ROWS - 1], CLASSES[:LEAST_ROWS - 1], 'binary', '%d rows to learn from'),
    (np.array([['good', 'bad']] * ROWS), CLASSES, 'binary', 'the inputs are no plain numbers'),
    (X, np.zeros(ROWS), 'binary', 'all rows have one and the same answer'),
    (X, (X > 0)[..., None], 'binary', 'a row has 5 answers'),    # one for every step of a sequence
])
def test_where_there_is_no_yardstick_its_note_says_why(x, y, labels, note):
    found, = Reference(x, targets(y, None, labels)).yardsticks()
    assert not found.skills and found.note.startswith(note.replace('%d', str(LEAST_ROWS - 1)))


def test_a_library_that_breaks_down_is_no_reason_to_fail(monkeypatch):
    def broken(*args):
        raise RuntimeError('out of memory\nand more')

    monkeypatch.setattr(reference_module.classical, 'measure', broken)
    found, = Reference(X, targets()).yardsticks()
    assert found.note == 'the classical learners broke down: out of memory'


def test_tokens_are_told_by_the_model():
    random = np.random.RandomState(2)
    words = random.randint(0, 20, (800, 10))
    held = targets((words == 7).any(axis=1).astype(int))
    counted, = Reference(words, held, tokens=True).yardsticks()
    plain, = Reference(words, held).yardsticks()
    assert counted.skills[ACCURACY].value > plain.skills[ACCURACY].value + 0.3


@pytest.mark.parametrize('shape', [(ROWS, 12), (ROWS, 2, 6), (ROWS, 2, 2, 3), (ROWS, 3, 4, 1)])
def test_an_autoencoder_is_known_by_targets_that_are_its_inputs(shape):
    hidden = np.random.RandomState(3).randn(ROWS, 3)
    x = (hidden @ np.random.RandomState(4).randn(3, 12)).reshape(shape)
    again = x + 0.1  # as near to the inputs as a reconstruction is
    known = Reference(x, targets(again, again[:100], 'real', shape[-1]), x[:100], narrowest=2)
    found, = known.yardsticks()
    assert found.learner == '2 principal components' and found.rows == MOST_ROWS * 3 // 4 + 100
    assert 0.3 < found.skills[SQUARED].value < 0.95 and 0.3 < found.unseen[SQUARED].value < 0.95


OTHERS = X @ np.random.RandomState(4).randn(5, 12)


@pytest.mark.once
@pytest.mark.parametrize('x, y', [
    (OTHERS, OTHERS[:, ::-1] - 1), (X, X), (OTHERS, OTHERS[:, :9]),
    ([OTHERS, X], OTHERS),
])
def test_what_is_not_its_inputs_again_or_is_narrow_is_no_autoencoder(x, y):
    found, = Reference(x, targets(y, None, 'real', y.shape[1]), narrowest=2).yardsticks()
    assert 'components' not in found.learner and found.skills[SQUARED].value > 0.9


@pytest.mark.parametrize('seeds, same', [((1, 1), True), ((1, 2), False)])
def test_seeds(seeds, same):
    first, second = [Reference(X, targets(), seed=seed).yardsticks()[0] for seed in seeds]
    assert (first.skills == second.skills) is same
