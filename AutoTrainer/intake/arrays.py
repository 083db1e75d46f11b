"""Inputs and labels: an array, or a list or dictionary of arrays. Knows no Keras."""

from typing import Any, Callable, Mapping, NamedTuple, Sequence

import numpy as np


class Batch(NamedTuple):
    """A batch for the probe.

    Attributes:
        x: inputs: an array, or a list or dictionary of arrays.
        y: labels: likewise.
    """

    x: Any
    y: Any


def map_arrays(function: Callable[[Any], Any], data: Any) -> Any:
    """Apply a function to the array, or to every array of a list or dictionary of inputs."""
    if isinstance(data, Mapping):
        return {key: function(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(function(value) for value in data)
    return function(data)


def parts(data: Any) -> Sequence[Any]:
    """The arrays of an array, a list or a dictionary of arrays; none for None."""
    if data is None:
        return []
    if isinstance(data, Mapping):
        return list(data.values())
    return list(data) if isinstance(data, (list, tuple)) else [data]


def row_count(data: Any) -> int:
    """Rows of an array, or of the first array of a list or dictionary of inputs."""
    while isinstance(data, (dict, list, tuple)):
        data = next(iter(data.values() if isinstance(data, dict) else data))
    return len(data)


def draw_batch(x: Any, y: Any, size: int, seed: int) -> Batch:
    """Draw the probe's rows at random, without repetition.

    Args:
        x: all training inputs.
        y: all training labels.
        size: rows to draw; all if there are fewer.
        seed: the same seed draws the same rows.

    Returns:
        The batch, its rows in the order of the data.
    """
    count = row_count(x)
    chosen = np.sort(np.random.RandomState(seed % 2**32).choice(count, min(size, count),
                                                                 replace=False))
    rows = map_arrays(lambda a: np.asarray(a)[chosen], x)
    labels = map_arrays(lambda a: np.asarray(a)[chosen], y)
    return Batch(rows, labels)
