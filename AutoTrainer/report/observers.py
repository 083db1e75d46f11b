"""Who looks on while a training is watched, by the settings of whoever watches it."""

from typing import List, Optional

from ..judge.session import Observer
from .progress import Live


def observers_of(progress: bool = False, tensorboard: Optional[str] = None) -> List[Observer]:
    """The observers of a session.

    Args:
        progress: whether to show a live line.
        tensorboard: folder for what TensorBoard shows; None for none.

    Raises:
        UserError: if tensorboardX is not installed.
    """
    found: List[Observer] = [Live()] if progress else []
    if tensorboard is not None:
        from .tensorboard import Writer
        found.append(Writer(tensorboard))
    return found
