"""How somebody wants a model trained: put together, checked, brought together with the model."""

import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from .. import keras_bridge
from ..errors import UserError
from ..judge.losses import loss_name
from ..solutions.candidate import Training
from . import inputs
from .config import check_callback_names, check_config, check_count


def read_training(config: Optional[Mapping[str, Any]], optimizer: Any = None, loss: Any = None,
                  dataset: Any = None, iters: Optional[int] = None,
                  batch_size: Optional[int] = None,
                  callbacks: Optional[Sequence[Any]] = None) -> Training:
    """Put together how to train: explicit arguments win over the configuration.

    Args:
        config: as :func:`~AutoTrainer.intake.config.read_config` returns it; None for none.
        optimizer: see :func:`~AutoTrainer.utils.utils.model_train`, as the others.
        loss: name, function or object.
        dataset: ``x``, ``y`` and, for validation, ``x_val``, ``y_val``.
        iters: planned epochs.
        batch_size: rows per step.
        callbacks: names or Keras callbacks.

    Raises:
        UserError: if something is missing or wrong.
    """
    given = check_config(config) if config else {}
    values = {'optimizer': optimizer, 'loss': loss, 'iters': iters, 'batch_size': batch_size}
    for name, key in (('optimizer', 'optimizer'), ('loss', 'loss'), ('iters', 'epoch'),
                      ('batch_size', 'batchsize')):
        if values[name] is None:
            values[name] = given.get(key)
        if values[name] is None:
            raise UserError('%s is missing; give it as an argument or in train_config_set' % name)
    kwargs = given.get('opt_kwargs') if optimizer is None else None
    return Training(
        optimizer=keras_bridge.optimizer_config(values['optimizer'], kwargs),
        loss=keras_bridge.check_loss(values['loss']),
        batch_size=check_count('batch_size', values['batch_size']),
        epochs=check_count('iters', values['iters']),
        callbacks=check_callback_names(given.get('callbacks') if callbacks is None else callbacks),
        dataset=inputs.check_dataset(dataset))


def fit_to_model(training: Training, model: Any) -> Tuple[Training, List[str]]:
    """Bring the data into the form that the model takes.

    Args:
        training: how the model is to be trained.
        model: a Keras model; one that does not know its input shape yet is built.

    Returns:
        The training, and what is worth knowing about its data.

    Raises:
        UserError: if they do not fit.
    """
    data, loss = training.dataset, loss_name(training.loss)
    keras_bridge.ensure_built(model, data['x'])
    shape = getattr(model, 'output_shape', None)
    data, notes = inputs.prepare(data, shape, loss, keras_bridge.takes_integers(model))
    inputs.check_fit(data, getattr(model, 'input_shape', None), shape, loss)
    keras_bridge.try_inputs(model, data['x'])
    return training._replace(dataset=data), notes


def fit_inputs(training: Training, model: Any) -> Training:
    """See that rows go into a model that somebody has compiled for them.

    The labels are left alone: where they contradict head or loss, that is what is to be repaired.

    Args:
        training: how the model is to be trained.
        model: a Keras model; one that does not know its input shape yet is built.

    Raises:
        UserError: if they do not go in.
    """
    data = training.dataset
    keras_bridge.ensure_built(model, data['x'])
    inputs.check_fit(dict(data, y=None, y_val=None), getattr(model, 'input_shape', None), None, '')
    keras_bridge.try_inputs(model, data['x'])
    return training


def intake(model: Any, config: Any, *given: Any) -> Tuple[Training, Any, List[str]]:
    """What ``model_train`` is given, brought together.

    Args:
        model: a Keras model, or the path of one.
        config: see :func:`read_training`; or a :class:`Training` for a model that somebody has
            compiled for its rows.
        given: the other arguments of :func:`read_training`.

    Returns:
        The training, the model, and what is worth knowing about the data.

    Raises:
        UserError: if something is missing or wrong, or they do not fit.
    """
    training = config if isinstance(config, Training) else read_training(config, *given)
    if isinstance(model, (str, os.PathLike)):
        model = keras_bridge.load_model(os.fspath(model))
    if isinstance(config, Training):
        return fit_inputs(training, model), model, []
    training, notes = fit_to_model(training, keras_bridge.check_model(model))
    return training, model, notes
