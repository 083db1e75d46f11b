import dataclasses
import inspect
import json
import os

import numpy as np
import pytest

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.record import reader
from AutoTrainer.settings import Repairing, Watching
from AutoTrainer.utils import repair
from AutoTrainer.utils.utils import LossHistory, model_retrain, model_train

keras = keras_bridge.keras
layers = keras.layers


def blobs(rows=128, seed=0):
    random = np.random.RandomState(seed)
    classes = random.randint(0, 3, rows)
    x = random.randn(rows, 2) + 4 * np.stack([np.cos(classes * 2.1), np.sin(classes * 2.1)], 1)
    return x.astype('float32'), np.eye(3, dtype='float32')[classes]


def model_of(*hidden, **optimizer):
    keras_bridge.set_seed(3)
    model = keras.Sequential([keras.Input((2,))] + list(hidden)
                             + [layers.Dense(3, activation='softmax', name='head')])
    keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD', optimizer or
                                                                    {'learning_rate': 0.1}),
                               'categorical_crossentropy')
    return model


def random_layers():
    return (layers.Dense(8, activation='relu'), layers.BatchNormalization(), layers.Dropout(0.3))


def sigmoid_stack():
    keras_bridge.set_seed(2)
    return [layers.Dense(4, activation='sigmoid', name='s%d' % i) for i in range(10)]


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize('checktype', ['epoch_1', 'adaptive'])
def test_watching_changes_nothing(checktype, compiled_for_users):
    """Same seed with and without the callback: the same losses to the last bit."""
    x, y = blobs()

    def losses(callbacks):
        keras_bridge.set_seed(4)
        model = model_of(*random_layers())
        keras_bridge.set_seed(5)
        fitted = model.fit(x, y, batch_size=16, epochs=8, validation_data=(x[:40], y[:40]),
                           verbose=0, callbacks=callbacks)
        return {key: fitted.history[key] for key in ('loss', 'val_loss')}

    # Theta out of reach: gradients and outputs are looked at wherever the schedule says so
    watch = LossHistory(training_data=(x, y), checktype=checktype, stop=False, rules='paper',
                        params={'Theta': 1.1, 'delta': -1, 'eta': 2, 'gamma': 2, 'beta_1': -1,
                                'beta_3': 1e9})
    assert losses([]) == losses([watch])
    assert watch.watcher.probes > 0 and not watch.verdict.issues
    assert watch.verdict.reason.startswith('sound: nothing was found in 8 epochs by ')


@pytest.mark.slow
@pytest.mark.backend
def test_measuring_skill_changes_nothing(compiled_for_users):
    """Neither do the model's predictions, the yardstick and the search for a cause."""
    x, y = blobs()

    def losses(callbacks):
        keras_bridge.set_seed(4)
        model = model_of(*random_layers(), learning_rate=1e-5)
        keras_bridge.set_seed(5)
        fitted = model.fit(x, y, batch_size=16, epochs=8, validation_data=(x[:40], y[:40]),
                           verbose=0, callbacks=callbacks)
        return {key: fitted.history[key] for key in ('loss', 'val_loss')}

    watch = Watch(x, y, validation_data=(x[:40], y[:40]), stop=False)
    assert losses([]) == losses([watch])
    assert watch.issue_list and watch.watcher.probes and watch.verdict.yardstick > 0.9


@pytest.mark.parametrize('checktype, planned, epochs', [
    ('dynamic', 50, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 30, 40, 50]),
    ('epoch_5', 50, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]),
    ('epoch_3', 7, [3, 6, 7]),
    ('epoch_10', 4, [4]),
])
def test_checks_are_made_when_due_and_nowhere_else(tmp_path, checktype, planned, epochs):
    x, y = blobs()
    watch = LossHistory((x, y), checktype=checktype, save_dir=str(tmp_path))
    model_of().fit(x, y, batch_size=64, epochs=planned, verbose=0, callbacks=[watch])
    events = reader.read_events(str(tmp_path / 'events.jsonl'))
    assert [event['epoch'] for event in events if event['event'] == 'check'] == epochs
    assert watch.watcher.checks == watch.watcher.probes == len(epochs)
    assert len(reader.read_history(str(tmp_path / 'history.csv'))['loss']) == planned


