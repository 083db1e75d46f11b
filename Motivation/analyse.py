"""What recorded trainings say about when a loss oscillates (``docs/evidence/replication.md``).

Four different numbers answer "when" for one run:

* the *thesis's index* (Table 3-2, there called the time of detection): the index of the last
  pair of extrema of the whole curve, which is no epoch;
* the *first epoch*: the first at which a monitor that looks every epoch flags the run;
* the *first epoch judged*: the same from the judgment point, 0.3 of the planned epochs, on;
* the *full count epoch*: the first with as many swings as the whole run needs.

A run is *dead* from epoch c on if its training accuracy never again reaches chance + 0.1.
"""

import json
import sys
from argparse import Namespace
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from AutoTrainer.judge.history import JUDGMENT_EPOCHS, OscillationCounter, extrema, judged

from .histories import TABLES_MARK, Case
from .output import (
    csv_text,
    make_output_folder,
    markdown_table,
    read_cases,
    reading_parser,
    run_command,
    share,
    write_atomically,
)


class Rule(NamedTuple):
    """The oscillation rule as it is applied to a history.

    Attributes:
        series: the column that is judged.
        threshold: least height of a swing (ζ).
        rate: least number of swings per epoch (η).
    """

    series: str
    threshold: float
    rate: float


RULES: Dict[str, Rule] = OrderedDict([
    ('val_accuracy', Rule('val_accuracy', 0.02, 0.20)),
    ('accuracy', Rule('accuracy', 0.03, 0.20)),
])
"""By the column they judge: the thesis's rule (Chapter 3) and the recognizer's own (Table I)."""

CHANCE = 0.1
"""Accuracy of guessing among ten classes."""

DEAD_MARGIN = 0.1
"""A training accuracy below chance plus this is no better than chance."""


# ---------------------------------------------------------------------------------- of one run

def verdicts(series: Sequence[float], rule: Rule) -> List[bool]:
    """The rule on every beginning of a curve, as an online monitor sees it.

    Args:
        series: the curve, one value per epoch.
        rule: threshold and rate.

    Returns:
        One verdict per epoch; the k-th is that on the first k epochs.
    """
    counter = OscillationCounter(rule.threshold)
    found = []
    for value in series:
        counter.update(value)
        found.append(counter.oscillates(rule.rate))
    return found


def first_epoch(found: Sequence[bool], from_judgment_point: bool) -> Optional[int]:
    """The epoch at which a monitor that looks every epoch flags a run.

    Args:
        found: verdicts per epoch, as many as epochs were planned.
        from_judgment_point: whether verdicts count only from 0.3 of the epochs on.

    Returns:
        The smallest epoch (1-based), 3 or later, with a verdict; None if there is none.
    """
    for epoch, verdict in enumerate(found, start=1):
        if verdict and epoch >= JUDGMENT_EPOCHS and (
                not from_judgment_point or judged(epoch, len(found))):
            return epoch
    return None


def full_count_epoch(series: Sequence[float], rule: Rule) -> Optional[int]:
    """First epoch at which a curve has as many swings as its whole length needs.

    This is when an online monitor would speak if the swings were counted against the planned
    epochs, η·E, and not against the epochs so far.

    Args:
        series: the curve, as many values as epochs were planned.
        rule: threshold and rate.

    Returns:
        The epoch (1-based); None if there are never so many.
    """
    counter = OscillationCounter(rule.threshold)
    for epoch, value in enumerate(series, start=1):
        counter.update(value)
        if counter.swings >= rule.rate * len(series):
            return epoch
    return None


def thesis_index(series: Sequence[float]) -> Optional[int]:
    """Index of the last pair of extrema, which the thesis prints as the time of detection.

    Args:
        series: the whole curve.

    Returns:
        min(number of maxima, number of minima) − 1; None for a curve without a pair.
    """
    maxima, minima = extrema(series)
    pairs = min(len(maxima), len(minima))
    return pairs - 1 if pairs else None


def dead_from(accuracy: Sequence[float], chance: float = CHANCE) -> Optional[int]:
    """First epoch of the final stretch in which a run is no better than chance.

    Args:
        accuracy: training accuracy per epoch.
        chance: accuracy of guessing.

    Returns:
        The epoch (1-based); None if the last epoch is better than chance.
    """
    dead = None
    for epoch in range(len(accuracy), 0, -1):
        if accuracy[epoch - 1] >= chance + DEAD_MARGIN:
            break
        dead = epoch
    return dead


