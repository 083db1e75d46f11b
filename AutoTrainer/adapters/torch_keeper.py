"""Keeps the best state of a module in training, and puts it back (``on_issue='restore'``)."""

import copy
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import nn

from ..judge.recovery import PutBack


class Keeper:
    """The best state of a training: parameters, buffers, optimizer, learning rates; copied.

    Args:
        model: the module, unwrapped.
        optimizer: of the training; None if it is not known.
        schedulers: of its learning rate, which are slowed down with it; None if it is not known
            whether there are some.
    """

    def __init__(self, model: nn.Module, optimizer: Any = None,
                 schedulers: Optional[Sequence[Any]] = None) -> None:
        self._schedulers = schedulers
        self._model, self._optimizer = model, optimizer
        self._epoch: Optional[int] = None
        self._state: Dict[str, Any] = {}
        self._steps: Any = None

    def keep(self, epoch: int) -> None:
        """Keep the state as it is.

        Args:
            epoch: after which it is kept, 0 before the first step.
        """
        self._state = copy.deepcopy(self._model.state_dict())
        if self._optimizer is not None:
            self._steps = copy.deepcopy(self._optimizer.state_dict())
        self._epoch = epoch

    def put_back(self, factor: Optional[float]) -> PutBack:
        """Put back what was kept.

        The rates are lowered from those of the moment or those of now, whichever are lower.

        Args:
            factor: what the learning rates are multiplied by; None leaves them as they were then.
        """
        with torch.no_grad():
            self._model.load_state_dict(self._state)
        optimizer = self._optimizer
        if optimizer is None:
            return PutBack(self._epoch, note='the optimizer is not known: give it to Watch')
        now = _rates_of(optimizer)
        optimizer.load_state_dict(copy.deepcopy(self._steps))
        if factor is None:
            return PutBack(self._epoch)
        before = [{name: min(rate, rates.get(name, rate)) for name, rate in group.items()}
                  for group, rates in zip(_rates_of(optimizer), now)]
        for rates, group in zip(before, optimizer.param_groups):
            group.update((name, rate * factor) for name, rate in rates.items())
        for scheduler in self._schedulers or ():
            _slow_down(scheduler, factor)
        unknown = self._schedulers is None and 'initial_lr' in optimizer.param_groups[0]
        return PutBack(self._epoch, (before[0]['lr'], before[0]['lr'] * factor),
                       'a scheduler may set it anew' if unknown else '')


_RATES = ('lr', 'initial_lr', 'max_lr', 'min_lr')
"""What optimizers hold of a rate, and of the schedule that it follows."""


def _rates_of(optimizer: Any) -> List[Dict[str, float]]:
    return [{name: float(group[name]) for name in _RATES if name in group}
            for group in optimizer.param_groups]


def _slow_down(scheduler: Any, factor: float) -> None:
    """Scale what a scheduler computes rates from, also inside those that hold others."""
    rates = getattr(scheduler, 'base_lrs', None)
    if rates is not None:
        scheduler.base_lrs = [rate * factor for rate in rates]
    for held in getattr(scheduler, '_schedulers', ()):
        _slow_down(held, factor)
