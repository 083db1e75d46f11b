"""Faults of upstream that show in whole trainings, or belong to no single module.

The others are tested beside what they concern: ``docs/evidence/upstream-differences.md``.
"""

import contextlib
import io
import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.data import get_dataset
from AutoTrainer.demo_case import case_config, case_model, case_names
from AutoTrainer.errors import UserError
from AutoTrainer.intake import inputs
from AutoTrainer.intake.arrays import Batch
from AutoTrainer.judge.facts import GradientSummary
from AutoTrainer.utils import repair
from AutoTrainer.utils.compute_gradient import Probe
from AutoTrainer.utils.monitor import IssueMonitor, gradient_issue, ol_judge
from AutoTrainer.utils.utils import LossHistory, model_train

keras = keras_bridge.keras
L = keras.layers
ROOT = Path(__file__).resolve().parent.parent

HEALTHY = GradientSummary((('first', 1.0), ('last', 1.0)), 0.1)
VANISHED = HEALTHY._replace(kernels=(('first', 1e-6), ('last', 1.0)))


def blobs(rows=120, classes=3):
    """Points around ``classes`` centres, one-hot labels."""
    source = np.random.RandomState(0)
    number = source.randint(0, classes, rows)
    angle = 2 * np.pi * number / classes
    x = source.randn(rows, 2) + 4 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return x.astype('float32'), np.eye(classes, dtype='float32')[number]


def dataset(x, y):
    cut = len(x) * 3 // 4
    return {'x': x[:cut], 'y': y[:cut], 'x_val': x[cut:], 'y_val': y[cut:]}


def sequential(width, *stack):
    keras_bridge.set_seed(2)
    return keras.Sequential([keras.Input((width,))] + list(stack))


def small():
    return sequential(2, L.Dense(4, activation='relu'), L.Dense(4, activation='relu'),
                      L.Dense(3, activation='softmax'))


def exploding():
    """An optimizer under which no training survives its first epochs."""
    return keras_bridge.optimizer_config('SGD', {'learning_rate': 1e30})


def train(folder, model, data=None, **changes):
    settings = dict(optimizer='SGD', loss='categorical_crossentropy', iters=20, batch_size=16,
                    dataset=dataset(*blobs()) if data is None else data, save_dir=str(folder))
    settings.update(changes)
    return model_train(model, **settings)


def history_of(acc, loss):
    return {'loss': loss, 'acc': acc, 'val_loss': [], 'val_acc': []}


# ------------------------------------------------------------------------------------- interface

IMPORTS = '''
import keras
import logging, os, sys
from tensorflow import keras as tf_keras  # legacy
os.environ['CUDA_VISIBLE_DEVICES'] = '5'

def surroundings():
    return (dict(os.environ), sys.getrecursionlimit(), list(sys.path), os.getcwd(), os.listdir(),
            list(logging.getLogger().handlers), logging.getLogger().level)

before = surroundings()
import AutoTrainer
for name in AutoTrainer.__all__:
    getattr(AutoTrainer, name)
import AutoTrainer.cli, AutoTrainer.data, AutoTrainer.demo_case, AutoTrainer.report.text
assert surroundings() == before, [a for a, b in zip(surroundings(), before) if a != b]
'''


def test_upstream_fault_import_side_effects(tmp_path):
    """Importing changes nothing around it: no variable, limit, search path, log, or file."""
    code = IMPORTS if keras_bridge.LEGACY else IMPORTS.replace(
        'from tensorflow import keras as tf_keras  # legacy', '')
    done = subprocess.run([sys.executable, '-c', code], cwd=str(tmp_path), capture_output=True,
                          text=True, env=dict(os.environ, PYTHONPATH=str(ROOT)))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ''


def test_upstream_fault_demo_test_crash():
    """Every demo case finds its data by name, and the data fits its model."""
    for name in case_names():
        config = case_config(name)
        data = inputs.check_dataset(get_dataset(config['dataset']))
        model = case_model(name, keras)
        inputs.check_fit(data, model.input_shape, model.output_shape, config['loss'])