class RunFindings(NamedTuple):
    """What is said of one run; epochs are 1-based, None means never.

    Attributes:
        number: number of the run.
        flagged: whether the rule holds on the whole curve.
        thesis_index: see :func:`thesis_index`.
        first_epoch: see :func:`first_epoch`, at any time.
        first_epoch_judged: the same from the judgment point on.
        full_count_epoch: see :func:`full_count_epoch`.
        dead_from: see :func:`dead_from`.
    """

    number: int
    flagged: bool
    thesis_index: Optional[int]
    first_epoch: Optional[int]
    first_epoch_judged: Optional[int]
    full_count_epoch: Optional[int]
    dead_from: Optional[int]


class CaseFindings(NamedTuple):
    """What is said of the runs of one case."""

    name: str
    epochs: int
    runs: List[RunFindings]

    @property
    def flagged(self) -> List[RunFindings]:
        """The runs on whose whole curve the rule holds."""
        return [run for run in self.runs if run.flagged]

    @property
    def dead(self) -> List[RunFindings]:
        """The runs that end no better than chance."""
        return [run for run in self.runs if run.dead_from is not None]

    @property
    def dead_epochs(self) -> int:
        """Epochs of all runs that were spent dead, epoch c included."""
        return sum(self.epochs + 1 - run.dead_from for run in self.runs if run.dead_from)


def analyse_case(case: Case, rule: Rule = RULES['val_accuracy'],
                 chance: float = CHANCE) -> CaseFindings:
    """Judge every run of a case.

    Args:
        case: the recorded runs.
        rule: the oscillation rule; the thesis's by default.
        chance: accuracy of guessing.
    """
    runs = []
    for run in case.runs:
        series = run.columns[rule.series]
        found = verdicts(series, rule)
        runs.append(RunFindings(run.number, found[-1], thesis_index(series),
                                first_epoch(found, False), first_epoch(found, True),
                                full_count_epoch(series, rule),
                                dead_from(run.columns['accuracy'], chance)))
    return CaseFindings(case.name, case.epochs, runs)


# -------------------------------------------------------------------------------- of many runs

class Spread(NamedTuple):
    """Where a set of epochs (or indices) lies.

    Attributes:
        runs: runs that have a value.
        quartiles: 25 %, 50 % and 75 %; None for an empty set.
        inside: share inside 1/5…2/5 of the planned epochs, the thesis's interval; None likewise.
    """

    runs: int
    quartiles: Optional[List[float]]
    inside: Optional[float]


def spread(values: Sequence[Optional[int]], epochs: int) -> Spread:
    """Quartiles of ``values``, None left out, and their share inside 1/5…2/5 of ``epochs``."""
    known = np.array([value for value in values if value is not None], dtype=float)
    if not known.size:
        return Spread(0, None, None)
    inside = (5 * known >= epochs) & (5 * known <= 2 * epochs)
    return Spread(known.size, np.percentile(known, [25, 50, 75]).tolist(), float(inside.mean()))


def spreads(findings: CaseFindings) -> Dict[str, Spread]:
    """The answers to "when" for one case, by name."""
    return OrderedDict([
        ('thesis_index', spread([r.thesis_index for r in findings.flagged], findings.epochs)),
        ('thesis_index_unflagged', spread([r.thesis_index for r in findings.runs if not r.flagged],
                                          findings.epochs)),
        ('first_epoch', spread([r.first_epoch for r in findings.runs], findings.epochs)),
        ('first_epoch_judged', spread([r.first_epoch_judged for r in findings.runs],
                                      findings.epochs)),
        ('full_count_epoch', spread([r.full_count_epoch for r in findings.runs],
                                    findings.epochs)),
        ('dead_from', spread([r.dead_from for r in findings.runs], findings.epochs)),
    ])


