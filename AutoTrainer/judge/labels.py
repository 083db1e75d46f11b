"""What labels look like."""

import math
from typing import Any, Dict, Mapping, NamedTuple, Optional

import numpy as np

LABEL_ROWS = 10000
"""Labels that are looked at, at the most, evenly spread over all of them: a rare class may be
missing from a batch, and there may be millions."""

LABEL_VALUES = 200000
"""Numbers that are looked at, at the most: of wide labels (images that are to be drawn again) fewer
rows say as much."""

HEAD_RANGES = {'sigmoid': (0, 1), 'hard_sigmoid': (0, 1), 'softmax': (0, 1), 'tanh': (-1, 1),
               'softsign': (-1, 1), 'relu': (0, math.inf), 'softplus': (0, math.inf)}
"""Between which numbers the outputs of an activation lie; the others go everywhere."""


class Reach(NamedTuple):
    """How much of the labels outputs within a range can give back at best.

    Attributes:
        squared: the best R²: 1 - (squared distance of the labels from the range) / (their squared
            distance from their mean). 1 where all labels lie within the range; it can be negative.
        absolute: the same of absolute distances, from the median.
    """

    squared: float = 1.0
    absolute: float = 1.0


class LabelSummary(NamedTuple):
    """Labels in a few numbers.

    Attributes:
        kind: see :func:`label_kind`.
        width: numbers of one label (size of the last axis); 0 if that is not known, or does not go
            with the model's output.
        axes: axes of the labels in the form that the model's output has; 2 for one label per row.
        lowest: smallest number among the labels; NaN if they are no numbers.
        highest: largest number.
        finite: whether all that were looked at are finite.
        two_valued: whether there are two numbers only, the lowest and the highest.
        zeros: whether there are zeros.
        row_sum: mean of the sum of a label: of 0/1 labels how many are 1.
        divisor: what class numbers seem to have been divided by, see :func:`class_divisor`.
        reach: by activation, how much of the labels a model that ends in it can reach; an
            activation that reaches all of them may be missing, and all are where the labels are
            the same in all rows.
    """

    kind: str = ''
    width: int = 0
    axes: int = 0
    lowest: float = math.nan
    highest: float = math.nan
    finite: bool = True
    two_valued: bool = False
    zeros: bool = False
    row_sum: float = math.nan
    divisor: int = 0
    reach: Mapping[str, Reach] = {}  # never changed: every summary brings its own


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


def summarise_labels(y: Any, output_shape: Any = None,
                     ignored: Optional[int] = None) -> LabelSummary:
    """What labels look like, in a few numbers: milliseconds, however many there are.

    Args:
        y: labels, of as many rows as are at hand; several labels per row (dictionary, list,
            tuple) are not looked at.
        output_shape: the model's, (None, …); labels with one axis less are class numbers, and
            of a model with one axis numbers too.
        ignored: class number that the loss leaves out.

    Returns:
        The summary; with ``kind`` ``''`` and nothing else where the labels are no numbers.
    """
    y = y if isinstance(y, (dict, list, tuple)) else np.asarray(y)
    if not isinstance(y, np.ndarray) or y.ndim == 0 or y.size == 0 or y.dtype.kind not in 'biuf':
        return LabelSummary()
    if y.dtype.kind == 'b':
        y = y.astype(np.int8)
    # outputs of one axis are one number for each row
    axes = max(len(output_shape) if isinstance(output_shape, tuple) else y.ndim, 2)
    if y.ndim == axes + 1 and y.shape[-1] == 1:
        y = y[..., 0]
    elif y.ndim == axes - 1:
        y = y[..., None]
    width = y.shape[-1]
    known = LabelSummary(width=width if y.ndim == axes else 0, axes=axes)
    if width == 1:
        y = y.reshape(-1, 1) if ignored is None else y[y != ignored].reshape(-1, 1)
        if not y.size:
            return LabelSummary()
    step = len(y) // LABEL_ROWS + 1 if width == 1 else math.ceil(
        max(y.size / LABEL_VALUES, len(y) / LABEL_ROWS))
    rows = y[::step].reshape(-1, width).astype(np.float64)
    ends = y if width == 1 else rows  # a class number that is rare counts
    lowest, highest = float(ends.min()), float(ends.max())
    known = known._replace(kind=label_kind(rows), lowest=lowest, highest=highest)
    if not (math.isfinite(lowest + highest) and np.all(np.isfinite(rows))):
        return known._replace(finite=False)
    return known._replace(
        two_valued=bool(np.all((rows == lowest) | (rows == highest))),
        zeros=bool(np.any(rows == 0)), row_sum=float(rows.sum(axis=-1).mean()),
        divisor=class_divisor(rows) if width == 1 and known.kind == 'real' else 0,
        reach=_reach(rows, lowest, highest))


def class_divisor(labels: np.ndarray) -> int:
    """What class numbers seem to have been divided by, as images are scaled from 0…255 to 0…1.

    Args:
        labels: array of any shape.

    Returns:
        The smallest whole number up to 256 that makes all labels whole numbers again; 0 if there is
        none, or the labels are whole already or leave 0…1.
    """
    values = np.unique(labels[:LABEL_ROWS])
    if len(values) > 256 or not (values[0] >= 0 and values[-1] <= 1) or (
            np.all(values == np.floor(values))):
        return 0
    divisors = np.arange(2, 257)
    numbers = values[:, None].astype(np.float64) * divisors
    whole = np.all(np.abs(numbers - np.rint(numbers)) < 1e-4, axis=0)  # float32 is that exact
    return int(divisors[whole.argmax()]) if whole.any() else 0


def _reach(rows: np.ndarray, lowest: float, highest: float) -> Dict[str, Reach]:
    """What a model that ends in each activation can reach of labels of shape (rows, width)."""
    with np.errstate(over='ignore'):
        missed = {head: _distances(*[rows - np.clip(rows, *ends)] * 2)
                  for head, ends in HEAD_RANGES.items() if lowest < ends[0] or highest > ends[1]}
        if rows.shape[1] > 1:  # outputs of a softmax sum to 1: the nearest are off by this each
            off = (rows.sum(axis=1) - 1) / rows.shape[1]
            missed['softmax'] = Reach(*np.maximum(missed.get('softmax', Reach(0, 0)),
                                                  _distances(off, off)))
        if not any(any(off) for off in missed.values()):
            return {}
        spread = _distances(rows - rows.mean(axis=0), rows - np.median(rows, axis=0))
        if not (0 < spread.squared < math.inf and spread.absolute > 0):
            return {}
    return {head: Reach(float(1 - off.squared / spread.squared),
                        float(1 - off.absolute / spread.absolute))
            for head, off in missed.items()}


def _distances(squared: np.ndarray, absolute: np.ndarray) -> Reach:
    return Reach(float(np.mean(squared ** 2)), float(np.mean(np.abs(absolute))))
