"""Draw the thesis's figures from recorded trainings: ``python -m Motivation.figures``.

Each figure is made in two steps: a function that gathers its numbers as a tuple, and one that
draws such a tuple. Colours are those of Okabe and Ito; nothing is told by colour alone.
"""

import argparse
import json
import math
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from AutoTrainer.errors import UserError
from AutoTrainer.judge.schedule import constant_interval

from .analyse import RULES, CaseFindings, RunFindings, analyse_case
from .histories import Case
from .output import make_folder, read_cases, reading_parser, run_command
from .schedules import PROJECT_OFFSET, UPSTREAM_OFFSET, compare

BLUE, ORANGE, GREEN, RED, GREY = '#0072B2', '#E69F00', '#009E73', '#D55E00', '#999999'

WIDTH = 6.3
"""Inches; the text of an A4 page."""

STYLE: Any = {
    'font.size': 9, 'axes.titlesize': 9, 'axes.labelsize': 9, 'legend.fontsize': 8,
    'xtick.labelsize': 8, 'ytick.labelsize': 8, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.grid': False, 'legend.frameon': False,
    'hatch.linewidth': 0.6, 'svg.hashsalt': 'Motivation',
}

DEFAULT_RUN = ('Case_150epoch1', 8)
"""The run of the thesis's Figures 3-1 and 3-2."""

COMPARED = ('dynamic', 'epoch_3', 'epoch_5')
"""Schedules of Figure 5-3."""


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


def _draw_lines(axes: Any, lines: Dict[str, List[float]], label: str) -> None:
    for (name, values), colour, style in zip(lines.items(), (BLUE, RED), ('-', '--')):
        axes.plot(range(1, len(values) + 1), values, style, color=colour, linewidth=1.1, label=name)
    axes.set_xlabel('epoch')
    axes.set_ylabel(label)
    axes.legend(loc='best')


