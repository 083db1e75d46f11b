"""Skill: how much of what can be known a model knows. 0 is the best constant answer, 1 perfection.

Three forms, because each is blind somewhere. By *accuracy* a model that finds half of a rare class
has no skill; by *balanced accuracy* (the mean over the classes of the share that is recognised) it
has, though it has some too where it guesses; by *squared error* (R², for classes against rows of 0
and 1) confidence counts. The best constant answer is that of the rows that are measured. Closed
forms stand here where scikit-learn's Dummy estimators would say the same: a sound training is
measured every epoch and must not load that library.
"""

import math
from typing import Any, Dict, NamedTuple, Optional

import numpy as np

ACCURACY, BALANCED, SQUARED = 'accuracy', 'balanced accuracy', 'squared error'
FORMS = (ACCURACY, BALANCED, SQUARED)
"""The forms of skill, in the order in which one is preferred to speak of."""

WORST = -10.0
"""Skill by squared error has no lower bound; below this it says nothing more."""

FAR_OFF = 100.0
"""Squared error of a row, as a multiple of the constant answer's mean, beyond which it counts no
more: a few rows that are off without bounds would drown the others, and their own error with it."""


class Skill(NamedTuple):
    """One measured skill.

    Attributes:
        value: 1 for perfect, 0 for the best constant answer, negative below it.
        error: its standard error, from the number of rows.
    """

    value: float
    error: float


Skills = Dict[str, Skill]
"""Skill by form; forms that say nothing of an output are missing."""


class Answers(NamedTuple):
    """The right answers of some rows, in one shape for every kind of labels.

    Attributes:
        kind: ``'classes'`` (one of several), ``'labels'`` (each yes or no) or ``'numbers'``.
        truth: array of shape (rows,) with class numbers, or (rows, outputs).
        width: classes, labels or numbers per row.
        signs: whether two classes are written as -1 and 1.
    """

    kind: str
    truth: np.ndarray
    width: int
    signs: bool = False

    def take(self, rows: Any) -> 'Answers':
        """The answers of some of the rows."""
        return self._replace(truth=self.truth[rows])


def read_answers(y: Any, labels: str, units: int) -> Optional[Answers]:
    """The answers that labels stand for.

    Args:
        y: labels of one output, an array with one entry per row; sequences of them count as so
            many rows.
        labels: their kind, see :class:`~AutoTrainer.judge.facts.Task`.
        units: size of the output's last axis.

    Returns:
        None where the labels are of no known kind.
    """
    y = np.asarray(y)
    if not labels or y.size == 0 or y.dtype.kind not in 'biuf':
        return None
    if labels == 'one_hot':
        return Answers('classes', _rows(y).argmax(axis=-1), y.shape[-1])
    if labels == 'binary' or labels == 'integer' and units > 1:
        return Answers('classes', y.ravel().astype(np.int64), max(2, units))
    if labels == 'multi_hot':
        return Answers('labels', _rows(y).astype(np.float64), y.shape[-1])
    flat = _rows(y).astype(np.float64)
    if flat.shape[1] == 1 and bool(np.all(np.abs(flat) == 1)) and len(np.unique(flat)) == 2:
        return Answers('classes', (flat[:, 0] > 0).astype(np.int64), 2, signs=True)
    return Answers('numbers', flat, flat.shape[1])


def _rows(y: np.ndarray) -> np.ndarray:
    """Labels in two dimensions, the outputs in the last."""
    return y.reshape(-1, 1) if y.ndim < 2 else y.reshape(-1, y.shape[-1])


def as_shares(answers: Answers, outputs: Any, logits: bool = False) -> np.ndarray:
    """A model's outputs as what is compared with the answers.

    Args:
        answers: of the same rows.
        outputs: array of shape (rows, …, outputs).
        logits: whether the loss applies softmax or sigmoid to the outputs by itself.

    Returns:
        An array of shape (rows, width): shares of classes or labels, or numbers.

    Raises:
        ValueError: if outputs and answers do not belong together.
    """
    found = np.asarray(outputs, dtype=np.float64)
    if answers.kind == 'numbers':
        return _shares_of(answers.truth, found.reshape(answers.truth.shape), logits)
    found = found.reshape(-1, found.shape[-1] if found.ndim > 1 else 1)
    if len(found) != len(answers.truth):
        raise ValueError('%d outputs for %d answers' % (len(found), len(answers.truth)))
    if logits:
        found = (_softmax if found.shape[1] > 1 and answers.kind == 'classes' else _sigmoid)(found)
    if answers.signs:
        found = (found + 1) / 2
    if answers.kind == 'classes' and found.shape[1] == 1:
        found = np.concatenate([1 - found, found], axis=1)
    return found


def _shares_of(truth: np.ndarray, found: np.ndarray, logits: bool) -> np.ndarray:
    """Outputs held against amounts; those before a softmax or sigmoid against shares."""
    if not logits or truth.min() < 0 or truth.max() > 1:
        return found
    shared_out = truth.shape[1] > 1 and np.allclose(truth.sum(axis=1), 1, atol=1e-3)
    return (_softmax if shared_out else _sigmoid)(found)


def _softmax(logits: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore'):  # infinite ones become NaN
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))


