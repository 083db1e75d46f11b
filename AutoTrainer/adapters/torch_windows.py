"""What a training gives step by step, gathered until an epoch, or a window of steps, has ended."""

import math
from typing import Any, Dict, Mapping, Optional, Tuple

import torch

from ..errors import UserError
from ..intake.config import check_count
from ..judge.history import JUDGMENT_EPOCHS
from ..judge.session import Plan
from ..judge.windows import Windows, windows_of

UNITS = ('epochs', 'steps')
"""What a verdict is given of: epochs, or windows of steps."""


def check_unit(unit: Optional[str], window: Optional[int]) -> None:
    """See that unit and window can be what they are.

    Raises:
        UserError: if not.
    """
    if unit not in (None,) + UNITS:
        raise UserError('unit is %r; give %s' % (unit, ' or '.join(map(repr, UNITS))))
    if window is not None:
        check_count('window', window)
        if unit == 'epochs':
            raise UserError("window is %d, but unit is 'epochs'; give unit='steps', or leave "
                            'window out' % window)


def plan_of(unit: Optional[str], window: Optional[int], epochs: Optional[int],
            steps: Optional[int], limit: Optional[int] = None
            ) -> Tuple[Plan, Optional[Windows]]:
    """What stands for an epoch, and how many there are to be.

    Args:
        unit: one of ``UNITS``; None for steps where there are too few epochs for a verdict.
        window: steps of a window; None leaves it to ``windows_of``.
        epochs: planned epochs; None if unknown.
        steps: of an epoch; None if unknown.
        limit: steps after which the training ends in any case; None without a limit.

    Returns:
        The plan, and the windows; None of these where epochs are judged.

    Raises:
        UserError: where it is not known how long the training is to be.
    """
    total = None if epochs is None or steps is None else epochs * steps
    if limit is not None:
        total = limit if total is None else min(total, limit)
        epochs = epochs if steps is None else math.ceil(total / steps)
    if unit is None:
        few = epochs is None or epochs < JUDGMENT_EPOCHS
        unit = 'steps' if total is not None and (few or window is not None) else 'epochs'
    if unit == 'steps' and total is not None:
        windows = windows_of(total, window)
        return Plan(windows.planned, windows.steps, window=windows.steps), windows
    if unit == 'steps' or epochs is None:
        raise UserError('how many %s the training is to have is not known, so that nothing can be '
                        'judged; plan its end' % unit)
    return Plan(epochs, steps), None


class _Mean:
    """A mean over rows; it stays on the device of its numbers until it is asked for."""

    def __init__(self) -> None:
        self._total: Any = 0.0
        self.rows = 0.0

    def add(self, value: Any, rows: float) -> None:
        """Take in a number, or a tensor, that stands for so many rows."""
        if isinstance(value, torch.Tensor):
            value = value.detach().double()
            value = value if value.ndim == 0 else value.mean()
        self._total = self._total + value * rows
        self.rows += rows

    def value(self) -> Optional[float]:
        """The mean; None of nothing."""
        return float(self._total) / self.rows if self.rows else None

    def clear(self) -> None:
        """Begin anew."""
        self._total = self.rows = 0.0


class Feed:
    """Losses and accuracies of steps, and validations, until they are asked for.

    Attributes:
        steps: that were taken in, all together.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._means = {'loss': _Mean(), 'acc': _Mean()}
        self._held: Dict[str, Any] = {}

    def step(self, loss: Any = None, accuracy: Any = None, rows: int = 1) -> None:
        """A step has been made.

        Args:
            loss: of its batch: a number or a tensor.
            accuracy: likewise.
            rows: of the batch.
        """
        self.steps += 1
        self.add(loss, accuracy, rows)

    def add(self, loss: Any = None, accuracy: Any = None, rows: float = 1) -> None:
        """Take in numbers that stand for so many rows, or steps."""
        for key, value in (('loss', loss), ('acc', accuracy)):
            if value is not None:
                self._means[key].add(value, rows)

    def hold(self, values: Mapping[str, Any]) -> None:
        """What a validation has come to."""
        self._held.update((key, value) for key, value in values.items() if value is not None)

    def values(self) -> Dict[str, Any]:
        """Means since this was last asked for, and the last validation since then."""
        found = {key: mean.value() for key, mean in self._means.items()}
        for mean in self._means.values():
            mean.clear()
        held, self._held = self._held, {}
        return dict(found, **held)

    @property
    def pending(self) -> bool:
        """Whether there is something that nobody has asked for."""
        return any(mean.rows for mean in self._means.values()) or bool(self._held)

    def state(self) -> Dict[str, Any]:
        """What :meth:`restore` needs, in plain numbers."""
        return {'steps': self.steps,
                'means': {key: [mean.value(), mean.rows] for key, mean in self._means.items()},
                'held': {key: float(value) for key, value in self._held.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where a feed stood."""
        self.steps, self._held = state['steps'], dict(state['held'])
        for key, mean in self._means.items():
            value, rows = state['means'][key]
            mean.clear()
            if value is not None:
                mean.add(value, rows)
