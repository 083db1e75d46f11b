"""Write the last tables of ``docs/evidence/upstream-differences.md``: by name, and by answer.

``python scripts/upstream_page.py``; a test holds the page to the tables in
``AutoTrainer/compare/``. With ``--print`` they go to standard output.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault('KERAS_BACKEND', 'jax')

from AutoTrainer.compare.facts import Known  # noqa: E402
from AutoTrainer.compare.groups import GROUPS  # noqa: E402
from AutoTrainer.compare.known import NAMES  # noqa: E402

PAGE = ROOT / 'docs' / 'evidence' / 'upstream-differences.md'

HEAD = """## Names that are gone, renamed or otherwise

Made by `python scripts/upstream_page.py` from `AutoTrainer/compare/known.py`, as the table below it
from `AutoTrainer/compare/groups.py`. *otherwise* is a function of the same name that takes or gives
something else. The last column names the row above that says more.

| what | upstream's names | where | becomes | why | what to use | row |
|---|---|---|---|---|---|---|
"""

ANSWERS = """
## Answers that differ

What `autotrainer compare --run` finds, by the function that is asked.

| asked | why the answers differ | row |
|---|---|---|
"""


def line(known: Known) -> str:
    """One row of the table of names."""
    where = '' if known.where in ('', '*') else '`%s`' % known.where.replace('AutoTrainer/', '')
    values = ' or '.join('`%s`' % value for value in known.upstream) \
        if known.what == 'changed' and len(known.upstream) < 3 else ''
    becomes = {'gone': 'gone', 'renamed': known.here and '`%s`' % known.here,
               'otherwise': 'otherwise',
               'changed': '%s→ `%s`' % (values and values + ' ', known.here) if known.here
               else 'otherwise'}[known.what]
    return '| %s | %s | %s | %s | %s | %s | %s |' % (
        known.kind, ', '.join('`%s`' % name for name in known.names), where, becomes, known.why,
        known.use or '–', known.row or '–')


def made() -> str:
    """The last part of the page."""
    lines: List[str] = [line(known) for known in NAMES]
    answers = ['| %s | %s | %s |' % (', '.join('`%s`' % name for name in group.questions),
                                     group.why, group.row or '–') for group in GROUPS]
    return HEAD + '\n'.join(lines) + '\n' + ANSWERS + '\n'.join(answers) + '\n'


def page() -> str:
    """The page, with its last part made anew."""
    text = PAGE.read_text(encoding='utf-8')
    written, _, _ = text.partition(HEAD.splitlines()[0])
    return written.rstrip('\n') + '\n\n' + made()


def main() -> None:
    """Write the page, or print its last part."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--print', action='store_true', help='to standard output')
    if parser.parse_args().print:
        print(made())
    else:
        PAGE.write_text(page(), encoding='utf-8')


if __name__ == '__main__':
    main()
