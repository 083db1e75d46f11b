"""The yardstick: the skill that classical learners reach on the same rows in about a second.

A lower bound on what can be learnt: a network clearly below it is not trained well, whatever its
accuracy; that one is above it proves nothing. Linear models, nearest neighbours, randomised trees
and a kernel ridge regression (what is smooth, it learns nearly as well as a network), always
measured on rows that they did not see. scikit-learn is loaded when a yardstick is
first asked for: a sound training never needs one.
"""

import contextlib
import time
import warnings
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .skill import ACCURACY, FORMS, Answers, Skill, Skills, skills_of

LEAST_ROWS = 30
"""Rows that a yardstick needs; of fewer nobody can be told from luck."""

MOST_ROWS = 2000
"""Rows that it looks at, at the most: three quarters to learn from, one quarter to be measured."""

WIDE = 64
"""Columns beyond which principal components stand in for them."""

COMPONENTS = 32
_RIDGE, _WIDTH = 0.1, 0.3  # of the kernel ridge regression; both chosen on the zoo's choosing half
_FOLDS = 4
_SINGLE_SPLIT = 400   # rows from which one split into learnt and measured rows is enough
_MOST_TOKENS = 500    # tokens that are counted, the most frequent ones
_MANY_TOKENS = 50     # tokens that make a vocabulary
_MOST_OUTPUTS = 50    # numbers per row beyond which their principal components are learnt instead


class Yardstick(NamedTuple):
    """What classical learners reach.

    Attributes:
        skills: of the best of them, on the validation rows; where there are none, as ``unseen``.
        unseen: the same on training rows that it had not seen.
        learner: the best of them, in words.
        rows: rows that were looked at.
        seconds: what it cost.
        note: why there is none; '' where there is one.
    """

    skills: Skills
    unseen: Skills
    learner: str = ''
    rows: int = 0
    seconds: float = 0.0
    note: str = ''

    def as_dict(self) -> Dict[str, Any]:
        """For a record."""
        return {'learner': self.learner, 'rows': self.rows, 'seconds': self.seconds,
                'note': self.note,
                **{name: {form: list(skill) for form, skill in skills.items()}
                   for name, skills in (('skills', self.skills), ('unseen', self.unseen))}}


def from_dict(told: Dict[str, Any]) -> Yardstick:
    """Back from :meth:`Yardstick.as_dict`."""
    read = {name: {form: Skill(*pair) for form, pair in told[name].items()}
            for name in ('skills', 'unseen')}
    return Yardstick(**dict(told, **read))


def none(note: str) -> Yardstick:
    """No yardstick, and why."""
    return Yardstick({}, {}, note=note)


