"""Going on after trouble (``on_issue='restore'``): when, how often, and what is said of it.

Plain decisions on numbers, the same for every framework. Whoever trains keeps the best state of its
model and puts it back where a session asks for it (``Session.restore_due``).
"""

import math
import statistics
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple

from .facts import HISTORY_KEYS
from .history import LASTING, last_accuracy

MOST = 2
"""Restorations of one training; the next trouble stops it."""

FACTOR = 0.1
"""What the learning rate is multiplied by: what broke at one step may hold at a tenth of it."""

MENDED = ('explode', 'collapse')
"""Issues that smaller steps from better weights may mend. Of the others the model, its loss or its
data are the cause, which would be the same again."""

SPIKE = 10.0
"""Times the usual loss from which a loss counts as having jumped."""

USUAL_EPOCHS = 5
"""Epochs whose median loss is the usual one."""


class PutBack(NamedTuple):
    """What the keeper of a framework has put back.

    Attributes:
        epoch: after which the state was kept, 0 before the first step; None if there was none.
        rates: learning rate before and after; None where it was left alone.
        note: what could not be done, in words; ''.
    """

    epoch: Optional[int]
    rates: Optional[Tuple[float, float]] = None
    note: str = ''


class Restoration(NamedTuple):
    """One time that a training was put back.

    Attributes:
        epoch: after which (1-based, as the verdict that it answers).
        issue: of that verdict.
        reason: likewise, in words.
        back_to: see :class:`PutBack`, as the others without words here.
        rates: likewise.
        goes_on: whether the training went on from there; else it ended with these weights.
        note: likewise.
    """

    epoch: int
    issue: str
    reason: str
    back_to: Optional[int]
    rates: Optional[Tuple[float, float]] = None
    goes_on: bool = True
    note: str = ''

    def as_dict(self) -> Dict[str, Any]:
        """For a record."""
        return dict(self._asdict(), rates=self.rates and list(self.rates))


def from_dict(told: Mapping[str, Any]) -> Restoration:
    """Back from :meth:`Restoration.as_dict`."""
    return Restoration(**dict(told, rates=told['rates'] and tuple(told['rates'])))


def is_for(issues: Iterable[str], non_finite: str = '') -> bool:
    """Whether going back and on with smaller steps may mend a verdict.

    Args:
        issues: of the verdict, the likeliest cause in front.
        non_finite: the first number of the history that was not finite; '' if all are.
    """
    first = next(iter(issues), None)
    return first is not None and (bool(non_finite) or first in MENDED)


def goes_on(restorations: int, epochs: int, planned: int) -> bool:
    """Whether a training is to go on from what is put back.

    Args:
        restorations: made before.
        epochs: done.
        planned: epochs.
    """
    return restorations < MOST and epochs < planned


def spike(losses: Sequence[Optional[float]]) -> Optional[str]:
    """Why the loss of the last epoch counts as a spike; None if it does not.

    It is ``SPIKE`` times the usual loss, and above that of the first epoch: all that was learnt is
    lost. A loss that may fall below zero has no usual size, and is never said to jump.

    Args:
        losses: training loss, one per epoch.
    """
    last = losses[-1] if losses else None
    usual = [loss for loss in losses[-USUAL_EPOCHS - 1:-1] if loss is not None]
    if last is None or len(usual) < LASTING or losses[0] is None:
        return None
    middle = statistics.median(usual)
    if min(usual) <= 0 or not math.isfinite(last) or last < SPIKE * middle or last <= losses[0]:
        return None
    return ('the loss jumped to %.3g, %.3g times the median of the %d epochs before and more than '
            'at the beginning (%.3g)' % (last, last / middle, len(usual), losses[0]))


def score(values: Mapping[str, Optional[float]]) -> Optional[Tuple[float, float]]:
    """What epochs are compared by: the accuracy, among equals the loss; of validation if there is.

    Args:
        values: ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.

    Returns:
        None for an epoch that cannot be the best: a number is not finite, or nothing is known.
    """
    complete = {key: values.get(key) for key in HISTORY_KEYS}
    known = [value for value in complete.values() if value is not None]
    if not known or not all(map(math.isfinite, known)):
        return None
    accuracy = last_accuracy(complete)
    loss = complete['loss'] if complete['val_loss'] is None else complete['val_loss']
    return (-math.inf if accuracy is None else accuracy, -math.inf if loss is None else -loss)


def in_words(restorations: Sequence[Restoration]) -> str:
    """What was put back, in one line; '' without any."""
    return '; '.join(_in_words(one) for one in restorations)


def _in_words(one: Restoration) -> str:
    if one.back_to is None:
        return 'at epoch %d (%s) nothing was put back: %s' % (one.epoch, one.issue, one.note)
    said = 'at epoch %d (%s) the weights %s were put back' % (
        one.epoch, one.issue, 'of epoch %d' % one.back_to if one.back_to
        else 'from before the first step')
    if one.rates is not None:
        said += ' and the learning rate was lowered from %.3g to %.3g' % one.rates
    return '%s (%s)' % (said, one.note) if one.note else said
