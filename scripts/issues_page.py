"""Write ``docs/guide/issues.md`` from the tables in the code: ``python scripts/issues_page.py``.

A test holds the page to the tables. With ``--print`` it goes to standard output.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault('KERAS_BACKEND', 'jax')

from AutoTrainer.judge.issues import ISSUES, Issue  # noqa: E402
from AutoTrainer.judge.schedule import SCHEDULES  # noqa: E402
from AutoTrainer.solutions.entrants import MENDS, ORDER  # noqa: E402
from AutoTrainer.utils.monitor import DEFAULT_PARAMS, thresholds  # noqa: E402
from AutoTrainer.utils.repair import SOLUTIONS, STRATEGIES, read_strategy  # noqa: E402

PAGE = ROOT / 'docs' / 'guide' / 'issues.md'

HEAD = """# The issues, and what mends them

Made by `python scripts/issues_page.py` from the tables in the code
(`AutoTrainer/judge/issues.py`, `AutoTrainer/utils/monitor.py`, `AutoTrainer/solutions/`); a test
holds it to them.

Θ, β, γ and the other thresholds are those of the AUTOTRAINER paper (ICSE 2021, Table I) and of its
later revision; each can be set by name in `params`. G1 and Gn are the gradients of the first and
the last kernel on one batch, before any clipping. The *judgment point* is 0.3 of the planned epochs
and never before the third epoch. *Accuracy* is the larger of training and validation accuracy;
where there is none, the share of the best constant prediction's loss that is gone stands in for it.

Where a run has not converged, one of `relu`, `explode`, `vanish`, `not_converge` is diagnosed: the
first of them, in this order, whose rule holds.

*Tried, in this order* is what the strategies with upstream's names do, one training after another;
*raced* is what a race enters ([repair.md](repair.md)): each entry is one candidate, and its
solutions are applied together.
"""


def judged(issue: Issue, by_itself: str) -> str:
    """When the issue is looked for."""
    always = "under `rules='skill'`" if issue.by_skill else 'always'
    if issue.told:
        always = "told at the end under `rules='skill'`"
    return always if not issue.optional else '%swith `optional_issues=[%r]`%s' % (
        always + '; a reason to stop ' if issue.told else '', issue.name, by_itself)


def section(issue: Issue) -> List[str]:
    """The lines on one issue."""
    rule = issue.rule.format(**{name: '%g' % value for name, value in thresholds().items()})
    by_itself = ''.join(', and by itself under `checktype=%r`' % name
                        for name, schedule in SCHEDULES.items()
                        if issue.name in schedule.optional_issues)
    lines = ['## `%s`: %s' % (issue.name, issue.words), '',
             '%s.' % (issue.meaning[0].upper() + issue.meaning[1:]), '',
             '| | |', '|---|---|',
             '| rule | %s |' % rule.replace('|', '\\|'),
             '| how it looks | %s |' % issue.looks,
             '| priority | %d (the highest is repaired first) |' % issue.priority,
             '| judged | %s |' % judged(issue, by_itself),
             '| what to change | %s |' % issue.advice,
             '| tried, in this order | %s |' % (tried(issue.name, 'balance') or 'nothing')]
    for strategy in STRATEGIES:
        if STRATEGIES[strategy][issue.name] != STRATEGIES['balance'][issue.name]:
            lines.append('| under `%s` | %s |' % (strategy, tried(issue.name, strategy)))
    lines.append('| raced | %s |' % (', '.join('`%s`' % cure for cure in issue.cures)
                                     or 'nothing'))
    return lines + ['']


def mended() -> List[str]:
    """The lines on what a race does about the findings of a check."""
    named: Dict[str, List[str]] = {}
    for finding, solutions in MENDS.items():
        named.setdefault(solutions, []).append('`%s`' % finding)
    return ['## What a race mends of a finding', '',
            'Every candidate of a race also has what mends the findings of `check`'
            ' ([check.md](check.md)), mere',
            'notes apart; of a finding that is not listed nothing in particular is mended.', '',
            '| solutions | findings |', '|---|---|',
            *['| `%s` | %s |' % (solutions, ', '.join(findings))
              for solutions, findings in named.items()], '',
            'Together they are applied in this order: %s.' % ', '.join(
                '`%s`' % name for name in ORDER), '']


def tried(issue: str, strategy: str) -> str:
    """The solutions of an issue in order, with their tries."""
    entries = [read_strategy(entry) for entry in STRATEGIES[strategy][issue]]
    return ', '.join('`%s`%s' % (name, '' if tries == 1 else ' (%d tries)' % tries)
                     for name, tries in entries)


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for issue in ISSUES.values():
        lines += section(issue)
    lines += mended()
    lines += ['## What each solution does', '',
              'The number is how much it changes the model (`modification_sufferance`): 0 only how',
              'it is trained, 1 starting weights, what acts in training only, or its ends, 2 its',
              'hidden activations, 3 adds layers with weights.', '',
              '| solution | changes | what it does |', '|---|---|---|']
    lines += ['| `%s` | %d%s | %s |' % (name, solution.sufferance,
                                        ', needs memory' if solution.memory else '', solution.words)
              for name, solution in sorted(SOLUTIONS.items(), key=lambda item: item[0].lower())]
    lines += ['', '## Thresholds', '', '| name in `params` | default |', '|---|---|']
    lines += ['| `%s` | %g |' % entry for entry in DEFAULT_PARAMS.items()]
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--print', action='store_true', help='to standard output')
    if parser.parse_args().print:
        print(page(), end='')
    else:
        PAGE.write_text(page(), encoding='utf-8')