def skills_of(answers: Answers, shares: Any) -> Skills:
    """The skill of answers that somebody gave.

    Args:
        answers: the right ones.
        shares: array of shape (rows, width): shares of classes or labels, or numbers. A class or
            a label counts as given where its share is the largest, or above one half.

    Returns:
        By form; nothing where all rows have one and the same answer, of which no skill is known.
    """
    shares = np.asarray(shares, dtype=np.float64)
    if answers.kind == 'numbers':
        return _by_squares(answers.truth, shares)
    if answers.kind == 'labels':
        return dict(_of_labels(answers.truth, np.nan_to_num(shares) > 0.5),
                    **_by_squares(answers.truth, shares))
    count = max(answers.width, shares.shape[1], int(answers.truth.max()) + 1)
    hot = one_hot(answers.truth, count)
    given = np.where(np.isfinite(shares).all(axis=1), np.nan_to_num(shares).argmax(axis=1), -1)
    if shares.shape[1] < count:  # classes that the model has no output for
        shares = np.pad(shares, ((0, 0), (0, count - shares.shape[1])), mode='constant')
    return dict(_of_classes(answers.truth, given, count), **_by_squares(hot, shares))


def one_hot(classes: np.ndarray, count: int) -> np.ndarray:
    """Rows with a 1 for the class of each; of a vocabulary a table of all classes would be huge."""
    hot = np.zeros((len(classes), count))
    hot[np.arange(len(classes)), classes] = 1
    return hot


def _against_constant(right: np.ndarray, constant: np.ndarray) -> Optional[Skill]:
    """Skill by accuracy, with the error of a ratio whose two parts are of the same rows.

    Args:
        right: per row the share that was answered rightly.
        constant: the same of the best constant answer. Whoever always gives it has skill 0, and
            whoever is always right skill 1, whatever the rows: no error but for half a row.
    """
    left = 1 - constant  # what a constant answer leaves to be learnt
    if left.mean() <= 0:
        return None
    value = float((right - constant).mean() / left.mean())
    error = float((right - constant - value * left).std()) / math.sqrt(len(right))
    return Skill(value, (error + 0.5 / len(right)) / float(left.mean()))


def constant_accuracy(answers: Answers) -> Optional[float]:
    """The accuracy of the best constant answer; None for numbers."""
    if answers.kind == 'classes':
        return float(np.bincount(answers.truth - min(0, int(answers.truth.min()))).max()
                     / len(answers.truth))
    if answers.kind == 'labels':
        share = answers.truth.mean(axis=0)
        return float(np.maximum(share, 1 - share).mean())
    return None


def _of_classes(truth: np.ndarray, given: np.ndarray, count: int) -> Skills:
    sizes = np.bincount(truth, minlength=count)
    there = sizes > 0
    if there.sum() < 2:
        return {}
    found: Skills = {}
    overall = _against_constant(given == truth, (truth == sizes.argmax()).astype(float))
    if overall is not None:
        found[ACCURACY] = overall
    right = np.bincount(truth[given == truth], minlength=count)[there]
    found[BALANCED] = _balanced(right, sizes[there])
    return found


def _balanced(right: np.ndarray, sizes: np.ndarray) -> Skill:
    """Skill by balanced accuracy, from right rows and all rows of each class."""
    chance = 1 / len(sizes)
    likely = (right + 1) / (sizes + 2)
    error = math.sqrt(float(np.sum(likely * (1 - likely) / sizes))) / len(sizes)
    return Skill(float((np.mean(right / sizes) - chance) / (1 - chance)), error / (1 - chance))


def _of_labels(truth: np.ndarray, given: np.ndarray) -> Skills:
    share = truth.mean(axis=0)
    varying = (share > 0) & (share < 1)
    if not varying.any():
        return {}
    found: Skills = {}
    overall = _against_constant((given == truth).mean(axis=1),
                                ((share > 0.5) == truth).mean(axis=1))
    if overall is not None:
        found[ACCURACY] = overall
    each = []
    for label, answer in zip(truth[:, varying].T > 0, given[:, varying].T):
        sizes = np.array([np.sum(~label), np.sum(label)])
        each.append(_balanced(np.array([np.sum(~label & ~answer), np.sum(label & answer)]), sizes))
    found[BALANCED] = Skill(float(np.mean([skill.value for skill in each])),
                            float(np.mean([skill.error for skill in each])))
    return found


def _by_squares(truth: np.ndarray, given: np.ndarray) -> Skills:
    """R² over all outputs together, as a mean squared error weighs them."""
    if not np.ptp(truth, axis=0).any():  # the mean of equal numbers may be off in its last digit
        return {}
    spread = float(np.sum((truth - truth.mean(axis=0)) ** 2))
    with np.errstate(over='ignore', invalid='ignore'):
        off = np.sum((truth - given) ** 2, axis=1) * len(truth) / spread
    # what is infinite, or no number, is as wrong as is told apart
    off = np.where(np.isfinite(off), np.minimum(off, FAR_OFF), FAR_OFF)
    return {SQUARED: Skill(max(WORST, 1 - float(off.mean())),
                           float(off.std() / math.sqrt(len(off))) + 1 / len(off))}


RARE = 0.8
"""Share of the largest class from which accuracy says little of the others."""


def form_of(answers: Answers) -> str:
    """The form in which skill is told where one has to do, whatever the model."""
    share = constant_accuracy(answers)
    return SQUARED if share is None else ACCURACY if share < RARE else BALANCED


def surest(skills: Skills) -> str:
    """The form with the highest skill that few rows do not blur; of none, accuracy."""
    return max(skills, key=lambda form: (skills[form].value - skills[form].error,
                                         -FORMS.index(form))) if skills else ACCURACY
