"""``check``: what is wrong with a training, before its first step."""

from typing import Any, List, Mapping, Optional, Tuple

import numpy as np

from . import keras_bridge
from .errors import UserError, first_line
from .intake import inputs
from .intake.arrays import map_arrays, parts, row_count
from .intake.config import check_count
from .intake.rows import looked_at, paired_arrays, validation_arrays
from .judge.columns import Data
from .judge.company import mixes_rows
from .judge.examine import examine
from .judge.facts import Task
from .judge.labels import label_kind, summarise_labels
from .judge.losses import KNOWN_LOSSES, loss_name, pairs_nothing
from .judge.preflight import Finding
from .judge.setup import BATCH_ROWS, Output, Setup
from .utils.compute_gradient import plain_task
from .utils.logger import LOGGER


def check(model: Any, x: Any, y: Any = None, validation_data: Any = None,
          epochs: Optional[int] = None, batch_size: Optional[int] = None) -> List[Finding]:
    """What is wrong with a training, found without a single step of it.

    Model, data, optimizer and random states stay as they are. Of more than 10,000 rows that many
    are looked at, evenly spread; class numbers and NaN are looked for in all of them.

    Args:
        model: a compiled Keras model. Of a subclassed one, and of one with several outputs, less
            can be told; what cannot is left out.
        x: all training inputs: an array of shape (rows, …), a list of rows, pandas; or a list or
            dictionary of arrays for several inputs.
        y: their labels, likewise.
        validation_data: ``(x, y)`` as ``fit`` takes it.
        epochs: planned epochs; without them nothing is said of how long the training is.
        batch_size: rows per step; default 32, as in ``fit``.

    Returns:
        The findings, the surest in front; empty if nothing was found. What is *certain* cannot
        learn what the labels hold; a *note* is no reason by itself to expect a failure.

    Raises:
        UserError: for a model that is not compiled, or data that does not go into it.

    Example:
        >>> for finding in check(model, x, y, epochs=50):  # doctest: +SKIP
        ...     print(finding.severity, finding.sentence, finding.advice, sep='; ')
    """
    keras_bridge.check_compiled(model)
    for name, count in (('epochs', epochs), ('batch_size', batch_size)):
        if count is not None:
            check_count(name, count)
    if y is None:
        raise UserError('y is missing; give check(model, x, y): of a %s the rows of a batch or '
                        'more, and their labels' % type(x).__name__)
    x, y = paired_arrays('x', x, 'y', y)
    x_val, y_val = validation_arrays(validation_data)
    seen = keras_bridge.seen_model(model, map_arrays(lambda array: array[:1], x))
    _check_shapes(seen, x, x_val)
    setup = setup_of(model, seen, y)._replace(
        rows=row_count(x), epochs=epochs, batch_size=batch_size or BATCH_ROWS,
        lookups=keras_bridge.lookups(seen, x))
    setup = setup._replace(unpaired=_is_unpaired(model, setup.task),
                           mixes_rows=mixes_rows_of(seen, x))
    return examine(setup, data_of(seen, x, y, x_val, y_val))


def setup_of(model: Any, seen: Any, y: Any) -> Setup:
    """How a training is set up, apart from its plan.

    Args:
        model: compiled model.
        seen: the same or its built copy, see ``keras_bridge.seen_model``.
        y: labels of as many rows as are at hand.
    """
    several = len(keras_bridge.output_shapes(seen)) > 1  # head and loss of which one?
    loss = None if several else keras_bridge.losses_by_output(model, 1)[0]
    labels = summarise_labels(y, getattr(seen, 'output_shape', None),
                              getattr(loss, 'ignore_class', None))
    task = Task() if several else plain_task(seen, y)._replace(
        loss=loss_name(loss), logits=keras_bridge.takes_logits(loss))
    return keras_bridge.setup_of(model, seen)._replace(
        task=task, labels=labels, outputs=_outputs(model, seen, y) if several else ())


