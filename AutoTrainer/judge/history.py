"""The history of a training, taken in one epoch at a time at constant cost.

Symptoms that need nothing but the curves are read off the running summary kept here.
"""

import collections
import math
from typing import Deque, List, Mapping, Optional, Sequence, Tuple

from .facts import ACCURACY, HISTORY_KEYS

JUDGMENT_SHARE = 0.3
"""Share of the planned epochs from which accuracy-based symptoms count (paper, Section III)."""

JUDGMENT_EPOCHS = 3
"""Epochs that a verdict needs at the least: a curve of two points has no interior."""

LASTING = 3
"""Looks in a row that must say the same before a level counts under ``rules='skill'``."""

OVERFIT_GAP = 0.1
"""overfit: training accuracy above validation accuracy by at least this much."""


def judged(epoch: int, total_epoch: int) -> bool:
    """Whether accuracy-based symptoms count yet: the judgment point (paper, Section III).

    Args:
        epoch: epochs done (1-based).
        total_epoch: planned epochs.

    Returns:
        True from 0.3 of the planned epochs on, and never before the third epoch.
    """
    return epoch >= JUDGMENT_SHARE * total_epoch and epoch >= JUDGMENT_EPOCHS


def last_accuracy(values: Mapping[str, Optional[float]]) -> Optional[float]:
    """Validation accuracy of an epoch, training accuracy where there is no validation."""
    return values['acc'] if values.get('val_acc') is None else values['val_acc']


def extrema(series: Sequence[float]) -> Tuple[List[float], List[float]]:
    """Local maxima and minima of the interior of a curve, each in time order.

    A maximum is at least as high as both neighbours, a minimum at most as high; a tie is both.

    Args:
        series: values of a curve, one per epoch.

    Returns:
        (maxima, minima).
    """
    maxima, minima = [], []
    for before, value, after in zip(series, series[1:], series[2:]):
        if value >= before and value >= after:
            maxima.append(value)
        if value <= before and value <= after:
            minima.append(value)
    return maxima, minima


class OscillationCounter:
    """The swings of a growing curve: :func:`ol_judge`, one value at a time, at constant cost.

    Args:
        threshold: least difference of a maximum and the minimum of the same number (ζ).
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.length = 0
        self.swings = 0
        self._last_two: Tuple[float, ...] = ()
        self._maxima: Deque[float] = collections.deque()  # those whose minimum is still to come
        self._minima: Deque[float] = collections.deque()

    def update(self, value: float) -> None:
        """Append one value of the curve."""
        self.length += 1
        if len(self._last_two) == 2:
            before, middle = self._last_two
            if middle >= before and middle >= value:
                self._maxima.append(middle)
            if middle <= before and middle <= value:
                self._minima.append(middle)
            while self._maxima and self._minima:
                if self._maxima.popleft() - self._minima.popleft() >= self.threshold:
                    self.swings += 1
        self._last_two = (self._last_two + (value,))[-2:]

    def oscillates(self, rate: float) -> bool:
        """Whether the curve so far has at least ``rate`` swings per epoch."""
        return self.length > 0 and self.swings >= rate * self.length


class HistoryState:
    """Everything the recognizer needs to know of a history, kept up to date per epoch.

    Args:
        params: thresholds; ``zeta`` is read.
        before: epochs that the model was trained before this history begins.
    """

    def __init__(self, params: Mapping[str, float], before: int = 0) -> None:
        self.epochs = 0
        self.measure = ACCURACY       # what the two series of accuracies hold
        self.best_acc = -math.inf
        self.best_val_acc = -math.inf
        self.largest_gain = 0.0
        self.non_finite = ''          # the first number that was not finite, in words
        self.last_loss = math.nan
        self.lowest_loss = math.inf
        self.has_accuracy = False
        self.oscillation = OscillationCounter(params['zeta'])
        self.bad_gap_epochs = 0       # epochs in a row with a large train-validation gap
        self.falling_val_epochs = 0   # epochs in a row in which validation gets no better
        self._before = before
        self._last_acc = math.nan
        self._lowest_val_loss = math.inf

    @property
    def epoch(self) -> int:
        """Number of the last epoch (1-based), as whoever runs the training counts them."""
        return self._before + self.epochs

    def update(self, values: Mapping[str, Optional[float]]) -> None:
        """Take in one epoch.

        Args:
            values: ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.
        """
        self.epochs += 1
        for key in HISTORY_KEYS:
            value = values.get(key)
            if value is not None and not math.isfinite(value) and not self.non_finite:
                self.non_finite = '%s = %r at epoch %d' % (key, value, self.epoch)
        loss, acc = values.get('loss'), values.get('acc')
        val_loss, val_acc = values.get('val_loss'), values.get('val_acc')
        if loss is not None:
            self.last_loss = loss
            self.lowest_loss = min(self.lowest_loss, loss)
        if acc is not None:
            self.has_accuracy = True
            if acc > self.best_acc:
                self.best_acc = acc
            gain = acc - self._last_acc
            if gain > self.largest_gain:
                self.largest_gain = gain
            self._last_acc = acc
            self.oscillation.update(acc)
        if val_acc is not None and val_acc > self.best_val_acc:
            self.best_val_acc = val_acc
        if val_acc is not None:  # without one nothing is known of the gap
            wide = acc is not None and acc - val_acc >= OVERFIT_GAP
            self.bad_gap_epochs = self.bad_gap_epochs + 1 if wide else 0
        if val_loss is not None:
            better = val_loss < self._lowest_val_loss
            self.falling_val_epochs = 0 if better else self.falling_val_epochs + 1
            self._lowest_val_loss = min(self._lowest_val_loss, val_loss)


def below_theta(state: HistoryState, theta: float) -> str:
    """Why a run counts as unconverged, in words."""
    best = max(state.best_acc, state.best_val_acc)
    if state.measure is ACCURACY:
        return 'max(Acc) = %.3g < Θ = %g' % (best, theta)
    if best >= 0:
        return ('the lowest loss is %.3g of that of the best constant prediction: the share of it '
                'that is gone, %.3g, is < Θ = %g' % (1 - best, best, theta))
    return ('the lowest loss is %.3g times that of the best constant prediction: no share of it '
            'is gone, Θ = %g must be' % (math.exp(min(-best, 700.0)), theta))
