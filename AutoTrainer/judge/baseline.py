"""What a training must at least reach: the best constant prediction."""

import math
from typing import Optional


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
