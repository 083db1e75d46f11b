import pytest

from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.record.reader import STATUSES
from AutoTrainer.report.text import attempt_line, cases_table, percent, summary

ATTEMPT = {'repairs': 'vanish', 'solution': 'selu', 'try': 1, 'description': 'sigmoid → selu',
           'status': 'solved', 'issue': None, 'val_accuracy': 0.86, 'epochs': 300}


def result(**fields):
    return dict({
        'status': 'repaired', 'initial_issue': 'vanish', 'detected_epoch': 90, 'total_epochs': 300,
        'reason': 'vanish: ‖G1‖/‖Gn‖ = 6e-4', 'checks': 31, 'solution': 'selu',
        'attempts': [ATTEMPT], 'accuracy': {'before': 0.5, 'after': 0.86},
        'model_path': '/runs/one/model.keras'}, **fields)


@pytest.mark.parametrize('issue', sorted(ISSUES))
def test_every_issue_is_told_in_words(issue):
    told = summary(result(initial_issue=issue, attempts=[dict(ATTEMPT, issue=issue)]))
    assert ISSUES[issue].meaning in told and told.count(ISSUES[issue].words) == 2


def test_summary_tells_what_why_tried_outcome_where():
    lines = summary(result()).splitlines()
    assert [line.split()[0] for line in lines] == [
        'Problem', 'Meaning', 'Why', 'Tried', 'Outcome', 'Results']
    assert 'vanishing gradient (vanish), found at epoch 90 of 300' in lines[0]
    assert '‖G1‖/‖Gn‖ = 6e-4' in lines[2]
    assert lines[4].endswith('repaired by selu, accuracy 50.0 % → 86.0 %')
    assert lines[5].endswith('/runs/one')
    assert summary(result(), 'elsewhere').endswith('elsewhere')


@pytest.mark.parametrize('fields, words', [
    ({'status': 'normal', 'initial_issue': None, 'reason': ''},
     'The training is normal: 300 epochs'),
    ({'status': 'normal', 'initial_issue': None, 'reason': 'sound: nothing was found in 300'},
     'The training is normal: 300 epochs'),
    ({'status': 'normal', 'initial_issue': None, 'reason': 'not judged: 2 epochs'},
     'No issue was found, which proves little: not judged: 2 epochs. Accuracy 86.0 %.'),
    ({'status': 'detected', 'attempts': []}, 'not repaired, as asked for; accuracy 50.0 %'),
    ({'status': 'failed', 'solution': None}, 'no solution trained better'),
    ({'status': 'failed', 'solution': 'step'},
     'nothing surely trained better; the best that was seen is handed back, step: accuracy 50.0 %'),
    ({'status': 'improved'}, 'improved by selu, but a problem is left'),
    ({'status': 'improved', 'issues_left': ['unstable']}, 'but a problem is left'),
    ({'status': 'improved', 'issues_left': []},
     'but a callback stopped it before it had converged'),
])
def test_every_status_is_told(fields, words):
    assert words in summary(result(**fields))


def skill(before, after, form='accuracy'):
    return {'before': before, 'after': after, 'form': form}


@pytest.mark.parametrize('fields, line', [
    ({'skill': skill(-0.1, 0.71)}, 'Skill     -0.10 → 0.71 (accuracy; 0 is the best constant'),
    ({'skill': skill(0.2, 0.71, 'squared error'), 'yardstick': 0.86},
     'Skill     0.20 → 0.71 (squared error; 0 is the best constant answer, 1 all that can be '
     'known), a classical learner gets 0.86'),
    ({'skill': skill(None, 0.71)}, 'Skill     0.71 (accuracy'),
    # of a training that nobody repaired before and after are the same
    ({'skill': skill(0.7, 0.7), 'status': 'normal', 'initial_issue': None},
     'Skill     0.70 (accuracy'),
    ({'skill': skill(0.2, 0.2), 'status': 'detected'}, 'Skill     0.20 (accuracy'),
])
def test_skill_is_told_before_and_after(fields, line):
    told = summary(result(**fields)).splitlines()
    assert told[-2].startswith(line) and told[-1].startswith('Results')


@pytest.mark.parametrize('fields', [{}, {'skill': skill(None, None)}, {'skill': None}])
def test_folders_without_skill_are_told_without(fields):
    assert 'Skill' not in summary(result(**fields)) and 'Beware' not in summary(result(**fields))


@pytest.mark.parametrize('before, after, status, words', [
    (-0.1, 0.0, 'repaired', 'the model knows no more than the best constant answer'),
    (-0.1, -0.05, 'repaired', 'the model knows no more than the best constant answer'),
    (0.71, -0.12, 'repaired', 'the model knows no more than the best constant answer'),
    (0.71, 0.5, 'repaired', 'the model knows less than before'),
    (None, 0.0, 'repaired', 'the model knows no more than the best constant answer'),
    (0.1, 0.8, 'repaired', None), (None, 0.1, 'repaired', None),
    (0.71, 0.0, 'failed', None), (0.71, 0.0, 'detected', None),
])
def test_a_repair_that_is_none_says_so_in_a_line_of_its_own(before, after, status, words):
    told = summary(result(skill=skill(before, after), status=status)).splitlines()
    warned = [line for line in told if line.startswith('Beware')]
    assert len(warned) == (words is not None) and (not words or words in warned[0])


@pytest.mark.parametrize('status', sorted(set(STATUSES) - {'normal', 'interrupted'}))
def test_every_status_that_a_reader_knows_has_words(status):
    assert 'Outcome   ' in summary(result(status=status))


@pytest.mark.parametrize('fields, line', [
    ({}, 'selu: sigmoid → selu → solved, accuracy 86.0 % after 300 epochs'),
    ({'status': 'potential', 'issue': 'unstable'},
     'selu: sigmoid → selu → potential, oscillating loss, accuracy 86.0 % after 300 epochs'),
    ({'status': 'potential'}, 'selu: sigmoid → selu → potential, stopped by a callback before it '
     'had converged, accuracy 86.0 % after 300 epochs'),
    ({'status': 'skipped'}, 'selu: sigmoid → selu → skipped'),
    ({'status': 'error', 'traceback': 'Traceback\n  …\nValueError: no\n'},
     'selu: sigmoid → selu → broke down (ValueError: no)'),
])
def test_attempts(fields, line):
    assert attempt_line(dict(ATTEMPT, **fields)) == line


def test_percent_and_table():
    assert (percent(None), percent(0.1234)) == ('–', '12.3 %')
    lines = cases_table({'A': result(), 'Long_Case': result(initial_issue=None)}).splitlines()
    assert lines[0].split() == ['case', 'issue', 'epoch', 'status', 'solution', 'before', 'after']
    assert lines[0].index('issue') == lines[2].index('–')
