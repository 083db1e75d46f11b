"""The probe: one batch in, a few numbers per layer out.

The batch is drawn once per training, at random but seeded, so that data sorted by class does not
show the probe one class only, and so that the numbers of two checks can be compared. Gradients are
those of inference mode: the probe must not draw random numbers or move batch statistics, or it
would change the training it watches.
"""

import time
from typing import Any, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..intake.arrays import Batch
from ..judge import facts
from ..judge.baseline import constant_loss
from ..judge.facts import GradientSummary, OutputSummary, Task
from ..judge.gradients import silent_inputs, summarise_gradients
from ..judge.labels import label_kind
from ..judge.losses import loss_name


def describe_task(model: Any, batch: Batch, labels: Any = None) -> Task:
    """What a training is set to do (see :class:`~AutoTrainer.judge.facts.Task`).

    Args:
        model: compiled model.
        batch: of its data.
        labels: all labels, where they are known: those of a batch may lack a class.
    """
    arriving = keras_bridge.first_kernel_input(model, batch.x)
    return Task(loss=loss_name(getattr(model, 'loss', None)),
                head=keras_bridge.head_activation(model),
                units=keras_bridge.output_units(model),
                labels=label_kind(batch.y if labels is None else labels,
                                  getattr(model, 'output_shape', None)),
                logits=keras_bridge.takes_logits(getattr(model, 'loss', None)),
                input_scale=float('nan') if arriving is None else float(np.mean(np.abs(arriving))))


def baseline_loss(model: Any, labels: Any) -> Optional[float]:
    """The compiled loss of the best constant prediction.

    Args:
        model: compiled model.
        labels: all training labels.

    Returns:
        See :func:`~AutoTrainer.judge.baseline.constant_loss`.
    """
    loss = getattr(model, 'loss', None)
    return constant_loss(labels, loss_name(loss), keras_bridge.loss_function(loss),
                         output_shape=getattr(model, 'output_shape', None),
                         logits=keras_bridge.takes_logits(loss),
                         ignore_class=getattr(loss, 'ignore_class', None))


class Probe(facts.Probe):
    """Measures gradients and layer outputs of a model in training.

    Nothing is compiled before the first measurement, so a training that is never probed pays
    nothing.

    Args:
        model: compiled model; always measured with its present weights.
        batch: see :func:`~AutoTrainer.intake.arrays.draw_batch`.
        labels: see :func:`describe_task`.
    """

    def __init__(self, model: Any, batch: Batch, labels: Any = None) -> None:
        self.model = model
        self.batch = batch
        self.labels = labels
        self._gradients: Any = None
        self._outputs: Any = None
        self._layers: Tuple[str, ...] = ()

    def gradients(self) -> GradientSummary:
        """Gradient norms per kernel and the share of zeros, as the weights stand now."""
        if self._gradients is None:
            self._gradients = keras_bridge.gradient_statistics(self.model, self.batch.x,
                                                               self.batch.y)
            self._variables = keras_bridge.trainable_variables(self.model)
            self._rectified = keras_bridge.has_rectifiers(self.model)
            self._silent = silent_inputs(self.batch.x)
        started = time.perf_counter()
        rows = self._gradients()
        return summarise_gradients(self._variables, rows, self._rectified,
                                   time.perf_counter() - started, self._silent)

    def task(self) -> Task:
        """What the training is set to do."""
        return describe_task(self.model, self.batch, self.labels)

    def outputs(self) -> OutputSummary:
        """Mean absolute output per layer and the range of the model's output."""
        if self._outputs is None:
            names, self._outputs = keras_bridge.output_statistics(self.model, self.batch.x)
            self._layers = tuple(names)
        values = [float(v) for v in self._outputs()]
        lowest, highest, largest_sum = values[-3:]
        return OutputSummary(tuple(zip(self._layers, values)), lowest, highest, largest_sum)
