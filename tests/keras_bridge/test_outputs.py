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


@pytest.mark.parametrize('head, labels', [
    (layers.Dense(1), np.arange(300) % 2),
    (layers.Dense(1, activation='sigmoid'), np.arange(300)[:, None] % 2),
    (layers.Dense(3, activation='softmax'), np.arange(300) % 3),
    (layers.Dense(3, activation='softmax'), np.arange(300)[:, None] % 3),
    (layers.Dense(3, activation='softmax'), np.eye(3)[np.arange(300) % 3])])
def test_the_accuracy_of_predictions_is_that_of_keras(head, labels):
    x = np.random.RandomState(0).randn(300, 4).astype('float32')
    model = chain(head)
    loss = ('binary_crossentropy' if head.units == 1 else 'categorical_crossentropy'
            if labels.ndim == 2 and labels.shape[-1] > 1 else 'sparse_categorical_crossentropy')
    model.compile('sgd', loss, metrics=['accuracy'])
    measured = bridge.epoch_values(model.evaluate(x, labels, verbose=0, return_dict=True))['acc']
    found = bridge.accuracy(labels, bridge.predictor(model)(x)[0])
    assert 0 < found < 1 and found == pytest.approx(measured, abs=1e-6)


def test_one_predictor_takes_any_number_of_rows():
    x = np.random.RandomState(0).randn(300, 4).astype('float32')
    model = chain(layers.Dense(3))
    predict = bridge.predictor(model)
    whole = model.predict(x, verbose=0)
    for rows in (1, 127, 128, 129, 300):
        np.testing.assert_allclose(predict(x[:rows])[0], whole[:rows], rtol=1e-5, atol=1e-6)
