"""What a training is held against: some of its rows with their right answers, and the yardstick.

Rows are drawn once, seeded: those on which the model's own skill is measured, and those that the
classical learners get. Nothing is computed before it is asked for.
"""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import first_line
from ..intake.arrays import map_arrays, parts, row_count
from . import yardstick as classical
from .skill import (
    Answers,
    Skill,
    Skills,
    as_shares,
    constant_accuracy,
    form_of,
    one_hot,
    read_answers,
    skills_of,
)
from .yardstick import MOST_ROWS, Yardstick

MEASURED_ROWS = 500
"""Training rows, and as many validation rows, on which a model's skill is measured."""

_COPIED = 0.5  # skill of the inputs as answers from which targets count as the inputs again
_LEAST_COPIED = 8  # and numbers that a row must have


class Target(NamedTuple):
    """One output of a model, and its labels.

    Attributes:
        y: all training labels.
        y_val: all validation labels; None without any.
        labels: their kind, see :class:`~AutoTrainer.judge.facts.Task`.
        units: size of the output's last axis.
        logits: whether the loss applies softmax or sigmoid to the outputs by itself.
        name: of the output, where there are several; ''.
    """

    y: Any
    y_val: Any = None
    labels: str = ''
    units: int = 0
    logits: bool = False
    name: str = ''


class Measured(NamedTuple):
    """What a model's own predictions are worth, output by output.

    Attributes:
        training: skills on training rows.
        validation: skills on validation rows; empty without any.
        spread: how far the predictions differ from row to row: the largest standard deviation
            among the columns of an output, as a share of that of the answers. 0 where every row
            gets the same answer.
        forms: the form in which each output's skill is told where one has to do.
        names: of the outputs, where there are several.
    """

    training: Tuple[Skills, ...]
    validation: Tuple[Skills, ...] = ()
    spread: Tuple[float, ...] = ()
    forms: Tuple[str, ...] = ()
    names: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, Any]:
        """For a checkpoint."""
        return {'training': [_plain(skills) for skills in self.training],
                'validation': [_plain(skills) for skills in self.validation],
                'spread': list(self.spread), 'forms': list(self.forms), 'names': list(self.names)}


def _plain(skills: Skills) -> Dict[str, List[float]]:
    return {form: list(skill) for form, skill in skills.items()}


def from_dict(told: Mapping[str, Any]) -> Measured:
    """Back from :meth:`Measured.as_dict`."""
    training, validation = [
        tuple({form: Skill(*pair) for form, pair in skills.items()} for skills in told[part])
        for part in ('training', 'validation')]
    return Measured(training, validation, tuple(told['spread']), tuple(told['forms']),
                    tuple(told.get('names', ())))


class Constants(NamedTuple):
    """What the best constant answer reaches on some rows, as far as an accuracy tells it.

    Attributes:
        rows: how many.
        accuracy: its accuracy; None where the accuracy that a framework measures means nothing
            (numbers; several labels a row).
    """

    rows: int
    accuracy: Optional[float] = None


