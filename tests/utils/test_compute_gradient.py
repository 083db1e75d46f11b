import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.judge.facts import GradientSummary
from AutoTrainer.utils import compute_gradient

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
    summary = compute_gradient.Probe(model, compute_gradient.Batch(x, y)).gradients()
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
    assert (compute_gradient.gradient_summary(free, x, y).kernels[0][1]
            == compute_gradient.gradient_summary(clipped, x, y).kernels[0][1] > 1e-3)


def test_upstream_fault_inference_gradient():
    """A decision: the probe measures in inference mode, so that it changes nothing."""
    x, y = data()
    model = small_model()
    before = model.get_weights()
    first = compute_gradient.gradient_summary(model, x, y)
    again = compute_gradient.gradient_summary(model, x, y)
    assert first.kernels == again.kernels  # dropout would differ
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_tiny_gradients_do_not_underflow():
    x, y = data()
    model = fill(compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), 'mse'))
    model.set_weights([np.zeros((4, 3), 'float32'), np.zeros(3, 'float32')])
    summary = compute_gradient.gradient_summary(model, x, (y * 1e-25).astype('float32'))
    assert 1e-27 < summary.kernels[0][1] < 1e-24


def test_upstream_fault_embedding_crash():
    random = np.random.RandomState(0)
    tokens = random.randint(0, 5, (8, 6)).astype('int32')
    model = compiled(keras.Sequential([
        keras.Input((6,), dtype='int32'), layers.Embedding(1000, 8), layers.LSTM(4),
        layers.Dense(1, activation='sigmoid')]), 'binary_crossentropy')
    summary = compute_gradient.gradient_summary(model, tokens, np.ones((8, 1), 'float32'))
    assert summary.finite and summary.kernels[0][1] > 0
    assert summary.zero_share < 0.5, 'rows of tokens that do not occur must not count as dead'
    task = compute_gradient.describe_task(model, compute_gradient.Batch(tokens, np.ones((8, 1))))
    assert np.isnan(task.input_scale), 'token numbers have no scale'


def test_upstream_fault_sequence_output_crash():
    random = np.random.RandomState(0)
    x, y = random.randn(8, 6, 3).astype('float32'), random.rand(8, 6, 1).astype('float32')
    model = compiled(keras.Sequential([
        keras.Input((6, 3)), layers.LSTM(4, return_sequences=True),
        layers.Dense(1, activation='sigmoid')]), 'binary_crossentropy')
    probe = compute_gradient.Probe(model, compute_gradient.Batch(x, y))
    assert probe.gradients().finite
    assert 0 < probe.outputs().lowest < probe.outputs().highest < 1


def test_upstream_fault_two_inputs_crash():
    one, two = keras.Input((4,), name='one'), keras.Input((2,), name='two')
    hidden = layers.Concatenate()([layers.Dense(3, activation='relu')(one), two])
    model = compiled(keras.Model([one, two], layers.Dense(3, activation='softmax')(hidden)))
    x, y = data()
    batch = compute_gradient.draw_batch([x, x[:, :2]], y, 16, 0)
    probe = compute_gradient.Probe(model, batch)
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
    outputs = compute_gradient.Probe(model, compute_gradient.Batch(x, y)).outputs()
    w1, b1, w2, b2 = model.get_weights()
    hidden = np.maximum(x @ w1 + b1, 0)
    head = hidden @ w2 + b2
    assert [name for name, _ in outputs.layers] == ['hidden', 'head']
    np.testing.assert_allclose([value for _, value in outputs.layers] + list(outputs[1:]),
                               [hidden.mean(), np.abs(head).mean(), head.min(), head.max(),
                                head.sum(1).max()], rtol=1e-5)


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
    probe = compute_gradient.Probe(model, compute_gradient.Batch(x, y))
    assert len(probe.gradients().kernels) == 1
    assert probe.outputs().layers == ()
    assert probe.outputs().largest_sum == pytest.approx(1, abs=1e-5)


def test_the_probe_follows_the_weights():
    x, y = data()
    model = small_model()
    probe = compute_gradient.Probe(model, compute_gradient.Batch(x, y))
    before = probe.gradients(), probe.outputs()
    model.fit(x, y, epochs=2, verbose=0)
    assert probe.gradients().kernels != before[0].kernels
    assert probe.outputs() != before[1]


