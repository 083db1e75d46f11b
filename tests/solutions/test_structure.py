"""Every solution that changes the model, on every kind of model, by rebuilding and training it."""

import os

import numpy as np
import pytest
from candidates import (
    MODELS,
    L,
    apply,
    build,
    candidate,
    chain,
    convolutional,
    keras,
    mlp,
    one_hot,
    residual,
    sequences,
    tokens,
    train,
    weights,
    why_not,
)

from AutoTrainer import keras_bridge
from AutoTrainer.solutions import graph as model_graph
from AutoTrainer.solutions import structure as repair_structure
from AutoTrainer.solutions.graph import copy_of
from AutoTrainer.utils.repair import SOLUTIONS

REDRAWN = {  # layers with a kernel that are not the head
    'mlp': {'fc1', 'fc2'}, 'dense_activation': {'fc1', 'fc2'}, 'residual': {'a', 'b'},
    'convolutional': {'conv1', 'conv2'}, 'tokens': {'lstm', 'fc'},
    'sequences': {'both', 'each', 'gru'}}
STRUCTURAL = ('selu', 'relu', 'tanh', 'leaky', 'bn', 'initial', 'GN', 'dropout', 'regular', 'data')
NOT_FOR_TOKENS = ('GN', 'data')


@pytest.mark.parametrize('name', STRUCTURAL)
@pytest.mark.parametrize('kind', sorted(MODELS))
def test_model_survives(kind, name):
    """Same inputs and outputs, other layers' weights to the bit."""
    given = candidate(MODELS[kind])
    if kind == 'tokens' and name in NOT_FOR_TOKENS:
        assert 'no input of measured numbers' in why_not(name, given)
        return
    changed, words = apply(name, given)
    before, model = given.model.original, build(changed)
    assert words and '{' not in words
    assert model.input_shape == before.input_shape and model.output_shape == before.output_shape
    redrawn = REDRAWN[kind] if name in ('selu', 'relu', 'tanh', 'initial') else set()
    now = weights(model)
    for layer, arrays in given.model.weights.items():
        same = [np.array_equal(a, b) for a, b in zip(arrays, now[layer])]
        assert all(same) if layer not in redrawn else not any(same)


TRAINED = [('mlp', 'data'), ('mlp', 'tanh'), ('dense_activation', 'leaky'),
           ('dense_activation', 'GN'), ('residual', 'bn'), ('residual', 'selu'),
           ('convolutional', 'regular'), ('convolutional', 'dropout'), ('tokens', 'relu'),
           ('sequences', 'initial')]
"""Every solution and every kind of model; to train costs a hundred times what building does."""


@pytest.mark.backend
@pytest.mark.slow
@pytest.mark.parametrize('kind, name', TRAINED)
def test_model_trains(kind, name, tmp_path):
    """And comes back from a file as it was."""
    trained = train(apply(name, candidate(MODELS[kind]))[0])
    assert all(np.all(np.isfinite(w)) for w in trained.get_weights())
    path = os.path.join(str(tmp_path), 'model' + keras_bridge.MODEL_SUFFIX)
    keras_bridge.save_model(trained, path)
    again = keras_bridge.load_model(path)
    assert chain(again) == chain(trained)
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), trained.get_weights()))


def test_every_solution_and_every_kind_is_trained():
    assert {kind for kind, _ in TRAINED} == set(MODELS)
    assert {name for _, name in TRAINED} == set(STRUCTURAL)


@pytest.mark.parametrize('kind', sorted(MODELS))
def test_candidate_is_not_changed(kind):
    given = candidate(MODELS[kind])
    config = copy_of(given.model.config)
    names, x = set(given.model.weights), given.training.dataset['x'].copy()
    for name in SOLUTIONS:
        why_not(name, given)
    assert copy_of(given.model.config) == config
    assert set(given.model.weights) == names
    assert np.array_equal(given.training.dataset['x'], x)


