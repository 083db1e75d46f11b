"""The callback that ends a training between two batches when a signal has asked for it."""

from typing import Any, Callable, Mapping, Optional

from .. import interrupts
from .generation import LEGACY, keras


class HonourSignals(keras.callbacks.Callback):
    """Raises what :mod:`AutoTrainer.interrupts` has noted; comes last among the callbacks.

    It looks before a batch, never after one, where Keras 3 would have to read the numbers of that
    batch for it. Nor does it look at the end of an epoch: what the last one brought is to be kept.
    """

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Before the first epoch."""
        interrupts.honour()

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Before an epoch, the checkpoint of the last one written."""
        interrupts.honour()

    if LEGACY:  # where any hook for batches makes each one a tenth of a small model's batch longer
        def set_model(self, model: Any) -> None:
            """Before the batches of a model, in training and evaluation."""
            super().set_model(model)
            model.train_function = _honouring(model.make_train_function())
            model.test_function = _honouring(model.make_test_function())
    else:
        def on_train_batch_begin(self, batch: int,
                                 logs: Optional[Mapping[str, Any]] = None) -> None:
            """Before a batch of the training."""
            interrupts.honour()

        def on_test_batch_begin(self, batch: int,
                                logs: Optional[Mapping[str, Any]] = None) -> None:
            """Before a batch of an evaluation."""
            interrupts.honour()


def _honouring(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of ``tf.keras`` that makes one step, after a look at the signals."""
    def look_and_step(iterator: Any) -> Any:
        interrupts.honour()
        return step(iterator)
    return look_and_step
