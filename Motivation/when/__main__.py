"""When do the five problems come? ``python -m Motivation.when``.

Trains what is missing of the families, then prints what they say. The same command goes on where
it was stopped; once all runs are there it only reads.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from AutoTrainer.errors import UserError

from .. import drawing
from ..collect import count, duration, training_environment
from ..histories import FIGURES_MARK
from ..output import make_folder, run_command, write_atomically
from .families import FAMILIES, LENGTHS
from .findings import onsets, read_all
from .report import as_text, draw_onsets
from .tapes import missing

FIGURE = 'when'


def train(out: Path, families: Sequence[str], seeds: int, lengths: Sequence[int],
          jobs: int) -> List[str]:
    """Train what is missing, a process for each family.

    Args:
        out: folder of the tapes.
        families: names.
        seeds: runs of each family and length.
        lengths: planned epochs.
        jobs: families at a time.

    Returns:
        One sentence for each family that failed.
    """
    waiting = [family for family in families if missing(out, family, lengths, seeds)]
    running: List[Tuple[str, subprocess.Popen, float]] = []
    failed = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                family = waiting.pop(0)
                command = [sys.executable, '-m', 'Motivation.when.training', str(out), family,
                           str(seeds)] + list(map(str, lengths)) + ['--parent', str(os.getpid())]
                running.append((family, subprocess.Popen(
                    command, env=training_environment(jobs == 1)), time.time()))
            time.sleep(0.1)
            for entry in [entry for entry in running if entry[1].poll() is not None]:
                running.remove(entry)
                family, process, began = entry
                if process.returncode:
                    failed.append('%s ended with exit code %d; what it said stands above, the same '
                                  'command goes on with it' % (family, process.returncode))
                print('%s: %s' % (family, 'failed' if process.returncode else 'trained in %s'
                                  % duration(time.time() - began)), file=sys.stderr)
    finally:
        for _, process, _ in running:
            process.kill()
            process.wait()
    return failed


def _body(args: argparse.Namespace) -> int:
    out = make_folder('--out', args.out).resolve()
    problems = train(out, args.families, args.seeds, args.lengths, args.jobs)
    runs, unread = read_all(out, args.seeds, args.lengths, args.families)
    problems += unread
    for problem in problems:
        print('left out: %s' % problem, file=sys.stderr)
    if not runs:
        raise UserError('--out is %r, in which no run of these families can be read; run the '
                        'command again' % args.out)
    sys.stdout.write(as_text(runs))
    write_atomically(out / FIGURES_MARK, json.dumps({'figures': [FIGURE]}) + '\n')
    for path in drawing.save(draw_onsets, onsets(runs), out, FIGURE, 0.3):
        print('the figure is %s' % path, file=sys.stderr)
    return 1 if problems else 0


def _families(text: str) -> List[str]:
    names = text.split(',')
    for name in names:
        if name not in FAMILIES:
            raise argparse.ArgumentTypeError('%r is no family; known are %s'
                                             % (name, ', '.join(FAMILIES)))
    return names


def _lengths(text: str) -> List[int]:
    return [count(part) for part in text.split(',')]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.when``.

    Returns:
        The exit code: 1 if a run is missing or damaged, 2 for a wrong argument.
    """
    parser = argparse.ArgumentParser(
        prog='python -m Motivation.when', description='Train small families of each of the five '
        'problems and say when its rule first holds, what each check schedule makes of it, and '
        'what could have been said from the first tenth.')
    parser.add_argument('--out', default='results/when', metavar='DIR',
                        help='where the trainings are kept (default: %(default)s)')
    parser.add_argument('--seeds', type=count, default=50, metavar='N',
                        help='runs of each family and length (default: %(default)s)')
    parser.add_argument('--lengths', type=_lengths, default=list(LENGTHS), metavar='A,B,…',
                        help='planned epochs (default: %s)' % ','.join(map(str, LENGTHS)))
    parser.add_argument('--families', type=_families, default=list(FAMILIES), metavar='A,B,…',
                        help='default: all of %s' % ','.join(FAMILIES))
    parser.add_argument('--jobs', type=count, default=1, metavar='N',
                        help='families at a time (default: %(default)s)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
