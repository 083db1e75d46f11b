"""Trainings that can be taken up again in the middle."""

import random
from typing import Any, Dict, List, Sequence

import numpy as np

from .anatomy import leaf_layers
from .generation import LEGACY, backend, keras
from .tensors import to_numpy


def _state_variables(model: Any) -> List[Any]:
    """Everything that a training changes in a compiled model: weights, random states, optimizer."""
    optimizer = model.optimizer
    if not LEGACY:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        return list(model.variables) + list(optimizer.variables)
    import tensorflow as tf
    optimizer._create_all_weights(model.trainable_weights)
    rates = [rate for rate in (optimizer.learning_rate,) if isinstance(rate, tf.Variable)]
    return list(model.weights) + list(optimizer.weights) + rates


def training_state(model: Any) -> List[np.ndarray]:
    """Copies of all that a training changes in a compiled model, for :func:`restore_training`.

    Weights, moving statistics, the random states of dropout and its like (Keras 3; the older stack
    keeps those where nobody can read them), slots and step count of the optimizer, learning rate.
    """
    if LEGACY:
        return [np.array(value) for value in keras.backend.batch_get_value(_state_variables(model))]
    return [np.array(to_numpy(variable)) for variable in _state_variables(model)]


def restore_training(model: Any, arrays: Sequence[np.ndarray]) -> bool:
    """Put back what :func:`training_state` returned.

    Returns:
        False, with nothing changed, if the arrays are not those of such a model.
    """
    variables = _state_variables(model)
    if [tuple(a.shape) for a in arrays] != [tuple(v.shape) for v in variables]:
        return False
    if LEGACY:
        keras.backend.batch_set_value(list(zip(variables, arrays)))
    else:
        for variable, array in zip(variables, arrays):
            variable.assign(array)
    return True


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed what is drawn outside the model in one epoch: the order of rows where Keras shuffles.

    With this the order depends on the epoch and not on the epochs before it, so that a training
    that is taken up again sees the rows as the undisturbed one.
    """
    random.seed(seed * 2**32 + epoch)
    np.random.seed([seed % 2**32, epoch])
    if backend() == 'torch':
        import torch
        torch.manual_seed((seed * 2**32 + epoch) % 2**63)


def repeats_exactly(model: Any) -> bool:
    """Whether a model trained on is the same as one rebuilt from its state and trained on.

    TensorFlow 2.3 keeps the random state of dropout and noise where nobody can read it.
    """
    return not LEGACY or not any(
        'Dropout' in type(layer).__name__ or 'Noise' in type(layer).__name__
        or getattr(layer, 'dropout', 0) for layer in leaf_layers(model))


def fit_data(x: Any, y: Any, batch_size: int, seed: int, first_epoch: int,
             epochs: int, shuffle: bool = True) -> Dict[str, Any]:
    """The data arguments of ``fit`` for rows whose order depends on seed and epoch alone.

    TensorFlow shuffles arrays inside its pipeline, with a random state that cannot be set to where
    another run was; there the rows come from a pipeline of our own. The other backends shuffle by
    what :func:`seed_epoch` has seeded.

    Args:
        x: inputs: an array, or a list or dictionary of arrays.
        y: labels: likewise.
        batch_size: rows per step; the last batch of an epoch may be smaller.
        seed: for the order.
        first_epoch: epochs done already.
        epochs: planned epochs.
        shuffle: whether the rows come in another order in every epoch.

    Returns:
        Keyword arguments.
    """
    if backend() != 'tensorflow':
        return {'x': x, 'y': y, 'batch_size': batch_size, 'shuffle': shuffle}
    import tensorflow as tf
    # a list would be taken for a sequence of tensors to stack
    data = tf.nest.map_structure(tf.convert_to_tensor, tuple(
        tuple(part) if isinstance(part, list) else part for part in (x, y)))
    rows = int(tf.nest.flatten(data)[0].shape[0])
    whole = rows - rows % batch_size

    def batches_of(epoch: Any) -> Any:
        if shuffle:
            draws = tf.random.stateless_uniform(
                [rows], [tf.constant(seed % 2**31, tf.int64), epoch], minval=None, maxval=None,
                dtype=tf.int32)
            order = tf.argsort(draws)
        else:
            order = tf.range(rows)
        found = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:whole], [-1, batch_size]))
        if whole < rows:
            found = found.concatenate(tf.data.Dataset.from_tensors(order[whole:]))
        return found

    def take(chosen: Any) -> Any:
        return tf.nest.map_structure(lambda part: tf.gather(part, chosen), data)

    # one epoch more than is used: fit() takes running dry at the very end for a fault
    batches = tf.data.Dataset.range(first_epoch, epochs + 1).flat_map(batches_of).map(
        take, num_parallel_calls=2).prefetch(2)
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return {'x': batches.with_options(options), 'steps_per_epoch': -(-rows // batch_size),
            'shuffle': False}