@pytest.mark.parametrize('activation, initializer', [
    ('selu', 'lecun_uniform'), ('relu', 'he_uniform'), ('tanh', 'glorot_uniform')])
def test_substitution_draws_what_it_says(activation, initializer):
    def wide():
        return keras.Sequential([
            keras.Input((100,)), L.Dense(400, activation='sigmoid', name='hidden'),
            L.Dense(3, activation='softmax', name='out')])

    given = candidate(wide, x=np.zeros((16, 100), 'float32'))
    changed, words = apply(activation, given)
    assert activation in words and initializer in words
    kernel, bias = weights(build(changed))['hidden']
    fan = {'lecun_uniform': 100 / 3., 'he_uniform': 100 / 6., 'glorot_uniform': 250 / 3.}
    limit = np.sqrt(1 / fan[initializer])
    assert 0.98 * limit < np.max(np.abs(kernel)) <= limit * 1.0001
    assert np.all(bias == 0)


def test_recurrent_layers_keep_tanh():
    for kind in (tokens, sequences):
        for name in ('selu', 'relu', 'leaky'):
            for layer in build(apply(name, candidate(kind))[0]).layers:
                if type(layer).__name__ in ('LSTM', 'GRU'):
                    assert keras_bridge.activation_name(layer) == 'tanh'


def test_normalization_goes_between():
    changed, _ = apply('bn', candidate(mlp))
    assert [kind for _, kind, _ in chain(build(changed))] == [
        'Dense', 'BatchNormalization', 'Activation'] * 2 + ['Dense']
    changed, _ = apply('bn', candidate(convolutional))
    assert [(kind, activation) for _, kind, activation in chain(build(changed))] == [
        ('Conv2D', 'linear'), ('BatchNormalization', ''), ('Activation', 'relu'),
        ('Conv2D', 'linear'), ('BatchNormalization', ''), ('Activation', 'relu'),
        ('Dense', 'softmax')]


def test_normalization_behind_recurrent_layers():
    """Behind those that give one vector per row, not behind those that give a sequence."""
    def by_time():
        x = keras.Input((5, 3))
        h = L.GRU(2, name='last')(L.LSTM(2, return_sequences=True, name='first')(x))
        return keras.Model(x, L.Dense(3, activation='softmax')(h))

    changed, _ = apply('bn', candidate(by_time))
    kinds = [kind for _, kind, _ in chain(build(changed))]
    assert kinds == ['LSTM', 'GRU', 'BatchNormalization', 'Dense']


def test_normalization_axis_of_channels_first():
    config = {'name': 'm', 'layers': [
        {'class_name': 'InputLayer', 'config': {'name': 'in'}},
        {'class_name': 'Conv2D', 'config': {'name': 'c', 'activation': 'relu',
                                            'data_format': 'channels_first'}},
        {'class_name': 'Dense', 'config': {'name': 'o', 'activation': 'softmax'}}]}
    given = candidate(mlp)
    given = given._replace(model=given.model._replace(config=config))
    changed, _ = apply('bn', given)
    added = changed.model.config['layers'][2]
    assert added['class_name'] == 'BatchNormalization' and added['config']['axis'] in (1, [1])


@pytest.mark.parametrize('attempt, kind', [(0, 'LeakyReLU'), (1, 'ELU'), (2, None)])
def test_leaky_kinds(attempt, kind):
    changed, _ = apply('leaky', candidate(residual), attempt=attempt)
    model = build(changed)
    kind = kind or ('ThresholdedReLU' if keras_bridge.LEGACY else 'ReLU')
    assert [k for _, k, _ in chain(model)] == ['Dense', kind, 'Dense', 'Add', kind, 'Concatenate',
                                               'Dense']
    layer = [layer for layer in model.layers if type(layer).__name__ == kind][0]
    slopes = {'LeakyReLU': [-0.6, 0.5, 2], 'ELU': [np.exp(-2) - 1, 0.5, 2]}
    out = np.asarray(keras_bridge.to_numpy(layer(np.array([[-2, 0.5, 2]], 'float32'))))[0]
    assert np.allclose(out, slopes.get(kind, [0, 0, 2]), atol=1e-6)
    assert keras_bridge.head_activation(model) == 'softmax'


