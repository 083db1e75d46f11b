"""``check`` on real models, and that it leaves everything as it was."""

import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_healthy import MNIST_TRAININGS, TRAININGS, data

from AutoTrainer import Finding, UserError, check, keras_bridge
from AutoTrainer.data import get_dataset

keras = keras_bridge.keras
layers = keras.layers
ROOT = Path(__file__).resolve().parent.parent
DRAWN = np.random.RandomState(0)
X = DRAWN.randn(300, 6).astype('float32')
BINARY = (X[:, 0] > 0).astype(int)
CLASSES = DRAWN.randint(0, 4, 300)
SCC = 'sparse_categorical_crossentropy'


def sequential(*parts, loss='binary_crossentropy', optimizer='adam', shape=(6,)):
    model = keras.Sequential(([keras.Input(shape)] if shape else []) + list(parts))
    model.compile(optimizer, loss)
    return model


def two_layers(head='sigmoid', units=1, hidden='relu', loss='binary_crossentropy', **settings):
    """Of 16 hidden units; the input shape is known only from the data."""
    return sequential(layers.Dense(16, activation=hidden), layers.Dense(units, activation=head),
                      loss=loss, shape=None, **settings)


def names(*arguments, **settings):
    return ['%s %s' % finding[1::-1] for finding in check(*arguments, **settings)]


def penalised(factor):
    return sequential(*[layers.Dense(units, activation=activation, kernel_regularizer=(
        keras.regularizers.l2(factor))) for units, activation in ((16, 'relu'), (1, 'sigmoid'))],
        loss='binary_crossentropy')


def frozen(model, *which):
    for layer in which:
        model.layers[layer].trainable = False
    model.compile('adam', 'binary_crossentropy')
    return model


def of_tokens(*front, known=30):
    """Twelve numbers a row, looked up in a table of so many."""
    return sequential(*front, layers.Embedding(known, 4), layers.GlobalAveragePooling1D(),
                      layers.Dense(1, activation='sigmoid'), shape=(12,))


@pytest.mark.backend
def test_numbers_beyond_an_embedding():
    x = np.tile(np.arange(1, 41), (3, 3)).T.reshape(-1, 12)
    y = np.arange(len(x)) % 2
    told = ['%s beyond_vocabulary' % (
        'likely' if keras_bridge.backend() == 'tensorflow' else 'certain')]

    def said(model, x):
        return [name for name in names(model, x, y) if 'vocabulary' in name]
    assert said(of_tokens(), x) == said(of_tokens(), x.astype('float32')) == told
    assert said(of_tokens(known=41), x) == []
    # what changes the numbers on their way is not followed
    assert said(of_tokens(layers.ReLU(max_value=9)), x) == []
    tokens, other = keras.Input((12,), name='tokens'), keras.Input((2,), name='other')
    both = layers.Concatenate()([layers.Flatten()(layers.Embedding(30, 2)(tokens)), other])
    model = keras.Model([other, tokens], layers.Dense(1, activation='sigmoid')(both))
    model.compile('adam', 'binary_crossentropy')
    further = np.ones((len(x), 2), 'float32')
    assert said(model, [further, x]) == said(model, {'other': further, 'tokens': x}) == told


def squares(form=None):
    def loss(y, predicted):
        y = y if form is None else keras.backend.reshape(y, form) if keras_bridge.LEGACY else (
            keras.ops.reshape(y, form))
        mean = keras.backend.mean if keras_bridge.LEGACY else keras.ops.mean
        return mean((y - predicted) ** 2)
    return loss


class Squares(keras.losses.Loss):
    def call(self, y, predicted):
        return (y - predicted) ** 2


@pytest.mark.backend
@pytest.mark.parametrize('loss, told', [
    (squares((-1,)), True), (squares(), False), (squares((-1, 1)), False),
    (Squares(), not keras_bridge.LEGACY), ('mse', False), (keras.losses.MeanSquaredError(), False)])
@pytest.mark.parametrize('y', [X[:, 0], BINARY])
def test_a_loss_that_pairs_nothing(loss, told, y):
    model = sequential(layers.Dense(1), loss=loss)
    assert ('likely labels_broadcast' in names(model, X, y)) is told


