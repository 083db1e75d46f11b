"""A training hears of a signal before its next batch, and is not changed by listening."""

import os
import signal

import numpy as np
import pytest

from AutoTrainer import interrupts, keras_bridge

pytestmark = pytest.mark.backend
DRAW = np.random.RandomState(0)
X, Y = DRAW.randn(60, 4).astype('float32'), DRAW.randint(0, 2, (60, 1)).astype('float32')


def fit(*callbacks):
    keras, layers = keras_bridge.keras, keras_bridge.keras.layers
    keras_bridge.set_seed(3)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation='relu'),
                              layers.Dropout(0.3), layers.Dense(1, activation='sigmoid')])
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    keras_bridge.set_seed(4)
    return model.fit(validation_data=(X, Y), validation_batch_size=12, epochs=3, verbose=0,
                     callbacks=list(callbacks), **keras_bridge.fit_data(X, Y, 12, 0, 0, 3)).history


@pytest.mark.slow
def test_listening_changes_nothing():
    """The same losses and accuracies to the last bit."""
    assert fit() == fit(keras_bridge.HonourSignals())


class Sends(keras_bridge.keras.callbacks.Callback):
    """Sends a signal at one call of one hook, and counts the calls of all."""

    def __init__(self, hook, call):
        super().__init__()
        self.counts = {}
        for name in ('on_train_begin', 'on_epoch_begin', 'on_train_batch_begin',
                     'on_test_batch_begin', 'on_epoch_end'):
            setattr(self, name, self.counted(name, call if name == hook else None))

    def counted(self, name, call):
        self.counts[name] = 0

        def hook(*args, **kwargs):
            self.counts[name] += 1
            if self.counts[name] == call:
                os.kill(os.getpid(), signal.SIGTERM)
        return hook

    def _implements_train_batch_hooks(self):  # asks the class, on tf.keras
        return True

    _implements_test_batch_hooks = _implements_train_batch_hooks


@pytest.mark.parametrize('hook, call, batches, evaluated, epochs', [
    ('on_train_begin', 1, 0, 0, 0),
    ('on_epoch_begin', 2, 5, 5, 1),
    ('on_train_batch_begin', 3, 3, 0, 0),
    ('on_train_batch_begin', 7, 7, 5, 1),
    ('on_test_batch_begin', 2, 5, 2, 0),
    ('on_epoch_end', 1, 5, 5, 1),
    ('on_epoch_end', 3, 15, 15, 3),  # the training is over: it is kept
])
def test_a_signal_ends_a_training_before_its_next_batch(hook, call, batches, evaluated, epochs):
    sends, left = Sends(hook, call), []
    with pytest.raises(interrupts.Terminated), interrupts.held():
        fit(sends, keras_bridge.HonourSignals())
        left.append('trained to the end')
    assert (sends.counts['on_train_batch_begin'], sends.counts['on_test_batch_begin'],
            sends.counts['on_epoch_end']) == (batches, evaluated, epochs)
    assert left == (['trained to the end'] if epochs == 3 else [])
