"""The thesis from one command: ``python -m Motivation.replicate``."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Optional, Sequence

from AutoTrainer.errors import UserError

from .. import drawing
from ..figures import all_figures, choose_run
from ..histories import FIGURES_MARK, OWN_DATA, find_cases
from ..output import make_output_folder, run_command, write_atomically
from . import ground as grounds
from .claims import UNKNOWN, agrees, decide
from .pages import Replication, as_html, as_markdown
from .sections import sections

HTML, MARKDOWN = 'thesis.html', 'thesis.md'


def replicate(directory: Optional[str], out: str, costs: Optional[str]) -> Replication:
    """Replicate the thesis on recorded runs and write the pages.

    Args:
        directory: folder of the histories; None for those that come with the project.
        out: folder for the pages and the figures.
        costs: file with measured overheads; None for the one that comes with the project.

    Returns:
        What was found.

    Raises:
        UserError: if there is nothing to read, or the folder cannot be written.
    """
    source = str(OWN_DATA) if directory is None else directory
    if not Path(source).is_dir():
        raise UserError('HISTORIES is %r, which is no folder; give a folder of case folders with '
                        'one CSV file per run' % source)
    cases, left_out = find_cases(Path(source))
    if not cases:
        raise UserError('HISTORIES is %r, which has no history that can be read; give a folder of '
                        'case folders with one CSV file per run' % source)
    laid, problems = grounds.lay(cases, None if costs is None else Path(costs))
    claims = decide(laid)
    figures, undrawn = all_figures(cases, choose_run(cases, None),
                                   grounds.MEASURED if costs is None else Path(costs))
    left_out = left_out + problems + undrawn
    compared = any(claim.must and claim.verdict != UNKNOWN for claim in claims)
    absent = [name for name in laid.thesis['cases'] if name not in laid.known]
    if directory is not None and absent:
        left_out.append('the thesis\'s %s, not among these runs' % ', '.join(absent))
    found = Replication(
        'the project\'s own histories' if directory is None else directory, len(cases),
        sum(len(case.runs) for case in cases), agrees(claims, directory is not None), compared,
        claims, sections(laid, claims, figures), left_out)
    folder = make_output_folder(out)
    write_atomically(folder / FIGURES_MARK, json.dumps({
        'figures': [figure.name for figure in figures], 'left_out': left_out,
        'agrees': found.agrees, 'claims': [claim._asdict() for claim in claims]}, indent=1) + '\n')
    images = {}
    for figure in figures:
        _, svg = drawing.save(figure.draw, figure.numbers, folder, figure.name, figure.foot)
        images[figure.name] = svg.read_bytes()
    write_atomically(folder / MARKDOWN, as_markdown(found))
    write_atomically(folder / HTML, as_html(found, images))
    return found


def _body(args: argparse.Namespace) -> int:
    began = time.perf_counter()
    found = replicate(args.histories, args.out, args.overhead)
    for reason in found.left_out:
        print('left out: %s' % reason, file=sys.stderr)
    for claim in found.claims:
        print('%-16s %s' % (claim.verdict, claim.said))
    print('%s %s' % (found.headline, found.summary))
    print('%s and %s are in %s; %.0f s' % (HTML, MARKDOWN, args.out, time.perf_counter() - began))
    return 0 if found.agrees else 1


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.replicate``.

    Returns:
        The exit code: 0 if Tables 3-1 and 3-2 agree to the last number (or, without HISTORIES,
        have nothing to be held against), 1 if they do not, 2 for a wrong argument.
    """
    parser = argparse.ArgumentParser(
        prog='python -m Motivation.replicate', description='Set every table, figure and claim of '
        'the thesis beside what recorded trainings show, on one page.')
    parser.add_argument('histories', metavar='HISTORIES', nargs='?',
                        help='folder of case folders with one CSV file per run (default: the '
                             'histories that come with the project, which are not the thesis\'s)')
    parser.add_argument('--out', default='results/thesis', metavar='DIR',
                        help='where the pages and figures go (default: %(default)s)')
    parser.add_argument('--overhead', metavar='FILE', help='what benchmarks.overhead printed, for '
                        'Figure 4-1 and Table 5-1 (default: what comes with the project)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