@pytest.mark.backend
@pytest.mark.parametrize('build, x, y, expected', [
    (two_layers, X, BINARY, []),
    (lambda: two_layers('softmax'), X, BINARY, ['certain softmax_of_one']),
    (lambda: two_layers('softmax', 4, loss=SCC), X, CLASSES, []),
    (lambda: two_layers('softmax', 3, loss=SCC), X, CLASSES, ['certain class_beyond_outputs']),
    (lambda: two_layers('softmax', 4, loss=SCC), X, CLASSES / 255,
     ['certain scaled_class_numbers']),
    (lambda: two_layers(None, 4, loss=SCC), X, CLASSES, ['likely head_is_no_share']),
    (lambda: penalised(0.5), X, BINARY, ['likely strong_decay']),   # its gradient is twice as much
    (lambda: penalised(0.2), X, BINARY, ['note strong_decay']),
    (lambda: penalised(0.01), X, BINARY, []),
    (lambda: two_layers('relu', 1, loss='mse'), X, X[:, 0] + X[:, 1] - 2,
     ['certain head_out_of_reach']),
    (lambda: two_layers('relu', 1, loss='mse'), X, np.hypot(X[:, 0], X[:, 1]), []),
    (two_layers, X * [1, 1, 1, 1, 1, 500], BINARY, ['likely column_scale']),
    (lambda: sequential(layers.BatchNormalization(), layers.Dense(1, activation='sigmoid')),
     X * [1, 1, 1, 1, 1, 500], BINARY, []),
    (lambda: sequential(layers.Dense(8), layers.BatchNormalization(),
                        layers.Dense(1, activation='sigmoid')),
     X * 500, BINARY, ['note large_inputs']),
    (two_layers, np.where(X > 3, np.nan, X), BINARY, ['certain nan_in_inputs']),
    (two_layers, X, np.array(['no', 'yes'])[BINARY], ['certain text_in_labels']),
    (two_layers, pd.DataFrame(X).assign(kind='a').iloc[:, 1:], BINARY, ['certain text_in_inputs']),
    (two_layers, pd.DataFrame(X).astype(object), BINARY, []),
    (lambda: sequential(layers.Lambda(lambda x: x), layers.Dense(1, activation='sigmoid')),
     pd.DataFrame(X).astype(object), BINARY.astype(object), []),
    (lambda: two_layers(optimizer=keras.optimizers.SGD(7.0)), X, BINARY,
     ['likely learning_rate_high']),
    (lambda: two_layers(optimizer=keras.optimizers.SGD(0.1, momentum=0.99)), X, BINARY,
     ['likely learning_rate_high']),
    (lambda: two_layers(optimizer=keras.optimizers.Adam(0.0)), X, BINARY,
     ['certain no_learning_rate']),
    (lambda: two_layers(optimizer=keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.9, 100, 0.9))), X, BINARY,
     ['likely learning_rate_high']),
    (lambda: sequential(layers.Dense(16, activation='relu', kernel_initializer='zeros'),
                        layers.Dense(1, activation='sigmoid', kernel_initializer='zeros')),
     X, BINARY, ['certain zero_kernels']),
    (lambda: sequential(layers.Dense(16, kernel_initializer='zeros'), layers.ReLU(),
                        layers.Dense(1, activation='sigmoid', kernel_initializer='zeros')),
     X, BINARY, ['certain zero_kernels']),
    (lambda: sequential(layers.Dense(16, kernel_initializer='ones'),
                        layers.Dense(1, activation='sigmoid')), X, BINARY, ['likely alike_units']),
    (lambda: sequential(layers.Dense(1, activation='sigmoid', kernel_initializer='zeros')),
     X, BINARY, []),
    (lambda: sequential(*[layers.Dense(16, activation='sigmoid') for _ in range(9)]
                        + [layers.Dense(1, activation='sigmoid')]), X, BINARY,
     ['likely gradient_fades']),
    (lambda: sequential(layers.Dense(16, activation='relu'), layers.Dropout(0.97),
                        layers.Dense(1, activation='sigmoid')), X, BINARY,
     ['likely dropout_leaves_nothing']),
    (lambda: frozen(sequential(layers.Dense(16), layers.Dense(1, activation='sigmoid')), 0, 1),
     X, BINARY, ['certain all_frozen']),
    (lambda: frozen(sequential(layers.Dense(16), layers.Dense(1, activation='sigmoid')), 1),
     X, BINARY, ['likely head_frozen']),
    (lambda: sequential(layers.Embedding(10, 4), layers.LSTM(8),
                        layers.Dense(1, activation='sigmoid'), shape=None),
     CLASSES.reshape(50, 6), BINARY[:50], []),
    (lambda: sequential(layers.Conv2D(4, 2, activation='relu'), layers.Flatten(),
                        layers.Dense(1, activation='sigmoid'), shape=None),
     (255 * np.abs(X)).reshape(300, 2, 3, 1).astype('uint8'), BINARY, ['likely large_inputs']),
    (lambda: sequential(layers.GRU(8), layers.Dense(1, activation='sigmoid'), shape=(3, 2)),
     X.reshape(300, 3, 2), BINARY, []),
])
def test_findings(build, x, y, expected):
    assert names(build(), x, y) == expected


