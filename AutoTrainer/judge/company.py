"""Whether what a model answers for a row depends on the other rows of its batch.

So it is with a softmax along the rows, a reshape that mixes them, a recurrent layer or an attention
that takes the rows for the steps of a sequence: a training learns little then, or what it learns
does not hold for rows that come in another company.
"""

from typing import Any, Callable, List

import numpy as np

from ..intake.arrays import map_arrays, row_count

_ROWS = 4
"""Rows that stay, and rows that they come with."""
_FREE = 1e-3
"""Share of what outputs are, at the most, by which rounding moves them."""


def mixes_rows(predict: Callable[[Any], List[np.ndarray]], x: Any) -> bool:
    """Whether rows get other outputs where others come with them.

    Args:
        predict: in inference mode, outputs of rows; it may raise what it likes.
        x: inputs of at least twelve rows, arrays; of fewer nothing is said.

    Returns:
        False too where it cannot be told, as of a model that draws at random.
    """
    if row_count(x) < 3 * _ROWS:
        return False

    def answers(first: int) -> np.ndarray:
        """Of the first rows, between others: a recurrent layer looks back, another ahead."""
        others = list(range(first, first + _ROWS))
        rows = others[:_ROWS // 2] + list(range(_ROWS)) + others[_ROWS // 2:]
        found = predict(map_arrays(lambda array: np.asarray(array)[rows], x))
        if any(len(output) != len(rows) for output in found):
            raise ValueError('the outputs are of other rows')
        return np.concatenate([np.reshape(output[_ROWS // 2:][:_ROWS], (_ROWS, -1))
                               for output in found], axis=1).astype(np.float64)

    try:
        one, again, other = [answers(first) for first in (_ROWS, _ROWS, 2 * _ROWS)]
    except Exception:  # of a model that nobody foresaw
        return False
    if not (np.isfinite(one).all() and np.isfinite(other).all() and np.array_equal(one, again)):
        return False
    return bool(np.max(np.abs(one - other)) > _FREE * max(np.max(np.abs(one)), 1e-12))