class GroupTest(NamedTuple):
    """A test of the hypothesis that several groups of runs have one distribution.

    Attributes:
        quantity: what is compared.
        groups: the groups, with the median of each.
        runs: runs in all groups together.
        statistic: H of Kruskal and Wallis.
        p: probability of so large an H if the distributions are the same.
        effect: ε² = (H − g + 1)/(n − g), about the share of the spread that lies between groups.
    """

    quantity: str
    groups: Dict[str, float]
    runs: int
    statistic: float
    p: float
    effect: float


def kruskal(quantity: str, groups: Dict[str, List[float]]) -> Optional[GroupTest]:
    """Test whether groups have one distribution (Kruskal and Wallis; ties are corrected for).

    Args:
        quantity: what is compared, for the table.
        groups: values by group; groups of fewer than five values are left out.

    Returns:
        The test; None with fewer than two groups or where all values are the same.
    """
    from scipy import stats  # takes a second, which the other commands need not wait for
    known = OrderedDict((name, group) for name, group in groups.items() if len(group) >= 5)
    if len(known) < 2 or len(set(sum(known.values(), []))) < 2:
        return None
    statistic, p = stats.kruskal(*known.values())
    count = sum(len(group) for group in known.values())
    effect = (statistic - len(known) + 1) / (count - len(known))
    medians = OrderedDict((name, float(np.median(group))) for name, group in known.items())
    return GroupTest(quantity, medians, count, float(statistic), float(p), float(effect))


def hypothesis_tests(cases: Sequence[CaseFindings]) -> List[GroupTest]:
    """Is the time of the first verdict, relative to the run length, the same for all lengths?

    The thesis's schedule rests on that: the bug falls between 1/5 and 2/5 of a run whatever its
    length. Tested are the thesis's index and the true epochs, relative to the planned epochs and
    (for the first epoch) absolute; then flagged against unflagged runs in the thesis's index, and
    whether cases of one length differ among themselves.

    Returns:
        The tests that the cases allow.
    """
    def by_length(values: Any) -> Dict[str, List[float]]:
        groups: Dict[str, List[float]] = OrderedDict()
        for case in sorted(cases, key=lambda case: case.epochs):
            groups.setdefault('E = %d' % case.epochs, []).extend(values(case))
        return groups

    def relative(case: CaseFindings, values: List[Optional[int]]) -> List[float]:
        return [value / case.epochs for value in values if value is not None]

    wanted = [
        kruskal('thesis index / E, flagged runs, between lengths', by_length(
            lambda c: relative(c, [r.thesis_index for r in c.flagged]))),
        kruskal('first epoch / E, between lengths', by_length(
            lambda c: relative(c, [r.first_epoch for r in c.runs]))),
        kruskal('first epoch, between lengths', by_length(
            lambda c: [float(r.first_epoch) for r in c.runs if r.first_epoch])),
        kruskal('first epoch from the judgment point / E, between lengths', by_length(
            lambda c: relative(c, [r.first_epoch_judged for r in c.runs]))),
        kruskal('thesis index / E, flagged against unflagged', OrderedDict(
            (name, [value for c in cases for value in relative(
                c, [r.thesis_index for r in c.runs if r.flagged == flagged])])
            for name, flagged in (('flagged', True), ('unflagged', False)))),
    ]
    for length in sorted({case.epochs for case in cases}):
        wanted.append(kruskal('first epoch, between cases of E = %d' % length, OrderedDict(
            (case.name, [float(r.first_epoch) for r in case.runs if r.first_epoch])
            for case in cases if case.epochs == length)))
    return [test for test in wanted if test is not None]


# ------------------------------------------------------------------------------------- results

def as_json(cases: Sequence[CaseFindings], rule: Rule, chance: float) -> Dict[str, Any]:
    """Everything found, as the JSON document that ``analysis.json`` holds."""
    document: Dict[str, Any] = OrderedDict([
        ('rule', rule._asdict()), ('chance', chance), ('cases', OrderedDict())])
    for case in cases:
        document['cases'][case.name] = OrderedDict([
            ('epochs', case.epochs),
            ('runs', len(case.runs)),
            ('flagged', len(case.flagged)),
            ('flagged_runs', [run.number for run in case.flagged]),
            ('thesis_index', [run.thesis_index for run in case.flagged]),
            ('run_numbers', [run.number for run in case.runs]),
            ('first_epoch', [run.first_epoch for run in case.runs]),
            ('first_epoch_judged', [run.first_epoch_judged for run in case.runs]),
            ('full_count_epoch', [run.full_count_epoch for run in case.runs]),
            ('dead_from', [run.dead_from for run in case.runs]),
            ('dead_epochs', case.dead_epochs),
            ('spread', OrderedDict((name, found._asdict())
                                   for name, found in spreads(case).items())),
        ])
    document['tests'] = [test._asdict() for test in hypothesis_tests(cases)]
    return document


