"""Steps, batches and epochs that fit the rows; tables of settings and what is made of them."""

import numpy as np
import pytest
from candidates import apply, candidate, keras, mlp, train, why_not

from AutoTrainer import keras_bridge
from AutoTrainer.solutions.pace import LEAST_BATCH, planned_updates


def given(rows=320, batch_size=16, epochs=2, **settings):
    return candidate(mlp, x=np.zeros((rows, 4), 'float32'), batch_size=batch_size, epochs=epochs,
                     **settings)


@pytest.mark.parametrize('rows, batch_size, epochs, updates', [
    (320, 16, 2, 40), (321, 16, 2, 42), (10, 16, 3, 3), (1, 1, 1, 1)])
def test_planned_updates(rows, batch_size, epochs, updates):
    assert planned_updates(given(rows, batch_size, epochs).training) == updates


# ----------------------------------------------------------------------------------------- the step

@pytest.mark.parametrize('epochs, attempt, rate', [
    (1, 0, 0.01), (20, 0, 0.007), (50, 0, 0.003), (200, 0, 0.001), (10000, 0, 0.001),
    (50, 1, 0.009), (50, 2, 0.0009), (1, 1, 0.03), (1, 2, 0.003)])
def test_a_step_fits_the_planned_updates(epochs, attempt, rate):
    """Between Keras's default and ten times that; then three times, then a third of it."""
    changed, words = apply('step', given(epochs=epochs), attempt=attempt)
    assert changed.training.optimizer['class_name'] == 'Adam'
    assert changed.training.optimizer['config']['learning_rate'] == pytest.approx(rate)
    assert 'SGD (0.01) → Adam (step %g, for %d planned updates)' % (rate, 20 * epochs) in words


def test_a_step_leaves_the_callbacks_alone():
    own = given(callbacks=['ReduceLR', keras.callbacks.Callback()])
    changed, _ = apply('step', own)
    assert changed.training.callbacks == own.training.callbacks


@pytest.mark.parametrize('rate, applies', [
    (0.0028, False), (0.003, False), (0.0035, False), (0.001, True), (0.005, True)])
def test_a_step_that_is_there_is_not_set_again(rate, applies):
    setting = given(epochs=50, optimizer='Adam', learning_rate=rate)
    assert bool(why_not('step', setting)) is not applies
    if not applies:
        assert 'about that step already' in why_not('step', setting)
    assert 'no further step' in why_not('step', setting, attempt=3)


def test_a_step_in_place_of_a_schedule():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    _, words = apply('step', given(optimizer='SGD', learning_rate=schedule))
    assert words.startswith('optimizer SGD (by a schedule) → Adam')


def test_a_step_is_that_of_the_batch_it_follows():
    smaller, _ = apply('less_batch', given(batch_size=320, epochs=10))
    changed, words = apply('step', smaller)
    assert 'for %d planned updates' % planned_updates(changed.training) in words
    assert planned_updates(changed.training) == 400


# -------------------------------------------------------------------------------------- the batch

@pytest.mark.parametrize('rows, batch_size, epochs, size', [
    (320, 320, 10, 8), (320, 320, 20, 10), (320, 64, 5, 8), (3200, 64, 2, 16), (3200, 64, 1, 8),
    (320, 320, 1, LEAST_BATCH), (20, 32, 3, LEAST_BATCH), (2000, 33, 5, 16)])
def test_batches_shrink_until_there_are_enough_updates(rows, batch_size, epochs, size):
    changed, words = apply('less_batch', given(rows, batch_size, epochs))
    assert changed.training.batch_size == size
    assert words == 'batch size %d → %d (%d planned updates)' % (
        batch_size, size, planned_updates(changed.training))


@pytest.mark.parametrize('rows, batch_size, epochs', [
    (3200, 32, 4), (320, 8, 1), (320, 4, 1), (100000, 64, 1)])
def test_batches_that_are_small_enough(rows, batch_size, epochs):
    assert 'are enough' in why_not('less_batch', given(rows, batch_size, epochs))


def test_a_second_try_takes_a_quarter():
    changed, _ = apply('less_batch', given(3200, 64, 20), attempt=1)
    assert changed.training.batch_size == 16
    assert 'are enough' in why_not('less_batch', given(3200, 64, 20), attempt=2)


def test_twice_as_long():
    changed, words = apply('longer', given(epochs=3))
    assert (changed.training.epochs, words) == (6, 'epochs 3 → 6')
    assert 'longer already' in why_not('longer', given(), attempt=1)


def test_all_together_train():
    changed = given(64, 64, 2)
    for name in ('less_batch', 'longer', 'step'):
        changed, _ = apply(name, changed)
    model = train(changed)
    assert type(model.optimizer).__name__ == 'Adam'
    assert float(keras_bridge.to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01)