@pytest.mark.slow
@pytest.mark.backend
def test_alone_in_a_users_fit():
    """The callback finds out everything by itself, writes nothing and says why it stopped."""
    x, y = blobs()
    watch = LossHistory(training_data=(x, y))
    model = model_of(*sigmoid_stack())
    fitted = model.fit(x, y, epochs=20, verbose=0, callbacks=[watch])
    assert watch.issue_list == ['vanish']
    assert watch.verdict.epoch == 6 == len(fitted.history['loss'])  # the first check ≥ 0.3 * 20
    assert '‖G1‖/‖Gn‖ = ' in watch.verdict.reason and '≤ β1 = 0.001' in watch.verdict.reason


def test_watching_only():
    x, y = blobs()
    watch = LossHistory({'x': x, 'y': y}, stop=False)
    fitted = model_of(*sigmoid_stack()).fit(x, y, epochs=12, verbose=0, callbacks=[watch])
    assert len(fitted.history['loss']) == 12 and watch.issue_list == ['vanish']


def test_a_second_training_is_watched_anew():
    x, y = blobs()
    watch = LossHistory((x, y))
    model_of(*sigmoid_stack()).fit(x, y, epochs=20, verbose=0, callbacks=[watch])
    model_of().fit(x, y, epochs=5, verbose=0, callbacks=[watch])
    assert watch.issue_list == [] and len(watch.history['loss']) == 5


def test_upstream_fault_no_validation_crash():
    x, y = blobs()
    watch = LossHistory((x, y), checktype='epoch_1')
    model_of().fit(x, y, epochs=4, verbose=0, callbacks=[watch])
    assert watch.history['val_acc'] == [None] * 4 and watch.history['acc'][-1] > 0


@pytest.mark.backend
def test_without_data_only_the_history_is_judged():
    x, y = blobs()
    watch = LossHistory(checktype='epoch_1')
    model_of(*sigmoid_stack()).fit(x, y, epochs=10, verbose=0, callbacks=[watch])
    assert watch.watcher.probes == 0 and watch.issue_list in ([], ['not_converge'], ['unstable'])


@pytest.mark.backend
@pytest.mark.parametrize('checktype', ['epoch_10', 'adaptive'])
def test_upstream_fault_nan_late(checktype):
    """NaN is reported at the epoch in which it appears, whatever the schedule."""
    x, y = blobs()
    watch = LossHistory((x, y), checktype=checktype)
    model_of(layers.Dense(8, activation='relu'), learning_rate=1e30).fit(
        x, y, epochs=40, verbose=0, callbacks=[watch])
    assert watch.issue_list[0] == 'explode' and watch.verdict.epoch <= 2
    assert 'not a finite number' in watch.verdict.reason


def test_upstream_fault_satisfied_acc_ignored():
    x, y = blobs()
    watch = LossHistory((x, y), satisfied_acc=0.9, satisfied_count=2)
    fitted = model_of().fit(x, y, epochs=60, verbose=0, callbacks=[watch])
    acc = watch.history['acc']
    assert len(fitted.history['loss']) < 60 and min(acc[-2:]) >= 0.9 > min(acc[-3:])
    assert watch.monitor.params['Theta'] == 0.9
    assert LossHistory(satisfied_acc=0.9, params={'Theta': 0.5}).monitor.params['Theta'] == 0.5


@pytest.mark.parametrize('arguments, message', [
    ({'checktype': 'batch_5'}, "checktype is 'batch_5'"),
    ({'checktype': 'epoch_0'}, "checktype is 'epoch_0'"),
    ({'params': {'gama': 1}}, "unknown name 'gama'"),
    ({'params': {'gamma': 'x'}}, r"params\['gamma'\] is 'x'"),
    ({'optional_issues': ['overfitting']}, "'overfitting'"),
    ({'training_data': 3}, 'training_data is a int'),
    ({'overhead_budget': 0}, 'overhead_budget is 0'),
    ({'total_epoch': 0}, 'total_epoch is 0'),
])
def test_wrong_arguments_are_told_at_once(arguments, message):
    with pytest.raises(UserError, match=message):
        LossHistory(**arguments)


