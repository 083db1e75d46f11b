"""When each problem's rule first holds, what each schedule makes of it, what was to be seen early.

Two readings of a rule (paper, Table I) at an epoch:

* it *holds* if its symptom shows and, where the rule has that clause, the run has not converged:
  asked after every epoch, with no judgment point and no rule that outranks another;
* it is *found* if the recognizer (``rules='paper'``) names the problem: from the judgment point,
  0.3 of the planned epochs, on, the first of relu, explode, vanish, not_converge, and unstable.
"""

from collections import OrderedDict
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from AutoTrainer.errors import UserError
from AutoTrainer.judge.history import JUDGMENT_EPOCHS
from AutoTrainer.record.reader import read_json
from AutoTrainer.utils.monitor import IssueMonitor

from ..analyse import GroupTest, kruskal
from ..histories import SETTINGS_FILE, Run
from ..replay import PROJECT_OFFSET, UPSTREAM_OFFSET, due_epochs
from .families import FAMILIES, PROBLEMS, families_of
from .tapes import case_path, read_tape, summaries, tape_path

SCHEDULES = ('epoch_1', 'dynamic', 'epoch_3', 'epoch_5', 'adaptive')
"""What is compared."""

TENTH = 0.1
"""The part of a run after which is asked what could be said."""

_SYMPTOMS = {'vanish': ('vanish_gradient',), 'explode': ('explode_gradient', 'nan_gradient',
                                                         'nan_weight', 'nan_loss'),
             'relu': ('died_relu',), 'unstable': ('unstable_loss',), 'not_converge': (
                 'sc_accuracy',)}
"""Which of the recognizer's symptoms are a problem's."""


class Judged(NamedTuple):
    """One run, judged after every epoch.

    Attributes:
        family: its family.
        epochs: planned, and trained.
        number: of the run.
        holds: by problem, per epoch: whether its rule holds.
        found: by problem, per epoch: whether the recognizer names it.
        broken: per epoch: whether the history has NaN, which is seen under every schedule.
        probes: per epoch: whether ``adaptive`` would have to probe.
    """

    family: str
    epochs: int
    number: int
    holds: Dict[str, List[bool]]
    found: Dict[str, List[bool]]
    broken: List[bool]
    probes: List[bool]


class _Eager(IssueMonitor):
    """The recognizer without a judgment point."""

    def judged_early(self) -> bool:
        """Always."""
        return True


def judge(run: Run, family: str, rectified: bool) -> Judged:
    """Judge a recorded run after every epoch.

    Args:
        run: with the columns of :mod:`tapes`.
        family: its family.
        rectified: whether the model has units that can die.
    """
    columns = [run.columns[name] for name in ('loss', 'accuracy', 'val_loss', 'val_accuracy')]
    history: Dict[str, List[float]] = {name: [] for name in ('loss', 'acc', 'val_loss', 'val_acc')}
    eager, monitor = _Eager(run.epochs), IssueMonitor(run.epochs)
    holds: Dict[str, List[bool]] = {problem: [] for problem in PROBLEMS}
    found: Dict[str, List[bool]] = {problem: [] for problem in PROBLEMS}
    broken, probes = [], []
    for values, gradients in zip(zip(*columns), summaries(run, rectified)):
        for series, value in zip(history.values(), values):
            series.append(value)
        eager.watch(history)
        monitor.watch(history)
        features = eager.judge(gradients).features
        reasons = monitor.judge(gradients).reasons
        for problem in PROBLEMS:
            shows = any(features[name] for name in _SYMPTOMS[problem])
            if problem != 'unstable':
                shows = shows and (features['not_converge'] or bool(eager.state.non_finite))
            if problem in ('unstable', 'not_converge'):  # a curve of two epochs shows nothing
                shows = shows and eager.state.epochs >= JUDGMENT_EPOCHS
            holds[problem].append(shows)
            found[problem].append(problem in reasons)
        broken.append(bool(monitor.state.non_finite))
        probes.append(monitor.needs_probe() and not monitor.state.non_finite)
    return Judged(family, run.epochs, run.number, holds, found, broken, probes)


def first(flags: Sequence[bool]) -> Optional[int]:
    """The first epoch (1-based) with a flag; None if there is none."""
    return next((epoch for epoch, flag in enumerate(flags, start=1) if flag), None)


def read_all(out: Path, seeds: int, lengths: Sequence[int],
             families: Sequence[str]) -> Tuple[List[Judged], List[str]]:
    """Read and judge every run that is there.

    Returns:
        (the runs, one sentence for each that is missing or damaged).
    """
    runs, problems = [], []
    for family in families:
        for epochs in lengths:
            folder = case_path(out, family, epochs)
            try:
                rectified = bool(read_json(str(folder / SETTINGS_FILE)).get('rectified'))
            except UserError as error:
                problems.append(str(error))
                continue
            paths = [tape_path(out, family, epochs, number) for number in range(seeds)]
            absent = sum(not path.exists() for path in paths)
            if absent:
                problems.append('%s lacks %d of %d runs; the same command trains them'
                                % (folder, absent, seeds))
            for path in filter(Path.exists, paths):
                try:
                    run = read_tape(path)
                except UserError as error:
                    problems.append(str(error))
                    continue
                if run.epochs != epochs:
                    problems.append('%s has %d epochs, not %d' % (run.path, run.epochs, epochs))
                    continue
                runs.append(judge(run, family, rectified))
    return runs, problems


# -------------------------------------------------------------------------------- when it comes