def draw_curves(found: Curves, figure: Any) -> None:
    """Fig. 3-1: losses above, accuracies below."""
    figure.set_size_inches(WIDTH, 4.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw_lines(upper, found.losses, 'loss')
    upper.set_xlabel('')
    upper.set_title(found.title)
    _draw_lines(lower, found.accuracies, 'accuracy')
    figure.align_ylabels()


def draw_accuracies(found: Curves, figure: Any) -> None:
    """Fig. 3-2: the accuracies alone."""
    figure.set_size_inches(WIDTH, 2.8)
    axes = figure.subplots()
    _draw_lines(axes, found.accuracies, 'accuracy')
    axes.set_title(found.title)


# ------------------------------------------------------- cases of one length: Tables 3-3 to 3-10

class Share(NamedTuple):
    """How many runs of a case are flagged."""

    name: str
    flagged: int
    unflagged: int


def shares(cases: Sequence[CaseFindings]) -> List[Share]:
    """Flagged and unflagged runs of each case."""
    return [Share(case.name, len(case.flagged), len(case.runs) - len(case.flagged))
            for case in cases]


def draw_shares(found: Sequence[Share], figure: Any) -> None:
    """Tables 3-3, 3-5, 3-7, 3-9: one pie per case."""
    figure.set_size_inches(max(2.1 * len(found), 3.6), 2.4)
    row = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, share in zip(row, found):
        total = share.flagged + share.unflagged
        wedges, texts = axes.pie(
            [share.flagged, share.unflagged], colors=[BLUE, '#DDDDDD'], startangle=90,
            counterclock=False, labels=['%d (%.0f %%)' % (n, 100 * n / total)
                                        for n in (share.flagged, share.unflagged)],
            wedgeprops={'edgecolor': 'black', 'linewidth': 0.6}, textprops={'fontsize': 8},
            radius=0.95)
        wedges[0].set_hatch('///')
        for text, share_of in zip(texts, (share.flagged, share.unflagged)):
            text.set_visible(share_of > 0)
        axes.set_title(share.name)
    figure.legend(wedges, ['oscillates (flagged on the whole curve)', 'does not'],
                  loc='lower center', ncol=2)


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
    return Times(case.name, case.epochs, [run.thesis_index for run in case.flagged],
                 [run.first_epoch for run in case.runs if run.first_epoch],
                 [run.first_epoch_judged for run in case.runs if run.first_epoch_judged])


def draw_times(found: Sequence[Times], figure: Any) -> None:
    """Tables 3-4, 3-6, 3-8, 3-10: one row per case, the interval 1/5…2/5 and the whole run."""
    figure.set_size_inches(WIDTH, 1.75 * len(found) + 0.7)
    grid = figure.subplots(len(found), 2, squeeze=False)
    for row, case in zip(grid, found):
        low, high = case.epochs // 5, math.ceil(2 * case.epochs / 5)
        for axes, (start, stop, step), place in (
                (row[0], (low, high, 1), '1/5…2/5 of the run'),
                (row[1], (0, case.epochs, max(1, case.epochs // 50)), 'the whole run')):
            edges = [edge - 0.5 for edge in range(start, stop + step + 1, step)]
            axes.hist(case.indices, edges, color=BLUE, alpha=0.55, hatch='///', edgecolor=BLUE,
                      linewidth=0.4, label='thesis\'s index (no epoch)')
            axes.hist(case.judged, edges, histtype='step', color='black', linewidth=1.2,
                      label='first epoch from the judgment point')
            axes.hist(case.first, edges, histtype='step', color=RED, linewidth=1.2,
                      linestyle='--', label='first epoch')
            axes.set_xlim(edges[0], edges[-1])
            axes.set_ylim(0, max(1, axes.get_ylim()[1]))  # also where no run is flagged
            axes.locator_params(axis='y', integer=True, nbins=5)
            axes.set_title('%s, %s' % (case.name, place))
            axes.set_ylabel('runs')
        row[1].axvspan(low, high, color=GREY, alpha=0.25, linewidth=0)
    for axes in grid[-1]:
        axes.set_xlabel('epoch (or index)')
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=3)


# --------------------------------------------------------------------------------- the erratum

class Point(NamedTuple):
    """One run in the figure of the erratum; both numbers as shares of the planned epochs.

    Attributes:
        first: first epoch an online monitor flags; None if never.
        thesis_index: the thesis's index.
        flagged: whether the whole curve is flagged.
        dead: whether the run ends at chance (its flat end is all ties, each a pair).
    """

    first: Optional[float]
    thesis_index: float
    flagged: bool
    dead: bool


def erratum(cases: Sequence[CaseFindings]) -> List[Point]:
    """One point per run."""
    def point(case: CaseFindings, run: RunFindings) -> Point:
        first = None if run.first_epoch is None else run.first_epoch / case.epochs
        return Point(first, run.thesis_index / case.epochs, run.flagged,
                     run.dead_from is not None)
    return [point(case, run) for case in cases for run in case.runs]


def draw_erratum(found: Sequence[Point], figure: Any) -> None:
    """The index stands at 0.3·E whenever the run was flagged, and if it never was."""
    figure.set_size_inches(WIDTH, 4.2)
    axes = figure.subplots()
    never = 1.1
    axes.axhspan(0.2, 0.4, color=GREY, alpha=0.25, linewidth=0)
    axes.text(0.99, 0.21, '1/5…2/5 of the run', ha='right', fontsize=8)
    axes.plot([0, 1], [0, 1], ':', color='black', linewidth=1)
    axes.text(0.62, 0.64, 'if the index were the epoch', rotation=33, ha='center', fontsize=8)
    axes.axvline(1.03, color='black', linewidth=0.6)
    for label, flagged, dead, marker, colour, face in (
            ('flagged', True, False, 'o', BLUE, BLUE),
            ('not flagged', False, False, '^', ORANGE, 'none'),
            ('not flagged, ends dead', False, True, 'x', RED, RED),
            ('flagged, ends dead', True, True, 's', GREEN, 'none')):
        chosen = [p for p in found if (p.flagged, p.dead) == (flagged, dead)]
        if chosen:
            # runs that were never flagged stand beside one another instead of on one spot
            x = [never + 0.05 * ((i % 11) / 5 - 1) if p.first is None else p.first
                 for i, p in enumerate(chosen)]
            axes.scatter(x, [p.thesis_index for p in chosen], s=16, marker=marker, linewidths=0.8,
                         facecolors=face, edgecolors=None if marker == 'x' else colour,
                         alpha=0.7, label='%s (%d)' % (label, len(chosen)))
    axes.set_xlim(0, 1.17)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0, never])
    axes.set_xticklabels(['0', '0.2', '0.4', '0.6', '0.8', '1', 'never'])
    axes.set_xlabel('epoch at which a monitor that looks every epoch first flags the run, over E')
    axes.set_ylabel('thesis\'s "time of detection" over E')
    axes.legend(loc='upper left')


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


def draw_overhead(found: Sequence[Overhead], figure: Any) -> None:
    """Fig. 4-1: measured overhead and q·t2/t1 against 1/q, one panel per training."""
    figure.set_size_inches(WIDTH, 3.0)
    row = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, training in zip(row, found):
        middle = [values[1] for values in training.measured]
        spread = [[m - values[0] for m, values in zip(middle, training.measured)],
                  [values[2] - m for m, values in zip(middle, training.measured)]]
        axes.axhline(0, color=GREY, linewidth=0.6)
        axes.errorbar(training.intervals, middle, spread, fmt='o', color=BLUE, capsize=3,
                      markersize=4, linewidth=1, label='measured (median, quartiles)')
        axes.plot(training.intervals, training.predicted, '--', color=RED, linewidth=1.2,
                  label='q·t2/t1')
        axes.set_title('%s\nt1 = %.3g ms, t2 = %.3g ms, once %.2g s' % (
            training.name, 1000 * training.t1, 1000 * training.t2, training.once))
        axes.set_xlabel('epochs from check to check, 1/q')
        axes.set_xticks(training.intervals)
        axes.set_ylabel('time added (%)')
    row[0].legend(loc='best')


# --------------------------------------------------- Fig. 5-3: constant against dynamic schedule

class Detection(NamedTuple):
    """How long oscillating runs are trained until they are found.

    Attributes:
        lengths: planned epochs, ascending.
        runs: runs of each length that a check at every epoch finds.
        best: mean epochs until such a check finds them, by length.
        upstream: mean epochs until found, or to the end, by schedule and length; constant
            schedules counted as upstream does.
        project: the same in this project's counting.
    """

    lengths: List[int]
    runs: List[int]
    best: List[float]
    upstream: Dict[str, List[float]]
    project: Dict[str, List[float]]


def detection(cases: Sequence[Case]) -> Detection:
    """Replay the recorded runs under the schedules of the figure; lengths without a find are out.

    Args:
        cases: the recorded runs; judged by the thesis's rule.
    """
    found: Dict[int, Any] = {}
    for length in sorted({case.epochs for case in cases}):
        chosen = [case for case in cases if case.epochs == length]
        ways = [compare(chosen, 'val_accuracy', ('epoch_1',) + COMPARED, offset)
                for offset in (UPSTREAM_OFFSET, PROJECT_OFFSET)]
        there = ways[0]['epoch_1'].detected == 1
        if there.any():
            found[length] = (int(there.sum()), [OrderedDict(
                (name, float(outcomes.trained[there].mean())) for name, outcomes in way.items())
                for way in ways])
    return Detection(
        list(found), [runs for runs, _ in found.values()],
        [ways[0]['epoch_1'] for _, ways in found.values()],
        *[OrderedDict((name, [ways[which][name] for _, ways in found.values()])
                      for name in COMPARED) for which in (0, 1)])


def draw_detection(found: Detection, figure: Any) -> None:
    """Fig. 5-3: epochs until an oscillating loss is found, one panel per way of counting."""
    figure.set_size_inches(WIDTH, 3.2)
    row = figure.subplots(1, 2, sharey=True)
    for axes, title, values in (
            (row[0], 'constant schedules counted as upstream:\nafter 1, N + 1, … epochs',
             found.upstream),
            (row[1], 'counted as this project:\nafter N, 2·N, … epochs', found.project)):
        for place, (name, colour, hatch) in enumerate(zip(COMPARED, (BLUE, ORANGE, GREEN),
                                                          ('', '///', '...'))):
            axes.bar([i + 0.26 * (place - 1) for i in range(len(found.lengths))], values[name],
                     0.24, color=colour, alpha=0.8, hatch=hatch, edgecolor='black', linewidth=0.5,
                     label=name)
        for i, best in enumerate(found.best):
            axes.plot([i - 0.42, i + 0.42], [best, best], color='black', linewidth=1.6,
                      label='every epoch' if i == 0 else None)
        axes.set_title(title)
        axes.set_xticks(range(len(found.lengths)))
        axes.set_xticklabels(['E = %d\n(%d runs)' % pair for pair in zip(found.lengths,
                                                                        found.runs)])
    row[0].set_ylabel('mean epochs until found\n(to the end where missed)')
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=len(labels))


# -------------------------------------------------------------------------------- the command

def save(draw: Callable[[Any, Any], None], found: Any, folder: Path, name: str,
         foot: float = 0.0) -> List[Path]:
    """Draw a figure and write it as PNG and SVG.

    Args:
        draw: draws ``found`` on a figure.
        found: the figure's numbers.
        folder: where the files go.
        name: their name without the ending.
        foot: inches to keep free at the bottom, for a legend of the whole figure.

    Returns:
        The two files.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    paths = []
    with matplotlib.rc_context(STYLE):
        figure = Figure()
        FigureCanvasAgg(figure)
        draw(found, figure)
        figure.tight_layout(rect=(0, foot / figure.get_figheight(), 1, 1))
        for ending in ('png', 'svg'):
            paths.append(folder / ('%s.%s' % (name, ending)))
            figure.savefig(str(paths[-1]), dpi=200,
                           metadata={'Date': None} if ending == 'svg' else None)
    return paths


def all_figures(cases: Sequence[Case], run: Tuple[str, int],
                costs: Optional[Path]) -> Iterator[Tuple[Any, Any, str, float]]:
    """Every figure that the data can give, as arguments of :func:`save` without the folder.

    Args:
        cases: the recorded runs.
        run: case and number of the run of Figures 3-1 and 3-2.
        costs: file with measured overheads; None leaves out Figure 4-1.
    """
    findings = [analyse_case(case, RULES['val_accuracy']) for case in cases]
    chosen = curves(cases, *run)
    yield draw_curves, chosen, 'fig_3-1_curves', 0.0
    yield draw_accuracies, chosen, 'fig_3-2_accuracies', 0.0
    for length in sorted({case.epochs for case in cases}):
        of_length = [case for case in findings if case.epochs == length]
        yield draw_shares, shares(of_length), 'shares_%d_epochs' % length, 0.3
        yield draw_times, [times(case) for case in of_length], 'times_%d_epochs' % length, 0.3
    yield draw_erratum, erratum(findings), 'erratum', 0.0
    if costs is not None:
        yield draw_overhead, overhead(costs), 'fig_4-1_overhead', 0.0
    found = detection(cases)
    if found.lengths:
        yield draw_detection, found, 'fig_5-3_detection', 0.3


def choose_run(cases: Sequence[Case], wanted: Optional[str]) -> Tuple[str, int]:
    """The run of Figures 3-1 and 3-2.

    Args:
        cases: the recorded runs.
        wanted: ``'CASE/NUMBER'``; None for the thesis's, or else the first there is.

    Raises:
        UserError: if ``wanted`` has another form.
    """
    if wanted is None:
        there = [(case.name, run.number) for case in cases for run in case.runs]
        return DEFAULT_RUN if DEFAULT_RUN in there else there[0]
    name, _, number = wanted.rpartition('/')
    if not name or not number.isdigit():
        raise UserError('--run is %r; give CASE/NUMBER, such as %s/%d' % ((wanted,) + DEFAULT_RUN))
    return name, int(number)


def _body(args: argparse.Namespace) -> int:
    cases, code = read_cases(args.directory)
    run = choose_run(cases, args.run)
    costs = Path(args.overhead) if args.overhead else None
    if costs is None:
        print('left out: Figure 4-1, which needs what benchmarks.overhead measured (--overhead)',
              file=sys.stderr)
    folder = make_folder('--out', args.out)
    for draw, found, name, foot in all_figures(cases, run, costs):
        for path in save(draw, found, folder, name, foot):
            print(path)
    return code


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.figures``; returns its exit code."""
    parser = reading_parser('figures', 'Draw the thesis\'s figures from recorded trainings, as PNG '
                            'and SVG.')
    parser.add_argument('--out', default='results/figures', metavar='DIR',
                        help='where they go (default: %(default)s)')
    parser.add_argument('--run', metavar='CASE/NUMBER', help='run of Figures 3-1 and 3-2 (default: '
                        '%s/%d, else the first there is)' % DEFAULT_RUN)
    parser.add_argument('--overhead', metavar='FILE', help='what benchmarks.overhead printed; '
                        'without it Figure 4-1 is left out')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
