"""How a model is trained: optimizer, loss, compiling, callbacks."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from ..errors import UserError, did_you_mean, first_line, quote, way_out
from ..judge.losses import KNOWN_LOSSES
from .generation import LEGACY, keras, of_keras
from .tensors import to_numpy, to_tensors

OPTIMIZERS = ('SGD', 'RMSprop', 'Adam', 'Adamax', 'Nadam', 'Adagrad', 'Adadelta', 'Ftrl') + (
    () if LEGACY else ('AdamW', 'Lion', 'Adafactor'))


# ------------------------------------------------------------------------------------- optimizer

class _Schedule(Dict[str, Any]):
    """The settings of a learning rate schedule, for the records, and the schedule itself.

    Keras can make only schedules of its own, and registered ones, again from their settings.
    """

    def __init__(self, settings: Mapping[str, Any], schedule: Any) -> None:
        super().__init__(settings)
        self.schedule = schedule


def _registry() -> Any:
    """Where Keras keeps the classes that users register."""
    return keras.utils if LEGACY else keras.saving


def _optimizer_class(name: str) -> Any:
    """The class that a description names; None if Keras has none such."""
    kind = getattr(keras.optimizers, name, None) or _registry().get_registered_object(name)
    return kind if isinstance(kind, type) else None


def _describe_optimizer(optimizer: Any) -> Dict[str, Any]:
    """The description of an optimizer object, from which one has been built to see that it can."""
    if isinstance(optimizer, type):
        raise UserError('optimizer is %s, a class; give an object, such as %s(), or a name'
                        % (quote(optimizer), optimizer.__name__))
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise UserError('optimizer is %s; give a name, such as Adam, or a Keras optimizer'
                        % quote(optimizer))
    kind = type(optimizer)
    name = _registry().get_registered_name(kind)
    made = _optimizer_class(name)
    # on PyTorch, Keras makes Adam() an object of another class of its own that is called Adam
    if made is not kind and not (of_keras(kind) and made):
        raise UserError('optimizer is of the class %s, which Keras cannot make anew for every '
                        'attempt; register the class with @keras.%s.register_keras_serializable()'
                        % (kind.__name__, 'utils' if LEGACY else 'saving'))
    try:
        config = dict(optimizer.get_config())
    except Exception as error:  # whatever a user's own class or schedule raises
        raise UserError('optimizer is of the class %s, whose get_config fails (%s); give it, and '
                        'its schedule if it has one, a get_config'
                        % (kind.__name__, first_line(error))) from error
    rate = getattr(optimizer, 'learning_rate' if LEGACY else '_learning_rate', None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        config['learning_rate'] = _Schedule(config['learning_rate'], rate)
    return _checked_description({'class_name': name, 'config': config})


def _checked_description(described: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy of a description, from which one optimizer has been built to see that it can."""
    name, config = described.get('class_name'), described.get('config')
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise UserError("optimizer is %s; give a description such as {'class_name': 'Adam', "
                        "'config': {'learning_rate': 0.001}}, a name or a Keras optimizer"
                        % quote(described))
    copied = {'class_name': name, 'config': dict(config)}
    build_optimizer(copied)
    return copied


