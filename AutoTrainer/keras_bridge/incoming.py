"""What comes in from a user: a model, inputs that it takes, batches to look at."""

import random
from typing import Any, Tuple

import numpy as np

from ..errors import UserError, first_line, quote
from ..intake.arrays import map_arrays, row_count
from .anatomy import is_graph, leaf_layers
from .generation import backend, keras, of_keras
from .tensors import inference_mode, to_tensors


def check_model(model: Any) -> Any:
    """Return a model if it is one that can be trained under repair.

    Raises:
        UserError: if it is no Keras model, or has several outputs.
    """
    if not isinstance(model, keras.Model):
        raise UserError('model is %s; give a Keras model or the path of one' % quote(model))
    outputs = getattr(model, 'outputs', None)
    if outputs is not None and len(outputs) > 1:
        raise UserError('model has %d outputs, but only models with one are repaired; watch its '
                        'training with LossHistory' % len(outputs))
    return model


def takes_integers(model: Any) -> bool:
    """Whether a model takes whole numbers as such: token numbers, categories."""
    if any(type(layer).__name__ in ('Embedding', 'IntegerLookup', 'CategoryEncoding', 'Hashing')
           for layer in leaf_layers(model)):
        return True
    return any('int' in str(getattr(tensor, 'dtype', '')) for tensor in (
        (getattr(model, 'inputs', None) or []) if is_graph(model) else []))


def may_take_text(model: Any) -> bool:
    """Whether a model may read text: of code of the user's own that is not known."""
    if not is_graph(model) or any(not of_keras(type(layer)) for layer in leaf_layers(model)):
        return True
    return any('string' in str(getattr(tensor, 'dtype', 'string'))
               for tensor in getattr(model, 'inputs', None) or [None])


def try_inputs(model: Any, x: Any) -> None:
    """Send one row through a model, so that inputs that do not go in are told at once.

    Raises:
        UserError: if they do not.
    """
    given = len(x) if isinstance(x, (list, tuple, dict)) else 1
    if is_graph(model) and len(model.inputs) != given:
        raise UserError('x has %d parts, but the model has %d inputs; give as many'
                        % (given, len(model.inputs)))
    try:
        model(to_tensors(map_arrays(lambda array: array[:1], x)), **inference_mode(model))
    except Exception as error:  # whatever layers make of inputs that they cannot take
        shapes = map_arrays(lambda array: array.shape, x)
        raise UserError('x has shape %s, and the model cannot take it: %s' % (
            quote(shapes), first_line(error))) from error


def first_batch(data: Any) -> Tuple[Any, Any]:
    """The first batch of batches that a training takes, see :func:`first_rows`."""
    return first_rows(data, 1)


def first_rows(data: Any, rows: int) -> Tuple[Any, Any]:
    """The first batches that a training takes, without touching what it draws.

    Args:
        data: a ``tf.data.Dataset``, ``PyDataset``, ``Sequence``, ``DataLoader`` or other object
            that gives its batches, (inputs, labels), as often as it is asked.
        rows: so many, if there are as many; the last batch is taken whole.

    Returns:
        Inputs and labels as arrays.

    Raises:
        UserError: if looking would change what the training sees, or it gives no such batches.
    """
    kind = type(data).__name__
    wanted = ('give rows in its place, a batch of them or more: Watch(x, y), or '
              'training_data=(x, y)')
    part = data
    while hasattr(part, '_inputs'):  # tf.data: each stage knows those before it
        if getattr(part, '_reshuffle_each_iteration', False):
            raise UserError('training_data is a %s that shuffles anew each time it is begun, so '
                            'that looking at it would change what the training sees; %s'
                            % (kind, wanted))
        before = part._inputs()
        part = before[0] if before else None
    states = random.getstate(), np.random.get_state()
    generator = None
    if backend() == 'torch':
        import torch
        generator = getattr(data, 'generator', None) or torch.default_generator
        drawn = generator.get_state()
    try:
        if hasattr(data, '__getitem__') and hasattr(data, '__len__'):
            batches = (data[i] for i in range(len(data)))
        else:
            batches = iter(data)
            if batches is data:
                raise UserError('training_data is a %s, which gives each batch once, so that the '
                                'training would miss the one that is looked at; %s'
                                % (kind, wanted))
        x, y = _pair_of(next(batches))
        while row_count(y) < rows:
            further = next(batches, None)
            if further is None:
                break
            x, y = [_joined(one, other) for one, other in zip((x, y), _pair_of(further))]
        return x, y
    except (TypeError, ValueError, IndexError, KeyError, StopIteration) as error:
        if isinstance(error, UserError):
            raise
        raise UserError('training_data is a %s whose first batch is not (inputs, labels); %s'
                        % (kind, wanted)) from error
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        if generator is not None:
            generator.set_state(drawn)


def _pair_of(batch: Any) -> Tuple[Any, Any]:
    x, y = batch[:2] if isinstance(batch, (tuple, list)) else ()
    return map_arrays(np.asarray, x), map_arrays(np.asarray, y)


def _joined(one: Any, other: Any) -> Any:
    """Two batches as one; each an array, or a list or dictionary of arrays."""
    if isinstance(one, dict):
        return {name: np.concatenate([part, other[name]]) for name, part in one.items()}
    if isinstance(one, (list, tuple)):
        return type(one)(np.concatenate(pair) for pair in zip(one, other))
    return np.concatenate([one, other])
