"""The probe: one batch in, a few numbers per layer out.

The batch is drawn once per training, at random but seeded, so that data sorted by class does not
show the probe one class only, and so that the numbers of two checks can be compared. Gradients are
those of inference mode: the probe must not draw random numbers or move batch statistics, or it
would change the training it watches.
"""

import time
from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..judge import facts
from ..judge.facts import GradientSummary, OutputSummary, Task


class Batch(NamedTuple):
    """A batch for the probe.

    Attributes:
        x: inputs: an array, or a list or dictionary of arrays.
        y: labels: likewise.
    """

    x: Any
    y: Any


def row_count(data: Any) -> int:
    """Rows of an array, or of the first array of a list or dictionary of inputs."""
    while isinstance(data, (dict, list, tuple)):
        data = next(iter(data.values() if isinstance(data, dict) else data))
    return len(data)


def draw_batch(x: Any, y: Any, size: int, seed: int) -> Batch:
    """Draw the probe's rows at random, without repetition.

    Args:
        x: all training inputs.
        y: all training labels.
        size: rows to draw; all if there are fewer.
        seed: the same seed draws the same rows.

    Returns:
        The batch, its rows in the order of the data.
    """
    count = row_count(x)
    chosen = np.sort(np.random.RandomState(seed % 2**32).choice(count, min(size, count),
                                                                 replace=False))
    rows = keras_bridge.map_arrays(lambda a: np.asarray(a)[chosen], x)
    labels = keras_bridge.map_arrays(lambda a: np.asarray(a)[chosen], y)
    return Batch(rows, labels)


LABEL_ROWS = 10000
"""Labels that are looked at, at the most, evenly spread over all of them: a rare class may be
missing from a batch, and there may be millions."""


def label_kind(y: Any, output_shape: Any = None) -> str:
    """What labels look like: the ``labels`` of :class:`~AutoTrainer.utils.monitor.Task`.

    Args:
        y: labels, of as many rows as are at hand.
        output_shape: the model's, (None, …); labels with one axis less are class numbers.
    """
    if isinstance(y, (dict, list, tuple)):
        return ''
    y = np.asarray(y)
    if y.ndim == 0 or y.size == 0 or y.dtype.kind not in 'biuf':
        return ''
    y = y[::len(y) // LABEL_ROWS + 1]
    if isinstance(output_shape, tuple) and y.ndim == len(output_shape) - 1:
        y = y[..., None]
    zero_one = bool(np.all((y == 0) | (y == 1)))
    if y.ndim >= 2 and y.shape[-1] > 1:
        if not zero_one:
            return 'real'
        return 'one_hot' if bool(np.all(y.sum(axis=-1) == 1)) else 'multi_hot'
    if zero_one:
        return 'binary'
    return 'integer' if bool(np.all(y == np.floor(y))) else 'real'


def describe_task(model: Any, batch: Batch, labels: Any = None) -> Task:
    """What a training is set to do (see :class:`~AutoTrainer.utils.monitor.Task`).

    Args:
        model: compiled model.
        batch: of its data.
        labels: all labels, where they are known: those of a batch may lack a class.
    """
    arriving = keras_bridge.first_kernel_input(model, batch.x)
    return Task(loss=keras_bridge.loss_name(getattr(model, 'loss', None)),
                head=keras_bridge.head_activation(model),
                units=keras_bridge.output_units(model),
                labels=label_kind(batch.y if labels is None else labels,
                                  getattr(model, 'output_shape', None)),
                logits=keras_bridge.takes_logits(getattr(model, 'loss', None)),
                input_scale=float('nan') if arriving is None else float(np.mean(np.abs(arriving))))


class Probe(facts.Probe):
    """Measures gradients and layer outputs of a model in training.

    Nothing is compiled before the first measurement, so a training that is never probed pays
    nothing.

    Args:
        model: compiled model; always measured with its present weights.
        batch: see :func:`draw_batch`.
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


def silent_inputs(x: Any) -> Tuple[int, int]:
    """(inputs, how many of them are zero in every row) of a single array of inputs."""
    if not isinstance(x, np.ndarray):
        return 0, 0
    columns = x.reshape(len(x), -1)
    return columns.shape[1], int(np.count_nonzero(~columns.any(axis=0)))


def summarise_gradients(variables: Any, rows: np.ndarray, rectified: bool, seconds: float = 0.0,
                        silent: Tuple[int, int] = (0, 0)) -> GradientSummary:
    """From the probe's rows to the summary that the recognizer reads.

    Args:
        variables: (name, shape, belongs to an Embedding) of every trainable variable.
        rows: array of shape (variables, 5), see
            :func:`AutoTrainer.keras_bridge.gradient_statistics`.
        rectified: whether the model has units that can die.
        seconds: what the measurement cost.
        silent: see :func:`silent_inputs`.

    Returns:
        The summary. What has no gradient because nothing came in says nothing of dead units and
        is left out of the zero share: Embeddings, for tokens that are not in the batch, and the
        rows of a first kernel whose inputs are zero in the whole batch.
    """
    counted = [(int(np.prod(shape)), row[1]) for (_, shape, embedded), row in zip(variables, rows)
               if not embedded]
    if variables and len(variables[0][1]) == 2 and variables[0][1][0] == silent[0] and counted:
        unfed = silent[1] * variables[0][1][1]
        counted[0] = (counted[0][0] - unfed, max(0, counted[0][1] - unfed))
    total = sum(size for size, _ in counted)
    return GradientSummary(
        kernels=tuple((name, float(row[0])) for (name, shape, _), row in zip(variables, rows)
                      if len(shape) >= 2),
        zero_shares=tuple(float(row[1]) / max(1, int(np.prod(shape)))
                          for (_, shape, _), row in zip(variables, rows) if len(shape) >= 2),
        zero_share=float(sum(zeros for _, zeros in counted) / total) if total else 0.0,
        finite=bool(np.all(rows[:, 2] == 1)),
        weights_finite=bool(np.all(rows[:, 4] == 1)),
        largest_weight=float(np.max(rows[:, 3])) if len(rows) else 0.0,
        rectified=rectified,
        seconds=seconds)


def gradient_summary(model: Any, x: Any, y: Any, size: int = 128,
                     seed: int = 0) -> Optional[GradientSummary]:
    """One measurement by hand: the gradients of a compiled model on a drawn batch.

    Args:
        model: compiled model.
        x: inputs.
        y: labels.
        size: rows of the batch.
        seed: which rows.
    """
    return Probe(model, draw_batch(x, y, size, seed)).gradients()