def test_upstream_fault_first_batch_only():
    """A decision: the batch is drawn from all of the data, so sorted data shows every class."""
    y = np.repeat(np.arange(3), 100)
    drawn = compute_gradient.draw_batch(y[:, None], y, 32, 0)
    assert set(drawn.y) == {0, 1, 2} and len(drawn.x) == 32
    again = compute_gradient.draw_batch(y[:, None], y, 32, 0)
    np.testing.assert_array_equal(drawn.x, again.x)
    assert len(compute_gradient.draw_batch(y[:, None], y, 1000, 0).x) == 300


@pytest.mark.parametrize('y, kind', [
    (np.eye(3)[[0, 1]], 'one_hot'), (np.array([[1, 1, 0], [0, 0, 0]]), 'multi_hot'),
    (np.array([0, 1, 1]), 'binary'), (np.array([[0.0], [1.0]]), 'binary'),
    (np.array([0, 1, 2]), 'integer'), (np.array([0.5, 1.5]), 'real'),
    (np.random.RandomState(0).rand(3, 2), 'real'), ([np.zeros(2)], ''), (np.array([]), ''),
])
def test_label_kinds(y, kind):
    assert compute_gradient.label_kind(y) == kind


@pytest.mark.parametrize('y, shape, kind', [
    (np.array([[0, 1], [1, 1]]), (None, 2, 2), 'binary'),   # a tag for every step of a sequence
    (np.array([[0, 1], [2, 1]]), (None, 2, 3), 'integer'),
    (np.array([[0, 1], [1, 0]]), (None, 2), 'one_hot'),
    (np.array([0, 1]), (None, 2), 'binary'),
    (np.array([0, 1]), [(None, 2), (None, 3)], 'binary'),   # of several outputs nothing is known
])
def test_label_kinds_by_the_outputs(y, shape, kind):
    assert compute_gradient.label_kind(y, shape) == kind


def test_labels_are_those_of_all_rows():
    """Of rare labels a batch of 32 rows shows nothing, and millions are not all looked at."""
    counts = np.zeros(2000)
    counts[1000::50] = 2
    x = np.zeros((2000, 4), 'float32')
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(1)]), 'poisson')
    batch = compute_gradient.Batch(x[:32], counts[:32])
    assert compute_gradient.describe_task(model, batch).labels == 'binary'
    assert compute_gradient.describe_task(model, batch, counts).labels == 'integer'
    assert compute_gradient.label_kind(np.arange(10 ** 6) % 3) == 'integer'


def test_inputs_that_are_silent_say_nothing_of_dead_units():
    """Half of the inputs are zero in the whole batch, so no gradient comes to their weights."""
    x, y = data()
    wide = np.concatenate([x, np.zeros((len(x), 36), 'float32')], axis=1)
    assert compute_gradient.silent_inputs(wide) == (40, 36)
    assert compute_gradient.silent_inputs([wide]) == (0, 0)
    keras_bridge.set_seed(1)
    model = compiled(keras.Sequential([keras.Input((40,)), layers.Dense(8, activation='relu'),
                                       layers.Dense(3, activation='softmax')]))
    assert compute_gradient.gradient_summary(model, wide, y).zero_share < 0.3
    dead = [np.full_like(w, -1.0) if w.ndim == 2 else w for w in model.get_weights()]
    dead[1] -= 100.0
    model.set_weights(dead)
    assert compute_gradient.gradient_summary(model, wide, y).zero_share > 0.9


def test_rows_become_a_summary():
    rows = np.array([[3.0, 8, 1, 0.5, 1], [0.0, 2, 1, 2.0, 1], [4.0, 1, 1, 1.0, 1]])
    variables = [('embedding', (5, 2), True), ('bias', (2,), False), ('kernel', (2, 2), False)]
    assert compute_gradient.summarise_gradients(variables, rows, True) == GradientSummary(
        kernels=(('embedding', 3.0), ('kernel', 4.0)), zero_share=0.5, finite=True,
        weights_finite=True, largest_weight=2.0, rectified=True, seconds=0.0)
    rows[2, 2] = rows[1, 4] = 0
    broken = compute_gradient.summarise_gradients(variables, rows, True)
    assert not broken.finite and not broken.weights_finite


def test_the_task_is_described():
    x, y = data()
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(3),
                                       layers.Activation('softmax')]))
    task = compute_gradient.describe_task(model, compute_gradient.Batch(x * 50, y))
    assert task[:4] == ('categorical_crossentropy', 'softmax', 3, 'one_hot')
    assert task.input_scale == pytest.approx(np.abs(x * 50).mean(), rel=1e-5)
