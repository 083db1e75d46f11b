"""``Watch`` as somebody meets it who puts it into a fit() of their own: real, tiny trainings."""

import functools
import json
import logging

import numpy as np
import pandas as pd
import pytest

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.judge.by_skill import SkillMonitor
from AutoTrainer.utils.monitor import IssueMonitor

pytestmark = pytest.mark.backend
keras = keras_bridge.keras
layers = keras.layers
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(200, 4).astype('float32')
Y = (X[:, 0] + X[:, 1] > 0).astype('int64')
AMOUNTS = (X[:, :1] - 2 * X[:, 1:2]).astype('float32')
HELD = X[:50], Y[:50]
NOISE = RANDOM.randint(0, 2, 200)


def dense(*units, head='sigmoid', loss='binary_crossentropy', activation='relu', seed=1,
          optimizer=None, metrics=('accuracy',), shape=(4,)):
    """A compiled network of dense layers."""
    keras_bridge.set_seed(seed)
    network = keras.Sequential(
        [keras.Input(shape)] + [layers.Dense(n, activation=activation) for n in units[:-1]]
        + [layers.Dense(units[-1], activation=head)])
    network.compile(optimizer or keras.optimizers.Adam(0.02), loss, metrics=list(metrics))
    return network


def stuck(**settings):
    """A network whose steps are far too small."""
    return dense(8, 1, optimizer=keras.optimizers.SGD(1e-9), **settings)


def fit(network, watch, x=X, y=Y, epochs=10, **settings):
    return network.fit(x, y, epochs=epochs, batch_size=40, verbose=0,
                       callbacks=[watch] if watch else [], **settings)


# ------------------------------------------------------------------------------- sound trainings

@pytest.mark.parametrize('network, y', [
    (lambda: dense(16, 1), Y),
    (lambda: dense(16, 1, head=None, loss='mse', metrics=()), AMOUNTS),
    (lambda: dense(16, 1, head=None, loss='mse'), AMOUNTS),  # an accuracy that means nothing
])
def test_a_sound_training_makes_it_say_nothing_and_asks_for_no_yardstick(caplog, monkeypatch,
                                                                        network, y):
    watch = Watch(X, y, validation_data=(X[:50], y[:50]))
    monkeypatch.setattr('AutoTrainer.judge.reference.Reference.yardsticks',
                        lambda self: pytest.fail('a yardstick is asked for'))
    with caplog.at_level(logging.WARNING):
        fit(network(), watch, y=y, epochs=40, validation_data=(X[:50], y[:50]))
    assert caplog.text == '' and watch.issue_list == []
    assert watch.verdict.reason.startswith('sound: nothing was found in 40 epochs by 40 checks')
    assert watch.verdict.skill > 0.7 and watch.verdict.yardstick is None
    assert watch.session.probes == 0


# ------------------------------------------------------------------------------ bad trainings

@pytest.mark.parametrize('stop', [True, False])
def test_what_is_bad_is_said_in_one_line_and_stopped(caplog, stop):
    watch = Watch(X, Y, validation_data=HELD, stop=stop)
    with caplog.at_level(logging.WARNING, 'AutoTrainer'):
        fit(stuck(), watch, validation_data=HELD)
    assert watch.verdict.epoch == 3 and len(watch.history['loss']) == (3 if stop else 10)
    said, = [record.getMessage() for record in caplog.records
             if record.name.startswith('AutoTrainer')]
    assert said.startswith('epoch 3: %s; ' % watch.verdict.standing)
    assert 'likely cause: %s: ' % watch.verdict.issues[0] in said and '; try: ' in said
    assert ('the training is stopped' in said) is stop
    assert watch.verdict.skill < 0.3 and watch.verdict.yardstick > 0.7
    assert 'linear model' in said or 'regression' in said


def test_what_goes_on_record(tmp_path):
    watch = Watch(X, Y, validation_data=HELD, save_dir=str(tmp_path))
    fit(stuck(), watch, validation_data=HELD)
    events = [json.loads(line) for line in
              (tmp_path / 'events.jsonl').read_text(encoding='utf-8').splitlines()]
    last = events[-1]
    assert (last['event'], last['epoch']) == ('check', 3)
    assert last['issues'] == list(watch.verdict.issues)
    assert (last['skill'], last['yardstick']) == (watch.verdict.skill, watch.verdict.yardstick)
    yardstick, = last['yardsticks']
    assert yardstick['rows'] == 250 and yardstick['learner'] and yardstick['seconds'] > 0
    assert len((tmp_path / 'history.csv').read_text().splitlines()) == 4


def test_watching_changes_no_training():
    """Also where skill is measured and the yardstick asked for, which draw random numbers."""
    def losses(watch):
        keras_bridge.set_seed(5)
        model = keras.Sequential([
            keras.Input((4,)), layers.Dense(8, activation='relu'), layers.Dropout(0.3),
            layers.BatchNormalization(), layers.Dense(1, activation='sigmoid')])
        model.compile(keras.optimizers.Adam(1e-4), 'binary_crossentropy', metrics=['accuracy'])
        return fit(model, watch, epochs=6, validation_data=HELD).history

    watch = Watch(X, NOISE, validation_data=(X[:50], NOISE[:50]), stop=False)
    watched = losses(watch)
    assert watch.session.watcher.skill_looks >= 3 and watch.monitor.yardsticks
    assert watched == losses(None)


