"""Losses by their names, and which fits which labels: for the recognizer and the solutions.

Knows no Keras.
"""

import re
from typing import Any, FrozenSet, Tuple

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
