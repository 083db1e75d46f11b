"""What holds a model back is taken away: on models of every kind, rebuilt and trained."""

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
    dense_activation,
    keras,
    mlp,
    residual,
    sequences,
    tokens,
    train,
    weights,
    why_not,
)

from AutoTrainer import keras_bridge
from AutoTrainer.solutions.graph import read

WHY_NOT = {('residual', 'wider'): 'that others do not depend on',
           ('convolutional', 'wider'): 'no hidden layer has fewer',
           ('sequences', 'deeper'): 'has 3 hidden layers already'}


def stacked(*layers):
    return lambda: keras.Sequential([keras.Input((4,))] + [layer() for layer in layers] + [
        L.Dense(3, activation='softmax', name='out')])


def hidden(**settings):
    return lambda: L.Dense(5, activation='relu', **settings)


@pytest.mark.parametrize('name', ['weights', 'wider', 'deeper'])
@pytest.mark.parametrize('kind', sorted(MODELS))
def test_model_survives(kind, name):
    """It takes and gives what it did."""
    given = candidate(MODELS[kind])
    if (kind, name) in WHY_NOT:
        assert WHY_NOT[kind, name] in why_not(name, given)
        return
    changed, words = apply(name, given)
    before, model = given.model.original, build(changed)
    assert words and '{' not in words
    assert model.input_shape == before.input_shape and model.output_shape == before.output_shape


@pytest.mark.backend
@pytest.mark.slow
@pytest.mark.parametrize('kind, name', [
    ('convolutional', 'weights'), ('dense_activation', 'wider'), ('tokens', 'deeper')])
def test_model_trains(kind, name):
    model = train(apply(name, candidate(MODELS[kind]))[0])
    assert all(np.all(np.isfinite(w)) for w in model.get_weights())


# ------------------------------------------------------------------------------- starting weights

@pytest.mark.parametrize('activation, drawn_by, spread', [
    ('relu', 'he_uniform', 2.0), ('selu', 'lecun_uniform', 1.0), ('tanh', 'glorot_uniform', 0.4),
    ('sigmoid', 'glorot_uniform', 0.4)])
@pytest.mark.parametrize('apart', [False, True])
def test_weights_are_drawn_as_the_activation_wants_them(activation, drawn_by, spread, apart):
    """Its own activation, or that of the layer behind it; the head by Glorot, biases 0."""
    def wide():
        return keras.Sequential([keras.Input((100,))] + (
            [L.Dense(400, name='fc', bias_initializer='ones'), L.Activation(activation)] if apart
            else [L.Dense(400, activation=activation, name='fc', bias_initializer='ones')]) + [
            L.Dense(3, activation='softmax', kernel_initializer='zeros', name='out')])

    changed, words = apply('weights', candidate(wide, x=np.zeros((16, 100), 'float32')))
    now = weights(build(changed))
    assert words == '2 layers drawn anew by %s, biases 0' % (
        ' and '.join(sorted({drawn_by, 'glorot_uniform'})))
    assert not now['fc'][1].any() and not now['out'][1].any()
    assert now['fc'][0].std() == pytest.approx(np.sqrt(spread / 100), rel=0.05)
    assert now['out'][0].std() == pytest.approx(np.sqrt(2 / 403), rel=0.2)


def test_weights_of_other_layers_stay():
    given = candidate(convolutional)
    now = weights(build(apply('weights', given)[0]))
    same = {name for name, arrays in given.model.weights.items()
            if all(np.array_equal(a, b) for a, b in zip(arrays, now[name]))}
    assert same == {'norm'}
    assert 'no layer whose weights' in why_not('weights', candidate(
        lambda: keras.Sequential([keras.Input((3,)), L.Activation('softmax')])))


@pytest.mark.backend
def test_weights_are_drawn_by_the_seed():
    given = candidate(sequences)
    one, again, other = [weights(build(apply('weights', given, seed=seed)[0]))
                         for seed in (1, 1, 2)]
    for name in ('gru', 'each', 'out'):
        assert np.array_equal(one[name][0], again[name][0])
        assert not np.array_equal(one[name][0], other[name][0])


# --------------------------------------------------------------------------------- what is frozen

def frozen_model():
    model = mlp()
    model.trainable = False
    return model


def frozen_wrapper():
    x = keras.Input((5, 3), name='in')
    h = L.Bidirectional(L.GRU(3, return_sequences=True), name='both')(x)
    h = L.TimeDistributed(L.Dense(3, activation='relu'), name='each')(h)
    model = keras.Model(x, L.Dense(3, activation='softmax')(L.GRU(3, name='gru')(h)))
    for name in ('both', 'each'):
        model.get_layer(name).trainable = False
    return model


def frozen_part():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation='relu')], name='inner')
    inner.trainable = False
    return keras.Sequential([keras.Input((4,)), inner, L.Dense(3, activation='softmax')])


@pytest.mark.parametrize('build_it', [
    frozen_model, frozen_wrapper, frozen_part, stacked(hidden(trainable=False), hidden())])
