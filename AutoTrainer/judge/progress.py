"""Where a curve is going: what a training may still gain by its planned end."""

from typing import Optional, Sequence

import numpy as np

LEAST_POINTS = 3
"""Epochs that a trend needs."""

NOISE = 2.0
"""Standard errors that a slope must have to count: one noisy epoch moves nothing."""


def expected_gain(series: Sequence[Optional[float]], remaining: int) -> float:
    """What a curve gains if it goes on as it does.

    The slope is that of the straight line through the later half of the curve, if it stands out
    from the noise around that line. Learning curves bend down, so a straight line is generous to
    them; a curve that bends up, as one does that has just found its way, is given its own growth.

    Args:
        series: one number per epoch, higher is better; None where it was not measured.
        remaining: epochs that are still to come.

    Returns:
        The gain; 0.0 for a curve that is flat, falls, or is too short to tell.
    """
    values = np.array([value for value in series if value is not None and np.isfinite(value)])
    if len(values) < LEAST_POINTS or remaining <= 0:
        return 0.0
    window = max(LEAST_POINTS, (len(values) + 1) // 2)
    slope = _slope(values[-window:])
    if slope <= 0:
        return 0.0
    before = _slope(values[-2 * window + 1:-window + 1]) if len(values) >= 2 * window - 1 else 0.0
    growth = min(2.0, max(1.0, slope / before)) if before > 0 else 1.0
    gain, steps = 0.0, remaining
    while steps > 0 and gain < 10:  # window by window, each steeper by the growth seen
        taken = min(window, steps)
        gain += slope * taken
        slope, steps = slope * growth, steps - taken
    return float(gain)


def _slope(values: np.ndarray) -> float:
    """Slope per epoch of the line through some values; 0.0 if it is lost in the noise."""
    count = len(values)
    if count < LEAST_POINTS:
        return 0.0
    epochs = np.arange(count) - (count - 1) / 2
    slope = float(np.sum(epochs * values) / np.sum(epochs ** 2))
    residuals = values - values.mean() - slope * epochs
    error = float(np.sqrt(np.sum(residuals ** 2) / max(1, count - 2) / np.sum(epochs ** 2)))
    return slope if abs(slope) > NOISE * error else 0.0


ESCAPED = 0.2
"""Spread of the predictions, as a share of that of the answers, with which a model has left the
plateau on which it answers all rows alike."""


def leaves_plateau(spreads: Sequence[float], remaining: int) -> bool:
    """Whether a model that still answers all rows nearly alike is finding its way.

    Deep networks can stand still for a while and train well afterwards. What moves in that time is
    how far their answers differ, and it grows by the same factor each epoch, as whatever leaves an
    unstable point does. The curve follows some epochs later: what has left during these looks is
    given them.

    Args:
        spreads: of the last looks, see :class:`~AutoTrainer.judge.reference.Measured`.
        remaining: epochs that are still to come.

    Returns:
        Whether at this pace half of the remaining epochs are enough to leave the plateau.
    """
    if len(spreads) < LEAST_POINTS or remaining <= 0:
        return False
    if not (spreads[0] < ESCAPED and spreads[-1] > 0):
        return False
    factors = [after / before for before, after in zip(spreads, spreads[1:]) if before > 0]
    slowest = min(factors, default=0.0)
    if slowest <= 1:
        return False
    return bool(np.log(ESCAPED / spreads[-1]) / np.log(slowest) <= remaining / 2)
