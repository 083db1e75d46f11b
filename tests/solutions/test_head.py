"""Head, loss and number of outputs made to fit the labels, on models that are then trained."""

import numpy as np
import pytest
from candidates import (
    L,
    apply,
    build,
    candidate,
    chain,
    convolutional,
    keras,
    one_hot,
    sequences,
    train,
    weights,
    why_not,
)

from AutoTrainer import keras_bridge
from AutoTrainer.judge.losses import loss_name
from AutoTrainer.solutions.head import fitting

ROWS = 16
TWO = np.arange(ROWS) % 2
THREE = np.arange(ROWS) % 3
FIVE = np.arange(ROWS) % 5
HOT = one_hot(ROWS)
SEVERAL = 1 - HOT
REAL = np.random.RandomState(0).randn(ROWS)
BINARY, MSE = 'binary_crossentropy', 'mean_squared_error'
MANY, SPARSE = 'categorical_crossentropy', 'sparse_categorical_crossentropy'


def ending(*head):
    """A model that ends in some layers, given as (class name, settings …)."""
    layers = [L.Dense(settings[0], activation=settings[1], name='out') if kind == 'Dense'
              else getattr(L, kind)(*settings) for kind, *settings in head]
    return lambda: keras.Sequential(
        [keras.Input((4,)), L.Dense(4, activation='relu', name='fc')] + layers)


def dense(units, activation='linear'):
    return ending(('Dense', units, activation))


def logits_of(name):
    return getattr(keras.losses, name)(from_logits=True)


def last_activation(model):
    return [activation for _, kind, activation in chain(model)
            if kind in ('Dense', 'Activation')][-1]


def is_sound(given, units, head, loss):
    """Whether a model ends as said, and trains."""
    model = train(given)
    assert model.output_shape[-1] == units and last_activation(model) == head
    assert loss_name(given.training.loss) == loss
    assert all(np.all(np.isfinite(w)) for w in model.get_weights())


@pytest.mark.parametrize('build_it, loss, y, units, head, fitting_loss', [
    (dense(1, 'softmax'), BINARY, TWO, 1, 'sigmoid', BINARY),
    (dense(1, 'softmax'), MANY, TWO, 1, 'sigmoid', BINARY),
    (dense(1, 'relu'), 'mse', TWO, 1, 'sigmoid', BINARY),
    (dense(1, 'tanh'), 'hinge', TWO, 1, 'sigmoid', BINARY),
    (dense(2, 'sigmoid'), BINARY, TWO, 2, 'softmax', SPARSE),
    (dense(5, 'softmax'), SPARSE, TWO, 1, 'sigmoid', BINARY),
    # classes by number, and by rows
    (dense(3, 'sigmoid'), MANY, THREE, 3, 'softmax', SPARSE),
    (dense(3, 'softmax'), MANY, THREE, 3, 'softmax', SPARSE),
    (dense(1, 'sigmoid'), BINARY, THREE, 3, 'softmax', SPARSE),
    (dense(3, 'softmax'), SPARSE, FIVE, 5, 'softmax', SPARSE),   # beyond the outputs
    (dense(9, 'relu'), SPARSE, FIVE, 9, 'softmax', SPARSE),      # more outputs than classes
    (dense(3, 'softmax'), SPARSE, HOT, 3, 'softmax', MANY),
    (dense(3, 'sigmoid'), 'mse', HOT, 3, 'softmax', MANY),
    (dense(1, 'sigmoid'), BINARY, HOT, 3, 'softmax', MANY),
    (dense(4, 'softmax'), MANY, HOT, 3, 'softmax', MANY),
    (dense(3, 'softmax'), MANY, SEVERAL, 3, 'sigmoid', BINARY),
    # measured numbers
    (dense(1, 'sigmoid'), 'mse', REAL, 1, 'linear', MSE),
    (dense(1, 'relu'), 'mae', REAL, 1, 'linear', 'mean_absolute_error'),
    (dense(1, 'sigmoid'), BINARY, 30 * REAL, 1, 'linear', MSE),
    (dense(3, 'softmax'), MANY, 30 * np.stack([REAL] * 3, axis=1), 3, 'linear', MSE),
    (dense(1), 'mape', REAL, 1, 'linear', MSE),
    # heads of their own, and what only shapes the outputs
    (ending(('Dense', 3, None), ('Activation', 'sigmoid')), MANY, HOT, 3, 'softmax', MANY),
    (ending(('Dense', 3, None), ('ReLU',)), MANY, HOT, 3, 'softmax', MANY),
    (ending(('Dense', 3, 'softmax'), ('Reshape', (3,))), MANY, SEVERAL, 3, 'sigmoid', BINARY)])
def test_what_contradicts_itself_is_mended_together(build_it, loss, y, units, head, fitting_loss):
    given = candidate(build_it, y=y, loss=loss)
    changed, words = apply('head', given, 'activation_issue')
    model = build(changed)
    assert model.output_shape[-1] == units and last_activation(model) == head
    assert changed.training.loss == fitting_loss or fitting_loss == loss_name(loss)
    assert words and '{' not in words and given.training.loss == loss
    again = changed._replace(model=keras_bridge.take_blueprint(model))
    assert 'fit the labels already' in why_not('head', again)
    resized = units != keras_bridge.output_units(given.model.original)
    assert ('out' in changed.model.weights) is not resized
    kept = weights(model)['fc']
    assert all(np.array_equal(a, b) for a, b in zip(kept, given.model.weights['fc']))


