"""Facts in, findings out: no model, no framework."""

import numpy as np
import pytest

from AutoTrainer.judge.facts import Task
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.labels import summarise_labels
from AutoTrainer.judge.preflight import SEVERITIES, contradictions

RANDOM = np.random.RandomState(0)
CLASSES = RANDOM.randint(0, 10, 300)
BINARY = RANDOM.randint(0, 2, 300)
ONE_HOT = np.eye(10)[CLASSES]
SEVERAL = (RANDOM.rand(300, 6) < 0.4).astype(float)
NORMAL = RANDOM.randn(300)
AMOUNTS = 20 + 5 * NORMAL
SHARES = RANDOM.rand(300)
CC, SCC, BC, MSE, MAE = ('categorical_crossentropy', 'sparse_categorical_crossentropy',
                         'binary_crossentropy', 'mean_squared_error', 'mean_absolute_error')


def found(loss, head, units, y, logits=False, shape=None):
    labels = summarise_labels(y, shape or (None, units))
    return [(finding.severity, finding.name)
            for finding in contradictions(Task(loss, head, units, logits=logits), labels)]


@pytest.mark.parametrize('loss, head, units, y', [
    (BC, 'sigmoid', 1, BINARY), (BC, 'sigmoid', 1, BINARY[:, None].astype(bool)),
    (BC, 'sigmoid', 1, SHARES), (BC, 'softmax', 10, ONE_HOT), (BC, 'softmax', 2, np.eye(2)[BINARY]),
    (BC, 'sigmoid', 6, SEVERAL), (CC, 'softmax', 10, ONE_HOT), (SCC, 'softmax', 10, CLASSES),
    (CC, 'softmax', 10, 0.9 * ONE_HOT + 0.01), (CC, 'softmax', 2, np.eye(2)[BINARY]),
    (SCC, 'softmax', 11, CLASSES + 1), (MSE, 'sigmoid', 1, BINARY), (MSE, 'linear', 1, BINARY),
    (MSE, 'linear', 1, NORMAL), (MSE, 'relu', 1, AMOUNTS), (MSE, 'tanh', 1, np.tanh(NORMAL)),
    (MSE, 'sigmoid', 1, SHARES), (MAE, 'softplus', 1, AMOUNTS), (MSE, 'linear', 1, CLASSES),
    ('hinge', 'tanh', 1, 2 * BINARY - 1), ('categorical_hinge', 'linear', 10, ONE_HOT),
    ('kl_divergence', 'softmax', 10, ONE_HOT), ('poisson', 'softplus', 1, CLASSES),
    ('cosine_similarity', 'linear', 10, RANDOM.randn(300, 10)),
    (MSE, 'softmax', 3, RANDOM.dirichlet((1, 1, 1), 300)), (MSE, 'selu', 1, NORMAL),
    (BC, 'sigmoid', 784, RANDOM.rand(50, 784)), ('my_loss', 'relu', 1, NORMAL),
    (BC, 'sigmoid', 0, BINARY), (CC, 'softmax', 10, {'a': ONE_HOT}),
    (MSE, 'sigmoid', 1, [[3], [4]]),
    (MSE, 'sigmoid', 1, np.full(20, 7.0)),  # of one value only nothing can be said to be missed
    (CC, 'softmax', 4, np.eye(4)[[0, 1, 2]] * [[1], [1], [0]]),  # a row without one
])
def test_what_fits_is_left_alone(loss, head, units, y):
    assert found(loss, head, units, y) == []