@pytest.mark.parametrize('checktype', ['batch_5', 'epoch_0', 'epoch_', 'epoch_-3', 'epoch_1.5', 5])
def test_upstream_fault_batch_checktype(tmp_path, checktype):
    """What cannot be done is said before the first epoch, not done differently."""
    for begin in (lambda: LossHistory(checktype=checktype),
                  lambda: train(tmp_path / 'run', small(), checktype=checktype)):
        with pytest.raises(UserError) as error:
            begin()
        assert repr(checktype) in str(error.value) and 'epoch_N' in str(error.value)
    assert not (tmp_path / 'run').exists()


@pytest.fixture(scope='module')
def repaired(tmp_path_factory):
    """One training with a repair of several attempts, and everything it left or printed."""
    here, elsewhere = (tmp_path_factory.mktemp(name) for name in ('here', 'elsewhere'))
    shown, before = io.StringIO(), os.getcwd()
    os.chdir(str(here))
    try:
        with contextlib.redirect_stdout(shown):
            result, _, _ = train(elsewhere / 'run', small(), iters=4, optimizer=exploding(),
                                 log_dir=str(elsewhere / 'log'), modification_sufferance=0)
    finally:
        os.chdir(before)
    return {'result': result, 'shown': shown.getvalue(), 'here': os.listdir(str(here)),
            'folder': elsewhere}


@pytest.mark.parametrize('strategy, first', [
    ('structure', 'gradient'), ('efficient', 'relu')])
def test_upstream_fault_strategy_ignored(tmp_path, strategy, first):
    """The strategy that is asked for decides what is tried first."""
    model = sequential(2, L.Dense(4, activation='tanh'), L.Dense(4, activation='relu'),
                       L.Dense(3, activation='softmax'))
    problems, solutions = train(tmp_path, model, optimizer=exploding(), iters=2,
                                strategy=strategy, autorepair=False)
    assert problems == ['explode'] and solutions[0]['solution'] == first


def test_upstream_fault_debug_print(repaired):
    """Checks and repairs print nothing."""
    assert repaired['result']['checks'] > 0 and len(repaired['result']['attempts']) == 2
    assert repaired['shown'] == ''


def test_upstream_fault_tmp_models_cwd(repaired):
    """A repair writes into the folders it was given and nowhere else."""
    assert repaired['here'] == []
    assert sorted(os.listdir(str(repaired['folder']))) == ['log', 'run']


def test_upstream_fault_repair_log_lost(repaired):
    """Every attempt is in the log, and in the events."""
    log = (repaired['folder'] / 'log' / 'monitor_repair.log').read_text(encoding='utf-8')
    lines = (repaired['folder'] / 'run' / 'events.jsonl').read_text(encoding='utf-8').splitlines()
    events = [json.loads(line) for line in lines]
    tried = [(a['solution'], a['try']) for a in repaired['result']['attempts']]
    assert tried == [('gradient', 1), ('gradient', 2)]
    assert [(e['solution'], e['try']) for e in events if e['event'] == 'attempt'] == tried
    assert 0 < log.index('gradient 1: ') < log.index('gradient 2: ')


@pytest.mark.parametrize('name, gradients, issue', [
    ('alpha_1', VANISHED, 'vanish'),
    ('alpha_2', HEALTHY._replace(kernels=(('first', 100.0), ('last', 1.0))), 'explode'),
    ('alpha_3', HEALTHY._replace(zero_share=0.9), 'relu'),
])
def test_upstream_fault_alpha_unread(name, gradients, issue):
    """The window decides how many checks in a row must agree."""
    for window in (0, 2):
        monitor = IssueMonitor(10, params={name: window, 'delta': -1})
        acc = [0.1] * 8
        found = [monitor.determine(None, history_of(acc[:epoch], [1.0] * epoch), gradients)
                 for epoch in range(3, 8)]
        assert found == [[]] * window + [[issue]] * (5 - window)


def test_upstream_fault_callback_order(tmp_path):
    """Callbacks are called in the order in which they were given."""
    called = []

    class Note(keras.callbacks.Callback):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def on_epoch_end(self, epoch, logs=None):
            called.append(self.number)

    train(tmp_path, small(), iters=2, callbacks=[Note(i) for i in (3, 1, 5, 0, 4, 2)])
    assert called == [3, 1, 5, 0, 4, 2] * 2


# -------------------------------------------------------------------------------------- verdicts

