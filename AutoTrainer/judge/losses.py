"""Losses by their names, and which fits which labels: for the recognizer and the solutions.

Knows no Keras.
"""

import math
import re
from typing import Any, Callable, FrozenSet, Tuple

import numpy as np

REGRESSION_LOSSES = frozenset((
    'mean_squared_error', 'mean_absolute_error', 'mean_absolute_percentage_error',
    'mean_squared_logarithmic_error', 'huber', 'huber_loss', 'log_cosh', 'logcosh', 'poisson',
    'cosine_similarity', 'hinge', 'squared_hinge'))
BINARY_LOSSES = frozenset(('binary_crossentropy', 'binary_focal_crossentropy'))
CATEGORICAL_LOSSES = frozenset(('categorical_crossentropy', 'categorical_focal_crossentropy',
                                'kl_divergence', 'categorical_hinge'))
CLASS_LOSSES = BINARY_LOSSES | CATEGORICAL_LOSSES | {'sparse_categorical_crossentropy'}
KNOWN_LOSSES = REGRESSION_LOSSES | CLASS_LOSSES

PROVING_LOSSES = CLASS_LOSSES - {'categorical_hinge'} | {
    'mean_squared_error', 'mean_absolute_error', 'huber', 'huber_loss', 'log_cosh', 'logcosh'}
"""Losses of which a training that has lost most of the constant answer's loss has learnt most. Not
so of ratios and directions: of percentages most is lost by answering nearly nothing."""

NON_NEGATIVE_LOSSES = CLASS_LOSSES - {'categorical_hinge'}
"""Losses that cannot be negative when outputs and labels are what they assume."""

_LOSS_NAMES = dict(
    {name.replace('_', ''): name for name in sorted(KNOWN_LOSSES)},
    logcosh='log_cosh', huberloss='huber', bce='binary_crossentropy', mse='mean_squared_error',
    mae='mean_absolute_error', mape='mean_absolute_percentage_error',
    msle='mean_squared_logarithmic_error', kld='kl_divergence',
    kullbackleiblerdivergence='kl_divergence')
"""The field's name of a loss by what Keras calls it, in small letters and without underscores."""


def loss_name(loss: Any) -> str:
    """The field's name of a loss: ``'categorical_crossentropy'`` for string, function or object.

    Returns:
        The name in snake case; '' for no loss or several.
    """
    if loss is None or isinstance(loss, (list, tuple, dict)):
        return ''
    if not isinstance(loss, str):
        loss = getattr(loss, '__name__', None) or type(loss).__name__
    key = loss.replace('_', '').lower()
    if key in _LOSS_NAMES:
        return _LOSS_NAMES[key]
    return re.sub('(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', '_', loss).lower()


def fitting_losses(labels: str, units: int) -> Tuple[str, FrozenSet[str]]:
    """Losses that fit a kind of labels.

    Args:
        labels: kind of the labels, see :class:`AutoTrainer.judge.facts.Task`.
        units: outputs of the model.

    Returns:
        The loss to use, and all that can be left as they are; '' and none if the labels do not
        say.
    """
    if labels == 'one_hot':
        return 'categorical_crossentropy', (CATEGORICAL_LOSSES | BINARY_LOSSES if units == 2
                                            else CATEGORICAL_LOSSES)
    if labels == 'multi_hot':
        return 'binary_crossentropy', BINARY_LOSSES
    if labels in ('binary', 'integer') and units > 1:
        return 'sparse_categorical_crossentropy', frozenset(('sparse_categorical_crossentropy',))
    if labels == 'binary' and units == 1:
        return 'binary_crossentropy', BINARY_LOSSES | {'hinge', 'squared_hinge'}
    if labels == 'real' or (labels == 'integer' and units == 1):
        return 'mean_squared_error', REGRESSION_LOSSES
    return '', frozenset()


_LABELS = (0.2, 0.9, 0.4, 0.7, 0.1, 0.8, 0.3, 0.5)
_OUTPUTS = np.linspace(0.1, 0.9, len(_LABELS), dtype=np.float32)[:, None]


def pairs_nothing(loss: Callable[[np.ndarray, np.ndarray], float], binary: bool,
                  flat: bool) -> bool:
    """Whether a loss is the same however the outputs are shared out among the labels.

    So is one that takes labels of shape (rows,) and outputs of shape (rows, 1) for a table of all
    pairs.

    Args:
        loss: (labels, outputs) → their mean loss.
        binary: whether it takes labels 0 and 1 alone.
        flat: whether it gets the labels without a second axis.
    """
    labels = np.array(_LABELS, np.float32)
    labels = labels.round() if binary else labels
    labels = labels if flat else labels[:, None]
    known = loss(labels, _OUTPUTS)
    near = 1e-5 * abs(known)
    return (math.isfinite(known) and known == loss(labels, _OUTPUTS)
            and abs(known - loss(labels, _OUTPUTS / 2)) > 100 * near
            and all(abs(known - loss(labels, other)) <= near
                    for other in (_OUTPUTS[::-1].copy(), np.roll(_OUTPUTS, 3, axis=0))))
