"""The lines that a user gets, run for every solution and held against what the repair built."""

import re

import numpy as np
import pytest
from candidates import L, apply, build, candidate, keras, mlp, one_hot, why_not

from AutoTrainer import keras_bridge
from AutoTrainer.intake.arrays import map_arrays, parts
from AutoTrainer.report.code import change_in_code
from AutoTrainer.report.code_calls import keras_call, number_text, value_text
from AutoTrainer.solutions.candidate import Candidate, Training
from AutoTrainer.solutions.edit import INITIALIZERS
from AutoTrainer.solutions.graph import copy_of, dictionaries
from AutoTrainer.utils.repair import SOLUTIONS

ROWS, HELD = 40, 24
NUMBERS = np.random.RandomState(3)
CLASSES = np.arange(ROWS + HELD) % 3


# ------------------------------------------------------- trainings with everything to be mended

def bad_table(columns=4, outputs=3, head='sigmoid'):
    return keras.Sequential([
        keras.Input((columns,)), L.GaussianNoise(0.9),
        L.Dense(5, activation='relu', kernel_regularizer=keras.regularizers.L2(1.0),
                trainable=False),
        L.Dropout(0.9), L.Dense(5, activation='relu', bias_initializer='ones'),
        L.Dense(outputs, activation=head)])


def bad_image():
    return keras.Sequential([
        keras.Input((6, 6, 1)), L.Conv2D(3, 3, activation='relu', kernel_initializer='zeros'),
        L.SpatialDropout2D(0.9), L.Conv2D(2, 3), L.ReLU(max_value=6.0), L.Flatten(),
        L.Dense(1, activation='tanh')])


def bad_branches():
    first, second = keras.Input((4,), name='first'), keras.Input((2,), name='second')
    a = L.Dense(5, activation='relu', activity_regularizer=keras.regularizers.L1(1.0))(first)
    b = L.Dense(5, activation='relu', trainable=False)(L.Dropout(0.9)(second))
    gate = L.Multiply()([a, L.Dense(5, activation='sigmoid')(second)])
    joined = L.Concatenate()([L.Add()([gate, b]), first])
    return keras.Model([first, second], L.Dense(1, activation='sigmoid')(joined))


def data_of(model, x, y):
    """(x, y, validation data): the last rows are held out."""
    return (map_arrays(lambda a: a[:ROWS], x), y[:ROWS],
            (map_arrays(lambda a: a[ROWS:], x), y[ROWS:]))


def bad(model, x, y, **settings):
    x, y, val = data_of(model, x, y)
    optimizer = settings.pop('optimizer', ('SGD', {'learning_rate': 0.5}))
    blueprint = keras_bridge.take_blueprint(model)
    best = {name: [w + 1 for w in arrays] for name, arrays in blueprint.weights.items()}
    how = dict(loss='mean_squared_error', batch_size=16, epochs=2, callbacks=(), shuffle=False)
    how.update(settings)
    return Candidate(blueprint, Training(
        optimizer=keras_bridge.optimizer_config(*optimizer),
        dataset={'x': x, 'y': y, 'x_val': val[0], 'y_val': val[1]}, **how), best=best)


def table(columns=4):
    return (50 + 20 * NUMBERS.randn(ROWS + HELD, columns)).astype('float32')


def image():
    return (100 + 30 * NUMBERS.randn(ROWS + HELD, 6, 6, 1)).astype('float32')


def eager_stop():
    return keras.callbacks.EarlyStopping(monitor='loss', patience=0)


TRAININGS = {
    'classes': lambda: bad(bad_table(), table(), one_hot(ROWS + HELD)),
    'amounts': lambda: bad(bad_branches(), [table(), table(2)],
                           (4e5 + 1e5 * NUMBERS.randn(ROWS + HELD)).astype('float32'),
                           callbacks=('ReduceLR', eager_stop())),
    'decades': lambda: bad(bad_table(head='linear'), table(),
                           np.exp(5 * NUMBERS.randn(ROWS + HELD, 3)).astype('float32'),
                           callbacks=('estop',), optimizer=('Adam', {'clipnorm': 0.5})),
    'two numbers': lambda: bad(bad_image(), image(), CLASSES % 2 * 2.0 - 1),
    'divided': lambda: bad(bad_table(outputs=1), table(), (CLASSES / 2.0).astype('float32'),
                           shuffle=True),
    'wide': lambda: bad(bad_table(12, 12, 'linear'), table(12),
                        (1e3 * NUMBERS.randn(ROWS + HELD, 12) + 5e3).astype('float32'),
                        batch_size=4),
}
"""Between them every solution has something to do."""


