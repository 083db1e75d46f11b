"""The numbers of the thesis's figures: what :mod:`Motivation.drawing` draws.

Each figure has a tuple for its numbers and a function that gathers it from recorded trainings.
"""

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from AutoTrainer.errors import UserError
from AutoTrainer.judge.schedule import constant_interval

from .analyse import CaseFindings, RunFindings
from .histories import Case
from .replay import PROJECT_OFFSET, REFERENCE, UPSTREAM_OFFSET, compare

COMPARED = ('dynamic', 'epoch_3', 'epoch_5')
"""Schedules of Figure 5-3."""

INTERVALS = tuple(range(1, 16))
"""Epochs from check to check in Figure 4-2."""


# ------------------------------------------------------------------------- one run: Fig. 3-1, 3-2

class Curves(NamedTuple):
    """Curves of one run.

    Attributes:
        title: which run.
        losses: the two loss curves by name, one value per epoch.
        accuracies: the two accuracy curves.
    """

    title: str
    losses: Dict[str, List[float]]
    accuracies: Dict[str, List[float]]


def curves(cases: Sequence[Case], name: str, number: int) -> Curves:
    """The four curves of one run.

    Raises:
        UserError: if there is no such run.
    """
    for case in cases:
        for run in case.runs:
            if (case.name, run.number) == (name, number):
                return Curves('%s, run %d' % (name, number),
                              OrderedDict((c, run.columns[c]) for c in ('loss', 'val_loss')),
                              OrderedDict((c, run.columns[c])
                                          for c in ('accuracy', 'val_accuracy')))
    raise UserError("--run is '%s/%d', which is not there; cases are %s"
                    % (name, number, ', '.join(case.name for case in cases)))


# ------------------------------------------------------- cases of one length: Tables 3-3 to 3-10

class Share(NamedTuple):
    """How many runs of a case are flagged; the thesis counts all others as without a problem.

    Attributes:
        name: of the case.
        flagged: runs flagged on the whole curve, dead or not.
        alive: runs that are not flagged and end better than chance.
        dead: runs that are not flagged and end no better than chance.
    """

    name: str
    flagged: int
    alive: int
    dead: int


def shares(cases: Sequence[CaseFindings]) -> List[Share]:
    """The three kinds of runs of each case."""
    def share(case: CaseFindings) -> Share:
        flagged, dead = len(case.flagged), sum(not run.flagged for run in case.dead)
        return Share(case.name, flagged, len(case.runs) - flagged - dead, dead)
    return [share(case) for case in cases]


class Times(NamedTuple):
    """When the runs of a case are flagged, by the three ways to say when.

    Attributes:
        name: of the case.
        epochs: of every run.
        indices: the thesis's index of each flagged run.
        first: first epoch of every run that an online monitor flags.
        judged: the same from the judgment point on.
    """

    name: str
    epochs: int
    indices: List[int]
    first: List[int]
    judged: List[int]


def times(case: CaseFindings) -> Times:
    """The numbers behind the histograms of one case."""
    return Times(case.name, case.epochs,
                 [run.thesis_index for run in case.flagged if run.thesis_index is not None],
                 [run.first_epoch for run in case.runs if run.first_epoch],
                 [run.first_epoch_judged for run in case.runs if run.first_epoch_judged])


# --------------------------------------------------------------------------------- the erratum

class Point(NamedTuple):
    """One run in the figure of the erratum; both numbers as shares of the planned epochs.

    Attributes:
        first: first epoch an online monitor flags; None if never.
        thesis_index: the thesis's index; None for a curve without a pair of extrema.
        flagged: whether the whole curve is flagged.
        dead: whether the run ends at chance (its flat end is all ties, each a pair).
    """

    first: Optional[float]
    thesis_index: Optional[float]
    flagged: bool
    dead: bool


def erratum(cases: Sequence[CaseFindings]) -> List[Point]:
    """One point per run."""
    def point(case: CaseFindings, run: RunFindings) -> Point:
        first, index = [None if value is None else value / case.epochs
                        for value in (run.first_epoch, run.thesis_index)]
        return Point(first, index, run.flagged, run.dead_from is not None)
    return [point(case, run) for case in cases for run in case.runs]


# ----------------------------------------------------------------------- Fig. 4-1: the overhead

class Overhead(NamedTuple):
    """What checks cost, by the epochs from one check to the next.

    Attributes:
        name: of the training.
        t1: seconds of one epoch.
        t2: seconds of one check.
        once: seconds spent once per training, whatever the interval (the probe is compiled).
        intervals: 1/q, ascending.
        measured: (25 %, median, 75 %) of the time added, in percent, for each interval.
        predicted: q·t2/t1 in percent, for each interval.
    """

    name: str
    t1: float
    t2: float
    once: float
    intervals: List[int]
    measured: List[Tuple[float, float, float]]
    predicted: List[float]


