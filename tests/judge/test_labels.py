import numpy as np
import pytest

from AutoTrainer.judge.labels import label_kind


@pytest.mark.parametrize('y, kind', [
    (np.eye(3)[[0, 1]], 'one_hot'), (np.array([[1, 1, 0], [0, 0, 0]]), 'multi_hot'),
    (np.array([0, 1, 1]), 'binary'), (np.array([[0.0], [1.0]]), 'binary'),
    (np.array([0, 1, 2]), 'integer'), (np.array([0.5, 1.5]), 'real'),
    (np.random.RandomState(0).rand(3, 2), 'real'), ([np.zeros(2)], ''), (np.array([]), ''),
])
def test_label_kinds(y, kind):
    assert label_kind(y) == kind


@pytest.mark.parametrize('y, shape, kind', [
    (np.array([[0, 1], [1, 1]]), (None, 2, 2), 'binary'),   # a tag for every step of a sequence
    (np.array([[0, 1], [2, 1]]), (None, 2, 3), 'integer'),
    (np.array([[0, 1], [1, 0]]), (None, 2), 'one_hot'),
    (np.array([0, 1]), (None, 2), 'binary'),
    (np.array([0, 1]), [(None, 2), (None, 3)], 'binary'),   # of several outputs nothing is known
])
def test_label_kinds_by_the_outputs(y, shape, kind):
    assert label_kind(y, shape) == kind
