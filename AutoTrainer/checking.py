"""``check``: what is wrong with a training, before its first step."""

import functools
from typing import Any, List, Optional, Tuple

import numpy as np

from . import keras_bridge
from .errors import UserError, first_line
from .intake import inputs
from .intake.arrays import map_arrays, parts, row_count
from .intake.config import check_count
from .judge.columns import MOST_ROWS, Data
from .judge.facts import Task
from .judge.labels import summarise_labels
from .judge.losses import loss_name
from .judge.preflight import Finding
from .judge.setup import BATCH_ROWS, Setup, examine
from .utils.compute_gradient import plain_task, row_pair
from .utils.logger import LOGGER

_ARRIVING_ROWS = 500
"""Rows that are sent through what stands in front of the first layer with weights."""


def check(model: Any, x: Any, y: Any, validation_data: Any = None, epochs: Optional[int] = None,
          batch_size: Optional[int] = None) -> List[Finding]:
    """What is wrong with a training, found without a single step of it.

    Model, data, optimizer and random states stay as they are. Of more than 10,000 rows that many
    are looked at, evenly spread; class numbers and NaN are looked for in all of them.

    Args:
        model: a compiled Keras model. Of a subclassed one, and of one with several outputs, less
            can be told; what cannot is left out.
        x: all training inputs: an array of shape (rows, …), a list of rows, pandas; or a list or
            dictionary of arrays for several inputs.
        y: their labels, likewise.
        validation_data: ``(x, y)`` as ``fit`` takes it.
        epochs: planned epochs; without them nothing is said of how long the training is.
        batch_size: rows per step; default 32, as in ``fit``.

    Returns:
        The findings, the surest in front; empty if nothing was found. What is *certain* cannot
        learn what the labels hold; a *note* is no reason by itself to expect a failure.

    Raises:
        UserError: for a model that is not compiled, or data that does not go into it.

    Example:
        >>> for finding in check(model, x, y, epochs=50):  # doctest: +SKIP
        ...     print(finding.severity, finding.sentence, finding.advice, sep='; ')
    """
    keras_bridge.check_compiled(model)
    for name, count in (('epochs', epochs), ('batch_size', batch_size)):
        if count is not None:
            check_count(name, count)
    x, y = _rows('x', x, 'y', y)
    x_val, y_val = (None, None) if validation_data is None else _rows(
        'validation_data[0]', *_validation(validation_data))
    seen = keras_bridge.seen_model(model, map_arrays(lambda array: array[:1], x))
    _check_shapes(seen, x, x_val)
    setup = setup_of(model, seen, y)._replace(
        rows=row_count(x), epochs=epochs, batch_size=batch_size or BATCH_ROWS)
    return examine(setup, data_of(seen, x, y, x_val, y_val))


def setup_of(model: Any, seen: Any, y: Any) -> Setup:
    """How a training is set up, apart from its plan.

    Args:
        model: compiled model.
        seen: the same or its built copy, see ``keras_bridge.seen_model``.
        y: labels of as many rows as are at hand.
    """
    several = len(keras_bridge.output_shapes(seen)) > 1  # head and loss of which one?
    loss = None if several else keras_bridge.losses_by_output(model, 1)[0]
    labels = summarise_labels(y, getattr(seen, 'output_shape', None),
                              getattr(loss, 'ignore_class', None))
    task = Task() if several else plain_task(seen, y)._replace(
        loss=loss_name(loss), logits=keras_bridge.takes_logits(loss))
    return keras_bridge.setup_of(model, seen)._replace(task=task, labels=labels)


def _rows(x_name: str, x: Any, y_name: str, y: Any) -> Tuple[Any, Any]:
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


def _validation(validation_data: Any) -> Tuple[Any, str, Any]:
    pair = row_pair(validation_data)
    if pair is None:
        raise UserError('validation_data is a %s; give (x, y)' % type(validation_data).__name__)
    return pair[0], 'validation_data[1]', pair[1]


def _check_shapes(seen: Any, x: Any, x_val: Any) -> None:
    """See that rows go into the model, as far as that can be told.

    Raises:
        UserError: if they do not.
    """
    rows = {'x': x, 'x_val': x_val, 'y': None, 'y_val': None}
    for key, data in rows.items():  # Keras makes a column of a row of numbers
        if isinstance(data, np.ndarray) and data.ndim == 1:
            rows[key] = data[:, None]
    inputs.check_fit(rows, getattr(seen, 'input_shape', None), None, '')


def _spread(arrays: Any, most: int) -> Any:
    """Rows of all arrays, in their order: one, drawn, of each of so many stretches."""
    count = row_count(arrays)
    if count <= most:
        return arrays
    # at even distances, classes that take turns could all be missed but one
    places = (np.arange(most) + np.random.RandomState(0).rand(most)) * (count / most)
    chosen = np.minimum(places.astype(int), count - 1)
    return map_arrays(lambda array: array[chosen], arrays)


def _numbers(data: Any) -> Tuple[np.ndarray, ...]:
    """The arrays of inputs; none if there are others than numbers among them."""
    found = tuple(parts(data))
    return found if all(part.dtype.kind in 'biuf' for part in found) else ()


def data_of(seen: Any, x: Any, y: Any, x_val: Any = None, y_val: Any = None) -> Data:
    """The rows for :func:`~AutoTrainer.judge.setup.examine`.

    Args:
        seen: a built model.
        x: all training inputs, as :func:`check` takes them, made arrays.
        y: their labels.
        x_val: validation inputs; None without any.
        y_val: their labels.
    """
    tokens = keras_bridge.takes_integers(seen)
    not_finite, not_finite_val = [sum(map(_not_finite, _numbers(part))) for part in (x, x_val)]
    few = _spread(x, MOST_ROWS)
    return Data(
        x=_numbers(few), y=_spread(y, MOST_ROWS) if isinstance(y, np.ndarray) else None,
        x_val=() if x_val is None else _numbers(_spread(x_val, MOST_ROWS)),
        y_val=_spread(y_val, MOST_ROWS) if isinstance(y_val, np.ndarray) else None,
        arriving=() if tokens or not_finite or not _numbers(x) else _arriving(seen, few),
        looked_at=min(1.0, MOST_ROWS / row_count(x)), not_finite=not_finite,
        not_finite_val=not_finite_val, tokens=tokens)


def _not_finite(array: np.ndarray) -> int:
    with np.errstate(over='ignore', invalid='ignore'):
        if array.dtype.kind != 'f' or np.isfinite(np.sum(array, dtype=np.float64)):
            return 0
    return array.size - int(np.count_nonzero(np.isfinite(array)))


def _arriving(seen: Any, x: Any) -> Tuple[np.ndarray, ...]:
    """What reaches the first layer with weights; nothing where that cannot be told."""
    rows = map_arrays(lambda array: array.astype(np.float32), _spread(x, _ARRIVING_ROWS))
    try:
        return tuple(keras_bridge.first_kernel_inputs(seen, rows) or ())
    except Exception as error:  # whatever layers make of inputs that they cannot take
        LOGGER.debug('what reaches the first layer cannot be told: %s', first_line(error))
        return ()