# --------------------------------------------------- the trainings that the paper's rules let pass

@functools.lru_cache(maxsize=None)
def table(name):
    """A table of scikit-learn's: inputs as they are, and scaled; labels."""
    from sklearn import datasets
    x, y = getattr(datasets, 'load_' + name)(return_X_y=True)
    x = x.astype('float32')
    return x, ((x - x.mean(axis=0)) / x.std(axis=0)).astype('float32'), y


def sgd():
    return keras.optimizers.SGD(0.01)


PASSED = {
    'inputs that are not scaled': (
        'breast_cancer', False, lambda s: dense(32, 16, 8, 1, shape=(30,), optimizer=sgd(), seed=s),
        'abnormal_data'),
    'ten sigmoid layers': (
        'breast_cancer', True, lambda s: dense(*[16] * 10 + [1], activation='sigmoid', shape=(30,),
                                               optimizer=sgd(), seed=s), 'vanish'),
    'a softmax of one output': (
        'breast_cancer', True, lambda s: dense(16, 1, head='softmax', shape=(30,), seed=s),
        'activation_issue'),
    'shuffled labels': (
        'wine', True, lambda s: dense(32, 16, 3, head='softmax', shape=(13,), seed=s,
                                      loss='sparse_categorical_crossentropy'), 'no_signal'),
}


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*softmax over axis')
@pytest.mark.parametrize('name', sorted(PASSED))
def test_what_an_absolute_accuracy_lets_pass(name):
    rows, scaled, network, issue = PASSED[name]
    raw, standard, y = table(rows)
    x = standard if scaled else raw
    y = np.random.RandomState(0).permutation(y) if issue == 'no_signal' else y
    count = len(x) * 4 // 5
    held = x[count:], y[count:]
    watch = Watch(x[:count], y[:count], validation_data=held, seed=0)
    fit(network(0), watch, x[:count], y[:count], epochs=30, validation_data=held)
    verdict = watch.verdict
    assert verdict.issues[0] == issue
    if issue == 'no_signal':
        assert verdict.told == (issue,) and watch.session.ended == 'planned'
        assert verdict.epoch == 30 and not verdict.is_blamed
    else:
        assert verdict.epoch <= 9 and verdict.told == ()
        assert (verdict.epoch == 0) is (issue == 'activation_issue')
        assert verdict.epoch == 0 or verdict.skill < 0.1 < 0.8 < verdict.yardstick


# ----------------------------------------------------------------------- whatever is trained on

def two_outputs():
    keras_bridge.set_seed(1)
    inputs = [keras.Input((1,), name='left'), keras.Input((3,), name='right')]
    both = layers.Concatenate()(inputs)
    network = keras.Model(inputs, [layers.Dense(1, activation='sigmoid', name='kind')(both),
                                   layers.Dense(1, name='amount')(both)])
    network.compile(keras.optimizers.SGD(1e-9), ['binary_crossentropy', 'mse'])
    return network


def steps(head, loss, units=1):
    """A label for every step of a sequence."""
    network = keras.Sequential([keras.Input((5, 4)), layers.GRU(4, return_sequences=True),
                                layers.Dense(units, activation=head)])
    network.compile(keras.optimizers.SGD(1e-9), loss)
    return network


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(1, activation='sigmoid', kernel_initializer='zeros')

    def call(self, x):
        return self.inner(x)


def subclassed():
    network = Subclassed()
    network.compile(keras.optimizers.SGD(1e-9), 'binary_crossentropy')
    return network


def own_loss(y, given):
    cast = keras.backend.cast if keras_bridge.LEGACY else keras.ops.cast
    return (cast(y, 'float32') - given) ** 2


SEQUENCES = RANDOM.randn(80, 5, 4).astype('float32')
COUNTS = (np.abs(SEQUENCES).sum(axis=-1, keepdims=True)).astype('int64')
PICTURES = RANDOM.rand(60, 4, 4, 1).astype('float32')


def pictures():
    network = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3),
                                layers.Dense(16), layers.Reshape((4, 4, 1))])
    network.compile(keras.optimizers.SGD(1e-9), 'mse')
    return network