@pytest.mark.parametrize('loss, head, units, y, expected', [
    (BC, 'softmax', 1, BINARY, ['certain softmax_of_one']),
    (MSE, 'softmax', 1, BINARY, ['certain softmax_of_one']),
    ('my_loss', 'softmax', 1, BINARY, ['certain softmax_of_one']),
    (CC, 'softmax', 1, BINARY, ['certain softmax_of_one']),
    (CC, 'sigmoid', 1, BINARY, ['certain one_output_of_classes']),
    (CC, 'softmax', 6, SEVERAL, ['certain several_hot_softmax']),
    (MSE, 'softmax', 6, SEVERAL, ['certain several_hot_softmax']),
    (CC, 'sigmoid', 6, SEVERAL, ['likely several_hot_softmax']),
    (CC, 'softmax', 10, np.maximum(ONE_HOT, np.roll(ONE_HOT, 1, 0) * (SHARES < 0.2)[:, None]),
     ['likely several_hot_softmax']),
    (MSE, 'sigmoid', 1, 3 * NORMAL, ['certain head_out_of_reach']),
    (MAE, 'sigmoid', 1, 3 * NORMAL, ['certain head_out_of_reach']),
    (MSE, 'sigmoid', 1, CLASSES, ['certain head_out_of_reach']),
    (MSE, 'tanh', 1, AMOUNTS, ['certain head_out_of_reach']),
    (MSE, 'tanh', 1, NORMAL, ['likely head_out_of_reach']),
    (MSE, 'relu', 1, -AMOUNTS, ['certain head_out_of_reach']),
    (MSE, 'relu', 1, NORMAL + 0.5, ['likely head_out_of_reach']),
    (MSE, 'sigmoid', 64, 255 * RANDOM.rand(50, 64), ['certain head_out_of_reach']),
    (MSE, 'softmax', 4, SHARES[:, None] * np.ones((1, 4)), ['certain head_out_of_reach']),
    (CC, 'linear', 10, ONE_HOT, ['likely head_is_no_share']),
    (SCC, 'relu', 10, CLASSES, ['likely head_is_no_share']),
    (BC, 'tanh', 1, BINARY, ['likely head_is_no_share']),
    (CC, 'sigmoid', 10, ONE_HOT, ['note sigmoid_of_many']),
    (SCC, 'sigmoid', 10, CLASSES, ['note sigmoid_of_many']),
    ('hinge', 'sigmoid', 1, 2 * BINARY - 1, ['likely hinge_head']),
    ('hinge', 'tanh', 1, BINARY, ['note hinge_of_zero_one']),
    (MSE, 'linear', 1, np.where(BINARY, np.nan, 1), ['certain nan_in_labels']),
    (MSE, 'linear', 2, np.where(BINARY, np.inf, 1)[:, None] * [1, 1], ['certain nan_in_labels']),
    (SCC, 'softmax', 10, CLASSES / 255, ['certain scaled_class_numbers']),
    (SCC, 'softmax', 10, (CLASSES / 9).astype('float32'), ['certain scaled_class_numbers']),
    (BC, 'sigmoid', 1, BINARY / 255, ['likely scaled_class_numbers']),
    (SCC, 'softmax', 10, SHARES, ['certain crossentropy_on_measured']),
    (SCC, 'softmax', 30, AMOUNTS, ['likely crossentropy_on_measured']),
    (SCC, 'softmax', 9, CLASSES, ['certain class_beyond_outputs']),
    (SCC, 'sigmoid', 1, BINARY, ['certain class_beyond_outputs']),
    (SCC, 'softmax', 10, CLASSES + 1, ['certain class_beyond_outputs']),
    (SCC, 'softmax', 10, CLASSES - 1, ['certain class_beyond_outputs']),
    (SCC, 'softmax', 10, ONE_HOT, ['certain one_hot_not_class_numbers']),
    (CC, 'softmax', 10, CLASSES, ['certain class_numbers_not_one_hot']),
    (MSE, 'linear', 10, CLASSES, ['likely class_numbers_not_one_hot']),
    (BC, 'sigmoid', 2, BINARY, ['likely class_numbers_not_one_hot']),
    (CC, 'softmax', 9, ONE_HOT, ['certain labels_and_outputs_differ']),
    (MSE, 'linear', 1, RANDOM.randn(30, 3), ['certain labels_and_outputs_differ']),
    (MSE, 'linear', 3, NORMAL, ['likely labels_and_outputs_differ']),
    (BC, 'sigmoid', 1, BINARY + 1, ['certain labels_not_zero_one']),
    (BC, 'sigmoid', 1, 2 * BINARY - 1, ['likely labels_not_zero_one']),
    (CC, 'softmax', 10, 2 * ONE_HOT - 1, ['likely labels_not_zero_one']),
    (CC, 'softmax', 10, ONE_HOT / 255, ['likely labels_not_zero_one']),
    (BC, 'sigmoid', 1, CLASSES, ['certain classes_under_binary_loss']),
    (BC, 'sigmoid', 1, np.append(BINARY, 2), ['likely classes_under_binary_loss']),
    (BC, 'sigmoid', 1, NORMAL, ['certain crossentropy_on_measured']),
    (BC, 'sigmoid', 1, SHARES * 1.1, ['likely crossentropy_on_measured']),
    (CC, 'softmax', 4, RANDOM.randn(300, 4), ['certain crossentropy_on_measured']),
    (CC, 'softmax', 4, 5 * RANDOM.rand(300, 4), ['likely crossentropy_on_measured']),
    ('mean_squared_logarithmic_error', 'linear', 1, NORMAL, ['likely negative_amounts']),
    ('poisson', 'softplus', 1, -CLASSES - 1,
     ['certain head_out_of_reach', 'certain negative_amounts']),
    ('mean_absolute_percentage_error', 'linear', 1, CLASSES, ['likely share_of_zero']),
    (MSE, 'softmax', 10, ONE_HOT, ['note distance_of_classes']),
    (BC, 'linear', 1, CLASSES, ['certain classes_under_binary_loss', 'likely head_is_no_share']),
])
def test_contradictions(loss, head, units, y, expected):
    assert [' '.join(pair) for pair in found(loss, head, units, y)] == expected


