import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from AutoTrainer.cli import main
from AutoTrainer.errors import UserError
from AutoTrainer.record import folder as records
from AutoTrainer.record import reader
from AutoTrainer.record.reader import RunReader
from AutoTrainer.report.text import summary

ROOT = Path(__file__).resolve().parents[2]
HEADER = 'epoch,loss,accuracy,val_loss,val_accuracy\n'
NOTHING = {'loss': [], 'acc': [], 'val_loss': [], 'val_acc': []}

REASON = 'vanish: ‖G1‖/‖Gn‖ = 6e-4; not_converge: max(Acc) = 0.5'
SKIPPED = {'repairs': 'vanish', 'solution': 'bn', 'try': 1, 'issue': None, 'val_accuracy': None,
           'epochs': 0, 'seconds': 0.0, 'description': 'there is one already',
           'status': 'skipped'}
SOLVED = {'repairs': 'vanish', 'solution': 'selu', 'try': 1, 'issue': None, 'val_accuracy': 0.75,
          'epochs': 2, 'seconds': 1.5, 'description': '2 layers → selu', 'number': 1,
          'status': 'solved'}
RESULT = {
    'schema_version': 1, 'status': 'repaired', 'initial_issue': 'vanish',
    'issues': ['vanish', 'not_converge'], 'reason': REASON, 'detected_epoch': 2,
    'total_epochs': 2, 'checktype': 'epoch_1', 'checks': 2, 'probes': 2, 'solution': 'selu',
    'attempts': [SKIPPED, SOLVED], 'accuracy': {'before': 0.5, 'after': 0.75},
    'model_path': '/elsewhere/model.h5', 'seed': 0,
    'seconds': {'train': 1.0, 'check': 0.25, 'repair': 1.5}, 'versions': {'keras': '2.4.3'}}
FACTS = {'schema_version': 1, 'settings': {'seed': 0, 'epochs': 2}, 'config': None,
         'dirs': {'log_dir': None, 'new_issue_dir': None}, 'model': '7893', 'data': '1916',
         'versions': {'keras': '2.4.3', 'backend': 'tensorflow'}}
EVENTS = [
    {'event': 'check', 'epoch': 2, 'issues': ['vanish', 'not_converge'], 'reason': REASON},
    {'event': 'training', 'number': 0, 'outcome': {'epochs': 2}},
    dict(SKIPPED, event='attempt', outcome=None),
    {'event': 'check', 'epoch': 2, 'issues': [], 'reason': '', 'number': 1, 'solution': 'selu'},
    dict(SOLVED, event='attempt', outcome={'epochs': 2})]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str):
        content = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_bytes(content.encode('utf-8'))


def lines(events):
    return ''.join(json.dumps(event, ensure_ascii=False) + '\n' for event in events)


@pytest.fixture
def old(tmp_path):
    """A finished run of the version before events had a time and results had ``reasons``."""
    folder = tmp_path / 'old [1]'  # the brackets are no pattern
    write(folder / 'run.json', FACTS)
    write(folder / 'result.json', RESULT)
    write(folder / 'events.jsonl', lines(EVENTS))
    write(folder / 'history.csv', HEADER + '1,0.7,0.5,0.69,0.5\n2,0.69,0.25,,\n')
    write(folder / 'attempts' / '001_selu_1' / 'history.csv', HEADER
          + '1,0.5,0.5,0.5,0.5\n2,0.25,0.75,0.5,0.75\n')
    write(folder / 'model.h5', '')
    return folder


def contents(folder):
    """Every file with its bytes and times."""
    return {str(path): (path.stat().st_mtime, path.is_file() and path.read_bytes())
            for path in sorted(Path(str(folder)).rglob('*'))}


def everything(run):
    """All that a reader can be asked."""
    return (run.is_begun, run.is_finished, run.is_unfinished, run.result(), run.facts(),
            run.events(), run.history(), run.attempts(), run.model_path)


# ------------------------------------------------------------------------------------ whole folders

def test_an_old_folder_is_read_and_told(old):
    before = contents(old)
    run = RunReader(str(old))
    assert run.is_begun and run.is_finished and not run.is_unfinished
    assert run.result() == RESULT and run.facts() == FACTS and run.events() == EVENTS
    assert run.history() == {'loss': [0.7, 0.69], 'acc': [0.5, 0.25], 'val_loss': [0.69, None],
                             'val_acc': [0.5, None]}
    skipped, solved = run.attempts()
    assert skipped == ('bn', 1, SKIPPED, None, NOTHING)
    assert (solved.solution, solved.attempt, solved.record) == ('selu', 1, SOLVED)
    assert solved.folder == str(old / 'attempts' / '001_selu_1')
    assert solved.history['val_acc'] == [0.5, 0.75]
    assert run.model_path == str(old / 'model.h5')  # where it is now
    told = summary(run.result(), str(old))
    assert 'Why       ' + REASON in told.splitlines()
    assert contents(old) == before