def mixes_rows_of(seen: Any, x: Any) -> bool:
    """Whether outputs of a row change with the others of its batch; tried where that can be.

    Args:
        seen: a model; of one that is not built nothing is said, for a try would draw its weights.
        x: inputs, arrays.
    """
    if not (seen.built and keras_bridge.may_mix_rows(seen)):
        return False
    with keras_bridge.random_kept():
        return mixes_rows(keras_bridge.predictor(seen), x)


def _is_unpaired(model: Any, task: Task) -> bool:
    """Whether a loss of the user's own, on one number a row, pairs no output with its label."""
    loss = getattr(model, 'loss', None)
    if not callable(loss) or task.loss in KNOWN_LOSSES or task.units != 1 or (
            task.labels not in ('real', 'binary')):
        return False
    # of a function Keras makes the shapes the same; of an object Keras 2 does
    flat = isinstance(loss, keras_bridge.keras.losses.Loss) and not keras_bridge.LEGACY
    try:
        with keras_bridge.random_kept():
            return pairs_nothing(keras_bridge.loss_function(loss), task.labels == 'binary', flat)
    except Exception as error:  # whatever a loss of one's own makes of a few numbers
        LOGGER.debug('the loss cannot be tried: %s', first_line(error))
        return False


def _outputs(model: Any, seen: Any, y: Any) -> Tuple[Output, ...]:
    """The outputs of a model that has several, as far as their labels are arrays."""
    names = [str(name) for name in getattr(seen, 'output_names', ())]
    labels = [y.get(name) for name in names] if isinstance(y, Mapping) else list(parts(y))
    if not len(labels) == len(names):
        return ()
    found = []
    for name, one, loss, head, shape in zip(
            names, labels, keras_bridge.losses_by_output(model, len(names)),
            keras_bridge.head_activations(seen), keras_bridge.output_shapes(seen)):
        units = int(shape[-1]) if shape and shape[-1] else 0
        found.append(Output(name, Task(loss_name(loss), head, units, label_kind(one, shape),
                                       logits=keras_bridge.takes_logits(loss)),
                            summarise_labels(one, shape, getattr(loss, 'ignore_class', None))))
    return tuple(found)


def _check_shapes(seen: Any, x: Any, x_val: Any) -> None:
    """See that rows go into the model, as far as that can be told.

    Raises:
        UserError: if they do not.
    """
    rows = {'x': x, 'x_val': x_val, 'y': None, 'y_val': None}
    for key, data in rows.items():  # Keras makes a column of a row of numbers
        if isinstance(data, np.ndarray) and data.ndim == 1:
            rows[key] = data[:, None]
    inputs.check_fit(rows, getattr(seen, 'input_shape', None), None, '')


def data_of(seen: Any, x: Any, y: Any, x_val: Any = None, y_val: Any = None) -> Data:
    """The rows for :func:`~AutoTrainer.judge.setup.examine`.

    Args:
        seen: a built model.
        x: all training inputs, as :func:`check` takes them, made arrays.
        y: their labels.
        x_val: validation inputs; None without any.
        y_val: their labels.
    """
    data = looked_at(x, y, x_val, y_val, keras_bridge.takes_integers(seen),
                     lambda few: _arriving(seen, few))
    if not keras_bridge.may_take_text(seen):
        return data
    numbers = data.y is not None and data.y.dtype.kind in 'biuf'
    return data._replace(text='', y=data.y if numbers else None)


def _arriving(seen: Any, x: Any) -> Tuple[np.ndarray, ...]:
    """What reaches the first layer with weights; nothing where that cannot be told."""
    rows = map_arrays(lambda array: array.astype(np.float32), x)
    try:
        return tuple(keras_bridge.first_kernel_inputs(seen, rows) or ())
    except Exception as error:  # whatever layers make of inputs that they cannot take
        LOGGER.debug('what reaches the first layer cannot be told: %s', first_line(error))
        return ()