def test_initial_goes_through_others():
    given = candidate(mlp)
    words = [apply('initial', given, attempt=i)[1] for i in range(5)]
    assert len(set(words)) == 5
    assert not any('by glorot_uniform' in line for line in words)
    assert 'no further' in why_not('initial', given, attempt=5)
    once, _ = apply('initial', given)  # he_uniform; from there that is the one left out
    assert not any('by he_uniform' in apply('initial', once, attempt=i)[1] for i in range(5))


@pytest.mark.parametrize('initializer, expected', [
    ({'class_name': 'GlorotUniform', 'config': {'seed': None}}, 'glorot_uniform'),
    ({'class_name': 'VarianceScaling', 'config': {
        'scale': 1.0, 'mode': 'fan_avg', 'distribution': 'uniform', 'seed': None}},
     'glorot_uniform'),  # as Keras 2.3 writes it
    ({'module': 'keras.initializers', 'class_name': 'HeNormal', 'config': {}}, 'he_normal'),
    ('he_uniform', 'he_uniform'), (None, '')])
def test_initializer_name(initializer, expected):
    assert repair_structure.initializer_name({'kernel_initializer': initializer}) == expected


def test_every_initializer_is_known_by_its_name():
    for name, settings in repair_structure.INITIALIZERS.items():
        config = {'kernel_initializer': {'class_name': 'VarianceScaling', 'config': settings}}
        assert repair_structure.initializer_name(config) == name
        own = keras.initializers.get(name)
        config = keras.layers.Dense(2, kernel_initializer=own).get_config()
        assert repair_structure.initializer_name(config) == name


def test_dropout_and_noise_are_not_added_twice():
    once, _ = apply('dropout', candidate(residual))
    assert 'without dropout' in why_not('dropout', once)
    once, _ = apply('GN', candidate(residual))
    assert 'noise' in why_not('GN', once)
    once, _ = apply('data', candidate(residual))
    assert 'rescale' in why_not('data', once)
    once, _ = apply('bn', candidate(residual))
    assert 'normalization' in why_not('bn', once)
    once, _ = apply('regular', candidate(residual))
    assert 'regularizer' in why_not('regular', once)
    once, _ = apply('relu', candidate(residual))
    assert 'already' in why_not('relu', once)


def test_solutions_can_follow_each_other():
    given = candidate(residual)
    for name in ('bn', 'selu', 'dropout', 'data', 'regular'):
        given, _ = apply(name, given)
    model = train(given)
    assert [(k, a) for _, k, a in chain(model)] == [
        ('Rescaling', ''), ('Dense', 'linear'), ('BatchNormalization', ''), ('Activation', 'selu'),
        ('Dropout', ''), ('Dense', 'linear'), ('Add', ''), ('BatchNormalization', ''),
        ('Activation', 'selu'), ('Dropout', ''), ('Concatenate', ''), ('Dense', 'softmax')]
    assert 'out' in given.model.weights and not {'a', 'b'} & set(given.model.weights)


@pytest.mark.backend
def test_same_draws_same_model():
    given = candidate(mlp)
    one, two, other = (apply('selu', given, seed=seed)[0] for seed in (4, 4, 5))
    assert one.model.config == two.model.config
    first, again, different = (weights(build(c))['fc1'][0] for c in (one, two, other))
    assert np.array_equal(first, again) and not np.array_equal(first, different)


