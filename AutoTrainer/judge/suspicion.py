"""What a training is suspected of before there is a verdict: symptoms that hold now.

No verdict rests on it: it is for whoever watches the training go by.
"""

import math
from typing import Dict, Optional

from ..utils.monitor import LARGE_LOSS, IssueMonitor, loss_issue
from .configuration import Symptom
from .facts import LOSS_SHARE
from .gradients import gradient_issue, weights_issue
from .history import JUDGMENT_EPOCHS
from .watcher import Check

_SHOWN_BY = (
    ('abnormal_data', ('abnormal_data',)),
    ('activation_issue', ('improper_activation',)),
    ('loss_issue', ('improper_loss', 'abnormal_loss')),
    ('relu', ('died_relu',)),
    ('explode', ('nan_loss', 'nan_weight', 'nan_gradient', 'explode_gradient')),
    ('vanish', ('vanish_gradient',)),
    ('collapse', ('collapse',)),
    ('not_converge', ('sc_accuracy',)),
    ('unstable', ('unstable_loss',)),
    ('overfit', ('test_not_well',)),
)
"""Issues, the one to be repaired first in front, and the symptoms that each is suspected by."""

_OF_THE_UNCONVERGED = ('abnormal_data', 'activation_issue', 'loss_issue', 'relu', 'vanish',
                       'not_converge')


def suspected(monitor: IssueMonitor, check: Optional[Check] = None) -> Dict[str, str]:
    """Issues whose symptoms hold now, with the symptom in words, although they are no verdict yet.

    Nothing is measured for it: the history counts as if the judgment point had come, the gradients
    are those of the last check. A training that surely learns enough is suspected of nothing, and
    neither is one of fewer than three epochs.

    Args:
        monitor: the recognizer of the training.
        check: its last check; None before the first.
    """
    state = monitor.state
    if state.non_finite:
        return {'explode': '%s is not a finite number' % state.non_finite}
    if monitor.proven or state.epochs < JUDGMENT_EPOCHS:
        return {}
    symptoms: Dict[str, Symptom] = loss_issue(
        state, monitor.total_epoch, monitor.params, monitor.determine_threshold, early=True,
        large_loss=math.inf if state.measure is LOSS_SHARE else LARGE_LOSS)
    symptoms['collapse'] = monitor.collapse.reason
    if check is not None:
        for name, holds in check.judgment.features.items():
            if holds:
                symptoms.setdefault(name, name.replace('_', ' '))
        if check.gradients is not None:
            symptoms.update(gradient_issue(check.gradients, monitor.params))
            symptoms.update(weights_issue(check.gradients))
    unconverged = bool(symptoms['not_converge']) or monitor.by_skill
    found = {}
    for issue, names in _SHOWN_BY:
        reason = next((symptoms[name] for name in names if symptoms.get(name)), None)
        if reason and (unconverged or issue not in _OF_THE_UNCONVERGED):
            found[issue] = reason
    return found
