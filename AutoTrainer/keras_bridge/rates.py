"""The learning rate of a model in training: read, and lowered."""

import math
from typing import Any, Dict, List, Optional, Sequence

from .generation import LEGACY, backend, keras
from .tensors import to_numpy

_Schedule = keras.optimizers.schedules.LearningRateSchedule


class ScaledSchedule(_Schedule):  # type: ignore[misc,valid-type]
    """A learning rate schedule, times a number.

    Args:
        schedule: another.
        factor: the number.
    """

    def __init__(self, schedule: Any, factor: float) -> None:
        super().__init__()
        self.schedule, self.factor = schedule, factor

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        return self.schedule(step) * self.factor

    def get_config(self) -> Dict[str, Any]:
        """For a model file."""
        return {'schedule': keras.optimizers.schedules.serialize(self.schedule),
                'factor': self.factor}

    @classmethod
    def from_config(cls, config: Dict[str, Any]) -> 'ScaledSchedule':
        """Back from :meth:`get_config`."""
        return cls(keras.optimizers.schedules.deserialize(config['schedule']), config['factor'])


if not LEGACY:  # which is never given one
    keras.saving.register_keras_serializable('AutoTrainer')(ScaledSchedule)


def _innermost(optimizer: Any) -> Any:
    """The optimizer that holds the learning rate, inside one that scales the loss."""
    return getattr(optimizer, 'inner_optimizer', optimizer)


def _given(model: Any) -> Any:
    """What stands for the learning rate: a variable, a schedule, a function."""
    optimizer = _innermost(model.optimizer)
    return optimizer.learning_rate if LEGACY else optimizer._learning_rate


def learning_rate(model: Any) -> Optional[float]:
    """The learning rate of a compiled model at its present step; None where it cannot be told."""
    given = _given(model)
    if isinstance(given, _Schedule):
        value = given(model.optimizer.iterations)
    else:
        value = given() if callable(given) and not hasattr(given, 'assign') else given
    try:
        return float(value) if isinstance(value, float) else float(to_numpy(value))
    except (TypeError, ValueError, AttributeError):
        return None


def scheduled_rates(model: Any, steps: Sequence[int]) -> List[float]:
    """What the learning rate schedule of a compiled model gives at some steps; NaN without one."""
    given = _given(model)
    if not isinstance(given, _Schedule):
        return [math.nan for _ in steps]
    return [float(to_numpy(given(step))) for step in steps]


def set_learning_rate(model: Any, rate: float, factor: float) -> str:
    """Give a model in training a learning rate.

    Args:
        model: compiled model.
        rate: the new rate.
        factor: what a schedule is multiplied by instead.

    Returns:
        '' if it has it, else why not.
    """
    given = _given(model)
    if hasattr(given, 'assign'):
        given.assign(rate)
        return ''
    if not isinstance(given, _Schedule):
        return 'the learning rate is a function, which cannot be scaled'
    if LEGACY:
        return ('the learning rate is a schedule, which cannot be changed inside fit() on '
                'TensorFlow 2.3')
    _innermost(model.optimizer).learning_rate = ScaledSchedule(given, factor)
    if backend() != 'torch' and model.train_function is not None:
        model.make_train_function(force=True)  # the schedule is part of what was compiled
    return ''
