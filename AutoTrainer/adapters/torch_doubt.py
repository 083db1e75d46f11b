"""Which batches in inference mode are those of a training whose ``model.train()`` was forgotten.

Both a training in inference mode and a validation without ``no_grad`` give losses with a gradient.
What tells them apart is whether the weights change from one such batch to the next.
"""

import copy
from typing import Any, List, NamedTuple, Optional, Tuple

from torch import nn

_BEFORE = 8
"""Batches that are kept, at the most, where no change of the weights has been seen: those that a
first step may have been made of."""
_MOST = 64
"""Batches that are kept at the most, until a second change follows the first."""


class Doubtful(NamedTuple):
    """A batch in inference mode whose loss has a gradient.

    Attributes:
        args: what the loss was called with, without gradients.
        loss: likewise.
        given: what went into the module, where rows are gathered.
        before: what had been heard of validation batches before this one.
        held: the rows that had been gathered of them; None where none are.
    """

    args: Tuple[Any, ...]
    loss: Any
    given: Any
    before: Any
    held: Any


class Doubt:
    """Sees whether the weights change between batches in inference mode.

    One change is not enough: weights that are exchanged for a validation, as averaged ones are,
    change too.

    Args:
        model: the module, unwrapped.

    Attributes:
        batches: those that cannot be told yet, or, once it is sure, those of the training.
    """

    def __init__(self, model: nn.Module) -> None:
        self._parameters = [one for one in model.parameters() if one.requires_grad]
        self.forget()

    def forget(self) -> None:
        """Nothing is doubtful."""
        self.batches: List[Doubtful] = []
        self._trained = self._version = 0
        self._changed_at: Optional[int] = None  # batches before the first change

    def is_training(self, batch: Doubtful, trained: int) -> bool:
        """Whether a batch is one of a training for sure.

        Args:
            batch: it.
            trained: batches that were trained on before; what changes the weights between two
                batches of a validation is then known.
        """
        version = sum(one._version for one in self._parameters)
        if trained != self._trained or len(self.batches) >= _MOST:
            self.forget()
        changes = bool(self.batches) and version != self._version
        self._trained, self._version = trained, version
        count, before = len(self.batches), self._changed_at
        self.batches.append(batch)
        if changes and before is not None:
            del self.batches[:max(0, before - (count - before))]  # as many as the next step took
            return True
        if changes:
            self._changed_at = count
        elif before is None:
            del self.batches[:-_BEFORE]
        return False


def as_it_is(kept: Any) -> Any:
    """A copy of an object that goes on with lists of its own."""
    twin = copy.copy(kept)
    vars(twin).update((name, list(value)) for name, value in vars(kept).items()
                      if isinstance(value, list))
    return twin
