import json
import os
import resource

import numpy as np
import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.record import folder as records


def test_history_is_read_back_as_written(tmp_path):
    path = str(tmp_path / 'history.csv')
    file = records.HistoryFile(path)
    file.add(1, {'loss': 0.1, 'acc': 1 / 3, 'val_loss': None, 'val_acc': None})
    file.add(2, {'loss': float('nan'), 'acc': 0.5, 'val_loss': 1e-9, 'val_acc': 0.25})
    file.close()
    with open(path) as opened:
        assert opened.readline() == 'epoch,loss,accuracy,val_loss,val_accuracy\n'
    history = records.read_history(path)
    assert history['acc'] == [1 / 3, 0.5]
    assert history['val_loss'] == [None, 1e-9]
    assert history['loss'][0] == 0.1 and np.isnan(history['loss'][1])


def test_a_history_begins_anew(tmp_path):
    path = str(tmp_path / 'history.csv')
    for loss in (0.5, 0.25):
        file = records.HistoryFile(path)
        file.add(1, {'loss': loss})
        file.close()
    assert records.read_history(path)['loss'] == [0.25]


def test_lines_can_be_taken_back(tmp_path):
    lines = records.LineFile(str(tmp_path / 'events.jsonl'))
    lines.append('{"event": "ä"}')
    lines.append('{"event": "b"}')
    lines.cut(1)
    lines.append('{"event": "c"}')
    lines.close()
    assert [event['event'] for event in records.read_events(lines.path)] == ['ä', 'c']


@pytest.mark.parametrize('torn', ['{"event": "che', '{"event": "check"}', ''])
def test_a_torn_last_line_is_tolerated_and_cut_off(tmp_path, torn):
    path = tmp_path / 'events.jsonl'
    path.write_text('{"event": "check", "epoch": 1}\n' + torn)
    assert records.read_events(str(path)) == [{'event': 'check', 'epoch': 1}]
    lines = records.LineFile(str(path))
    lines.append('{"event": "check", "epoch": 2}')
    lines.close()
    assert [event['epoch'] for event in records.read_events(str(path))] == [1, 2]


def test_json_has_no_nan_and_no_numpy(tmp_path):
    path = str(tmp_path / 'result.json')
    records.write_json(path, {'a': np.float32(0.5), 'b': float('inf'), 'c': (np.int64(3), None)})
    with open(path) as file:
        assert json.load(file) == {'a': 0.5, 'b': None, 'c': [3, None]}
    assert os.listdir(str(tmp_path)) == ['result.json']


def test_a_refused_write_leaves_the_old_state(tmp_path):
    path = str(tmp_path / 'result.json')
    records.write_json(path, {'old': 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(UserError, match='result.json.*cannot be written'):
            records.write_json(path, {'new': 'x' * 10000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert records.read_json(path) == {'old': 1}
    assert os.listdir(str(tmp_path)) == ['result.json']


@pytest.mark.parametrize('content, message', [
    ('', 'first line'), ('epoch,loss\n', 'first line'),
    ('epoch,loss,accuracy,val_loss,val_accuracy\n1,0.5\n', "row 1 is '1,0.5'"),
    ('epoch,loss,accuracy,val_loss,val_accuracy\n1,x,,,\n', "'x'"),
    ('epoch,loss,accuracy,val_loss,val_accuracy\n2,1,,,\n', "row 1 is '2,1,,,'"),
])
def test_what_is_no_history_is_refused(tmp_path, content, message):
    path = tmp_path / 'history.csv'
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        records.read_history(str(path))


@pytest.mark.parametrize('content', ['[1]\n', '{"event": 1}\n', 'x\n', '[' * 10**5 + '\n'])
def test_what_are_no_events_is_refused(tmp_path, content):
    path = tmp_path / 'events.jsonl'
    path.write_text(content)
    with pytest.raises(UserError, match='cannot be read as the events'):
        records.read_events(str(path))


def test_a_file_in_the_way_of_the_run_folder_is_told(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match="result_dir is '.*file'"):
        records.RunFolder(str(tmp_path / 'file'))


def test_last_number():
    assert records.last_number([None, 1.0, None]) == 1.0
    assert records.last_number([None]) is None
    assert records.last_number([]) is None
