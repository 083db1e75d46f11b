"""``repair``: whatever comes in, sound trainings stay, bad ones come back better, never worse."""

import functools
import json
import os

import numpy as np
import pandas as pd
import pytest

from AutoTrainer import keras_bridge, racing
from AutoTrainer.cli import main
from AutoTrainer.errors import UserError
from AutoTrainer.record.checkpoint import SeedEpochs
from AutoTrainer.record.reader import RunReader
from AutoTrainer.record.runners import runner_of
from AutoTrainer.repairing import repair
from AutoTrainer.solutions.entrants import Offers

keras = keras_bridge.keras
layers = keras.layers
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(200, 4).astype('float32')
Y = (X[:, 0] - X[:, 1] + 0.3 * RANDOM.randn(200) > 0).astype('int64')
KINDS = np.argmax(X[:, :3] + 0.2 * RANDOM.randn(200, 3), axis=1)
AMOUNTS = (X @ [2.0, -1.0, 0.5, 0.0] + 0.1 * RANDOM.randn(200)).astype('float32')
ROWS, HELD = slice(0, 128), slice(128, 192)
RESULT_KEYS = {'schema_version', 'status', 'initial_issue', 'issues', 'reason', 'skill',
               'yardstick', 'price', 'solution', 'seconds', 'model_path', 'versions'}


ONE_ANSWER = keras.initializers.Constant(-1.0)
"""The bias of a head without weights: all rows get the same class, whatever a tiny step does."""


def network(*units, head='sigmoid', activation='relu', optimizer='sgd', seed=1,
            loss='binary_crossentropy', shape=(4,), metrics=('accuracy',), front=(),
            drawn='glorot_uniform'):
    keras_bridge.set_seed(seed)
    model = keras.Sequential(
        [keras.Input(shape)] + list(front)
        + [layers.Dense(count, activation=activation) for count in units[:-1]]
        + [layers.Dense(units[-1], activation=head, kernel_initializer=drawn,
                        bias_initializer=ONE_ANSWER if drawn == 'zeros' else 'zeros')])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def sound(**changes):
    return network(8, 1, **dict({'optimizer': keras.optimizers.Adam(0.03)}, **changes))


def stuck(**changes):
    """A model that learns next to nothing: its steps are far too small.

    Nor does it know anything by the luck of its first weights, which differ between backends.
    """
    return network(8, 1, **dict({'optimizer': keras.optimizers.SGD(1e-6), 'drawn': 'zeros'},
                                **changes))


def mended(model, x=X, y=Y, held=True, **changes):
    """Repair a training; with a short plan and a small price."""
    def part(data, rows):
        if isinstance(data, dict):
            return {name: part(one, rows) for name, one in data.items()}
        return [part(one, rows) for one in data] if isinstance(data, list) else data[rows]
    given = dict({'epochs': 8, 'batch_size': 16, 'budget': 1.0}, **changes)
    if held:
        given.setdefault('validation_data', (part(x, HELD), part(y, HELD)))
    done = repair(model, part(x, ROWS), part(y, ROWS), **given)
    assert RESULT_KEYS <= set(done.result)
    assert ('race' in done.result) is (done.result['status'] != 'normal')
    json.dumps(done.result)
    return done


# ---------------------------------------------------------------------------------- sound trainings

@pytest.mark.backend
@pytest.mark.parametrize('seed', [0, 3])
def test_a_sound_training_comes_back_as_it_was(seed):
    """Its weights are those of the same fit without us, to the last bit."""
    done = mended(sound(), seed=seed, epochs=12)
    assert done.result['status'] == 'normal' and done.result['price'] == 1.0
    assert done.result['model_path'] is None
    plain = sound()
    keras_bridge.set_seed(seed)
    plain.fit(epochs=12, verbose=0, validation_data=(X[HELD], Y[HELD]), validation_batch_size=16,
              callbacks=[SeedEpochs(seed)],
              **keras_bridge.fit_data(X[ROWS], Y[ROWS], 16, seed, 0, 12))
    for mine, theirs in zip(done.model.get_weights(), plain.get_weights()):
        np.testing.assert_array_equal(mine, theirs)


# ------------------------------------------------------------------------------------ bad trainings

def raw():
    return (900 * X + 2000).astype('float32')


