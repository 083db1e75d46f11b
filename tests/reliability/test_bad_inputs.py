"""What comes in: accepted and brought into form, or refused in one sentence before training."""

import os
import random

import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.intake import inputs
from AutoTrainer.record import reader
from AutoTrainer.utils.compute_gradient import baseline_loss
from AutoTrainer.utils.utils import LossHistory, model_retrain, model_train

keras = keras_bridge.keras
layers = keras.layers
CLASSES = np.arange(60) % 3
X = (np.random.RandomState(0).randn(60, 2) + 3 * np.stack([CLASSES, -CLASSES], 1)).astype('float32')
ONE_HOT = np.eye(3, dtype='float32')[CLASSES]


def model(units=3, activation='softmax', shape=(2,)):
    keras_bridge.set_seed(1)
    return keras.Sequential([keras.Input(shape), layers.Dense(8, activation='relu'),
                             layers.Dense(units, activation=activation)])


def train(tmp_path, network=None, **changes):
    arguments = dict(optimizer='Adam', loss='categorical_crossentropy', iters=3, batch_size=20,
                     dataset={'x': X, 'y': ONE_HOT}, save_dir=str(tmp_path / 'run'), seed=1,
                     autorepair=False, log_dir=str(tmp_path / 'log'))
    arguments.update(changes)
    if {'x', 'y', 'x_val'} & set(arguments):
        arguments['dataset'] = {key: arguments.pop(key, {'x': X, 'y': ONE_HOT}.get(key))
                                for key in ('x', 'y', 'x_val', 'y_val')}
    model_train(network or model(), **arguments)
    log = tmp_path / 'log' / 'monitor_repair.log'
    return (reader.read_history(str(tmp_path / 'run' / 'history.csv')),
            log.read_text(encoding='utf-8') if log.exists() else '')


@pytest.fixture(scope='module')
def plain_history(tmp_path_factory):
    return train(tmp_path_factory.mktemp('plain'))[0]


# --------------------------------------------------------------- accepted, and to the same effect

@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize('changes, note', [  # data are made ready by numpy
    ({'x': X.tolist(), 'y': ONE_HOT.astype(bool)}, ''),
    ({'y': CLASSES}, 'y held class numbers, loss categorical_crossentropy takes one-hot rows'),
    ({'y': CLASSES[:, None].astype('float64')}, 'y held class numbers'),
    ({'y': CLASSES, 'loss': 'sparse_categorical_crossentropy'}, ''),
    ({'loss': 'sparse_categorical_crossentropy'}, 'y held one-hot rows'),
])
def test_the_same_data_in_other_clothes(tmp_path, plain_history, changes, note):
    history, log = train(tmp_path, **changes)
    np.testing.assert_allclose(history['loss'], plain_history['loss'], rtol=1e-5)
    assert history['acc'] == plain_history['acc']
    assert note in log and (note or 'held' not in log)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize('changes, note', [
    ({'x': np.round(X).astype('int32')}, ''),
    ({'x': X * [1, 0]}, '1 of 2 columns of x are constant'),
    ({'y': ONE_HOT[:1].repeat(60, axis=0)}, 'all rows of y are the same'),
    ({'x_val': X[:1], 'y_val': ONE_HOT[:1]}, ''),
    ({'batch_size': 1000, 'iters': 2}, ''),
    ({'iters': 1, 'checktype': 'adaptive'}, ''),
])
def test_unusual_but_fine(tmp_path, changes, note):
    history, log = train(tmp_path, **changes)
    assert len(history['loss']) == changes.get('iters', 3) and np.isfinite(history['loss']).all()
    assert note in log
    status = reader.read_json(str(tmp_path / 'run' / 'result.json'))['status']
    assert status in ('normal', 'detected')


