"""The probe: one batch in, a few numbers per layer out.

The batch is drawn once per training, at random but seeded, so that data sorted by class does not
show the probe one class only, and so that the numbers of two checks can be compared. Gradients are
those of inference mode: the probe must not draw random numbers or move batch statistics, or it
would change the training it watches.
"""

import time
from typing import Any, List, Mapping, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..errors import UserError
from ..intake import inputs
from ..intake.arrays import Batch, draw_batch
from ..judge import facts
from ..judge.baseline import constant_loss
from ..judge.facts import GradientSummary, OutputSummary, Task
from ..judge.gradients import silent_inputs, summarise_gradients
from ..judge.labels import label_kind
from ..judge.losses import loss_name
from ..judge.preflight import Finding
from ..judge.reference import Measured, Reference
from ..judge.yardstick import Yardstick

PROBE_ROWS = (32, 512)
"""Rows of the probe's batch: the training's batch size, kept between these two."""


def probe_batch(training_data: Any, batch_size: Optional[int], seed: int) -> Optional[Batch]:
    """The probe's batch from what a user gives as training data.

    Args:
        training_data: see :class:`~AutoTrainer.utils.utils.LossHistory`.
        batch_size: the training's; the batch has 32 to 512 rows.
        seed: which rows.

    Returns:
        The batch, or None without data.

    Raises:
        UserError: if the data is of another kind, or cannot be trained on.
    """
    if training_data is None:
        return None
    if isinstance(training_data, (str, bytes, int, float)):
        raise UserError("training_data is a %s; give (x, y) or {'x': …, 'y': …}"
                        % type(training_data).__name__)
    pair = row_pair(training_data)
    if pair is None:
        x, y = keras_bridge.first_batch(training_data)
    else:
        x, y = inputs.check_pair(*pair)
    rows = min(max(batch_size or PROBE_ROWS[0], PROBE_ROWS[0]), PROBE_ROWS[1])
    return draw_batch(x, y, rows, seed)


def row_pair(training_data: Any) -> Optional[Tuple[Any, Any]]:
    """Inputs and labels of all rows; None if the data comes in batches."""
    if isinstance(training_data, Mapping) and {'x', 'y'} <= set(training_data):
        return training_data['x'], training_data['y']
    if isinstance(training_data, tuple) and len(training_data) in (2, 3) or (
            isinstance(training_data, list) and len(training_data) == 2):
        return training_data[0], training_data[1]  # the third are weights, of no use here
    return None


def all_labels(training_data: Any) -> Optional[np.ndarray]:
    """All training labels, if they are one array; None if they are not known."""
    pair = None if training_data is None else row_pair(training_data)
    arrays = None if pair is None else inputs.as_arrays(pair[1])
    if arrays is None or isinstance(arrays, (dict, list, tuple)):
        return None
    labels = np.asarray(arrays)  # also of pandas, JAX, PyTorch
    return labels if labels.ndim and labels.dtype.kind in 'biuf' else None


def describe_task(model: Any, batch: Batch, labels: Any = None) -> Task:
    """What a training is set to do (see :class:`~AutoTrainer.judge.facts.Task`).

    Args:
        model: compiled model.
        batch: of its data.
        labels: all labels, where they are known: those of a batch may lack a class.
    """
    arriving = keras_bridge.first_kernel_input(model, batch.x)
    scale = float('nan') if arriving is None else float(np.mean(np.abs(arriving)))
    return plain_task(model, batch.y if labels is None else labels)._replace(input_scale=scale)


def plain_task(model: Any, labels: Any) -> Task:
    """What can be told of a task without sending anything through the model.

    Args:
        model: compiled model.
        labels: of as many rows as are at hand.
    """
    return Task(loss=loss_name(getattr(model, 'loss', None)),
                head=keras_bridge.head_activation(model),
                units=keras_bridge.output_units(model),
                labels=label_kind(labels, getattr(model, 'output_shape', None)),
                logits=keras_bridge.takes_logits(getattr(model, 'loss', None)))


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
    """Measures gradients, layer outputs and skill of a model in training.

    Nothing is compiled before the first measurement, so a training that is never probed pays
    nothing.

    Args:
        model: compiled model; always measured with its present weights.
        batch: see :func:`~AutoTrainer.intake.arrays.draw_batch`.
        labels: see :func:`describe_task`.
        source: gives the rows that skill is measured on, see
            :class:`AutoTrainer.adapters.keras_source.Source`; None to measure none.
    """

    def __init__(self, model: Any, batch: Batch, labels: Any = None,
                 source: Any = None) -> None:
        self.model = model
        self.batch = batch
        self.labels = labels
        self._source = source
        self._predict: Any = None
        self._reference: Optional[Reference] = None
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

    def findings(self, thorough: bool) -> List[Finding]:
        """What is wrong with how the training is set up, see :func:`AutoTrainer.check`."""
        return [] if self._source is None else self._source.findings(self.model, thorough)

    # ----------------------------------------------------------------------------------- skill

    @property
    def reference(self) -> Optional[Reference]:
        """What the training is held against; None where its rows are not known."""
        if self._reference is None and self._source is not None:
            self._reference = self._source.reference(self.model)
        return self._reference

    def skills(self) -> Optional[Measured]:
        """What the model's predictions are worth now, in inference mode."""
        reference = self.reference
        if reference is None:
            return None
        if self._predict is None:
            self._predict = keras_bridge.predictor(self.model)
            self._rows = reference.measured_rows()
        return reference.measured([self._predict(x) for x in self._rows])

    def yardsticks(self) -> Tuple[Yardstick, ...]:
        """What classical learners reach on the same rows."""
        return () if self.reference is None else self.reference.yardsticks()
