"""How skills stand against what can be learnt: tables of both."""

import math

import pytest

from AutoTrainer.judge.reference import Measured
from AutoTrainer.judge.skill import ACCURACY, BALANCED, SQUARED, Skill
from AutoTrainer.judge.standing import (
    ASSUMED,
    ENOUGH,
    PERFECT,
    SIGNAL,
    SURE,
    WORTHLESS,
    Standing,
    in_words,
    standings,
    told_of,
)
from AutoTrainer.judge.yardstick import LEAST_ROWS, Yardstick, none

MANY = 10 * LEAST_ROWS


def skill(value, error=0.02):
    return Skill(value, error)


def skills(accuracy, balanced=None, squared=None, error=0.02):
    found = {ACCURACY: accuracy, BALANCED: balanced, SQUARED: squared}
    return {form: skill(value, error) for form, value in found.items() if value is not None}


def known(accuracy, balanced=None, squared=None, error=0.02):
    reached = skills(accuracy, balanced, squared, error)
    return Yardstick(reached, reached, 'a linear model', 200)


# --------------------------------------------------------------------------------------- margins

@pytest.mark.parametrize('value, error, yardstick, other, gain, margin', [
    (ENOUGH, 0.1, 1.0, 0.0, 0.0, 0.0),                     # exactly enough
    (ENOUGH - 0.2, 0.1, 1.0, 0.0, 0.0, -2.0),              # two errors short
    (ENOUGH + 0.2, 0.1, 1.0, 0.0, 0.0, 2.0),
    (ENOUGH - 0.2, 0.1, 1.0, 0.0, 0.2, 0.0),               # what it will gain counts
    (-7.0, 0.1, 0.0, 0.0, math.log(8) + 0.3, 3.0),         # a loss that falls by its share
    (0.0, 0.3, 0.5, 0.4 / ENOUGH, 0.0, -0.5 * ENOUGH / 0.5),   # the errors of both: 0.3 and 0.4
    (0.0, 0.1, -1.0, 0.0, 0.0, 10 * ENOUGH),               # nobody can less than nothing
])
def test_by_how_many_errors_a_model_has_enough(value, error, yardstick, other, gain, margin):
    standing = Standing(ACCURACY, skill(value, error), skill(yardstick, other))
    assert standing.margin(gain) == pytest.approx(margin)


@pytest.mark.parametrize('errors_short, short', [
    (-1.0, False), (0.0, False), (0.8 * SURE, False), (1.2 * SURE, True), (10 * SURE, True)])
def test_a_model_is_short_if_it_surely_has_not_enough(errors_short, short):
    standing = Standing(ACCURACY, skill(ENOUGH - 0.05 * errors_short, 0.05), PERFECT)
    assert standing.is_short() is short


@pytest.mark.parametrize('value, error, gain, short', [
    (0.0, 0.02, 0.0, False), (WORTHLESS + 0.1, 0.02, 0.0, False),
    (WORTHLESS - 0.1, 0.02, 0.0, True), (WORTHLESS - 0.1, 0.1, 0.0, False),   # not surely
    (WORTHLESS - 0.1, 0.02, 0.2, False),
])
def test_without_signal_only_what_is_surely_worse_than_a_constant_answer_is_short(
        value, error, gain, short):
    standing = Standing(ACCURACY, skill(value, error), skill(0.9), signal=False)
    assert standing.is_short(gain) is short


def test_without_any_error_there_is_no_doubt():
    assert Standing(ACCURACY, skill(ENOUGH - 0.01, 0), PERFECT).is_short()
    assert math.isfinite(Standing(ACCURACY, skill(-10, 0), PERFECT).margin())


# ------------------------------------------------------------------------- who is held against what