def tries(name, given):
    """The candidates of all tries of a solution, up to three."""
    found = []
    for attempt in range(3):
        if why_not(name, given, attempt=attempt):
            break
        found.append(apply(name, given, attempt=attempt)[0])
    return found


# ------------------------------------------------------------------ the program, and what it gets

class Program:
    """A user's program, and what its training comes to with the lines put in.

    Attributes:
        names: its variables afterwards.
        fits: the arguments of every call of fit.
    """

    def __init__(self, given, monkeypatch, tmp_path):
        self.given, self.fits = given, []
        monkeypatch.chdir(tmp_path)
        data = dict(given.training.dataset)
        self.names = dict(data, model=build(given))
        keras_bridge.compile_model(self.names['model'], given.training.optimizer,
                                   given.training.loss, given.training.metrics)
        self._patch = monkeypatch

    def run(self, text):
        exec(compile(text, 'lines', 'exec'), self.names)
        return self

    def told(self, text):
        """Run the lines, with fits that train nothing and are only taken note of."""
        def fit(model, x=None, y=None, **settings):
            self.fits.append(dict(settings, model=model, x=x, y=y))
            for callback in settings.get('callbacks', ()):
                if isinstance(callback, keras.callbacks.ModelCheckpoint):
                    model.save_weights(callback.filepath)

        with self._patch.context() as patched:
            patched.setattr(keras.Model, 'fit', fit)
            self.run(text)
            how = self.given.training
            if 'model.fit' not in text:  # then the program does as before
                self.names['model'].fit(
                    self.names['x'], self.names['y'], batch_size=how.batch_size,
                    epochs=how.epochs, shuffle=how.shuffle, class_weight=how.class_weight,
                    validation_data=(self.names['x_val'], self.names['y_val']))
        return self


LEFT_OUT = ('name', 'dtype', 'seed', 'module', 'registered_name', 'build_config', 'input_axes',
            'output_axes', 'batch_input_shape', 'shared_object_id')


