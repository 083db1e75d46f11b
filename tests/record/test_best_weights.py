import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.judge.history import LASTING
from AutoTrainer.record import best_weights
from AutoTrainer.record.journal import trained_model
from AutoTrainer.solutions.candidate import Candidate, Training
from AutoTrainer.utils.utils import model_retrain, model_train

pytestmark = pytest.mark.backend
keras, layers = keras_bridge.keras, keras_bridge.keras.layers


class DiesOfLargeSteps(keras.callbacks.Callback):
    """Kills every hidden unit in the ninth epoch of a training whose learning rate is large."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 8 and keras_bridge.to_numpy(self.model.optimizer.learning_rate) > 0.05:
            hidden = self.model.get_layer('hidden')
            kernel, bias = hidden.get_weights()
            hidden.set_weights([kernel * 0, bias - 100])


def blobs():
    random = np.random.RandomState(0)
    classes = random.randint(0, 3, 300)
    x = random.randn(300, 2) + 6 * np.stack([np.cos(classes * 2.1), np.sin(classes * 2.1)], 1)
    y = np.eye(3, dtype='float32')[classes]
    return {'x': x[:240].astype('float32'), 'y': y[:240], 'x_val': x[240:].astype('float32'),
            'y_val': y[240:]}


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(16, activation='relu', name='hidden')
        self.head = layers.Dense(3, activation='softmax', name='head')

    def call(self, x):
        return self.head(self.hidden(x))


class Plain(layers.Layer):
    """A layer that is lost when a model is made from its configuration."""

    def __init__(self, **kwargs):
        if kwargs:
            raise TypeError('takes nothing')
        super().__init__()

    def call(self, x):
        return 1 * x


def sequential():
    return keras.Sequential([keras.Input((2,)), layers.Dense(16, activation='relu', name='hidden'),
                             layers.Dense(3, activation='softmax', name='head')])


def with_foreign_layer():
    x = keras.Input((2,))
    h = layers.Dense(16, activation='relu', name='hidden')(Plain()(x))
    return keras.Model(x, layers.Dense(3, activation='softmax', name='head')(h))


@pytest.mark.slow
@pytest.mark.parametrize('build', [sequential, with_foreign_layer])
def test_a_collapsed_training_is_restarted_from_its_best_weights(build, tmp_path):
    keras_bridge.set_seed(1)
    model = build()
    result, _, _ = model_train(
        model, optimizer=keras_bridge.optimizer_config('SGD', {'learning_rate': 0.1}),
        loss='categorical_crossentropy', dataset=blobs(), iters=30, batch_size=30,
        save_dir=str(tmp_path), callbacks=[DiesOfLargeSteps()], checktype='adaptive')
    assert result['initial_issue'] == 'collapse'
    assert 9 < result['detected_epoch'] <= 9 + 2 * LASTING
    assert (result['status'], result['solution']) == ('repaired', 'restart')
    assert result['accuracy']['after'] > 0.9 > 0.6 > result['accuracy']['before']
    kept = best_weights.load_best(str(tmp_path))
    assert kept is not None
    if build is sequential:
        assert sorted(kept) == ['head', 'hidden']
        kept = {'': kept['hidden'] + kept['head']}
    assert [w.shape for w in kept['']] == [(2, 16), (16,), (16, 3), (3,)]
    assert np.abs(kept[''][0]).max() > 0, 'weights from before it died'


@pytest.mark.slow
@pytest.mark.parametrize('build', [sequential, Own])
def test_the_model_of_an_outcome_is_as_it_was_then(build):
    """Trainings of a subclassed model are all of the same object."""
    data, model = blobs(), build()
    keras_bridge.ensure_built(model, data['x'])
    blueprint = keras_bridge.take_blueprint(model)
    candidates = [Candidate(blueprint, Training(
        keras_bridge.optimizer_config('SGD', {'learning_rate': rate}), 'categorical_crossentropy',
        30, 3, (), data)) for rate in (0.1, 1e-6)]
    outcomes = [model_retrain(blueprint, candidate.training) for candidate in candidates]
    scores = []
    for outcome, candidate in zip(outcomes, candidates):
        trained = trained_model(outcome, candidate, 0)
        scores.append(trained.evaluate(data['x_val'], data['y_val'], verbose=0)[1])
        rate = candidate.training.optimizer['config']['learning_rate']
        assert np.isclose(keras_bridge.to_numpy(trained.optimizer.learning_rate), rate)
    assert np.allclose(scores, [outcome.record.val_accuracy for outcome in outcomes])
    assert scores[0] > 0.9 > scores[1]


@pytest.mark.slow
def test_nothing_is_kept_where_collapse_is_not_judged(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation='softmax')])
    model_train(model, optimizer='SGD', loss='categorical_crossentropy', dataset=blobs(), iters=3,
                batch_size=30, save_dir=str(tmp_path))
    assert best_weights.load_best(str(tmp_path)) is None
