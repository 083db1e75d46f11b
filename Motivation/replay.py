"""Recorded trainings replayed under check schedules: what each would have seen, and when.

A recorded run is played epoch by epoch. At every epoch at which the schedule has a check due, from
the judgment point (0.3 of the planned epochs) on, the oscillation rule is applied to the epochs so
far; the first check at which it holds ends the training. The closing check of the last epoch,
which live trainings get under every schedule, is left out: it would hide what a schedule misses.

``adaptive`` looks at the history at every epoch, which costs next to nothing; its *checks* are the
epochs at which it would have to probe the gradients, because the verdict could depend on them.
"""

from collections import OrderedDict
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from AutoTrainer.judge.collapse import CollapseTracker
from AutoTrainer.judge.history import HistoryState
from AutoTrainer.judge.schedule import check_is_due, constant_interval, read_checktype
from AutoTrainer.utils.monitor import DEFAULT_PARAMS, needs_probe

from .analyse import RULES, first_epoch, verdicts
from .histories import Case, Run

UPSTREAM_OFFSET = 1
"""Upstream's ``epoch_N`` looks after 1, N + 1, 2·N + 1, … epochs."""

PROJECT_OFFSET = 0
"""This project's looks after N, 2·N, … epochs."""

REFERENCE = 'epoch_1'
"""The schedule that misses nothing; delays are counted against it."""


# ---------------------------------------------------------------------------------- of one run

class Replay(NamedTuple):
    """What a schedule makes of one recorded run.

    Attributes:
        checks: checks made (``adaptive``: probes needed) until the training was stopped.
        detected: epoch (1-based) of the check that found it; None if none did.
        epochs_trained: epochs until the training was stopped, all of them if it was not.
    """

    checks: int
    detected: Optional[int]
    epochs_trained: int


def due_epochs(checktype: str, total: int, offset: int = 0) -> List[bool]:
    """At which epochs a check is due, the closing one left out.

    Args:
        checktype: the schedule.
        total: planned epochs.
        offset: for a constant schedule: the epochs (1-based) that are checked are this plus
            multiples of N. 0 is this project's counting, 1 is upstream's.

    Returns:
        One entry per epoch.
    """
    shift = offset if constant_interval(checktype) else 0
    return [check_is_due(checktype, epoch - shift, total, closing_check=False)
            for epoch in range(1, total + 1)]


def replay(found: Sequence[bool], due: Sequence[bool],
           probes: Optional[Sequence[bool]] = None) -> Replay:
    """Play one recorded run under a schedule.

    Args:
        found: the rule's verdict on every beginning of the run, see :func:`analyse.verdicts`.
        due: at which epochs a check is due, see :func:`due_epochs`.
        probes: which epochs count as checks where these are not the same (``adaptive``).

    Returns:
        What the schedule makes of the run.
    """
    seen = first_epoch([a and b for a, b in zip(found, due)], from_judgment_point=True)
    trained = seen if seen is not None else len(found)
    return Replay(sum((due if probes is None else probes)[:trained]), seen, trained)


def probes_needed(run: Run) -> List[bool]:
    """At which epochs ``adaptive`` would have to probe, with the recognizer's usual thresholds."""
    state = HistoryState(DEFAULT_PARAMS)
    needed = []
    for values in _as_logs(run):
        state.update(values)
        needed.append(needs_probe(state, run.epochs, DEFAULT_PARAMS))
    return needed


def _as_logs(run: Run) -> List[Dict[str, Optional[float]]]:
    """The epochs of a run under the names that the recognizer knows."""
    columns = run.columns
    return [{'loss': loss, 'acc': acc, 'val_loss': val_loss, 'val_acc': val_acc}
            for loss, acc, val_loss, val_acc in zip(columns['loss'], columns['accuracy'],
                                                    columns['val_loss'], columns['val_accuracy'])]


def collapse_epoch(run: Run, steps_per_epoch: int) -> Optional[int]:
    """Epoch (1-based) at which the collapse rule first speaks; None if it never does.

    Args:
        run: the recorded run.
        steps_per_epoch: training batches in an epoch.
    """
    tracker = CollapseTracker(steps_per_epoch)
    for epoch, values in enumerate(_as_logs(run), start=1):
        tracker.update(values)
        if tracker.reason is not None:
            return epoch
    return None


# -------------------------------------------------------------------------------- of many runs

class Outcomes(NamedTuple):
    """What a schedule makes of many runs; arrays of one entry per run.

    Attributes:
        checks: checks made.
        trained: epochs trained.
        detected: 1.0 where the problem was found.
        missed: 1.0 where the reference schedule finds it and this one does not.
        delay: epochs after the reference schedule; 0 where not found.
    """

    checks: np.ndarray
    trained: np.ndarray
    detected: np.ndarray
    missed: np.ndarray
    delay: np.ndarray


def compare(cases: Sequence[Case], rule: str, schedules: Sequence[str],
            offset: int = UPSTREAM_OFFSET) -> Dict[str, Outcomes]:
    """Replay every run of every case under several schedules.

    Args:
        cases: the recorded runs.
        rule: name of the rule, see :data:`analyse.RULES`.
        schedules: valid checktypes; the reference need not be among them.
        offset: where constant schedules begin to count, see :func:`due_epochs`.

    Returns:
        Outcomes by schedule, runs in the order of the cases.
    """
    wanted = list(OrderedDict.fromkeys((REFERENCE,) + tuple(schedules)))
    due = {(name, total): due_epochs(name, total, offset)
           for name in wanted for total in {case.epochs for case in cases}}
    played: Dict[str, List[Replay]] = {name: [] for name in wanted}
    for run in (run for case in cases for run in case.runs):
        found = verdicts(run.columns[RULES[rule].series], RULES[rule])
        for name in wanted:
            played[name].append(replay(found, due[name, run.epochs], probes_needed(run)
                                       if read_checktype(name).sparing else None))
    reference = played[REFERENCE]
    return OrderedDict((name, _outcomes(played[name], reference)) for name in schedules)


def _outcomes(played: Sequence[Replay], reference: Sequence[Replay]) -> Outcomes:
    pairs = list(zip(played, reference))
    return Outcomes(
        np.array([float(p.checks) for p in played]),
        np.array([float(p.epochs_trained) for p in played]),
        np.array([float(p.detected is not None) for p in played]),
        np.array([float(p.detected is None and r.detected is not None) for p, r in pairs]),
        np.array([float(p.detected - r.detected) if p.detected and r.detected else 0.0
                  for p, r in pairs]))
