"""Everything that can be said of a training before its first step."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from . import model, steps
from .columns import Data, class_never_trained, examine_data
from .losses import REGRESSION_LOSSES
from .preflight import CERTAIN, Finding, Found, contradictions, surest_first
from .setup import Setup
from .yardstick import MOST_ROWS, codes_as_amounts

_RULES = (model.vocabulary, model.broadcast, model.company, model.frozen, steps.learning_rate,
          steps.decay, model.alike, model.softmax_inside, model.dropout, model.huge_weights,
          model.depth, steps.large_targets, steps.large_output, steps.updates, steps.batch)
"""Of findings that are as sure, the first is told first."""

MOST_CODES = 50
"""Classes of which there are more are not asked for: whole numbers are amounts then."""
_TOLD_APART = 0.5


def examine(setup: Setup, data: Data) -> List[Finding]:
    """Everything that can be said of a training before its first step.

    Args:
        setup: how it is set up.
        data: what it is to learn from.

    Returns:
        The findings, the surest in front.
    """
    found = [rule(setup) for rule in _RULES] + [
        _codes_taken_for_amounts(setup, data),
        class_never_trained(data, setup.labels, setup.task.units)]
    of_outputs = [finding._replace(sentence='output %s: %s' % (output.name, finding.sentence))
                  for output in setup.outputs
                  for finding in contradictions(output.task, output.labels)]
    return surest_first(contradictions(setup.task, setup.labels) + of_outputs
                        + [finding for finding in found if finding is not None]
                        + examine_data(data, setup.labels, setup.normalises))


def may_be_codes(setup: Setup) -> bool:
    """Whether a regression is on whole numbers that could be class numbers: worth a look."""
    labels = setup.labels
    return (setup.task.labels == 'integer' and setup.task.units == 1
            and setup.task.loss in REGRESSION_LOSSES and labels.lowest == 0
            and 2 <= labels.highest < MOST_CODES)


def code_skills(x: Sequence[np.ndarray], y: np.ndarray) -> Optional[Tuple[float, float]]:
    """Whether whole numbers are codes of classes: told apart, but not in the order of the numbers.

    Args:
        x: inputs.
        y: the numbers.

    Returns:
        The skills of a linear model that takes them for classes, and for amounts; None where they
        are amounts, or nobody can tell.
    """
    known = codes_as_amounts([part[:MOST_ROWS] for part in x], y[:MOST_ROWS].ravel())
    if known is None:
        return None
    classes, amounts = [(skill.value, 2 * skill.error) for skill in known]
    if classes[0] - classes[1] < _TOLD_APART or (
            amounts[0] + amounts[1] >= _TOLD_APART * classes[0]):
        return None
    return classes[0], amounts[0]


def _codes_taken_for_amounts(setup: Setup, data: Data) -> Found:
    """Class numbers without any order, taken for amounts by the loss of a regression."""
    if not may_be_codes(setup) or data.y is None or not data.x or data.not_finite:
        return None
    told_apart = code_skills(data.x, data.y)
    if told_apart is None:
        return None
    return Finding('class_numbers_as_amounts', CERTAIN,
                   'the labels 0 to %d are class numbers without an order (a linear model tells '
                   'the classes apart with a skill of %.2f, and by the numbers with %.2f), but '
                   'loss %s takes them for amounts'
                   % ((setup.labels.highest,) + told_apart + (setup.task.loss,)),
                   'end in a softmax of %d outputs and use sparse_categorical_crossentropy'
                   % (setup.labels.highest + 1), 'loss_issue')