def test_the_command_line_shows_an_old_folder(old, capsys):
    assert main(['--resume', str(old)]) == 0
    assert 'repaired by selu, accuracy 50.0 % → 75.0 %' in capsys.readouterr().out


def test_nothing_is_there(tmp_path):
    (tmp_path / 'file').write_text('')
    for path in (tmp_path / 'nowhere', tmp_path, tmp_path / 'file'):
        assert everything(RunReader(str(path))) == (
            False, False, False, None, None, [], NOTHING, [], None)
    assert os.listdir(str(tmp_path)) == ['file']


def test_a_folder_of_the_bare_callback(old):
    for name in ('run.json', 'result.json', 'model.h5'):
        (old / name).unlink()
    run = RunReader(str(old))
    assert not run.is_begun and not run.is_finished and not run.is_unfinished
    assert len(run.history()['loss']) == 2 and len(run.events()) == len(EVENTS)


def test_a_running_folder_is_read_and_left_alone(tmp_path):
    """Another process has the lock, a line is half written, the second attempt trains."""
    run = records.RunFolder(str(tmp_path))
    records.write_json(run.file('run.json'), FACTS)
    first = records.Recorder(run)
    first.epoch(1, {'loss': 0.7, 'acc': 0.5})
    first.event('check', epoch=1, issues=['vanish'])
    run.event('attempt', outcome=None, **SKIPPED)
    for solution, number in (('selu', 1), ('relu', 2)):
        attempt = records.Recorder(run, run.attempt_folder(number, solution, 1), number=number)
        for epoch in range(number):
            attempt.epoch(epoch + 1, {'loss': 0.5})
        if number == 1:
            run.event('attempt', outcome={'epochs': 1}, **SOLVED)
    os.mkdir(run.file('attempts', '003_tanh_2'))  # has not written a line
    for name, torn in (('history.csv', b'2,0.6'), ('events.jsonl', b'{"event": "che\xc3'),
                       (os.path.join('attempts', '002_relu_1', 'history.csv'), b'3')):
        with open(run.file(name), 'ab') as file:
            file.write(torn)
    before = contents(tmp_path)
    there = RunReader(str(tmp_path))
    assert there.is_unfinished and not there.is_finished and there.result() is None
    assert [event['event'] for event in there.events()] == ['check', 'attempt', 'attempt']
    assert all(isinstance(event['time'], float) for event in there.events())
    assert there.history()['loss'] == [0.7]
    assert [(a.solution, a.attempt, a.record, a.history['loss']) for a in there.attempts()] == [
        ('bn', 1, SKIPPED, []), ('selu', 1, SOLVED, [0.5]), ('relu', 1, None, [0.5, 0.5]),
        ('tanh', 2, None, [])]
    assert contents(tmp_path) == before
    run.close()


def test_an_interrupted_run_is_unfinished_and_has_a_result(old):
    write(old / 'result.json', dict(RESULT, status='interrupted', attempts=[SKIPPED],
                                    accuracy={'before': 0.5, 'after': None}))
    run = RunReader(str(old))
    assert run.is_unfinished and not run.is_finished
    assert run.result()['accuracy'] == {'before': 0.5, 'after': None}
    assert [(a.solution, a.record) for a in run.attempts()] == [('bn', SKIPPED), ('selu', None)]


def test_reasons_are_told_one_a_line(old):
    write(old / 'result.json', dict(RESULT, reasons={
        'vanish': '‖G1‖/‖Gn‖ = 6e-4; and small', 'not_converge': 'max(Acc) = 0.5'}))
    told = summary(RunReader(str(old)).result(), 'here').splitlines()
    assert [line for line in told if line.startswith('Why')] == [
        'Why       vanish: ‖G1‖/‖Gn‖ = 6e-4; and small',
        'Why       not_converge: max(Acc) = 0.5']


WITHOUT_KERAS = '''
import sys
for name in ('keras', 'tensorflow', 'jax', 'torch', 'AutoTrainer.keras_bridge'):
    sys.modules[name] = None  # to import it is an error
from AutoTrainer.record.reader import RunReader
from AutoTrainer.report.text import summary
run = RunReader(sys.argv[1])
print(len(run.attempts()), len(run.history()['loss']), summary(run.result(), 'x')[-1])
'''


def test_reading_needs_no_keras(old):
    done = subprocess.run([sys.executable, '-c', WITHOUT_KERAS, str(old)], cwd=str(ROOT),
                          capture_output=True)
    assert done.stdout.decode('utf-8').split() == ['2', '2', 'x'], done.stderr.decode('utf-8')


# ------------------------------------------------------------------------------------ single files

@pytest.mark.parametrize('content', ['', 'epoch,lo', HEADER[:-1], HEADER, HEADER + '1,0.5'])
def test_a_history_that_has_just_begun(tmp_path, content):
    write(tmp_path / 'history.csv', content)
    assert reader.read_history(str(tmp_path / 'history.csv')) == NOTHING


