"""Which rows choose, which have the last word, and what outputs of every kind are worth on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer.judge.exam import (
    LEAST_APART,
    MOST_ROWS,
    NOTHING,
    UNKNOWN,
    Exam,
    Worth,
    asked_of,
    exam_of,
    goal_of,
    halves,
)
from AutoTrainer.judge.reference import Target
from AutoTrainer.judge.skill import ACCURACY, BALANCED, SQUARED, Skill
from AutoTrainer.judge.yardstick import Yardstick, none

X = np.zeros((60, 2))
TWO = np.arange(60) % 2
RARE = (np.arange(60) % 10 == 0).astype(int)
THREE = np.arange(60) % 3
HOT = np.eye(3)[THREE]
SEVERAL = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]] * 15)
NUMBERS = np.linspace(-1, 1, 60)
PAIRS = np.stack([NUMBERS, 10 * NUMBERS ** 2], axis=1)


def exam(y, labels, units=1, x=X):
    return Exam(x, [Target(y, None, labels, units)])


# ----------------------------------------------------------------------------- which rows choose

@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**40))
def test_halves(rows, seed):
    """Disjoint where there are enough, of nearly one size, in order, and the same every time."""
    choice, last = halves(rows, seed)
    again = halves(rows, seed)
    assert np.array_equal(choice, again[0]) and np.array_equal(last, again[1])
    for part in (choice, last):
        assert len(part) and np.all(np.diff(part) > 0) and 0 <= part[0] and part[-1] < rows
    if rows < LEAST_APART:
        assert list(choice) == list(last) == list(range(rows))
    else:
        assert not set(choice) & set(last)
        assert len(choice) == min(MOST_ROWS, (rows + 1) // 2)
        assert len(last) == min(MOST_ROWS, rows // 2)


def test_halves_are_drawn():
    one, other = halves(100, 0)[0], halves(100, 1)[0]
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.arange(50))


def test_an_exam_has_the_chosen_rows_with_their_answers():
    x = {'a': np.arange(60), 'b': np.arange(120).reshape(60, 2)}
    chosen = np.array([2, 5, 50])
    found = exam_of(x, [Target(np.zeros(9), NUMBERS, 'real', 1)], chosen)
    assert found.rows == 3 and list(found.x['a']) == [2, 5, 50]
    assert found.x['b'].shape == (3, 2)
    assert found.measure([NUMBERS[chosen]], [False]) == found.measure(
        [NUMBERS[chosen][:, None]], [False])
    assert found.measure([NUMBERS[chosen]], [False]).score == 1


def test_an_output_without_labels_asks_nothing():
    found = exam_of(X, [Target(None, None, '', 1), Target(TWO, TWO, 'binary', 1)], np.arange(60))
    assert found.forms == ['', ACCURACY]
    assert found.measure([np.zeros(60), TWO], [False, False]).score == 1


# --------------------------------------------------------------------------- what outputs are worth

SURE = 40.0 * (2 * HOT - 1)  # logits


@pytest.mark.parametrize('y, labels, units, outputs, logits, skill, form', [
    (TWO, 'binary', 1, TWO, False, 1, ACCURACY),
    (TWO, 'binary', 1, TWO[:, None] * 0.8 + 0.1, False, 1, ACCURACY),
    (TWO, 'binary', 1, 1 - TWO, False, -1, ACCURACY),
    (TWO, 'binary', 1, np.full((60, 1), 0.2), False, 0, ACCURACY),
    (TWO, 'binary', 1, 80.0 * TWO - 40, True, 1, ACCURACY),
    (TWO, 'binary', 2, np.eye(2)[TWO], False, 1, ACCURACY),
    (RARE, 'binary', 1, RARE, False, 1, BALANCED),
    (RARE, 'binary', 1, 0 * RARE, False, 0, BALANCED),
    (THREE, 'integer', 3, HOT, False, 1, ACCURACY),
    (THREE, 'integer', 3, SURE, True, 1, ACCURACY),
    (THREE, 'integer', 3, HOT[:, [1, 0, 2]], False, 0, ACCURACY),      # one class of three
    (THREE, 'integer', 5, np.pad(HOT, ((0, 0), (0, 2)), mode='constant'), False, 1, ACCURACY),
    (HOT, 'one_hot', 3, HOT, False, 1, ACCURACY),
    (HOT, 'one_hot', 3, SURE, True, 1, ACCURACY),
    (HOT, 'one_hot', 3, np.full((60, 3), 1 / 3), False, 0, ACCURACY),
    # one number among several classes is a class number, whatever a regression makes of it
    (THREE, 'integer', 3, THREE[:, None] + 0.3, False, 1, ACCURACY),
    (THREE, 'integer', 3, 9.0 * THREE[:, None] - 9, False, 0.5, ACCURACY),  # the nearest there is
    (SEVERAL, 'multi_hot', 3, SEVERAL, False, 1, ACCURACY),
    (SEVERAL, 'multi_hot', 3, 80.0 * SEVERAL - 40, True, 1, ACCURACY),
    (SEVERAL, 'multi_hot', 3, np.zeros((60, 3)), False, 0, ACCURACY),
    (NUMBERS, 'real', 1, NUMBERS, False, 1, SQUARED),
    (NUMBERS, 'real', 1, NUMBERS[:, None], False, 1, SQUARED),
    (NUMBERS, 'real', 1, np.zeros((60, 1)), False, 0, SQUARED),
    (NUMBERS, 'real', 1, -NUMBERS, False, -3, SQUARED),
    (PAIRS, 'real', 2, PAIRS, False, 1, SQUARED),
    (10 * THREE, 'integer', 1, 10 * THREE, False, 1, SQUARED),          # amounts
    (2 * TWO - 1, 'integer', 1, 0.4 * (2 * TWO - 1), False, 1, ACCURACY)])  # written as -1 and 1
def test_worth(y, labels, units, outputs, logits, skill, form):
    found = exam(y, labels, units)
    worth = found.measure([outputs], [logits])
    assert found.forms == [form] and found.can_be_told
    assert worth.skill.value == pytest.approx(skill, abs=1e-6)


@pytest.mark.parametrize('outputs', [
    np.zeros((59, 3)), np.zeros((60, 3, 2)), np.zeros((7, 1)), np.zeros(0)])
@pytest.mark.parametrize('y, labels, units', [(HOT, 'one_hot', 3), (PAIRS, 'real', 2)])
def test_outputs_of_another_shape_are_worth_nothing(y, labels, units, outputs):
    assert exam(y, labels, units).measure([outputs], [False]) == NOTHING


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('y, labels, units', [
    (TWO, 'binary', 1), (THREE, 'integer', 3), (HOT, 'one_hot', 3), (SEVERAL, 'multi_hot', 3),
    (PAIRS, 'real', 2)])
def test_outputs_that_are_no_numbers_are_worth_no_more_than_nothing(y, labels, units, bad):
    worth = exam(y, labels, units).measure([np.full((60, units), bad)], [False])
    assert np.isfinite(worth.score) and worth.score <= 0 and worth.skill.value <= 0


def test_a_score_moves_where_an_accuracy_stands_still():
    found = exam(TWO, 'binary')
    unsure, sure = [found.measure([0.5 + share * (TWO - 0.5)], [False]) for share in (0.1, 0.9)]
    assert unsure.skill.value == sure.skill.value == 1 and unsure.score < sure.score


def test_a_score_does_not_drown_in_a_few_rows():
    """By squared error there is no end to how bad an answer is."""
    found = exam(TWO, 'binary')
    assert found.measure([1e6 * (TWO - 0.5)], [False]).score == pytest.approx(0)


def test_of_several_outputs_the_lowest_is_told():
    found = Exam(X, [Target(TWO, None, 'binary', 1), Target(NUMBERS, None, 'real', 1)])
    worth = found.measure([TWO, 0 * NUMBERS], [False, False])
    assert found.forms == [ACCURACY, SQUARED]
    assert worth == Worth(Skill(0.0, worth.skill.error), 0.5, SQUARED)
    assert found.measure([TWO, NUMBERS[:5]], [False, False]) == NOTHING


@pytest.mark.parametrize('y, labels', [
    (np.zeros(60), 'binary'), (np.full(60, 3.5), 'real'), (np.zeros(60), '')])
def test_rows_with_one_and_the_same_answer_ask_nothing(y, labels):
    found = exam(y, labels)
    assert not found.can_be_told
    assert found.measure([np.zeros((60, 1))], [False]) == NOTHING


# ------------------------------------------------------------------------- what is to be reached

def yardstick(**skills):
    return Yardstick({form.replace('_', ' '): Skill(*skill) for form, skill in skills.items()}, {})


@pytest.mark.parametrize('yardsticks, forms, expected', [
    ([], [], None),
    ([none('too few rows')], [ACCURACY], None),
    ([yardstick(accuracy=(0.8, 0.02))], [ACCURACY], 0.8),
    ([yardstick(accuracy=(0.8, 0.02))], [SQUARED], None),                   # another form
    ([yardstick(accuracy=(0.4, 0.5))], [ACCURACY], None),                   # may be luck
    ([yardstick(accuracy=(0.4, 0.39))], [ACCURACY], 0.4),
    ([yardstick(accuracy=(-0.1, 0.0))], [ACCURACY], None),                  # nothing to learn
    ([yardstick(accuracy=(0.3, 0.02), squared_error=(0.7, 0.02))], [SQUARED], 0.7),
    ([yardstick(accuracy=(0.8, 0.02)), yardstick(squared_error=(0.3, 0.02))],
     [ACCURACY, SQUARED], 0.3),
    ([yardstick(accuracy=(0.8, 0.02)), yardstick(squared_error=(0.0, 0.02))],
     [ACCURACY, SQUARED], 0.8),                                             # no signal in that one
    ([yardstick(accuracy=(0.8, 0.02))], [''], None)])
def test_what_is_asked(yardsticks, forms, expected):
    found = asked_of(yardsticks, forms)
    assert (found and found.value) == expected


@pytest.mark.parametrize('known, goal', [
    (Skill(1.0, 0.0), 1.0), (Skill(0.5, 0.1), 0.5), (None, UNKNOWN),
    (Skill(0.3, 0.2), UNKNOWN), (Skill(0.04, 0.0), UNKNOWN)])  # no sure signal
def test_the_goal(known, goal):
    assert goal_of(known) == goal
