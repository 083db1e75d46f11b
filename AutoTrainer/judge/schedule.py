"""When to look: the ``checktype`` grammar and the schedules behind it.

A schedule answers one question per epoch: is a check due? It is a function of the epoch and the
planned epochs. ``SCHEDULES`` is the only place that knows one by its name.
"""

import re
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from ..errors import UserError
from ..utils.monitor import getdynamicCF

DEFAULT_CHECKTYPE = 'dynamic'
"""The thesis's schedule."""

_CONSTANT = re.compile(r'epoch_([1-9][0-9]*)')


class Schedule(NamedTuple):
    """When a training is looked at, and at what.

    Attributes:
        interval: (epochs done, planned epochs) → N; a check is due at multiples of N.
        sparing: whether gradients are measured only where the verdict can depend on them, and a
            check that measured and found nothing is not written down. The other schedules measure
            at every check, as upstream does, so that their cost stays comparable.
        optional_issues: issues that are judged although nobody asks for them.
        rules: what counts as sound where nobody says it, see
            :class:`~AutoTrainer.settings.Watching`.
    """

    interval: Callable[[int, int], int]
    sparing: bool = False
    optional_issues: Tuple[str, ...] = ()
    rules: str = 'paper'


def constant_interval(checktype: str) -> Optional[int]:
    """The N of ``'epoch_N'``; None for any other string."""
    match = _CONSTANT.fullmatch(checktype)
    return int(match.group(1)) if match else None


def _dynamic(current_epoch: int, total_epoch: int) -> int:
    return constant_interval(getdynamicCF(current_epoch, total_epoch)) or 1


SCHEDULES: Dict[str, Schedule] = {
    'dynamic': Schedule(_dynamic),
    'adaptive': Schedule(lambda current_epoch, total_epoch: 1, True, ('collapse',), 'skill'),
}
"""The schedules by name; ``'epoch_N'`` stands for one more for every N."""

ALLOWED = "'epoch_N' with N ≥ 1 (a check every N epochs), " + ' or '.join(map(repr, SCHEDULES))


def read_checktype(checktype: object) -> Schedule:
    """The schedule that a ``checktype`` names.

    Raises:
        UserError: if it names none; the message quotes it and lists what is allowed.
    """
    if isinstance(checktype, str):
        if checktype in SCHEDULES:
            return SCHEDULES[checktype]
        constant = constant_interval(checktype)
        if constant:
            every = constant
            return Schedule(lambda current_epoch, total_epoch: every)
    raise UserError('checktype is %r; allowed are %s' % (checktype, ALLOWED))


def check_checktype(checktype: str) -> str:
    """Return ``checktype`` if it is one.

    Raises:
        UserError: if it is not; the message quotes it and lists what is allowed.
    """
    read_checktype(checktype)
    return checktype


def interval_in_force(checktype: str, current_epoch: int, total_epoch: int) -> int:
    """Epochs from one check to the next, as the schedule stands at an epoch.

    Args:
        checktype: a valid checktype.
        current_epoch: epochs done (1-based), ``len(history['loss'])``.
        total_epoch: planned epochs.
    """
    return read_checktype(checktype).interval(current_epoch, total_epoch)


def check_is_due(checktype: str, current_epoch: int, total_epoch: int,
                 closing_check: bool = True) -> bool:
    """Whether a check is due at an epoch.

    Args:
        checktype: a valid checktype, see :func:`check_checktype`.
        current_epoch: epochs done (1-based).
        total_epoch: planned epochs.
        closing_check: whether the last epoch is checked under every schedule, so that no run
            ends unjudged; replays turn it off to compare the schedules themselves.

    Returns:
        True if ``current_epoch`` is a multiple of the interval in force, or the last epoch.
    """
    if closing_check and current_epoch == total_epoch:
        return True
    return current_epoch % interval_in_force(checktype, current_epoch, total_epoch) == 0


LONGEST_GAP = 10
"""Epochs after a probe by which ``adaptive`` probes again at the latest, whatever it costs: never
less often than the thesis's schedule outside its dense window."""


def probe_is_affordable(epochs_since: Optional[int], spent: float, cost: float,
                        training_seconds: float, budget: Optional[float]) -> bool:
    """Whether ``adaptive`` makes a probe that could matter now, or waits for a later epoch.

    Args:
        epochs_since: epochs since the last probe; None before the first.
        spent: seconds spent on probes so far, compiling included.
        cost: seconds of the last probe, compiling left out.
        training_seconds: seconds of training so far.
        budget: share of the training time that probes may take; None for any.

    Returns:
        True if the probe keeps within the budget, if it is the first, or if the last one is
        ``LONGEST_GAP`` epochs ago.
    """
    if budget is None or epochs_since is None or epochs_since >= LONGEST_GAP:
        return True
    return spent + cost <= budget * training_seconds