def measure(x: Any, answers: Answers, x_val: Any = None, answers_val: Optional[Answers] = None,
            tokens: bool = False, seed: int = 0) -> Yardstick:
    """Let the classical learners learn, and say what the best of them reaches.

    Args:
        x: inputs of some training rows (:data:`MOST_ROWS` at the most are good): an array with one
            entry per row, or a list of such arrays, which count as one, side by side.
        answers: of the same rows.
        x_val: inputs of some validation rows; None without any.
        answers_val: of the same rows.
        tokens: whether whole numbers in the inputs are token numbers, to be counted.
        seed: for splits and trees.

    Returns:
        The yardstick; without skills, and with a note, where there can be none: fewer than
        ``LEAST_ROWS`` rows, one answer for all, several for each (as for the steps of a sequence),
        or inputs that are no numbers.
    """
    started = time.perf_counter()
    rows = len(answers.truth) + (0 if answers_val is None else len(answers_val.truth))
    if len(answers.truth) < LEAST_ROWS:
        return none('%d rows to learn from, a yardstick needs %d'
                    % (len(answers.truth), LEAST_ROWS))
    if bool(np.all(answers.truth == answers.truth[:1])):
        return none('all rows have one and the same answer')
    try:
        with _quietly():
            columns = _Columns(x, tokens, seed)
    except (TypeError, ValueError) as error:
        return none('the inputs are no plain numbers (%s)' % error)
    if len(columns.of_training) != len(answers.truth):
        return none('a row has %d answers' % (len(answers.truth) // len(columns.of_training)))
    with _quietly():
        found = _compare(columns, answers, x_val, answers_val, seed)
    if not found:
        return none('no learner takes these rows')
    learner, unseen, skills = max(found, key=lambda entry: _overall(entry[1], entry[2]))
    return Yardstick(skills or unseen, unseen, learner, rows, time.perf_counter() - started)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """On one thread, and without a word of linear models that have not converged: good enough.

    So few rows gain nothing from more threads, which wait for each other where the machine has
    other work: a training, for example.
    """
    from threadpoolctl import threadpool_limits
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def reconstruction(answers: Answers, answers_val: Optional[Answers], components: int,
                   seed: int = 0, values: int = 0) -> Yardstick:
    """The yardstick of an autoencoder: as many principal components as its narrowest layer has.

    Args:
        answers: of some training rows; the inputs again.
        answers_val: of some validation rows; None without any.
        components: values that the narrowest layer passes on; 0 if unknown.
        seed: for the split.
        values: numbers that a row has; default those of an answer. Of an image each pixel is one.
    """
    started = time.perf_counter()
    truth = answers.truth.reshape(-1, values or answers.width)
    if components < 1 or len(truth) < LEAST_ROWS:
        return none('the targets are the inputs again, and the narrowest layer is unknown'
                    if components < 1 else '%d rows to learn from, a yardstick needs %d'
                    % (len(truth), LEAST_ROWS))
    from sklearn.decomposition import PCA
    order = np.random.RandomState(seed).permutation(len(truth))
    held, learnt = np.array_split(order, [len(order) // _FOLDS])
    kept = min(components, len(learnt) - 1, truth.shape[1])
    fitted = PCA(kept, random_state=seed).fit(truth[learnt])

    def skills(rows: np.ndarray) -> Skills:
        again = fitted.inverse_transform(fitted.transform(rows))
        return skills_of(answers._replace(truth=rows.reshape(-1, answers.width)),
                         again.reshape(-1, answers.width))

    unseen = skills(truth[held])
    validation = truth[:0] if answers_val is None else answers_val.truth.reshape(
        -1, truth.shape[1])
    return Yardstick(skills(validation) if len(validation) else unseen, unseen,
                     '%d principal components' % kept, len(truth) + len(validation),
                     time.perf_counter() - started)


def _overall(unseen: Skills, skills: Skills) -> float:
    """One number by which learners are compared: the mean of the forms, of seen ones if any."""
    values = [part[form].value for part in (unseen, skills) for form in FORMS if form in part]
    return float(np.mean([max(-1.0, value) for value in values])) if values else -np.inf


def _compare(columns: '_Columns', answers: Answers, x_val: Any, answers_val: Optional[Answers],
             seed: int) -> List[Tuple[str, Skills, Skills]]:
    """(learner, skills on training rows that it did not see, on validation rows) of each."""
    inputs = columns.of_training
    validation = None if x_val is None or answers_val is None else columns.of(x_val)
    found = []
    for name, learner in _learners(answers, _breadth(inputs), seed):
        try:
            unseen = _unseen(learner, inputs, answers, seed)
            skills: Skills = {}
            if validation is not None and answers_val is not None:
                fitted = _Fitted(learner, inputs, answers)
                skills = skills_of(answers_val, fitted.shares(validation))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            continue  # a learner that these rows do not fit
        if unseen:
            found.append((name, unseen, skills))
    return found


def _unseen(learner: Callable[[], Any], inputs: np.ndarray, answers: Answers,
            seed: int) -> Skills:
    """Skill on rows that were not learnt from: one split of many rows, several folds of few."""
    order = np.random.RandomState(seed).permutation(len(inputs))
    folds = np.array_split(order, _FOLDS)
    if len(inputs) >= _SINGLE_SPLIT:
        learnt = np.concatenate(folds[1:])
        return skills_of(answers.take(folds[0]), _Fitted(
            learner, inputs[learnt], answers.take(learnt)).shares(inputs[folds[0]]))
    given: Optional[np.ndarray] = None
    for fold in folds:
        learnt = np.setdiff1d(order, fold)
        shares = _Fitted(learner, inputs[learnt], answers.take(learnt)).shares(inputs[fold])
        if given is None:
            given = np.zeros((len(inputs), shares.shape[1]))
        given[fold] = shares
    return skills_of(answers, given)


class _Fitted:
    """A learner that has learnt, whose answers have the shape of the right ones."""

    def __init__(self, learner: Callable[[], Any], inputs: np.ndarray, answers: Answers) -> None:
        self._answers = answers
        self._components: Any = None
        self._model: Any
        truth = answers.truth
        if answers.kind == 'classes':
            self._classes = np.unique(truth)
            self._model = learner() if len(self._classes) > 1 else None
            if self._model is not None:
                self._model.fit(inputs, truth)
            return
        if truth.shape[1] > _MOST_OUTPUTS:
            from sklearn.decomposition import PCA
            self._components = PCA(min(COMPONENTS, len(truth) - 1), random_state=0).fit(truth)
            truth = self._components.transform(truth)
        self._middle, self._scale = truth.mean(axis=0), _scale(truth)
        self._model = learner().fit(inputs, (truth - self._middle) / self._scale)

    def shares(self, inputs: np.ndarray) -> np.ndarray:
        """Shares of classes or labels, or numbers: an array of shape (rows, width)."""
        if self._answers.kind == 'classes':
            found = np.zeros((len(inputs), max(self._answers.width, int(self._classes.max()) + 1)))
            found[:, self._classes] = 1 if self._model is None else (
                self._model.predict_proba(inputs))
            return found
        given = np.asarray(self._model.predict(inputs)).reshape(len(inputs), -1)
        given = given * self._scale + self._middle
        return given if self._components is None else self._components.inverse_transform(given)


def _learners(answers: Answers, columns: float, seed: int
              ) -> Sequence[Tuple[str, Callable[[], Any]]]:
    """The learners by their names in words.

    Args:
        answers: what they are to learn.
        columns: of their inputs, times their mean square: how far apart two rows are.
        seed: for the trees.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    def smooth() -> Any:
        return KernelRidge(alpha=_RIDGE, kernel='rbf', gamma=_WIDTH / columns)

    if answers.kind == 'classes':
        return (('a linear model', lambda: LogisticRegression(max_iter=100)),
                ('5 nearest neighbours', lambda: KNeighborsClassifier(5)),
                ('40 randomised trees', lambda: ExtraTreesClassifier(
                    40, min_samples_leaf=2, random_state=seed)),
                ('a kernel ridge regression', lambda: _ByRegression(smooth())))
    return (('a linear model', lambda: Ridge(1.0)),
            ('5 nearest neighbours', lambda: KNeighborsRegressor(5)),
            ('40 randomised trees', lambda: ExtraTreesRegressor(
                40, min_samples_leaf=2, random_state=seed)),
            ('a kernel ridge regression', smooth))


def _breadth(inputs: np.ndarray) -> float:
    """Mean squared distance of a row from the middle of all."""
    return max(1e-9, float(inputs.var(axis=0).sum()))


class _ByRegression:
    """A classifier that learns the share of each class as a number."""

    def __init__(self, regression: Any) -> None:
        self._regression = regression

    def fit(self, x: np.ndarray, y: np.ndarray) -> '_ByRegression':
        """Learn."""
        classes, places = np.unique(y, return_inverse=True)
        hot = np.eye(len(classes))[places]
        self._shares = hot.mean(axis=0)
        self._regression.fit(x, hot - self._shares)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Shares of the classes that were there, in their order."""
        return np.clip(self._regression.predict(x) + self._shares, 0, 1)


# --------------------------------------------------------------------------- from inputs to columns

class _Columns:
    """Inputs as columns that every learner takes, scaled as the training rows ask for.

    Args:
        x: inputs of the training rows.
        tokens: whether whole numbers are token numbers.
        seed: for the principal components.

    Attributes:
        of_training: array of shape (rows, columns).
    """

    def __init__(self, x: Any, tokens: bool, seed: int) -> None:
        self._vocabulary: Optional[np.ndarray] = None
        raw = _side_by_side(x)
        if bool(np.all(raw == np.floor(raw))) and (tokens or _look_like_tokens(raw)):
            values, counts = np.unique(raw, return_counts=True)
            kept = np.argsort(-counts, kind='stable')[:_MOST_TOKENS]
            self._vocabulary = np.sort(values[kept])
        columns = self._counted(raw)
        self._middle, self._scale = columns.mean(axis=0), _scale(columns)
        if columns.shape[1] > WIDE and _alike(self._scale[columns.std(axis=0) > 0]):
            self._scale = np.full(columns.shape[1], max(float(columns.std()), 1e-12))
        scaled = self._scaled(columns)
        self._components: Any = None
        if scaled.shape[1] > WIDE:
            from sklearn.decomposition import PCA
            self._components = PCA(min(COMPONENTS, len(scaled) - 1), svd_solver='randomized',
                                   random_state=seed).fit(scaled)
            scaled = self._components.transform(scaled)
        self.of_training = scaled

    def of(self, x: Any) -> np.ndarray:
        """Other inputs of the same kind."""
        scaled = self._scaled(self._counted(_side_by_side(x)))
        return scaled if self._components is None else self._components.transform(scaled)

    def _scaled(self, columns: np.ndarray) -> np.ndarray:
        return np.clip((columns - self._middle) / self._scale, -10, 10)

    def _counted(self, raw: np.ndarray) -> np.ndarray:
        """Token counts, and the tokens themselves where a row has few; else the columns."""
        if self._vocabulary is None:
            return raw
        places = np.searchsorted(self._vocabulary, raw).clip(max=len(self._vocabulary) - 1)
        counts = np.zeros((len(raw), len(self._vocabulary)), dtype=np.float32)
        hit = self._vocabulary[places] == raw
        np.add.at(counts, (np.nonzero(hit)[0], places[hit]), 1)
        return np.concatenate([counts, raw], axis=1) if raw.shape[1] <= WIDE // 2 else counts


def _look_like_tokens(raw: np.ndarray) -> bool:
    """Whether whole numbers are token numbers, though the model takes them for amounts.

    All columns draw from one large vocabulary. Rows of more columns are left alone: pixels look
    the same.
    """
    if not 4 <= raw.shape[1] <= WIDE // 2 or raw.min() < 0:
        return False
    tops = raw.max(axis=0)
    return len(np.unique(raw)) >= _MANY_TOKENS and bool(tops.min() >= 0.8 * tops.max())


def _side_by_side(x: Any) -> np.ndarray:
    """All inputs of a row in one row of float32; what is no number counts as 0."""
    arrays = [np.asarray(part) for part in (x if isinstance(x, (list, tuple)) else [x])]
    for array in arrays:
        if array.dtype.kind not in 'biuf':
            raise ValueError('they hold %s' % array.dtype)
    joined = np.concatenate([array.reshape(len(array), -1).astype(np.float32)
                             for array in arrays], axis=1)
    return np.nan_to_num(np.clip(joined, -1e15, 1e15))


def _scale(columns: np.ndarray) -> np.ndarray:
    """What each column is divided by: its standard deviation, 1 where it is constant."""
    deviation = columns.std(axis=0)
    return np.where(deviation > 1e-9 * (1e-9 + np.abs(columns).max(axis=0)), deviation, 1.0)


def _alike(scales: np.ndarray) -> bool:
    """Whether columns are of one scale, as pixels are: what hardly varies may count little."""
    if not len(scales):
        return True
    middle, high = np.percentile(scales, [50, 95])
    return bool(high <= 30 * middle)


# ------------------------------------------------------------------------- class numbers as amounts

def codes_as_amounts(x: Any, codes: np.ndarray, seed: int = 0) -> Optional[Tuple[Skill, Skill]]:
    """What a linear model makes of class numbers, taken for classes and taken for amounts.

    Where the numbers are amounts, or are at least in order, the two are about as good. Numbers that
    only name classes are lost on a regression.

    Args:
        x: inputs of the rows.
        codes: their class numbers, whole and from 0.
        seed: for the split.

    Returns:
        Skill by accuracy as classes, and as amounts that are rounded; None where it is not known.
    """
    classes = Answers('classes', codes.astype(np.int64), int(codes.max()) + 1)
    amounts = Answers('numbers', codes.astype(np.float64).reshape(-1, 1), 1)
    if len(codes) < LEAST_ROWS or len(np.unique(codes)) < 2:
        return None
    columns = _Columns(x, False, seed).of_training
    if len(columns) != len(codes):  # several a row, as for the steps of a sequence
        return None
    held, learnt = np.array_split(np.random.RandomState(seed).permutation(len(codes)),
                                  [len(codes) // _FOLDS])
    found = []
    with _quietly():
        for answers in (classes, amounts):
            learner = _learners(answers, _breadth(columns), seed)[0][1]
            given = _Fitted(learner, columns[learnt], answers.take(learnt)).shares(columns[held])
            if answers is amounts:
                rounded = np.rint(given[:, 0]).clip(0, classes.width - 1).astype(int)
                given = np.eye(classes.width)[rounded]
            found.append(skills_of(classes.take(held), given).get(ACCURACY))
    as_classes, as_amounts = found
    return None if as_classes is None or as_amounts is None else (as_classes, as_amounts)
