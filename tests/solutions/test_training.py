"""Solutions that change the training: which setting each try picks, as tables."""

import numpy as np
import pytest
from candidates import L, apply, candidate, keras, mlp, one_hot, train, training, why_not

from AutoTrainer import keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.solutions.training import fitting_losses, rates_to_try

ZEROS = np.zeros((600, 4), 'float32')


def tries(name, given, issue='unstable'):
    """The candidates of all tries of a solution until it does not apply any more."""
    found = []
    while why_not(name, given, issue, len(found)) == '':
        found.append(apply(name, given, issue, len(found))[0])
    return found


def setting(given, key):
    return given.training.optimizer['config'][key]


@pytest.mark.parametrize('issue, is_sgd, present, expected', [
    # unstable: down from the base, never up
    ('unstable', True, 1.0, [0.01, 0.001, 1e-4]),
    ('unstable', True, 0.05, [0.01, 0.001, 1e-4]),
    ('unstable', True, 0.01, [0.001, 1e-4, 1e-5]),
    ('unstable', True, np.float32(0.01).item(), [0.001, 1e-4, 1e-5]),
    ('unstable', False, np.float32(0.001).item(), [1e-4, 1e-5, 1e-6]),
    ('unstable', False, 0.01, [0.001, 1e-4, 1e-5]),
    ('unstable', False, 3e-5, [1e-5, 1e-6, 1e-7]),
    ('unstable', False, None, [0.001, 1e-4, 1e-5]),
    ('unstable', False, 1e-8, []),
    # not_converge: up from the base
    ('not_converge', True, 1e-5, [0.01, 0.1, 1.0]),
    ('not_converge', True, 0.01, [0.1, 1.0]),
    ('not_converge', False, 0.001, [0.01, 0.1]),
    ('not_converge', False, np.float32(0.001).item(), [0.01, 0.1]),
    ('not_converge', False, 1e-6, [0.001, 0.01, 0.1]),
    ('not_converge', False, None, [0.001, 0.01, 0.1]),
    # slow at a rate above the base: the base is the last resort
    ('not_converge', False, 0.01, [0.1, 0.001]),
    ('not_converge', False, 5.0, [0.001]),
    ('not_converge', True, 1.0, [0.01]),
])
def test_rates_to_try(issue, is_sgd, present, expected):
    assert rates_to_try(issue, is_sgd, present)[:3] == expected


def test_lr_keeps_the_rest_of_the_optimizer():
    given = candidate(mlp, optimizer='SGD', learning_rate=0.3, momentum=0.8, clipnorm=2.0)
    changed, words = apply('lr', given)
    assert setting(changed, 'learning_rate') == 0.01 and words == 'learning rate 0.3 → 0.01 (SGD)'
    assert setting(changed, 'momentum') == 0.8 and setting(changed, 'clipnorm') == 2.0


@pytest.mark.backend
def test_schedule_as_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    given = candidate(mlp)
    given = given._replace(training=training(
        given.training.dataset['x'], optimizer=keras.optimizers.Adam(schedule)))
    changed, words = apply('lr', given)
    assert words == 'learning rate by a schedule → 0.001 (Adam)'
    assert 'schedule' in why_not('ReduceLR', given)
    train(changed)


class OwnSchedule(keras.callbacks.LearningRateScheduler):
    pass


@pytest.mark.parametrize('kind', [keras.callbacks.LearningRateScheduler, OwnSchedule])
def test_no_rate_is_tried_where_a_callback_sets_it(kind):
    given = candidate(mlp, optimizer='Adam', learning_rate=0.3,
                      callbacks=[kind(lambda epoch: 0.01)])
    given = given._replace(best=given.model.weights)
    for name in ('lr', 'restart', 'ReduceLR'):
        assert why_not(name, given) == 'a schedule sets the learning rate'
    assert 'default settings already' in why_not('adam', given)
    plain = given._replace(training=given.training._replace(callbacks=()))
    for name in ('lr', 'restart', 'ReduceLR', 'adam'):
        assert why_not(name, plain) == ''


@pytest.mark.parametrize('optimizer, settings, expected', [
    ('SGD', {}, ['Adam', 'RMSprop', 'Nadam', 'Adamax']),
    ('Adam', {}, ['RMSprop', 'Nadam', 'Adamax', 'SGD']),
    ('RMSprop', {'learning_rate': 0.3}, ['Adam', 'Nadam', 'Adamax', 'SGD']),
    ('Adagrad', {}, ['Adam', 'RMSprop', 'Nadam', 'Adamax', 'SGD'])])