@pytest.mark.parametrize('loss, head, expected', [
    (CC, 'linear', []), (CC, 'softmax', [('likely', 'logits_twice')]),
    (CC, 'relu', [('likely', 'logits_limited')]), (CC, 'tanh', [('note', 'logits_limited')]),
    (CC, 'sigmoid', [('likely', 'logits_twice')]),
])
def test_a_loss_that_takes_logits(loss, head, expected):
    assert found(loss, head, 10, ONE_HOT, logits=True) == expected


@pytest.mark.parametrize('loss, head, y, shape, expected', [
    (SCC, 'softmax', CLASSES.reshape(30, 10), (None, 10, 10), []),
    (SCC, 'softmax', CLASSES.reshape(30, 10, 1), (None, 10, 10), []),
    (CC, 'softmax', ONE_HOT.reshape(30, 10, 10), (None, 10, 10), []),
    (MSE, 'linear', RANDOM.rand(30, 8, 8, 10), (None, 8, 8, 10), []),
    (BC, 'sigmoid', ONE_HOT[..., None], (None, 10), []),  # Keras drops a last axis of length 1
    (SCC, 'softmax', CLASSES.reshape(30, 10), (None, 10, 9), [('certain', 'class_beyond_outputs')]),
])
def test_labels_with_more_axes(loss, head, y, shape, expected):
    assert found(loss, head, shape[-1], y, shape=shape) == expected


def test_a_softmax_over_another_axis_is_not_certainly_1():
    assert found('kl_divergence', 'softmax', 1, SHARES.reshape(30, 10, 1), shape=(None, 10, 1)) == [
        ('likely', 'softmax_of_one')]


def test_a_class_that_the_loss_leaves_out():
    labels = summarise_labels(np.append(CLASSES, 255), (None, 10), ignored=255)
    assert (labels.lowest, labels.highest) == (0, 9)
    assert contradictions(Task(SCC, 'softmax', 10), labels) == []


def test_a_finding_says_what_is_there_and_what_to_change():
    finding, = contradictions(Task(MSE, 'sigmoid', 1), summarise_labels(3 * NORMAL, (None, 1)))
    assert finding.sentence.startswith('the model ends in sigmoid, whose outputs lie in 0…1, but '
                                       'labels go from -9.53 to 8.76: ')
    assert 'at best R² is 0.21' in finding.sentence
    assert finding.advice == (
        'end without an activation, or scale the labels into the range of sigmoid')
    assert finding.severity in SEVERITIES and finding.issue in ISSUES
