import numpy as np
import pytest

from AutoTrainer import keras_bridge as bridge

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


def mlp(**first):
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, name='one', **first),
                             layers.Dense(2, activation='softmax', name='two')])


def branched():
    inputs = keras.Input((4,))
    hidden = layers.Dense(4, activation='relu', name='one')(inputs)
    return keras.Model(inputs, layers.Dense(2, name='two')(layers.Add()([inputs, hidden])))


@pytest.mark.parametrize('make', [mlp, branched])
def test_a_fresh_model_starts_from_the_same_weights(make):
    model = make()
    x = np.random.RandomState(0).randn(5, 4).astype('float32')
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    assert fresh is not model
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize('nested', [False, True])
def test_a_normalization_keeps_what_it_was_adapted_to(nested):
    kind = (layers.experimental.preprocessing if bridge.LEGACY else layers).Normalization
    x = np.random.RandomState(0).normal(50, 10, (20, 4)).astype('float32')
    scale = kind()
    inner = keras.Sequential([keras.Input((4,)), scale]) if nested else scale
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)])
    scale.adapt(x)
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    assert np.abs(model.predict(x, verbose=0)).max() < 10
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_layer_without_weights_in_the_blueprint_is_drawn_by_seed():
    blueprint = bridge.take_blueprint(mlp())
    del blueprint.weights['one']
    first, second, other = [bridge.build_model(blueprint, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    np.testing.assert_array_equal(first.get_weights()[2], other.get_weights()[2])


def test_lambda_layers_of_a_model_in_memory_are_rebuilt():
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2), layers.Dense(1)])
    x = np.ones((2, 4), 'float32')
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), model.predict(x, verbose=0))


def test_layers_that_cannot_be_rebuilt_are_trained_as_they_are():
    class Twice(layers.Layer):
        def __init__(self, needed):
            super().__init__()
            self.needed = needed

        def call(self, inputs):
            return inputs * 2

        def get_config(self):
            return {'name': self.name}

    model = keras.Sequential([keras.Input((4,)), Twice(1), layers.Dense(1)])
    blueprint = bridge.take_blueprint(model)
    assert blueprint.config is None and bridge.build_model(blueprint, 0) is model


def test_a_model_without_input_shape_is_built_from_the_data():
    model = keras.Sequential([layers.Dense(3), layers.Dense(1)])
    bridge.ensure_built(model, np.zeros((5, 4), 'float32'))
    assert bridge.take_blueprint(model).weights
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    assert fresh.predict(np.zeros((2, 4)), verbose=0).shape == (2, 1)