@pytest.mark.parametrize('door, kinds', [
    (LossHistory.__init__, [Watching]), (model_retrain, [Watching]),
    (model_train, [Watching, Repairing])])
def test_the_doors_have_the_defaults_of_the_settings(door, kinds):
    given = inspect.signature(door).parameters
    settings = {field.name: field.default for kind in kinds for field in dataclasses.fields(kind)}
    shared = set(settings) & set(given)
    assert {name: given[name].default for name in shared} == {
        name: settings[name] for name in shared}
    assert given['checktype'].default == 'dynamic' and given['satisfied_acc'].default == 0.7


@pytest.mark.parametrize('logs, values', [
    ({'loss': 1, 'accuracy': 0.5, 'val_loss': 2, 'val_accuracy': 0.25}, (1, 0.5, 2, 0.25)),
    ({'loss': 1, 'acc': 0.5}, (1, 0.5, None, None)),
    ({'loss': 1, 'sparse_categorical_accuracy': 0.5, 'val_binary_accuracy': 0.1},
     (1, 0.5, None, 0.1)),
    ({}, (None, None, None, None)),
])
def test_epoch_values(logs, values):
    assert tuple(keras_bridge.epoch_values(logs).values()) == values


# ------------------------------------------------------------------------------- model_train

def dataset():
    x, y = blobs()
    return {'x': x[:96], 'y': y[:96], 'x_val': x[96:], 'y_val': y[96:]}


def train(model, folder, **arguments):
    settings = dict(optimizer='SGD', loss='categorical_crossentropy', dataset=dataset(), iters=20,
                    batch_size=16, save_dir=str(folder))
    settings.update(arguments)
    return model_train(model, **settings)


@pytest.mark.slow
def test_upstream_fault_return_222(tmp_path):
    """A healthy training returns (result, model, path), and the path is the trained model."""
    result, model, path = train(model_of(layers.Dense(8, activation='relu')), tmp_path)
    assert result['status'] == 'normal' and result['initial_issue'] is None
    x = dataset()['x_val']
    np.testing.assert_allclose(keras_bridge.load_model(path).predict(x, verbose=0),
                               model.predict(x, verbose=0), atol=1e-6)
    with open(str(tmp_path / 'result.json'), encoding='utf-8') as file:
        assert json.load(file) == json.loads(json.dumps(result))
    assert result['accuracy']['after'] == result['accuracy']['before'] > 0.8


@pytest.mark.slow
def test_upstream_fault_return_111(tmp_path):
    """Without repair the problems and the candidate solutions are returned."""
    problems, solutions = train(model_of(*sigmoid_stack()), tmp_path, autorepair=False)
    assert problems == ['vanish']
    assert [entry['solution'] for entry in solutions] == ['selu', 'relu', 'bn']
    assert all(entry['description'] for entry in solutions)
    assert reader.read_json(str(tmp_path / 'result.json'))['status'] == 'detected'


@pytest.mark.slow
@pytest.mark.backend
def test_a_vanishing_gradient_is_repaired(tmp_path):
    """The whole way: found, repaired, recorded; the given model is left as it was."""
    model = model_of(*sigmoid_stack())
    before = model.get_weights()
    seen = []
    result, repaired, path = train(model, tmp_path, iters=40,
                                   on_epoch=lambda watch: seen.append(watch.solution))
    assert (result['initial_issue'], result['status']) == ('vanish', 'repaired')
    assert result['detected_epoch'] == 12 and result['accuracy']['after'] > 0.8
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
    last = result['attempts'][-1]
    assert last['status'] == 'solved' and last['solution'] == result['solution']
    assert seen.count(None) == 12 and seen.count(last['solution']) == last['epochs'] == 40
    events = reader.read_events(str(tmp_path / 'events.jsonl'))
    assert [e['solution'] for e in events if e['event'] == 'attempt'] == [
        attempt['solution'] for attempt in result['attempts']]
    folder = 'attempts/%03d_%s_%d' % (last['number'], last['solution'], last['try'])
    history = reader.read_history(str(tmp_path / folder / 'history.csv'))
    assert history['val_acc'][-1] == last['val_accuracy'] == result['accuracy']['after']
    assert not [name for _, _, names in os.walk(str(tmp_path)) for name in names
                if name.endswith('.pkl')]


