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
    ({'status': 'failed'}, 'no solution trained better'),
    ({'status': 'improved'}, 'improved by selu, but a problem is left'),
    ({'status': 'improved', 'issues_left': ['unstable']}, 'but a problem is left'),
    ({'status': 'improved', 'issues_left': []},
     'but a callback stopped it before it had converged'),
])
def test_every_status_is_told(fields, words):
    assert words in summary(result(**fields))


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
