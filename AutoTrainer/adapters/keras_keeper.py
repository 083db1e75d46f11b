"""Keeps the best state of a Keras model in training, and puts it back (``on_issue='restore'``)."""

from typing import Any, List, Optional

import numpy as np

from .. import keras_bridge
from ..errors import first_line
from ..judge.recovery import PutBack
from ..utils.logger import LOGGER


class Keeper:
    """The best state of a model: weights, moving statistics, optimizer, learning rate; in memory.

    Args:
        model: compiled model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._epoch: Optional[int] = None
        self._state: List[np.ndarray] = []
        self._failed = 'the model was built by its first step'

    def keep(self, epoch: int) -> None:
        """Keep the state as it is; a model without weights yet has none.

        What cannot be read is no reason to fail: the one before stays.

        Args:
            epoch: after which it is kept, 0 before the first step.
        """
        if not self._model.built:
            return
        try:
            self._state = keras_bridge.training_state(self._model)
            self._epoch = epoch
        except Exception as error:  # of an optimizer, or of a model that has none
            failed = 'its state cannot be read (%s)' % first_line(error)
            if failed != self._failed:
                LOGGER.warning('the state of the model cannot be kept at epoch %d, to be put back '
                               'later (%s)', epoch, first_line(error))
            self._failed = failed

    def put_back(self, factor: Optional[float]) -> PutBack:
        """Put back what was kept.

        The rate is lowered from that of the moment or that of now, whichever is lower: twice back
        to one epoch is lowered twice.

        Args:
            factor: what the learning rate is multiplied by; None leaves it as it was then.
        """
        if self._epoch is None:
            return PutBack(None, note='no weights were kept: ' + self._failed)
        now = keras_bridge.learning_rate(self._model)
        if not keras_bridge.restore_training(self._model, self._state):
            return PutBack(None, note='the model has other weights than the one that was kept')
        then = keras_bridge.learning_rate(self._model)
        if factor is None:
            return PutBack(self._epoch)
        if now is None or then is None:
            return PutBack(self._epoch, note='the learning rate cannot be read')
        before = min(now, then)
        refused = keras_bridge.set_learning_rate(self._model, before * factor, factor)
        after = keras_bridge.learning_rate(self._model)
        if refused or after is None:
            return PutBack(self._epoch, note=refused)
        return PutBack(self._epoch, (_plain(after / factor), _plain(after)))


def _plain(rate: float) -> float:
    """A rate without the digits that single precision adds."""
    return float('%.6g' % rate)
