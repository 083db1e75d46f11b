"""What TensorBoard is given, read back from the files."""

import importlib.util
import math
import struct
import sys

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.judge import facts
from AutoTrainer.judge.facts import GradientSummary, OutputSummary, Task
from AutoTrainer.judge.recovery import PutBack
from AutoTrainer.judge.session import Plan, Session, Subject
from AutoTrainer.report.observers import observers_of
from AutoTrainer.settings import Watching

there = pytest.mark.skipif(importlib.util.find_spec('tensorboardX') is None,
                           reason='tensorboardX is not installed')


class Probe(facts.Probe):
    def gradients(self):
        return GradientSummary((('first', 1e-8), ('last', 1.0)), 0.1, zero_shares=(0.5, 0.0))

    def outputs(self):
        return OutputSummary((), 0.0, 1.0, 1.0)

    def task(self):
        return Task()


def session(folder, planned=10, **watching):
    return Session(Watching(**dict({'checktype': 'epoch_1'}, **watching)), Plan(planned),
                   Subject(Probe()), observers=observers_of(tensorboard=str(folder)))


def read(folder):
    """Scalars by tag as {step: value}, and texts by tag as [(step, text)]."""
    from tensorboardX.proto.event_pb2 import Event
    scalars, texts = {}, {}
    for path in sorted(folder.glob('events*')):
        data = path.read_bytes()
        while data:  # length, its checksum, the event, its checksum
            size, = struct.unpack('<Q', data[:8])
            event, data = Event.FromString(data[12:12 + size]), data[16 + size:]
            for value in event.summary.value:
                if value.WhichOneof('value') == 'simple_value':
                    scalars.setdefault(value.tag, {})[event.step] = value.simple_value
                else:
                    texts.setdefault(value.tag.split('/')[0], []).append(
                        (event.step, value.tensor.string_val[0].decode('utf-8')))
    return scalars, texts


@there
def test_every_epoch_and_every_check_that_looked_at_gradients(tmp_path):
    watched = session(tmp_path, checktype='epoch_2')
    for epoch in range(1, 5):
        stop = watched.epoch({'loss': 1 / epoch, 'acc': 0.3, 'val_loss': None, 'val_acc': 0.25})
    assert stop
    watched.end()
    scalars, texts = read(tmp_path)
    assert scalars['history/loss'] == pytest.approx({1: 1, 2: 1 / 2, 3: 1 / 3, 4: 1 / 4})
    assert scalars['history/accuracy'] == pytest.approx({n: 0.3 for n in range(1, 5)})
    assert scalars['history/val_accuracy'] == {n: 0.25 for n in range(1, 5)}
    assert 'history/val_loss' not in scalars and 'skill/skill' not in scalars
    assert scalars['checks/checks'] == {1: 0, 2: 1, 3: 1, 4: 2}
    assert scalars['gradient_norm/first'] == pytest.approx({2: 1e-8, 4: 1e-8})
    assert scalars['gradient_norm/last'] == {2: 1, 4: 1}
    assert scalars['zero_share/first'] == {2: 0.5, 4: 0.5}
    assert texts == {'verdict': [(4, watched.verdict.reason)] * 2}
    assert watched.verdict.issues == ('vanish',)


@there
def test_skill_and_yardstick(tmp_path, monkeypatch):
    watched = session(tmp_path)
    monkeypatch.setattr(watched.monitor, 'in_numbers', lambda: (0.25, 0.75, ''))
    watched.epoch({'loss': 1.0, 'acc': 0.9})
    watched.end()
    scalars, texts = read(tmp_path)
    assert (scalars['skill/skill'], scalars['skill/yardstick']) == ({1: 0.25}, {1: 0.75})
    assert texts['verdict'] == [(1, watched.verdict.reason)]


@there
def test_what_was_put_back_and_a_loss_that_is_no_number(tmp_path):
    watched = session(tmp_path, on_issue='restore')
    watched.epoch({'loss': 0.5, 'acc': 0.9})
    watched.epoch({'loss': math.nan, 'acc': 0.9})
    watched.restored(PutBack(1, (0.1, 0.01)))
    watched.epoch({'loss': 0.5, 'acc': 0.9})
    watched.end()
    scalars, texts = read(tmp_path)
    assert math.isnan(scalars['history/loss'][2]) and len(scalars['history/loss']) == 3
    (step, said), = texts['restored']
    assert step == 3 and said.startswith('at epoch 2 (explode) the weights of epoch 1 were put')


@there
def test_the_second_training_gets_a_folder_of_its_own(tmp_path):
    observers = observers_of(tensorboard=str(tmp_path))
    for loss in (0.5, 0.25):
        watched = Session(Watching(), Plan(1), observers=observers)
        watched.epoch({'loss': loss, 'acc': 0.9})
        watched.end()
    assert read(tmp_path)[0]['history/loss'] == {1: 0.5}
    assert read(tmp_path / 'training_2')[0]['history/loss'] == {1: 0.25}


def test_without_tensorboardx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorboardX', None)
    with pytest.raises(UserError, match=r'needs tensorboardX, which is not installed; pip install '
                                        r'dynamic-autotrainer\[tensorboard\]'):
        observers_of(tensorboard=str(tmp_path))
