"""Values, and the calls that make Keras objects, as they are written in a program."""

import numpy as np
import pytest
from candidates import L, keras
from programs import plain

from AutoTrainer import keras_bridge
from AutoTrainer.report.code_calls import keras_call, number_text, value_text


@pytest.mark.parametrize('value, text', [
    (0.1, '0.1'), (float(np.float32(0.1)), '0.1'), (1e-7, '1e-07'), (3e5, '300000.0'),
    (1 / 3, '0.33333334'), (1e300, '1e+300'), (1e-60, '1e-60'), (0.0, '0.0'),
    (float('inf'), "float('inf')")])
def test_number_text(value, text):
    assert number_text(value) == text
    assert eval(text) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize('value, text', [
    (None, 'None'), ('a', "'a'"), ((3,), '(3,)'), ((None, 2), '(None, 2)'), ([1, 2.5], '[1, 2.5]'),
    ({'a': True}, "{'a': True}"), (np.float32(0.1), '0.1'), (np.array([1, 2]), '[1, 2]')])
def test_value_text(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize('made', [
    keras.initializers.Zeros(), keras.initializers.HeNormal(), keras.initializers.Orthogonal(),
    keras.initializers.Constant(0.5), keras.initializers.RandomNormal(stddev=0.2),
    keras.initializers.VarianceScaling(2.0, 'fan_out'), keras.initializers.LecunUniform(),
    keras.initializers.TruncatedNormal()], ids=lambda made: type(made).__name__)
def test_initializers(made):
    layer = L.Dense(2, kernel_initializer=made)
    text = value_text(layer.get_config()['kernel_initializer'], 'kernel_initializer')
    again = L.Dense(2, kernel_initializer=eval(text))
    assert plain(again.get_config()) == plain(layer.get_config())


LAYERS = [
    lambda: L.Conv2D(4, (3, 2), strides=2, padding='same', kernel_constraint='non_neg'),
    lambda: L.SeparableConv1D(4, 3, depthwise_initializer='he_normal'),
    lambda: L.MaxPooling2D(3), lambda: L.GlobalAveragePooling1D(), lambda: L.Reshape((2, 3)),
    lambda: L.Permute((2, 1)), lambda: L.UpSampling2D((2, 3)),
    lambda: L.ZeroPadding2D(((1, 2), (0, 1))),
    lambda: L.Embedding(9, 4, mask_zero=True), lambda: L.Masking(-1.0),
    lambda: L.LSTM(4, dropout=0.2, recurrent_regularizer='l1', return_sequences=True),
    lambda: L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode='sum'),
    lambda: L.TimeDistributed(L.Dense(3, activation='relu')),
    lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True),
    lambda: L.BatchNormalization(momentum=0.8, axis=1), lambda: L.LayerNormalization(epsilon=1e-6),
    lambda: L.PReLU(shared_axes=[1]), lambda: L.ELU(0.5), lambda: L.Softmax(axis=1),
    lambda: L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
    lambda: L.Dense(3, kernel_constraint=keras.constraints.MaxNorm(2.0, axis=1), use_bias=False),
    lambda: L.Dot(axes=1, normalize=True), lambda: L.Average(), lambda: L.Cropping1D((1, 2)),
    lambda: keras_bridge.keras.layers.Activation('elu'), lambda: L.RepeatVector(3)]


@pytest.mark.parametrize('make', LAYERS, ids=lambda make: type(make()).__name__)
def test_layers_made_again(make):
    """The call that a layer is written as makes a layer with its settings, none of them twice."""
    layer = make()
    kind = type(layer).__name__
    if keras_bridge.LEGACY:
        described = {'class_name': kind, 'config': layer.get_config()}
    else:
        described = keras.saving.serialize_keras_object(layer)
    text = keras_call('layers', described).text
    assert plain(eval(text).get_config()) == plain(layer.get_config())
    assert len(text) < 200 and "'glorot_uniform'" not in text