@pytest.mark.slow
@pytest.mark.parametrize('network, x, y, measured', [
    (two_outputs, {'left': X[:, :1], 'right': X[:, 1:]}, [Y, AMOUNTS], True),
    (lambda: steps('softmax', 'sparse_categorical_crossentropy', 20), SEQUENCES, COUNTS, True),
    (subclassed, X, Y, True),
    (pictures, PICTURES, PICTURES, True),
    (lambda: stuck(loss=own_loss, metrics=()), X, Y, True),
    (lambda: stuck(head='tanh', loss='hinge'), X, 2 * Y - 1, True),
    (lambda: dense(8, 3, optimizer=keras.optimizers.SGD(1e-9)), X, (X[:, :3] > 0).astype(int),
     True),
    (stuck, X, np.zeros(200, int), False),                   # one answer for all rows
    (stuck, X[:12], Y[:12], True),                           # too few rows for a yardstick
    (stuck, pd.DataFrame(X), pd.Series(Y), True),
    (lambda: stuck(loss=keras.losses.BinaryCrossentropy(from_logits=True), head=None), X, Y, True),
    # not under a cross-entropy: PyTorch's own refuses NaN, watched or not
    (lambda: dense(8, 1, optimizer=keras.optimizers.SGD(float('nan')), loss='mse'), X, Y, None),
])
def test_no_training_fails_of_being_watched(caplog, network, x, y, measured):
    """Each is bad or without an answer, so that everything is looked at."""
    watch = Watch(x, y, stop=False)
    model = network()
    with caplog.at_level(logging.WARNING):
        model.fit(x if not hasattr(x, 'iloc') else x.values, y, epochs=4, verbose=0, batch_size=20,
                  callbacks=[watch])
    assert len(watch.history['loss']) == 4 and watch.watcher.failed == ''
    assert 'cannot be measured' not in caplog.text
    if measured:
        assert watch.verdict.issues and watch.monitor.yardsticks
    assert isinstance(watch.verdict.reason, str) and watch.verdict.epoch in (None, 1, 3, 4)


def test_a_model_that_cannot_be_measured_is_said_to_be_one(caplog, monkeypatch):
    monkeypatch.setattr(keras_bridge, 'predictor',
                        lambda *args: 1 / 0)
    watch = Watch(X, Y)
    with caplog.at_level(logging.WARNING, 'AutoTrainer'):
        fit(stuck(), watch, epochs=5)
    assert caplog.text.count('cannot be measured') == 1 and len(watch.history['loss']) == 5
    assert watch.verdict.issues == () and 'could not be measured' in watch.verdict.reason


# ------------------------------------------------------------------------------ what it refuses

@pytest.mark.parametrize('given, told', [
    ({'patience': 3}, "Watch has no setting 'patience'; known are .*checktype"),
    ({'check_type': 'adaptive'}, "no setting 'check_type'; did you mean .?checktype"),
    ({'rules': 'theta'}, "rules is 'theta'; give 'skill' or 'paper'"),
    ({'validation_data': X}, r'validation_data is a ndarray; give \(x, y\)'),
    ({'validation_data': (X, Y[:9])}, 'have 200 and 9 rows; give as many labels as inputs'),
    ({'validation_data': (X[:9], np.full(9, np.nan))}, 'y.* holds 9 values that are NaN'),
    ({'y': Y[:7]}, 'x and y have 200 and 7 rows; give as many labels as inputs'),
    ({'y': None}, r'y is missing; give Watch\(x, y\)'),
    ({'x': np.where(X > 2, np.nan, X)}, 'x holds .* values that are NaN'),
    ({'seed': 1.5}, 'seed is 1.5; give a whole number'),
    ({'optional_issues': ['dying']}, "optional_issues has 'dying'; known are"),
    ({'rules': 'paper', 'optional_issues': ['no_signal']}, "which only rules='skill' knows"),
])
def test_a_wrong_argument_is_told_in_one_sentence_at_once(given, told):
    with pytest.raises(UserError, match=told) as refused:
        Watch(**dict({'x': X, 'y': Y}, **given))
    assert '\n' not in str(refused.value)


def test_without_rows_the_paper_judges_and_says_so(caplog):
    watch = Watch()
    fit(stuck(), watch)
    assert type(watch.monitor) is IssueMonitor and watch.verdict.issues == ('not_converge',)
    assert caplog.text.count('only the history is judged, by the rules of the paper') == 1


def test_other_settings_are_those_of_the_callback_with_upstream_s_name():
    for settings, kind, epoch in (
            ({'rules': 'paper'}, IssueMonitor, 3), ({'checktype': 'epoch_3'}, IssueMonitor, 3),
            ({'checktype': 'epoch_3', 'rules': 'skill'}, SkillMonitor, 6), ({}, SkillMonitor, 3)):
        watch = Watch(X, Y, **settings)
        fit(stuck(), watch, epochs=6)
        assert type(watch.monitor) is kind and watch.verdict.epoch == epoch
        assert watch.watching.checktype == settings.get('checktype', 'adaptive')


def test_rows_that_come_in_batches_are_gathered():
    class Batches(getattr(keras.utils, 'PyDataset', None) or keras.utils.Sequence):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return X[40 * index:40 * index + 40], Y[40 * index:40 * index + 40]

    watch = Watch(Batches())
    stuck().fit(Batches(), epochs=6, verbose=0, callbacks=[watch])
    assert watch.verdict.epoch == 3 and watch.verdict.yardstick > 0.7
    assert watch.monitor.yardsticks[0].rows == 200
