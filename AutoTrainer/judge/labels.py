"""What labels look like."""

from typing import Any

import numpy as np

LABEL_ROWS = 10000
"""Labels that are looked at, at the most, evenly spread over all of them: a rare class may be
missing from a batch, and there may be millions."""


def label_kind(y: Any, output_shape: Any = None) -> str:
    """What labels look like: the ``labels`` of :class:`~AutoTrainer.judge.facts.Task`.

    Args:
        y: labels, of as many rows as are at hand.
        output_shape: the model's, (None, …); labels with one axis less are class numbers.
    """
    if isinstance(y, (dict, list, tuple)):
        return ''
    y = np.asarray(y)
    if y.ndim == 0 or y.size == 0 or y.dtype.kind not in 'biuf':
        return ''
    y = y[::len(y) // LABEL_ROWS + 1]
    if isinstance(output_shape, tuple) and y.ndim == len(output_shape) - 1:
        y = y[..., None]
    zero_one = bool(np.all((y == 0) | (y == 1)))
    if y.ndim >= 2 and y.shape[-1] > 1:
        if not zero_one:
            return 'real'
        return 'one_hot' if bool(np.all(y.sum(axis=-1) == 1)) else 'multi_hot'
    if zero_one:
        return 'binary'
    return 'integer' if bool(np.all(y == np.floor(y))) else 'real'
