"""How often AutoTrainer's verdicts are right, on many small trainings, well set and spoilt."""

import argparse
import json
import sys
from typing import Any, List, Optional

from . import run, tables
from .trainings import RECIPES

QUICK_TABLES = ('iris', 'share_90', 'friedman', 'wine')
QUICK_RECIPES = ('adam', 'linear', 'rate_low_adam', 'dead_bias', 'raw_sgd', 'loss_of_numbers')


def _names(text: str) -> List[str]:
    return [name for name in text.split(',') if name]


def _arguments(given: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.zoo', description=__doc__)
    parser.add_argument('--quick', action='store_true', help='a smoke test: few trainings')
    parser.add_argument('--jobs', type=int, default=1, metavar='N',
                        help='processes that train (default %(default)s)')
    parser.add_argument('--seeds', type=lambda text: [int(s) for s in _names(text)],
                        metavar='A,B', help='default 0,1')
    parser.add_argument('--tables', type=_names, metavar='A,B', help='default: all')
    parser.add_argument('--recipes', type=_names, metavar='A,B', help='default: all')
    parser.add_argument('--half', choices=('choose', 'report'),
                        help='the tables that parameters are chosen on, or the others')
    parser.add_argument('--out', default='results/zoo', metavar='FOLDER',
                        help='where the tapes lie (default %(default)s)')
    parser.add_argument('--anew', action='store_true', help='train also what has been taped')
    parser.add_argument('--live', action='store_true',
                        help='tape nothing but the verdict of Watch with its default settings')
    arguments = parser.parse_args(given)
    for name, known in (('tables', tables.TABLES), ('recipes', RECIPES)):
        unknown = sorted(set(getattr(arguments, name) or ()) - set(known))
        if unknown:
            parser.error('--%s has %s; known are %s' % (name, ', '.join(unknown),
                                                        ', '.join(known)))
    return arguments


def main(given: Optional[List[str]] = None) -> int:
    """Train what is not taped yet."""
    arguments = _arguments(given)
    half = {'choose': tables.CHOOSE, 'report': tables.REPORT, None: tables.TABLES}[arguments.half]
    names: Any = arguments.tables or (QUICK_TABLES if arguments.quick else half)
    absent = [why for why in map(tables.missing, names) if why]
    for why in absent:
        print('left out: %s' % why, file=sys.stderr)
    names = [name for name in names if name in half and not tables.missing(name)]
    recipes = arguments.recipes or list(QUICK_RECIPES if arguments.quick else RECIPES)
    seeds = arguments.seeds or ([0] if arguments.quick else [0, 1])
    failed = run.run(run.jobs(names, recipes, seeds), arguments.out, arguments.jobs,
                     arguments.anew, not arguments.live)
    json.dump({'failed': failed}, sys.stdout)
    print()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