class Reference:
    """Rows of a training and what can be learnt from them.

    Args:
        x: all training inputs: an array, or a list or dictionary of arrays.
        targets: the outputs, in the order in which the model gives them.
        x_val: all validation inputs; None without any.
        tokens: whether the model takes whole numbers as tokens.
        narrowest: fewest values that a layer passes on; 0 if unknown. What must go through it
            bounds an autoencoder.
        seed: which rows.

    Attributes:
        training: what the constant answer reaches on the training rows.
        validation: on the validation rows; None without any.
    """

    def __init__(self, x: Any, targets: Sequence[Target], x_val: Any = None,
                 tokens: bool = False, narrowest: int = 0, seed: int = 0) -> None:
        self._targets = tuple(targets)
        self._tokens, self._narrowest, self._seed = tokens, narrowest, seed % 2**32
        self._x, self._x_val = x, x_val
        self._yardsticks: Optional[Tuple[Yardstick, ...]] = None
        self.training = self._constants('y', x)
        self.validation = None if x_val is None else self._constants('y_val', x_val)

    def _constants(self, name: str, x: Any) -> Constants:
        if len(self._targets) != 1:
            return Constants(row_count(x))
        target = self._targets[0]
        answers = read_answers(getattr(target, name), target.labels, target.units)
        counts = answers is not None and answers.kind == 'classes' and not answers.signs
        return Constants(row_count(x), constant_accuracy(answers)
                         if answers is not None and counts else None)

    # --------------------------------------------------------------------- the model's own skill

    def measured_rows(self) -> List[Any]:
        """Inputs of the training rows, then of the validation rows, that are to be predicted."""
        return [self._take(x, MEASURED_ROWS) for x in (self._x, self._x_val) if x is not None]

    def measured(self, outputs: Sequence[Sequence[Any]]) -> Measured:
        """What predictions are worth.

        Args:
            outputs: for each of :meth:`measured_rows`, one array per output of the model.
        """
        found: List[Tuple[Skills, ...]] = []
        spread: Tuple[float, ...] = ()
        for part, arrays in zip(('y', 'y_val'), outputs):
            answers = self._answers(part, MEASURED_ROWS)
            found.append(tuple(_skills(a, array, target.logits) for a, array, target in zip(
                answers, arrays, self._targets)))
            spread = spread or tuple(_spread(a, array) for a, array in zip(answers, arrays))
        forms = tuple('' if a is None else form_of(a) for a in self._answers('y', MEASURED_ROWS))
        return Measured(found[0], found[1] if len(found) > 1 else (), spread, forms,
                        tuple(target.name for target in self._targets if target.name))

    # ------------------------------------------------------------------------------ the yardstick

    def yardsticks(self) -> Tuple[Yardstick, ...]:
        """What classical learners reach, output by output; computed when it is first asked for."""
        if self._yardsticks is None:
            self._yardsticks = tuple(self._tried(i) for i in range(len(self._targets)))
        return self._yardsticks

    def _tried(self, index: int) -> Yardstick:
        try:
            return self._yardstick(index)
        except Exception as error:  # of a library, on rows that nobody foresaw
            return classical.none('the classical learners broke down: %s' % first_line(error))

    def _yardstick(self, index: int) -> Yardstick:
        validated = self._x_val is not None
        learnt = MOST_ROWS * 3 // 4 if validated else MOST_ROWS
        answers = self._answers('y', learnt)[index]
        if answers is None:
            return classical.none('the labels are of no known kind')
        x = parts(self._take(self._x, learnt))
        held = self._answers('y_val', MEASURED_ROWS)[index] if validated else None
        x_val = parts(self._take(self._x_val, MEASURED_ROWS)) if held is not None else None
        if self._copies(x, answers):
            return classical.reconstruction(answers, held, self._narrowest, self._seed,
                                            answers.truth.size // row_count(x))
        return classical.measure(x, answers, x_val, held, self._tokens, self._seed)

    @staticmethod
    def _copies(x: Sequence[Any], answers: Answers) -> bool:
        """Whether the targets are the inputs again, as an autoencoder's are."""
        if answers.kind != 'numbers' or len(x) != 1:
            return False
        given = np.asarray(x[0])
        if (given.size != answers.truth.size or given.size < _LEAST_COPIED * len(given)
                or given.dtype.kind not in 'biuf'):
            return False
        return any(skill.value >= _COPIED for skill in skills_of(
            answers, given.reshape(answers.truth.shape)).values())

    # -------------------------------------------------------------------------------------- rows

    def _chosen(self, count: int, most: int) -> np.ndarray:
        """Which rows, in the order of the data."""
        source = np.random.RandomState(self._seed)
        return np.sort(source.permutation(count)[:most])

    def _take(self, x: Any, most: int) -> Any:
        chosen = self._chosen(row_count(x), most)
        return map_arrays(lambda array: np.asarray(array[chosen] if hasattr(array, 'shape')
                                                   and not hasattr(array, 'iloc')
                                                   else np.asarray(array)[chosen]), x)

    def _answers(self, part: str, most: int) -> List[Optional[Answers]]:
        """The right answers of drawn rows, output by output."""
        found = []
        for target in self._targets:
            y = getattr(target, part)
            found.append(None if y is None else read_answers(
                self._take(y, most), target.labels, target.units))
        return found


def _skills(answers: Optional[Answers], outputs: Any, logits: bool) -> Skills:
    if answers is None:
        return {}
    try:
        return skills_of(answers, as_shares(answers, outputs, logits))
    except ValueError:  # outputs of a shape that the labels do not have
        return {}


def _spread(answers: Optional[Answers], outputs: Any) -> float:
    array = np.asarray(outputs, dtype=np.float64)
    array = array.reshape(len(array), -1)
    if answers is None or not np.isfinite(array).all():
        return float('nan')
    truth = answers.truth if answers.kind != 'classes' else one_hot(
        answers.truth, int(answers.truth.max()) + 1)
    return float(array.std(axis=0).max() / max(1e-12, float(truth.std(axis=0).max())))
