"""docs/evidence/upstream-differences.md against the tests that it names, and these against it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ('Interface and import', 'Verdicts', 'What it cannot watch', 'Repair')
"""Headings of the tables of upstream's faults."""
DECISIONS = 'Other differences, each a decision'


def tables():
    """Rows of every table by the heading above it, as lists of cells."""
    found, heading = {}, ''
    text = (ROOT / 'docs' / 'evidence' / 'upstream-differences.md').read_text(encoding='utf-8')
    for line in text.splitlines():
        if line.startswith('#'):
            heading = line.strip('# ')
        elif line.startswith('|') and not set(line) <= set('|-'):
            found.setdefault(heading, []).append([cell.strip() for cell in line[1:-1].split('|')])
    return {heading: rows[1:] for heading, rows in found.items()}


def faults():
    """Rows of upstream's faults: name, upstream, why, here, test file."""
    return [[row[0].strip('`')] + row[1:4] + [row[4].strip('`')]
            for section in SECTIONS for row in tables()[section]]


def fault_tests():
    """(fault, file) of every test that is named after one."""
    return sorted((name, path.relative_to(ROOT).as_posix())
                  for path in ROOT.glob('tests/**/test_*.py')
                  for name in re.findall(r'^def test_upstream_fault_(\w+)\(',
                                         path.read_text(encoding='utf-8'), re.MULTILINE))


def test_every_fault_has_one_test_and_every_test_its_row():
    assert sorted((row[0], row[4]) for row in faults()) == fault_tests()
    assert len({name for name, _ in fault_tests()}) == len(faults()) == 79


def test_every_row_is_filled_in():
    for row in faults() + tables()[DECISIONS]:
        assert len(row) == 5 and row[1] and row[3], row
        path, _, name = row[4].strip('`').partition('::')
        assert (ROOT / path).is_file(), row
        if name:
            assert re.search(r'^def %s\(' % name, (ROOT / path).read_text(encoding='utf-8'),
                             re.MULTILINE), 'there is no %s' % row[4]


def test_every_decision_names_its_test():
    """Not only a file: a test of that name, so that the row cannot outlive it."""
    without = [row[0] for row in tables()[DECISIONS] if '::' not in row[4]]
    assert not without


def test_the_faults_are_those_that_were_proven(shared):
    path = shared / 'UPSTREAM_FAULTS.md'
    if not path.is_file():
        pytest.skip('no UPSTREAM_FAULTS.md in ../shared')
    proven = re.findall(r'^- `(\w+)`: ', path.read_text(encoding='utf-8'), re.MULTILINE)
    assert [row[0] for row in faults()] == proven