@pytest.mark.slow
def test_an_attempt_that_brings_up_a_new_issue_is_written_to_new_issue_dir(tmp_path, monkeypatch):
    """With eta = 0 every curve swings: vanish, then unstable instead, then unstable still."""
    monkeypatch.setitem(repair.STRATEGIES, 'balance', {'vanish': ['relu_1'], 'unstable': ['lr_1']})
    result, _, _ = train(model_of(*sigmoid_stack()), tmp_path / 'run', params={'eta': 0.0},
                         new_issue_dir=str(tmp_path / 'new'))
    assert [attempt['issue'] for attempt in result['attempts']] == ['unstable'] * 2
    assert os.listdir(str(tmp_path / 'new')) == ['001_relu_unstable.json']
    assert reader.read_json(str(tmp_path / 'new' / '001_relu_unstable.json')) == (
        json.loads(json.dumps(result['attempts'][0])))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setitem(repair.STRATEGIES, 'balance', {'vanish': ['initial_1']})

    def run(name, seed):
        result = dict(train(model_of(*sigmoid_stack()), tmp_path / name, seed=seed,
                            iters=10).result)
        for timed in ('seconds', 'model_path', 'seed'):
            del result[timed]
        for attempt in result['attempts']:
            del attempt['seconds']
        return result
    once = run('a', 7)
    assert once['attempts'][0]['solution'] == 'initial'
    assert once == run('b', 7) != run('c', 8)


def test_upstream_fault_retrain_ignores_params(tmp_path):
    """The caller's thresholds hold in the repair too."""
    x, y = blobs()
    data = dict(dataset(), x_val=None, y_val=None)
    outcome = model_retrain(model_of(*sigmoid_stack()), {
        'optimizer': keras_bridge.optimizer_config('SGD'), 'loss': 'categorical_crossentropy',
        'batch_size': 16, 'epochs': 20, 'callbacks': (), 'dataset': data},
        params={'beta_1': -1.0, 'delta': -1.0, 'eta': 2.0}, solution='selu')
    assert outcome.record.issues == () and outcome.record.epochs == 20


@pytest.mark.parametrize('arguments, message', [
    ({'optimizer': 'Adamm'}, "optimizer is 'Adamm'"),
    ({'loss': 'crossentropy_of_sorts'}, "loss is 'crossentropy_of_sorts'"),
    ({'iters': 0}, 'iters is 0'),
    ({'batch_size': -1}, 'batch_size is -1'),
    ({'checktype': 'sometimes'}, "checktype is 'sometimes'"),
    ({'strategy': 'fast'}, "'fast'"),
    ({'modification_sufferance': 4}, 'modification_sufferance is 4'),
    ({'callbacks': ['stop']}, "callbacks has 'stop'"),
    ({'dataset': None}, 'dataset is a NoneType'),
    ({'dataset': {'x': np.zeros((4, 5)), 'y': np.eye(3)[[0, 1, 2, 0]]}}, 'x has rows of shape'),
    ({'iters': None}, 'iters is missing'),
    ({'optimizer': None, 'train_config_set': {'optimizer': 'SGD'}}, "no key 'batchsize'"),
])
def test_bad_arguments_are_told_before_training(tmp_path, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        train(model_of(), tmp_path / 'run', **arguments)
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'run' / 'history.csv').exists()