def test_optimizer_is_another_at_every_try(optimizer, settings, expected):
    found = tries('optimizer', candidate(mlp, optimizer=optimizer, **settings), 'not_converge')
    assert [c.training.optimizer['class_name'] for c in found] == expected
    for changed in found:
        default = keras_bridge.optimizer_config(changed.training.optimizer['class_name'])['config']
        assert dict(changed.training.optimizer['config'], name='') == dict(default, name='')


@pytest.mark.parametrize('settings, reason', [
    ({}, 'default'), ({'learning_rate': 0.1}, ''), ({'beta_1': 0.5}, ''),
    ({'clipvalue': 3.0}, 'default')])  # clipping would be taken over: nothing changed
def test_adam_of_adam(settings, reason):
    given = candidate(mlp, optimizer='Adam', **settings)
    assert reason in why_not('adam', given) and bool(reason) == bool(why_not('adam', given))


def test_new_optimizers_keep_the_clipping():
    given, _ = apply('gradient', candidate(mlp))
    for name in ('adam', 'optimizer', 'momentum', 'lr'):
        changed, _ = apply(name, given)
        assert setting(changed, 'clipvalue') == 10


@pytest.mark.parametrize('optimizer, settings, expected', [
    ('Adam', {'learning_rate': 0.3}, [(0.9, 0.01), (0.8, 0.01), (0.95, 0.01)]),
    ('SGD', {'learning_rate': 0.3}, [(0.9, 0.3), (0.8, 0.3), (0.95, 0.3)]),
    ('SGD', {'momentum': 0.9}, [(0.8, 0.01), (0.95, 0.01)])])
def test_momentum(optimizer, settings, expected):
    found = tries('momentum', candidate(mlp, optimizer=optimizer, **settings))
    assert all(c.training.optimizer['class_name'] == 'SGD' for c in found)
    assert [setting(c, 'momentum') for c in found] == [m for m, _ in expected]
    assert np.allclose([setting(c, 'learning_rate') for c in found], [r for _, r in expected])


@pytest.mark.parametrize('settings, expected', [
    ({}, [10, 1]), ({'clipvalue': 50.0}, [10, 1]), ({'clipvalue': 10.0}, [1]),
    ({'clipvalue': 0.5}, []), ({'clipnorm': 0.5}, [10, 1])])
def test_gradient_clips(settings, expected):
    found = tries('gradient', candidate(mlp, **settings), 'explode')
    assert [setting(c, 'clipvalue') for c in found] == expected
    for changed in found:  # two kinds of clipping at once are refused by Keras 3
        assert changed.training.optimizer['config'].get('clipnorm') is None
        keras_bridge.build_optimizer(changed.training.optimizer)


@pytest.mark.parametrize('present, rows, expected', [
    (1, 600, [32, 64, 128, 256]), (32, 600, [64, 128, 256]), (100, 600, [128, 256]),
    (256, 600, []), (512, 600, []), (64, 64, []), (64, 50, []),
    # all rows in one batch: once is enough
    (32, 50, [64]), (40, 50, [64]), (16, 200, [32, 64, 128, 256]), (16, 64, [32, 64])])
def test_batch(present, rows, expected):
    found = tries('batch', candidate(mlp, x=ZEROS[:rows], batch_size=present))
    assert [c.training.batch_size for c in found] == expected


@pytest.mark.parametrize('name, word, kind', [
    ('ReduceLR', 'ReduceLR', 'ReduceLROnPlateau'), ('estop', 'estop', 'EarlyStopping')])
def test_callbacks(name, word, kind):
    other = keras.callbacks.Callback()
    given = candidate(mlp, callbacks=[other])
    changed, words = apply(name, given)
    assert changed.training.callbacks == (other, word)
    assert 'already' in why_not(name, changed)
    own = keras_bridge.named_callback(word, True, given.training.optimizer)
    assert type(own).__name__ == kind and own.monitor == 'val_loss'
    assert keras_bridge.named_callback(word, False, given.training.optimizer).monitor == 'loss'
    assert 'already' in why_not(name, candidate(mlp, callbacks=[own]))
    assert str(own.patience) in words


def test_callbacks_work_in_fit():
    given, _ = apply('ReduceLR', candidate(mlp))
    given, _ = apply('estop', given)
    keras_bridge.set_seed(0)
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, activation='softmax')])
    # rows of labels that are all zero have a loss of zero: nothing ever improves
    keras_bridge.compile_model(model, given.training.optimizer, given.training.loss)
    callbacks = [keras_bridge.named_callback(name, False, given.training.optimizer)
                 for name in given.training.callbacks]
    fitted = model.fit(ZEROS[:16], np.zeros((16, 3)), epochs=20, verbose=0, callbacks=callbacks)
    assert len(fitted.history['loss']) == 11  # the first, then ten without improvement
    assert np.isclose(keras_bridge.to_numpy(model.optimizer.learning_rate), 0.01 * 0.2 ** 2)


