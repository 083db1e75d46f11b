"""Rows as a user gives them, made ready to be looked at; knows no framework."""

import functools
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import UserError
from ..judge.columns import MOST_ROWS, Data, text_in
from . import inputs
from .arrays import map_arrays, parts, row_count

ARRIVING_ROWS = 500
"""Rows that are sent through what stands in front of the first layer with weights."""

PROBE_ROWS = (32, 512)
"""Rows of a probe's batch: the training's batch size, kept between these two."""


def probe_rows(batch_size: Optional[int]) -> int:
    """Rows of a probe's batch for a batch size of the training."""
    return min(max(batch_size or PROBE_ROWS[0], PROBE_ROWS[0]), PROBE_ROWS[1])


def row_pair(training_data: Any) -> Optional[Tuple[Any, Any]]:
    """Inputs and labels of all rows; None if the data comes in batches."""
    if isinstance(training_data, Mapping) and {'x', 'y'} <= set(training_data):
        return training_data['x'], training_data['y']
    if isinstance(training_data, tuple) and len(training_data) in (2, 3) or (
            isinstance(training_data, list) and len(training_data) == 2):
        return training_data[0], training_data[1]  # the third are weights, of no use here
    return None


def paired_arrays(x_name: str, x: Any, y_name: str, y: Any) -> Tuple[Any, Any]:
    """Inputs and labels as arrays, or lists or dictionaries of arrays, of as many rows each.

    Raises:
        UserError: if they are not.
    """
    pair = []
    for name, data in ((x_name, x), (y_name, y)):
        arrays = map_arrays(functools.partial(_array, name), inputs.as_arrays(data, name))
        alone = isinstance(arrays, (list, tuple)) and len(arrays) == 1
        pair.append(arrays[0] if alone else arrays)
    inputs.check_rows(x_name, pair[0], y_name, pair[1])
    return pair[0], pair[1]


def _array(name: str, data: Any) -> np.ndarray:
    if not (hasattr(data, 'shape') or isinstance(data, list)):
        raise UserError('%s is a %s; give arrays' % (name, type(data).__name__))
    array = np.asarray(data)
    if array.size == 0 or array.ndim == 0:
        raise UserError('%s has shape %s; give at least one row' % (name, array.shape))
    return array


def validation_arrays(validation_data: Any) -> Tuple[Any, Any]:
    """Validation inputs and labels as arrays; (None, None) without any.

    Raises:
        UserError: for anything but ``(x, y)``.
    """
    if validation_data is None:
        return None, None
    pair = row_pair(validation_data)
    if pair is None:
        raise UserError('validation_data is a %s; give (x, y)' % type(validation_data).__name__)
    return paired_arrays('validation_data[0]', pair[0], 'validation_data[1]', pair[1])


def spread_rows(arrays: Any, most: int) -> Any:
    """Rows of all arrays, in their order: one, drawn, of each of so many stretches."""
    count = row_count(arrays)
    if count <= most:
        return arrays
    # at even distances, classes that take turns could all be missed but one
    places = (np.arange(most) + np.random.RandomState(0).rand(most)) * (count / most)
    chosen = np.minimum(places.astype(int), count - 1)
    return map_arrays(lambda array: array[chosen], arrays)


def looked_at(x: Any, y: Any, x_val: Any, y_val: Any, tokens: bool,
              arriving: Callable[[Any], Sequence[np.ndarray]]) -> Data:
    """The rows for :func:`~AutoTrainer.judge.setup.examine`.

    Args:
        x: all training inputs, made arrays.
        y: their labels.
        x_val: validation inputs; None without any.
        y_val: their labels.
        tokens: whether the model takes whole numbers as such.
        arriving: what reaches the first layer with weights of some rows; empty where that cannot
            be told.
    """
    not_finite, not_finite_val = [sum(map(_not_finite, _numbers(part))) for part in (x, x_val)]
    few = spread_rows(x, MOST_ROWS)
    looks = not (tokens or not_finite) and bool(_numbers(x))
    return Data(
        x=_numbers(few), y=spread_rows(y, MOST_ROWS) if isinstance(y, np.ndarray) else None,
        x_val=() if x_val is None else _numbers(spread_rows(x_val, MOST_ROWS)),
        y_val=spread_rows(y_val, MOST_ROWS) if isinstance(y_val, np.ndarray) else None,
        arriving=tuple(arriving(spread_rows(few, ARRIVING_ROWS))) if looks else (),
        looked_at=min(1.0, MOST_ROWS / row_count(x)), not_finite=not_finite,
        not_finite_val=not_finite_val, tokens=tokens,
        text=next(filter(None, map(text_in, parts(few))), ''))


def _numbers(data: Any) -> Tuple[np.ndarray, ...]:
    """The arrays of inputs; none if there are others than numbers among them."""
    found = tuple(parts(data))
    return found if all(part.dtype.kind in 'biuf' for part in found) else ()


def _not_finite(array: np.ndarray) -> int:
    with np.errstate(over='ignore', invalid='ignore'):
        if array.dtype.kind != 'f' or np.isfinite(np.sum(array, dtype=np.float64)):
            return 0
    return array.size - int(np.count_nonzero(np.isfinite(array)))