def test_upstream_fault_late_collapse():
    """Accuracy that falls to chance for good after the midpoint, under ``adaptive``."""
    watch = LossHistory(total_epoch=60, checktype='adaptive')
    watch.set_model(sequential(2, L.Dense(3, activation='softmax')))
    watch.set_params({'epochs': 60, 'steps': 1875})
    watch.on_train_begin()
    for epoch in range(60):
        good = epoch < 40
        watch.on_epoch_end(epoch, {'loss': 0.1 if good else 2.31, 'accuracy': 0.95 if good else 0.1,
                                   'val_loss': 0.2 if good else 2.31,
                                   'val_accuracy': 0.93 if good else 0.1})
    assert watch.issue_list == ['collapse']
    assert 41 <= watch.verdict.epoch <= 45


@pytest.mark.backend
def test_upstream_fault_nan_is_activation():
    """Weights that go to NaN are an explosion, also where the head fits badly."""
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 5:
                self.model.set_weights([w * np.nan for w in self.model.get_weights()])

    x, y = blobs()
    for watch_last in (True, False):  # the break is seen by the probe, or in the next loss
        model = sequential(2, L.Dense(8, activation='relu'), L.Dense(3, activation='sigmoid'))
        keras_bridge.compile_model(model, keras_bridge.optimizer_config(
            'SGD', {'learning_rate': 1e-7}), 'categorical_crossentropy')
        watch = LossHistory((x, y), checktype='epoch_6' if watch_last else 'epoch_7',
                            params={'gamma': 2, 'Theta': 1.1})
        calls = [Break(), watch] if watch_last else [watch, Break()]
        model.fit(x, y, epochs=12, verbose=0, callbacks=calls)
        assert watch.issue_list[0] == 'explode', watch.verdict
        assert 'activation_issue' not in watch.issue_list
        assert watch.verdict.epoch == (6 if watch_last else 7)


def watched(model, x, y, loss, epochs=30, **arguments):
    """Verdict and last accuracy of a training that is looked at every epoch."""
    keras_bridge.compile_model(model, keras_bridge.optimizer_config(
        'Adam', {'learning_rate': 0.02}), loss)
    watch = LossHistory((x, y), checktype='epoch_1', stop=False, **arguments)
    model.fit(x, y, batch_size=16, epochs=epochs, verbose=0, callbacks=[watch])
    assert watch.watcher.checks > 0
    return watch


def regression_data():
    x = np.random.RandomState(0).randn(128, 3).astype('float32')
    return x, (x.dot([[1.0], [2.0], [-1.0]]) + 20 * x[:, :1] ** 2).astype('float32')


def test_upstream_fault_mse_is_improper(tmp_path):
    """A regression is judged neither by its loss's kind nor by an accuracy it cannot have.

    But one that hardly gets better than a constant prediction is told to be slow.
    """
    x, y = regression_data()
    watch = watched(sequential(3, L.Dense(8, activation='relu'), L.Dense(1)), x, y, 'mse')
    assert watch.issue_list == [] and watch.history['loss'][-1] < watch.history['loss'][0]
    for rate, issues in ((0.05, []), (0.0001, ['not_converge'])):
        model = sequential(3, L.Dense(8, activation='relu'), L.Dense(1))
        optimizer = keras_bridge.optimizer_config('Adam', {'learning_rate': rate})
        problems, _ = train(tmp_path / str(rate), model, dataset(x, np.round(y)), loss='mae',
                            optimizer=optimizer, iters=60, autorepair=False)
        assert problems == issues


def test_upstream_fault_two_class_softmax():
    x, y = blobs(classes=2)
    watch = watched(sequential(2, L.Dense(8, activation='relu'), L.Dense(2, activation='softmax')),
                    x, y, 'categorical_crossentropy', params={'Theta': 1.1, 'delta': -1})
    assert watch.issue_list == [] and watch.history['acc'][-1] > 0.9


def test_upstream_fault_sigmoid_multilabel():
    x = np.random.RandomState(0).randn(128, 3).astype('float32')
    watch = watched(sequential(3, L.Dense(8, activation='relu'), L.Dense(3, activation='sigmoid')),
                    x, (x > 0).astype('float32'), 'binary_crossentropy',
                    params={'Theta': 1.1, 'delta': -1, 'eta': 2})
    # Theta out of reach: outputs and loss were judged at every check
    assert watch.issue_list == [] and watch.history['loss'][-1] < 0.3