@pytest.mark.parametrize('content, message', [
    ('epoch,loss\n', 'first line'), ('\n', 'first line'), ('loss', 'first line'),
    (HEADER + '1,0.5\n', "row 1 is '1,0.5'"),
    (HEADER + '1,x,,,\n', "'x'"),
    (HEADER + '2,1,,,\n', "row 1 is '2,1,,,'"),
])
def test_what_is_no_history_is_refused(tmp_path, content, message):
    path = tmp_path / 'history.csv'
    write(path, content)
    with pytest.raises(UserError, match=message):
        reader.read_history(str(path))
    with pytest.raises(UserError, match=message):
        RunReader(str(tmp_path)).history()


@pytest.mark.parametrize('content', ['[1]\n', '{"event": 1}\n', 'x\n', '[' * 10**5 + '\n',
                                     '{"event": "\\ud800"}\n'])
def test_what_are_no_events_is_refused(tmp_path, content):
    path = tmp_path / 'events.jsonl'
    write(path, content)
    with pytest.raises(UserError, match='cannot be read as the events'):
        reader.read_events(str(path))


LOST = object()


def changed(tree, place, value):
    """A tree with one of its values traded for another; LOST takes it away."""
    tree = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(place) > 1:
        tree[place[0]] = changed(tree[place[0]], place[1:], value)
    elif value is LOST:
        del tree[place[0]]
    else:
        tree[place[0]] = value
    return tree


@pytest.mark.parametrize('place, value, message', [
    (['status'], LOST, 'status is missing'),
    (['status'], ['x'], r"status is \['x'\]"),
    (['status'], 'splendid', "status is 'splendid'"),
    (['status'], 'normal', "status is 'normal', initial_issue 'vanish'"),
    (['initial_issue'], None, "status is 'repaired', initial_issue None"),
    (['initial_issue'], 'flu', "initial_issue is 'flu'"),
    (['detected_epoch'], LOST, 'detected_epoch is missing'),
    (['detected_epoch'], None, 'detected_epoch is None'),
    (['total_epochs'], '2', "total_epochs is '2'"),
    (['total_epochs'], 10 ** 400, 'a number of 401 digits'),
    (['reasons'], 'x', "reasons is 'x'"),
    (['solution'], LOST, 'solution is missing'),
    (['solution'], '\ud800', 'surrogates not allowed'),
    (['accuracy'], [], r'accuracy is \[\]'),
    (['accuracy', 'after'], 'x', "accuracy: after is 'x'"),
    (['accuracy', 'before'], LOST, 'accuracy: before is missing'),
    (['attempts'], {}, r'attempts is \{\}'),
    (['attempts', 0], 3, 'attempt 1: 3'),
    (['attempts', 1, 'number'], 'x', "attempt 2: number is 'x'"),
    (['attempts', 1, 'try'], LOST, 'attempt 2: try is missing'),
    (['attempts', 1, 'issue'], 'flu', "attempt 2: issue is 'flu'"),
    (['attempts', 1, 'status'], 'error', 'attempt 2: traceback is missing'),
])
def test_a_result_made_to_harm_is_refused(old, capsys, place, value, message):
    """In one sentence, and the command line shows no traceback."""
    (old / 'result.json').write_text(json.dumps(changed(RESULT, place, value)))
    with pytest.raises(UserError, match=message):
        RunReader(str(old)).result()
    assert main(['--resume', str(old)]) == 2
    told = capsys.readouterr()
    assert told.out == '' and 'cannot be read as a record' in told.err.splitlines()[-1]


@pytest.mark.parametrize('place, value, message', [
    (['settings'], [], r'settings is \[\]'), (['versions'], LOST, 'versions is missing'),
    (['config'], 'x', "config is 'x'"), (['dirs', 'log_dir'], 5, 'dirs: log_dir is 5'),
])
def test_facts_made_to_harm_are_refused(old, capsys, place, value, message):
    (old / 'result.json').unlink()
    write(old / 'run.json', changed(FACTS, place, value))
    with pytest.raises(UserError, match=message):
        RunReader(str(old)).facts()
    assert main(['--resume', str(old)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_folder_elsewhere_is_read(old):
    """A record cannot point out of the folder; what is no attempt's folder is passed over."""
    harmful = dict(SOLVED, solution='selu_1/../../../x')
    write(old / 'result.json', dict(RESULT, attempts=[harmful]))
    write(old.parent / 'x_1' / 'history.csv', HEADER + '1,0.5,,,\n')
    write(old / 'attempts' / 'notes' / 'history.csv', 'nothing')
    assert [(a.record, a.folder) for a in RunReader(str(old)).attempts()] == [
        (harmful, None), (None, str(old / 'attempts' / '001_selu_1'))]


def test_last_number():
    assert reader.last_number([None, 1.0, None]) == 1.0
    assert reader.last_number([None]) is None
    assert reader.last_number([]) is None
