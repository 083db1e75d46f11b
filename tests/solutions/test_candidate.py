"""The records of trainings and attempts, and how they come back from JSON."""

import json

import pytest

from AutoTrainer.record.folder import plain
from AutoTrainer.solutions.candidate import TrainingRecord

WHOLE = TrainingRecord(
    issues=('vanish', 'unstable'), reasons={'vanish': 'too small; far', 'unstable': 'jumps'},
    epoch=12, epochs=12, val_accuracy=0.25, score=0.25, checks=3, probes=2, train_seconds=1.5,
    check_seconds=0.5, ended='verdict', converged=False)
BROKEN = WHOLE._replace(val_accuracy=None, score=float('-inf'))
SOUND = TrainingRecord((), {}, None, 20, 0.9, 0.9, 5, 5, 2, 1)


def written(record):
    return json.loads(json.dumps(plain(record.to_json())))


@pytest.mark.parametrize('record', [WHOLE, BROKEN, SOUND])
def test_a_record_comes_back_as_it_was(record):
    assert TrainingRecord.from_json(written(record)) == record


def test_the_first_versions_of_a_record_are_read():
    """Without ``reasons``, ``ended`` and ``converged``; the text of the reasons stays the same."""
    told = written(WHOLE)
    for name in ('reasons', 'ended', 'converged'):
        del told[name]
    again = TrainingRecord.from_json(told)
    assert again.reason == WHOLE.reason == 'vanish: too small; far; unstable: jumps'
    assert (again.ended, again.converged) == ('planned', True)
    assert again._replace(reasons=WHOLE.reasons, ended='verdict', converged=False) == WHOLE
    del told['issues']
    with pytest.raises(KeyError):
        TrainingRecord.from_json(told)


@pytest.mark.parametrize('name, value', [
    ('issues', 'vanish'), ('issues', ['vanishing']), ('reasons', {'relu': 'dead'}),
    ('reasons', 'vanish: too small'), ('reason', None), ('epoch', '12'), ('epochs', None),
    ('score', 'high'), ('ended', 'somehow'), ('ended', None), ('converged', 1),
    ('issues', [['vanish']])])
def test_a_damaged_record_is_refused(name, value):
    with pytest.raises((ValueError, TypeError)):
        TrainingRecord.from_json(dict(written(WHOLE), **{name: value}))


@pytest.mark.parametrize('told', [None, 3, [], 'record', {}])
def test_what_is_no_record_is_refused(told):
    with pytest.raises((KeyError, TypeError)):
        TrainingRecord.from_json(told)