def plain(value):
    """A configuration without names and seeds, initializers in one spelling, numbers of 32 bits."""
    if isinstance(value, dict):
        if value.get('class_name') == 'VarianceScaling':
            for name, wanted in INITIALIZERS.items():
                if all(value['config'][key] == wanted[key] for key in wanted):
                    return name
        if 'class_name' in value and set(value['config']) <= {'seed', 'input_axes', 'output_axes'}:
            return re.sub('(?<=[a-z])(?=[A-Z])', '_', value['class_name']).lower()
        return {key: plain(part) for key, part in value.items() if key not in LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    return float('%.5g' % value) if isinstance(value, float) else value


def layers_of(model):
    """Class and settings of every layer; in a functional model also what feeds it."""
    config = model.get_config()
    order = [entry['config']['name'] for entry in config['layers']]
    found = []
    for entry in config['layers']:
        feeds = re.findall(r"'keras_history': [\[(]'([^']+)'|\['([^']+)', 0, 0",
                           str(entry.get('inbound_nodes', '')))
        found.append((entry['class_name'], plain(entry['config']),
                      sorted(order.index(name) for pair in feeds for name in pair if name)))
    return found


def optimizer_of(model):
    return plain(keras_bridge.optimizer_config(model.optimizer))


def check(program, after, text):
    """The program builds, compiles and trains what the repair did."""
    how, model = after.training, program.fits[-1]['model']
    expected = build(after)
    keras_bridge.compile_model(expected, how.optimizer, how.loss, how.metrics)
    assert layers_of(model) == layers_of(expected)
    assert model.trainable == expected.trainable
    assert [w.shape for w in model.get_weights()] == [w.shape for w in expected.get_weights()]
    assert len(model.trainable_weights) == len(expected.trainable_weights)
    assert optimizer_of(model) == optimizer_of(expected)
    assert model.loss == expected.loss == how.loss
    fit = program.fits[-1]
    assert (fit['batch_size'], fit['epochs']) == (how.batch_size, how.epochs)
    assert fit.get('shuffle', True) == how.shuffle
    assert fit.get('class_weight') == how.class_weight
    check_rows(fit, after)
    made = sorted(type(part).__name__ for part in fit.get('callbacks', ()))
    kept = {'estop': 'EarlyStopping', 'ReduceLR': 'ReduceLROnPlateau'}
    if 'model.fit' in text:
        assert made == sorted(kept[part] for part in how.callbacks if isinstance(part, str))


def check_rows(fit, after):
    data, split = after.training.dataset, after.split
    given = {'x': fit['x'], 'y': fit['y'], 'x_val': fit['validation_data'][0],
             'y_val': fit['validation_data'][1]}
    for name in 'xy':
        here = [parts(given[key]) for key in (name, name + '_val')]
        there = [parts(data[key]) for key in (name, name + '_val')]
        assert [[part.shape for part in some] for some in here] == [
            [np.shape(part) for part in some] for some in there]
        for one, other in zip(zip(*here), zip(*there)):
            one, other = [np.concatenate(pair).astype('float64') for pair in (one, other)]
            if split:  # the same rows, drawn in another order
                assert not np.array_equal(one, other)
                one, other = np.sort(one, axis=0), np.sort(other, axis=0)
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize('name', sorted(SOLUTIONS))
def test_lines_do_what_the_solution_did(name, monkeypatch, tmp_path):
    done = 0
    for make in TRAININGS.values():
        given = make()
        for changed in tries(name, given):
            text = change_in_code(given, changed)
            check(Program(given, monkeypatch, tmp_path).told(text), changed, text)
            done += 1
    assert done, {kind: why_not(name, make()) for kind, make in TRAININGS.items()}


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize('name', sorted(SOLUTIONS))
def test_lines_train(name, monkeypatch, tmp_path):
    given, changed = next((given, found[0]) for given in (make() for make in TRAININGS.values())
                          for found in [tries(name, given)] if found)
    text = change_in_code(given, changed)
    if 'model.fit' not in text:
        text += '\nmodel.fit(x, y, validation_data=(x_val, y_val), epochs=1)'
    names = Program(given, monkeypatch, tmp_path).run(text).names
    assert np.shape(names['model'].predict(names['x_val']))[0] == HELD


EVERYTHING = ('shuffle', 'head', 'targets', 'data', 'unfreeze', 'less_dropout',
              'less_decay', 'wider', 'deeper', 'relu', 'bn', 'weights', 'less_batch', 'longer',
              'step', 'estop')


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize('kind', sorted(TRAININGS))
def test_many_solutions_together(kind, monkeypatch, tmp_path):
    given = changed = TRAININGS[kind]()
    for name in EVERYTHING:
        if not why_not(name, changed):
            changed = apply(name, changed)[0]
    text = change_in_code(given, changed)
    check(Program(given, monkeypatch, tmp_path).told(text), changed, text)


@pytest.mark.backend
@pytest.mark.parametrize('kind, last', [
    ('amounts', 'model = keras.Model('), ('decades', 'predicted = np.expm1('),
    ('wide', 'model = keras.Sequential(')])
def test_answers_in_the_units_of_the_labels(kind, last, monkeypatch, tmp_path):
    given = TRAININGS[kind]()
    changed, _ = apply('targets', given)
    text = change_in_code(given, changed)
    assert text.split('\n')[-1].startswith(last)
    program = Program(given, monkeypatch, tmp_path).told(text)
    outputs = program.fits[-1]['model'].predict(program.names['x'])
    answers = (program.names['predicted'] if kind == 'decades'
               else program.names['model'].predict(program.names['x']))
    np.testing.assert_allclose(answers, changed.targets.of_outputs(outputs), rtol=1e-4)


# --------------------------------------------------------------------------------- the text itself

def lines_for(name, given, **settings):
    return change_in_code(given, apply(name, given, **settings)[0]).split('\n')


KERAS = 'from tensorflow import keras' if keras_bridge.LEGACY else 'import keras'


def test_another_optimizer_is_two_lines():
    assert lines_for('adam', candidate(mlp, learning_rate=0.5, momentum=0.9)) == [
        KERAS, "model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), "
        "loss='categorical_crossentropy', metrics=['accuracy'])"
        "  # was SGD(learning_rate=0.5, momentum=0.9)"]


def test_nothing_for_nothing():
    given = candidate(mlp)
    assert change_in_code(given, given) == ''


def test_a_sequential_model():
    given = bad(bad_table(), table(), one_hot(ROWS + HELD))
    assert lines_for('less_dropout', given)[:-1] == [
        KERAS,
        'model = keras.Sequential([',
        '    keras.Input((4,)),',
        '    keras.layers.GaussianNoise(0.0),  # was stddev=0.9',
        "    keras.layers.Dense(5, trainable=False, activation='relu', "
        "kernel_regularizer=keras.regularizers.L2(l2=1.0)),",
        '    keras.layers.Dropout(0.1),  # was rate=0.9',
        "    keras.layers.Dense(5, activation='relu', bias_initializer='ones'),",
        "    keras.layers.Dense(3, activation='sigmoid'),",
        '])',
        '# give its frozen layers their weights, as your program does']


def test_layers_that_are_new_or_gone():
    given = candidate(mlp)
    config = {**given.model.config, 'layers': [
        entry for entry in given.model.config['layers'] if entry['config']['name'] != 'fc2']}
    changed = given._replace(model=given.model._replace(config=config))
    assert "    # without Dense(5, activation='relu')" in change_in_code(given, changed).split('\n')
    assert "    keras.layers.Dense(5, activation='relu'),  # new" in change_in_code(
        changed, given).split('\n')


def test_frozen_layers_keep_their_weights():
    text = lines_for('unfreeze', candidate(bad_table))
    assert text[1].startswith('model.trainable = True  # was False in dense')
    assert not any('Sequential' in line for line in text)


def test_many_columns_are_computed():
    given = TRAININGS['wide']()
    text = change_in_code(given, apply('data', given)[0])
    assert 'Rescaling(x_scale.tolist(), offset=x_offset.tolist()),  # new' in text
    assert len(text) < 1500


@pytest.mark.backend
def test_inputs_by_name(monkeypatch, tmp_path):
    """Data, losses and outputs that go by their names keep them; many columns of both inputs."""
    one, two = keras.Input((9,), name='one'), keras.Input((10,), name='two')
    joined = L.Concatenate()([L.Dense(3)(two), L.Dense(3)(one)])
    model = keras.Model({'one': one, 'two': two} if not keras_bridge.LEGACY else [one, two],
                        [L.Dense(1, name='amount')(joined),
                         L.Dense(2, activation='softmax', name='kind')(joined)])
    x = {'two': table(10), 'one': table(9)}
    given = bad(model, {'one': x['one'], 'two': x['two']}, CLASSES,
                loss={'amount': 'mean_absolute_error', 'kind': 'sparse_categorical_crossentropy'},
                metrics=())
    y = {'amount': CLASSES, 'kind': CLASSES % 2}
    given = given._replace(training=given.training._replace(dataset=dict(
        given.training.dataset, y=map_arrays(lambda a: a[:ROWS], y),
        y_val=map_arrays(lambda a: a[ROWS:], y))))
    changed = apply('split', apply('data', given)[0])[0]
    text = change_in_code(given, changed)
    assert "x_scale_2 = " in text and "keras.Input((9,), name='one')" in text
    text = change_in_code(given, apply('data', given)[0])
    built = Program(given, monkeypatch, tmp_path).run(text).names['model']
    assert sorted(layers_of(built), key=str) == sorted(
        layers_of(build(apply('data', given)[0])), key=str)
    built.fit(given.training.dataset['x'], given.training.dataset['y'], epochs=1, verbose=0)


# ------------------------------------------------------------- models that few lines cannot hold

def nested():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, activation='relu')], name='inner')
    return keras.Sequential([keras.Input((4,)), inner, L.Dense(4, name='fc'),
                             L.ReLU(name='act'), L.Dense(3, name='out')])