def test_upstream_fault_overfit_never():
    """Labels without a rule are learnt by heart: overfitting, where it is asked for."""
    source = np.random.RandomState(0)
    x = source.randn(80, 6).astype('float32')
    y = np.eye(2, dtype='float32')[source.randint(0, 2, 80)]
    model = sequential(6, L.Dense(64, activation='relu'), L.Dense(64, activation='relu'),
                       L.Dense(2, activation='softmax'))
    keras_bridge.compile_model(model, keras_bridge.optimizer_config(
        'Adam', {'learning_rate': 0.01}), 'categorical_crossentropy')
    watch = LossHistory((x[:40], y[:40]), checktype='epoch_1', optional_issues=['overfit'])
    model.fit(x[:40], y[:40], batch_size=40, epochs=60, verbose=0, callbacks=[watch],
              validation_data=(x[40:], y[40:]))
    assert watch.issue_list == ['overfit'], watch.verdict
    assert repair.repair_strategy('balance')['overfit']


@pytest.mark.backend
def test_upstream_fault_all_zero_gradients():
    """Gradients that are all zero have vanished or died; a last one of zero is no explosion."""
    x, y = blobs()
    zero = {'kernel_initializer': 'zeros'}
    flat = sequential(2, L.Dense(4, **zero), L.Dense(3, activation='softmax', **zero))
    dead = sequential(2, L.Dense(4, activation='relu', **zero), L.Dense(3, activation='softmax'))
    for model, issue in ((flat, 'vanish'), (dead, 'relu')):
        keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD'),
                                   'categorical_crossentropy')
        found = Probe(model, Batch(x, y)).gradients()
        assert [norm for _, norm in found.kernels] == [0.0, 0.0]
        assert IssueMonitor(10).determine(None, history_of([0.3] * 5, [1.0] * 5), found) == [issue]
    last = HEALTHY._replace(kernels=(('first', 1.0), ('last', 0.0)))
    assert gradient_issue(last, IssueMonitor(10).params)['explode_gradient'] is None


def test_upstream_fault_ol_empty_true():
    assert ol_judge({'acc': []}, 0.03, 0.2) is False
    assert ol_judge({'acc': []}, 0.03, 0.0) is False
    assert LossHistory(total_epoch=1).monitor.determine(None, history_of([], []), None) == []


@pytest.mark.backend
def test_upstream_fault_nan_max_order():
    """Where a NaN stands among the losses, or among the weights, does not matter."""
    for bad in (math.nan, math.inf, -math.inf):
        for loss in set(itertools.permutations([bad, 0.5, 0.5, 2e3])):
            monitor = IssueMonitor(10)
            assert monitor.determine(None, history_of([0.1] * 4, list(loss)), HEALTHY) == [
                'explode']
    x, y = blobs()
    for spoilt in itertools.product(range(2), range(2)):
        model = sequential(2, L.Dense(2), L.Dense(3, activation='softmax'))
        keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD'),
                                   'categorical_crossentropy')
        weights = model.get_weights()
        weights[0][spoilt] = np.nan
        model.set_weights(weights)
        assert not Probe(model, Batch(x, y)).gradients().weights_finite


# ---------------------------------------------------------------------------------------- repair

def test_upstream_fault_retrain_from_damaged(tmp_path, monkeypatch):
    """Each attempt at a training that learnt already starts from the weights before it."""
    begun, ended = [], []

    class Weights(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            begun.append(self.model.get_weights())

        def on_train_end(self, logs=None):
            ended.append(self.model.get_weights())

    monkeypatch.setitem(repair.STRATEGIES['balance'], 'unstable', ['adam_1', 'batch_1'])
    model = sequential(2, L.Dense(4, activation='tanh'), L.BatchNormalization(),
                       L.Dense(3, activation='softmax'))
    given = model.get_weights()
    result, _, _ = train(tmp_path, model, callbacks=[Weights()], iters=6,
                         params={'eta': 0})  # any curve swings often enough
    assert result['initial_issue'] == 'unstable' and len(begun) == 3
    for weights in begun:
        assert all(np.array_equal(a, b) for a, b in zip(weights, given))
    for weights in ended:
        assert not all(np.array_equal(a, b) for a, b in zip(weights, given))
