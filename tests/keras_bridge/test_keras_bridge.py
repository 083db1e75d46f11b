import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from AutoTrainer import keras_bridge as bridge
from AutoTrainer.errors import UserError
from AutoTrainer.judge.losses import KNOWN_LOSSES
from AutoTrainer.record.folder import plain

pytestmark = pytest.mark.backend
keras, layers = bridge.keras, bridge.keras.layers


def mlp(**first):
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, name='one', **first),
                             layers.Dense(2, activation='softmax', name='two')])


def branched():
    inputs = keras.Input((4,))
    hidden = layers.Dense(4, activation='relu', name='one')(inputs)
    return keras.Model(inputs, layers.Dense(2, name='two')(layers.Add()([inputs, hidden])))


@pytest.mark.parametrize('make', [mlp, branched])
def test_a_fresh_model_starts_from_the_same_weights(make):
    model = make()
    x = np.random.RandomState(0).randn(5, 4).astype('float32')
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    assert fresh is not model
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_layer_without_weights_in_the_blueprint_is_drawn_by_seed():
    blueprint = bridge.take_blueprint(mlp())
    del blueprint.weights['one']
    first, second, other = [bridge.build_model(blueprint, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    np.testing.assert_array_equal(first.get_weights()[2], other.get_weights()[2])


def test_lambda_layers_of_a_model_in_memory_are_rebuilt():
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2), layers.Dense(1)])
    x = np.ones((2, 4), 'float32')
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), model.predict(x, verbose=0))


def test_layers_that_cannot_be_rebuilt_are_trained_as_they_are():
    class Twice(layers.Layer):
        def __init__(self, needed):
            super().__init__()
            self.needed = needed

        def call(self, inputs):
            return inputs * 2

        def get_config(self):
            return {'name': self.name}

    model = keras.Sequential([keras.Input((4,)), Twice(1), layers.Dense(1)])
    blueprint = bridge.take_blueprint(model)
    assert blueprint.config is None and bridge.build_model(blueprint, 0) is model


@pytest.mark.parametrize('loss, name', [
    ('mse', 'mean_squared_error'), ('categorical_crossentropy', 'categorical_crossentropy'),
    (keras.losses.CategoricalCrossentropy(), 'categorical_crossentropy'),
    (keras.losses.binary_crossentropy, 'binary_crossentropy'), (None, ''), (['mse', 'mse'], ''),
    (keras.losses.MeanSquaredError(), 'mean_squared_error'),
])
def test_losses_have_one_name(loss, name):
    assert bridge.loss_name(loss) == name


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
        assert bridge.loss_name(alias) == name
        try:
            known = keras.losses.get(alias)
        except ValueError:  # an alias of the other generation
            continue
        assert bridge.loss_name(known() if isinstance(known, type) else known) == name


def test_the_table_of_aliases_has_all_losses_of_keras():
    losses = [getattr(keras.losses, name) for name in dir(keras.losses)]
    found = {bridge.loss_name(loss()) for loss in losses
             if isinstance(loss, type) and loss is not keras.losses.Loss
             and issubclass(loss, keras.losses.Loss)}
    assert found - set(NAMES) <= {  # not in the table: little can be said of them
        'ctc', 'circle', 'dice', 'tversky', 'categorical_generalized_cross_entropy'}


@pytest.mark.parametrize('name, snake', [
    ('MyLoss', 'my_loss'), ('CTC', 'ctc'), ('masked_loss', 'masked_loss'),
    ('SSIMLoss', 'ssim_loss')])
def test_losses_of_the_users_own_keep_their_name(name, snake):
    assert bridge.loss_name(name) == snake


def compiled(loss, units=3, activation='softmax'):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile('sgd', loss)
    return model


CLASSES = np.array([0, 0, 1, 2])
ENTROPY = 1.5 * np.log(2)


@pytest.mark.parametrize('model, y', [
    (compiled('sparse_categorical_crossentropy'), CLASSES),
    (compiled('sparse_categorical_crossentropy'), CLASSES[:, None]),
    (compiled(keras.losses.SparseCategoricalCrossentropy(from_logits=True)), CLASSES),
    (compiled('categorical_crossentropy'), np.eye(3)[CLASSES]),
    (compiled(keras.losses.CategoricalCrossentropy(from_logits=True)), np.eye(3)[CLASSES]),
])
def test_the_constant_loss_of_classes_is_their_entropy(model, y):
    assert bridge.constant_loss(model, y) == pytest.approx(ENTROPY, rel=1e-3)


@pytest.mark.parametrize('logits', [False, True])
def test_the_constant_loss_of_two_classes_is_their_entropy(logits):
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    found = bridge.constant_loss(compiled(loss, 1, None), np.array([0, 1, 1, 1]))
    assert found == pytest.approx(-0.25 * np.log(0.25) - 0.75 * np.log(0.75), rel=1e-3)


def test_the_constant_loss_of_numbers_is_their_variance():
    assert bridge.constant_loss(compiled('mse', 1, None), np.array([1.0, 3.0])) == pytest.approx(1)


def own_loss(y_true, y_pred):
    raise AssertionError('nobody knows what labels this loss takes')


def mean_squared_error(y_true, y_pred):
    raise RuntimeError('a loss of the user that is called like one of Keras')


