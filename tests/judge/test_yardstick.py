"""What classical learners reach: tables with and without something to learn."""

import json

import numpy as np
import pytest

from AutoTrainer.judge.skill import (
    ACCURACY,
    BALANCED,
    FORMS,
    SQUARED,
    Answers,
    Skill,
    read_answers,
)
from AutoTrainer.judge.yardstick import (
    LEAST_ROWS,
    MOST_ROWS,
    WIDE,
    Yardstick,
    codes_as_amounts,
    from_dict,
    measure,
    none,
    reconstruction,
)

ROWS = 300


def table(rows=ROWS, columns=6, seed=0):
    return np.random.RandomState(seed).randn(rows, columns)


def classes(numbers, width=2):
    return Answers('classes', np.asarray(numbers).astype(int), width)


def thirds(x):
    """Three classes by a weighted sum of two columns."""
    return classes(np.digitize(x[:, 0] + 0.5 * x[:, 1], [-0.5, 0.5]), 3)


def target(x):
    return (3 * x[:, :1] - 2 * x[:, 1:2] + 1) * 1e4


def numbers(values):
    return Answers('numbers', np.asarray(values, dtype=float), values.shape[1])


X, X_VAL = table(), table(seed=1)


# ---------------------------------------------------------------------------- something to learn

def test_classes():
    found = measure(X, thirds(X), X_VAL, thirds(X_VAL))
    assert set(found.skills) == set(found.unseen) == set(FORMS)
    assert found.skills[ACCURACY].value > 0.8 and found.unseen[ACCURACY].value > 0.8
    assert found.learner == 'a linear model' and found.note == ''
    assert found.rows == 2 * ROWS and found.seconds > 0


def test_classes_that_no_line_parts_are_left_to_other_learners():
    x, x_val = 2 * table(600, 2), 2 * table(600, 2, seed=1)
    answers, held = [classes(rows[:, 0] * rows[:, 1] > 0) for rows in (x, x_val)]
    found = measure(x, answers, x_val, held)
    assert found.learner in ('5 nearest neighbours', '40 randomised trees')
    assert found.skills[ACCURACY].value > 0.8


def test_numbers_of_any_size():
    found = measure(X, numbers(target(X)), X_VAL, numbers(target(X_VAL)))
    assert set(found.skills) == {SQUARED} and found.learner == 'a linear model'
    assert found.skills[SQUARED].value > 0.99


def test_several_labels_a_row():
    def labels(x):
        return Answers('labels', (x[:, :3] > [0, 1, -0.5]).astype(float), 3)

    found = measure(X, labels(X), X_VAL, labels(X_VAL))
    assert found.skills[ACCURACY].value > 0.6 and found.skills[BALANCED].value > 0.6


def test_a_rare_class_is_seen_by_balance():
    x = table(1500)
    rare = x[:, 0] > 1.9
    assert 0.02 < rare.mean() < 0.04
    found = measure(x, classes(rare))
    assert found.skills[BALANCED].value > 0.5


def test_sequences_as_wide_inputs_go_through_principal_components():
    hidden = table(400, 3)
    x = (hidden @ np.random.RandomState(2).randn(3, 20 * WIDE)).reshape(400, 20, WIDE)
    found = measure(x + 0.1 * np.random.RandomState(3).randn(*x.shape), thirds(hidden))
    assert found.skills[ACCURACY].value > 0.7


def test_huge_columns_hide_none_of_the_others_from_the_principal_components():
    hidden = table(400, 4)
    x = hidden @ np.random.RandomState(2).randn(4, WIDE + 10)
    x[:, ::10] = 1e6 * table(400, 8, seed=3)
    found = measure(x, thirds(hidden))
    assert found.learner == 'a linear model' and found.skills[ACCURACY].value > 0.7


def test_columns_of_very_different_scales():
    found = measure(X * [1e-6, 1e6, 1, 1e3, 1, 1] + [0, 1e7, 0, 0, 0, 1e5], thirds(X))
    assert found.skills[ACCURACY].value > 0.8


