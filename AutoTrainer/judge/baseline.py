"""What a training must at least reach: the loss of the best constant prediction."""

import math
from typing import Any, Callable, Optional, Sequence, Tuple

import numpy as np

from ..errors import first_line
from ..utils.logger import LOGGER
from .losses import BINARY_LOSSES, KNOWN_LOSSES

Loss = Callable[[np.ndarray, np.ndarray], float]
"""(labels, predictions), arrays of one shape → the mean loss."""

Shape = Optional[Tuple[Optional[int], ...]]


def constant_loss(y: Any, name: str, loss: Loss, output_shape: Any = None, logits: bool = False,
                  ignore_class: Optional[int] = None) -> Optional[float]:
    """The loss of the best constant prediction, which a training must at least reach.

    Args:
        y: all training labels.
        name: of the loss, see :func:`~AutoTrainer.judge.losses.loss_name`.
        loss: the loss itself; may raise anything.
        output_shape: the model's, (None, …); anything but a tuple if it is not known.
        logits: whether the loss applies softmax or sigmoid to the predictions by itself.
        ignore_class: class number that the loss leaves out.

    Returns:
        The smallest loss among the predictions mean, median and (for labels that allow it)
        logarithmic mean, each per output; for class numbers that of the classes' shares. None
        where the loss is not one of those that are known, does not fit the labels, or is zero or
        not finite.
    """
    if name not in KNOWN_LOSSES:
        return None
    shape = output_shape if isinstance(output_shape, tuple) else None
    try:
        if name.startswith('sparse'):
            least = _class_entropy(np.asarray(y), shape, ignore_class)
        else:
            least = _least_constant_loss(np.asarray(y, dtype=np.float32), name, loss, shape, logits)
    except Exception as error:  # whatever a loss makes of labels that it does not fit
        LOGGER.debug('no baseline for the loss: %s', first_line(error))
        return None
    return least if np.isfinite(least) and least > 0 else None


def _class_entropy(y: np.ndarray, shape: Shape, ignore_class: Optional[int]) -> float:
    """The cross-entropy where each class is predicted as often as it occurs; NaN for no classes."""
    classes = y[y != ignore_class]
    units = shape[-1] if shape else None
    if np.any(classes != np.floor(classes)) or classes.min() < 0 or (
            units and classes.max() >= units):
        return float('nan')
    share = np.unique(classes, return_counts=True)[1] / classes.size
    return float(-np.sum(share * np.log(share)))


def _least_constant_loss(y: np.ndarray, name: str, loss: Loss, shape: Shape,
                         logits: bool) -> float:
    """The smallest loss of a constant in the labels' shape; NaN if that is not the model's."""
    if shape is not None and not _same_shape(shape[1:], y.shape[1:]):
        return float('nan')
    y = y[:, None] if y.ndim == 1 else y
    guesses = [y.mean(axis=0), np.median(y, axis=0)]
    if y.min() > -1:
        guesses.append(np.expm1(np.log1p(y).mean(axis=0)))
    if logits:
        guesses = [_logits(name, guess) for guess in guesses]
    return min(loss(y, np.broadcast_to(guess, y.shape).astype(np.float32)) for guess in guesses)


def _same_shape(outputs: Sequence[Optional[int]], labels: Sequence[int]) -> bool:
    """Whether labels have the shape of outputs; Keras adds and drops last axes of length 1."""
    wanted, given = list(outputs), list(labels)
    for axes in (wanted, given):
        while axes and axes[-1] == 1:
            axes.pop()
    return len(wanted) == len(given) and all(a in (None, b) for a, b in zip(wanted, given))


def _logits(name: str, shares: np.ndarray) -> np.ndarray:
    """What a loss turns back into these shares by softmax, or by sigmoid for a binary one."""
    shares = np.clip(shares, 1e-6, 1 - 1e-6)
    return np.log(shares) - (np.log(1 - shares) if name in BINARY_LOSSES else 0)


def loss_based_accuracy(loss: Optional[float], baseline: float) -> Optional[float]:
    """What stands in for the accuracy where there is none: the share of the loss that is gone.

    Args:
        loss: of an epoch.
        baseline: of the best constant prediction.

    Returns:
        1 - loss / baseline (R² for a mean squared error). Where the loss is above the baseline,
        the negative logarithm of their ratio, which continues this smoothly: there too a step of
        0.01 is a loss that falls by one part in a hundred. None without a finite loss.
    """
    if loss is None or not math.isfinite(loss):
        return None
    ratio = loss / baseline
    return 1.0 - ratio if ratio <= 1 else -math.log(ratio)