def test_everything_is_trainable_again(build_it):
    given = candidate(build_it)
    assert len(build(given).trainable_weights) < len(given.model.original.weights)
    changed, words = apply('unfreeze', given)
    model = build(changed)
    assert len(model.trainable_weights) == len(model.weights)
    assert all(np.array_equal(a, b) for a, b in zip(
        model.get_weights(), given.model.original.get_weights()))
    assert words.endswith('trainable again') and not words.startswith('0')
    assert 'no layer of the model is frozen' in why_not('unfreeze', changed)


# ----------------------------------------------------------------------- dropout, noise, penalties

@pytest.mark.parametrize('layer, words', [
    (lambda: L.Dropout(0.5, name='it'), 'dropout of 0.5 → 0.1'),
    (lambda: L.AlphaDropout(0.9, name='it'), 'dropout of 0.9 → 0.1'),
    (lambda: L.GaussianDropout(0.9, name='it'), 'dropout of 0.9 → 0.1'),
    (lambda: L.GaussianNoise(0.3, name='it'), 'no noise from 1 layer')])
def test_less_dropout(layer, words):
    changed, said = apply('less_dropout', candidate(stacked(hidden(), layer)))
    config = build(changed).get_layer('it').get_config()
    assert said == words and config.get('rate', config.get('stddev')) in (0.1, 0.0)


def test_less_dropout_of_several():
    given = candidate(stacked(lambda: L.GaussianNoise(0.3), hidden(), lambda: L.Dropout(0.5),
                              hidden(), lambda: L.Dropout(0.9), lambda: L.Dropout(0.05)))
    changed, said = apply('less_dropout', given)
    assert said == 'dropout of 0.5, 0.9 → 0.1; no noise from 1 layer'
    assert [layer.rate for layer in build(changed).layers
            if type(layer).__name__ == 'Dropout'] == [0.1, 0.1, 0.05]
    assert 'no noise and no dropout above 0.1' in why_not('less_dropout', changed)
    assert all(np.array_equal(a, b) for a, b in zip(
        build(changed).get_weights(), given.model.original.get_weights()))


@pytest.mark.parametrize('wrapped', [False, True])
def test_less_dropout_in_recurrent_layers(wrapped):
    """In both directions."""
    def by_time():
        layer = L.LSTM(3, dropout=0.6, recurrent_dropout=0.5, name='lstm')
        x = keras.Input((5, 3))
        return keras.Model(x, L.Dense(3, activation='softmax')(
            (L.Bidirectional(layer, name='both') if wrapped else layer)(x)))

    changed, said = apply('less_dropout', candidate(by_time))
    assert said == 'dropout of 0.5, 0.6 → 0.1'
    layer = build(changed).get_layer('both' if wrapped else 'lstm')
    parts = [layer.forward_layer, layer.backward_layer] if wrapped else [layer]
    assert [(part.dropout, part.recurrent_dropout) for part in parts] == [(0.1, 0.1)] * len(parts)


def test_less_decay():
    l2 = keras.regularizers.l2
    given = candidate(stacked(
        hidden(name='a', kernel_regularizer=l2(0.1), bias_regularizer=l2(0.1)),
        hidden(name='b', activity_regularizer=keras.regularizers.l1(0.1)), hidden(name='c')))
    changed, said = apply('less_decay', given)
    model = train(changed)
    assert said == 'no penalty on 2 layers' and not model.losses
    assert given.model.original.losses
    assert 'nothing in the model is penalised' in why_not('less_decay', changed)


@pytest.mark.parametrize('wrapped', ['both', 'each'])
def test_less_decay_inside_wrappers(wrapped):
    def by_time():
        x = keras.Input((5, 3))
        inner = (L.GRU(3, kernel_regularizer='l2', recurrent_regularizer='l2')
                 if wrapped == 'both' else L.Dense(3, kernel_regularizer='l2'))
        h = (L.Bidirectional(inner) if wrapped == 'both'
             else L.GRU(3)(L.TimeDistributed(inner)(x)))
        return keras.Model(x, L.Dense(3, activation='softmax')(
            h(x) if wrapped == 'both' else h))

    changed, said = apply('less_decay', candidate(by_time))
    assert said == 'no penalty on 1 layer' and not build(changed).losses


@pytest.mark.parametrize('optimizer, left', [('AdamW', 0.0), ('Adam', None), ('SGD', None)])
def test_less_decay_of_the_optimizer(optimizer, left):
    """AdamW takes no None; on both stacks a description is all that is changed."""
    given = candidate(mlp)
    described = {'class_name': optimizer, 'config': {'learning_rate': 0.01, 'weight_decay': 0.1}}
    given = given._replace(training=given.training._replace(optimizer=described))
    changed, said = apply('less_decay', given)
    assert said == 'no weight decay in the optimizer'
    assert changed.training.optimizer == {'class_name': optimizer, 'config': {
        'learning_rate': 0.01, 'weight_decay': left}}
    assert given.training.optimizer['config']['weight_decay'] == 0.1
    assert 'nothing in the model' in why_not('less_decay', changed)
    if not keras_bridge.LEGACY:
        train(changed)


