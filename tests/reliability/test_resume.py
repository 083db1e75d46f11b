"""What a run folder lets a later process do, and what it does not."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import killed_repair
import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.cli import main
from AutoTrainer.errors import UserError
from AutoTrainer.record import folder as records
from AutoTrainer.record import reader
from AutoTrainer.utils import repair

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def few_solutions(monkeypatch):
    monkeypatch.setitem(repair.STRATEGIES, 'balance', killed_repair.FEW_SOLUTIONS)


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """The folder of a run that nobody interrupted."""
    before = repair.STRATEGIES['balance']
    repair.STRATEGIES['balance'] = killed_repair.FEW_SOLUTIONS
    try:
        folder = str(tmp_path_factory.mktemp('undisturbed'))
        killed_repair.train(folder)
    finally:
        repair.STRATEGIES['balance'] = before
    return folder


# ---------------------------------------------------------------------------- stopped by a signal

# Of 300 epochs 90 are trained before there is a verdict: more than pass between the third of them
# and the signal, however busy the machine is.
RUN = ['--case', 'Gradient_Vanish_Case', '--epochs', '300', '--no-repair']


def start(folder):
    return subprocess.Popen(
        [sys.executable, 'reproduce.py', '--checkpoint-seconds', '0', '-rd', str(folder)] + RUN,
        cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_epochs(path, process, count):
    while process.poll() is None and not (
            path.exists() and len(path.read_text().splitlines()) > count):
        time.sleep(0.01)


@pytest.mark.slow
def test_a_signal_ends_a_run_that_can_be_gone_on_with(tmp_path, capsys):
    folder, other = tmp_path / 'a run', str(tmp_path / 'other')
    process = start(folder)
    wait_for_epochs(folder / 'history.csv', process, 3)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1].decode('utf-8')
    assert process.returncode == 130 and 'Traceback' not in told
    assert "To go on: python reproduce.py --resume '%s'" % folder in told
    result = reader.read_json(str(folder / 'result.json'))
    assert result['status'] == 'interrupted' and result['total_epochs'] == 300
    before = (folder / 'history.csv').read_text()
    assert main(['--resume', str(folder), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['status'] == 'detected'
    assert (folder / 'history.csv').read_text().startswith(before)
    assert main(RUN + ['-rd', other]) == 0
    assert killed_repair.remains(str(folder)) == killed_repair.remains(other)
    first = capsys.readouterr().out
    assert main(['--resume', other]) == 0  # a finished run is shown
    shown = capsys.readouterr()
    assert shown.out == first and 'is finished, there is nothing to resume' in shown.err


# ------------------------------------------------------------------------------------- going on

@pytest.mark.slow
def test_a_finished_run_is_not_resumed(undisturbed):
    with pytest.raises(UserError, match='the run is finished'):
        killed_repair.train(undisturbed)


@pytest.mark.parametrize('arguments, message', [
    (['--epochs', '5'], 'leave out --epochs'), (['-rd', 'x'], 'leave out --result-dir'),
    ([], 'which holds no run'),
])
def test_resume_by_command_line_needs_a_run_and_nothing_else(tmp_path, capsys, arguments, message):
    assert main(['--resume', str(tmp_path)] + arguments) == 2
    told = capsys.readouterr().err
    assert message in told and len(told.splitlines()) == 1


def unfinished(undisturbed, folder, events):
    """A copy of a finished run as a process would have left it that died after so many events."""
    import shutil
    shutil.copytree(undisturbed, folder)
    os.unlink(os.path.join(folder, 'result.json'))
    path = os.path.join(folder, 'events.jsonl')
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines(True)
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(lines[:events])
    return len(lines)


@pytest.mark.backend
def test_finished_attempts_are_not_repeated(undisturbed, tmp_path):
    """Everything is on record: the result is put together without a single epoch."""
    folder, seen = str(tmp_path / 'run'), []
    unfinished(undisturbed, folder, 10**6)
    done = killed_repair.train(folder, on_epoch=seen.append)
    assert not seen and killed_repair.remains(folder) == killed_repair.remains(undisturbed)
    before, after = [[event['time'] for event in reader.RunReader(place).events()]
                     for place in (undisturbed, folder)]
    assert before == after  # when it happened, not when it was gone on with
    x = killed_repair.dataset()['x']
    np.testing.assert_allclose(done.model.predict(x, verbose=0),
                               keras_bridge.load_model(done.trained_path).predict(x, verbose=0))


def test_events_lost(undisturbed, tmp_path):
    """The events end in the middle, no checkpoint is left: the same outcome all the same."""
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 1 + len(reader.read_events(
        os.path.join(undisturbed, 'events.jsonl'))) // 2)
    killed_repair.train(folder)
    assert killed_repair.remains(folder) == killed_repair.remains(undisturbed)


def test_an_unfinished_run_is_not_replaced(undisturbed, tmp_path):
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 1)
    with pytest.raises(UserError, match='holds an unfinished run; go on with it by resume=True'):
        killed_repair.train(folder, resume=False)
    assert len(reader.read_events(os.path.join(folder, 'events.jsonl'))) == 1


def as_of_the_first_version(content):
    """A record without what the first version did not write."""
    if isinstance(content, dict):
        return {key: as_of_the_first_version(value) for key, value in content.items()
                if key not in ('reasons', 'ended', 'converged', 'issues_left', 'note', 'time')}
    return ([as_of_the_first_version(item) for item in content] if isinstance(content, list)
            else content)


@pytest.mark.parametrize('attempts', [1, 10**6])
def test_a_run_that_the_first_version_began_is_gone_on_with(undisturbed, tmp_path, attempts):
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 10**6)
    path, kept = os.path.join(folder, 'events.jsonl'), []
    for event in reader.read_events(path):
        if event['event'] == 'attempt':
            attempts -= 1
        if attempts >= 0:
            kept.append(json.dumps(as_of_the_first_version(event), sort_keys=True) + '\n')
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(kept)
    killed_repair.train(folder)
    again, before = killed_repair.remains(folder), killed_repair.remains(undisturbed)
    for key in again:
        assert as_of_the_first_version(again[key]) == as_of_the_first_version(before[key]), key


def other_model():
    model = killed_repair.model()
    model.set_weights([w + 1 for w in model.get_weights()])
    return model


@pytest.mark.slow
@pytest.mark.parametrize('changes, message', [
    ({'seed': 6}, 'seed is 6, but the run was begun with 5'),
    ({'iters': 17}, 'epochs is 17, but the run was begun with 16'),
    ({'params': None}, 'params is None'),
    ({'checktype': 'epoch_1'}, "checktype is 'epoch_1'"),
    ({'callbacks': ['estop']}, 'callbacks is'),
    ({'model': other_model}, 'the model differs'),
    ({'dataset': lambda: dict(killed_repair.dataset(), x_val=None, y_val=None)},
     'the data differs'),
])
def test_another_run_is_not_gone_on_with(undisturbed, tmp_path, changes, message):
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 10**6)
    before = killed_repair_files(folder)
    with pytest.raises(UserError, match=message) as caught:
        killed_repair.train(folder, **{k: v() if callable(v) else v for k, v in changes.items()})
    assert '\n' not in str(caught.value)
    assert killed_repair_files(folder) == before


def killed_repair_files(folder):
    return sorted(os.path.join(place, name) for place, _, names in os.walk(folder)
                  for name in names)


@pytest.mark.parametrize('name, damage, message', [
    ('events.jsonl', lambda old: old.replace(b'"selu"', b'"lr"').replace(b'"relu"', b'"lr"'),
     'cannot be resumed'),
    ('events.jsonl', lambda old: old.replace(b'"outcome"', b'"outcom"'), 'is incomplete'),
    ('events.jsonl', lambda old: b'nonsense\n' + old, 'cannot be read as the events'),
    ('run.json', lambda old: old[:100], 'cannot be read as a record'),
    ('run.json', lambda old: b'{}', 'cannot be resumed'),
    ('model' + keras_bridge.MODEL_SUFFIX, lambda old: old[:500], 'cannot be read as the model'),
])
def test_a_damaged_record_is_told(undisturbed, tmp_path, name, damage, message):
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 10**6)
    for path in killed_repair_files(folder):
        if os.path.basename(path) == name:
            content = Path(path).read_bytes()
            Path(path).write_bytes(damage(content))
    with pytest.raises(UserError, match=message) as caught:
        killed_repair.train(folder)
    assert '\n' not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 torn', None])
def test_a_damaged_checkpoint_is_told(undisturbed, tmp_path, content):
    folder = str(tmp_path / 'run')
    unfinished(undisturbed, folder, 1)
    path = tmp_path / 'run' / 'checkpoint.npz'
    if content is None:  # a checkpoint, but of another model
        np.savez(str(path), state=np.frombuffer(json.dumps(dict(
            epoch=1, watch={}, events=[], seconds=1, model=0, callbacks=[])).encode(), np.uint8))
    else:
        path.write_bytes(content)
    with pytest.raises(records.RecordError, match='cannot be gone on from.*delete it'):
        killed_repair.train(folder)
    if content == b'':  # of all events only the first is left, too
        path.unlink()
        killed_repair.train(folder)
        assert killed_repair.remains(folder) == killed_repair.remains(undisturbed)


# ------------------------------------------------------------------------------- one at a time

HOLD = '''
import sys, time
from AutoTrainer.record.folder import RunFolder
RunFolder(sys.argv[1])
print('held', flush=True)
time.sleep(600)
'''


def test_the_second_process_is_refused_until_the_first_is_gone(tmp_path):
    folder = str(tmp_path / 'run')
    owner = subprocess.Popen([sys.executable, '-c', HOLD, folder], cwd=str(ROOT),
                             stdout=subprocess.PIPE)
    try:
        assert owner.stdout.readline() == b'held\n'
        with pytest.raises(UserError, match='process %d is writing to' % owner.pid):
            killed_repair.train(folder)
        assert killed_repair_files(folder) == [os.path.join(folder, name)
                                               for name in ('events.jsonl', 'lock')]
    finally:
        owner.kill()
        owner.wait()
    records.RunFolder(folder).close()


def test_a_process_may_take_its_own_folder_again(tmp_path):
    first = records.RunFolder(str(tmp_path))
    second = records.RunFolder(str(tmp_path / '.' / '..' / tmp_path.name))
    first.close()
    second.close()
    assert b'held\n' == subprocess.run([sys.executable, '-c', HOLD.replace('600', '0'),
                                        str(tmp_path)], cwd=str(ROOT), capture_output=True).stdout


# ----------------------------------------------------------------------------------- a full disk

@pytest.mark.slow
@pytest.mark.parametrize('limit', [40, 20000])
def test_a_full_disk_is_told_and_the_run_can_go_on(undisturbed, tmp_path, limit):
    """Files cannot grow beyond the limit; when they can again, nothing is lost."""
    folder = str(tmp_path / 'run')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(records.RecordError, match='cannot be written') as caught:
            killed_repair.train(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert '\n' not in str(caught.value)
    if limit == 20000:  # something had been trained
        killed_repair.train(folder)
        assert killed_repair.remains(folder) == killed_repair.remains(undisturbed)
