"""The rows of a Keras training: whatever fit takes, told as what a training is held against."""

import numpy as np
import pandas as pd
import pytest

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.adapters.keras_source import Source, subject_of, targets
from AutoTrainer.errors import UserError
from AutoTrainer.intake.arrays import Batch
from AutoTrainer.judge.reference import MEASURED_ROWS, Constants
from AutoTrainer.judge.session import Plan
from AutoTrainer.judge.skill import ACCURACY, SQUARED
from AutoTrainer.judge.yardstick import MOST_ROWS

pytestmark = pytest.mark.backend
keras = keras_bridge.keras
layers = keras.layers
ROWS = 300
X = np.random.RandomState(0).randn(ROWS, 4).astype('float32')
CLASSES = (X[:, 0] > 0.5).astype('int64')
AMOUNTS = (3 * X[:, 1:2] + 1).astype('float32')
HELD = X[:60], CLASSES[:60]
PLAN = Plan(100, 10)


def model(units=1, head='sigmoid', loss='binary_crossentropy', shape=(4,)):
    network = keras.Sequential([keras.Input(shape), layers.Dense(8, activation='relu'),
                                layers.Dense(units, activation=head)])
    network.compile('adam', loss, metrics=['accuracy'])
    return network


def two_inputs(outputs=1):
    left, right = keras.Input((1,), name='left'), keras.Input((3,), name='right')
    both = layers.Concatenate()([left, right])
    found = [layers.Dense(1, activation='sigmoid', name='kind')(both),
             layers.Dense(1, name='amount')(both)][:outputs]
    network = keras.Model([left, right], found if outputs > 1 else found[0])
    losses = ['binary_crossentropy', 'mean_squared_error']
    network.compile('adam', losses if outputs > 1 else losses[0])
    return network


