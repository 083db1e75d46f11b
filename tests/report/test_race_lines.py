"""A race in words: the lines of a summary, of a candidate, of the change to make."""

import pytest

from AutoTrainer.report.race import MOST_TOLD, candidate_line, change_lines, race_lines


def entry(number, **told):
    usual = {'number': number, 'name': 'head+step', 'why': 'likely',
             'words': ['head a → b', 'Adam'],
             'epochs': 4, 'planned': 20, 'rung': 0.2, 'skill': 0.456, 'best_epoch': 3,
             'ended': 'worse half', 'seconds': 1.0}
    return dict(usual, **told)


def result(candidates, winner=None, **told):
    race = {'goal': 0.8, 'winner': winner, 'rows': {}, 'of_all': [], 'code': '', 'left_out': [],
            'candidates': candidates}
    return {'price': 1.239, 'race': dict(race, **told)}


@pytest.mark.parametrize('told, won, expected', [
    ({}, False, '3 head+step: head a → b; Adam; 4 of 20 epochs, skill 0.46 (worse half)'),
    ({'ended': 'planned', 'epochs': 20}, True,
     'won: 3 head+step: head a → b; Adam; 20 of 20 epochs, skill 0.46 (planned)'),
    ({'skill': None, 'ended': 'broke down'}, False,
     '3 head+step: head a → b; Adam; 4 of 20 epochs (broke down)'),
    ({'skill': 0.0, 'words': ['Adam']}, False,
     '3 head+step: Adam; 4 of 20 epochs, skill 0.00 (worse half)'),
    ({'skill': -1.5}, False,
     '3 head+step: head a → b; Adam; 4 of 20 epochs, skill -1.50 (worse half)')])
def test_a_candidate(told, won, expected):
    assert candidate_line(entry(3, **told), won) == expected


@pytest.mark.parametrize('told', [{}, {'race': None}, {'price': 1.0}])
def test_without_a_race_nothing_is_said(told):
    assert race_lines(told) == [] and change_lines(told) == []


@pytest.mark.parametrize('candidates, first', [
    ([], 'Raced     0 candidates for 1.24 planned trainings together, the stopped one included'),
    ([entry(1)], 'Raced     1 candidate for 1.24 planned trainings together, the stopped one '
                 'included'),
    ([entry(1), entry(2), entry(3, epochs=0)],  # who has not begun is not counted
     'Raced     2 candidates for 1.24 planned trainings together, the stopped one included')])
def test_how_many_ran_for_what(candidates, first):
    lines = race_lines(result(candidates))
    assert lines[0] == first
    assert len(lines) == 1 + sum(one['epochs'] > 0 for one in candidates)


def test_the_winner_is_told_first():
    lines = race_lines(result([entry(1), entry(2), entry(3, ended='planned')], winner=3))
    assert [line.strip()[:6] for line in lines[1:]] == ['won: 3', '1 head', '2 head']
    assert not any('won' in line for line in race_lines(result([entry(1)])))


def test_of_many_the_rest_is_counted():
    lines = race_lines(result([entry(number) for number in range(1, MOST_TOLD + 4)],
                              winner=MOST_TOLD + 3))
    assert len(lines) == 1 + MOST_TOLD + 1
    assert 'won: %d ' % (MOST_TOLD + 3) in lines[1] and lines[-1].strip() == 'and 3 more'
    assert lines[MOST_TOLD].strip().startswith('%d ' % (MOST_TOLD - 1))
    assert len(race_lines(result([entry(number) for number in range(MOST_TOLD)]))) == 1 + MOST_TOLD


def test_what_all_have_and_what_was_left_out():
    lines = race_lines(result([entry(1)], of_all=['rows divided anew', 'labels 1 and 2 → 0 and 1'],
                              left_out=['bn', 'wider']))
    assert lines[1:3] == ['          in all of them: rows divided anew',
                          '          in all of them: labels 1 and 2 → 0 and 1']
    assert lines[-1] == '          left out for this model or these limits: bn, wider'


def test_a_race_in_vain():
    lines = race_lines(result([entry(1)], stopped='all 4 candidates failed'))
    assert lines[-1] == '          ended there: all 4 candidates failed'


def test_the_change_to_make():
    lines = change_lines(result([], code="a = 1\n\nif a:\n    b = 2"))
    assert lines == ['Change    to make in your own program:', '    a = 1', '    ', '    if a:',
                     '        b = 2']
    assert change_lines(result([], code='')) == []
