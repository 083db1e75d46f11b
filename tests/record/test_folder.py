import json
import os
import resource

import numpy as np
import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.record import folder as records
from AutoTrainer.record import reader


def test_history_is_read_back_as_written(tmp_path):
    path = str(tmp_path / 'history.csv')
    file = records.HistoryFile(path)
    file.add(1, {'loss': 0.1, 'acc': 1 / 3, 'val_loss': None, 'val_acc': None})
    file.add(2, {'loss': float('nan'), 'acc': 0.5, 'val_loss': 1e-9, 'val_acc': 0.25})
    file.close()
    with open(path) as opened:
        assert opened.readline() == 'epoch,loss,accuracy,val_loss,val_accuracy\n'
    history = reader.read_history(path)
    assert history['acc'] == [1 / 3, 0.5]
    assert history['val_loss'] == [None, 1e-9]
    assert history['loss'][0] == 0.1 and np.isnan(history['loss'][1])


def test_a_history_begins_anew(tmp_path):
    path = str(tmp_path / 'history.csv')
    for loss in (0.5, 0.25):
        file = records.HistoryFile(path)
        file.add(1, {'loss': loss})
        file.close()
    assert reader.read_history(path)['loss'] == [0.25]


def test_lines_can_be_taken_back(tmp_path):
    lines = records.LineFile(str(tmp_path / 'events.jsonl'))
    lines.append('{"event": "ä"}')
    lines.append('{"event": "b"}')
    lines.cut(1)
    lines.append('{"event": "c"}')
    lines.close()
    assert [event['event'] for event in reader.read_events(lines.path)] == ['ä', 'c']


@pytest.mark.parametrize('torn', ['{"event": "che', '{"event": "check"}', ''])
def test_a_torn_last_line_is_tolerated_and_cut_off(tmp_path, torn):
    path = tmp_path / 'events.jsonl'
    path.write_text('{"event": "check", "epoch": 1}\n' + torn)
    assert reader.read_events(str(path)) == [{'event': 'check', 'epoch': 1}]
    lines = records.LineFile(str(path))
    lines.append('{"event": "check", "epoch": 2}')
    lines.close()
    assert [event['epoch'] for event in reader.read_events(str(path))] == [1, 2]


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
    assert reader.read_json(path) == {'old': 1}
    assert os.listdir(str(tmp_path)) == ['result.json']


def test_a_file_in_the_way_of_the_run_folder_is_told(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match="result_dir is '.*file'"):
        records.RunFolder(str(tmp_path / 'file'))


def test_every_event_says_when(tmp_path, monkeypatch):
    monkeypatch.setattr(records.time, 'time', lambda: 1700000000.12345)
    run = records.RunFolder(str(tmp_path))
    run.event('check', epoch=3, outputs={'second': 1.0, 'first': 2.0})
    run.close()
    [event] = reader.read_events(str(tmp_path / 'events.jsonl'))
    assert event == {'event': 'check', 'epoch': 3, 'time': 1700000000.123,
                     'outputs': {'second': 1.0, 'first': 2.0}}
    assert list(event['outputs']) == ['second', 'first']  # the order of layers is kept


def test_what_is_restored_keeps_its_time(tmp_path, monkeypatch):
    """Written again after an interruption, an event says when it happened first."""
    clock = [1700000000.0]
    monkeypatch.setattr(records.time, 'time', lambda: clock[0])
    run = records.RunFolder(str(tmp_path))
    first = records.Recorder(run, number=2)
    first.epoch(1, {'loss': 0.5})
    first.event('check', epoch=1)
    first.close()
    run.events.cut(0)
    clock[0] += 60
    second = records.Recorder(run, number=2)
    second.restore({'loss': [0.5], 'acc': [None], 'val_loss': [None], 'val_acc': [None]},
                   first.events)
    second.event('check', epoch=2)
    second.close()
    run.close()
    events = reader.read_events(str(tmp_path / 'events.jsonl'))
    assert [(event['epoch'], event['time'], event['number']) for event in events] == [
        (1, 1700000000.0, 2), (2, 1700000060.0, 2)]
    assert second.events[0] == first.events[0]
    assert reader.read_history(str(tmp_path / 'history.csv'))['loss'] == [0.5]