@pytest.mark.parametrize('model, y', [
    (compiled(own_loss), CLASSES),
    (compiled(mean_squared_error, 1), CLASSES),
    (compiled('mse'), CLASSES),
    (compiled('sparse_categorical_crossentropy'), CLASSES + 1),
    (compiled('sparse_categorical_crossentropy'), CLASSES - 1),
    (compiled('sparse_categorical_crossentropy'), CLASSES + 0.5),
    (compiled('sparse_categorical_crossentropy'), CLASSES * 0),
    (compiled(None), CLASSES),
    (compiled(['mse']), CLASSES),
])
def test_there_is_no_constant_loss_where_labels_and_loss_do_not_fit(model, y):
    assert bridge.constant_loss(model, y) is None


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


@pytest.mark.skipif(bridge.LEGACY, reason='TF 2.3 has only one backend')
@pytest.mark.parametrize('name', ['nonsense', 'numpy'])
def test_backends_that_cannot_train_are_told_with_those_that_can(name):
    done = subprocess.run([sys.executable, '-c', 'import AutoTrainer.keras_bridge'],
                          env=dict(os.environ, KERAS_BACKEND=name), stderr=subprocess.PIPE,
                          text=True)
    assert done.stderr.strip().splitlines()[-1] == (
        "AutoTrainer.errors.UserError: Keras is set to the backend '%s'; "
        'set KERAS_BACKEND, known are jax, tensorflow, torch' % name)


class Own(layers.Layer):
    def __init__(self, inner=2):
        super().__init__()
        self.layers = inner

    def call(self, inputs):
        return inputs * 2


class OwnModel(keras.Model):
    def call(self, inputs):
        return inputs * 2


def chain(*steps):
    inputs = keras.Input((4,))
    outputs = inputs
    for step in steps:
        outputs = step(outputs)
    return keras.Model(inputs, outputs)


def relu_op(tensor):
    if bridge.LEGACY:
        import tensorflow as tf
        return tf.nn.relu(tensor)
    return keras.ops.relu(tensor)


@pytest.mark.parametrize('model, expected', [
    (chain(layers.Dense(3)), False),
    (chain(layers.Dense(3, activation='sigmoid'), layers.LeakyReLU(), layers.Dropout(0.1)), False),
    (chain(layers.Dense(3, activation='relu')), True),
    (chain(layers.Dense(3), layers.ReLU()), True),
    (chain(layers.Dense(3), relu_op), True),
    (chain(layers.Dense(3), keras.activations.relu), True),
    (chain(layers.Dense(3), keras.activations.sigmoid), False),
    (chain(layers.Dense(3, activation=lambda x: x * 2)), True),
    (chain(layers.Lambda(lambda x: x * 2)), True),
    (chain(Own()), True),
    (chain(chain(layers.Dense(4), relu_op)), True),
    (chain(chain(layers.Dense(4, activation='tanh'))), False),
    (keras.Sequential([keras.Input((4,)), chain(layers.Dense(4), relu_op)]), True),
    (keras.Sequential([keras.Input((4, 2)), layers.TimeDistributed(
        layers.Dense(3, activation='relu'))]), True),
    (OwnModel(), True),
])
def test_units_that_can_die_are_found(model, expected):
    assert bridge.has_rectifiers(model) is expected


def test_layers_within_layers_are_found():
    inner = layers.Dense(3)
    model = chain(Own([inner, 7]), Own(2), chain(layers.Dense(2)))
    names = [type(layer).__name__ for layer in bridge.leaf_layers(model)]
    assert [name for name in names if name != 'InputLayer'] == ['Dense', 'Own', 'Dense']


def test_the_first_kernel_is_found_in_a_nested_model():
    x = np.array([[1.0, 2.0, 3.0, 4.0]], 'float32')
    twice = layers.Lambda(lambda x: x * 2)
    np.testing.assert_array_equal(
        bridge.first_kernel_input(chain(twice, chain(twice, layers.Dense(1))), x),
        4 * x.ravel())
    normalised = chain(layers.BatchNormalization(), layers.Dense(1))
    assert bridge.first_kernel_input(chain(twice, normalised), x) is None


def test_models_are_saved_whole_or_not_at_all(tmp_path):
    path = tmp_path / ('model' + bridge.MODEL_SUFFIX)
    model = mlp()
    bridge.save_model(model, str(path))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    x = np.ones((2, 4), 'float32')
    np.testing.assert_allclose(bridge.load_model(str(path)).predict(x, verbose=0),
                               model.predict(x, verbose=0), rtol=1e-6)


def test_a_model_without_input_shape_is_built_from_the_data():
    model = keras.Sequential([layers.Dense(3), layers.Dense(1)])
    bridge.ensure_built(model, np.zeros((5, 4), 'float32'))
    assert bridge.take_blueprint(model).weights
    fresh = bridge.build_model(bridge.take_blueprint(model), 0)
    assert fresh.predict(np.zeros((2, 4)), verbose=0).shape == (2, 1)


def test_saving_in_mid_repair_leaves_the_optimizer_in_place(tmp_path):
    model = mlp()
    bridge.compile_model(model, bridge.optimizer_config('Adam'), 'categorical_crossentropy')
    bridge.save_model(model, str(tmp_path / ('m' + bridge.MODEL_SUFFIX)))
    model.fit(np.ones((4, 4)), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    assert type(model.optimizer).__name__ == 'Adam'