def test_layers_of_one_shape_are_drawn_apart():
    def deep():
        return keras.Sequential([keras.Input((4,))] + [
            L.Dense(4, activation='relu', name='d%d' % i) for i in range(3)] + [L.Dense(3)])

    found = weights(build(apply('initial', candidate(deep))[0]))
    assert not np.array_equal(found['d0'][0], found['d1'][0])
    both = weights(build(apply('initial', candidate(sequences))[0]))['both']
    half = len(both) // 2
    assert not np.array_equal(both[0], both[half])  # forwards and backwards


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = L.Dense(4, activation='relu')
        self.out = L.Dense(3, activation='softmax')

    def call(self, x):
        return self.out(self.inner(x))


@pytest.mark.backend
def test_subclassed_model():
    """Structure cannot be changed, and that is said; the training can."""
    x = np.zeros((600, 4), 'float32')

    def own():
        model = Own()
        model(x[:1])
        return model

    given = candidate(own, x=x)
    rebuilding = STRUCTURAL + ('activation', 'head', 'weights', 'unfreeze', 'less_dropout', 'wider',
                               'deeper', 'targets')
    uncalled = ('loss', 'restart', 'labels', 'shuffle', 'split', 'less_decay')
    for name in SOLUTIONS:
        why = why_not(name, given)
        if name in rebuilding:
            assert 'subclassed' in why, name
        else:
            assert bool(why) == (name in uncalled) and 'subclassed' not in why, name
    train(apply('adam', given)[0])


@pytest.mark.parametrize('name', ['selu', 'initial', 'bn', 'dropout', 'regular', 'leaky'])
def test_nothing_to_change_is_said(name):
    def linear():
        return keras.Sequential([keras.Input((4,)), L.Dense(3, activation='softmax')])

    assert why_not(name, candidate(linear)).startswith('the model has no hidden')


def test_shared_layers_and_nested_models_are_left_alone():
    def shared():
        x = keras.Input((4,))
        twice = L.Dense(4, activation='relu', name='twice')
        inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation='relu')], name='inner')
        h = L.Dense(4, activation='relu', name='own')(inner(twice(twice(x))))
        return keras.Model(x, L.Dense(3, activation='softmax', name='out')(h))

    given = candidate(shared)
    for name in ('selu', 'bn', 'dropout', 'data', 'GN'):
        changed, _ = apply(name, given)
        model = build(changed)
        now = weights(model)
        assert all(np.array_equal(a, b) for layer in ('twice', 'inner', 'out')
                   for a, b in zip(given.model.weights[layer], now[layer]))
        assert keras_bridge.activation_name(model.get_layer('twice')) == 'relu'
    train(changed)


# --------------------------------------------------------------------------------------- the ends

def model_with_head(*head):
    return lambda: keras.Sequential(
        [keras.Input((4,)), L.Dense(4, activation='relu', name='fc')] + list(head))


BINARY = np.array([0, 1] * 8)


@pytest.mark.parametrize('head, loss, y, expected', [
    ([('Dense', 3, 'relu')], 'categorical_crossentropy', one_hot(), 'softmax'),
    ([('Dense', 3, 'linear')], 'sparse_categorical_crossentropy', np.arange(16) % 3, 'softmax'),
    ([('Dense', 1, 'relu')], 'binary_crossentropy', BINARY, 'sigmoid'),
    ([('Dense', 1, 'softmax')], 'binary_crossentropy', BINARY, 'sigmoid'),
    ([('Dense', 3, 'tanh')], 'binary_crossentropy', 1 - one_hot(), 'sigmoid'),
    ([('Dense', 1, 'sigmoid')], 'mse', 30.0 * np.arange(16), 'linear'),
    ([('Dense', 3, 'linear'), ('Activation', 'relu')], 'categorical_crossentropy', one_hot(),
     'softmax'),
    ([('Dense', 3, 'linear'), ('ReLU',)], 'categorical_crossentropy', one_hot(), 'softmax'),
    ([('Dense', 3, 'relu'), ('Reshape', (3,))], 'categorical_crossentropy', one_hot(), 'softmax'),
    # already right
    ([('Dense', 3, 'softmax')], 'categorical_crossentropy', one_hot(), None),
    ([('Dense', 2, 'softmax')], 'binary_crossentropy', one_hot(classes=2), None),
    ([('Dense', 3, 'softmax'), ('Reshape', (3,))], 'categorical_crossentropy', one_hot(), None),
    ([('Dense', 1, 'relu')], 'mse', 30.0 * np.arange(16), None),
])
def test_heads(head, loss, y, expected):
    layers = []
    for kind, *settings in head:
        name = {'name': 'out'} if kind == 'Dense' else {}
        if kind == 'Dense':
            layers.append(L.Dense(settings[0], activation=settings[1], **name))
        else:
            layers.append(getattr(L, kind)(*settings))
    given = candidate(model_with_head(*layers), y=y, loss=loss)
    if expected is None:
        assert 'fits the loss' in why_not('activation', given, 'activation_issue')
        return
    changed, words = apply('activation', given, 'activation_issue')
    model = train(changed)
    assert expected in words and expected in [a for _, _, a in chain(model)][1:]
    assert model.output_shape == given.model.original.output_shape
    assert keras_bridge.activation_name(model.get_layer('fc')) == 'relu'
    assert set(changed.model.weights) == set(given.model.weights)


