"""AutoTrainer: training runs that diagnose and repair themselves.

The public names below are imported when they are first used, so that ``import AutoTrainer`` itself
loads neither Keras nor a backend.
"""

import importlib
from typing import Any

__version__ = '1.2.0'

_HOMES = {
    'Watch': 'AutoTrainer.watching',
    'check': 'AutoTrainer.checking',
    'repair': 'AutoTrainer.repairing',
    'Repaired': 'AutoTrainer.repairing',
    'register_symptom': 'AutoTrainer.extending',
    'register_solution': 'AutoTrainer.extending',
    'unregister': 'AutoTrainer.extending',
    'NotApplicable': 'AutoTrainer.solutions.candidate',
    'Finding': 'AutoTrainer.judge.preflight',
    'LossHistory': 'AutoTrainer.utils.utils',
    'model_train': 'AutoTrainer.utils.utils',
    'model_retrain': 'AutoTrainer.utils.utils',
    'Session': 'AutoTrainer.judge.session',
    'Watching': 'AutoTrainer.settings',
    'Repairing': 'AutoTrainer.settings',
    'IssueMonitor': 'AutoTrainer.utils.monitor',
    'Verdict': 'AutoTrainer.judge.facts',
    'ol_judge': 'AutoTrainer.utils.monitor',
    'getdynamicCF': 'AutoTrainer.utils.monitor',
    'Repair_Module': 'AutoTrainer.utils.modules',
    'UserError': 'AutoTrainer.errors',
    'get_dataset': 'AutoTrainer.data',
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError('module %r has no attribute %r' % (__name__, name))
    return getattr(importlib.import_module(_HOMES[name]), name)
