"""Draw the thesis's figures from recorded trainings: ``python -m Motivation.figures``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from AutoTrainer.errors import UserError

from . import drawing, figure_data
from .analyse import RULES, analyse_case
from .histories import FIGURES_MARK, Case
from .output import (
    make_output_folder,
    read_cases,
    reading_parser,
    run_command,
    write_atomically,
)

DEFAULT_RUN = ('Case_150epoch1', 8)
"""The run of the thesis's Figures 3-1 and 3-2."""


class Figure(NamedTuple):
    """A figure to be drawn.

    Attributes:
        name: of its files, without the ending.
        draw: one of :mod:`drawing`.
        numbers: what ``draw`` takes.
        foot: inches to keep free at the bottom, for a legend of the whole figure.
    """

    name: str
    draw: Callable[[Any, Any], None]
    numbers: Any
    foot: float = 0.0


def all_figures(cases: Sequence[Case], run: Tuple[str, int],
                costs: Optional[Path]) -> Tuple[List[Figure], List[str]]:
    """Every figure that the data can give.

    Args:
        cases: the recorded runs.
        run: case and number of the run of Figures 3-1 and 3-2.
        costs: file with measured overheads; None leaves out Figure 4-1.

    Returns:
        (the figures, for each that cannot be drawn its name and why).

    Raises:
        UserError: if there is no such run, or ``costs`` cannot be read.
    """
    findings = [analyse_case(case, RULES['val_accuracy']) for case in cases]
    chosen = figure_data.curves(cases, *run)
    figures = [Figure('fig_3-1_curves', drawing.draw_curves, chosen),
               Figure('fig_3-2_accuracies', drawing.draw_accuracies, chosen)]
    left_out = []
    for length in sorted({case.epochs for case in cases}):
        of_length = [case for case in findings if case.epochs == length]
        figures += [
            Figure('shares_%d_epochs' % length, drawing.draw_shares,
                   figure_data.shares(of_length), 0.3),
            Figure('times_%d_epochs' % length, drawing.draw_times,
                   [figure_data.times(case) for case in of_length], 0.3)]
    points = figure_data.erratum(findings)
    if any(point.thesis_index is not None for point in points):
        figures.append(Figure('erratum', drawing.draw_erratum, points))
    else:
        left_out.append('erratum, because no curve has a pair of extrema')
    if costs is not None:
        figures.append(Figure('fig_4-1_overhead', drawing.draw_overhead,
                              figure_data.overhead(costs)))
    else:
        left_out.append('Figure 4-1, which needs what benchmarks.overhead measured (--overhead)')
    late = figure_data.delays(cases)
    if late is not None:
        figures.append(Figure('fig_4-2_delay', drawing.draw_delays, late))
    else:
        left_out.append('Figure 4-2, because some schedule finds no oscillating run')
    found = figure_data.detection(cases)
    if found.lengths:
        figures.append(Figure('fig_5-3_detection', drawing.draw_detection, found, 0.3))
    else:
        left_out.append('Figure 5-3, because even a check at every epoch finds no oscillating run')
    return figures, left_out


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
    figures, left_out = all_figures(cases, choose_run(cases, args.run),
                                    Path(args.overhead) if args.overhead else None)
    folder = make_output_folder(args.out)
    write_atomically(folder / FIGURES_MARK, json.dumps(
        {'figures': [figure.name for figure in figures], 'left_out': left_out}, indent=1) + '\n')
    for reason in left_out:
        print('left out: %s' % reason, file=sys.stderr)
    for figure in figures:
        for path in drawing.save(figure.draw, figure.numbers, folder, figure.name, figure.foot):
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
