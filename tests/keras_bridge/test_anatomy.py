import pytest

from AutoTrainer import keras_bridge as bridge

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


class Own(layers.Layer):
    def __init__(self, inner=2):
        super().__init__()
        self.layers = inner

    def call(self, inputs):
        return inputs * 2


class OwnModel(keras.Model):
    def call(self, inputs):
        return inputs * 2


def chain(*steps):
    inputs = keras.Input((4,))
    outputs = inputs
    for step in steps:
        outputs = step(outputs)
    return keras.Model(inputs, outputs)


def relu_op(tensor):
    if bridge.LEGACY:
        import tensorflow as tf
        return tf.nn.relu(tensor)
    return keras.ops.relu(tensor)


@pytest.mark.parametrize('model, expected', [
    (chain(layers.Dense(3)), False),
    (chain(layers.Dense(3, activation='sigmoid'), layers.LeakyReLU(), layers.Dropout(0.1)), False),
    (chain(layers.Dense(3, activation='relu')), True),
    (chain(layers.Dense(3), layers.ReLU()), True),
    (chain(layers.Dense(3), relu_op), True),
    (chain(layers.Dense(3), keras.activations.relu), True),
    (chain(layers.Dense(3), keras.activations.sigmoid), False),
    (chain(layers.Dense(3, activation=lambda x: x * 2)), True),
    (chain(layers.Lambda(lambda x: x * 2)), True),
    (chain(Own()), True),
    (chain(chain(layers.Dense(4), relu_op)), True),
    (chain(chain(layers.Dense(4, activation='tanh'))), False),
    (keras.Sequential([keras.Input((4,)), chain(layers.Dense(4), relu_op)]), True),
    (keras.Sequential([keras.Input((4, 2)), layers.TimeDistributed(
        layers.Dense(3, activation='relu'))]), True),
    (OwnModel(), True),
])
def test_units_that_can_die_are_found(model, expected):
    assert bridge.has_rectifiers(model) is expected


def test_layers_within_layers_are_found():
    inner = layers.Dense(3)
    model = chain(Own([inner, 7]), Own(2), chain(layers.Dense(2)))
    names = [type(layer).__name__ for layer in bridge.leaf_layers(model)]
    assert [name for name in names if name != 'InputLayer'] == ['Dense', 'Own', 'Dense']