@pytest.mark.backend
def test_a_class_that_the_loss_leaves_out():
    if keras_bridge.LEGACY:
        pytest.skip('losses of TF 2.3 leave no class out')
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    assert names(two_layers('softmax', 4, loss=loss), X, np.where(CLASSES > 2, 255, CLASSES)) == []


def test_logits():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert names(two_layers(None, loss=loss), X, BINARY) == []
    assert names(two_layers('sigmoid', loss=loss), X, BINARY) == ['likely logits_twice']


def test_the_plan():
    assert names(two_layers(), X, BINARY, epochs=2) == ['likely few_updates']
    assert names(two_layers(), X, BINARY, epochs=2, batch_size=2) == []
    assert names(two_layers(), X, BINARY, None, 500, 1000) == ['note batch_of_all_rows']


def test_validation_rows():
    assert names(two_layers(), X, BINARY, (X[:50], BINARY[:50])) == ['note same_rows']
    assert names(two_layers(), X, BINARY, (X[:50] + 1, np.ones(50), np.ones(50))) == [
        'likely validation_of_another_kind']
    assert names(two_layers(), X, BINARY, (np.where(X[:50] > 2, np.inf, X[:50]), BINARY[:50])) == [
        'likely nan_in_inputs']


@pytest.mark.parametrize('x, y', [
    (pd.DataFrame(X), pd.Series(BINARY)), (X.tolist(), BINARY.tolist()), (pd.DataFrame(X), BINARY),
    (pd.DataFrame(X), pd.DataFrame(BINARY)), ([X], [BINARY]), (X, BINARY.astype(bool)),
])
def test_other_forms_of_data(x, y):
    assert names(two_layers('softmax'), x, y) == ['certain softmax_of_one']


def test_rows_of_one_number():
    assert names(sequential(layers.Dense(1), loss='mse', shape=(1,)), X[:, 0], X[:, 1]) == []


def test_several_inputs_and_outputs():
    inputs = [keras.Input((6,), name='a'), keras.Input((2,), name='b')]
    both = layers.Concatenate()(inputs)
    one, other = layers.Dense(1, name='c')(both), layers.Dense(3, name='d')(both)
    model = keras.Model(inputs, one)
    model.compile('adam', 'mse')
    assert names(model, [X, X[:, :2] * 900], X[:, 0]) == ['likely column_scale']
    assert names(model, {'a': X, 'b': X[:, :2]}, X[:, 0]) == []
    model = keras.Model(inputs, [one, other])
    model.compile(keras.optimizers.SGD(50.0), 'mse')
    assert names(model, [X, X[:, :2]], [X[:, 0], X[:, :3]]) == ['likely learning_rate_high']


