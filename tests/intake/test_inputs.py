import numpy as np
import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.intake.inputs import check_dataset, check_fit

X, Y = np.zeros((6, 2), 'float32'), np.eye(3)[[0, 1, 2, 0, 1, 2]]


def poisoned(value):
    x = X.copy()
    x[3, 1] = value
    return x


@pytest.mark.parametrize('dataset, message', [
    ([X, Y], 'dataset is a list'),
    ({'x': X}, "dataset has no 'y'"),
    ({'x': X, 'y': Y[:5]}, 'x and y have 6 and 5 rows'),
    ({'x': X, 'y': Y, 'x_val': X}, 'only one of x_val and y_val'),
    ({'x': X, 'y': Y, 'x_val': X, 'y_val': Y[:1]}, 'x_val and y_val have 6 and 1 rows'),
    ({'x': X[:0], 'y': Y[:0]}, 'x is empty'),
    ({'x': poisoned(np.nan), 'y': Y}, 'x holds 1 values that are NaN.*row 3'),
    ({'x': poisoned(np.inf), 'y': Y}, 'x holds 1 values.*infinite, in row 3'),
    ({'x': X.astype(str), 'y': Y}, 'x holds <U'),
    ({'x': [X, X[:3]], 'y': Y}, 'rows'),
])
def test_data_that_cannot_be_trained_on(dataset, message):
    with pytest.raises(UserError, match=message):
        check_dataset(dataset)


@pytest.mark.parametrize('dataset, shapes, loss, message', [
    ({'x': X, 'y': Y}, ((None, 3), (None, 3)), 'categorical_crossentropy',
     r'x has rows of shape \(2,\), but the model takes inputs of shape \(3,\)'),
    ({'x': X, 'y': Y}, ((None, 2), (None, 4)), 'categorical_crossentropy', 'y has rows of shape'),
    ({'x': X, 'y': np.arange(6) % 3}, ((None, 2), (None, 3)), 'categorical_crossentropy',
     'class numbers.*sparse_categorical_crossentropy'),
    ({'x': X, 'y': np.arange(6)}, ((None, 2), (None, 3)), 'sparse_categorical_crossentropy',
     'labels from 0 to 5, but the model has 3 outputs'),
    ({'x': X, 'y': np.arange(6) % 3 / 255}, ((None, 2), (None, 3)),
     'sparse_categorical_crossentropy', r'y holds 0.00392157, which is no class number \(they look '
     r'like class numbers divided by 255\); give whole numbers from 0 to 2'),
    ({'x': X, 'y': np.arange(6) * 1.37}, ((None, 2), (None, 3)), 'sparse_categorical_crossentropy',
     'y holds 1.37, which is no class number; give whole numbers from 0 to 2'),
])
def test_data_that_does_not_fit_the_model(dataset, shapes, loss, message):
    with pytest.raises(UserError, match=message):
        check_fit(check_dataset(dataset), shapes[0], shapes[1], loss)


@pytest.mark.parametrize('dataset, shapes, loss', [
    ({'x': X, 'y': Y}, ((None, 2), (None, 3)), 'categorical_crossentropy'),
    ({'x': X, 'y': np.arange(6) % 2}, ((None, 2), (None, 1)), 'binary_crossentropy'),
    ({'x': X, 'y': np.arange(6) % 3}, ((None, 2), (None, 3)), 'sparse_categorical_crossentropy'),
    ({'x': [X, X], 'y': Y}, ([(None, 2), (None, 2)], (None, 3)), 'categorical_crossentropy'),
    ({'x': X, 'y': Y}, (None, None), ''),
])
def test_data_that_fits(dataset, shapes, loss):
    check_fit(check_dataset(dataset), shapes[0], shapes[1], loss)