@pytest.mark.slow
def test_several_inputs(tmp_path):
    a, b = keras.Input((1,), name='a'), keras.Input((1,), name='b')
    both = layers.Dense(8, activation='relu')(layers.Concatenate()([a, b]))
    for x in ([X[:, :1], X[:, 1:]], {'a': X[:, :1], 'b': X[:, 1:]}):
        network = keras.Model([a, b], layers.Dense(3, activation='softmax')(both))
        history, _ = train(tmp_path, network, x=x)
        assert len(history['loss']) == 3
        assert reader.read_json(str(tmp_path / 'run' / 'result.json'))['probes'] >= 1


def test_token_numbers_stay_whole():
    tokens = np.arange(60).reshape(12, 5)
    data = inputs.check_dataset({'x': tokens, 'y': np.eye(2)[np.arange(12) % 2]})
    keras_bridge.set_seed(1)
    network = keras.Sequential([keras.Input((5,)), layers.Embedding(60, 3), layers.Flatten(),
                                layers.Dense(2, activation='softmax')])
    assert keras_bridge.takes_integers(network) and not keras_bridge.takes_integers(model())
    for integers, kind in ((True, 'i'), (False, 'f')):
        ready, _ = inputs.prepare(data, (None, 2), 'categorical_crossentropy', integers)
        assert ready['x'].dtype.kind == kind


# ---------------------------------------------------------------------------- refused beforehand

def two_outputs():
    a = keras.Input((2,))
    return keras.Model(a, [layers.Dense(3, activation='softmax')(a), layers.Dense(1)(a)])


@pytest.mark.parametrize('changes, message', [
    ({'y': CLASSES + 1}, 'y holds labels from 1 to 3, but the model has 3 outputs'),
    ({'y': CLASSES - 1, 'loss': 'sparse_categorical_crossentropy'}, 'y holds labels from -1 to 1'),
    ({'y': CLASSES / 2}, r'y holds 0\.5, which is no class number'),
    ({'y': ONE_HOT * 2}, 'y holds labels from 0 to 2, but loss categorical_crossentropy'),
    ({'y': ONE_HOT * 2 - 1, 'loss': 'binary_crossentropy'}, 'from -1 to 1, but loss binary_cros'),
    ({'y': np.array(['a', 'b', 'c'])[CLASSES]}, "y holds <U1 .for example 'a'.; give numbers"),
    ({'y': np.array([[0], [1, 2]] * 30, dtype=object)}, 'y holds object'),
    ({'x': X * np.inf}, 'x holds .* values that are NaN or infinite'),
    ({'x': X * 1e300}, 'x holds .* values that are NaN or infinite'),
    ({'x': [X, X]}, 'x has 2 parts, but the model has 1 inputs'),
    ({'x': {'nobody': X, 'else': X}}, 'x has 2 parts'),
    ({'dataset': {'x': X, 'y': ONE_HOT, 'sample_weight': X}}, "unknown key 'sample_weight'"),
    ({'model': 3}, 'model is 3; give a Keras model'),
    ({'model': 'no such model'}, 'which is no file'),
    ({'model': two_outputs}, 'model has 2 outputs'),
    ({'callbacks': [3]}, 'callbacks has 3'),
    ({'callbacks': 'estop'}, "callbacks is 'estop'; give a list"),
    ({'seed': 'x'}, "seed is 'x'"),
    ({'satisfied_acc': float('nan')}, 'satisfied_acc is nan'),
    ({'params': {'gamma': 10 ** 400}}, 'gamma'),
    ({'overhead_budget': 'x'}, "overhead_budget is 'x'"),
    ({'checkpoint_seconds': -1}, 'checkpoint_seconds is -1'),
    ({'checkpoint_epochs': 0}, 'checkpoint_epochs is 0'),
    ({'optimizer': 3}, 'optimizer is 3'),
    ({'loss': 3}, 'loss is 3'),
])
def test_refused_in_one_sentence(tmp_path, changes, message):
    network = changes.get('model')
    with pytest.raises(UserError, match=message) as caught:
        train(tmp_path, network() if callable(network) else network,
              **{key: value for key, value in changes.items() if key != 'model'})
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 600
    assert not (tmp_path / 'run').exists()