def shared():
    x = keras.Input((4,))
    twice = L.Dense(4, activation='relu', name='twice')
    return keras.Model(x, L.Dense(3, name='out')(L.Dense(4, activation='relu', name='fc')(
        twice(twice(x)))))


def function():
    return keras.Sequential([
        keras.Input((4,)), L.Lambda(lambda x: x * 2, output_shape=(4,)),
        L.Dense(4, activation='relu', name='fc'), L.Dense(3, name='out')])


def operations():
    x = keras.Input((4,))
    h = L.Dense(4, activation='relu', name='fc')(x)
    return keras.Model(x, L.Dense(3, name='out')(h * 2.0 + x))


@pytest.mark.parametrize('make', [nested, shared, function, operations])
def test_models_in_words(make):
    text = lines_for('selu', candidate(make))
    assert text[:2] == [KERAS, '# change these layers of your model; the rest of it stays:']
    assert not any(line.startswith('model = ') for line in text)
    changed = [line for line in text if line.startswith('#   ')]
    assert len(changed) == (2 if make is nested else 1)
    assert changed[0].startswith('#   fc: keras.layers.Dense(4, ')
    assert text[-1].startswith('model.compile(')


def test_new_layers_in_words():
    text = lines_for('bn', candidate(shared))
    assert '#   batch_norm: behind fc keras.layers.BatchNormalization()  # new' in text


