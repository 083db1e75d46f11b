"""The solutions by name, and in which order each strategy tries them.

A solution is a pure function of a candidate (:mod:`AutoTrainer.solutions.candidate`); nothing is
trained here. What each does stands in :mod:`AutoTrainer.solutions.structure` (it changes the
model) or :mod:`AutoTrainer.solutions.training` (it changes the training); which of them mend an
issue, in :mod:`AutoTrainer.judge.issues`.
"""

from typing import Dict, List, Tuple

from ..errors import UserError
from ..judge.issues import ISSUES
from ..settings import check_strategy
from ..solutions.candidate import Solution
from ..solutions.head import HEAD_SOLUTIONS
from ..solutions.pace import PACE_SOLUTIONS
from ..solutions.restraints import RESTRAINT_SOLUTIONS
from ..solutions.rows import ROW_SOLUTIONS
from ..solutions.structure import STRUCTURE_SOLUTIONS
from ..solutions.training import TRAINING_SOLUTIONS

SOLUTIONS: Dict[str, Solution] = {entry.name: entry
                                  for entry in (
                                      STRUCTURE_SOLUTIONS + TRAINING_SOLUTIONS + HEAD_SOLUTIONS
                                      + RESTRAINT_SOLUTIONS + ROW_SOLUTIONS + PACE_SOLUTIONS)}
"""Every solution by its name."""

_BALANCE: Dict[str, List[str]] = {name: list(issue.mends) for name, issue in ISSUES.items()}

STRATEGIES: Dict[str, Dict[str, List[str]]] = {
    'balance': _BALANCE,
    'structure': dict(
        _BALANCE,
        vanish=['relu_1', 'selu_1', 'bn_1'],
        explode=['gradient_2', 'relu_1', 'selu_1', 'tanh_1', 'bn_1'],
        relu=['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
        overfit=['estop_1', 'regular_1', 'dropout_1', 'GN_1']),
    'efficiency': dict(
        _BALANCE,
        vanish=['relu_1', 'selu_1', 'bn_1'],
        explode=['relu_1', 'selu_1', 'tanh_1', 'gradient_2', 'bn_1'],
        relu=['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
        overfit=['regular_1', 'dropout_1', 'estop_1', 'GN_1']),
}
"""For each strategy and issue the solutions in order; ``'lr_3'`` is ``lr`` with up to 3 tries
(upstream's three orders; ``balance`` is that of the table of issues)."""


def read_strategy(string: str) -> Tuple[str, int]:
    """Split an entry of a strategy: ``'lr_3'`` → ``('lr', 3)``.

    Raises:
        ValueError: if it is not a name of ``SOLUTIONS``, an underscore and a count.
    """
    name, _, tries = string.rpartition('_')
    if name not in SOLUTIONS or not tries.isdigit() or int(tries) < 1:
        raise ValueError('a strategy has %r; give NAME_TRIES with a name of %s'
                         % (string, ', '.join(sorted(SOLUTIONS))))
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
    name = check_strategy(method)
    if name not in STRATEGIES:
        raise UserError('strategy is %r, which tries no solutions in a fixed order; give %s'
                        % (method, ', '.join(STRATEGIES)))
    return {issue: list(entries) for issue, entries in STRATEGIES[name].items()}


for _order in STRATEGIES.values():  # a name that does not exist must not wait for its issue
    for _entries in _order.values():
        for _entry in _entries:
            read_strategy(_entry)