class Table(NamedTuple):
    """A table of the report, written as Markdown and as CSV."""

    name: str
    title: str
    header: List[str]
    rows: List[List[Any]]


def tables(cases: Sequence[CaseFindings]) -> List[Table]:
    """The tables of the report."""
    overview: List[List[Any]] = []
    when: List[List[Any]] = []
    detected: List[List[Any]] = []
    runs: List[List[Any]] = []
    for case in cases:
        dead = [run.dead_from for run in case.runs if run.dead_from]
        overview.append([
            case.name, case.epochs, len(case.runs), len(case.flagged),
            len(case.flagged) / len(case.runs), len(dead), sum(1 for c in dead if c > 1),
            float(np.median(dead)) if dead else None,
            case.dead_epochs / (case.epochs * len(case.runs))])
        for name, found in spreads(case).items():
            quartiles: List[Any] = list(found.quartiles or (None, None, None))
            when.append([case.name, case.epochs, name, found.runs] + quartiles + [found.inside])
        detected.append([case.name, ' '.join(str(run.number) for run in case.flagged),
                         ' '.join(str(run.thesis_index) for run in case.flagged)])
        runs.extend([case.name, case.epochs] + list(run) for run in case.runs)
    tests = [[test.quantity, test.runs, test.statistic, test.p, test.effect,
              '; '.join('%s: %.3g' % pair for pair in test.groups.items())]
             for test in hypothesis_tests(cases)]
    return [
        Table('cases', 'Cases (thesis, Table 3-1) and the runs that die', [
            'case', 'epochs', 'runs', 'flagged', 'share flagged', 'end dead', 'of these had learnt',
            'median epoch of death', 'share of epochs spent dead'], overview),
        Table('detected', 'Thesis\'s index (Table 3-2): last pair of extrema, not an epoch',
              ['case', 'flagged runs', 'index of each'], detected),
        Table('when', 'When a monitor that looks every epoch flags a run, and the share inside '
              '1/5…2/5 of the run',
              ['case', 'epochs', 'what', 'runs', '25 %', 'median', '75 %', 'share inside'], when),
        Table('tests', 'Do groups of runs have one distribution? (Kruskal and Wallis)',
              ['what', 'runs', 'H', 'p', 'effect ε²', 'medians'], tests),
        Table('runs', 'Every run', ['case', 'epochs'] + list(RunFindings._fields), runs),
    ]


def _body(args: Namespace) -> int:
    cases, code = read_cases(args.directory)
    rule = RULES['val_accuracy']
    findings = [analyse_case(case, rule, args.chance) for case in cases]
    document = json.dumps(as_json(findings, rule, args.chance), indent=1) + '\n'
    report = tables(findings)
    text = '\n'.join('## %s\n\n%s' % (table.title, markdown_table(table.header, table.rows))
                     for table in report if table.name != 'runs')
    if args.out is not None:
        folder = make_output_folder(args.out)
        write_atomically(folder / TABLES_MARK, document)  # first: the tables are no histories
        for table in report:
            write_atomically(folder / (table.name + '.csv'), csv_text(table.header, table.rows))
        write_atomically(folder / 'analysis.md', text)
        print('tables and %s are in %s' % (TABLES_MARK, folder), file=sys.stderr)
    sys.stdout.write(document if args.json else text)
    return code


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.analyse``; returns its exit code."""
    parser = reading_parser('analyse', 'Say what recorded trainings show: flagged runs, the '
                            'thesis\'s index beside the epoch of the first verdict, dead runs.')
    parser.add_argument('--out', metavar='DIR', help='also write CSV and Markdown tables and '
                        'analysis.json there')
    parser.add_argument('--json', action='store_true', help='print analysis.json, not the tables')
    parser.add_argument('--chance', type=share, default=CHANCE,
                        help='accuracy of guessing (default: %(default)s, ten classes)')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
