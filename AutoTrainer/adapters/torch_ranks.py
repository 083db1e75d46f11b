"""Several processes that train one module: the first one judges, and all stop together."""

from typing import Any

import torch
from torch import distributed


class Ranks:
    """The processes of a training; every one has a watch of its own, and calls it as often.

    Attributes:
        judges: whether this is the process that judges.
    """

    def __init__(self) -> None:
        self._several = (distributed.is_available() and distributed.is_initialized()
                         and distributed.get_world_size() > 1)
        self.judges = not self._several or distributed.get_rank() == 0

    def agreed(self, decision: int) -> int:
        """What the process that judges has decided, on all of them."""
        if not self._several:
            return decision
        on_gpu = distributed.get_backend() == 'nccl'
        decided = torch.tensor([decision], device='cuda' if on_gpu else 'cpu')
        distributed.broadcast(decided, 0)
        return int(decided.item())

    def shared(self, value: Any) -> Any:
        """A value of the process that judges, on all of them."""
        if not self._several:
            return value
        held = [value if self.judges else None]
        distributed.broadcast_object_list(held, 0)
        return held[0]