def batches(x, y, size=20):
    """What a generation of Keras takes for batches that can be asked for by their number."""
    class Batches(getattr(keras.utils, 'PyDataset', None) or keras.utils.Sequence):
        given = 0

        def __len__(self):
            return -(-len(x) // size)

        def __getitem__(self, index):
            Batches.given += 1
            return x[size * index:size * (index + 1)], y[size * index:size * (index + 1)]

    return Batches()


def subject(network, data, validation=None, by_skill=True):
    source = Source(data, validation)
    batch = Batch(X[:32], CLASSES[:32]) if data is None else Batch(
        *[part[:32] if hasattr(part, 'shape') else part for part in (
            data if isinstance(data, tuple) else (X, CLASSES))])
    return subject_of(network, batch, None, source, by_skill, PLAN)


# -------------------------------------------------------------------------- what fit takes as data

@pytest.mark.parametrize('data, held, constants', [
    ((X, CLASSES), HELD, (ROWS, 60)),
    ((X, CLASSES), HELD + (np.ones(60),), (ROWS, 60)),        # weights are of no use here
    ((X, CLASSES), None, (ROWS, None)),
    ({'x': X, 'y': CLASSES}, None, (ROWS, None)),
    ({'x': X, 'y': CLASSES, 'x_val': HELD[0], 'y_val': HELD[1]}, None, (ROWS, 60)),
    ((X.tolist(), CLASSES.tolist()), [HELD[0].tolist(), HELD[1].tolist()], (ROWS, 60)),
    ((pd.DataFrame(X), pd.Series(CLASSES)), (pd.DataFrame(X[:60]), pd.Series(CLASSES[:60])),
     (ROWS, 60)),
    ((X, CLASSES), batches(*HELD), (ROWS, None)),             # left to the training
])
def test_rows_as_fit_takes_them(data, held, constants):
    reference = Source(data, held).reference(model())
    share = 1 - CLASSES.mean()
    assert reference.training == Constants(constants[0], pytest.approx(share))
    assert (reference.validation and reference.validation.rows) == constants[1]
    rows = reference.measured_rows()
    assert [len(part) for part in rows] == [count for count in constants if count]
    known = [[np.asarray(part)[:, :1] > 0.5] for part in rows]
    for part in reference.measured(known)[:2]:
        assert all(skills[ACCURACY].value == 1 for skills in part)
    yardstick, = reference.yardsticks()
    assert yardstick.skills[ACCURACY].value > 0.6 and yardstick.rows == sum(map(len, rows))


def test_inputs_by_name_and_several_outputs():
    x, y = {'left': X[:, :1], 'right': X[:, 1:]}, [CLASSES, AMOUNTS]
    held = {'left': X[:50, :1], 'right': X[:50, 1:]}, [CLASSES[:50], AMOUNTS[:50]]
    for labels, validation in ((y, held), ({'kind': CLASSES, 'amount': AMOUNTS}, (
            held[0], dict(zip(('kind', 'amount'), held[1]))))):
        source = Source((x, labels), validation)
        reference = source.reference(two_inputs(2))
        assert reference.training == Constants(ROWS) and reference.validation == Constants(50)
        kind, amount = reference.yardsticks()
        assert kind.skills[ACCURACY].value > 0.6 and amount.skills[SQUARED].value > 0.9
    assert Source((x, CLASSES)).reference(two_inputs()).yardsticks()[0].skills[ACCURACY].value > 0.6


def test_batches_are_gathered_from_the_front():
    gathered = batches(X, CLASSES)
    reference = Source(gathered).reference(model())
    assert reference.training.rows == ROWS and len(reference.measured_rows()[0]) == ROWS
    assert reference.yardsticks()[0].skills[ACCURACY].value > 0.6


def test_no_more_batches_are_gathered_than_are_looked_at():
    rows = 3 * MOST_ROWS
    x = np.random.RandomState(1).randn(rows, 4).astype('float32')
    many = batches(x, (x[:, 0] > 0).astype(int), 100)
    many.__class__.given = 0
    reference = Source(many).reference(model())
    assert reference.training.rows == MOST_ROWS and many.given == MOST_ROWS // 100
    assert len(reference.measured_rows()[0]) == MEASURED_ROWS


@pytest.mark.skipif(keras_bridge.backend() != 'tensorflow', reason='needs TensorFlow')
def test_datasets_of_tensorflow_are_gathered_if_they_do_not_shuffle_anew():
    import tensorflow as tf
    rows = tf.data.Dataset.from_tensor_slices((X, CLASSES))
    reference = Source(rows.batch(64)).reference(model())
    assert reference.training.rows == ROWS
    assert reference.yardsticks()[0].skills[ACCURACY].value > 0.6
    with pytest.raises(UserError, match='shuffles anew each time it is begun'):
        Source(rows.shuffle(300).batch(64)).reference(model())


# ------------------------------------------------------------------------- what outputs are held to

@pytest.mark.parametrize('network, y, kind, units, logits', [
    (lambda: model(), CLASSES, 'binary', 1, False),
    (lambda: model(3, 'softmax', 'categorical_crossentropy'), np.eye(3)[CLASSES], 'one_hot', 3,
     False),
    (lambda: model(3, 'softmax', 'sparse_categorical_crossentropy'), CLASSES + 1, 'integer', 3,
     False),
    (lambda: model(1, None, 'mse'), AMOUNTS, 'real', 1, False),
    (lambda: model(1, None, keras.losses.BinaryCrossentropy(from_logits=True)), CLASSES, 'binary',
     1, True),
    (lambda: model(2, 'sigmoid'), np.ones((ROWS, 2), int), 'multi_hot', 2, False),
])
def test_targets(network, y, kind, units, logits):
    found, = targets(network(), y, y[:5])
    assert (found.labels, found.units, found.logits) == (kind, units, logits)
    assert found.y is y and len(found.y_val) == 5


def test_of_a_model_that_is_not_built_the_units_are_those_that_its_loss_needs():
    network = keras.Sequential([layers.Dense(4, activation='softmax')])
    network.compile('adam', 'sparse_categorical_crossentropy')
    assert targets(network, CLASSES + 2)[0].units == 4


def test_token_numbers_are_told_by_the_model():
    random = np.random.RandomState(2)
    words = random.randint(0, 30, (600, 40))
    network = keras.Sequential([keras.Input((40,)), layers.Embedding(30, 4),
                                layers.GlobalAveragePooling1D(),
                                layers.Dense(1, activation='sigmoid')])
    network.compile('adam', 'binary_crossentropy')
    asked = Source((words, (words == 7).any(axis=1).astype(int))).reference(network)
    assert asked.yardsticks()[0].skills[ACCURACY].value > 0.7


def test_an_autoencoder_s_narrowest_layer_is_told_by_the_model():
    x = (X @ np.random.RandomState(3).randn(4, 12)).astype('float32')
    network = keras.Sequential([keras.Input((12,)), layers.Dense(3), layers.Dense(12)])
    network.compile('adam', 'mse')
    found, = Source((x, x)).reference(network).yardsticks()
    assert found.learner == '3 principal components'


# ------------------------------------------------------------------------------------- the subject

def test_what_a_training_is_held_against():
    found = subject(model(), (X, CLASSES), HELD)
    assert found.accuracy_counts and found.constants[0].rows == ROWS
    assert found.constants[1] == Constants(60, pytest.approx(1 - HELD[1].mean()))
    measured = found.probe.skills()
    assert len(measured.training) == len(measured.validation) == 1
    assert found.probe.skills() == measured  # the same rows, and nothing of the model has changed
    assert found.probe.yardsticks()[0].skills[ACCURACY].value > 0.6


def test_the_skill_of_a_model_that_knows_the_rule():
    network = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation='sigmoid')])
    network.compile('adam', 'binary_crossentropy')
    found = subject(network, (X, CLASSES), HELD)
    untrained = found.probe.skills()
    network.set_weights([np.array([[50.0], [0], [0], [0]]), np.array([-25.0])])
    measured = found.probe.skills()
    assert measured.training[0][ACCURACY].value == measured.validation[0][ACCURACY].value == 1
    assert untrained.training[0][ACCURACY].value < 1


