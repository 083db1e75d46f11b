"""The live line of a fit of one's own."""

import math

import pytest

from AutoTrainer.judge.recovery import PutBack
from AutoTrainer.judge.session import Plan, Session
from AutoTrainer.report.observers import observers_of
from AutoTrainer.report.progress import standing
from AutoTrainer.settings import Watching


def session(planned=20, observers=(), **watching):
    return Session(Watching(**dict({'checktype': 'epoch_1'}, **watching)), Plan(planned, before=5),
                   observers=observers)


def train(watched, accuracies, end=True):
    for acc in accuracies:
        watched.epoch({'loss': 1.0 - acc, 'acc': acc})
    if end:
        watched.end()


def test_plain_lines_where_the_output_is_no_terminal(capsys):
    train(session(observers=observers_of(progress=True)),
          [0.3, 0.301, 0.302, 0.303] + [0.5 + 0.02 * i for i in range(16)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'epoch 6/25: loss 0.7, accuracy 0.300, nothing suspected'
    assert lines[1] == 'epoch 8/25: loss 0.698, accuracy 0.302, suspected: not_converge'
    assert lines[2] == 'epoch 10/25: loss 0.5, accuracy 0.500, nothing suspected'
    assert lines[-1].startswith('epoch 25/25: ') and len(lines) == 11  # one in two epochs


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr('sys.stderr.isatty', lambda: True, raising=False)
    train(session(observers=observers_of(progress=True)), [0.8] * 20)
    told = capsys.readouterr().err
    assert 'watch: 100%' in told and '20/20' in told and 'accuracy 0.800, nothing' in told
    assert told.count('\n') == 1


def test_another_training_begins_another_line(capsys):
    live = observers_of(progress=True)
    for _ in range(2):
        train(session(observers=live, planned=1), [0.8])
    assert capsys.readouterr().err.splitlines() == [
        'epoch 6/6: loss 0.2, accuracy 0.800, nothing suspected'] * 2


def test_a_verdict_and_what_was_put_back():
    watched = session(on_issue='restore')
    train(watched, [0.5, 0.6, math.nan], end=False)
    assert standing(watched) == 'loss nan, accuracy nan, verdict: explode'
    watched.restored(PutBack(7, (0.1, 0.01)))
    train(watched, [0.6], end=False)
    assert standing(watched) == 'loss 0.4, accuracy 0.600, nothing suspected (put back 1 time)'


@pytest.mark.parametrize('numbers, expected', [
    ((0.5, 0.9, ''), 'loss 0.2, skill 0.50 of 0.90, nothing suspected'),
    ((0.5, None, ''), 'loss 0.2, skill 0.50, nothing suspected'),
    ((None, None, ''), 'loss 0.2, accuracy 0.800, nothing suspected')])
def test_skill_where_it_was_measured(monkeypatch, numbers, expected):
    watched = session()
    train(watched, [0.8], end=False)
    monkeypatch.setattr(watched.monitor, 'in_numbers', lambda: numbers)
    assert standing(watched) == expected
