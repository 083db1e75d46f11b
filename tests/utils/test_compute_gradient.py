import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.intake.arrays import Batch, draw_batch
from AutoTrainer.judge.facts import OutputSummary
from AutoTrainer.judge.gradients import silent_inputs
from AutoTrainer.judge.labels import label_kind
from AutoTrainer.utils.compute_gradient import Probe, baseline_loss, describe_task, probe_batch

pytestmark = pytest.mark.backend
layers = keras_bridge.keras.layers
keras = keras_bridge.keras


def data(rows=24, columns=4, classes=3, seed=0):
    random = np.random.RandomState(seed)
    return (random.randn(rows, columns).astype('float32'),
            np.eye(classes, dtype='float32')[random.randint(0, classes, rows)])


def compiled(model, loss='categorical_crossentropy', **optimizer):
    keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD', optimizer), loss)
    return model


def fill(model, seed=1):
    random = np.random.RandomState(seed)
    model.set_weights([
        (0.2 + np.abs(random.randn(*w.shape)) if 'variance' in name or 'gamma' in name
         else random.randn(*w.shape)).astype('float32')
        for name, w in zip(weight_names(model), model.get_weights())])
    return model


def weight_names(model):
    return [getattr(w, 'path', w.name) for w in model.weights]


def gradients(model, x, y):
    return Probe(model, Batch(x, y)).gradients()


L2 = 0.05


def by_hand(weights, x, y):
    """Gradients of tanh layer + L2, batch norm in inference mode, softmax, in float64."""
    w1, b1, gamma, beta, mean, variance, w2, b2 = [w.astype('float64') for w in weights]
    x, y = x.astype('float64'), y.astype('float64')
    a = np.tanh(x @ w1 + b1)
    scale = gamma / np.sqrt(variance + 1e-3)
    normed = (a - mean) / np.sqrt(variance + 1e-3)
    h = a * scale + (beta - mean * scale)
    logits = h @ w2 + b2
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    d = (p - y) / len(x)
    dh = d @ w2.T
    da = dh * scale * (1 - a ** 2)
    return [x.T @ da + 2 * L2 * w1, da.sum(0), (dh * normed).sum(0), dh.sum(0), h.T @ d, d.sum(0)]


def small_model():
    return fill(compiled(keras.Sequential([
        keras.Input((4,)),
        layers.Dense(6, activation='tanh', kernel_regularizer=keras.regularizers.l2(L2)),
        layers.BatchNormalization(), layers.Dropout(0.5),
        layers.Dense(3, activation='softmax')])))


def test_norms_agree_with_a_calculation_by_hand():
    """Every backend is held to the same numbers, hence to each other, to 1e-5 relative."""
    x, y = data()
    model = small_model()
    expected = by_hand(model.get_weights(), x, y)
    rows = keras_bridge.gradient_statistics(model, x, y)()
    np.testing.assert_allclose(rows[:, 0], [np.linalg.norm(g) for g in expected], rtol=1e-5)
    summary = Probe(model, Batch(x, y)).gradients()
    np.testing.assert_allclose([norm for _, norm in summary.kernels],
                               [np.linalg.norm(expected[0]), np.linalg.norm(expected[4])],
                               rtol=1e-5)
    assert summary.finite and summary.weights_finite
    assert not summary.rectified


@pytest.mark.parametrize('clip', [{'clipvalue': 1e-6}, {'clipnorm': 1e-6}])
def test_upstream_fault_clip_hides(clip):
    x, y = data()
    free, clipped = small_model(), small_model()
    compiled(clipped, **clip)
    assert (gradients(free, x, y).kernels[0][1]
            == gradients(clipped, x, y).kernels[0][1] > 1e-3)


def test_upstream_fault_inference_gradient():
    """A decision: the probe measures in inference mode, so that it changes nothing."""
    x, y = data()
    model = small_model()
    before = model.get_weights()
    first = gradients(model, x, y)
    again = gradients(model, x, y)
    assert first.kernels == again.kernels  # dropout would differ
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_tiny_gradients_do_not_underflow():
    x, y = data()
    model = fill(compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), 'mse'))
    model.set_weights([np.zeros((4, 3), 'float32'), np.zeros(3, 'float32')])
    summary = gradients(model, x, (y * 1e-25).astype('float32'))
    assert 1e-27 < summary.kernels[0][1] < 1e-24


