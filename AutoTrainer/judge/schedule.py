"""When to look: the ``checktype`` grammar and the schedules behind it.

A schedule answers one question per epoch: is a check due? It is a function of the epoch, the
planned epochs and, for ``adaptive``, of whether a probe could matter at all.
"""

import re
from typing import Optional

from ..errors import UserError
from ..utils.monitor import getdynamicCF

DEFAULT_CHECKTYPE = 'dynamic'
"""The thesis's schedule."""

ALLOWED = "'epoch_N' with N ≥ 1 (a check every N epochs), 'dynamic' or 'adaptive'"

_CONSTANT = re.compile(r'epoch_([1-9][0-9]*)')


def constant_interval(checktype: str) -> Optional[int]:
    """The N of ``'epoch_N'``; None for any other string."""
    match = _CONSTANT.fullmatch(checktype)
    return int(match.group(1)) if match else None


def check_checktype(checktype: object) -> str:
    """Return ``checktype`` if it is one.

    Raises:
        UserError: if it is not; the message quotes it and lists what is allowed.
    """
    if isinstance(checktype, str) and (
            checktype in ('dynamic', 'adaptive') or constant_interval(checktype)):
        return checktype
    raise UserError('checktype is %r; allowed are %s' % (checktype, ALLOWED))


def interval_in_force(checktype: str, current_epoch: int, total_epoch: int) -> int:
    """Epochs from one check to the next, as the schedule stands at an epoch.

    Args:
        checktype: a valid checktype.
        current_epoch: epochs done (1-based), ``len(history['loss'])``.
        total_epoch: planned epochs.

    Returns:
        N; 1 for ``'adaptive'``, which looks at the history at every epoch.
    """
    if checktype == 'adaptive':
        return 1
    if checktype == 'dynamic':
        checktype = getdynamicCF(current_epoch, total_epoch)
    interval = constant_interval(checktype)
    assert interval is not None, 'checktype %r was not checked before' % checktype
    return interval


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
