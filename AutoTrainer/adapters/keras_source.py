"""The rows of a Keras training, for whoever has to look at more than the probe's batch."""

import math
from typing import Any, List, Mapping, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..checking import data_of, mixes_rows_of, setup_of
from ..errors import UserError
from ..intake import inputs
from ..intake.arrays import Batch, map_arrays, row_count
from ..intake.rows import row_pair
from ..judge.columns import Data, class_never_trained
from ..judge.configuration import accuracy_counts
from ..judge.course import Course, examine_course, in_force, of_later_rates
from ..judge.examine import examine, may_be_codes
from ..judge.facts import Task
from ..judge.labels import label_kind
from ..judge.losses import KNOWN_LOSSES, PROVING_LOSSES, loss_name
from ..judge.pairing import IN_ITS_OWN_WAY, takes_outputs_for_labels
from ..judge.preflight import Finding, surest_first
from ..judge.reference import Constants, Reference, Target
from ..judge.session import Plan, Subject
from ..judge.setup import BATCH_ROWS, Setup
from ..judge.yardstick import MOST_ROWS
from ..utils.compute_gradient import Probe, baseline_loss, plain_task


class Source:
    """The rows of a training as somebody gave them, for whoever has to look at more than a batch.

    Args:
        training_data: see :class:`~AutoTrainer.utils.utils.LossHistory`.
        validation_data: ``(x, y)``; None without any, or where they are not known (batches).
        seed: which rows are drawn.

    Raises:
        UserError: for validation rows that do not pair up or hold NaN.
    """

    def __init__(self, training_data: Any, validation_data: Any = None, seed: int = 0) -> None:
        self._data, self._seed = training_data, seed
        if validation_data is None and isinstance(training_data, Mapping):
            held = training_data.get('x_val'), training_data.get('y_val')
            validation_data = None if held[0] is None or held[1] is None else held
        self._validation = _checked(validation_data)
        self._setup: Optional[Setup] = None
        self._plan = Plan(1)
        self._rates: List[float] = []  # after each epoch; none under a schedule, which is known

    def reference(self, model: Any) -> Reference:
        """What a training of a model on these rows is held against.

        Rows that come in batches are gathered from the front, ``MOST_ROWS`` at the most.

        Args:
            model: compiled model.
        """
        pair = row_pair(self._data)
        x, y = keras_bridge.first_rows(self._data, MOST_ROWS) if pair is None else pair
        x = inputs.as_arrays(x)
        x_val = y_val = None
        if self._validation is not None:
            x_val, y_val = self._validation
        return Reference(x, targets(model, inputs.as_arrays(y), y_val), x_val,
                         keras_bridge.takes_integers(model), keras_bridge.narrowest(model),
                         self._seed)

    def begin(self, model: Any, labels: Any, plan: Plan) -> None:
        """Note how a training is set up, before it changes the weights.

        Raises:
            UserError: if rows do not go into the model, or validation labels differ from the
                training's.
        """
        self._check_shapes(model)
        self._plan, self._rates = plan, []
        rows = row_count(labels)
        steps = plan.steps or -(-rows // BATCH_ROWS)
        batch = BATCH_ROWS if -(-rows // BATCH_ROWS) == steps else -(-rows // steps)
        pair = row_pair(self._data)
        self._setup = setup_of(model, model, labels)._replace(
            rows=rows, epochs=plan.epochs, batch_size=batch,
            lookups=() if pair is None else keras_bridge.lookups(model, as_numpy(pair[0])))

    def _check_shapes(self, model: Any) -> None:
        pair = row_pair(self._data)
        x, y = (None, None) if pair is None else map(as_numpy, pair)
        x_val, y_val = (None, None) if self._validation is None else map(as_numpy, self._validation)
        rows = {name: part[:, None] if isinstance(part, np.ndarray) and part.ndim == 1 else part
                for name, part in (('x', x), ('x_val', x_val))}
        inputs.check_fit(dict(rows, y=None, y_val=None), getattr(model, 'input_shape', None), None,
                         '')
        if isinstance(y, np.ndarray) and isinstance(y_val, np.ndarray) and (
                y.shape[1:] or (1,)) != (y_val.shape[1:] or (1,)):
            raise UserError('validation_data has labels of shape %s, but y has %s; give labels of '
                            'the same kind' % (y_val.shape[1:], y.shape[1:]))

    def ended(self, model: Any) -> None:
        """An epoch has ended: a callback may have changed the learning rate."""
        if self._setup is not None:
            self._rates.append(math.nan if self._setup.scheduled
                               else keras_bridge.learning_rate(model) or math.nan)

    def _course(self, model: Any, setup: Setup) -> Course:
        """What the training has gone through."""
        rates, plan, done = self._rates, self._plan, len(self._rates)
        if setup.scheduled and plan.steps:
            rates = keras_bridge.scheduled_rates(
                model, [(plan.before + epoch) * plan.steps for epoch in range(1, done + 1)])
        return Course(done=done, planned=plan.epochs, rates=tuple(
            float('%.6g' % rate) for rate in rates))  # float32 makes 0.1 another number

    def findings(self, model: Any, thorough: bool) -> List[Finding]:
        """What is wrong with how the training is set up.

        Args:
            model: compiled model.
            thorough: whether to look at the rows too.
        """
        if self._setup is None:
            return []
        pair = row_pair(self._data)
        if pair is None:
            return examine(self._setup, Data())
        held = self._validation or (None, None)
        if not (thorough or may_be_codes(self._setup)):
            never = class_never_trained(Data(y=_labels(pair[1]), y_val=_labels(held[1])),
                                        self._setup.labels, self._setup.task.units)
            return ([] if never is None else [never]) + examine(self._setup, Data())
        setup = self._setup._replace(mixes_rows=mixes_rows_of(model, as_numpy(pair[0])))
        course = self._course(model, setup)
        found = examine(in_force(setup, course), data_of(model, *map(as_numpy, pair + held)))
        if max(course.rates, default=0.0) > setup.learning_rate:
            found = of_later_rates(found)
        return surest_first(examine_course(setup, course) + found)

    def held_loss(self, model: Any) -> Optional[float]:
        """The loss of the best constant answer on the validation rows; None if it is not known."""
        held = None if self._validation is None else _labels(self._validation[1])
        return None if held is None else baseline_loss(model, held)

    def constants(self, model: Any, batch: Batch,
                  probe: Probe) -> Tuple[Constants, Optional[Constants]]:
        """What the best constant answer reaches on training and on validation rows.

        Of rows that come in batches the probe's batch stands for all.
        """
        if row_pair(self._data) is None:
            there = Reference(batch.x, targets(model, batch.y))
        else:
            there = probe.reference or Reference(batch.x, targets(model, batch.y))
        return there.training, there.validation


def _labels(y: Any) -> Optional[np.ndarray]:
    """Labels if they are one array."""
    array = as_numpy(y)
    return array if isinstance(array, np.ndarray) else None


def as_numpy(data: Any) -> Any:
    """Rows as arrays of numpy, whatever library they came from; None stays None."""
    return None if data is None else map_arrays(np.asarray, inputs.as_arrays(data))


def _checked(validation_data: Any) -> Optional[Tuple[Any, Any]]:
    """Validation rows if they are at hand: those that come in batches are left to the training."""
    pair = None if validation_data is None else row_pair(validation_data)
    return None if pair is None else inputs.check_pair(*pair)


def targets(model: Any, y: Any, y_val: Any = None) -> List[Target]:
    """The outputs of a model with their labels, in its order.

    Args:
        model: compiled model.
        y: training labels: an array, or a list or dictionary of arrays.
        y_val: validation labels likewise; None without any.
    """
    shapes = keras_bridge.output_shapes(model)
    names = list(getattr(model, 'output_names', None) or range(len(shapes)))
    losses = keras_bridge.losses_by_output(model, len(shapes))

    def labels_of(part: Any) -> List[Any]:
        if isinstance(part, Mapping):
            return [part.get(name) for name in names]
        return list(part) if isinstance(part, (list, tuple)) else [part]

    validation = [None] * len(shapes) if y_val is None else labels_of(y_val)
    return [Target(one, held, '' if one is None else label_kind(one, shape),
                   _units(one, shape, loss), keras_bridge.takes_logits(loss),
                   str(name) if len(shapes) > 1 else '')
            for name, one, held, shape, loss in zip(names, labels_of(y), validation, shapes,
                                                    losses)]


def _units(y: Any, shape: Any, loss: Any) -> int:
    """Size of an output's last axis; of a model that does not know it yet, what its loss needs."""
    if shape and shape[-1]:
        return int(shape[-1])
    return int(np.max(y)) + 1 if loss_name(loss).startswith('sparse') else 0


def subject_of(model: Any, batch: Any, labels: Optional[np.ndarray], source: Source,
               by_skill: bool, plan: Plan) -> Subject:
    """What can be told of a model in training.

    Args:
        model: compiled model.
        batch: the probe's batch.
        labels: all training labels, if they are one array; None if they are not known.
        source: the rows.
        by_skill: whether skill will be asked for.
        plan: how long the training is to be.

    Raises:
        UserError: for class numbers beyond the model's outputs.
    """
    task = plain_task(model, batch.y if labels is None else labels)
    if labels is not None:
        inputs.check_classes(labels, task.loss, task.units,
                             getattr(model.loss, 'ignore_class', None))
    probe = Probe(model, batch, labels, source)
    if by_skill:
        source.begin(model, batch.y if labels is None else labels, plan)
    return Subject(probe, accuracy_counts(task),
                   lambda: None if labels is None else baseline_loss(model, labels),
                   source.constants(model, batch, probe) if by_skill else (Constants(0), None),
                   task.loss in PROVING_LOSSES,
                   unmeasured(model, batch.y, task) if by_skill else '',
                   held_loss=lambda: source.held_loss(model) if by_skill else None)


def unmeasured(model: Any, y: Any, task: Task) -> str:
    """Why outputs say nothing of what is learnt: a loss of one's own takes them for something.

    Args:
        model: compiled model.
        y: labels of some rows.
        task: what it is set to do.

    Returns:
        The reason; '' where outputs can be held against the labels, or that cannot be told.
    """
    loss, shapes = getattr(model, 'loss', None), keras_bridge.output_shapes(model)
    if not callable(loss) or task.loss in KNOWN_LOSSES or len(shapes) != 1 or (
            not isinstance(y, np.ndarray)):
        return ''
    return '' if takes_outputs_for_labels(keras_bridge.loss_function(loss), y, task.labels,
                                          shapes[0]) else IN_ITS_OWN_WAY
