"""What a candidate of a race is worth, in one form for all of them, and what it has to reach.

Choosing and having the last word are different things: the best of many is so by luck too. So a
candidate is chosen on one half of the validation rows, and what is said of it comes from the other.
"""

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..intake.arrays import map_arrays, row_count
from .reference import Target
from .skill import (
    SQUARED,
    Answers,
    Skill,
    as_shares,
    form_of,
    one_hot,
    read_answers,
    skills_of,
)
from .standing import is_signal
from .yardstick import Yardstick

SHARE = 0.85
"""Share of the yardstick that a repaired training reaches: what counts as well set in the zoo
(docs/evidence/zoo.md)."""

LEAST_APART = 100
"""Validation rows from which choice and last word get a half each; fewer serve both: half of them
would tell a good candidate from a poor one by luck."""

MOST_ROWS = 1000
"""Rows of either half that are looked at."""

HELD_OUT = 0.2
"""Share of the training rows that a race is judged on where there are no validation rows."""

UNKNOWN = 0.95
"""What stands in for a yardstick where none can be had, or it surely shows no signal: next to all
that can be known, so that no candidate ends the race before the others have been heard. What
classical learners hardly find, a network may."""


class Worth(NamedTuple):
    """What one model is worth.

    Attributes:
        skill: in the form that is told.
        score: what candidates are compared by: the mean of that and of the skill by squared
            error, which moves where an accuracy of few rows stands still. For several outputs the
            mean over them, of ``skill`` the lowest.
        form: that of ``skill``; '' where there is none.
    """

    skill: Skill
    score: float
    form: str = ''


NOTHING = Worth(Skill(-10.0, 0.0), -10.0)
"""Worth of what gives no numbers."""


class Exam:
    """Some rows, and what they ask.

    Args:
        x: inputs of the rows.
        targets: the outputs with their labels; ``y`` is that of these rows.

    Attributes:
        x: inputs of the rows.
        rows: how many.
    """

    def __init__(self, x: Any, targets: Sequence[Target]) -> None:
        self.x, self.rows = x, row_count(x)
        self._answers: List[Optional[Answers]] = [
            read_answers(target.y, target.labels, target.units) for target in targets]

    @property
    def forms(self) -> List[str]:
        """The form in which the skill of each output is told; '' where none can be."""
        return ['' if answers is None else form_of(answers) for answers in self._answers]

    @property
    def can_be_told(self) -> bool:
        """Whether the skill of any output can be measured."""
        return any(answers is not None and bool(skills_of(answers, _perfect(answers)))
                   for answers in self._answers)

    def measure(self, outputs: Sequence[Any], logits: Sequence[bool]) -> Worth:
        """What the outputs of a model are worth.

        Args:
            outputs: one array per output.
            logits: for each whether its loss applies softmax or sigmoid.
        """
        found = []
        for answers, array, is_logits in zip(self._answers, outputs, logits):
            if answers is None:
                continue
            try:
                skills = skills_of(answers, _as_asked(answers, array, is_logits))
            except ValueError:  # outputs of another shape than the labels
                return NOTHING
            form = form_of(answers)
            if form in skills:
                square = skills.get(SQUARED, skills[form]).value
                found.append(Worth(skills[form], (skills[form].value + max(-1.0, square)) / 2,
                                   form))
        if not found:
            return NOTHING
        worst = min(found, key=lambda one: one.skill.value)
        return worst._replace(score=sum(one.score for one in found) / len(found))


def _perfect(answers: Answers) -> np.ndarray:
    if answers.kind == 'classes':
        return one_hot(answers.truth, max(answers.width, int(answers.truth.max()) + 1))
    return answers.truth


def _as_asked(answers: Answers, outputs: Any, logits: bool) -> np.ndarray:
    """Outputs as what is asked for; a single number among several classes is a class number."""
    array = np.asarray(outputs)
    if answers.kind == 'classes' and answers.width > 2 and array.shape[-1] == 1:
        flat = np.nan_to_num(array.reshape(-1)).round()
        if len(flat) != len(answers.truth):
            raise ValueError('%d outputs for %d answers' % (len(flat), len(answers.truth)))
        return np.eye(answers.width)[np.clip(flat, 0, answers.width - 1).astype(int)]
    return as_shares(answers, outputs, logits)


def halves(rows: int, seed: int) -> Tuple[np.ndarray, np.ndarray]:
    """Which validation rows choose, and which have the last word.

    Args:
        rows: how many there are.
        seed: for drawing them.

    Returns:
        Two arrays of row numbers in order, ``MOST_ROWS`` at the most each; the same rows twice
        where there are fewer than ``LEAST_APART``.
    """
    order = np.random.RandomState(seed % 2**32).permutation(rows)
    if rows < LEAST_APART:
        return np.sort(order), np.sort(order)
    middle = (rows + 1) // 2
    return np.sort(order[:middle][:MOST_ROWS]), np.sort(order[middle:][:MOST_ROWS])


def exam_of(x: Any, targets: Sequence[Target], chosen: np.ndarray) -> Exam:
    """The exam on some of the validation rows.

    Args:
        x: all validation inputs.
        targets: the outputs, with ``y_val`` of all these rows.
        chosen: row numbers.
    """
    def take(data: Any) -> Any:
        return map_arrays(lambda array: np.asarray(array)[chosen], data)

    return Exam(take(x), [target._replace(
        y=None if target.y_val is None else take(target.y_val), y_val=None) for target in targets])


def asked_of(yardsticks: Sequence[Yardstick], forms: Sequence[str]) -> Optional[Skill]:
    """The yardstick of a race: that of the output of which least can be learnt.

    Args:
        yardsticks: output by output.
        forms: the forms in which skill is told.

    Returns:
        None where none can be had, or it is not even a standard error above the best constant
        answer.
    """
    found = [yardstick.skills[form] for yardstick, form in zip(yardsticks, forms)
             if form in yardstick.skills
             and yardstick.skills[form].value > yardstick.skills[form].error]
    return min(found, key=lambda skill: skill.value) if found else None


def goal_of(yardstick: Optional[Skill]) -> float:
    """Skill with which a candidate ends a race: all of the yardstick.

    Less makes a training a good one (``SHARE``), but the yardstick is a lower bound on what can be
    learnt, and a race that ends at less gives away what its budget would still find.
    """
    return yardstick.value if yardstick is not None and is_signal(yardstick) else UNKNOWN
