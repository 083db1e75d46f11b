"""What a compiled model says of its training."""

import numpy as np
import pytest

from AutoTrainer import keras_bridge

keras = keras_bridge.keras
layers = keras.layers
X = np.random.RandomState(0).rand(10, 8).astype('float32')


def facts(*parts, optimizer='adam', x=X):
    model = keras.Sequential(list(parts))
    model.compile(optimizer, 'mse')
    return keras_bridge.setup_of(model, keras_bridge.seen_model(model, x))


@pytest.mark.backend
@pytest.mark.parametrize('optimizer, expected', [
    ('sgd', ('SGD', 0.01, False, 0)),
    (lambda: keras.optimizers.SGD(0.1, momentum=0.9), ('SGD', 0.1, False, 0.9)),
    (lambda: keras.optimizers.Adam(0.3), ('Adam', 0.3, False, 0)),
    (lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.2, 5, 0.5)),
     ('Adam', 0.2, True, 0)),
])
def test_the_optimizer(optimizer, expected):
    setup = facts(layers.Dense(1), optimizer=optimizer if isinstance(optimizer, str)
                  else optimizer())
    assert (setup.optimizer, setup.learning_rate, setup.scheduled, setup.momentum) == expected


@pytest.mark.backend
def test_a_rate_that_was_set_later():
    model = keras.Sequential([layers.Dense(1)])
    model.compile('adam', 'mse')
    model.fit(X, X[:, 0], epochs=1, verbose=0)
    keras.backend.set_value(model.optimizer.learning_rate, 0.25) if keras_bridge.LEGACY else (
        setattr(model.optimizer, 'learning_rate', 0.25))
    setup = keras_bridge.setup_of(model, model)
    assert setup.learning_rate == 0.25


@pytest.mark.backend
def test_kernels():
    setup = facts(layers.Dense(300, kernel_initializer='he_normal'), layers.BatchNormalization(),
                  layers.ReLU(), layers.Dropout(0.4),
                  layers.Dense(200, activation='tanh', kernel_initializer='glorot_uniform'),
                  layers.Dense(1, kernel_initializer='zeros', bias_initializer='ones'))
    first, second, head = setup.kernels
    assert [kernel.activation for kernel in setup.kernels] == ['relu', 'tanh', 'linear']
    assert first.spread == pytest.approx(np.sqrt(2 / 8 * (8 + 300) / 2), rel=0.1)
    assert second.spread == pytest.approx(1, rel=0.02)
    assert (head.constant, head.zero, head.spread) == (True, False, 0)  # its bias is 1
    assert not second.constant and second.trainable
    assert setup.chain and setup.normalises and setup.trainable
    assert [(one.rate, one.units) for one in setup.dropouts] == [(0.4, 300)]


@pytest.mark.backend
def test_kernels_of_other_layers():
    setup = facts(layers.Reshape((4, 2)), layers.GRU(6, dropout=0.3, return_sequences=True),
                  layers.Conv1D(5, 2, activation='relu'), layers.Flatten(),
                  layers.Dense(2, kernel_initializer='ones'))
    assert len(setup.kernels) == 4  # two of the GRU, whose bias has two axes and is none
    assert [np.isnan(kernel.spread) for kernel in setup.kernels] == [True, True, False, False]
    assert [kernel.constant for kernel in setup.kernels] == [False, False, False, True]
    assert [one.rate for one in setup.dropouts] == [0.3]


@pytest.mark.backend
def test_embeddings_are_no_kernels():
    assert len(facts(layers.Embedding(5, 3), layers.GlobalAveragePooling1D(), layers.Dense(1),
                     x=np.ones((4, 6), 'int32')).kernels) == 1


@pytest.mark.backend
def test_a_copy_is_looked_at_where_there_are_no_weights_yet():
    model = keras.Sequential([layers.Dense(3), layers.Dense(1)])
    seen = keras_bridge.seen_model(model, X)
    assert seen is not model and not model.built and seen.output_shape == (None, 1)
    assert [layer.name for layer in seen.layers] == [layer.name for layer in model.layers]
    built = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
    assert keras_bridge.seen_model(built, X) is built


@pytest.mark.backend
def test_a_branched_model_is_no_chain():
    inputs = keras.Input((8,))
    hidden = layers.Dense(8)(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Add()([inputs, hidden])))
    model.compile('adam', 'mse')
    model.layers[1].trainable = False
    setup = keras_bridge.setup_of(model, model)
    assert not setup.chain and [kernel.trainable for kernel in setup.kernels] == [False, True]


@pytest.mark.backend
def test_what_reaches_the_first_layer_keeps_its_columns():
    model = keras.Sequential([keras.Input((4, 2)), layers.Flatten(), layers.Dense(1)])
    arriving, = keras_bridge.first_kernel_inputs(model, X.reshape(10, 4, 2))
    assert np.array_equal(arriving, X)
    flat = keras_bridge.first_kernel_input(model, X.reshape(10, 4, 2))
    assert np.array_equal(flat, X.ravel())