# ------------------------------------------------------------------- batches for the bare callback

def losses(data, callbacks=(), network=None, **fit):
    keras_bridge.set_seed(4)
    network = network or model()
    network.compile('sgd', 'categorical_crossentropy', metrics=['accuracy'])
    keras_bridge.set_seed(5)
    return network.fit(data, epochs=4, verbose=0, callbacks=list(callbacks), **fit).history['loss']


class Batches(keras.utils.Sequence if keras_bridge.LEGACY else keras.utils.PyDataset):
    """Draws at every look, as one that augments its images does."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(15 * index, 15 * index + 15)
        noise = np.random.randn(15, 2) + random.random()
        return (X[rows] + 0.01 * noise).astype('float32'), ONE_HOT[rows]


@pytest.mark.backend
def test_batches_by_number_are_looked_at_without_a_trace():
    watch = LossHistory(Batches(), checktype='epoch_1', stop=False, params={'Theta': 1.1})
    keras_bridge.set_seed(7)
    drawn = np.random.rand()
    keras_bridge.set_seed(7)
    LossHistory(Batches())
    assert np.random.rand() == drawn
    assert losses(Batches(), [watch]) == losses(Batches())
    assert watch.watcher.probes >= 2 and len(watch.watcher.probe.batch.x) == 15


@pytest.mark.backend
@pytest.mark.skipif(keras_bridge.backend() != 'tensorflow', reason='tf.data is of TensorFlow')
def test_a_tf_data_pipeline():
    import tensorflow as tf
    rows = tf.data.Dataset.from_tensor_slices((X, ONE_HOT))
    watch = LossHistory(rows.batch(20), checktype='epoch_1', stop=False, params={'Theta': 1.1})
    assert losses(rows.batch(20), [watch]) == losses(rows.batch(20))
    assert watch.watcher.probes >= 2
    still = rows.shuffle(60, seed=1, reshuffle_each_iteration=False).batch(20)
    LossHistory(still)
    with pytest.raises(UserError, match='shuffles anew.*give rows in its place'):
        LossHistory(rows.shuffle(60, seed=1).batch(20).prefetch(1))


@pytest.mark.backend
@pytest.mark.skipif(keras_bridge.backend() != 'torch', reason='DataLoader is of PyTorch')
def test_a_torch_loader():
    import torch
    made = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(ONE_HOT))

    def loader():
        return torch.utils.data.DataLoader(made, batch_size=20, shuffle=True)
    keras_bridge.set_seed(7)
    drawn = torch.rand(1)
    keras_bridge.set_seed(7)
    watch = LossHistory(loader(), checktype='epoch_1', stop=False, params={'Theta': 1.1})
    assert torch.rand(1) == drawn
    assert losses(loader(), [watch]) == losses(loader())
    assert watch.watcher.probes >= 2


@pytest.mark.parametrize('data, message', [
    (lambda: ((X, ONE_HOT) for _ in range(3)), 'is a generator, which gives each batch once'),
    (lambda: iter([(X, ONE_HOT)]), 'gives each batch once'),
    (lambda: [X, X, X], 'whose first batch is not'),
    (lambda: X, 'is a ndarray whose first batch is not'),
    (lambda: [(X,), (X,), (X,)], 'whose first batch is not'),
    (lambda: {'a': X}, 'is a dict whose first batch is not'),
    (lambda: (), 'whose first batch is not'),
    (lambda: 'x', 'training_data is a str'),
])
def test_what_gives_no_batch(data, message):
    with pytest.raises(UserError, match=message):
        LossHistory(data())


@pytest.mark.backend
def test_weights_of_rows_and_classes_do_not_disturb():
    watch = LossHistory((X, ONE_HOT, np.ones(60)), checktype='epoch_1', stop=False,
                        params={'Theta': 1.1})
    fit = dict(y=ONE_HOT, sample_weight=np.linspace(0, 1, 60), batch_size=20)
    assert losses(X, [watch], **fit) == losses(X, **fit)
    fit = dict(y=ONE_HOT, class_weight={0: 1.0, 1: 2.0, 2: 3.0}, batch_size=20)
    assert losses(X, [watch], **fit) == losses(X, **fit)


@pytest.mark.slow
@pytest.mark.backend
def test_several_outputs_are_watched():
    network = two_outputs()
    watch = LossHistory((X, [ONE_HOT, X[:, :1]]), checktype='epoch_1', stop=False)
    network.compile('sgd', ['categorical_crossentropy', 'mse'], metrics=[['accuracy'], ['mse']])
    network.fit(X, [ONE_HOT, X[:, :1]], epochs=4, verbose=0, callbacks=[watch])
    assert watch.watcher.probes >= 1
    assert all(0 <= value <= 1 for value in watch.history['acc'])


@pytest.mark.slow
@pytest.mark.parametrize('data, metrics, told', [
    (True, [], 0), (False, ['accuracy'], 0), (False, [], 1)])
def test_it_is_told_if_there_is_no_accuracy_to_judge(caplog, data, metrics, told):
    network = model()
    network.compile('sgd', 'categorical_crossentropy', metrics=metrics)
    watch = LossHistory((X, ONE_HOT) if data else None)
    network.fit(X, ONE_HOT, epochs=3, verbose=0, callbacks=[watch])
    assert caplog.text.count('no accuracy among the metrics') == told


@pytest.mark.parametrize('logs, accuracy', [
    ({'a_accuracy': 0.5, 'b_accuracy': 1.0, 'val_a_accuracy': 0.0}, (0.75, 0.0)),
    ({'a_top_k_categorical_accuracy': 0.5}, (None, None)),
    ({'a_accuracy': 0.5, 'accuracy': 0.25}, (0.25, None)),
])
def test_accuracy_of_several_outputs(logs, accuracy):
    values = keras_bridge.epoch_values(logs)
    assert (values['acc'], values['val_acc']) == accuracy


# --------------------------------------------------------------------------------- no accuracy

def regression(network, epochs=20, loss='mean_squared_error', metrics=('mae',), y=None):
    y = X.sum(axis=1) if y is None else y
    watch = LossHistory((X, y), checktype='epoch_1')
    keras_bridge.compile_model(network, keras_bridge.optimizer_config('Adam', {'lr': 0.01}), loss,
                               metrics)
    keras_bridge.set_seed(5)
    network.fit(X, y, batch_size=15, epochs=epochs, verbose=0, callbacks=[watch],
                validation_data=(X[:15], y[:15]))
    return watch


@pytest.mark.backend
@pytest.mark.parametrize('loss, baseline', [
    ('mean_squared_error', 1.25), ('mean_absolute_error', 1.0),
    ('mean_squared_logarithmic_error', np.var(np.log1p([0, 1, 2, 3]))),
])
def test_the_loss_of_the_best_constant(loss, baseline):
    network = model(1, None)
    keras_bridge.compile_model(network, keras_bridge.optimizer_config('SGD'), loss)
    found = baseline_loss(network, np.array([0, 1, 2, 3]))
    assert found == pytest.approx(baseline, rel=1e-5)
    assert baseline_loss(network, np.zeros(5)) is None


@pytest.mark.slow
@pytest.mark.parametrize('metrics', [(), ('accuracy',)])
def test_a_healthy_regression(metrics):
    watch = regression(model(1, None), metrics=metrics)
    assert watch.issue_list == [] and 0.7 < watch.history['acc'][-1] <= 1
    mse, y = watch.history['loss'][-1], X.sum(axis=1)
    assert watch.history['acc'][-1] == pytest.approx(1 - mse / y.var(), rel=1e-4)
    assert watch.history['val_acc'][0] < watch.history['val_acc'][-1] <= 1


@pytest.mark.slow
def test_a_vanishing_regression():
    keras_bridge.set_seed(2)
    stack = [layers.Dense(4, activation='sigmoid') for _ in range(12)]
    watch = regression(keras.Sequential([keras.Input((2,))] + stack + [layers.Dense(1)]))
    assert watch.issue_list == ['vanish'] and 'max(Acc)' not in watch.verdict.reason
    assert 'of the best constant prediction' in watch.verdict.reason


def test_without_labels_there_is_no_stand_in():
    network, y = model(1, None), X.sum(axis=1)
    network.compile('sgd', 'mse')
    watch = LossHistory(checktype='epoch_1')
    network.fit(X, y, epochs=4, verbose=0, callbacks=[watch])
    assert watch.history['acc'] == [None] * 4 and watch.issue_list == []


def test_a_regression_is_trained_under_repair(tmp_path):
    done = model_train(model(1, None), optimizer='Adam', loss='mse', iters=3, batch_size=16,
                       dataset={'x': X, 'y': X.sum(axis=1)}, save_dir=str(tmp_path))
    assert done.result['accuracy']['after'] <= 1


# ------------------------------------------------------------------------------- paths and names

@pytest.mark.once
@pytest.mark.parametrize('name', ["with space, quote'd", 'a/../ünïcødé 数据'])
def test_folders_of_any_name(tmp_path, name):
    (tmp_path / 'a').mkdir()
    model_train(model(), optimizer='Adam', loss='categorical_crossentropy', iters=1, batch_size=60,
                dataset={'x': X, 'y': ONE_HOT}, save_dir=name, root_path=str(tmp_path),
                log_dir=name)
    folder = tmp_path / name
    found = reader.read_json(str(folder / 'result.json'))
    assert os.path.samefile(found['model_path'], str(
        folder / ('model' + keras_bridge.MODEL_SUFFIX)))
    keras_bridge.load_model(found['model_path'])


def test_links_are_followed(tmp_path):
    real = tmp_path / ('real' + keras_bridge.MODEL_SUFFIX)
    keras_bridge.save_model(model(), str(real))
    link = tmp_path / ('link' + keras_bridge.MODEL_SUFFIX)
    link.symlink_to(real)
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'way').symlink_to(tmp_path / 'folder', target_is_directory=True)
    model_train(str(link), optimizer='Adam', loss='categorical_crossentropy', iters=1,
                batch_size=60, dataset={'x': X, 'y': ONE_HOT}, save_dir=str(tmp_path / 'way'))
    assert (tmp_path / 'folder' / 'result.json').exists() and link.is_symlink()


def test_a_training_by_hand_can_be_resumed(tmp_path):
    """model_retrain alone: its checkpoint is used when it is asked for, and only then."""
    config = {'optimizer': keras_bridge.optimizer_config('Adam'), 'batch_size': 16, 'epochs': 4,
              'loss': 'categorical_crossentropy', 'callbacks': (),
              'dataset': {'x': X, 'y': ONE_HOT, 'x_val': None, 'y_val': None}}
    from AutoTrainer.record.checkpoint import Interval
    seen = []

    def go(folder, **arguments):
        del seen[:]
        return model_retrain(model(), config, save_dir=str(tmp_path / folder), seed=3,
                             checkpoint=Interval(1, 0.0), **arguments)

    def stop(watch):
        seen.append(len(watch.history['loss']))
        if len(seen) == 3:
            raise KeyboardInterrupt

    whole = go('whole')
    with pytest.raises(KeyboardInterrupt):
        go('run', on_epoch=stop)
    again = go('run', resume=True, on_epoch=lambda watch: seen.append(watch.history['loss'][-1]))
    assert len(seen) == 2 and again.record.val_accuracy == whole.record.val_accuracy
    histories = [reader.read_history(str(tmp_path / name / 'history.csv'))
                 for name in ('run', 'whole')]
    assert histories[0] == histories[1]
    go('run', on_epoch=lambda watch: seen.append(1))
    assert len(seen) == 4