def test_head_without_a_setting_gets_an_activation():
    def summed():
        x = keras.Input((4,))
        return keras.Model(x, L.Add()([L.Dense(3, name='a')(x), L.Dense(3, name='b')(x)]))

    model = train(apply('activation', candidate(summed), 'activation_issue')[0])
    assert chain(model)[-1][1:] == ('Activation', 'softmax')


def test_head_of_a_loss_on_logits_is_left_alone():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    given = candidate(model_with_head(L.Dense(3)), loss=loss)
    assert 'logits' in why_not('activation', given, 'activation_issue')


def test_rescaling_rules():
    numbers = np.random.RandomState(0)
    table = np.stack([1e4 + 100 * numbers.randn(500), 1e-3 * numbers.randn(500),
                      np.full(500, 7.0)], axis=1)
    scale, offset = repair_structure.rescaling(table)
    scaled = table * scale + offset
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-6)
    images = 255 * numbers.rand(50, 8, 8, 1)
    scale, offset = repair_structure.rescaling(images)
    assert isinstance(scale, float) and isinstance(offset, float)
    assert abs((images * scale + offset).mean()) < 1e-6
    rare = np.zeros((1000, 2))
    rare[0, 0] = 255  # a pixel that is on once must not become 31 deviations
    scale, offset = repair_structure.rescaling(rare)
    assert np.max(np.abs(rare * scale + offset)) <= 10


@pytest.mark.backend
def test_rescaled_model_works_on_the_data_as_it_comes(tmp_path):
    given = candidate(mlp, x=(5000 + 900 * np.random.RandomState(3).randn(64, 4)).astype('float32'))
    changed, words = apply('data', given, 'abnormal_data')
    assert 'mean 5' in words
    model = build(changed)
    path = os.path.join(str(tmp_path), 'model' + keras_bridge.MODEL_SUFFIX)
    keras_bridge.save_model(model, path)
    x = given.training.dataset['x']
    arriving = keras_bridge.first_kernel_input(keras_bridge.load_model(path), x)
    assert abs(np.mean(arriving)) < 1e-3 and abs(np.std(arriving) - 1) < 1e-3


def test_rescaling_of_several_inputs():
    def two():
        a, b = keras.Input((2,), name='a'), keras.Input((3,), name='b')
        h = L.Concatenate()([a, b])
        return keras.Model([a, b], L.Dense(3, activation='softmax', name='out')(h))

    numbers = np.random.RandomState(0)
    x = {'b': 100 * numbers.randn(16, 3).astype('float32'),
         'a': numbers.randn(16, 2).astype('float32')}
    changed, words = apply('data', candidate(two, x=x), 'abnormal_data')
    arriving = keras_bridge.first_kernel_input(build(changed), [x['a'], x['b']])
    assert abs(np.std(arriving) - 1) < 0.05
    only = candidate(two, x=x['a'])
    assert '2 input layers but the data 1' in why_not('data', only, 'abnormal_data')
    other = candidate(two, x=x)
    other.training.dataset['x'] = {'a': x['a'], 'c': x['b']}
    assert 'the inputs a, b but the data a, c' in why_not('data', other, 'abnormal_data')


