"""The callback in loops by hand, several fits, on several devices: real, tiny trainings."""

import importlib.util
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.utils.utils import LossHistory

pytestmark = pytest.mark.backend
ROOT = Path(__file__).resolve().parents[2]
keras = keras_bridge.keras
layers = keras.layers
LEGACY = keras_bridge.LEGACY
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(200, 4).astype('float32')
Y = (X[:, 0] + X[:, 1] > 0).astype('int64')
HELD = X[:50], Y[:50]


def network(optimizer=None, seed=1, **settings):
    keras_bridge.set_seed(seed)
    made = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation='relu'),
                             layers.Dense(1, activation='sigmoid', dtype='float32')])
    made.compile(optimizer or keras.optimizers.Adam(0.05), 'binary_crossentropy',
                 metrics=['accuracy'], **settings)
    return made


def stuck():
    return network(keras.optimizers.SGD(1e-9))


def loop(model, watch, trained, stop=True, **begin):
    """A loop by hand; the epochs that it ran and the losses of each."""
    losses = []
    if watch is not None and watch.begin(model, **begin):
        return 0, losses
    for _ in range(trained):
        for start in range(0, 200, 40):
            said = model.train_on_batch(X[start:start + 40], Y[start:start + 40])
        losses.append([float(value) for value in said])
        held = model.test_on_batch(*HELD)
        if watch is not None and watch.epoch(loss=said[0], accuracy=said[1], val_loss=held[0],
                                             val_accuracy=held[1]) and stop:
            break
    if watch is not None:
        watch.end()
    return len(losses), losses


def fit(model, watch, epochs=10, **settings):
    return model.fit(X, Y, epochs=epochs, batch_size=40, verbose=0,
                     callbacks=[watch] if watch else [], **settings)


# -------------------------------------------------------------------------------- loops by hand

def test_a_loop_by_hand_is_judged_as_fit_is(caplog):
    watch = Watch(X, Y, validation_data=HELD)
    with caplog.at_level(logging.WARNING, 'AutoTrainer'):
        assert loop(stuck(), watch, 10, epochs=10)[0] == 3
    assert watch.verdict.epoch == 3 and watch.session.ended == 'verdict'
    assert watch.verdict.yardstick > 0.7 and len(watch.history['val_acc']) == 3
    assert caplog.text.count('the training is stopped') == 1


def test_a_sound_loop_by_hand_trains_the_same_to_the_last_bit(caplog):
    watch = Watch(X, Y, epochs=8)
    assert loop(network(), watch, 8) == loop(network(), None, 8)
    assert watch.verdict.reason.startswith('sound: nothing was found in 8 epochs')
    assert caplog.text == ''


def test_a_loop_that_is_left_early_is_judged_as_it_stands():
    watch = Watch(X, Y, validation_data=HELD)
    assert loop(stuck(), watch, 2, epochs=10)[0] == 2
    assert watch.session.ended == 'callback'


def test_a_loop_by_hand_goes_back_and_on():
    model, watch = network(), LossHistory((X, Y), on_issue='restore')
    watch.begin(model, epochs=6)
    assert not watch.epoch(loss=0.5, accuracy=0.8)
    kept = model.get_weights()
    model.set_weights([np.full_like(w, np.nan) for w in kept])
    assert not watch.epoch(loss=np.float32('nan'))
    assert all(np.array_equal(a, b) for a, b in zip(kept, model.get_weights()))
    assert keras_bridge.learning_rate(model) == pytest.approx(0.005)
    assert watch.session.restorations[0].back_to == 1


@pytest.mark.parametrize('given, told', [
    ({'loss': 1.0, 'accuarcy': 0.5}, 'accuarcy=0.5 is passed over; did you mean accuracy?'),
    ({'loss': 'low'}, "loss is 'low', which is no number (could not convert string to float"),
    ({'loss': np.ones(3), 'accuracy': 0.5}, 'loss is array([1., 1., 1.]), which is no number'),
    ({'accuracy': 0.5}, 'no loss was given, without which little can be judged; give loss=')])
def test_what_is_wrong_with_numbers_is_said_once_and_the_training_goes_on(caplog, given, told):
    watch = LossHistory(total_epoch=10)
    watch.begin(network())
    for _ in range(2):
        assert not watch.epoch(**given)
    assert caplog.text.count(told) == 1 and caplog.text.count('watch.epoch: ') <= 2


def test_numbers_by_other_spellings_and_of_other_kinds():
    watch = LossHistory(total_epoch=10)
    watch.begin(network())
    watch.epoch(loss=np.float32(1.5), acc=np.array(0.5), val_acc=keras_bridge.to_tensors(
        np.array(0.25, 'float32')))
    assert {key: series[0] for key, series in watch.history.items()} == {
        'loss': 1.5, 'acc': 0.5, 'val_loss': None, 'val_acc': 0.25}


def test_a_loop_without_a_beginning_or_a_length():
    with pytest.raises(UserError, match=r'call watch.begin\(model, epochs=N\) before the first'):
        Watch(X, Y).epoch(loss=1.0)
    with pytest.raises(UserError, match='watch.begin has no number of epochs; give epochs=N'):
        Watch(X, Y).begin(network())


def test_two_names_for_one_number():
    assert Watch(X, Y, epochs=5).total_epoch == Watch(X, Y, total_epoch=5).total_epoch == 5
    with pytest.raises(UserError, match='epochs is 5, but total_epoch, its other name, is 6'):
        Watch(X, Y, epochs=5, total_epoch=6)
    with pytest.raises(UserError, match="epochs is 0; give a whole number from 1"):
        Watch(X, Y, epochs=0)


# --------------------------------------------------------------------------------- several fits