# ---------------------------------------------------------------------------------------- how large

def units(given):
    return {layer.name: layer.units for layer in build(given).layers if hasattr(layer, 'units')}


def test_wider():
    changed, said = apply('wider', candidate(stacked(
        lambda: L.Dense(2, name='a'), lambda: L.Dense(15, name='b'),
        lambda: L.Dense(16, name='c'))))
    assert said == '2 layers of 2, 15 units → 32'
    assert units(changed) == {'a': 32, 'b': 32, 'c': 16, 'out': 3}
    assert 'no hidden layer has fewer than 16 units' in why_not('wider', changed)


def joined(merge, *between):
    """Two hidden layers of which one is merged with the other, and what comes behind."""
    def build_it():
        x = keras.Input((4,))
        a = L.Dense(4, activation='relu', name='a')(x)
        b = L.BatchNormalization()(L.Dense(4, name='b')(a))
        h = getattr(L, merge)()([a, b])
        for kind, *settings in between:
            h = getattr(L, kind)(*settings)(h)
        return keras.Model(x, L.Dense(3, activation='softmax', name='out')(h))

    return build_it


@pytest.mark.parametrize('merge, expected', [
    ('Concatenate', {'a': 32, 'b': 32, 'out': 3}), ('Add', None), ('Multiply', None),
    ('Average', None)])
def test_wider_before_what_merges(merge, expected):
    given = candidate(joined(merge))
    if expected is None:
        assert 'others do not depend on' in why_not('wider', given)
        return
    changed, _ = apply('wider', given)
    assert units(changed) == expected
    train(changed)


def reshaped():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(12, activation='relu', name='a'), L.Reshape((3, 4)),
        L.Flatten(), L.Dense(5, name='b'), L.Dense(3, activation='softmax', name='out')])


def before_a_part():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation='relu')], name='inner')
    return keras.Sequential([keras.Input((4,)), L.Dense(4, name='a'), inner, L.Dense(5, name='b'),
                             L.Dense(3, activation='softmax', name='out')])


def before_a_shared():
    x = keras.Input((4,))
    twice = L.Dense(4, activation='relu', name='twice')
    h = twice(twice(L.Dense(4, name='a')(x)))
    h = L.Dense(5, name='b')(h)
    return keras.Model(x, L.Dense(3, activation='softmax', name='out')(h))


@pytest.mark.parametrize('build_it', [reshaped, before_a_part, before_a_shared])
def test_wider_leaves_what_others_depend_on(build_it):
    changed, said = apply('wider', candidate(build_it))
    found = units(changed)
    assert said == '1 layer of 5 units → 32' and found['b'] == 32
    assert found['a'] == (12 if build_it is reshaped else 4)
    train(changed)


@pytest.mark.parametrize('build_it, before', [
    (mlp, ['fc1', 'fc2']), (dense_activation, ['fc1', 'act1', 'fc2', 'act2']),
    (tokens, ['words', 'lstm', 'fc'])])
def test_deeper(build_it, before):
    changed, said = apply('deeper', candidate(build_it))
    model = build(changed)
    assert said == '2 more hidden layers of 64 ReLU units'
    assert [name for name, _, _ in chain(model)][:len(before) + 3] == (
        before + ['more', 'more_1', 'out'])
    assert units(changed)['more'] == units(changed)['more_1'] == 64
    kernels = weights(model)
    assert kernels['more_1'][0].std() == pytest.approx(np.sqrt(2 / 64), rel=0.1)


def test_deeper_behind_branches():
    changed, _ = apply('deeper', candidate(residual))
    graph = read(changed.model.config)
    assert graph.before['more'] == ['join'] and graph.before['out'] == ['more_1']


def unnamed():
    model = keras.Sequential([L.Dense(3, activation='softmax')])
    model.build((None, 4))
    return model


def two_heads():
    x = keras.Input((4,))
    return keras.Model(x, [L.Dense(1)(x), L.Dense(1)(x)])


@pytest.mark.parametrize('build_it, why', [
    (stacked(hidden(), hidden(), hidden()), 'has 3 hidden layers already'),
    (two_heads, 'no single Dense at its end'),
    (lambda: keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(2, 3),
                               L.GlobalAveragePooling2D()]), 'no single Dense at its end')])
def test_why_not_deeper(build_it, why):
    assert why in why_not('deeper', candidate(build_it))


def test_deeper_where_the_model_does_not_name_its_inputs():
    """It is made deeper, or said why not; never a model that cannot be built."""
    given = candidate(unnamed, x=np.zeros((16, 4), 'float32'))
    why = why_not('deeper', given)
    if why:
        assert 'give it an Input layer' in why
    else:
        assert train(apply('deeper', given)[0]).output_shape == (None, 3)
