import numpy as np
import pytest

from AutoTrainer.utils import best_weights, keras_bridge
from AutoTrainer.utils.utils import model_train

pytestmark = pytest.mark.backend
keras, layers = keras_bridge.keras, keras_bridge.keras.layers


class DiesOfLargeSteps(keras.callbacks.Callback):
    """Kills every hidden unit in the ninth epoch of a training whose learning rate is large."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 8 and keras_bridge.current_learning_rate(self.model) > 0.05:
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


def test_a_collapsed_training_is_restarted_from_its_best_weights(tmp_path):
    keras_bridge.set_seed(1)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(16, activation='relu', name='hidden'),
                              layers.Dense(3, activation='softmax', name='head')])
    result, _, _ = model_train(
        model, optimizer=keras_bridge.optimizer_config('SGD', {'learning_rate': 0.1}),
        loss='categorical_crossentropy', dataset=blobs(), iters=30, batch_size=32,
        save_dir=str(tmp_path), callbacks=[DiesOfLargeSteps()], checktype='adaptive')
    assert result['initial_issue'] == 'collapse'
    assert 9 < result['detected_epoch'] <= 14
    assert (result['status'], result['solution']) == ('repaired', 'restart')
    assert result['accuracy']['after'] > 0.9 > 0.6 > result['accuracy']['before']
    kept = best_weights.load_best(str(tmp_path))
    assert kept is not None and [w.shape for w in kept['head']] == [(16, 3), (3,)]
    assert np.abs(kept['hidden'][0]).max() > 0, 'weights from before it died'


def test_nothing_is_kept_where_collapse_is_not_judged(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation='softmax')])
    model_train(model, optimizer='SGD', loss='categorical_crossentropy', dataset=blobs(), iters=3,
                batch_size=32, save_dir=str(tmp_path))
    assert best_weights.load_best(str(tmp_path)) is None
