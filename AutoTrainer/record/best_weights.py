"""Keeps the weights of the best epoch, which a repair must not fall behind."""

import os
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from .. import keras_bridge
from ..judge.history import last_accuracy
from ..solutions.candidate import Weights
from .folder import written_whole

FILE = 'best_weights.npz'


class BestWeights(keras_bridge.keras.callbacks.Callback):
    """Copies the weights whenever the accuracy is higher than ever before, or the loss lower.

    Args:
        watch: the :class:`~AutoTrainer.utils.utils.LossHistory` of the training, called before.
        whole: whether the blueprint of the model holds its weights as a whole, not by layer.

    Attributes:
        score: highest validation accuracy so far; training accuracy without validation data; minus
            the loss likewise where there is no accuracy.
        arrays: all weights at that epoch, layer after layer (as a whole in Keras's order).
    """

    def __init__(self, watch: Any, whole: bool = False) -> None:
        super().__init__()
        self._watch = watch
        self._whole = whole
        self.score = float('-inf')
        self.arrays: List[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Compare and copy."""
        last = {key: series[-1] for key, series in self._watch.history.items()}
        score = last_accuracy(last)
        if score is None:
            loss = last['loss'] if last['val_loss'] is None else last['val_loss']
            score = None if loss is None or loss != loss else -loss
        if score is not None and score > self.score:
            self.score = score
            self.arrays = keras_bridge.all_weights(self.model) if self._whole else [
                array for arrays in keras_bridge.layer_weights(self.model).values()
                for array in arrays]

    def by_layer(self) -> Optional[Weights]:
        """The best weights by layer name, as a blueprint holds them; None without any."""
        if self._whole:
            return {'': self.arrays} if self.arrays else None
        arrays = iter(self.arrays)
        return {layer.name: [next(arrays) for _ in layer.weights]
                for layer in self.model.layers if layer.weights} if self.arrays else None


def save_best(folder: str, weights: Optional[Weights]) -> None:
    """Write best weights into the folder of a training; None writes nothing."""
    if weights is None:
        return
    arrays: Dict[str, Any] = {'%s|%d' % (name, i): array for name, own in weights.items()
                              for i, array in enumerate(own)}
    with written_whole(os.path.join(folder, FILE)) as part, open(part, 'wb') as file:
        np.savez(file, **arrays)


def load_best(folder: str) -> Optional[Weights]:
    """Read what :func:`save_best` wrote; None if it wrote nothing."""
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return None
    weights: Weights = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:  # in the order in which they were written
            weights.setdefault(key.rpartition('|')[0], []).append(arrays[key])
    return weights
