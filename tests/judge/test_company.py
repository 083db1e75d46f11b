"""Whether rows are answered one by one: of functions of arrays."""

import numpy as np
import pytest

from AutoTrainer.judge.company import mixes_rows

X = np.random.RandomState(0).randn(20, 5).astype('float32')


def softmax(x, axis):
    raised = np.exp(x)
    return raised / raised.sum(axis=axis, keepdims=True)


def failing(x):
    raise ValueError('it takes 32 rows')


@pytest.mark.parametrize('predict, x, expected', [
    (lambda x: [softmax(x, 1)], X, False),
    (lambda x: [softmax(x, 0)], X, True),
    (lambda x: [x, x - x.mean(axis=0)], X, True),               # one of two outputs
    (lambda x: [np.cumsum(x, axis=0)], X, True),                # looks back along the rows
    (lambda x: [np.cumsum(x[::-1], axis=0)[::-1]], X, True),    # and ahead
    (lambda x: [x.T.reshape(len(x), -1)], X, True),
    (lambda x: [x + 1e-6 * x.mean()], X, False),                # rounding
    (lambda x: [x + np.random.rand()], X, False),               # draws at random
    (lambda x: [x.mean(axis=0)], X, False),                     # no outputs of rows
    (lambda x: [np.full(len(x), np.nan)], X, False), (failing, X, False),
    (lambda x: [softmax(x, 0)], X[:11], False),                 # too few to tell
    (lambda x: [softmax(x['a'] + x['b'], 0)], {'a': X, 'b': X}, True),
    (lambda x: [softmax(x[0] + x[1], 1)], [X, X], False),
])
def test_rows_in_other_company(predict, x, expected):
    assert mixes_rows(predict, x) is expected