def test_of_batches_the_first_one_stands_for_all_and_a_regression_counts_no_accuracy():
    found = subject(model(), batches(X, CLASSES))
    assert found.constants[0].rows == 32 and found.constants[1] is None
    assert not subject(model(1, None, 'mse'), (X, AMOUNTS)).accuracy_counts
    assert subject(model(), (X, CLASSES), by_skill=False).constants == (Constants(0), None)


@pytest.mark.parametrize('held, told', [
    ((X[:60], CLASSES[:59]), r'x.* and .*y.* have 60 and 59 rows'),
    ((X[:60], np.where(CLASSES[:60] > 0, np.nan, 0.0)), 'NaN'),
    ((X[:60] * np.nan, CLASSES[:60]), 'NaN'),
    ((X[:0], CLASSES[:0]), 'empty'),
])
def test_validation_rows_are_checked_at_once(held, told):
    with pytest.raises(UserError, match=told):
        Source((X, CLASSES), held)


@pytest.mark.parametrize('held, told', [
    ((X[:60, :3], CLASSES[:60]), r'rows of shape \(3,\), but the model takes inputs of shape'),
    ((X[:60], np.eye(2)[CLASSES[:60]]), r'labels of shape \(2,\), but y has'),
])
def test_validation_rows_of_another_shape_are_refused_before_the_first_step(held, told):
    with pytest.raises(UserError, match=told):
        subject(model(), (X, CLASSES), held)


# ------------------------------------------------------------------------------------- the set-up

def test_the_rows_are_looked_at_where_a_training_is_bad():
    source = Source((X * [1, 1, 1, 1e4], CLASSES), HELD)
    network = model()
    assert source.findings(network, True) == []  # before the training begins
    source.begin(network, CLASSES, PLAN)
    assert [finding.name for finding in source.findings(network, False)] == []
    thorough = [finding.name for finding in source.findings(network, True)]
    assert 'column_scale' in thorough


def test_a_class_that_no_training_row_has_is_seen_in_the_labels():
    """As where the last part of a sorted file is the validation."""
    classes = np.sort(np.arange(ROWS) % 3)
    network = model(3, 'softmax', 'sparse_categorical_crossentropy')
    for held, names in ((classes[190:], ['class_never_trained']), (classes[:190], [])):
        source = Source((X[:190], classes[:190]), (X[:len(held)], held))
        source.begin(network, classes[:190], PLAN)
        assert [finding.name for finding in source.findings(network, False)] == names


def test_contradictions_need_no_look_at_the_rows():
    source = Source((X, CLASSES))
    network = model(1, 'softmax')
    source.begin(network, CLASSES, PLAN)
    assert [finding.name for finding in source.findings(network, False)] == ['softmax_of_one']


class Slower(keras.callbacks.Callback):
    """As ReduceLROnPlateau does, and sooner."""

    def on_epoch_end(self, epoch, logs=None):
        rate = self.model.optimizer.learning_rate
        rate.assign(0.02 * keras_bridge.learning_rate(self.model))


@pytest.mark.parametrize('scheduled', [True, False])
def test_a_rate_that_has_fallen_explains_what_is_not_learnt(scheduled):
    """A schedule whose steps were meant as epochs; a callback that lowers the rate."""
    keras_bridge.set_seed(0)
    network = model()
    rate = keras.optimizers.schedules.ExponentialDecay(0.02, 2, 0.3) if scheduled else 0.02
    network.compile(keras.optimizers.SGD(rate), 'binary_crossentropy', metrics=['accuracy'])
    watch = Watch(X, CLASSES, overhead_budget=None)
    network.fit(X, CLASSES, epochs=20, batch_size=30, verbose=0,
                callbacks=[watch] + [Slower()] * (not scheduled))
    assert watch.verdict.issues == ('not_converge',)
    assert 'the learning rate of SGD has fallen from 0.02 to' in watch.verdict.reason


def test_validation_losses_are_held_against_the_validation_rows():
    """A few mistyped training labels make the loss of the constant answer as large as they are."""
    spoilt = AMOUNTS.copy()
    spoilt[:3] = 1e5
    network = model(head=None, loss='mse')
    source = Source((X, spoilt), (X[:60], AMOUNTS[:60]))
    told = subject_of(network, Batch(X, spoilt), spoilt, source, True, PLAN)
    assert told.constant_loss() > 1e7 and 1 < told.held_loss() < 50
    assert subject_of(network, Batch(X, spoilt), spoilt, source, False, PLAN).held_loss() is None
