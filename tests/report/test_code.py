"""The lines that a user gets, run for every solution and held against what the repair built."""

import numpy as np
import pytest
from candidates import L, apply, build, candidate, keras, mlp, one_hot, why_not
from programs import (
    CLASSES,
    HELD,
    ROWS,
    TRAININGS,
    Program,
    bad,
    bad_table,
    check,
    eager_stop,
    layers_of,
    table,
    tries,
)

from AutoTrainer import keras_bridge
from AutoTrainer.intake.arrays import map_arrays
from AutoTrainer.report.code import change_in_code
from AutoTrainer.solutions.graph import copy_of, dictionaries
from AutoTrainer.utils.repair import SOLUTIONS

EVERYTHING = ('shuffle', 'head', 'targets', 'data', 'unfreeze', 'less_dropout',
              'less_decay', 'wider', 'deeper', 'relu', 'bn', 'weights', 'GN', 'dropout', 'regular',
              'less_batch', 'longer', 'step', 'estop')


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(SOLUTIONS))
def test_lines_do_what_the_solution_did(name, monkeypatch, tmp_path):
    """All tries on one training; on the others the first, of what changes more than numbers.

    Except for those that test_many_solutions_together tells for each of the trainings.
    """
    done = 0
    for make in TRAININGS.values():
        given = make()
        for changed in tries(name, given)[:1 if done else None]:
            text = change_in_code(given, changed)
            check(Program(given, monkeypatch, tmp_path).told(text), changed, text)
            done += 1
        if done and (name in EVERYTHING or only_numbers(given, changed)):
            break
    assert done, {kind: why_not(name, make()) for kind, make in TRAININGS.items()}


def only_numbers(given, changed):
    """Whether model, rows and loss stay, so that other trainings would be told alike."""
    return (changed.model is given.model and changed.split == given.split
            and changed.training.dataset is given.training.dataset
            and changed.training.loss == given.training.loss)


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    'adam', 'bn', 'data', 'estop', 'restart', 'split', 'targets', 'unfreeze'])
def test_lines_train(name, monkeypatch, tmp_path):
    """Each form of what is told: compile, fit, another model, its ends, its weights, its rows."""
    given, changed = next((given, found[0]) for given in (make() for make in TRAININGS.values())
                          for found in [tries(name, given)] if found)
    text = change_in_code(given, changed)
    if 'model.fit' not in text:
        text += '\nmodel.fit(x, y, validation_data=(x_val, y_val), epochs=1)'
    names = Program(given, monkeypatch, tmp_path).run(text).names
    assert np.shape(names['model'].predict(names['x_val']))[0] == HELD


@pytest.mark.slow
@pytest.mark.parametrize('kind', sorted(TRAININGS))
def test_many_solutions_together(kind, monkeypatch, tmp_path):
    given = changed = TRAININGS[kind]()
    for name in EVERYTHING:
        if not why_not(name, changed):
            changed = apply(name, changed)[0]
    text = change_in_code(given, changed)
    check(Program(given, monkeypatch, tmp_path).told(text), changed, text)


@pytest.mark.parametrize('kind, last', [
    ('amounts', 'model = keras.Model('), ('decades', 'predicted = np.expm1('),
    ('wide', 'model = keras.Sequential(')])
def test_answers_in_the_units_of_the_labels(kind, last, monkeypatch, tmp_path):
    """The program's own labels stay as they were, and what comes out can be held against them."""
    given = TRAININGS[kind]()
    changed, _ = apply('targets', given)
    text = change_in_code(given, changed)
    lines = [line for line in text.split('\n') if not line.startswith('model.compile(loss=')]
    assert lines[-1].startswith(last)
    assert '# in place of your lines that fit the model' in lines
    program = Program(given, monkeypatch, tmp_path).told(text)
    data = given.training.dataset
    for name in ('y', 'y_val'):
        np.testing.assert_array_equal(program.names[name], data[name])
    if kind != 'decades':
        answered = program.names['model'].predict(data['x_val'], verbose=0)
        missed = program.names['model'].evaluate(data['x_val'], data['y_val'], verbose=0)
        np.testing.assert_allclose(missed, np.mean((answered - data['y_val'].reshape(
            answered.shape)) ** 2, dtype='float64'), rtol=1e-3)
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
    frozen = given.model.config['layers'][2]['config']['name']
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
        '# give it the weights that your program gives to the frozen layers: ' + frozen]
    assert not any('frozen' in line for line in lines_for('weights', given))


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
    assert text[1].startswith('for layer in model.layers:  # trainable was False in dense')
    assert text[2] == '    layer.trainable = True'
    assert not any('Sequential' in line for line in text)


def test_many_columns_are_computed():
    given = TRAININGS['wide']()
    text = change_in_code(given, apply('data', given)[0])
    assert 'Rescaling(x_scale.tolist(), offset=x_offset.tolist()),  # new' in text
    assert len(text) < 1500


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
    assert text.split('\n')[1:3] == ['for layer in model.layers:  # trainable was False in inner',
                                     '    layer.trainable = True']


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


def test_restart_of_a_changed_model_in_words():
    given = TRAININGS['classes']()
    changed = apply('bn', apply('restart', given)[0])[0]
    text = change_in_code(given, changed).split('\n')
    assert text[1].startswith('# train as before first') and 'load_weights' not in '\n'.join(text)


def test_subclassed_models():
    """Of a model without a configuration there is only its training to be written about."""
    given = TRAININGS['classes']()
    given = given._replace(model=given.model._replace(kind='subclassed', config=None))
    assert lines_for('adam', given)[1].startswith('model.compile(optimizer=keras.optimizers.Adam(')
    assert len(lines_for('adam', given)) == 2
