"""The line that a race shows while it runs."""

from types import SimpleNamespace

import pytest

from AutoTrainer.judge.skill import Skill
from AutoTrainer.report.progress import progress_line
from AutoTrainer.solutions.race import Entrant, Leg, Look, Racer, Standings


def standings(running, price, skill=None):
    looks = () if skill is None else (Look(1, skill, 0.1),)
    racer = Racer(Entrant(2, 'head+step', ('Adam',), 'likely', None), Leg(1, looks))
    return Standings(running, racer, price)


def ground(yardstick=None):
    return SimpleNamespace(yardstick=None if yardstick is None else Skill(yardstick, 0.1))


@pytest.mark.parametrize('stands, yardstick, expected', [
    (standings(3, 0.256, 0.712), 0.9,
     ['racing=3', 'price=0.26', 'best=0.71', 'by=head+step', 'yardstick=0.90']),
    (standings(1, 2.0, -0.5), None, ['racing=1', 'price=2.00', 'best=-0.50', 'by=head+step']),
    (standings(2, 1.5), 0.9, ['racing=2', 'price=1.50', 'yardstick=0.90']),
    (Standings(0, None, 1.0), None, ['racing=0', 'price=1.00'])])
def test_how_a_race_stands(stands, yardstick, expected, capsys):
    with progress_line() as shown:
        shown.race(stands, ground(yardstick))
    last = capsys.readouterr().err.replace('\r', '\n').split('\n')[-2]
    assert last.startswith('race: 1leg')
    assert all(part in last for part in expected)
    assert ('best=' in last) is any(part.startswith('best=') for part in expected)
    assert ('yardstick=' in last) is (yardstick is not None)


def test_one_line_for_one_race(capsys):
    one, other = ground(), ground()
    with progress_line() as shown:
        for number, of in enumerate([one, one, one, other]):
            shown.race(standings(3, number, 0.5), of)
    told = capsys.readouterr().err
    assert told.count('\n') == 2
    assert 'race: 3leg' in told.split('\n')[0] and 'race: 1leg' in told.split('\n')[1]