def test_nested_models_unfrozen():
    def frozen():
        model = nested()
        model.layers[0].trainable = False
        return model

    given = candidate(frozen)
    config = copy_of(given.model.config)
    for part in dictionaries(config):
        part.update({'trainable': True} if 'trainable' in part else {})
    text = change_in_code(given, given._replace(model=given.model._replace(config=config)))
    assert text.split('\n')[1] == 'model.trainable = True  # was False in inner'


# --------------------------------------------------------------------------- losses and the values

def test_losses_and_metrics():
    def own_loss(y, predicted):
        return 0.0

    for loss, told in [
            (keras.losses.CategoricalCrossentropy(from_logits=True),
             'keras.losses.CategoricalCrossentropy(from_logits=True)'),
            (keras.losses.MeanSquaredError(), 'keras.losses.MeanSquaredError()'),
            (keras.losses.mean_squared_error, "'mean_squared_error'"),
            (own_loss, 'own_loss'),
            ({'a': own_loss, 'b': 'mean_absolute_error'},
             "{'a': own_loss, 'b': 'mean_absolute_error'}")]:
        given = candidate(mlp)
        changed = given._replace(training=given.training._replace(
            loss=loss, metrics=('accuracy', keras.metrics.Precision(thresholds=0.25))))
        text = change_in_code(given, changed)
        assert 'loss=%s, metrics=[\'accuracy\', keras.metrics.Precision(thresholds=0.25)])' % (
            told) in text
        assert text.endswith("# was loss='categorical_crossentropy', metrics=['accuracy']")


def test_schedules():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.5, staircase=True)
    given = candidate(mlp)
    changed = given._replace(training=given.training._replace(
        optimizer=keras_bridge.optimizer_config(keras.optimizers.SGD(schedule))))
    assert ('SGD(learning_rate=keras.optimizers.schedules.ExponentialDecay(initial_learning_rate='
            '0.1, decay_steps=100, decay_rate=0.5, staircase=True))') in change_in_code(
                given, changed)
    assert '# was learning_rate=ExponentialDecay(' in change_in_code(changed, given)


def test_class_weights_and_callbacks():
    given = candidate(mlp, callbacks=(eager_stop(), 'ReduceLR'))
    changed = given._replace(training=given.training._replace(
        class_weight={0: 0.5, 1: 2.0}, callbacks=('estop',) + given.training.callbacks[:1]))
    assert change_in_code(given, changed).split('\n')[1] == (
        "model.fit(x, y, batch_size=16, epochs=2, class_weight={0: 0.5, 1: 2.0}, "
        "callbacks=[keras.callbacks.EarlyStopping(monitor='loss', patience=10, "
        "restore_best_weights=True)])  # was class_weight=None; beside your callbacks; "
        "without the callbacks ReduceLR")


