"""docs/guide/repair.md, held to the code: its numbers, its statuses, its names."""

import importlib
import re
from fractions import Fraction
from pathlib import Path

import pytest

from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.solutions import race
from AutoTrainer.utils.repair import SOLUTIONS

TEXT = (Path(__file__).resolve().parent.parent / 'docs' / 'guide' / 'repair.md').read_text(
    encoding='utf-8')
NUMBERS = re.findall(r'^\| `([\w/]+)\.py` `([\w.]+)` \| ([^|]+) \|', TEXT, re.MULTILINE)


@pytest.mark.parametrize('module, name, told', NUMBERS)
def test_every_number_is_that_of_the_code(module, name, told):
    found = importlib.import_module('AutoTrainer.' + module.replace('/', '.'))
    for part in name.split('.'):
        found = getattr(found, part)
    known = found if isinstance(found, tuple) else (found,)
    assert [float(Fraction(number)) for number in told.split(', ')] == [*map(float, known)]


def test_the_table_of_numbers_is_read():
    assert ('judge/exam', 'SHARE') in [entry[:2] for entry in NUMBERS] and len(NUMBERS) > 8


def test_every_end_of_a_candidate_is_told():
    ends = [race.RAN, race.SATISFIED, race.HALVED, race.BROKE, race.NOT_FINITE, race.STALLED_OUT,
            race.SPENT, race.OUTRUN, race.BEYOND_HOPE]
    assert not [end for end in ends if '`%s`' % end not in TEXT]


def test_every_cure_is_made_of_solutions():
    cures = {name for issue in ISSUES.values() for cure in issue.cures for name in cure.split('+')}
    assert cures and cures <= set(SOLUTIONS)
