"""How the thesis's figures look, each drawn from its tuple of :mod:`Motivation.figure_data`.

Colours are those of Okabe and Ito; nothing is told by colour alone.
"""

import math
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

from .figure_data import Curves, Delays, Detection, Overhead, Point, Share, Times

BLUE, ORANGE, GREEN, RED, GREY = '#0072B2', '#E69F00', '#009E73', '#D55E00', '#999999'

WIDTH = 6.3
"""Inches; the text of an A4 page."""

STYLE: Any = {
    'font.size': 9, 'axes.titlesize': 9, 'axes.labelsize': 9, 'legend.fontsize': 8,
    'xtick.labelsize': 8, 'ytick.labelsize': 8, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.grid': False, 'legend.frameon': False,
    'hatch.linewidth': 0.6, 'svg.hashsalt': 'Motivation',
}


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


def draw_shares(found: Sequence[Share], figure: Any) -> None:
    """Tables 3-3, 3-5, 3-7, 3-9: one pie per case."""
    figure.set_size_inches(max(2.1 * len(found), WIDTH), 2.4)
    row = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, share in zip(row, found):
        counts = (share.flagged, share.alive, share.dead)
        wedges, texts = axes.pie(
            counts, colors=[BLUE, '#DDDDDD', RED], startangle=90, counterclock=False,
            labels=['%d (%.0f %%)' % (n, 100 * n / sum(counts)) for n in counts],
            wedgeprops={'edgecolor': 'black', 'linewidth': 0.6}, textprops={'fontsize': 8},
            radius=0.95)
        for wedge, text, count, hatch in zip(wedges, texts, counts, ('///', '', 'xxx')):
            wedge.set_hatch(hatch)
            text.set_visible(count > 0)
        axes.set_title(share.name)
    figure.legend(wedges, ['oscillates (flagged on the whole curve)', 'not flagged',
                           'not flagged, ends dead'], loc='lower center', ncol=3)


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
            shown = [value for values in (case.indices, case.judged, case.first)
                     for value in values]
            if not any(start <= value <= stop for value in shown):
                axes.text(0.5, 0.5, 'nothing falls in here' if shown else
                          'no run is flagged at any epoch',
                          transform=axes.transAxes, ha='center', va='center', fontsize=8)
            axes.set_title('%s, %s' % (case.name, place))
            axes.set_ylabel('runs')
        row[1].axvspan(low, high, color=GREY, alpha=0.25, linewidth=0)
    for axes in grid[-1]:
        axes.set_xlabel('epoch (or index)')
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=3)


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
        chosen = [p for p in found if (p.flagged, p.dead) == (flagged, dead)
                  and p.thesis_index is not None]
        if chosen:
            # runs that were never flagged stand beside one another instead of on one spot
            x = [never + 0.05 * ((i % 11) / 5 - 1) if p.first is None else p.first
                 for i, p in enumerate(chosen)]
            axes.scatter(x, [p.thesis_index for p in chosen], s=16, marker=marker, linewidths=0.8,
                         facecolors=face, edgecolors=None if marker == 'x' else colour,
                         alpha=0.7, label='%s (%d)' % (label, len(chosen)))
    without = sum(p.thesis_index is None for p in found)
    if without:
        axes.plot([], [], ' ', label='no pair of extrema, no index (%d)' % without)
    axes.set_xlim(0, 1.17)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0, never])
    axes.set_xticklabels(['0', '0.2', '0.4', '0.6', '0.8', '1', 'never'])
    axes.set_xlabel('epoch at which a monitor that looks every epoch first flags the run, over E')
    axes.set_ylabel('thesis\'s "time of detection" over E')
    axes.legend(loc='upper left')


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


def draw_delays(found: Delays, figure: Any) -> None:
    """Fig. 4-2: mean delay against 1/q, by the way of counting, and that of the thesis."""
    figure.set_size_inches(WIDTH, 3.0)
    axes = figure.subplots()
    for values, style, colour, label in (
            (found.upstream, 'o-', BLUE, 'epoch_N, counted as upstream'),
            (found.project, '^--', ORANGE, 'epoch_N, counted as this project')):
        axes.plot(found.intervals, values, style, color=colour, markersize=4, linewidth=1.1,
                  label=label)
    axes.axhline(found.dynamic, linestyle=':', color='black', linewidth=1.2, label='dynamic')
    axes.set_xlabel('epochs from check to check, 1/q')
    axes.set_xticks(found.intervals)
    axes.set_ylabel('mean delay (epochs)')
    axes.set_ylim(0, None)
    axes.legend(loc='best')


def draw_detection(found: Detection, figure: Any) -> None:
    """Fig. 5-3: epochs until an oscillating loss is found, one panel per way of counting."""
    figure.set_size_inches(WIDTH, 3.2)
    row = figure.subplots(1, 2, sharey=True)
    for axes, title, values in (
            (row[0], 'constant schedules counted as upstream:\nafter 1, N + 1, … epochs',
             found.upstream),
            (row[1], 'counted as this project:\nafter N, 2·N, … epochs', found.project)):
        for place, (name, colour, hatch) in enumerate(zip(values, (BLUE, ORANGE, GREEN),
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
    if found.nothing:
        row[0].set_xlabel('no run is found of E = %s' % ', '.join(map(str, found.nothing)))
    row[0].set_ylabel('mean epochs until found\n(to the end where missed)')
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=len(labels))


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
