"""The solutions by name, and in which order each strategy tries them.

A solution is a pure function of a candidate (:mod:`AutoTrainer.solutions.candidate`); nothing is
trained here. What each does stands in :mod:`AutoTrainer.solutions.structure` (it changes the
model) or :mod:`AutoTrainer.solutions.training` (it changes the training).
"""

from typing import Dict, List, Tuple

from ..errors import UserError
from ..solutions.candidate import Candidate, Solution
from ..solutions.structure import STRUCTURE_SOLUTIONS
from ..solutions.training import TRAINING_SOLUTIONS

__all__ = ['SOLUTIONS', 'STRATEGIES', 'Candidate', 'Solution', 'read_strategy', 'repair_strategy']

SOLUTIONS: Dict[str, Solution] = {entry.name: entry
                                  for entry in STRUCTURE_SOLUTIONS + TRAINING_SOLUTIONS}
"""Every solution by its name."""

_ALWAYS: Dict[str, List[str]] = {
    'unstable': ['adam_1', 'lr_3', 'ReduceLR_1', 'batch_4', 'momentum_3', 'GN_1', 'initial_3'],
    'not_converge': ['optimizer_3', 'lr_3', 'initial_3'],
    'activation_issue': ['activation_1'],
    'loss_issue': ['loss_1'],
    'abnormal_data': ['data_1'],
    'collapse': ['restart_2', 'lr_2', 'selu_1', 'bn_1', 'leaky_2'],
}

STRATEGIES: Dict[str, Dict[str, List[str]]] = {
    'balance': dict(
        _ALWAYS,
        vanish=['selu_1', 'relu_1', 'bn_1'],
        explode=['selu_1', 'relu_1', 'gradient_2', 'tanh_1', 'bn_1'],
        relu=['selu_1', 'bn_1', 'initial_3', 'leaky_3'],
        overfit=['regular_1', 'estop_1', 'dropout_1', 'GN_1']),
    'structure': dict(
        _ALWAYS,
        vanish=['relu_1', 'selu_1', 'bn_1'],
        explode=['gradient_2', 'relu_1', 'selu_1', 'tanh_1', 'bn_1'],
        relu=['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
        overfit=['estop_1', 'regular_1', 'dropout_1', 'GN_1']),
    'efficiency': dict(
        _ALWAYS,
        vanish=['relu_1', 'selu_1', 'bn_1'],
        explode=['relu_1', 'selu_1', 'tanh_1', 'gradient_2', 'bn_1'],
        relu=['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
        overfit=['regular_1', 'dropout_1', 'estop_1', 'GN_1']),
}
"""For each strategy and issue the solutions in order; ``'lr_3'`` is ``lr`` with up to 3 tries
(upstream's three orders)."""

_ALIASES = {'efficient': 'efficiency'}


def read_strategy(entry: str) -> Tuple[str, int]:
    """Split an entry of a strategy: ``'lr_3'`` → ``('lr', 3)``.

    Raises:
        ValueError: if it is not a name of ``SOLUTIONS``, an underscore and a count.
    """
    name, _, tries = entry.rpartition('_')
    if name not in SOLUTIONS or not tries.isdigit() or int(tries) < 1:
        raise ValueError('a strategy has %r; give NAME_TRIES with a name of %s'
                         % (entry, ', '.join(sorted(SOLUTIONS))))
    return name, int(tries)


def repair_strategy(method: str = 'balance') -> Dict[str, List[str]]:
    """The solutions of every issue, in the order in which a strategy tries them.

    Args:
        method: ``'balance'``, ``'structure'`` or ``'efficiency'`` (also ``'efficient'``).

    Returns:
        A new dictionary: issue → entries such as ``'selu_1'``.

    Raises:
        UserError: for another name.
    """
    found = STRATEGIES.get(_ALIASES.get(method, method)) if isinstance(method, str) else None
    if found is None:
        raise UserError('strategy is %r; give %s' % (method, ', '.join(STRATEGIES)))
    return {issue: list(entries) for issue, entries in found.items()}
