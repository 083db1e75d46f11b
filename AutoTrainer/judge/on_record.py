"""What a check puts on record of gradients and layers, bounded in size: pure functions."""

from typing import Any, Dict, List, Optional

from .facts import GradientSummary, OutputSummary

LAYERS_ON_RECORD = 64
"""Layers whose numbers a check puts on record; of more, so many at even distances."""

PROBES_ON_RECORD = 100
"""Probes whose numbers per layer all go on record; of the next so many every second one, of the
next twice as many every fourth, and so on: what is written grows with the logarithm of the run."""


def gradients_on_record(gradients: GradientSummary) -> Dict[str, Any]:
    """First and last norm, and the share of zeros."""
    return {'first': gradients.kernels[0][1] if gradients.kernels else None,
            'last': gradients.kernels[-1][1] if gradients.kernels else None,
            'zero_share': gradients.zero_share}


def layers_on_record(gradients: Optional[GradientSummary], outputs: Optional[OutputSummary],
                     probes: int) -> Optional[Dict[str, Any]]:
    """The numbers per layer that a report draws.

    Args:
        gradients: what a check measured of them; None if it did not.
        outputs: likewise.
        probes: made so far, this one included.

    Returns:
        None where nothing goes on record.
    """
    if gradients is None or probes % _interval(probes):
        return None
    kept = evenly(len(gradients.kernels))
    found: Dict[str, Any] = {
        'names': [gradients.kernels[i][0] for i in kept],
        'norms': [gradients.kernels[i][1] for i in kept]}
    if gradients.zero_shares:
        found['zero_shares'] = [gradients.zero_shares[i] for i in kept]
    if outputs is not None:
        kept = evenly(len(outputs.layers))
        found['outputs'] = dict(outputs.layers[i] for i in kept)
    return found


def _interval(probes: int) -> int:
    """Of how many probes one puts its numbers per layer on record, after so many of them."""
    interval = 1
    while probes > PROBES_ON_RECORD * interval:
        interval *= 2
    return interval


def evenly(count: int) -> List[int]:
    """Which of so many layers go on record: all, or the first, the last and some between."""
    if count <= LAYERS_ON_RECORD:
        return list(range(count))
    step = (count - 1) / (LAYERS_ON_RECORD - 1)
    return [round(i * step) for i in range(LAYERS_ON_RECORD)]
