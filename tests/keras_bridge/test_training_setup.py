import copy
import json

import numpy as np
import pytest

from AutoTrainer import keras_bridge as bridge
from AutoTrainer.errors import UserError
from AutoTrainer.judge.losses import KNOWN_LOSSES, loss_name
from AutoTrainer.record.folder import plain

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


@pytest.mark.parametrize('loss, name', [
    ('mse', 'mean_squared_error'), ('categorical_crossentropy', 'categorical_crossentropy'),
    (keras.losses.CategoricalCrossentropy(), 'categorical_crossentropy'),
    (keras.losses.binary_crossentropy, 'binary_crossentropy'), (None, ''), (['mse', 'mse'], ''),
    (keras.losses.MeanSquaredError(), 'mean_squared_error'),
])
def test_losses_have_one_name(loss, name):
    assert loss_name(loss) == name


NAMES = {
    'binary_crossentropy': ['bce', 'BCE', 'BinaryCrossentropy'],
    'binary_focal_crossentropy': ['BinaryFocalCrossentropy'],
    'categorical_crossentropy': ['CategoricalCrossentropy'],
    'categorical_focal_crossentropy': ['CategoricalFocalCrossentropy'],
    'categorical_hinge': ['CategoricalHinge'],
    'cosine_similarity': ['CosineSimilarity'],
    'hinge': ['Hinge'],
    'huber': ['Huber', 'huber_loss'],
    'kl_divergence': ['kld', 'KLD', 'KLDivergence', 'kullback_leibler_divergence'],
    'log_cosh': ['LogCosh', 'logcosh'],
    'mean_absolute_error': ['mae', 'MAE', 'MeanAbsoluteError'],
    'mean_absolute_percentage_error': ['mape', 'MAPE', 'MeanAbsolutePercentageError'],
    'mean_squared_error': ['mse', 'MSE', 'MeanSquaredError'],
    'mean_squared_logarithmic_error': ['msle', 'MSLE', 'MeanSquaredLogarithmicError'],
    'poisson': ['Poisson'],
    'sparse_categorical_crossentropy': ['SparseCategoricalCrossentropy'],
    'squared_hinge': ['SquaredHinge'],
}


@pytest.mark.parametrize('name', sorted(NAMES))
def test_every_alias_of_a_loss_has_the_name_of_the_table(name):
    assert name in KNOWN_LOSSES
    for alias in [name] + NAMES[name]:
        assert loss_name(alias) == name
        try:
            known = keras.losses.get(alias)
        except ValueError:  # an alias of the other generation
            continue
        assert loss_name(known() if isinstance(known, type) else known) == name


def test_the_table_of_aliases_has_all_losses_of_keras():
    losses = [getattr(keras.losses, name) for name in dir(keras.losses)]
    found = {loss_name(loss()) for loss in losses
             if isinstance(loss, type) and loss is not keras.losses.Loss
             and issubclass(loss, keras.losses.Loss)}
    assert found - set(NAMES) <= {  # not in the table: little can be said of them
        'ctc', 'circle', 'dice', 'tversky', 'categorical_generalized_cross_entropy'}


@pytest.mark.parametrize('given, kwargs, rate', [
    ('adam', {'lr': 0.01}, 0.01), ('SGD', {'learning_rate': 0.5}, 0.5), ('RMSprop', None, 0.001),
    ('SGD', {'lr': 0.1, 'decay': 0.0}, 0.1),
])
def test_optimizers_are_described_and_built_anew(given, kwargs, rate):
    described = bridge.optimizer_config(given, kwargs)
    one, two = bridge.build_optimizer(described), bridge.build_optimizer(described)
    assert one is not two and type(one).__name__ == described['class_name']
    assert described['config']['learning_rate'] == pytest.approx(rate)
    assert bridge.optimizer_config(one)['config']['learning_rate'] == pytest.approx(rate)
    assert bridge.optimizer_config(described) == described


def test_decay_slows_down_on_both_generations():
    described = bridge.optimizer_config('SGD', {'lr': 1.0, 'decay': 1.0})
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    bridge.compile_model(model, described, 'mse', ())
    model.set_weights([np.zeros((1, 1), 'float32')])
    x = np.full((4, 1), 0.01, 'float32')
    moved = []
    for _ in range(2):
        before = model.get_weights()[0][0, 0]
        model.fit(x, np.ones((4, 1)), batch_size=4, epochs=1, verbose=0)
        moved.append(model.get_weights()[0][0, 0] - before)
    assert moved[1] == pytest.approx(moved[0] / 2, rel=1e-2)


@pytest.mark.parametrize('given, kwargs, message', [
    ('Adamm', None, "optimizer is 'Adamm'; did you mean Adam"),
    ('SGD', {'speed': 3}, "optimizer SGD refuses its settings.*speed"),
])
def test_wrong_optimizers(given, kwargs, message):
    with pytest.raises(UserError, match=message):
        bridge.optimizer_config(given, kwargs)


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate

    def get_config(self):
        return {'rate': self.rate}


class Nameless(Warmup):
    def get_config(self):
        raise NotImplementedError('no settings')


class OwnSGD(keras.optimizers.SGD):
    pass


def first_step(described):
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    bridge.compile_model(model, described, 'mae', ())
    model.set_weights([np.zeros((1, 1), 'float32')])
    model.fit(np.ones((4, 1)), np.ones((4, 1)), batch_size=4, epochs=1, verbose=0)
    return model.get_weights()[0][0, 0]


def test_a_schedule_of_the_users_own_is_kept_and_written_as_settings():
    described = bridge.optimizer_config(keras.optimizers.SGD(Warmup(0.25)))
    written = json.loads(json.dumps(plain(described)))
    assert written['config']['learning_rate']['config'] == {'rate': 0.25}
    for kept in (described, copy.deepcopy(described), bridge.optimizer_config(described)):
        assert first_step(kept) == pytest.approx(0.25)


def test_a_registered_optimizer_of_the_users_own_is_built_anew():
    register = (keras.utils if bridge.LEGACY else keras.saving).register_keras_serializable
    kind = register('tests')(type('Registered', (keras.optimizers.SGD,), {}))
    described = bridge.optimizer_config(kind(0.5))
    assert type(bridge.build_optimizer(described)) is kind
    assert first_step(described) == pytest.approx(0.5)


@pytest.mark.parametrize('given, message', [
    (keras.optimizers.Adam, 'a class; give an object, such as Adam()'),
    ({'name': 'Adam'}, "optimizer is {'name': 'Adam'}; give a description such as"),
    ({'class_name': 'Adam', 'config': 3}, 'give a description such as'),
    ({'class_name': 'Adam', 'config': {'speed': 3}}, 'optimizer Adam refuses its settings'),
    ({'class_name': 'get', 'config': {}}, "optimizer is 'get'; "),
    (OwnSGD(), 'class OwnSGD, which Keras cannot make anew'),
    (type('SGD', (OwnSGD,), {})(), 'register the class'),
    (keras.optimizers.SGD(Nameless(1.0)), r'whose get_config fails \(no settings\)'),
    (layers.Dense(1), 'give a name, such as Adam, or a Keras optimizer'),
])
def test_optimizers_that_cannot_be_made_again_are_refused_at_once(given, message):
    with pytest.raises(UserError, match=message) as refused:
        bridge.optimizer_config(given)
    assert '\n' not in str(refused.value)
