"""How much a repair is worth: what it makes of the zoo's bad trainings, and of good ones.

Reads the tapes of :mod:`benchmarks.zoo`, gives the trainings to every arm that has not had them
yet, and prints what came of it.
"""

import argparse
import sys
import tempfile
from importlib.util import find_spec
from typing import Any, Dict, List, Optional

from ..zoo import run as zoo
from ..zoo import tables
from . import run
from .cases import SOUND_EVERY, Case, cases, chosen

ARMS = ('race3', 'race15', 'cause', 'upstream', 'adam', 'random', 'optuna')
QUICK_ARMS = ('race3', 'adam', 'random_few')
OF_GOOD = ('race3',)
"""The arms that good trainings are given to, to see what harm it does."""

QUICK_TABLES = ('iris', 'diabetes')
QUICK_RECIPES = ('adam', 'linear', 'rate_low_adam', 'dead_bias')


def _names(text: str) -> List[str]:
    return [name for name in text.split(',') if name]


def _numbers(text: str) -> List[int]:
    return [int(number) for number in _names(text)]


def _arguments(given: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.repair',
                                     description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--quick', action='store_true',
                        help='a smoke test: few trainings, taped by itself, thrown away afterwards')
    parser.add_argument('--arms', type=_names, metavar='A,B',
                        help='default: %s' % ','.join(ARMS))
    parser.add_argument('--tapes', type=_names, default=['results/zoo'], metavar='A,B',
                        help='folders with the tapes of benchmarks.zoo (default results/zoo); of '
                             'all of them the best well-set training of a table is the reference')
    parser.add_argument('--half', choices=('choose', 'report'),
                        help='the tables that parameters are chosen on, or the others')
    parser.add_argument('--seeds', type=_numbers, metavar='A,B', help='default: all taped ones')
    parser.add_argument('--tables', type=_names, metavar='A,B', help='default: all')
    parser.add_argument('--recipes', type=_names, metavar='A,B', help='default: all')
    parser.add_argument('--every', type=int, default=1, metavar='N',
                        help='only every N-th bad training of an order drawn once, and one sound '
                             'one of %d times N (default %%(default)s)' % SOUND_EVERY)
    parser.add_argument('--jobs', type=int, default=1, metavar='N',
                        help='trainings that are repaired at once (default %(default)s)')
    parser.add_argument('--out', default='results/repair', metavar='FOLDER',
                        help='where the records lie (default %(default)s)')
    parser.add_argument('--show', action='store_true',
                        help='repair nothing: print what the records in --out come to')
    parser.add_argument('--missed', action='store_true',
                        help='list the bad trainings that the first arm did not bring far enough')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON')
    arguments = parser.parse_args(given)
    arguments.arms = arguments.arms or list(QUICK_ARMS if arguments.quick else ARMS)
    if arguments.quick and arguments.tables is None:
        arguments.tables = list(QUICK_TABLES)
    unknown = sorted(set(arguments.arms) - {*ARMS, *QUICK_ARMS})
    if unknown:
        parser.error('--arms has %s; known are %s' % (', '.join(unknown), ', '.join(ARMS)))
    absent = sorted(set(arguments.tables or ()) - set(tables.TABLES))
    if absent:
        parser.error('--tables has %s; known are %s' % (', '.join(absent),
                                                        ', '.join(tables.TABLES)))
    if arguments.every < 1:
        parser.error('--every is %d; give 1 for every training, 2 for every other'
                     % arguments.every)
    if 'optuna' in arguments.arms and not arguments.show and find_spec('optuna') is None:
        parser.error('the arm optuna needs Optuna; pip install optuna, or name others with --arms')
    return arguments


def is_wanted(case: Case, arguments: argparse.Namespace) -> bool:
    """Whether the command line asks for a training."""
    return (arguments.half in (None, case.half)
            and all(asked is None or had in asked for asked, had in (
                (arguments.seeds, case.seed), (arguments.tables, case.table),
                (arguments.recipes, case.recipe))))


def _taped(folders: List[str], half: Optional[str], names: Optional[List[str]]) -> List[Case]:
    """The trainings of the tables that can be had here; what cannot is said and left out."""
    halves = {'choose': tables.CHOOSE, 'report': tables.REPORT}
    wanted = [name for name in halves.get(half or '', tables.TABLES)
              if names is None or name in names]
    absent = {name: tables.missing(name) for name in wanted}
    for why in filter(None, absent.values()):
        print('left out: %s' % why, file=sys.stderr)
    there = [name for name in wanted if not absent[name]]
    return cases(tape for folder in folders for tape in zoo.read(folder, there))


def works(found: List[Case], arms: List[str], folder: str) -> List[run.Work]:
    """Each case under each of the arms that it is given to, case by case."""
    return [run.Work(case, arm, folder) for case in found for arm in arms
            if case.group == 'bad' or arm in OF_GOOD]


def main(given: Optional[List[str]] = None) -> int:
    """Repair, print; returns the exit code."""
    arguments = _arguments(given)
    crashed: List[Any] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder, folders = arguments.out, arguments.tapes
        if arguments.quick:
            folder, folders = scratch + '/records', [scratch + '/tapes']
            crashed += zoo.run(zoo.jobs(arguments.tables, QUICK_RECIPES, [0]), folders[0],
                               arguments.jobs, taped=False)
        if not arguments.show:
            found = chosen([case for case in _taped(folders, arguments.half, arguments.tables)
                            if is_wanted(case, arguments)], arguments.every)
            crashed += run.run(works(found, arguments.arms, folder), folder, arguments.jobs)
        records = [record for record in run.read(folder, arguments.arms)
                   if is_wanted(record['case'], arguments)]
    _tell(records, arguments)
    return 1 if crashed else 0


def _tell(records: List[Dict[str, Any]], arguments: argparse.Namespace) -> None:
    from .report import missed, results, summary, text
    records.sort(key=lambda record: arguments.arms.index(record['arm']))
    found = results(records)
    told = summary(found)
    if arguments.json:
        from AutoTrainer import keras_bridge

        from .._common import finish
        stacks = {tuple(sorted(record['versions'].items())) for record in records}
        finish('repair', dict(told, repaired_with=[dict(stack) for stack in sorted(stacks)]),
               keras_bridge)
    else:
        print(text(told))
    if arguments.missed:
        print('\n'.join(missed(found, arguments.arms[0])),
              file=sys.stderr if arguments.json else sys.stdout)


if __name__ == '__main__':
    sys.exit(main())
