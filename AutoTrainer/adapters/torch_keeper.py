"""Keeps the best state of a module in training, and puts it back (``on_issue='restore'``)."""

import copy
from typing import Any, Dict, Optional

import torch
from torch import nn

from ..judge.recovery import PutBack


class Keeper:
    """The best state of a training: parameters, buffers, optimizer, learning rates; copied.

    Args:
        model: the module, unwrapped.
        optimizer: of the training; None if it is not known.
    """

    def __init__(self, model: nn.Module, optimizer: Any = None) -> None:
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
        now = [float(group['lr']) for group in optimizer.param_groups]
        optimizer.load_state_dict(copy.deepcopy(self._steps))
        if factor is None:
            return PutBack(self._epoch)
        before = [min(rate, float(group['lr'])) for rate, group in zip(now, optimizer.param_groups)]
        for rate, group in zip(before, optimizer.param_groups):
            group['lr'] = rate * factor
        return PutBack(self._epoch, (before[0], before[0] * factor))