def dead():
    model = network(8, 8, 1, optimizer='adam')
    weights = model.get_weights()
    weights[1] = weights[1] - 50
    model.set_weights(weights)
    return model


def frozen():
    model = network(8, 1, optimizer='adam')
    for layer in model.layers:
        layer.trainable = False
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model


BAD = {
    'inputs that are not scaled': lambda s: (network(8, 1, seed=s), raw(), Y),
    'dead units': lambda s: (dead(), X, Y),
    'a softmax of one output': lambda s: (network(8, 1, head='softmax', seed=s), X, Y),
    'class numbers behind one linear unit': lambda s: (
        network(8, 1, head=None, loss='mse', seed=s, optimizer='adam'), X, KINDS),
    'frozen layers': lambda s: (frozen(), X, Y),
}


@pytest.mark.slow
def test_several_outputs_are_repaired_as_far_as_that_is_defined():
    """The output that is worst off counts; head, loss and scale of targets are left alone."""
    given = two_heads()
    before = keras_bridge.all_weights(given)
    model, result = mended(given, X, [Y, AMOUNTS])
    assert result['status'] in ('repaired', 'improved')
    outputs = model.predict(X[:5], verbose=0)
    assert [np.isfinite(array).all() and len(array) for array in outputs] == [5, 5]
    entered = {name for entry in result['race']['candidates']
               for name in entry['name'].split('+')}
    assert 'step' in entered and not entered & {'head', 'targets', 'labels'}
    assert result['skill']['after'] > result['skill']['before']
    assert keras_bridge.has_weights(given, before)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*softmax over axis')
@pytest.mark.parametrize('name', sorted(BAD))
def test_a_bad_training_is_repaired(name):
    model, x, y = BAD[name](1)
    result = mended(model, x, y, epochs=16, budget=2.0).result
    assert result['status'] == 'repaired', result
    assert result['skill']['after'] > 0.5 and result['skill']['after'] > result['skill']['before']
    assert result['price'] <= 2.5 and result['race']['code'] and result['solution']
    winner, = [racer for racer in result['race']['candidates']
               if racer['number'] == result['race']['winner']]
    assert winner['name'] == result['solution'] and winner['words'] and winner['why']


@pytest.mark.slow
@pytest.mark.parametrize('decades', [False, pytest.param(True, marks=pytest.mark.once)])
def test_outputs_are_in_the_units_of_the_labels(tmp_path, decades):
    """Also those of the model that is loaded by anybody, without this package."""
    y = (10 ** (2 + AMOUNTS)).astype('float32') if decades else 1e4 * AMOUNTS + 5e4
    model = network(8, 1, head=None, loss='mse', metrics=(),
                    optimizer=keras.optimizers.SGD(0.01))
    done = mended(model, X, y, epochs=16, budget=1.5, save_dir=str(tmp_path / 'run'))
    assert done.result['status'] in ('repaired', 'improved')
    assert done.result['skill']['after'] > 0.6 and 'targets' in done.result['solution']
    loaded = keras.models.load_model(done.result['model_path'])
    for one in (done.model, loaded):
        told = one.predict(X[HELD], verbose=0).reshape(-1)
        if decades:
            told, asked = np.log10(np.maximum(told, 1e-3)), np.log10(y[HELD])
        else:
            asked = y[HELD]
        assert np.mean((told - asked) ** 2) < 0.3 * np.var(asked)


@pytest.mark.once
@pytest.mark.slow
def test_sorted_rows_that_are_not_shuffled():
    order = np.argsort(KINDS[ROWS], kind='stable')
    done = repair(network(8, 3, head='softmax', loss='sparse_categorical_crossentropy',
                          optimizer=keras.optimizers.SGD(0.5, momentum=0.9)),
                  X[ROWS][order], KINDS[ROWS][order], validation_data=(X[HELD], KINDS[HELD]),
                  epochs=10, batch_size=16, shuffle=False)
    assert done.result['status'] == 'repaired' and 'shuffle' in done.result['solution']


@pytest.mark.once
@pytest.mark.slow
def test_a_class_that_is_never_trained():
    order = np.argsort(KINDS, kind='stable')
    x, y = X[order], KINDS[order]
    done = repair(network(8, 3, head='softmax', loss='sparse_categorical_crossentropy',
                          optimizer=keras.optimizers.Adam(0.01)), x[ROWS], y[ROWS],
                  validation_data=(x[128:], y[128:]), epochs=16, batch_size=16)
    assert done.result['status'] == 'repaired' and done.result['race']['of_all']