def test_the_head_of_each_output_is_held_against_its_labels():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, [layers.Dense(1, activation='tanh', name='price')(inputs),
                                 layers.Dense(1, activation='softmax', name='kind')(inputs)])
    model.compile('adam', ['mse', 'binary_crossentropy'])
    found = check(model, X, [30 * X[:, 0] + 50, CLASSES % 2])
    assert [(one.severity, one.name, one.sentence.split(':')[0]) for one in found[:2]] == [
        ('certain', 'head_out_of_reach', 'output price'),
        ('certain', 'softmax_of_one', 'output kind')]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(1)

    def call(self, x):
        return self.inner(x)


def test_of_a_subclassed_model_less_can_be_told():
    model = Subclassed()
    model.compile(keras.optimizers.SGD(50.0), 'mse')
    assert names(model, X, X[:, 0] * np.nan) == [
        'certain nan_in_labels', 'likely learning_rate_high']
    assert not model.built
    model(X[:1])
    assert names(model, X, X[:, 0] + X[:, 1]) == ['likely learning_rate_high']


def test_a_model_that_cannot_be_copied_is_looked_at_as_far_as_it_goes():
    class Own(layers.Layer):
        def __init__(self, units):  # not registered, and without a configuration
            super().__init__()
            self.inner = layers.Dense(units)

        def call(self, x):
            return self.inner(x)

    model = sequential(Own(3), layers.Dense(1), loss='mse', shape=None)
    assert names(model, X, X[:, 0] * 0) == ['likely one_label']


def test_of_many_rows_some_are_looked_at_and_nan_is_found_in_all():
    x = np.zeros((40000, 2), 'float32')
    x[:, 0], x[:, 1] = np.arange(40000) % 7, np.arange(40000) % 11
    y = np.arange(40000) % 2
    x[12345, 1] = np.nan
    y[23456] = 3
    assert names(two_layers('softmax', 2, loss=SCC), x, y) == [
        'certain class_beyond_outputs', 'certain nan_in_inputs']


# ---------------------------------------------------------------------------------- nothing changes

def trained(watched, dropout=True):
    """Losses of two epochs, with or without a check in front."""
    keras.backend.clear_session()
    keras_bridge.set_seed(3)
    model = sequential(layers.Dense(16, activation='relu'), layers.Dropout(0.3),
                       layers.BatchNormalization(), layers.Dense(1, activation='sigmoid'),
                       optimizer=keras.optimizers.SGD(0.1, momentum=0.9), shape=None)
    if watched:
        check(model, X, BINARY, (X[:30], BINARY[:30]), 2, 50)
        assert not model.built
    return model.fit(X, BINARY, batch_size=50, epochs=2, verbose=0).history['loss']


@pytest.mark.backend
def test_a_training_is_the_same_to_the_last_bit():
    assert trained(True) == trained(False)


@pytest.mark.backend
def test_model_data_and_random_states_stay():
    model = two_layers(optimizer='adam')
    model.fit(X, BINARY, epochs=1, verbose=0)
    x, y = X * [1, 1, 1, 1, 1, 300], np.array(BINARY)
    before = keras_bridge.training_state(model) + [np.array(x), np.array(y)]
    states = random.getstate(), np.random.get_state()
    assert check(model, x, y, (x[:40], y[:40]), 5)
    after = keras_bridge.training_state(model) + [x, y]
    assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(before, after))
    assert len(before) == len(after) and random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1][1])


# ----------------------------------------------------------------------------- well-set trainings

def findings_of(training):
    name, rows, build, optimizer, settings, loss, batch_size, epochs = training
    keras_bridge.set_seed(0)
    model = build()
    keras_bridge.compile_model(model, keras_bridge.optimizer_config(optimizer, settings), loss)
    part = data(name, rows, batch_size)
    return check(model, part['x'], part['y'], (part['x_val'], part['y_val']), epochs, batch_size)


@pytest.mark.parametrize('name', sorted(TRAININGS))
def test_a_healthy_training_has_nothing_but_notes(name):
    assert [finding for finding in findings_of(TRAININGS[name]) if finding.severity != 'note'] == []