@pytest.mark.parametrize('own, reached, form, short', [
    (skills(0.8), known(0.9), ACCURACY, False),
    (skills(0.0), known(0.9), ACCURACY, True),
    (skills(0.1), known(0.1), ACCURACY, False),                      # little, and no more is there
    (skills(0.3), known(0.9), ACCURACY, True),
    # the form in which the model stands best: who finds a rare class without gaining accuracy, …
    (skills(0.0, 0.8), known(0.5, 0.8), BALANCED, False),
    (skills(0.0, 0.1), known(0.6, 0.5), BALANCED, True),
    # … and who is right without being sure
    (skills(0.8, 0.7, 0.0), known(0.9, 0.9, 0.7), ACCURACY, False),
    # a form in which there is nothing to learn says nothing for the model …
    (skills(0.0, 0.05), known(0.0, 0.8), BALANCED, True),
    (skills(-0.1, 0.05, 0.3), known(-0.2, 0.8, -0.3), BALANCED, True),
    # … unless there is nothing in any
    (skills(0.0, 0.0), known(0.0, -0.1), BALANCED, False),
    (skills(None, None, 0.1), known(None, None, 0.95), SQUARED, True),
    (skills(None, None, 0.1), known(None, None, 0.0), SQUARED, False),
])
def test_a_model_beside_its_yardstick(own, reached, form, short):
    standing, = standings(Measured((own,)), [reached], MANY)
    assert (standing.form, standing.is_short()) == (form, short)
    assert standing.learner == 'a linear model' and standing.yardstick == reached.skills[form]


@pytest.mark.parametrize('reached, signal', [
    (known(0.5), True), (known(0.0), False), (known(-0.3), False),
    (known(1.2 * SIGNAL, error=0.0), True), (known(0.8 * SIGNAL, error=0.0), False),
    (known(0.3, error=0.5), False),                      # not surely: few rows
    (known(SIGNAL + 0.2, error=0.08), True), (known(SIGNAL + 0.2, error=0.12), False),
    (known(0.0, 0.5), True),                             # in one form is enough
    (known(0.0, 0.0, 0.4), True),
])
def test_whether_there_is_anything_to_learn(reached, signal):
    own = skills(0.0, 0.0, 0.0)
    standing, = standings(Measured((own,)), [reached], MANY)
    assert standing.signal is signal


@pytest.mark.parametrize('own, yardsticks, rows, reached, short', [
    # nobody asked: perfection stands in, so that a good model needs no yardstick
    (skills(0.8), (), MANY, PERFECT, False),
    (skills(0.3), (), MANY, PERFECT, True),
    (skills(0.0, 0.9), (), MANY, PERFECT, False),        # in the form that is surest to be high
    # there is none: a model must be above the best constant answer
    (skills(0.3), (none('text'),), MANY, ASSUMED, False),
    (skills(0.0), (none('text'),), MANY, ASSUMED, True),
    # too few rows for one: they can be known by heart
    (skills(0.9, error=0.3), (none('20 rows'),), LEAST_ROWS - 1, PERFECT, False),
    (skills(0.4, error=0.3), (none('20 rows'),), LEAST_ROWS - 1, PERFECT, True),
    (skills(0.4, error=0.3), (), LEAST_ROWS - 1, PERFECT, True),
])
def test_a_model_without_a_yardstick(own, yardsticks, rows, reached, short):
    standing, = standings(Measured((own,)), yardsticks, rows)
    assert (standing.yardstick, standing.is_short()) == (reached, short)
    assert standing.learner == '' and standing.signal


def test_the_better_of_training_and_validation_rows_counts():
    """Who knows the training rows has learnt; that these teach nothing is another matter."""
    measured = Measured((skills(0.9, 0.2),), (skills(0.1, 0.3),))
    assert standings(measured, [known(0.9, 0.9)], MANY)[0].skill.value == 0.9
    assert standings(measured, [known(0.9, 0.9)], MANY, 'training')[0].skill.value == 0.9
    assert not standings(measured, [known(0.9, 0.9)], MANY, 'training')[0].is_short()
    validation, = standings(measured, [known(0.9, 0.9)], MANY, 'validation')
    assert validation.is_short() and validation.skill.value == 0.3


