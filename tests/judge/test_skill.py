"""How much of what can be known somebody knows: tables of answers and what they are worth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from AutoTrainer.judge.labels import label_kind
from AutoTrainer.judge.skill import (
    ACCURACY,
    BALANCED,
    RARE,
    SQUARED,
    WORST,
    Answers,
    Skill,
    as_shares,
    constant_accuracy,
    form_of,
    one_hot,
    read_answers,
    skills_of,
    surest,
)

NUMBERS = np.random.RandomState(0)
TWO = (np.arange(200) % 4 == 0).astype(int)     # 150 of class 0, 50 of class 1
THREE = np.arange(300) % 5 % 3                  # 120, 120 and 60
HOT = np.eye(3)[THREE]
MANY = NUMBERS.rand(200, 3) < [0.2, 0.5, 0.9]   # each label yes or no
MEASURED = NUMBERS.randn(200, 2) * [1.0, 5.0] + [3.0, -7.0]
STEPS = NUMBERS.randint(0, 3, (40, 6))          # a class for every step of a sequence


def skills(y, outputs, units=None, logits=False):
    """Skills of a model with these outputs, told as the adapters tell them."""
    y, outputs = np.asarray(y), np.asarray(outputs, dtype=float)
    units = (outputs.shape[-1] if outputs.ndim > 1 else 1) if units is None else units
    answers = read_answers(y, label_kind(y, (None,) * outputs.ndim), units)
    return skills_of(answers, as_shares(answers, outputs, logits))


def values(found):
    return {form: skill.value for form, skill in found.items()}


def softmax_of(classes, sure=0.9, count=3):
    """Shares of which the largest is that of the given classes."""
    return np.where(np.eye(count)[np.asarray(classes)] > 0, sure, (1 - sure) / (count - 1))


# ------------------------------------------------------------------------ what labels stand for

@pytest.mark.parametrize('y, units, kind, rows, width', [
    (HOT, 3, 'classes', 300, 3),
    (THREE, 3, 'classes', 300, 3),
    (THREE[:, None], 5, 'classes', 300, 5),           # two outputs more than classes
    (TWO, 1, 'classes', 200, 2),
    (TWO[:, None].astype('float32'), 1, 'classes', 200, 2),
    (TWO, 10, 'classes', 200, 10),                    # of ten classes the two first
    (2 * TWO - 1, 1, 'classes', 200, 2),              # -1 and 1
    (MANY, 3, 'labels', 200, 3),
    (MEASURED, 2, 'numbers', 200, 2),
    (MEASURED[:, 0], 1, 'numbers', 200, 1),
    (THREE, 1, 'numbers', 300, 1),                    # amounts: one output cannot tell classes
    (3 * TWO - 1, 1, 'numbers', 200, 1),              # -1 and 2
    (np.full(9, -1), 1, 'numbers', 9, 1),             # only one of the two signs
])
def test_what_labels_stand_for(y, units, kind, rows, width):
    answers = read_answers(y, label_kind(y, (None, units)), units)
    assert (answers.kind, len(answers.truth), answers.width) == (kind, rows, width)


@pytest.mark.parametrize('y, units, kind, rows', [
    (STEPS[..., None], 3, 'classes', 240),
    (STEPS, 3, 'classes', 240),
    (np.eye(3)[STEPS], 3, 'classes', 240),
    ((STEPS > 1)[..., None], 1, 'classes', 240),
    (np.stack([STEPS > 0, STEPS > 1], axis=-1), 2, 'labels', 240),
    (STEPS[..., None] * [0.5, 1.7], 2, 'numbers', 240),
])
def test_sequences_of_labels_count_as_so_many_rows(y, units, kind, rows):
    answers = read_answers(y, label_kind(y, (None, None, units)), units)
    assert (answers.kind, len(answers.truth)) == (kind, rows)


@pytest.mark.parametrize('y', [np.array(['a', 'b']), np.array([]), np.zeros((0, 3)), None])
def test_labels_of_no_known_kind_stand_for_nothing(y):
    assert read_answers(y, label_kind(y), 1) is None
    assert read_answers(y, 'real', 1) is None


def test_some_of_the_rows():
    some = read_answers(THREE, 'integer', 3).take([0, 4, 8])
    assert list(some.truth) == [0, 1, 0] and (some.kind, some.width) == ('classes', 3)


# ------------------------------------------------------------------- perfect, constant, too little

PERFECT = [
    (HOT, HOT), (THREE, HOT), (TWO, TWO[:, None]), (2 * TWO - 1, (2 * TWO - 1)[:, None]),
    (MANY, MANY), (MEASURED, MEASURED), (MEASURED[:, 0], MEASURED[:, :1]),
    (STEPS, np.eye(3)[STEPS]),
]


@pytest.mark.parametrize('y, outputs', PERFECT)
def test_who_knows_everything_has_skill_1_in_every_form(y, outputs):
    found = skills(y, outputs)
    assert set(values(found).values()) == {1.0}
    assert SQUARED in found and (found.keys() >= {ACCURACY, BALANCED} or len(found) == 1)
    assert all(0 < skill.error < 0.1 for skill in found.values())  # few rows may mislead


@pytest.mark.parametrize('y, answer', [
    (HOT, [0.4, 0.4, 0.2]), (THREE, [1.0, 0.0, 0.0]), (THREE, [0.0, 1.0, 0.0]), (TWO, [0.25]),
    (2 * TWO - 1, [-0.5]), (MANY, MANY.mean(axis=0)), (STEPS, [0.3, 0.3, 0.4]),
])
def test_the_best_constant_answer_has_skill_0(y, answer):
    outputs = np.broadcast_to(answer, np.asarray(y).shape[:2 if y is STEPS else 1] + (len(answer),))
    if y is STEPS:  # the best constant answer is the largest class
        outputs = np.eye(3)[np.full(STEPS.shape, np.bincount(STEPS.ravel()).argmax())]
    found = values(skills(y, outputs))
    assert found[ACCURACY] == 0 and found[BALANCED] == 0
    assert found[SQUARED] <= 1e-12


@pytest.mark.parametrize('y', [HOT, TWO[:, None], MANY, MEASURED])
def test_the_mean_of_the_answers_has_skill_0_by_squared_error(y):
    found = skills(y, np.broadcast_to(np.mean(y, axis=0), y.shape))
    assert found[SQUARED].value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('y, answer', [(THREE, [0.0, 0.0, 1.0]), (TWO, [1.0])])
def test_another_constant_answer_is_below_the_best(y, answer):
    found = values(skills(y, np.broadcast_to(answer, (len(y), len(answer)))))
    assert found[ACCURACY] < -0.1 and found[BALANCED] == 0 and found[SQUARED] < -0.1


@pytest.mark.parametrize('y, outputs', [
    (THREE, softmax_of((THREE + 1) % 3)), (TWO, 1.0 - TWO[:, None]), (MANY, ~MANY),
    (2 * TWO - 1, -(2.0 * TWO - 1)[:, None]), (MEASURED, 2 * MEASURED.mean(axis=0) - MEASURED),
])
def test_who_takes_one_for_the_other_is_below_the_constant_answer(y, outputs):
    found = skills(y, outputs)
    assert all(skill.value < -0.3 for skill in found.values())


@pytest.mark.parametrize('seed', range(3))
def test_guessing_is_not_above_the_constant_answer(seed):
    random = np.random.RandomState(seed)
    for y, outputs in ((THREE, softmax_of(random.randint(0, 3, 300))),
                       (TWO, random.rand(200, 1)), (MANY, random.rand(200, 3)),
                       (MEASURED, MEASURED[random.permutation(200)])):
        for form, (value, error) in skills(y, outputs).items():
            assert value < 4 * error, (form, value, error)
            assert form == BALANCED or value < 0


@pytest.mark.parametrize('y, outputs, value', [
    (TWO, np.where(np.arange(200) % 8 == 0, TWO, 0)[:, None], 0.5),    # half of the smaller class
    (THREE, softmax_of(np.where(THREE == 2, 0, THREE)), 120 / 180),
])
def test_between_the_constant_answer_and_perfection(y, outputs, value):
    assert skills(y, outputs)[ACCURACY].value == pytest.approx(value)


def test_r_squared_of_numbers_over_all_outputs_together():
    off = np.full(MEASURED.shape, 0.5)
    spread = ((MEASURED - MEASURED.mean(axis=0)) ** 2).mean(axis=0).sum()
    found = skills(MEASURED, MEASURED + off)
    assert set(found) == {SQUARED}
    assert found[SQUARED].value == pytest.approx(1 - 0.5 / spread)


# ---------------------------------------------------------------------- what outputs can look like

def test_logits_are_made_shares():
    shares = softmax_of(np.where(np.arange(300) % 7 == 0, 0, THREE), 0.8)
    assert values(skills(THREE, np.log(shares) + 5, logits=True)) == pytest.approx(
        values(skills(THREE, shares)))
    share = np.where(TWO > 0, 0.7, 0.4)[:, None]
    assert values(skills(TWO, np.log(share / (1 - share)), logits=True)) == pytest.approx(
        values(skills(TWO, share)))
    # what takes these for shares finds other squares
    assert skills(THREE, np.log(shares) + 5)[SQUARED].value < -1


def test_logits_of_any_size_overflow_nowhere():
    with np.errstate(all='raise', under='ignore'):
        assert skills(THREE, 1e6 * HOT, logits=True)[SQUARED].value == 1
        assert skills(TWO, 1e6 * (2 * TWO[:, None] - 1), logits=True)[SQUARED].value == 1


def test_signs_are_told_by_the_sign():
    half = np.where(np.arange(200) % 8 == 0, 0.2, -0.2)[:, None]  # half of the ones
    assert skills(2 * TWO - 1, half)[ACCURACY].value == 0.5


def test_classes_without_an_output_count_as_never_given():
    found = skills(THREE, HOT[:, :2])  # two outputs, three classes: the third is never right
    assert found[ACCURACY].value == pytest.approx(120 / 180)
    assert found[BALANCED].value == pytest.approx((2 / 3 - 1 / 3) / (2 / 3))
    assert found[SQUARED].value < 1


def test_outputs_for_classes_that_do_not_come_up_are_no_classes():
    wide = np.concatenate([HOT, np.zeros((300, 4))], axis=1)
    assert values(skills(THREE, wide)) == {ACCURACY: 1, BALANCED: 1, SQUARED: 1}


@pytest.mark.parametrize('outputs', [np.zeros((10, 3)), np.zeros((300, 3))])
def test_outputs_that_do_not_belong_to_the_answers_are_refused(outputs):
    answers = read_answers(TWO, 'binary', 1) if len(outputs) == 10 else read_answers(
        MEASURED, 'real', 2)
    with pytest.raises(ValueError):
        as_shares(answers, outputs)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('logits', [False, True])
@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('y, outputs', PERFECT)
def test_predictions_that_are_no_numbers_are_wrong_ones(y, outputs, bad, logits):
    broken = np.array(outputs, dtype=float)
    broken[...] = bad
    found = skills(y, broken, logits=logits)
    assert found and all(-10 <= skill.value <= 0 for skill in found.values())
    assert all(math.isfinite(skill.error) for skill in found.values())


def test_one_row_without_numbers_counts_as_one_wrong_row():
    broken = HOT.copy()
    broken[7] = np.nan
    found = skills(THREE, broken)
    assert found[ACCURACY].value == pytest.approx(1 - 1 / 180)
    assert 0 < found[SQUARED].value < 1


@pytest.mark.parametrize('far', [1e5, 1e300])
def test_a_few_rows_that_are_off_without_bounds_do_not_drown_the_others(far):
    off = MEASURED.copy()
    off[0] = far
    assert 0.4 < skills(MEASURED, off)[SQUARED].value < 0.6
    assert skills(MEASURED, 1e300 + MEASURED)[SQUARED].value == WORST


# --------------------------------------------------------------------- what nothing can be said of

@pytest.mark.parametrize('rows', [1, 3, 7, 10, 100, 1001])
@pytest.mark.parametrize('y', [[0], [1], [5], [0.1], [1e9], [[0, 1, 0]], [[0.1, 7.3]]])
def test_of_one_answer_for_all_rows_no_skill_is_known(rows, y):
    y = np.repeat(np.array(y), rows, axis=0)
    units = y.shape[1] if y.ndim > 1 else 6 if y.dtype.kind == 'i' else 1
    answers = read_answers(y, label_kind(y, (None, units)), units)
    outputs = NUMBERS.rand(rows, answers.width)
    assert skills_of(answers, as_shares(answers, outputs)) == {}


def test_a_label_that_never_changes_is_left_out_of_the_balance():
    fixed = MANY.copy()
    fixed[:, 1] = True
    given = fixed.astype(float)
    given[:, 0] = 0
    found = skills(fixed, given)
    assert found[BALANCED].value == pytest.approx(0.5)  # one of two that vary


# ------------------------------------------------------------------------------------- rare classes

def test_rare_classes_are_seen_by_balance_where_accuracy_is_blind():
    rare = (np.arange(1000) % 100 < 3).astype(int)  # 97 % and 3 %
    finder = rare.copy()
    finder[(np.arange(1000) % 100 >= 97)] = 1       # as many false ones as right ones
    found = skills(rare, finder[:, None])
    assert found[ACCURACY].value == 0 and found[BALANCED].value > 0.9
    assert skills(rare, np.zeros((1000, 1)))[BALANCED].value == 0


@pytest.mark.parametrize('y, units, share', [
    (THREE, 3, 0.4), (TWO, 1, 0.75), (np.arange(100) < 3, 1, 0.97)])
def test_what_the_constant_answer_reaches(y, units, share):
    answers = read_answers(y, label_kind(y), units)
    assert constant_accuracy(answers) == share
    assert form_of(answers) == (ACCURACY if share < RARE else BALANCED)


def test_what_the_constant_answer_reaches_on_labels_and_numbers():
    labels = read_answers(MANY, 'multi_hot', 3)
    share = MANY.mean(axis=0)
    assert constant_accuracy(labels) == pytest.approx(np.maximum(share, 1 - share).mean())
    numbers = read_answers(MEASURED, 'real', 2)
    assert constant_accuracy(numbers) is None and form_of(numbers) == SQUARED


@pytest.mark.parametrize('found, form', [
    ({}, ACCURACY),
    ({BALANCED: Skill(0.5, 0.1), ACCURACY: Skill(0.5, 0.1)}, ACCURACY),   # the plainest of equals
    ({ACCURACY: Skill(0.0, 0.1), BALANCED: Skill(0.5, 0.1)}, BALANCED),
    ({ACCURACY: Skill(0.4, 0.1), BALANCED: Skill(0.5, 0.4)}, ACCURACY),   # few rows blur the other
    ({SQUARED: Skill(-3.0, 0.1)}, SQUARED),
])
def test_the_form_that_is_surest_to_be_high(found, form):
    assert surest(found) == form


# --------------------------------------------------------------------------------- errors, and laws

def half_right(rows, random, kind):
    """Answers to so many rows, every other of them right."""
    if kind == 'numbers':
        truth = random.randn(rows, 2)
        return Answers('numbers', truth, 2), truth + random.randn(rows, 2)
    if kind == 'labels':
        truth = (random.rand(rows, 3) < 0.4).astype(float)
        return Answers('labels', truth, 3), np.where(random.rand(rows, 3) < 0.8, truth, 1 - truth)
    truth = random.randint(0, 4, rows)
    return Answers('classes', truth, 4), softmax_of(
        np.where(random.rand(rows) < 0.5, truth, random.randint(0, 4, rows)), count=4)


@pytest.mark.parametrize('kind', ['classes', 'labels', 'numbers'])
def test_more_rows_less_doubt(kind):
    few, more = [skills_of(*half_right(rows, np.random.RandomState(1), kind))
                 for rows in (50, 5000)]
    for form in few:
        assert 5 < few[form].error / more[form].error < 20  # as one over the root of the rows


@pytest.mark.parametrize('kind', ['classes', 'labels', 'numbers'])
def test_the_error_is_how_far_skills_of_equal_samples_differ(kind):
    random = np.random.RandomState(2)
    found = [skills_of(*half_right(200, random, kind)) for _ in range(100)]
    for form in found[0]:
        told = np.mean([sample[form].error for sample in found])
        seen = np.std([sample[form].value for sample in found])
        assert 0.6 < told / seen < 2, form


def any_answers(kind):
    def of(rows):
        shares = arrays(float, (rows, 3), elements=st.floats(0, 1, width=16))
        classes = arrays(int, rows, elements=st.integers(0, 2))
        labels = arrays(int, (rows, 3), elements=st.integers(0, 1))
        numbers = arrays(float, (rows, 3), elements=st.floats(-1000, 1000, width=16))
        truth = {'classes': classes, 'labels': labels, 'numbers': numbers}[kind]
        return st.tuples(truth, numbers if kind == 'numbers' else shares,
                         st.permutations(range(rows)))
    return st.integers(1, 12).flatmap(of)


@pytest.mark.parametrize('kind', ['classes', 'labels', 'numbers'])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_laws(kind, data):
    """Never above 1, and 1 only with a reason; the order of the rows means nothing."""
    truth, shares, order = data.draw(any_answers(kind))
    answers = Answers(kind, truth.astype(float) if kind != 'classes' else truth, 3)
    found = skills_of(answers, shares)
    again = skills_of(answers.take(list(order)), shares[list(order)])
    assert found.keys() == again.keys()
    for form, (value, error) in found.items():
        assert -math.inf < value <= 1 and 0 <= error < math.inf
        assert form != SQUARED or value >= WORST
        assert again[form] == pytest.approx((value, error), abs=1e-6)
    if ACCURACY not in found:
        return
    right = ((shares.argmax(axis=1) == truth) if kind == 'classes'
             else ((shares > 0.5) == truth).all(axis=1)).all()
    assert (found[ACCURACY].value == 1) == right


def test_a_vocabulary_of_classes_needs_no_table_of_all_of_them():
    truth = np.array([0, 49999, 3, 0])
    hot = one_hot(truth, 50000)
    assert hot.shape == (4, 50000) and hot.argmax(axis=1).tolist() == truth.tolist()
    assert hot.sum() == 4