def crossed(width, by_key=False):
    """A model whose layers stand in another order than its inputs."""
    def build_it():
        b, a = keras.Input((2,), name='b'), keras.Input((width,), name='a')
        deep = L.Dense(4, activation='relu')(L.Dense(4, activation='relu')(b))
        h = L.Concatenate()([deep, L.Dense(4)(a)])
        out = L.Dense(3, activation='softmax')(h)
        return keras.Model({'u': a, 'v': b} if by_key else [a, b], out)

    return build_it


@pytest.mark.filterwarnings('ignore:When providing `inputs` as a dict')
@pytest.mark.parametrize('width', [2, 3])
@pytest.mark.parametrize('form', ['list', 'names', 'keys'])
def test_every_input_is_scaled_by_its_own_numbers(form, width):
    numbers = np.random.RandomState(0)
    a = (5 + 3 * numbers.randn(64, width)).astype('float32')
    b = (5000 + 900 * numbers.randn(64, 2)).astype('float32')
    x = {'list': [a, b], 'names': {'a': a, 'b': b}, 'keys': {'u': a, 'v': b}}[form]
    given = candidate(crossed(width, by_key=form == 'keys'), x=x)
    model = build(apply('data', given, 'abnormal_data')[0])
    scaled = keras.Model(model.inputs, [layer.output for layer in model.layers
                                        if layer.name.startswith('rescale_input')])
    for part in scaled([a, b]):
        part = keras_bridge.to_numpy(part)
        assert abs(np.mean(part)) < 1e-3 and abs(np.std(part) - 1) < 1e-2


def padded(functional):
    def build_it():
        if not functional:
            return keras.Sequential([keras.Input((None, 2)), L.Masking(-1.0, name='mask'),
                                     L.LSTM(4), L.Dense(3, activation='softmax')])
        x = keras.Input((None, 2))
        h = L.LSTM(4)(L.Masking(-1.0, name='mask')(x))
        return keras.Model(x, L.Dense(3, activation='softmax')(h))

    return build_it


@pytest.mark.parametrize('functional', [True, False])
@pytest.mark.parametrize('name', ['data', 'GN'])
def test_padding_stays_masked(name, functional):
    """Padded rows give what they give without their padding."""
    x = (100 + 20 * np.random.RandomState(0).randn(16, 6, 2)).astype('float32')
    x[:, 4:] = -1
    given = candidate(padded(functional), x=x)
    if name == 'data' and keras_bridge.LEGACY:
        assert 'padding would no longer be recognised' in why_not(name, given, 'abnormal_data')
        return
    changed, words = apply(name, given)
    if name == 'data':
        real = x[:, :4]
        assert 'mean %.3g, deviation %.3g' % (real.mean(), real.std()) in words
    graph = model_graph.read(changed.model.config)
    assert graph.before['mask'] == list(graph.inputs)
    model = build(changed)
    with_padding, without = [keras_bridge.to_numpy(model(keras_bridge.to_tensors(part)))
                             for part in (x, x[:, :4])]
    assert np.allclose(with_padding, without, atol=1e-6)
    train(changed)


@pytest.mark.parametrize('name', ['data', 'GN'])
def test_values_that_are_masked_later_are_left_alone(name):
    def reshaped():
        x = keras.Input((12,))
        h = L.LSTM(4)(L.Masking(0.0)(L.Reshape((6, 2))(x)))
        return keras.Model(x, L.Dense(3, activation='softmax')(h))

    assert 'padding would no longer be recognised' in why_not(name, candidate(reshaped))
