"""Trainings of models that are put together in unusual ways are watched as all others are."""

import numpy as np
import pytest

from AutoTrainer import LossHistory
from AutoTrainer import keras_bridge as bridge
from AutoTrainer.judge.losses import loss_name

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


def functional(units=5):
    inputs = keras.Input((8,))
    return keras.Model(inputs, layers.Dense(units, activation='relu')(inputs))


def head(hidden):
    return layers.Dense(3, activation='softmax')(hidden)


def nested_in_the_middle():
    inputs = keras.Input((8,))
    return keras.Model(inputs, head(functional()(layers.Dense(8)(inputs))))


def nested_in_sequential():
    return keras.Sequential([keras.Input((8,)), functional(),
                             layers.Dense(3, activation='softmax')])


def sequential_in_functional():
    inputs = keras.Input((8,))
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(8, activation='relu')])
    return keras.Model(inputs, head(inner(inputs)))


def nested_twice():
    inputs, outer = keras.Input((8,)), keras.Input((8,))
    middle = keras.Model(inputs, layers.Dense(4, activation='relu')(functional()(inputs)))
    return keras.Model(outer, head(middle(outer)))


def nested_and_shared():
    inputs, inner = keras.Input((8,)), functional(8)
    return keras.Model(inputs, head(inner(inner(layers.Dense(8)(inputs)))))


def frozen_base():
    inputs, base = keras.Input((8,)), functional()
    base.trainable = False
    return keras.Model(inputs, head(base(inputs)))


def part_of_another_model():
    whole = nested_in_the_middle()
    return keras.Model(whole.inputs, head(layers.Dense(4)(whole.layers[1].output)))


def watched(model, x, y, loss='sparse_categorical_crossentropy', metrics=('accuracy',), epochs=4):
    """The callback after a training with a check in every epoch, all of which could be measured."""
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=list(metrics))
    watch = LossHistory(training_data=(x, y), checktype='epoch_1', params={'Theta': 0.999},
                        stop=False)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[watch])
    assert watch.watcher.checks
    probe = watch.watcher.probe
    assert np.isfinite(probe.outputs().highest) and probe.gradients().finite
    assert probe.task().loss == loss_name(loss)
    return watch


def data():
    rng = np.random.RandomState(0)
    return rng.randn(64, 8).astype('float32'), rng.randint(0, 3, 64)


@pytest.mark.slow
@pytest.mark.parametrize('make', [
    nested_in_the_middle, nested_in_sequential, sequential_in_functional, nested_twice,
    nested_and_shared, frozen_base, part_of_another_model])
def test_models_in_models_are_watched(make):
    model = make()
    watch = watched(model, *data())
    measured = dict(watch.watcher.probe.outputs().layers)
    assert model.layers[-1].name in measured and np.isfinite(list(measured.values())).all()


@pytest.mark.slow
def test_inputs_go_in_by_the_keys_of_the_model():
    one, two = keras.Input((8,), name='one'), keras.Input((8,), name='two')
    hidden = layers.Concatenate()([layers.Dense(4)(one), layers.Dense(4)(two)])
    model = keras.Model({'image': one, 'text': two}, head(hidden))
    x, y = data()
    watched(model, {'image': x, 'text': x}, y)


@pytest.mark.slow
def test_a_healthy_classifier_without_metrics_is_not_blamed():
    rng = np.random.RandomState(0)
    bridge.set_seed(0)
    y = rng.randint(0, 3, 300)
    x = (np.eye(8)[y] * 3 + rng.randn(300, 8)).astype('float32')
    model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation='relu'),
                              layers.Dense(3, activation='softmax')])
    watch = watched(model, x, y, metrics=(), epochs=10)
    assert 0.5 < watch.history['acc'][-1] < 1 and watch.issue_list == []


@pytest.mark.slow
def test_a_loss_of_the_users_own_over_sequences_is_watched_without_accuracy():
    def own(y_true, y_pred):
        return bridge.keras.losses.sparse_categorical_crossentropy(y_true, y_pred)

    rng = np.random.RandomState(0)
    model = keras.Sequential([keras.Input((6,)), layers.Embedding(9, 4),
                              layers.Dense(5, activation='softmax')])
    watch = watched(model, rng.randint(0, 9, (64, 6)), rng.randint(0, 5, (64, 6)), own, ())
    assert watch.history['acc'] == [None] * 4


@pytest.mark.slow
def test_a_layer_whose_attribute_layers_is_a_number_is_watched():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.layers = 2

        def call(self, inputs):
            return inputs * 2

    model = keras.Sequential([keras.Input((8,)), Block(), layers.Dense(3, activation='softmax')])
    watched(model, *data())
