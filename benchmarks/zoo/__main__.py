"""How often AutoTrainer's verdicts are right, on many small trainings, well set and spoilt.

Trains what is not taped yet, then plays the tapes to all judges and prints how often each is right.
"""

import argparse
import logging
import sys
import tempfile
from typing import Any, Dict, List, Optional

from . import run, tables
from .peers import JUDGES, live
from .report import cases, summary, text, wrong
from .trainings import RECIPES

QUICK_TABLES = ('iris', 'share_90', 'friedman')
QUICK_RECIPES = ('adam', 'linear', 'rate_low_adam', 'dead_bias', 'raw_sgd', 'loss_of_numbers')


def _names(text: str) -> List[str]:
    return [name for name in text.split(',') if name]


def _numbers(text: str) -> List[int]:
    return [int(number) for number in _names(text)]


def _arguments(given: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.zoo',
                                     description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--quick', action='store_true',
                        help='a smoke test: few trainings, thrown away afterwards')
    parser.add_argument('--jobs', type=int, default=1, metavar='N',
                        help='processes that train (default %(default)s)')
    parser.add_argument('--seeds', type=_numbers, metavar='A,B', help='default 0,1')
    parser.add_argument('--tables', type=_names, metavar='A,B', help='default: all')
    parser.add_argument('--recipes', type=_names, metavar='A,B',
                        help='default: 8 well set and 16 spoilt ones, drawn for each table and '
                             'seed; "all" for all')
    parser.add_argument('--half', choices=('choose', 'report'),
                        help='the tables that parameters are chosen on, or the others')
    parser.add_argument('--out', default='results/zoo', metavar='FOLDER',
                        help='where the tapes lie (default %(default)s)')
    parser.add_argument('--anew', action='store_true', help='train also what has been taped')
    parser.add_argument('--replay', action='store_true', help='train nothing')
    parser.add_argument('--live', action='store_true',
                        help='no tapes: note and judge what Watch says with its default settings')
    parser.add_argument('--wrong', action='store_true',
                        help='list the trainings of which the verdict is wrong')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON')
    arguments = parser.parse_args(given)
    if arguments.recipes == ['all']:
        arguments.recipes = list(RECIPES)
    for name, known in (('tables', tables.TABLES), ('recipes', RECIPES)):
        unknown = sorted(set(getattr(arguments, name) or ()) - set(known))
        if unknown:
            parser.error('--%s has %s; known are %s' % (name, ', '.join(unknown),
                                                        ', '.join(known)))
    return arguments


def _wanted(arguments: argparse.Namespace) -> Dict[str, Any]:
    """Tables, recipes and seeds; what cannot be had here is said and left out."""
    half = {'choose': tables.CHOOSE, 'report': tables.REPORT}.get(arguments.half, tables.TABLES)
    names = arguments.tables or (QUICK_TABLES if arguments.quick else half)
    absent = {name: tables.missing(name) for name in names}
    if not arguments.replay:
        for why in filter(None, absent.values()):
            print('left out: %s' % why, file=sys.stderr)
    return dict(
        names=[name for name in names if name in half and (arguments.replay or not absent[name])],
        recipes=arguments.recipes or (QUICK_RECIPES if arguments.quick else None),
        seeds=arguments.seeds or ([0] if arguments.quick else [0, 1]))


def main(given: Optional[List[str]] = None) -> int:
    """Train, replay, print; returns the exit code."""
    arguments = _arguments(given)
    wanted = _wanted(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = scratch if arguments.quick else arguments.out
        failed: List[run.Job] = []
        if not arguments.replay:
            failed = run.run(run.jobs(**wanted), folder, arguments.jobs, arguments.anew,
                             not arguments.live)
        tapes = run.read(folder, wanted['names'])
    judges = {'live': live} if arguments.live else JUDGES
    logging.disable(logging.WARNING)  # every judge's word is in the report
    try:
        every = cases(tapes, judges)
    finally:
        logging.disable(logging.NOTSET)
    found = [case for case in every
             if case.tape['recipe'] in (wanted['recipes'] or RECIPES)
             and case.tape['seed'] in wanted['seeds']]
    parts = {half: [case for case in found if case.tape['half'] == half]
             for half in ('choose', 'report')}
    summaries = {half: summary(part, list(judges)) for half, part in parts.items() if part}
    if arguments.json:
        _print_json(summaries, tapes)
    else:
        print(text(summaries, list(judges)))
    if arguments.wrong:
        print('\n'.join(wrong(found, next(iter(judges)))),
              file=sys.stderr if arguments.json else sys.stdout)
    return 1 if failed else 0


def _print_json(summaries: Dict[str, Any], tapes: List[Dict[str, Any]]) -> None:
    from AutoTrainer import keras_bridge

    from .._common import finish
    stacks = {tuple(sorted(tape['versions'].items())) for tape in tapes}
    finish('zoo', dict(summaries, taped_with=[dict(stack) for stack in sorted(stacks)]),
           keras_bridge)


if __name__ == '__main__':
    sys.exit(main())
