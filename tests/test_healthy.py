"""Well-set trainings stay unflagged: a fixed list, looked at after every epoch.

Every entry trains to its last epoch under ``epoch_1``, the schedule that gives a false alarm the
most chances, with all issues of Table I, the three configuration faults and ``collapse`` judged;
and, in the same training, under ``Watch``, whose rules are those of skill.
Those with layers of a kind of their own also run on TensorFlow and PyTorch.
"""

import functools

import pytest

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.data import get_dataset
from AutoTrainer.utils.utils import LossHistory

keras = keras_bridge.keras
layers = keras.layers


@functools.lru_cache(maxsize=None)
def data(name, rows, batch_size):
    """A data set in full batches only, since JAX would compile twice for an odd one at the end.

    Of a large one its first rows; for validation a quarter as many.
    """
    found = get_dataset(name)
    rows = (rows or len(found['x'])) // batch_size * batch_size
    return {key: array[:rows // 4 if key.endswith('_val') else rows].copy()
            for key, array in found.items()}


@pytest.fixture
def mnist_file(shared, monkeypatch):
    if not (shared / 'data' / 'mnist.npz').is_file():
        pytest.skip('no ../shared/data/mnist.npz beside the checkout: MNIST needs its file')
    monkeypatch.setenv('AUTOTRAINER_DATA', str(shared / 'data'))


def sequential(shape, *parts):
    return lambda: keras.Sequential([keras.Input(shape)] + [part() for part in parts])


def dense(units, activation=None, **settings):
    return lambda: layers.Dense(units, activation=activation, **settings)


def conv(filters, activation=None, **settings):
    return lambda: layers.Conv2D(filters, 3, activation=activation, **settings)


def residual_digits():
    """A functional model with two residual blocks and batch normalisation."""
    x = inputs = keras.Input((64,))
    x = layers.Dense(32)(x)
    for _ in range(2):
        y = layers.Activation('relu')(layers.BatchNormalization()(x))
        x = layers.Add()([x, layers.Dense(32)(y)])
    x = layers.Activation('relu')(x)
    return keras.Model(inputs, layers.Dense(10, activation='softmax')(x))


CATEGORICAL, BINARY = 'categorical_crossentropy', 'binary_crossentropy'
FLAT, DROP = layers.Flatten, lambda: layers.Dropout(0.2)

# name: (data set, rows, model, optimizer, its settings, loss, batch size, epochs)
TRAININGS = {
    'circle, dense relu, Adam': (
        'simplednn_circle', None, sequential((2,), dense(64, 'relu'), dense(64, 'relu'),
                                             dense(1, 'sigmoid')),
        'Adam', {'lr': 0.01}, BINARY, 32, 20),
    'wedges, dense selu, RMSprop': (
        'simplednn_relu', None, sequential(
            (2,), dense(32, 'selu', kernel_initializer='lecun_normal'),
            dense(32, 'selu', kernel_initializer='lecun_normal'), dense(1, 'sigmoid')),
        'RMSprop', {'lr': 0.005}, BINARY, 32, 20),
    'blob, dense tanh, SGD with momentum': (
        'simplednn_blob', None, sequential((2,), dense(32, 'tanh'), dense(3, 'softmax')),
        'SGD', {'lr': 0.01, 'momentum': 0.9}, CATEGORICAL, 32, 15),
    'reg, dense relu, Adam, a regression': (
        'simplednn_reg', None, sequential((20,), dense(32, 'relu'), dense(1)),
        'Adam', {'lr': 0.01}, 'mean_squared_error', 32, 20),
    'digits, dense elu, Nadam, dropout': (
        'digits', None, sequential((64,), dense(64, 'elu'), DROP, dense(64, 'elu'), DROP,
                                   dense(10, 'softmax')),
        'Nadam', {'lr': 0.001}, CATEGORICAL, 32, 12),
    'digits, six relu layers, Adam': (
        'digits', None, sequential(
            (64,), *[dense(64, 'relu', kernel_initializer='he_uniform') for _ in range(6)],
            dense(10, 'softmax')),
        'Adam', {'lr': 0.001}, CATEGORICAL, 32, 10),
    'digits, residual blocks with batch normalisation, Adamax': (
        'digits', None, residual_digits, 'Adamax', {'lr': 0.002}, CATEGORICAL, 32, 10),
    'digit images, convolutions, Adam': (
        'digits_image', None, sequential((8, 8, 1), conv(16, 'relu'), conv(16, 'relu'), FLAT,
                                         dense(32, 'relu'), dense(10, 'softmax')),
        'Adam', {'lr': 0.001}, CATEGORICAL, 32, 8),
    'sequences, LSTM, Adam': (
        'sequences', None, sequential((12,), lambda: layers.Embedding(12, 8),
                                      lambda: layers.LSTM(16), dense(2, 'softmax')),
        'Adam', {'lr': 0.01}, CATEGORICAL, 32, 12),
}

ON_EVERY_BACKEND = ('circle, dense relu, Adam', 'digit images, convolutions, Adam',
                    'digits, residual blocks with batch normalisation, Adamax',
                    'sequences, LSTM, Adam')
"""One for each kind of layer that the backends compute in ways of their own."""
ALSO_PINNED = ('reg, dense relu, Adam, a regression',)
"""With those on TF 2.3; the others are of the same layers, and run on JAX."""

MNIST_TRAININGS = {
    'MNIST rows, dense relu, Adam': (
        'mnist', 4000, sequential((784,), dense(64, 'relu'), dense(10, 'softmax')),
        'Adam', {'lr': 0.001}, CATEGORICAL, 64, 10),
}


def watched(training):
    """Train one entry to its end; returns its callbacks by the paper's rules and by skill."""
    name, rows, build, optimizer, settings, loss, batch_size, epochs = training
    keras_bridge.keras.backend.clear_session()
    keras_bridge.set_seed(0)
    model = build()
    metrics = [] if loss == 'mean_squared_error' else ['accuracy']
    keras_bridge.compile_model(model, keras_bridge.optimizer_config(optimizer, settings), loss,
                               metrics)
    part = data(name, rows, batch_size)
    watch = LossHistory(training_data=part, batch_size=batch_size, total_epoch=epochs,
                        checktype='epoch_1', optional_issues=('collapse',), stop=False, seed=0,
                        rules='paper')
    by_skill = Watch(part['x'], part['y'], validation_data=(part['x_val'], part['y_val']),
                     total_epoch=epochs, stop=False, seed=0)
    model.fit(part['x'], part['y'], batch_size=batch_size, epochs=epochs, verbose=0,
              validation_data=(part['x_val'], part['y_val']),
              validation_batch_size=len(part['x_val']), callbacks=[watch, by_skill])
    assert watch.watcher.checks == epochs or watch.issue_list
    assert by_skill.watcher.checks == epochs or by_skill.issue_list
    return watch, by_skill


def learnt(watch):
    """Whether the training really is a good one; else it would show nothing."""
    accuracy = watch.history['val_acc'][-1]
    if accuracy is None:
        return watch.history['val_loss'][-1] < 0.1 * watch.history['val_loss'][0]
    return accuracy >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    pytest.param(name, marks=[pytest.mark.backend] if name in ON_EVERY_BACKEND else
                 [] if name in ALSO_PINNED else [pytest.mark.once])
    for name in sorted(TRAININGS)])
def test_a_healthy_training_is_never_flagged(name):
    watch, by_skill = watched(TRAININGS[name])
    assert watch.issue_list == [], watch.verdict.reason
    assert by_skill.issue_list == [], by_skill.verdict.reason
    assert learnt(watch), watch.history


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize('name', sorted(MNIST_TRAININGS))
def test_a_healthy_training_on_mnist_is_never_flagged(name, mnist_file):
    watch, by_skill = watched(MNIST_TRAININGS[name])
    assert watch.issue_list == [], watch.verdict.reason
    assert by_skill.issue_list == [], by_skill.verdict.reason
    assert learnt(watch), watch.history