@pytest.mark.parametrize('loss, y, head, expected', [
    ('SparseCategoricalCrossentropy', THREE, 'softmax', ('linear', SPARSE)),
    ('SparseCategoricalCrossentropy', THREE, 'relu', ('linear', SPARSE)),
    ('CategoricalCrossentropy', HOT, 'softmax', ('linear', MANY)),
    ('CategoricalCrossentropy', THREE, 'linear', ('softmax', SPARSE)),   # another loss, no logits
    ('BinaryCrossentropy', SEVERAL, 'sigmoid', ('linear', BINARY))])
def test_losses_on_logits(loss, y, head, expected):
    given = candidate(dense(3, head), y=y, loss=logits_of(loss))
    changed, _ = apply('head', given)
    is_sound(changed, 3, *expected)
    assert (changed.training.loss is given.training.loss) is (expected[0] == 'linear')


@pytest.mark.parametrize('build_it, loss, y', [
    (dense(1, 'sigmoid'), BINARY, TWO), (dense(1, 'hard_sigmoid'), BINARY, TWO),
    (dense(2, 'softmax'), SPARSE, TWO), (dense(2, 'softmax'), BINARY, one_hot(classes=2)),
    (dense(3, 'softmax'), SPARSE, THREE), (dense(3, 'softmax'), MANY, HOT),
    (dense(3, 'sigmoid'), BINARY, SEVERAL), (dense(1), 'mse', REAL), (dense(1), 'mae', REAL),
    (dense(1), 'mse', FIVE),  # amounts, as far as anybody can tell
    (dense(9, 'softmax'), SPARSE, FIVE)])
def test_what_fits_is_left_alone(build_it, loss, y):
    assert 'fit the labels already' in why_not('head', candidate(build_it, y=y, loss=loss))


def test_logits_that_fit_are_left_alone():
    given = candidate(dense(3), y=THREE, loss=logits_of('SparseCategoricalCrossentropy'))
    assert 'fit the labels already' in why_not('head', given)


def along_a_line(codes):
    """(inputs, labels) of five groups that lie along a line, each with a code."""
    numbers = np.random.RandomState(0)
    group = np.arange(200) % 5
    x = np.stack([group - 2 + 0.1 * numbers.randn(200)] + [numbers.randn(200)] * 3, axis=1)
    return x.astype('float32'), np.array(codes)[group]


def test_codes_without_an_order_are_classes():
    x, y = along_a_line([2, 0, 4, 1, 3])
    changed, words = apply('head', candidate(dense(1), x=x, y=y, loss='mse'))
    is_sound(changed, 5, 'softmax', SPARSE)
    assert all(part in words for part in ('→ 5', '→ ' + SPARSE, 'head linear → softmax'))


def test_codes_in_the_order_of_their_numbers_are_amounts():
    x, y = along_a_line([0, 1, 2, 3, 4])
    given = candidate(dense(1), x=x, y=y, loss='mse')
    assert 'fit the labels already' in why_not('head', given)
    assert fitting(given, 1).head == 'linear'


# ------------------------------------------------------------------------------ kinds of models

@pytest.mark.parametrize('build_it', [convolutional, sequences])
def test_models_of_other_kinds(build_it):
    given = candidate(build_it, y=FIVE, loss=MANY)
    is_sound(apply('head', given)[0], 5, 'softmax', SPARSE)


def test_an_output_for_every_step():
    def by_step():
        x = keras.Input((5, 3))
        return keras.Model(x, L.TimeDistributed(L.Dense(4, activation='sigmoid'))(x))

    y = np.eye(3, dtype='float32')[np.arange(80).reshape(16, 5) % 3]
    changed, _ = apply('head', candidate(by_step, y=y, loss='mse'))
    model = train(changed)
    assert model.output_shape == (None, 5, 3)
    out = keras_bridge.to_numpy(model(keras_bridge.to_tensors(changed.training.dataset['x'])))
    assert np.allclose(out.sum(axis=-1), 1, atol=1e-5)


def several_outputs():
    x = keras.Input((4,))
    return keras.Model(x, [L.Dense(1)(x), L.Dense(1)(x)])


def pooled():
    return keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(2, 3, activation='relu'),
                             L.GlobalAveragePooling2D()])


def shared_end():
    x = keras.Input((4,))
    twice = L.Dense(4, activation='relu')
    return keras.Model(x, twice(twice(x)))


@pytest.mark.parametrize('build_it, y, why', [
    (several_outputs, [TWO, TWO], 'several outputs'),
    (pooled, THREE, 'labels want 3 outputs, but the model does not end in a Dense'),
    (shared_end, one_hot(ROWS, 4), 'shared layer'),
    (dense(1), np.full(ROWS, np.nan), 'labels do not say'),
    (dense(1), np.array(['a', 'b'] * 8), 'labels do not say')])
def test_why_not(build_it, y, why):
    assert why in why_not('head', candidate(build_it, y=y, loss=MANY))