@pytest.mark.parametrize('value, text', [
    (0.1, '0.1'), (float(np.float32(0.1)), '0.1'), (1e-7, '1e-07'), (3e5, '300000.0'),
    (1 / 3, '0.33333334'), (1e300, '1e+300'), (1e-60, '1e-60'), (0.0, '0.0'),
    (float('inf'), "float('inf')")])
def test_number_text(value, text):
    assert number_text(value) == text
    assert eval(text) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize('value, text', [
    (None, 'None'), ('a', "'a'"), ((3,), '(3,)'), ((None, 2), '(None, 2)'), ([1, 2.5], '[1, 2.5]'),
    ({'a': True}, "{'a': True}"), (np.float32(0.1), '0.1'), (np.array([1, 2]), '[1, 2]')])
def test_value_text(value, text):
    assert value_text(value) == text


@pytest.mark.backend
@pytest.mark.parametrize('made', [
    keras.initializers.Zeros(), keras.initializers.HeNormal(), keras.initializers.Orthogonal(),
    keras.initializers.Constant(0.5), keras.initializers.RandomNormal(stddev=0.2),
    keras.initializers.VarianceScaling(2.0, 'fan_out'), keras.initializers.LecunUniform(),
    keras.initializers.TruncatedNormal()], ids=lambda made: type(made).__name__)
def test_initializers(made):
    layer = L.Dense(2, kernel_initializer=made)
    text = value_text(layer.get_config()['kernel_initializer'], 'kernel_initializer')
    again = L.Dense(2, kernel_initializer=eval(text))
    assert plain(again.get_config()) == plain(layer.get_config())


LAYERS = [
    lambda: L.Conv2D(4, (3, 2), strides=2, padding='same', kernel_constraint='non_neg'),
    lambda: L.SeparableConv1D(4, 3, depthwise_initializer='he_normal'),
    lambda: L.MaxPooling2D(3), lambda: L.GlobalAveragePooling1D(), lambda: L.Reshape((2, 3)),
    lambda: L.Permute((2, 1)), lambda: L.UpSampling2D((2, 3)),
    lambda: L.ZeroPadding2D(((1, 2), (0, 1))),
    lambda: L.Embedding(9, 4, mask_zero=True), lambda: L.Masking(-1.0),
    lambda: L.LSTM(4, dropout=0.2, recurrent_regularizer='l1', return_sequences=True),
    lambda: L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode='sum'),
    lambda: L.TimeDistributed(L.Dense(3, activation='relu')),
    lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True),
    lambda: L.BatchNormalization(momentum=0.8, axis=1), lambda: L.LayerNormalization(epsilon=1e-6),
    lambda: L.PReLU(shared_axes=[1]), lambda: L.ELU(0.5), lambda: L.Softmax(axis=1),
    lambda: L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
    lambda: L.Dense(3, kernel_constraint=keras.constraints.MaxNorm(2.0, axis=1), use_bias=False),
    lambda: L.Dot(axes=1, normalize=True), lambda: L.Average(), lambda: L.Cropping1D((1, 2)),
    lambda: keras_bridge.keras.layers.Activation('elu'), lambda: L.RepeatVector(3)]


@pytest.mark.backend
@pytest.mark.parametrize('make', LAYERS, ids=lambda make: type(make()).__name__)
def test_layers_made_again(make):
    """The call that a layer is written as makes a layer with its settings, none of them twice."""
    layer = make()
    kind = type(layer).__name__
    if keras_bridge.LEGACY:
        described = {'class_name': kind, 'config': layer.get_config()}
    else:
        described = keras.saving.serialize_keras_object(layer)
    text = keras_call('layers', described).text
    assert plain(eval(text).get_config()) == plain(layer.get_config())
    assert len(text) < 200 and "'glorot_uniform'" not in text