def test_unknown_callback():
    with pytest.raises(UserError, match="callbacks has 'nope'"):
        keras_bridge.named_callback('nope', True, keras_bridge.optimizer_config('SGD'))


# ------------------------------------------------------------------------------------------- loss

CLASSES = np.arange(12) % 3
REAL = np.linspace(-3, 9, 12)
SHARES = np.full((12, 3), 1 / 3.)
SOFTMAX3 = (3, 'softmax')
SIGMOID1 = (1, 'sigmoid')


@pytest.mark.parametrize('y, head, loss, expected', [
    (one_hot(12), SOFTMAX3, 'binary_crossentropy', 'categorical_crossentropy'),
    (one_hot(12), SOFTMAX3, 'mse', 'categorical_crossentropy'),
    (one_hot(12), (3, 'relu'), 'mse', 'categorical_crossentropy'),
    (CLASSES, SOFTMAX3, 'mse', 'sparse_categorical_crossentropy'),
    (CLASSES, SOFTMAX3, 'binary_crossentropy', 'sparse_categorical_crossentropy'),
    (CLASSES % 2, SIGMOID1, 'mse', 'binary_crossentropy'),
    (CLASSES % 2, SIGMOID1, 'categorical_crossentropy', 'binary_crossentropy'),
    (CLASSES % 2, (2, 'softmax'), 'binary_crossentropy', 'sparse_categorical_crossentropy'),
    (1 - one_hot(12), (3, 'sigmoid'), 'categorical_crossentropy', 'binary_crossentropy'),
    (REAL, (1, 'linear'), 'binary_crossentropy', 'mean_squared_error'),
    (REAL, (1, 'linear'), lambda y, p: p, 'mean_squared_error'),
    # correct ones stay
    (one_hot(12), SOFTMAX3, 'categorical_crossentropy', None),
    (one_hot(12), SOFTMAX3, 'kl_divergence', None),
    (one_hot(12, 2), (2, 'sigmoid'), 'binary_crossentropy', None),
    (CLASSES, SOFTMAX3, 'sparse_categorical_crossentropy', None),
    (CLASSES % 2, SIGMOID1, 'binary_crossentropy', None),
    (CLASSES % 2, (1, 'tanh'), 'hinge', None),
    (1 - one_hot(12), (3, 'sigmoid'), 'binary_crossentropy', None),
    (REAL, (1, 'linear'), 'mse', None),
    (REAL, (1, 'linear'), 'mae', None),
    (SHARES, SOFTMAX3, 'categorical_crossentropy', None),
    (SHARES, (3, 'sigmoid'), 'binary_crossentropy', None),
    (CLASSES, (1, 'linear'), 'poisson', None),
])
def test_loss(y, head, loss, expected):
    def model():
        return keras.Sequential([keras.Input((4,)), L.Dense(head[0], activation=head[1])])

    given = candidate(model, x=ZEROS[:12], y=y, loss=loss)
    if expected is None:
        assert 'fits the labels already' in why_not('loss', given, 'loss_issue')
        return
    changed, words = apply('loss', given, 'loss_issue')
    assert changed.training.loss == expected and expected in words
    train(changed)


@pytest.mark.parametrize('classes', [2, 3])
def test_loss_of_class_numbers_per_time_step(classes):
    def tagger():
        return keras.Sequential([keras.Input((5, 2)), L.Dense(3, activation='softmax')])

    x, y = np.zeros((6, 5, 2), 'float32'), np.arange(30).reshape(6, 5) % classes
    given = candidate(tagger, x=x, y=y, loss='sparse_categorical_crossentropy')
    assert 'fits' in why_not('loss', given, 'loss_issue')
    changed, _ = apply('loss', candidate(tagger, x=x, y=y, loss='mse'), 'loss_issue')
    assert changed.training.loss == 'sparse_categorical_crossentropy'


def test_loss_that_nothing_can_mend():
    given = candidate(mlp, x=ZEROS[:12], y=np.arange(12), loss='mse')
    assert '0 to 11 but the model has 3 outputs' in why_not('loss', given, 'loss_issue')

    def two():
        x = keras.Input((4,))
        return keras.Model(x, [L.Dense(1, name='a')(x), L.Dense(1, name='b')(x)])

    given = candidate(two, y=[REAL, REAL], loss='mse')
    assert 'labels' in why_not('loss', given, 'loss_issue')
    assert 'several outputs' in why_not('activation', given, 'activation_issue')


def test_fitting_loss_is_among_those_that_fit():
    for labels in ('one_hot', 'multi_hot', 'binary', 'integer', 'real'):
        for units in (1, 2, 3):
            loss, fine = fitting_losses(labels, units)
            assert loss in fine