def test_subclassed_models_are_trained_and_their_structure_left_alone(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.stack = [layers.Dense(4, activation='sigmoid') for _ in range(10)]
            self.head = layers.Dense(3, activation='softmax')

        def call(self, inputs):
            for layer in self.stack:
                inputs = layer(inputs)
            return self.head(inputs)

    result, _, _ = train(Own(), tmp_path)
    assert result['initial_issue'] == 'vanish' and result['status'] == 'failed'
    assert {attempt['status'] for attempt in result['attempts']} == {'skipped'}
    assert 'cannot be rebuilt' in result['attempts'][0]['description']


def test_a_training_that_another_callback_ends_is_judged(tmp_path):
    """Ten epochs of a hundred, before any check is due: judged as it stands, not taken as sound."""
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 9

    x, y = blobs()
    hopeless, sound = {'learning_rate': 1e-6}, {'learning_rate': 0.1}
    for optimizer, issues in ((hopeless, ['not_converge']), (sound, [])):
        watch = LossHistory((x, y), save_dir=str(tmp_path / str(len(issues))))
        model_of(layers.Dense(8, activation='relu'), **optimizer).fit(
            x, y, epochs=100, verbose=0, callbacks=[watch, Enough()])
        assert watch.issue_list == issues and len(watch.history['loss']) == 10
        checks = [event for event in reader.read_events(
            str(tmp_path / str(len(issues)) / 'events.jsonl')) if event['event'] == 'check']
        assert [check['epoch'] for check in checks] == [10]


@pytest.mark.parametrize('theta, attempt, status', [(0.6, 'solved', 'repaired'),
                                                    (1.1, 'potential', 'improved')])
def test_a_repair_that_a_callback_ends_must_have_converged(tmp_path, monkeypatch, theta, attempt,
                                                           status):
    """Five epochs of 300 without an issue are no proof, unless Theta was reached in them."""
    monkeypatch.setitem(repair.STRATEGIES, 'balance', {'vanish': ['selu_1']})
    result, _, _ = train(
        model_of(*sigmoid_stack()), tmp_path, iters=300,
        callbacks=[keras.callbacks.EarlyStopping('loss', min_delta=100, patience=4)],
        optimizer=keras_bridge.optimizer_config('SGD', {'learning_rate': 0.1}),
        params={'Theta': theta, 'delta': -1, 'eta': 2})
    assert (result['initial_issue'], result['ended']) == ('vanish', 'callback')
    tried, = result['attempts']
    assert (tried['status'], tried['issue'], tried['ended']) == (attempt, None, 'callback')
    assert 4 <= tried['epochs'] <= 6 and tried['val_accuracy'] > 0.6
    assert (result['status'], result['solution'], result['issues_left']) == (status, 'selu', [])


@pytest.mark.slow
def test_accuracy_is_that_of_the_weights_that_were_restored(tmp_path):
    """Half of the labels are wrong and learnt by heart: estop puts better weights back."""
    x, right = blobs(rows=400)
    random = np.random.RandomState(1)
    y = np.where(random.rand(400, 1) < 0.5, right, right[random.permutation(400)])
    result, model, _ = model_train(
        model_of(layers.Dense(128, activation='relu'), layers.Dense(128, activation='relu')),
        optimizer=keras_bridge.optimizer_config('Adam', {'learning_rate': 0.03}), iters=60,
        loss='categorical_crossentropy', batch_size=16, params={'Theta': 0.1, 'eta': 2},
        dataset={'x': x[:100], 'y': y[:100], 'x_val': x[100:], 'y_val': right[100:]},
        callbacks=['estop'], save_dir=str(tmp_path / 'run'))
    found = model.predict(x[100:], verbose=0).argmax(axis=1) == right[100:].argmax(axis=1)
    assert result['status'] == 'normal'
    assert result['accuracy']['after'] == pytest.approx(found.mean(), abs=1e-6)
    history = reader.read_history(str(tmp_path / 'run' / 'history.csv'))
    best = int(np.argmin(history['val_loss']))
    assert best == len(history['loss']) - 11  # ten epochs of patience
    assert result['accuracy']['after'] == pytest.approx(history['val_acc'][best], abs=1e-6)


def test_labels_in_a_table_are_known():
    """A regression on pandas labels has its stand-in for the accuracy."""
    pandas = pytest.importorskip('pandas')
    x, _ = blobs()
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD', {}), 'mse', ['mae'])
    watch = LossHistory((x, pandas.Series(x.sum(axis=1))))
    model.fit(x, x.sum(axis=1), epochs=3, verbose=0, callbacks=[watch])
    assert all(value is not None for value in watch.history['acc'])
