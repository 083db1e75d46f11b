"""The best state of a Keras model is put back, and the training goes on: real, tiny trainings."""

import logging

import numpy as np
import pytest

from AutoTrainer import LossHistory, Watch, keras_bridge
from AutoTrainer.adapters.keras_keeper import Keeper
from AutoTrainer.judge.recovery import PutBack

pytestmark = pytest.mark.backend
keras = keras_bridge.keras
layers = keras.layers
LEGACY = keras_bridge.LEGACY
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(120, 4).astype('float32')
Y = (X[:, 0] + X[:, 1] > 0).astype('int64')


def network(rate=0.05, seed=1):
    keras_bridge.set_seed(seed)
    made = keras.Sequential([
        keras.Input((4,)), layers.Dense(8, activation='relu'), layers.BatchNormalization(),
        layers.Dense(1, activation='sigmoid')])
    # a cross-entropy of NaN is an error on PyTorch
    made.compile(keras.optimizers.Adam(rate), 'mse', metrics=['binary_accuracy'])
    return made


def fit(model, *callbacks, epochs=10, x=X, **settings):
    return model.fit(x, Y, epochs=epochs, batch_size=40, verbose=0, shuffle=False,
                     callbacks=list(callbacks), **settings)


class Break(keras.callbacks.Callback):
    """Spoils the weights before some epochs; comes first among the callbacks."""

    def __init__(self, *epochs):
        super().__init__()
        self.epochs, self.rates, self.states = epochs, [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(keras_bridge.learning_rate(self.model))
        if epoch + 1 in self.epochs:
            self.states.append(keras_bridge.training_state(self.model))
            self.model.set_weights([np.full_like(w, np.nan) for w in self.model.get_weights()])
        elif epoch in self.epochs:
            self.states.append(keras_bridge.training_state(self.model))


def watched(**settings):
    return LossHistory((X, Y), checktype='epoch_1', on_issue='restore', **settings)


def schedule(factor=1.0):
    return keras.optimizers.schedules.ExponentialDecay(0.05 * factor, 1000, 0.9)


# ------------------------------------------------------------------------------ the whole training

def test_after_nan_it_goes_on_from_the_best_with_a_tenth_of_the_rate(caplog, tmp_path):
    model, spoiled, watch = network(), Break(6), watched(save_dir=str(tmp_path))
    with caplog.at_level(logging.WARNING, 'AutoTrainer'):
        fit(model, spoiled, watch, epochs=10)
    loss = watch.history['loss']
    assert len(loss) == 10 and np.isnan(loss[5]) and np.isfinite(loss[6:]).all()
    one, = watch.session.restorations
    assert (one.epoch, one.issue, one.goes_on) == (6, 'explode', True)
    assert 1 <= one.back_to <= 5 and one.rates == pytest.approx((0.05, 0.005))
    assert spoiled.rates[5:7] == pytest.approx([0.05, 0.005])
    # what was put back is what was there, apart from the rate: here the last good epoch was best
    before, after = spoiled.states
    same = [np.array_equal(a, b) for a, b in zip(before, after)]
    assert one.back_to == 5 and same.count(False) == 1
    assert watch.verdict.issues == () and 'the weights of epoch 5 were put back' in caplog.text
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert '"event": "restore"' in (tmp_path / 'events.jsonl').read_text(encoding='utf-8')


def test_the_third_time_it_is_stopped_with_the_best_weights(caplog):
    model, watch = network(), watched()
    fit(model, Break(3, 4, 5, 6), watch)
    assert [one.epoch for one in watch.session.restorations] == [3, 4, 5]
    assert [one.rates and round(one.rates[1], 6) for one in watch.session.restorations] == [
        0.005, 0.0005, None]
    assert len(watch.history['loss']) == 5 and watch.verdict.issues[0] == 'explode'
    assert "(LossHistory(..., on_issue='continue') lets it run on)" in caplog.text
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_without_trouble_the_training_is_the_same_to_the_last_bit():
    plain = fit(network()).history
    watch = Watch(X, Y, on_issue='restore')
    assert fit(network(), watch).history == plain and watch.session.restorations == ()


def test_nan_from_the_first_epoch_on_goes_back_to_the_beginning():
    model, watch = network(), watched()
    fit(model, watch, Break(1), epochs=4)
    assert watch.session.restorations[0].back_to == 0 and len(watch.history['loss']) == 4
    assert np.isfinite(watch.history['loss'][1:]).all()


# -------------------------------------------------------------------------------- the rate, alone

def test_twice_back_to_one_epoch_is_lowered_twice():
    model = network(rate=0.5)
    fit(model, epochs=1)
    keeper = Keeper(model)
    keeper.keep(1)
    assert keeper.put_back(0.1).rates == pytest.approx((0.5, 0.05))
    assert keeper.put_back(0.1).rates == pytest.approx((0.05, 0.005))
    assert keeper.put_back(None) == PutBack(1)


@pytest.mark.skipif(LEGACY, reason='TensorFlow 2.3 cannot change a schedule inside fit()')
def test_a_schedule_is_scaled_inside_fit():
    """The rate that the steps really take: SGD moves a constant slope by rate times slope."""
    keras_bridge.set_seed(1)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(schedule()), lambda y, p: keras.ops.mean(p))
    ones, weights = np.ones((8, 1), 'float32'), []

    class Lower(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            weights.append(float(self.model.get_weights()[0][0, 0]))

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                keeper = Keeper(self.model)
                keeper.keep(2)
                assert keeper.put_back(0.1).rates == pytest.approx((0.05, 0.005), rel=1e-2)

    model.fit(ones, ones, batch_size=8, epochs=5, verbose=0, callbacks=[Lower()])
    assert np.diff(weights) == pytest.approx([-0.05, -0.05, -0.005, -0.005], rel=1e-2)
    config = model.optimizer.get_config()  # a model that was lowered can be saved
    again = keras.optimizers.SGD.from_config(config)
    assert float(again._learning_rate(0)) == pytest.approx(0.005)


@pytest.mark.skipif(not LEGACY, reason='Keras 3 can change a schedule inside fit()')
def test_a_schedule_that_cannot_be_changed_is_said_to_be_one():
    model = network(rate=schedule())
    watch = watched()
    fit(model, Break(3), watch, epochs=5)
    one, = watch.session.restorations
    assert one.rates is None and 'cannot be changed inside fit() on TensorFlow' in one.note
    assert np.isfinite(watch.history['loss'][3:]).all()


def test_a_model_without_weights_yet_has_no_state():
    model = keras.Sequential([layers.Dense(1)])
    model.compile('sgd', 'mse')
    keeper = Keeper(model)
    keeper.keep(0)
    assert keeper.put_back(0.1).epoch is None


def test_a_state_that_cannot_be_read_costs_the_restoration_alone(caplog, monkeypatch):
    monkeypatch.setattr(keras_bridge, 'training_state', lambda model: model.optimizers)
    model, watch = network(), watched()
    nan = [np.full_like(w, np.nan) for w in model.get_weights()]
    fit(model, keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs=None: (
        model.set_weights(nan) if epoch == 2 else None)), watch, epochs=5)
    assert len(watch.history['loss']) == 3 and watch.session.ended == 'verdict'
    assert caplog.text.count('the state of the model cannot be kept at epoch 0') == 1
    assert 'nothing was put back: no weights were kept: its state' in watch.verdict.reason
