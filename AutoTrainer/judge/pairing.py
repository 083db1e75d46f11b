"""Whether a loss of one's own takes the outputs for the labels, as whoever measures skill does.

A quantile, the logarithm of a price, the distance of a pair: what such a model answers is right in
a way of its own, and held against the labels it would be blamed for nothing. The loss itself tells:
it is asked what it thinks of right answers, of wrong ones and of constant ones.
"""

import math
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

_ROWS = 64
"""Rows that are tried."""
_SCALES = ((0.02, 0.98), (-4.0, 4.0))
"""What stands for no and yes, as a share and before a sigmoid or softmax."""
_INNER, _OUTER = (50, None), (10, 25, 75, 90)
"""Constant answers by their percentile among the labels; None for their mean."""
_MARGIN = 0.1
"""Share of what right answers save by which a constant answer may be better than the middle."""
_TRIFLE = 1e-5

IN_ITS_OWN_WAY = ('the loss compares outputs and labels in a way of its own, so that the one says '
                  'nothing of the other')


def takes_outputs_for_labels(loss: Callable[[np.ndarray, np.ndarray], float], y: Any, kind: str,
                             output_shape: Optional[Tuple[Optional[int], ...]]) -> bool:
    """Whether outputs that are the labels are what a loss asks for.

    So it is where right answers cost less than wrong ones; and of amounts less than the best
    constant answer, which lies in the middle of the labels and not at their edge. A loss that is
    the same for all answers pairs nothing, which is a fault and told elsewhere; so is one of
    classes that goes below 0.

    Args:
        loss: (labels, outputs) → their mean loss; it may raise what it likes.
        y: labels, an array with an entry for each row.
        kind: theirs, see :class:`~AutoTrainer.judge.facts.Task`.
        output_shape: the model's, (None, …).

    Returns:
        True too where the loss cannot be asked.
    """
    if output_shape is None or not kind:
        return True
    y = np.asarray(y)[:_ROWS]
    shape = (len(y),) + tuple(axis or 0 for axis in output_shape[1:])  # 0: of any length
    units = shape[-1] if len(shape) > 1 else 1

    def cost(outputs: np.ndarray) -> float:
        try:
            return float(loss(y, np.asarray(outputs, np.float32)))
        except Exception:  # whatever a loss of one's own raises
            return math.nan

    if kind == 'real' or kind == 'integer' and units == 1:
        return y.size != np.prod(shape) or _of_amounts(cost, y.reshape(shape).astype(float))
    tried = _classes(y, kind, shape)
    if tried is None:
        return True
    found = [tuple(cost(np.where(answer, yes, no)) for answer in tried) for no, yes in _SCALES]
    known = [pair for pair in found if all(map(math.isfinite, pair))]
    return not known or any(right < wrong or min(right, wrong) < 0 for right, wrong in known) or (
        units == 1 and all(_alike(*pair) for pair in known))


def _of_amounts(cost: Callable[[np.ndarray], float], truth: np.ndarray) -> bool:
    right, turned = cost(truth), cost(truth[::-1])
    rows = truth.reshape(len(truth), -1)
    constant: Dict[Any, float] = {}
    for place in _INNER + _OUTER:
        answer = rows.mean(axis=0) if place is None else np.percentile(rows, place, axis=0)
        constant[place] = cost(np.broadcast_to(answer, rows.shape).reshape(truth.shape))
    known = [right, turned] + list(constant.values())
    if any(map(math.isnan, known)):
        return True
    inner, outer = [min(constant[place] for place in places) for places in (_INNER, _OUTER)]
    return math.isfinite(inner) and inner <= outer + _MARGIN * max(0.0, inner - right) and (
        right < inner or _alike(right, turned))


def _classes(y: np.ndarray, kind: str, shape: Tuple[int, ...]
             ) -> Optional[Tuple[np.ndarray, np.ndarray]]:
    """Which outputs are yes where all answers are right, and where all are wrong."""
    units = shape[-1] if len(shape) > 1 else 1
    if kind in ('one_hot', 'multi_hot') or units == 1:
        if y.size != np.prod(shape):
            return None
        right = y.reshape(shape) > 0
        return right, np.roll(right, 1, axis=-1) if kind == 'one_hot' else ~right
    numbers = y.reshape(shape[:-1]) if y.size == np.prod(shape[:-1]) else None
    if numbers is None or numbers.min() < 0 or numbers.max() >= units:
        return None
    right = numbers[..., None] == np.arange(units)
    return right, np.roll(right, 1, axis=-1)


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= _TRIFLE * abs(one)