def test_who_interrupts_is_told_how_to_go_on(tmp_path):
    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    folder = str(tmp_path / 'run')
    with pytest.raises(KeyboardInterrupt) as caught:
        repair(network(8, 3, head='softmax', loss='sparse_categorical_crossentropy'), X[ROWS],
               KINDS[ROWS], epochs=4, save_dir=folder, callbacks=[Stops()])
    assert str(caught.value) == ('repair was interrupted; the same call with resume=True goes on '
                                 'with what lies in %r' % folder)
    assert caught.value.__suppress_context__


@pytest.mark.slow
def test_labels_of_another_form_are_told():
    signs = np.where(KINDS > 0, 1, -1)
    done = repair(network(8, 1, head='tanh', loss='binary_crossentropy', optimizer='sgd'),
                  X[ROWS], signs[ROWS], validation_data=(X[HELD], signs[HELD]), epochs=8,
                  batch_size=16)
    assert done.result['reason'].endswith(
        '; the model that comes back answers for changed labels: labels -1 and 1 → 0 and 1')
    assert done.model.predict(X[HELD], verbose=0).min() >= 0


# ----------------------------------------------------------------------------------- nothing worse

@pytest.mark.once
@pytest.mark.slow
def test_what_the_first_training_had_learnt_is_not_given_up(monkeypatch):
    """All candidates are worse: the best that there was comes back."""
    class Worse(Offers):
        def __call__(self, leading=()):
            entrant = super().__call__(leading)
            return entrant and entrant._replace(candidate=entrant.candidate._replace(
                training=entrant.candidate.training._replace(
                    optimizer=keras_bridge.optimizer_config('SGD', {'learning_rate': 0.0}))))
    monkeypatch.setattr(racing, 'Offers', Worse)

    class Collapses(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5:
                self.model.set_weights([0 * array for array in self.model.get_weights()])
                rate = self.model.optimizer.learning_rate
                rate.assign(0.0)
    done = mended(sound(), callbacks=[Collapses()], epochs=12, budget=2.0)
    assert done.result['issues'] and done.result['status'] == 'failed'
    assert done.result['skill']['after'] == done.result['skill']['before'] > 0.5
    right = (done.model.predict(X[HELD], verbose=0).reshape(-1) > 0.5) == Y[HELD]
    assert right.mean() > 0.8 and done.result['solution'] is None
    assert {racer['name'] for racer in done.result['race']['candidates']}


# -------------------------------------------------------------------------- whatever is trained on

class Subclassed(keras.Model):
    def __init__(self, units=8):
        super().__init__()
        self.inner = layers.Dense(units, activation='relu')
        self.head = layers.Dense(1, activation='sigmoid', kernel_initializer='zeros',
                                 bias_initializer=ONE_ANSWER)

    def call(self, x):
        return self.head(self.inner(x))


class OwnStep(keras.Model):
    """Counts the training steps that it builds."""

    steps = 0

    def train_step(self, *given):
        OwnStep.steps += 1
        return super().train_step(*given)


def own_loss(y, given):
    cast = keras.backend.cast if keras_bridge.LEGACY else keras.ops.cast
    return (cast(y, 'float32') - given) ** 2


def subclassed():
    keras_bridge.set_seed(1)
    model = Subclassed()
    model.compile(keras.optimizers.SGD(1e-6), 'binary_crossentropy', metrics=['accuracy'])
    return model


def own_step():
    keras_bridge.set_seed(1)
    inputs = keras.Input((4,))
    model = OwnStep(inputs, layers.Dense(1, activation='sigmoid')(
        layers.Dense(8, activation='relu')(inputs)))
    model.compile(keras.optimizers.SGD(1e-6), 'binary_crossentropy', metrics=['accuracy'])
    return model


def two_heads():
    keras_bridge.set_seed(1)
    inputs = keras.Input((4,))
    inner = layers.Dense(8, activation='relu')(inputs)
    model = keras.Model(inputs, [layers.Dense(1, activation='sigmoid', name='kind')(inner),
                                 layers.Dense(1, name='amount')(inner)])
    model.compile(keras.optimizers.SGD(1e-6), ['binary_crossentropy', 'mse'])
    return model


def unbuilt():
    keras_bridge.set_seed(1)
    model = keras.Sequential([layers.Dense(8, activation='relu'), layers.Dense(
        1, activation='sigmoid', kernel_initializer='zeros', bias_initializer=ONE_ANSWER)])
    model.compile(keras.optimizers.SGD(1e-6), 'binary_crossentropy', metrics=['accuracy'])
    return model


def tokens():
    return network(8, 1, optimizer=keras.optimizers.SGD(1e-6), shape=(4,),
                   front=[layers.Embedding(5, 4), layers.Flatten()])


NUMBERS = np.clip(np.round(X + 2), 0, 4).astype('int64')


@pytest.mark.slow
@pytest.mark.parametrize('model, x, y', [
    (subclassed, X, Y), pytest.param(own_step, X, Y, marks=pytest.mark.backend),
    (tokens, NUMBERS, (NUMBERS[:, 0] > 2).astype('int64')),
    (functools.partial(stuck, loss=own_loss), pd.DataFrame(X), pd.Series(Y)),
    (unbuilt, X[ROWS].tolist(), Y[ROWS].tolist())],
    ids=['subclassed', 'train_step', 'tokens', 'own_loss_on_pandas', 'unbuilt_on_lists'])
def test_whatever_is_trained(model, x, y):
    given = model()
    before = keras_bridge.all_weights(given) if given.built else None
    done = mended(given, x, y) if not isinstance(x, list) else repair(
        given, x, y, validation_data=(X[HELD], Y[HELD]), epochs=8, batch_size=16, budget=1.0)
    result = done.result
    assert result['status'] in ('repaired', 'improved'), result
    assert result['skill']['after'] > result['skill']['before']
    if given is done.model:
        assert set(result['race']['left_out']) & {'wider', 'relu', 'bn'}
    else:
        assert model not in (subclassed, own_step)
        assert before is None or keras_bridge.has_weights(given, before)  # it is not changed
    outputs = done.model.predict(np.asarray(x[:5]), verbose=0)
    assert np.isfinite(outputs).all() and len(outputs) == 5


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize('changes', [
    {'held': False, 'x': X[:20], 'y': Y[:20]}, {'epochs': 1},
    {'batch_size': 1000, 'class_weight': {0: 1.0, 1: 3.0}, 'callbacks': ['estop', 'ReduceLR']},
    {'modification_sufferance': 0, 'memory_limit': True}, {'budget': 0.1}])
def test_unusual_but_fine(changes):
    done = mended(stuck(), **changes)
    result = done.result
    assert result['status'] in ('repaired', 'improved', 'failed', 'normal', 'detected')
    # never above by more than a rung, which is all of a training that has one epoch
    planned = changes.get('epochs', 8)
    assert result['price'] <= changes.get('budget', 1.0) + 3 * np.ceil(planned / 8) / planned
    if not changes.get('held', True):
        assert result['race']['rows']['held_out']
    assert np.isfinite(done.model.predict(X[:5], verbose=0)).all()


# ------------------------------------------------------------------------------------- bad input

def uncompiled():
    return keras.Sequential([keras.Input((4,)), layers.Dense(1, activation='sigmoid')])


@pytest.mark.parametrize('changes, message', [
    ({'model': uncompiled}, 'model is not compiled'),
    ({'model': lambda: 3}, 'model is 3; give a Keras model'),
    ({'x': (row for row in X)}, 'x is a generator; give rows as arrays'),
    ({'x': iter([])}, 'give rows as arrays'),
    ({'y': None}, 'y is missing'),
    ({'y': Y[:7]}, 'x and y have 200 and 7 rows'),
    ({'x': X * np.nan}, 'x holds .* values that are NaN'),
    ({'validation_data': X}, r'validation_data is a ndarray; give \(x, y\)'),
    ({'epochs': 0}, 'epochs is 0'), ({'epochs': 2.5}, 'epochs is 2.5'),
    ({'batch_size': 0}, 'batch_size is 0'),
    ({'budget': 0}, 'budget is 0; give a price in planned trainings'),
    ({'budget': -1}, 'budget is -1'), ({'budget': 'much'}, "budget is 'much'"),
    ({'jobs': 0}, 'jobs is 0'), ({'engine': 'ray'}, "engine is 'ray'; give 'dask'"),
    ({'buget': 3}, 'no setting .buget.; did you mean budget. known are validation_data, epochs'),
    ({'memory_limits': True}, 'no setting .memory_limits.; did you mean memory_limit'),
    ({'modification_sufferance': 7}, 'modification_sufferance is 7'),
    ({'seed': 'x'}, "seed is 'x'"), ({'callbacks': [3]}, 'callbacks has 3'),
    ({'resume': True}, 'resume is set without save_dir'),
    ({'class_weight': 3}, 'class_weight is 3; give the weight of each class number'),
    ({'class_weight': {'a': 1}}, 'class_weight is {.a.: 1}; give'),
])
def test_refused_in_one_sentence(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    given = dict({'model': stuck, 'x': X, 'y': Y, 'epochs': 2}, **changes)
    with pytest.raises(UserError, match=message) as caught:
        repair(given.pop('model')(), given.pop('x'), given.pop('y'), **given)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 600
    assert not os.listdir(str(tmp_path))


@pytest.mark.slow
def test_an_unfinished_run_is_not_replaced_but_gone_on_with(tmp_path):
    folder = str(tmp_path / 'run')
    whole = mended(stuck(), save_dir=folder)
    os.unlink(os.path.join(folder, 'result.json'))
    with pytest.raises(UserError, match='holds an unfinished run; go on with it by resume=True'):
        mended(stuck(), save_dir=folder)
    with pytest.raises(UserError, match='shuffle is False, but the run was begun with True'):
        mended(stuck(), save_dir=folder, resume=True, shuffle=False)
    again = mended(stuck(), save_dir=folder, resume=True)
    assert again.result['race'] == whole.result['race'] == RunReader(folder).result()['race']
    for mine, theirs in zip(again.model.get_weights(), whole.model.get_weights()):
        np.testing.assert_array_equal(mine, theirs)


# ------------------------------------------------------------------------------- the command line

@pytest.mark.once
@pytest.mark.slow
def test_a_race_by_command_line(tmp_path, capsys, monkeypatch):
    """That processes are asked for is seen here; what they come to, in test_runners.py."""
    asked = []

    def alone(course, jobs, *given):
        asked.append(jobs)
        return runner_of(course, 1, *given)
    monkeypatch.setattr(racing, 'runner_of', alone)
    folder = str(tmp_path / 'run')
    assert main(['--case', 'Improper_Loss_Case', '--strategy', 'race', '--checktype', 'adaptive',
                 '--epochs', '6', '--budget', '1', '--jobs', '2', '--json', '-rd', folder]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == RunReader(folder).result() and told['race']['candidates'] and asked == [2]
    assert RESULT_KEYS <= set(told)


# ------------------------------------------------------------------------------ losses that differ

@pytest.mark.backend
@pytest.mark.parametrize('weights', [[1.0, 0.01], {'kind': 1.0, 'amount': 0.01}])
def test_what_losses_count_is_kept(weights):
    given = two_heads()
    losses = ['binary_crossentropy', 'mse']
    given.compile(keras.optimizers.Adam(0.01), dict(zip(['kind', 'amount'], losses)) if isinstance(
        weights, dict) else losses, loss_weights=weights)
    assert keras_bridge.loss_weights(given) == weights
    assert keras_bridge.loss_weights(two_heads()) is None
    y = dict(zip(['kind', 'amount'], [Y[ROWS], AMOUNTS[ROWS]])) if isinstance(
        weights, dict) else [Y[ROWS], AMOUNTS[ROWS]]
    done = repair(given, X[ROWS], y, epochs=2, batch_size=16, budget=0.1)
    assert keras_bridge.loss_weights(done.model) == weights


def test_a_loss_by_which_no_candidate_can_be_chosen_is_told_before_anything_is_trained():
    def high(y, given):
        maximum = keras.backend.maximum if keras_bridge.LEGACY else keras.ops.maximum
        return maximum(0.95 * (y - given), -0.05 * (y - given))
    model = network(8, 1, head=None, loss=high, metrics=())
    before = keras_bridge.all_weights(model)
    with pytest.raises(UserError, match='in a way of its own.*Watch and check go with any loss'):
        repair(model, X[ROWS], AMOUNTS[ROWS], epochs=4)
    assert keras_bridge.has_weights(model, before)
