"""Trainings with everything to be mended, and programs that get the lines which mend them."""

import re

import numpy as np
from candidates import L, apply, build, keras, one_hot, why_not

from AutoTrainer import keras_bridge
from AutoTrainer.intake.arrays import map_arrays, parts
from AutoTrainer.solutions.candidate import Candidate, Training
from AutoTrainer.solutions.edit import INITIALIZERS

ROWS, HELD = 48, 16
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


def normal(*shape):
    return np.random.RandomState(3).randn(ROWS + HELD, *shape).astype('float32')


def table(columns=4):
    return 50 + 20 * normal(columns)


def image():
    return 100 + 30 * normal(6, 6, 1)


def eager_stop():
    return keras.callbacks.EarlyStopping(monitor='loss', patience=0)


TRAININGS = {
    'classes': lambda: bad(bad_table(), table(), one_hot(ROWS + HELD)),
    'amounts': lambda: bad(bad_branches(), [table(), table(2)],
                           4e5 + 1e5 * normal(),
                           callbacks=('ReduceLR', eager_stop())),
    'decades': lambda: bad(bad_table(head='linear'), table(),
                           np.exp(7 * normal(3)),
                           callbacks=('estop',), optimizer=('Adam', {'clipnorm': 0.5})),
    'two numbers': lambda: bad(bad_image(), image(), CLASSES % 2 * 2.0 - 1),
    'divided': lambda: bad(bad_table(outputs=1), table(), (CLASSES / 2.0).astype('float32'),
                           shuffle=True),
    'wide': lambda: bad(bad_table(12, 12, 'linear'), table(12),
                        5e3 + 1e3 * normal(12),
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