def test_a_healthy_training_on_mnist_has_nothing_but_notes(shared, monkeypatch):
    if not (shared / 'data' / 'mnist.npz').is_file():
        pytest.skip('no ../shared/data/mnist.npz beside the checkout: MNIST needs its file')
    monkeypatch.setenv('AUTOTRAINER_DATA', str(shared / 'data'))
    for training in MNIST_TRAININGS.values():
        assert [one for one in findings_of(training) if one.severity != 'note'] == []


def test_the_demo_cases_that_are_spoilt_by_their_setup():
    from AutoTrainer.demo_case import case_config, case_model
    found = {}
    for case in ('Improper_Loss_Case', 'Improper_Activation_case', 'Abnormal_Data_Case',
                 'Gradient_Vanish_Case', 'Gradient_Explode_Case'):
        config, model = case_config(case), case_model(case, keras)
        keras_bridge.compile_model(model, keras_bridge.optimizer_config(
            config['optimizer'], config['opt_kwargs']), config['loss'])
        rows = get_dataset(config['dataset'])
        found[case] = check(model, rows['x'], rows['y'])[0].issue
    assert found == {'Improper_Loss_Case': 'activation_issue',
                     'Improper_Activation_case': 'activation_issue',
                     'Abnormal_Data_Case': 'abnormal_data', 'Gradient_Vanish_Case': 'vanish',
                     'Gradient_Explode_Case': 'explode'}


# --------------------------------------------------------------------------------------- bad input

def uncompiled():
    return keras.Sequential([keras.Input((6,)), layers.Dense(1)])


@pytest.mark.parametrize('build, x, y, settings, message', [
    (uncompiled, X, BINARY, {}, 'model is not compiled; call model.compile'),
    (lambda: 'model.keras', X, BINARY, {}, "model is 'model.keras'; give a Keras model"),
    (two_layers, X, BINARY[:7], {}, 'x and y have 300 and 7 rows; give as many'),
    (two_layers, X, BINARY, {'validation_data': (X[:9], BINARY[:8])},
     r'validation_data\[0\] and validation_data\[1\] have 9 and 8 rows'),
    (two_layers, X, BINARY, {'validation_data': X[:9]}, r'validation_data is a ndarray; give \(x,'),
    (two_layers, X[:0], BINARY[:0], {}, r'x has shape \(0, 6\); give at least one row'),
    (two_layers, 'x.csv', BINARY, {}, 'x is a str; give arrays'),
    (two_layers, zip(X, BINARY), BINARY, {}, 'x is a zip; give arrays'),
    (two_layers, X, None, {}, r'y is missing; give check\(model, x, y\)'),
    (two_layers, [[1, 2], [3]], [0, 1], {}, 'x has rows of unequal length'),
    (lambda: sequential(layers.Dense(1)), X[:, :5], BINARY, {},
     r'x has rows of shape \(5,\), but the model takes inputs of shape \(6,\)'),
    (two_layers, X, BINARY, {'epochs': 0}, 'epochs is 0; give a whole number'),
    (two_layers, X, BINARY, {'batch_size': 2.5}, 'batch_size is 2.5'),
])
def test_bad_input_is_one_sentence(build, x, y, settings, message):
    with pytest.raises(UserError, match=message):
        check(build(), x, y, **settings)


# -------------------------------------------------------------------------------------------- docs

def test_the_page_has_every_finding():
    """And no other: names stand in the code where a finding is made."""
    made = set()
    for file in (ROOT / 'AutoTrainer' / 'judge').glob('*.py'):
        code = file.read_text(encoding='utf-8')
        made |= set(re.findall(r"(?:Finding|_head|_loss|_data)\(\s*'(\w+)'", code))
        made |= {name for pair in re.findall(r"Finding\('(\w+)' if \w+ else '(\w+)'", code)
                 for name in pair}
    page = (ROOT / 'docs' / 'guide' / 'check.md').read_text(encoding='utf-8')
    assert set(re.findall(r'^\| `(\w+)` ', page, re.MULTILINE)) == made and len(made) > 35


def test_a_finding_is_a_plain_record():
    finding, = check(two_layers('softmax'), X, BINARY)
    assert isinstance(finding, Finding) and finding._fields == (
        'name', 'severity', 'sentence', 'advice', 'issue')
