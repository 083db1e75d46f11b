"""How somebody wants a model trained: put together, checked, brought together with the model."""

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