def marked(words, length, rows=500, seed=4):
    """Rows of tokens, and whether the one that means something comes up, wherever."""
    random = np.random.RandomState(seed)
    x = random.randint(10, 10 + words, (rows, length))
    places = random.randint(0, length, rows)
    is_marked = random.rand(rows) < 0.5
    x[is_marked, places[is_marked]] = 5 + words // 2
    x[~is_marked] = np.where(x[~is_marked] == 5 + words // 2, 9, x[~is_marked])
    return x, classes(is_marked)


@pytest.mark.once
@pytest.mark.parametrize('words, length', [(8, 12), (100, 40)])
def test_tokens_are_counted(words, length):
    x, answers = marked(words, length)
    as_tokens = measure(x, answers, *marked(words, length, seed=5), tokens=True)
    assert as_tokens.skills[ACCURACY].value > 0.6 and as_tokens.unseen[ACCURACY].value > 0.6
    as_numbers = measure(x, answers)
    assert as_numbers.skills[ACCURACY].value < as_tokens.skills[ACCURACY].value - 0.2


@pytest.mark.once
@pytest.mark.parametrize('move, counted', [
    (lambda x: x, True),
    (lambda x: x - x.max(), False),                      # negative: no token numbers
    (lambda x: x + 0.5, False),
    (lambda x: x * 10 ** np.arange(12), False),          # columns of their own scales
    (lambda x: x // 10, False),                          # too few values to be a vocabulary
    (lambda x: np.concatenate([x] * 4, axis=1), False),  # as wide as images are
])
def test_what_looks_like_tokens_is_counted_though_nobody_says_so(move, counted):
    (x, answers), (x_val, held) = marked(100, 12), marked(100, 12, seed=5)
    told, untold = [measure(move(x), answers, move(x_val), held, tokens=tokens)._replace(seconds=0)
                    for tokens in (True, False)]
    assert (told == untold) is (counted or bool((move(x) % 1).any()))


def test_tokens_that_only_validation_rows_have_count_as_none():
    x, answers = marked(20, 40)
    x = np.where(x == 15, 99, x)  # the token that means something is the last of those known
    later = np.where((x > 20) & (x < 99), x + 100, x)
    found = measure(x, answers, later, answers, tokens=True)
    assert found.skills[ACCURACY].value > 0.6


def test_several_inputs_count_side_by_side():
    parts = [X[:, 1:], X[:, :1].reshape(-1, 1, 1)]
    held = [X_VAL[:, 1:], X_VAL[:, :1].reshape(-1, 1, 1)]
    found = measure(parts, thirds(X), held, thirds(X_VAL))
    assert found.skills[ACCURACY].value > 0.8
    assert measure(X[:, 2:], thirds(X)).skills[ACCURACY].value < 0.2


def test_what_is_no_number_counts_as_zero():
    broken = X.copy()
    broken[:, 3] = np.nan
    broken[::7, 4] = np.inf
    found = measure(broken, thirds(X), np.where(np.arange(6) == 5, np.nan, X_VAL), thirds(X_VAL))
    assert found.learner == 'a linear model' and found.skills[ACCURACY].value > 0.7


@pytest.mark.filterwarnings('error')
def test_constant_columns_and_inputs_of_true_and_false():
    x = np.concatenate([X > 0, np.ones((ROWS, 3), bool)], axis=1)
    assert measure(x, classes(X[:, 0] > 0)).skills[ACCURACY].value > 0.9


# -------------------------------------------------------------------------- names and amounts

NAMES = np.array([2, 0, 3, 1])


@pytest.mark.parametrize('codes, as_classes, as_amounts', [
    (lambda steps: steps, 0.5, 0.5),                     # amounts, in order
    (lambda steps: NAMES[steps], 0.5, None),             # names, in no order
])
def test_class_numbers_taken_for_amounts(codes, as_classes, as_amounts):
    x = table(600, 2)
    found = codes_as_amounts(x, codes(np.digitize(x[:, 0], [-1, 0, 1])))
    assert found[0].value > as_classes
    assert found[1].value > as_amounts if as_amounts else found[1].value < found[0].value / 2


@pytest.mark.parametrize('x, codes', [
    (table(LEAST_ROWS - 1), np.arange(LEAST_ROWS - 1) % 2), (X, np.ones(ROWS)),
    (table(40), np.arange(40) == 39),                    # of one class among the rows held back
    (X, np.arange(6 * ROWS) % 3)])                       # one for every step of a sequence
def test_of_too_few_rows_or_classes_nothing_is_said(x, codes):
    assert codes_as_amounts(x, np.asarray(codes)) is None


# ------------------------------------------------------------------------------ nothing to learn

@pytest.mark.once
@pytest.mark.parametrize('kind, rows, columns', [
    ('classes', 60, 5), ('labels', 60, 5), ('numbers', 300, 5), ('labels', 300, 40),
    ('classes', 600, 100)])
def test_labels_without_signal(kind, rows, columns):
    """Trees know rows by heart that they have seen; these count for nothing."""
    random = np.random.RandomState(rows)
    answers = {'classes': classes(random.randint(0, 3, rows), 3),
               'labels': Answers('labels', (random.rand(rows, 2) < 0.4).astype(float), 2),
               'numbers': numbers(random.randn(rows, 1))}[kind]
    held = answers.take(random.permutation(rows))
    found = measure(table(rows, columns), answers, table(rows, columns, seed=1), held)
    for skills in (found.skills, found.unseen):
        for form, (value, error) in skills.items():
            assert value < max(0.15, 3 * error), form


def test_validation_rows_of_another_kind_are_told_from_training_rows():
    """What is learnt holds on other training rows and on no validation row."""
    found = measure(X, thirds(X), X_VAL, thirds(-X_VAL))
    assert found.unseen[ACCURACY].value > 0.7 and found.skills[ACCURACY].value < 0.2


def test_without_validation_rows_the_unseen_ones_stand_in():
    found = measure(X, thirds(X))
    assert found.skills == found.unseen and found.rows == ROWS


def test_one_class_among_the_validation_rows_says_nothing():
    held = classes(np.zeros(ROWS), 3)
    found = measure(X, thirds(X), X_VAL, held)
    assert found.skills == found.unseen


# ---------------------------------------------------------------------------------- no yardstick

@pytest.mark.parametrize('x, answers, note', [
    (table(LEAST_ROWS - 1), classes(np.arange(LEAST_ROWS - 1) % 2),
     '%d rows to learn from, a yardstick needs %d' % (LEAST_ROWS - 1, LEAST_ROWS)),
    (X, classes(np.ones(ROWS), 3), 'all rows have one and the same answer'),
    (X, numbers(np.full((ROWS, 2), 0.1)), 'all rows have one and the same answer'),
    (np.array(['good', 'bad'] * 150), thirds(X), 'the inputs are no plain numbers (they hold <U4)'),
    (np.array([[{}]] * ROWS), thirds(X), 'the inputs are no plain numbers (they hold object)'),
])
def test_where_there_can_be_none_a_note_says_why(x, answers, note):
    found = measure(x, answers)
    assert found == none(note)
    assert not found.skills and not found.unseen and found.learner == ''


def test_just_enough_rows():
    x = table(LEAST_ROWS)
    assert measure(x, classes(x[:, 0] > 0)).skills[ACCURACY].value > 0.3


def test_a_class_of_one_row_is_no_obstacle():
    truth = thirds(X).truth.copy()
    truth[5] = 3
    assert measure(X, classes(truth, 4)).skills[ACCURACY].value > 0.7


# --------------------------------------------------------------------------------- autoencoders

def test_an_autoencoder_is_held_against_as_many_principal_components():
    hidden, mixing = table(400, 3), np.random.RandomState(5).randn(3, 10)
    x = hidden @ mixing + 0.01 * table(400, 10, seed=6)
    held = numbers(table(100, 3, seed=7) @ mixing)
    whole = reconstruction(numbers(x), held, 3)
    assert whole.learner == '3 principal components' and whole.rows == 500
    assert whole.skills[SQUARED].value > 0.99 and whole.unseen[SQUARED].value > 0.99
    part = reconstruction(numbers(x), None, 1)
    assert 0.3 < part.skills[SQUARED].value < 0.9 and part.skills == part.unseen
    # no more components than there are columns
    assert reconstruction(numbers(x), None, 100).learner == '10 principal components'


def test_an_autoencoder_s_components_are_measured_on_rows_that_they_were_not_drawn_from():
    assert reconstruction(numbers(table(40, 30)), None, 20).unseen[SQUARED].value < 0.7


@pytest.mark.parametrize('rows, components, note', [
    (ROWS, 0, 'the targets are the inputs again, and the narrowest layer is unknown'),
    (LEAST_ROWS - 1, 3, '%d rows to learn from, a yardstick needs %d' % (LEAST_ROWS - 1,
                                                                         LEAST_ROWS))])
def test_an_autoencoder_without_a_yardstick(rows, components, note):
    assert reconstruction(numbers(table(rows)), None, components) == none(note)


def test_pictures_that_are_to_be_drawn_from_little_are_learnt_by_their_components():
    hidden = table(400, 2)
    pictures = hidden @ np.random.RandomState(8).randn(2, 400)
    assert measure(hidden, numbers(pictures)).skills[SQUARED].value > 0.95


# ------------------------------------------------------------------------- the same twice, records

@pytest.mark.once
@pytest.mark.parametrize('x', [table(ROWS, WIDE + 6)])
def test_the_same_seed_gives_the_same_yardstick(x):
    first, again = [measure(x, thirds(x), seed=3)._replace(seconds=0) for _ in range(2)]
    assert first == again
    assert measure(x, thirds(x), seed=4).unseen != first.unseen


@pytest.mark.once
def test_what_is_drawn_elsewhere_does_not_matter():
    np.random.seed(1)
    once = measure(X, thirds(X))
    state = np.random.get_state()[1].tolist()
    np.random.seed(2)
    again = measure(X, thirds(X))
    assert once.unseen == again.unseen
    np.random.seed(1)
    assert state == np.random.get_state()[1].tolist()  # nothing was drawn


@pytest.mark.parametrize('known', [
    none('29 rows'),
    Yardstick({ACCURACY: Skill(0.5, 0.1), SQUARED: Skill(-0.25, 0.5)}, {ACCURACY: Skill(0.75, 0.2)},
              '40 randomised trees', 600, 0.25)])
def test_to_a_record_and_back(known):
    assert from_dict(json.loads(json.dumps(known.as_dict()))) == known


def test_a_measured_one_goes_into_a_record():
    known = measure(X, numbers(target(X)))
    assert from_dict(json.loads(json.dumps(known.as_dict()))) == known


@pytest.mark.once
def test_as_many_rows_as_are_looked_at_at_the_most():
    """Large and wide, as a training with images is: it must only come to an end soon."""
    x = table(MOST_ROWS * 3 // 4, 784)
    found = measure(x, read_answers(np.arange(len(x)) % 10, 'integer', 10))
    assert found.rows == MOST_ROWS * 3 // 4 and found.skills[ACCURACY].value < 0.1
