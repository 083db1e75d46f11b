import numpy as np
import pytest

from AutoTrainer import keras_bridge as bridge

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


def chain(*steps):
    inputs = outputs = keras.Input((4,))
    for step in steps:
        outputs = step(outputs)
    return keras.Model(inputs, outputs)


def test_the_first_kernel_is_found_in_a_nested_model():
    x = np.array([[1.0, 2.0, 3.0, 4.0]], 'float32')
    twice = layers.Lambda(lambda x: x * 2)
    np.testing.assert_array_equal(
        bridge.first_kernel_input(chain(twice, chain(twice, layers.Dense(1))), x),
        4 * x.ravel())
    normalised = chain(layers.BatchNormalization(), layers.Dense(1))
    assert bridge.first_kernel_input(chain(twice, normalised), x) is None