def optimizer_config(optimizer: Any, kwargs: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """Describe an optimizer so that a fresh one can be built from it for every attempt.

    Args:
        optimizer: a name (``'Adam'``), a Keras optimizer, or a description as returned here.
        kwargs: settings for a name; ``lr`` is understood as ``learning_rate``, ``decay`` as the
            decay per step of the older Keras.

    Returns:
        ``{'class_name': str, 'config': dict}``.

    Raises:
        UserError: for an unknown name or setting, or an optimizer that cannot be made again.
    """
    if isinstance(optimizer, Mapping):
        return _checked_description(optimizer)
    if not isinstance(optimizer, str):
        return _describe_optimizer(optimizer)
    names = {name.lower(): name for name in OPTIMIZERS}
    if optimizer.lower() not in names:
        raise UserError('optimizer is %s; %s' % (quote(optimizer), way_out(optimizer, OPTIMIZERS)))
    settings = dict(kwargs or {})
    if 'lr' in settings:
        settings['learning_rate'] = settings.pop('lr')
    if not settings.get('decay', 1):
        del settings['decay']
    described = {'class_name': names[optimizer.lower()], 'config': settings}
    return optimizer_config(build_optimizer(described))


def build_optimizer(described: Mapping[str, Any]) -> Any:
    """A fresh optimizer from its description.

    Raises:
        UserError: if Keras refuses a setting.
    """
    config = dict(described['config'])
    kind = _optimizer_class(described['class_name'])
    if kind is None:
        raise UserError('optimizer is %s; %s' % (
            quote(described['class_name']), way_out(described['class_name'], OPTIMIZERS)))
    if isinstance(config.get('learning_rate'), int):  # Keras 3 takes no whole number
        config['learning_rate'] = float(config['learning_rate'])
    if not LEGACY and 'decay' in config:
        # the older Keras divided the rate by 1 + decay * steps
        config['learning_rate'] = keras.optimizers.schedules.InverseTimeDecay(
            config.get('learning_rate', 0.001), decay_steps=1, decay_rate=config.pop('decay'))
    if isinstance(config.get('learning_rate'), _Schedule):
        config['learning_rate'] = config['learning_rate'].schedule
    try:
        if config.get('name'):
            return kind.from_config(config)
        return kind(**config)
    except Exception as error:  # whatever the constructor of a user's own class raises, too
        raise UserError('optimizer %s refuses its settings %s: %s; give others' % (
            described['class_name'], quote(dict(described['config'])),
            first_line(error))) from error


# ------------------------------------------------------------------------------------------ loss

def check_loss(loss: Any) -> Any:
    """Return ``loss`` if Keras can use it.

    Raises:
        UserError: for a name that Keras does not know, or what is neither name nor function.
    """
    if not isinstance(loss, (str, list, tuple, dict)) and not callable(loss):
        raise UserError('loss is %s; give the name of a loss or a function' % quote(loss))
    if isinstance(loss, str):
        try:
            keras.losses.get(loss)
        except ValueError as error:
            raise UserError('loss is %s, which Keras %s does not know; %sgive the name of one of '
                            "its losses, such as 'categorical_crossentropy', 'binary_crossentropy' "
                            "or 'mean_squared_error'" % (
                                quote(loss), keras.__version__, did_you_mean(loss, KNOWN_LOSSES)
                                )) from error
    return loss


def takes_logits(loss: Any) -> bool:
    """Whether a loss object applies softmax or sigmoid to the outputs by itself."""
    settings = getattr(loss, '_fn_kwargs', None) or {}
    return bool(getattr(loss, 'from_logits', settings.get('from_logits', False)))


def losses_by_output(model: Any, count: int) -> List[Any]:
    """The compiled loss of each output, in the model's order; None where it has none.

    Args:
        model: compiled model.
        count: how many outputs it has.
    """
    loss = getattr(model, 'loss', None)
    if isinstance(loss, dict):
        return [loss.get(name) for name in getattr(model, 'output_names', ())] or [None] * count
    return list(loss) if isinstance(loss, (list, tuple)) else [loss] * count


def loss_function(loss: Any) -> Callable[[np.ndarray, np.ndarray], float]:
    """A loss as a plain function, for those who know no Keras.

    Args:
        loss: name, function or object.

    Returns:
        (labels, predictions), float32 arrays of one shape → the mean loss. It raises what the loss
        makes of arrays that it does not fit.
    """
    def mean_loss(y: np.ndarray, predicted: np.ndarray) -> float:
        values = keras.losses.get(loss)(to_tensors(y), to_tensors(predicted))
        return float(np.mean(to_numpy(values)))
    return mean_loss


def compile_model(model: Any, optimizer: Mapping[str, Any], loss: Any,
                  metrics: Sequence[Any] = ('accuracy',), loss_weights: Any = None) -> None:
    """Compile with a fresh optimizer; the others as for ``model.compile``.

    Raises:
        UserError: for an unknown loss.
    """
    model.compile(optimizer=build_optimizer(optimizer), loss=check_loss(loss),
                  metrics=list(metrics), loss_weights=loss_weights)


def loss_weights(model: Any) -> Any:
    """What the losses of several outputs count, as it was given to ``compile``; None for alike."""
    held = getattr(model, 'compiled_loss' if LEGACY else '_compile_loss', None)
    given = getattr(held, '_user_loss_weights', None)
    if isinstance(given, dict):
        return {name: float(weight) for name, weight in given.items()}
    return given if given is None else [float(weight) for weight in given]


# ------------------------------------------------------------------------------------- callbacks

REDUCE_FACTOR, REDUCE_PATIENCE, STOP_PATIENCE = 0.2, 5, 10


def named_callback(name: str, has_validation: bool, optimizer: Mapping[str, Any]) -> Any:
    """A fresh Keras callback for a name in a configuration.

    Args:
        name: ``'estop'`` (EarlyStopping, best weights restored) or ``'ReduceLR'``
            (ReduceLROnPlateau).
        has_validation: whether the validation loss can be watched; else the training loss is.
        optimizer: its description; the lowest rate is a ten-thousandth of its learning rate.

    Raises:
        UserError: for another name.
    """
    monitor = 'val_loss' if has_validation else 'loss'
    if name == 'estop':
        return keras.callbacks.EarlyStopping(monitor=monitor, patience=STOP_PATIENCE,
                                             restore_best_weights=True)
    if name == 'ReduceLR':
        rate = optimizer['config'].get('learning_rate')
        return keras.callbacks.ReduceLROnPlateau(
            monitor=monitor, factor=REDUCE_FACTOR, patience=REDUCE_PATIENCE,
            min_lr=1e-4 * float(rate) if isinstance(rate, (int, float)) else 0.0)
    raise UserError('callbacks has %r; known names are estop, ReduceLR' % name)