class Onset(NamedTuple):
    """When a problem's rule first holds in the runs of one family and length.

    Attributes:
        family: of the runs.
        epochs: planned.
        runs: how many there are.
        holding: of these, in which the rule ever holds.
        found: of these, in which the recognizer names it at some epoch.
        quartiles: of the first epoch at which it holds; None if it never does.
        first: these epochs.
        named: epochs at which the recognizer first names it.
    """

    family: str
    epochs: int
    runs: int
    holding: int
    found: int
    quartiles: Optional[List[float]]
    first: List[int]
    named: List[int]


def onsets(runs: Sequence[Judged]) -> List[Onset]:
    """The problem of each family, by length."""
    answers = []
    for family in FAMILIES:
        problem = FAMILIES[family].problem
        for epochs in sorted({run.epochs for run in runs if run.family == family}):
            if problem is None:
                continue
            chosen = [run for run in runs if (run.family, run.epochs) == (family, epochs)]
            epochs_held = [first(run.holds[problem]) for run in chosen]
            known = [epoch for epoch in epochs_held if epoch is not None]
            named = [epoch for epoch in (first(run.found[problem]) for run in chosen)
                     if epoch is not None]
            answers.append(Onset(
                family, epochs, len(chosen), len(known), len(named),
                np.percentile(known, [25, 50, 75]).tolist() if known else None, known, named))
    return answers


class SameTest(NamedTuple):
    """Is it the epoch or its share of the run that is the same for all lengths?

    Attributes:
        family: of the runs.
        verdict: in words.
        epoch: the test on the epoch; None where all are the same or too few.
        share: the test on the epoch over E; likewise.
    """

    family: str
    verdict: str
    epoch: Optional[GroupTest]
    share: Optional[GroupTest]


def same_tests(found: Sequence[Onset], sure: float = 0.05) -> List[SameTest]:
    """Kruskal and Wallis on the first epochs of each family, between lengths.

    Args:
        found: see :func:`onsets`.
        sure: probability below which the same distribution is rejected.
    """
    answers = []
    for family in OrderedDict.fromkeys(onset.family for onset in found):
        groups = [onset for onset in found if onset.family == family]
        epoch = kruskal('epoch', OrderedDict(
            ('E = %d' % onset.epochs, [float(value) for value in onset.first])
            for onset in groups))
        share = kruskal('share', OrderedDict(
            ('E = %d' % onset.epochs, [value / onset.epochs for value in onset.first])
            for onset in groups))
        values = {value for onset in groups for value in onset.first}
        if sum(len(onset.first) >= 5 for onset in groups) < 2:
            verdict = 'too few runs in which it holds'
        elif len(values) == 1:
            verdict = 'the epoch: %d in every run' % values.pop()
        elif epoch is not None and share is not None:
            verdict = {(False, True): 'the epoch', (True, False): 'the share',
                       (True, True): 'neither', (False, False): 'cannot be told'}[
                           epoch.p < sure, share.p < sure]
        else:
            verdict = 'cannot be told'
        answers.append(SameTest(family, verdict, epoch, share))
    return answers


# ------------------------------------------------------------------ what the schedules make of it

class Cost(NamedTuple):
    """What a schedule makes of the runs of one problem.

    Attributes:
        problem: that the runs are made to show.
        schedule: its name.
        counting: ``'upstream'`` or ``'project'``; '' where there is only one.
        there: runs in which a check at every epoch finds the problem.
        missed: of these, in which this schedule does not (the closing check left out).
        delay: mean epochs after that check, of those found.
        checks: mean number made in these runs until found, or to the end.
        trained: mean epochs until found, or to the end.
    """

    problem: str
    schedule: str
    counting: str
    there: int
    missed: int
    delay: Optional[float]
    checks: Optional[float]
    trained: Optional[float]


def costs(runs: Sequence[Judged], problem: str) -> List[Cost]:
    """Replay the runs of the families of a problem under every schedule."""
    families = families_of(problem)
    chosen = [(run, first(run.found[problem])) for run in runs if run.family in families]
    there = [(run, epoch) for run, epoch in chosen if epoch is not None]
    answers = []
    for name in SCHEDULES:
        ways = ((('upstream', UPSTREAM_OFFSET), ('project', PROJECT_OFFSET))
                if name in ('epoch_3', 'epoch_5') else (('', PROJECT_OFFSET),))
        for counting, offset in ways:
            seen, delays, checks, trained = [], [], [], []
            for run, earliest in there:
                due = due_epochs(name, run.epochs, offset)
                epoch = first([flag and (look or nan) for flag, look, nan in zip(
                    run.found[problem], due, run.broken)])
                end = epoch or run.epochs
                seen.append(epoch)
                trained.append(end)
                checks.append(sum((run.probes if name == 'adaptive' else due)[:end]))
                if epoch is not None:
                    delays.append(epoch - earliest)
            answers.append(Cost(problem, name, counting, len(there), seen.count(None),
                                _mean(delays), _mean(checks), _mean(trained)))
    return answers


def _mean(values: Sequence[float]) -> Optional[float]:
    return float(np.mean(values)) if values else None


# ------------------------------------------------------------ what could have been said early

class Early(NamedTuple):
    """What a problem's rule, asked after a tenth of the run, says of how it will be judged.

    Attributes:
        problem: the problem.
        runs: of all families.
        later: runs in which the recognizer names it at some epoch.
        told: of these, in which the rule holds after a tenth.
        others: runs in which it never does.
        false: of these, in which the rule holds after a tenth.
    """

    problem: str
    runs: int
    later: int
    told: int
    others: int
    false: int


def early(runs: Sequence[Judged], problem: str, part: float = TENTH) -> Early:
    """Hold the rule after the first part of each run against the verdict on all of it."""
    told = [(any(run.found[problem]), run.holds[problem][max(1, int(part * run.epochs)) - 1])
            for run in runs]
    later = [said for comes, said in told if comes]
    others = [said for comes, said in told if not comes]
    return Early(problem, len(told), len(later), sum(later), len(others), sum(others))
