"""Turn results of ``reproduce.py --all-cases --json`` into the table of ``docs/evidence/cases.md``.

Usage: ``python scripts/cases_table.py FILE...``, one file per seed, all of one stack.
"""

import json
import sys
from typing import Any, Dict, List, Sequence

sys.path.insert(0, '.')

from AutoTrainer.report.text import percent  # noqa: E402


def read(path: str) -> Dict[str, Any]:
    """The results in one file, by case."""
    with open(path, encoding='utf-8') as file:
        return dict(json.load(file)['cases'])


def rows(runs: Sequence[Dict[str, Any]]) -> List[str]:
    """One line of Markdown per case and seed."""
    lines = ['| case | seed | issue found | epoch | outcome | solution | before | after |',
             '|---|---|---|---|---|---|---|---|']
    for name in sorted(runs[0]):
        for run in runs:
            one = run[name]
            lines.append('| %s |' % ' | '.join((
                name, str(one['seed']), '`%s`' % one['initial_issue'],
                '%s of %d' % (one['detected_epoch'], one['total_epochs']), one['status'],
                '`%s`' % one['solution'] if one['solution'] else '–',
                percent(one['accuracy']['before']), percent(one['accuracy']['after']))))
    return lines


def stack(run: Dict[str, Any]) -> str:
    """What a run ran on, in words."""
    found = next(iter(run.values()))['versions']
    return 'Python %s, Keras %s on %s %s' % (found['python'], found['keras'], found['backend'],
                                             found[found['backend']])


if __name__ == '__main__':
    results = [read(path) for path in sys.argv[1:]]
    print('%s:\n' % stack(results[0]))
    print('\n'.join(rows(results)))
