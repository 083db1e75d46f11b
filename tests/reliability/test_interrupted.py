"""Runs that are interrupted, at random moments and at chosen ones, can be gone on with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import killed_repair
import pytest

from AutoTrainer import interrupts
from AutoTrainer.record import reader
from AutoTrainer.utils import repair

SCRIPT = Path(__file__).with_name('interrupts.py')
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.once
def test_one_of_each_signal():
    """Exit codes 130 and 143, one line, no traceback, and what is left can be gone on with.

    interrupts.py itself sends as many as it is told.
    """
    done = subprocess.run([sys.executable, str(SCRIPT), '--signals', '1', '--seed', '2'],
                          capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')[-6000:]
    told = json.loads(done.stdout.decode('utf-8').splitlines()[-1])
    assert told['trials'] == {'INT': 1, 'TERM': 1}


@pytest.mark.slow
@pytest.mark.parametrize('number', SIGNALS)
def test_a_program_of_ones_own_is_served(tmp_path, number):
    """model_train alone: it ends after the epoch, whose checkpoint is written, and goes on."""
    handlers, seen = [signal.getsignal(number) for number in SIGNALS], []

    def on_epoch(watch):
        seen.append(len(watch.history['loss']))
        if seen == [1, 2, 3]:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt) as caught:
        killed_repair.train(str(tmp_path), on_epoch=on_epoch, autorepair=False)
    assert isinstance(caught.value, interrupts.Terminated) == (number == signal.SIGTERM)
    assert handlers == [signal.getsignal(number) for number in SIGNALS]
    assert seen == [1, 2, 3]
    assert reader.read_json(str(tmp_path / 'result.json'))['status'] == 'interrupted'
    assert '‖ Interrupted' in (tmp_path / 'report.html').read_text(encoding='utf-8')
    killed_repair.train(str(tmp_path), on_epoch=on_epoch, autorepair=False)
    assert seen[3] == 4
    assert reader.read_json(str(tmp_path / 'result.json'))['status'] == 'detected'


@pytest.mark.slow
def test_a_signal_at_the_very_end_undoes_nothing(tmp_path):
    """The run is over and on record; that it was interrupted is said all the same."""
    def on_epoch(watch):
        if watch.model.stop_training:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        killed_repair.train(str(tmp_path), on_epoch=on_epoch, autorepair=False, callbacks=[])
    assert reader.read_json(str(tmp_path / 'result.json'))['status'] == 'detected'


@pytest.mark.slow
def test_an_interrupted_attempt_is_no_failed_one(tmp_path, monkeypatch):
    """What a second Ctrl-C brings up in a framework may be any error; none is put on record."""
    monkeypatch.setitem(repair.STRATEGIES, 'balance', killed_repair.FEW_SOLUTIONS)

    def on_epoch(watch):
        if watch.solution is not None:
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError('the framework is confused')

    with pytest.raises(KeyboardInterrupt):
        killed_repair.train(str(tmp_path), on_epoch=on_epoch)
    assert [event['event'] for event in reader.read_events(str(tmp_path / 'events.jsonl'))
            if event['event'] != 'check'] == ['training']
    result = reader.read_json(str(tmp_path / 'result.json'))
    assert result['status'] == 'interrupted' and result['attempts'] == []