def test_by_form_the_better_rows_count():
    measured = Measured((skills(0.1, 0.2),), (skills(0.0, 0.8),))
    standing, = standings(measured, [known(0.9, 0.9)], MANY)
    assert (standing.form, standing.skill.value) == (BALANCED, 0.8)


def test_without_validation_rows_there_is_no_standing_on_them():
    assert standings(Measured((skills(0.5),)), [known(0.9)], MANY, 'validation') == []


def test_outputs_stand_by_themselves_and_unknown_ones_are_left_out():
    measured = Measured((skills(0.9), {}, skills(0.1)), ({}, {}, skills(0.0)))
    found = standings(measured, [known(0.9), known(0.5), known(0.8)], MANY)
    assert [(s.skill.value, s.yardstick.value) for s in found] == [(0.9, 0.9), (0.1, 0.8)]
    assert [s.is_short() for s in found] == [False, True]
    # of more outputs than yardsticks the rest has none
    assert standings(measured, [known(0.9)], MANY)[1].yardstick == PERFECT


# ---------------------------------------------------------------------------------------- in words

def test_what_is_told_is_one_form_of_the_output_that_is_worst_off():
    measured = Measured((skills(0.9, 0.9), skills(0.8, 0.2)), (skills(0.7, 0.6), skills(0.5, 0.1)),
                        forms=(ACCURACY, BALANCED))
    told = told_of(measured, [known(0.9, 0.9), known(0.8, 0.7)], MANY)
    assert (told.form, told.skill.value, told.yardstick.value) == (BALANCED, 0.1, 0.7)
    assert in_words(told).startswith('learns 0.10')
    named = told_of(measured._replace(names=('kind', 'price')),
                    [known(0.9, 0.9), known(0.8, 0.7)], MANY)
    assert in_words(named).startswith('output price learns 0.10')
    # without validation rows, training rows; the form is told by the labels, not by the model
    told = told_of(Measured((skills(0.1, 0.9),), forms=(ACCURACY,)), [known(0.5, 0.5)], MANY)
    assert (told.form, told.skill.value) == (ACCURACY, 0.1)


def test_what_is_told_without_a_yardstick_or_any_skill():
    measured = Measured((skills(0.4),), forms=(ACCURACY,))
    assert told_of(measured, (), MANY).yardstick == PERFECT
    assert told_of(measured, [none('text')], MANY).yardstick == ASSUMED
    assert told_of(Measured(({},), forms=(ACCURACY,)), (), MANY) is None
    assert told_of(Measured((skills(0.4),), forms=(BALANCED,)), (), MANY) is None
    assert told_of(Measured((skills(0.4, 0.6),)), (), MANY).form == BALANCED  # the surest


@pytest.mark.parametrize('standing, words', [
    (Standing(ACCURACY, skill(0.314), skill(0.86), 'a linear model'),
     ['learns 0.31 of what is there', 'by accuracy', 'a linear model gets 0.86 from the same']),
    (Standing(SQUARED, skill(-2), skill(0.5), '40 randomised trees'),
     ['worse than the best constant answer', '-2.00', 'by squared error',
      '40 randomised trees get 0.50 from the same rows']),
    (Standing(BALANCED, skill(0.1), PERFECT),
     ['learns 0.10 of what is there', 'by balanced accuracy']),
    (Standing(ACCURACY, skill(-0.001), PERFECT), ['learns 0.00']),
    (Standing(ACCURACY, skill(0.1), ASSUMED), ['learns 0.10', 'what can be learnt is not known']),
])
def test_in_words(standing, words):
    told = in_words(standing)
    assert all(part in told for part in words)
    assert ('from the same rows' in told) is bool(standing.learner)
    assert ('not known' in told) is (standing.yardstick == ASSUMED)