def overhead(path: Path) -> List[Overhead]:
    """Read what ``python -m benchmarks.overhead`` printed.

    The seconds inside the callback, as a straight line over the checks made, give t2 and what is
    spent once.

    Args:
        path: the JSON document. Each training in it has its epochs, the seconds without a check,
            and for each constant schedule the time added and the checks made.

    Raises:
        UserError: if the file is not such a document.
    """
    try:
        trainings = json.loads(path.read_text(encoding='utf-8'))['figures']
        return [_overhead(name, figures) for name, figures in sorted(trainings.items())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError,
            IndexError, ZeroDivisionError) as error:
        raise UserError('--overhead is %r, which cannot be read as what benchmarks.overhead '
                        'prints (%s: %s)' % (str(path), type(error).__name__, error)) from error


def _overhead(name: str, figures: Dict[str, Any]) -> Overhead:
    plain, epochs = figures['none_s']['median'], figures['epochs']
    schedules = OrderedDict(sorted((constant_interval(key) or 0, figures[key]) for key in figures
                                   if constant_interval(key)))
    checks = [float(found['checks']) for found in schedules.values()]
    inside = [plain * found['inside_callback_percent']['median'] / 100
              for found in schedules.values()]
    t1 = plain / epochs
    t2, once = np.polyfit(checks, inside, 1) if len(checks) > 1 else (inside[0] / checks[0], 0.0)
    return Overhead(
        name, t1, float(t2), float(once), list(schedules),
        [(spread['q25'], spread['median'], spread['q75'])
         for spread in (found['overhead_percent'] for found in schedules.values())],
        [100 * float(t2) / t1 / interval for interval in schedules])


# ---------------------------------------------------------- Fig. 4-2: the delay, by the interval

class Delays(NamedTuple):
    """How late an oscillation is found, by the epochs from one check to the next.

    Attributes:
        intervals: N of ``epoch_N``, ascending.
        upstream: mean delay in epochs of the runs found, for each interval, counted as upstream.
        project: the same in this project's counting.
        dynamic: of the dynamic schedule.
    """

    intervals: List[int]
    upstream: List[float]
    project: List[float]
    dynamic: float


def delays(cases: Sequence[Case]) -> Optional[Delays]:
    """Replay the recorded runs under every constant schedule up to ``epoch_15``.

    Returns:
        The delays; None where some schedule finds no run.
    """
    names = ['epoch_%d' % interval for interval in INTERVALS]
    ways = [compare(cases, 'val_accuracy', names + ['dynamic'], offset)
            for offset in (UPSTREAM_OFFSET, PROJECT_OFFSET)]
    if not all(outcomes.detected.any() for way in ways for outcomes in way.values()):
        return None
    upstream, project = [{name: float(outcomes.delay.sum() / outcomes.detected.sum())
                          for name, outcomes in way.items()} for way in ways]
    return Delays(list(INTERVALS), [upstream[name] for name in names],
                  [project[name] for name in names], upstream['dynamic'])


# --------------------------------------------------- Fig. 5-3: constant against dynamic schedule

class Detection(NamedTuple):
    """How long oscillating runs are trained until they are found.

    Attributes:
        lengths: planned epochs, ascending; those of which some run is found.
        nothing: the other lengths, of which a check at every epoch finds no run.
        runs: runs of each of ``lengths`` that a check at every epoch finds.
        best: mean epochs until such a check finds them, by length.
        upstream: mean epochs until found, or to the end, by schedule and length; constant
            schedules counted as upstream does.
        project: the same in this project's counting.
    """

    lengths: List[int]
    nothing: List[int]
    runs: List[int]
    best: List[float]
    upstream: Dict[str, List[float]]
    project: Dict[str, List[float]]


def detection(cases: Sequence[Case]) -> Detection:
    """Replay the recorded runs under the schedules of the figure.

    Args:
        cases: the recorded runs; judged by the thesis's rule.
    """
    found: Dict[int, Any] = {}
    lengths = sorted({case.epochs for case in cases})
    for length in lengths:
        chosen = [case for case in cases if case.epochs == length]
        ways = [compare(chosen, 'val_accuracy', (REFERENCE,) + COMPARED, offset)
                for offset in (UPSTREAM_OFFSET, PROJECT_OFFSET)]
        there = ways[0][REFERENCE].detected == 1
        if there.any():
            found[length] = (int(there.sum()), [OrderedDict(
                (name, float(outcomes.trained[there].mean())) for name, outcomes in way.items())
                for way in ways])
    return Detection(
        list(found), [length for length in lengths if length not in found],
        [runs for runs, _ in found.values()],
        [ways[0][REFERENCE] for _, ways in found.values()],
        *[OrderedDict((name, [ways[which][name] for _, ways in found.values()])
                      for name in COMPARED) for which in (0, 1)])