def test_upstream_fault_embedding_crash():
    random = np.random.RandomState(0)
    tokens = random.randint(0, 5, (8, 6)).astype('int32')
    model = compiled(keras.Sequential([
        keras.Input((6,), dtype='int32'), layers.Embedding(1000, 8), layers.LSTM(4),
        layers.Dense(1, activation='sigmoid')]), 'binary_crossentropy')
    summary = gradients(model, tokens, np.ones((8, 1), 'float32'))
    assert summary.finite and summary.kernels[0][1] > 0
    assert summary.zero_share < 0.5, 'rows of tokens that do not occur must not count as dead'
    task = describe_task(model, Batch(tokens, np.ones((8, 1))))
    assert np.isnan(task.input_scale), 'token numbers have no scale'


def test_upstream_fault_sequence_output_crash():
    random = np.random.RandomState(0)
    x, y = random.randn(8, 6, 3).astype('float32'), random.rand(8, 6, 1).astype('float32')
    model = compiled(keras.Sequential([
        keras.Input((6, 3)), layers.LSTM(4, return_sequences=True),
        layers.Dense(1, activation='sigmoid')]), 'binary_crossentropy')
    probe = Probe(model, Batch(x, y))
    assert probe.gradients().finite
    assert 0 < probe.outputs().lowest < probe.outputs().highest < 1


def test_upstream_fault_two_inputs_crash():
    one, two = keras.Input((4,), name='one'), keras.Input((2,), name='two')
    hidden = layers.Concatenate()([layers.Dense(3, activation='relu')(one), two])
    model = compiled(keras.Model([one, two], layers.Dense(3, activation='softmax')(hidden)))
    x, y = data()
    batch = draw_batch([x, x[:, :2]], y, 16, 0)
    probe = Probe(model, batch)
    assert len(probe.gradients().kernels) == 2
    assert probe.outputs().largest_sum == pytest.approx(1, abs=1e-5)


def test_several_outputs_have_one_gradient():
    inputs = keras.Input((4,))
    hidden = layers.Dense(3, activation='tanh')(inputs)
    model = keras.Model(inputs, [layers.Dense(1, name='a')(hidden),
                                 layers.Dense(3, name='b')(hidden)])
    keras_bridge.compile_model(model, keras_bridge.optimizer_config('SGD'), ['mse', 'mse'], ())
    x, y = data()
    assert keras_bridge.gradient_statistics(model, x, [y[:, :1], y])().shape == (6, 5)


def test_layer_outputs():
    x, y = data()
    model = fill(compiled(keras.Sequential([
        keras.Input((4,)), layers.Dense(5, activation='relu', name='hidden'),
        layers.Dense(3, name='head')])))
    outputs = Probe(model, Batch(x, y)).outputs()
    w1, b1, w2, b2 = model.get_weights()
    hidden = np.maximum(x @ w1 + b1, 0)
    head = hidden @ w2 + b2
    assert [name for name, _ in outputs.layers] == ['hidden', 'head']
    np.testing.assert_allclose([value for _, value in outputs.layers] + list(outputs[1:]),
                               [hidden.mean(), np.abs(head).mean(), head.min(), head.max(),
                                head.sum(1).max()], rtol=1e-5)


def test_layer_outputs_are_read_by_one_function_for_the_whole_training(monkeypatch):
    prepared = []

    def prepare(model, x):
        prepared.append(model)
        return ['hidden'], lambda: np.array([0.5, 0.0, 1.0, 1.0])

    monkeypatch.setattr(keras_bridge, 'output_statistics', prepare)
    probe = Probe('the model', Batch(*data()))
    for _ in range(3):
        assert probe.outputs() == OutputSummary((('hidden', 0.5),), 0.0, 1.0, 1.0)
    assert prepared == ['the model']


@pytest.mark.parametrize('batch_size, rows, drawn', [
    (None, 600, 32), (1, 600, 32), (100, 600, 100), (4096, 600, 512), (100, 20, 20)])
def test_rows_of_the_probes_batch(batch_size, rows, drawn):
    numbers = np.arange(rows, dtype='float32')
    batch = probe_batch((numbers[:, None], numbers), batch_size, seed=7)
    assert len(batch.x) == len(set(batch.y)) == drawn
    np.testing.assert_array_equal(batch.x[:, 0], batch.y)
    assert (list(batch.y) == list(numbers[:drawn])) == (drawn == rows)


def test_subclassed_model():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, activation='softmax')

        def call(self, inputs):
            return self.dense(inputs)

    x, y = data()
    model = compiled(Own())
    model(x)
    probe = Probe(model, Batch(x, y))
    assert len(probe.gradients().kernels) == 1
    assert probe.outputs().layers == ()
    assert probe.outputs().largest_sum == pytest.approx(1, abs=1e-5)


