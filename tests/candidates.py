"""Small models of every kind, and candidates made from them."""

import random

import numpy as np

from AutoTrainer import keras_bridge
from AutoTrainer.solutions.candidate import Candidate, NotApplicable, Training
from AutoTrainer.utils.repair import SOLUTIONS

keras = keras_bridge.keras
L = keras.layers


def mlp():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(5, activation='relu', name='fc1'),
        L.Dense(5, activation='relu', name='fc2'), L.Dense(3, activation='softmax', name='out')])


def dense_activation():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(5, name='fc1'), L.Activation('relu', name='act1'),
        L.Dense(5, name='fc2'), L.ReLU(name='act2'), L.Dense(3, name='out'),
        L.Activation('softmax', name='head')])


def residual():
    x = keras.Input((4,), name='in')
    a = L.Dense(4, activation='relu', name='a')(x)
    b = L.Dense(4, name='b')(a)
    total = L.Activation('relu', name='act')(L.Add(name='add')([a, b]))
    joined = L.Concatenate(name='join')([total, x])
    return keras.Model(x, L.Dense(3, activation='softmax', name='out')(joined))


def convolutional():
    return keras.Sequential([
        keras.Input((6, 6, 1)), L.Conv2D(3, 3, name='conv1'), L.BatchNormalization(name='norm'),
        L.Activation('relu', name='act'), L.Conv2D(2, 3, activation='relu', name='conv2'),
        L.Flatten(), L.Dense(3, activation='softmax', name='out')])


def tokens():
    return keras.Sequential([
        keras.Input((5,)), L.Embedding(7, 4, name='words'), L.LSTM(4, name='lstm'),
        L.Dense(4, activation='relu', name='fc'), L.Dense(3, activation='softmax', name='out')])


def sequences():
    x = keras.Input((5, 3), name='in')
    h = L.Bidirectional(L.GRU(3, return_sequences=True), name='both')(x)
    h = L.TimeDistributed(L.Dense(3, activation='relu'), name='each')(h)
    return keras.Model(x, L.Dense(3, activation='softmax', name='out')(L.GRU(3, name='gru')(h)))


MODELS = {f.__name__: f for f in (mlp, dense_activation, residual, convolutional, tokens,
                                  sequences)}


def inputs_for(model, rows=16):
    shape = tuple(model.input_shape[1:])
    numbers = np.random.RandomState(1)
    if any(layer.name == 'words' for layer in model.layers):
        return numbers.randint(0, 7, (rows,) + shape)
    return (3 + 20 * numbers.randn(*((rows,) + shape))).astype('float32')


def one_hot(rows=16, classes=3):
    return np.eye(classes, dtype='float32')[np.arange(rows) % classes]


def training(x=None, y=None, optimizer='SGD', loss='categorical_crossentropy', batch_size=16,
             callbacks=(), val=None, epochs=2, shuffle=True, **kwargs):
    x = np.zeros((600, 4), 'float32') if x is None else x
    y = one_hot(len(x)) if y is None else y
    return Training(optimizer=keras_bridge.optimizer_config(optimizer, kwargs), loss=loss,
                    batch_size=batch_size, epochs=epochs, callbacks=tuple(callbacks),
                    dataset={'x': x, 'y': y, 'x_val': val and val[0], 'y_val': val and val[1]},
                    shuffle=shuffle)


def candidate(build=mlp, seed=5, **kwargs):
    """A candidate whose model has weights that no initializer gives (biases are not zero)."""
    keras_bridge.set_seed(seed)
    model = build()
    numbers = np.random.RandomState(seed)
    model.set_weights([w + 0.01 * np.abs(numbers.randn(*w.shape)) for w in model.get_weights()])
    if 'x' not in kwargs:
        kwargs['x'] = inputs_for(model)
    return Candidate(keras_bridge.take_blueprint(model), training(**kwargs))


def apply(name, given, issue='unstable', attempt=0, seed=0):
    """(changed candidate, description); fails where the solution says that it does not apply."""
    return SOLUTIONS[name].apply(given, issue, attempt, random.Random(seed))


def why_not(name, given, issue='unstable', attempt=0):
    """Why a solution does not apply; '' if it does."""
    try:
        apply(name, given, issue, attempt)
    except NotApplicable as reason:
        return str(reason)
    return ''


def build(given, seed=9):
    return keras_bridge.build_model(given.model, seed)


def train(given, epochs=1, model=None):
    """Build (without a model), compile and fit as a repair does; returns the model."""
    model = model or build(given)
    how = given.training
    keras_bridge.compile_model(model, how.optimizer, how.loss)
    model.fit(how.dataset['x'], how.dataset['y'], batch_size=how.batch_size, epochs=epochs,
              verbose=0)
    return model


def weights(model):
    return keras_bridge.layer_weights(model)


def chain(model):
    """(layer, kind, activation) of a model, input and flattening left out."""
    return [(layer.name, type(layer).__name__, keras_bridge.activation_name(layer))
            for layer in model.layers if type(layer).__name__ not in ('InputLayer', 'Flatten')]
