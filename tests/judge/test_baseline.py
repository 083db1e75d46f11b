import numpy as np
import pytest

from AutoTrainer.judge.baseline import constant_loss, loss_based_accuracy


@pytest.mark.parametrize('loss, accuracy', [
    (0.0, 1.0), (0.5, 0.75), (2.0, 0.0), (2 * np.e, -1.0), (None, None), (float('nan'), None),
    (float('inf'), None),
])
def test_the_stand_in_for_the_accuracy(loss, accuracy):
    assert loss_based_accuracy(loss, 2.0) == (accuracy and pytest.approx(accuracy))


def absolute(y, predicted):
    return float(np.mean(np.abs(y - predicted)))


def test_the_best_constant_is_found_among_mean_and_median():
    y = [0, 0, 0, 12]
    assert constant_loss(y, 'mean_absolute_error', absolute) == 3.0
    assert constant_loss(y, 'mean_absolute_error', absolute, (None, 1)) == 3.0
    assert constant_loss(y, 'mean_absolute_error', absolute, (None, 2)) is None
    assert constant_loss(y, 'my_loss', absolute) is None


@pytest.mark.parametrize('name, logits, most', [
    ('binary_crossentropy', True, np.log(3)), ('categorical_crossentropy', True, np.log(0.75)),
    ('binary_crossentropy', False, 1.0)])
def test_the_constant_is_in_the_form_that_the_loss_takes(name, logits, most):
    seen = []
    constant_loss([0, 1, 1, 1], name, lambda y, predicted: seen.append(predicted.max()) or 1.0,
                  logits=logits)
    assert seen[0] == pytest.approx(0.75 if not logits else most)


def test_a_class_that_the_loss_leaves_out_is_left_out():
    given = [0, 1, -1, -1], 'sparse_categorical_crossentropy', absolute, (None, 2)
    assert constant_loss(*given, ignore_class=-1) == pytest.approx(np.log(2))
    assert constant_loss(*given) is None