def test_the_probe_follows_the_weights():
    x, y = data()
    model = small_model()
    probe = Probe(model, Batch(x, y))
    before = probe.gradients(), probe.outputs()
    model.fit(x, y, epochs=2, verbose=0)
    assert probe.gradients().kernels != before[0].kernels
    assert probe.outputs() != before[1]


def test_labels_are_those_of_all_rows():
    """Of rare labels a batch of 32 rows shows nothing, and millions are not all looked at."""
    counts = np.zeros(2000)
    counts[1000::50] = 2
    x = np.zeros((2000, 4), 'float32')
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(1)]), 'poisson')
    batch = Batch(x[:32], counts[:32])
    assert describe_task(model, batch).labels == 'binary'
    assert describe_task(model, batch, counts).labels == 'integer'
    assert label_kind(np.arange(10 ** 6) % 3) == 'integer'


@pytest.mark.slow
def test_inputs_that_are_silent_say_nothing_of_dead_units():
    """Half of the inputs are zero in the whole batch, so no gradient comes to their weights."""
    x, y = data()
    wide = np.concatenate([x, np.zeros((len(x), 36), 'float32')], axis=1)
    assert silent_inputs(wide) == (40, 36)
    assert silent_inputs([wide]) == (0, 0)
    keras_bridge.set_seed(1)
    model = compiled(keras.Sequential([keras.Input((40,)), layers.Dense(8, activation='relu'),
                                       layers.Dense(3, activation='softmax')]))
    assert gradients(model, wide, y).zero_share < 0.3
    dead = [np.full_like(w, -1.0) if w.ndim == 2 else w for w in model.get_weights()]
    dead[1] -= 100.0
    model.set_weights(dead)
    assert gradients(model, wide, y).zero_share > 0.9


def test_the_task_is_described():
    x, y = data()
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3),
                                       layers.Activation('softmax')]))
    task = describe_task(model, Batch(x * 50, y))
    assert task[:4] == ('categorical_crossentropy', 'softmax', 3, 'one_hot')
    assert task.input_scale == pytest.approx(np.abs(x * 50).mean(), rel=1e-5)


def by_loss(loss, units=3, activation='softmax'):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile('sgd', loss)
    return model


CLASSES = np.array([0, 0, 1, 2])
ENTROPY = 1.5 * np.log(2)


@pytest.mark.parametrize('model, y', [
    (by_loss('sparse_categorical_crossentropy'), CLASSES),
    (by_loss('sparse_categorical_crossentropy'), CLASSES[:, None]),
    (by_loss(keras.losses.SparseCategoricalCrossentropy(from_logits=True)), CLASSES),
    (by_loss('categorical_crossentropy'), np.eye(3)[CLASSES]),
    (by_loss(keras.losses.CategoricalCrossentropy(from_logits=True)), np.eye(3)[CLASSES]),
])
def test_the_constant_loss_of_classes_is_their_entropy(model, y):
    assert baseline_loss(model, y) == pytest.approx(ENTROPY, rel=1e-3)


@pytest.mark.parametrize('logits', [False, True])
def test_the_constant_loss_of_two_classes_is_their_entropy(logits):
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    found = baseline_loss(by_loss(loss, 1, None), np.array([0, 1, 1, 1]))
    assert found == pytest.approx(-0.25 * np.log(0.25) - 0.75 * np.log(0.75), rel=1e-3)


def test_the_constant_loss_of_numbers_is_their_variance():
    assert baseline_loss(by_loss('mse', 1, None), np.array([1.0, 3.0])) == pytest.approx(1)


def own_loss(y_true, y_pred):
    raise AssertionError('nobody knows what labels this loss takes')


def mean_squared_error(y_true, y_pred):
    raise RuntimeError('a loss of the user that is called like one of Keras')


@pytest.mark.parametrize('model, y', [
    (by_loss(own_loss), CLASSES),
    (by_loss(mean_squared_error, 1), CLASSES),
    (by_loss('mse'), CLASSES),
    (by_loss('sparse_categorical_crossentropy'), CLASSES + 1),
    (by_loss('sparse_categorical_crossentropy'), CLASSES - 1),
    (by_loss('sparse_categorical_crossentropy'), CLASSES + 0.5),
    (by_loss('sparse_categorical_crossentropy'), CLASSES * 0),
    (by_loss(None), CLASSES),
    (by_loss(['mse']), CLASSES),
])
def test_there_is_no_constant_loss_where_labels_and_loss_do_not_fit(model, y):
    assert baseline_loss(model, y) is None