def test_one_fit_per_epoch_is_one_training_where_epochs_says_so():
    model, watch = stuck(), Watch(X, Y, epochs=10)
    for _ in range(10):
        fit(model, watch, 1)
        if watch.issue_list:
            break
    assert watch.verdict.epoch == 3 and len(watch.history['loss']) == 3


def test_one_fit_per_epoch_without_epochs_names_them_and_no_more_than_twice(caplog):
    model, watch = network(), Watch(X, Y)
    for _ in range(5):
        fit(model, watch, 1)
    said = [line for line in caplog.messages if 'give epochs=N' in line]
    assert len(said) == 1
    assert said[0].startswith('fit() has been called again for 1 epoch, which is judged as a')


def test_one_callback_watches_one_training_after_another(caplog):
    watch = Watch(X, Y)
    fit(network(), watch, 8)
    assert watch.verdict.issues == ()
    fit(stuck(), watch, 10)
    assert watch.verdict.issues and watch.verdict.epoch == 3
    fit(network(), watch, 8)
    assert watch.verdict.issues == () and len(watch.history['loss']) == 8


def test_whoever_looks_on_changes_no_training(tmp_path, capsys):
    """A line for each epoch, and what TensorBoard reads where tensorboardX is there."""
    there = importlib.util.find_spec('tensorboardX') is not None
    watch = Watch(X, Y, validation_data=HELD, progress=True, checktype='epoch_1', rules='skill',
                  tensorboard=str(tmp_path) if there else None)
    plain = fit(network(), None, 4, validation_data=HELD).history
    assert fit(network(), watch, 4, validation_data=HELD).history == plain
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(':')[0] for line in lines] == ['epoch %d/4' % n for n in range(1, 5)]
    assert 'skill %.2f, nothing suspected' % watch.verdict.skill in lines[-1]
    assert len(list(tmp_path.iterdir())) == there


# ------------------------------------------------------------------------- precision, accumulation

@pytest.mark.skipif(LEGACY, reason='TensorFlow 2.3 accumulates no gradients')
def test_accumulated_gradients():
    def optimizer():
        return keras.optimizers.Adam(0.05, gradient_accumulation_steps=2)

    plain = fit(network(optimizer()), None, 6).history
    watch = Watch(X, Y, checktype='epoch_1', on_issue='restore')
    assert fit(network(optimizer()), watch, 6).history == plain
    assert watch.session.probes == 6 and watch.verdict.issues == ()


@pytest.mark.skipif(LEGACY, reason='its policy of TensorFlow 2.3 is experimental')
@pytest.mark.parametrize('policy', ['mixed_bfloat16', 'mixed_float16'])
def test_mixed_precision(policy):
    """float16 brings an optimizer that scales the loss around the user's own."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        plain = fit(network(), None, 4).history
        model, watch = network(), LossHistory((X, Y), checktype='epoch_1', on_issue='restore')
        assert fit(model, watch, 4).history == plain
        assert watch.session.probes == 4 and watch.verdict.issues == ()
        keeper = watch._keeper
        assert keeper.put_back(0.1).rates == pytest.approx((0.05, 0.005))
    finally:
        keras.config.set_dtype_policy(before)


# -------------------------------------------------------------------------------- several devices

SEVERAL = '''
import sys
sys.path.insert(0, %(here)r)
import numpy as np
from test_keras_callback import keras, keras_bridge, network, fit, X, Y, HELD
from AutoTrainer import Watch
%(before)s
with scope():
    plain = network()
losses = fit(plain, None, 3).history
with scope():
    model = network()
watch = Watch(X, Y, validation_data=HELD, checktype='epoch_1', rules='skill', on_issue='restore')
same = fit(model, watch, 3).history == losses
assert watch.session.probes == 3 and not watch.watcher.failed, watch.watcher.failed
assert watch.watcher.skill_looks > 0
keeper, kept = watch._keeper, model.get_weights()
keeper.keep(3)
model.set_weights([w * np.nan for w in kept])
assert abs(keeper.put_back(0.1).rates[1] - 0.005) < 1e-6
assert all(np.array_equal(a, b) for a, b in zip(kept, model.get_weights()))
fit(model, None, 1)  # what was put back can be trained on
print('devices', devices, 'same', same)
'''

JAX = '''
import contextlib
import jax
keras.distribution.set_distribution(keras.distribution.DataParallel())
scope, devices = contextlib.nullcontext, len(jax.devices())
'''

TENSORFLOW = '''
import tensorflow as tf
cpus = tf.config.list_physical_devices('CPU')
kind = getattr(tf.config, 'LogicalDeviceConfiguration', None) or (
    tf.config.experimental.VirtualDeviceConfiguration)
tf.config.experimental.set_virtual_device_configuration(cpus[0], [kind(), kind()])
strategy = tf.distribute.MirroredStrategy(['/cpu:0', '/cpu:1'])
scope, devices = strategy.scope, strategy.num_replicas_in_sync
'''


def several(before, **environment):
    code = SEVERAL % {'here': str(Path(__file__).parent), 'before': before}
    done = subprocess.run([sys.executable, '-c', code], cwd=str(ROOT), capture_output=True,
                          env=dict(os.environ, **environment))
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout.decode().split('\n')[-2]


@pytest.mark.slow
@pytest.mark.skipif(keras_bridge.backend() != 'jax', reason='virtual devices of JAX')
def test_data_parallel_on_four_devices():
    assert several(JAX, XLA_FLAGS='--xla_force_host_platform_device_count=4') == (
        'devices 4 same True')


@pytest.mark.slow
@pytest.mark.skipif(keras_bridge.backend() != 'tensorflow', reason='a strategy of TensorFlow')
def test_mirrored_strategy_on_two_devices():
    assert several(TENSORFLOW) == 'devices 2 same True'
