"""How a Keras model is set up to train, for whoever judges that; nothing is changed."""

import contextlib
import math
import random
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from ..errors import UserError, first_line, quote
from ..intake.arrays import parts
from ..judge.setup import Dropout, Kernel, Lookup, Setup
from ..utils.logger import LOGGER
from .anatomy import activation_name, is_graph, leaf_layers
from .blueprints import rebuilt
from .generation import LEGACY, backend, keras, of_keras
from .outputs import graph_nodes
from .tensors import to_numpy

_NORMALISES = ('BatchNormalization', 'LayerNormalization', 'GroupNormalization',
               'UnitNormalization', 'RMSNormalization')
_KERNELS = ('kernel', 'depthwise_kernel', 'pointwise_kernel')


def check_compiled(model: Any) -> Any:
    """Return a model if it is one that is ready to be trained.

    Raises:
        UserError: if it is no Keras model, or not compiled.
    """
    if not isinstance(model, keras.Model):
        raise UserError('model is %s; give a Keras model' % quote(model))
    if getattr(model, 'optimizer', None) is None:
        raise UserError('model is not compiled; call model.compile(optimizer, loss) first')
    return model


def seen_model(model: Any, x: Any) -> Any:
    """A model that can be looked at: itself, or a copy with weights of its own if it has none yet.

    A graph that does not know its input shape draws its weights when it is first trained. It must
    not do so earlier, for others would come then; and what is random must stay where it is.

    Args:
        model: a Keras model.
        x: one or more rows.

    Returns:
        The model, or its copy; the model where no copy can be made.
    """
    if not is_graph(model) or model.built and getattr(model, 'inputs', None):
        return model
    try:
        with random_kept():
            return rebuilt(model, x)
    except Exception as error:  # whatever a foreign layer's constructor or call raises
        LOGGER.debug('the model cannot be looked at before it is built: %s', first_line(error))
        return model


@contextlib.contextmanager
def random_kept() -> Iterator[None]:
    """Leave all random states as they are, whatever is drawn."""
    states = random.getstate(), np.random.get_state()
    backends: List[Tuple[Any, Any]] = []
    if LEGACY:
        from tensorflow.python.eager import context
        drawn = getattr(context.context(), '_rng', None)  # seeds of operations, after set_seed()
        if drawn is not None:
            backends = [(drawn.setstate, drawn.getstate())]
            # an operation of a seed that has been used goes on from where that one stopped
            drawn.seed('the weights of a copy')
    elif backend() == 'torch':
        import torch
        backends = [(torch.set_rng_state, torch.get_rng_state())]
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        for put_back, state in backends:
            put_back(state)


def setup_of(model: Any, seen: Any) -> Setup:
    """What a compiled model says of its training; what cannot be told has its default.

    Args:
        model: compiled model.
        seen: see :func:`seen_model`.

    Returns:
        A setup without task, labels, rows and epochs.
    """
    rate, scheduled, momentum = _steps(model.optimizer)
    leaves = leaf_layers(seen)
    built = _has_weights(seen)
    return Setup(optimizer=type(model.optimizer).__name__, learning_rate=rate, scheduled=scheduled,
                 momentum=momentum, decay=_decay(leaves), shrinks=_shrinks(model.optimizer),
                 kernels=tuple(_kernels(leaves)) if built else (),
                 trainable=not built or bool(seen.trainable_weights),
                 dropouts=tuple(dropout for leaf in leaves for dropout in _dropouts(leaf)),
                 chain=type(seen).__name__ == 'Sequential' and all(
                     of_keras(type(leaf)) for leaf in leaves) and leaves == list(seen.layers),
                 normalises=any(type(leaf).__name__ in _NORMALISES for leaf in leaves))


def may_mix_rows(model: Any) -> bool:
    """Whether something in a model could treat the rows of a batch as anything but rows.

    Keras's own layers do not, but for a softmax along the first axis and what somebody has written.
    """
    if not is_graph(model):
        return True
    graph = getattr(model, '_functional', None) or model
    return len(getattr(graph, 'operations', graph.layers)) != len(graph.layers) or any(
        not of_keras(type(leaf)) or type(leaf).__name__ == 'Lambda' or 0 in np.ravel(
            getattr(leaf, 'axis', -1) if type(leaf).__name__ == 'Softmax' else -1)
        for leaf in leaf_layers(model))


def _has_weights(model: Any) -> bool:
    try:
        return bool(model.weights)
    except ValueError:  # the older stack's way of saying that there are none yet
        return False


def _steps(optimizer: Any) -> Tuple[float, bool, float]:
    """The rate of the first step, whether a schedule changes it, and the momentum.

    NaN for a rate that cannot be told.
    """
    optimizer = getattr(optimizer, 'inner_optimizer', optimizer)
    try:
        # asking the optimizer itself would make variables of the older stack's settings
        config = optimizer.get_config()
        rate: Any = (optimizer._hyper.get('learning_rate') if LEGACY
                     else getattr(optimizer, '_learning_rate', None))
        scheduled = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
        first = to_numpy(rate(0)) if scheduled else config['learning_rate']
        # float32 makes 0.1 another number than it is
        return float('%.6g' % first), scheduled, float(config.get('momentum') or 0)
    except Exception as error:  # whatever a user's own optimizer or schedule raises
        LOGGER.debug('the learning rate cannot be told: %s', first_line(error))
        return math.nan, False, 0.0


def _decay(leaves: List[Any]) -> float:
    """What L2 penalties add to the gradient of a weight, of the kernel that has the least."""
    strengths = [2 * float(getattr(getattr(layer, 'kernel_regularizer', None), 'l2', 0) or 0)
                 for layer in leaves if any(map(_is_kernel, layer.weights))
                 and type(layer).__name__ != 'Embedding']
    return min(strengths, default=0.0)


def _shrinks(optimizer: Any) -> float:
    """The weight decay of an optimizer; Keras keeps it apart from the gradient."""
    optimizer = getattr(optimizer, 'inner_optimizer', optimizer)
    decay = getattr(optimizer, 'weight_decay', None)
    return float(decay) if isinstance(decay, (int, float)) else 0.0


def _dropouts(layer: Any) -> List[Dropout]:
    """What a layer leaves out at random, of its inputs and from step to step."""
    try:
        shape = layer.output_shape if LEGACY else layer.output.shape
    except (AttributeError, ValueError):  # never called, or more than once
        shape = None
    units = shape[-1] if isinstance(shape, tuple) and isinstance(shape[-1], int) else 0
    rates = [getattr(layer, name, 0) for name in ('dropout', 'recurrent_dropout')]
    if 'Dropout' in type(layer).__name__:
        rates.append(getattr(layer, 'rate', 0))
    return [Dropout(layer.name, float(rate), units) for rate in rates
            if isinstance(rate, (int, float)) and rate > 0]


def lookups(model: Any, x: Any) -> Tuple[Lookup, ...]:
    """What the embeddings that inputs reach unchanged are to look up.

    Args:
        model: a built model.
        x: all training inputs, as arrays; see ``checking.check``.
    """
    if not is_graph(model):
        return ()
    # TensorFlow gives zeros on a GPU, and an error on other devices
    lenient = backend() == 'tensorflow'
    nodes = graph_nodes(model)
    found = []
    for layer in leaf_layers(model):
        calls = nodes.get(id(layer), ())
        if type(layer).__name__ != 'Embedding' or len(calls) != 1:
            continue
        taken = list(calls[0].keras_inputs if LEGACY else calls[0].input_tensors)
        rows = _input_rows(model, x, taken[0])
        if rows is not None and rows.size and rows.dtype.kind in 'uif':
            highest = float(np.max(rows))
            if math.isfinite(highest):
                found.append(Lookup(layer.name, int(layer.input_dim), int(highest), lenient))
    return tuple(found)


def _input_rows(model: Any, x: Any, tensor: Any) -> Optional[np.ndarray]:
    """The rows of an input of a graph; None where a tensor is none, or they are not known."""
    places = [place for place, one in enumerate(model.inputs) if one is tensor]
    if isinstance(x, dict):
        named = model.input if isinstance(model.input, dict) else {
            name.split(':')[0]: one for name, one in zip(
                [one.name for one in model.inputs], model.inputs)}
        keys = [key for key, one in named.items() if one is tensor and key in x]
        return np.asarray(x[keys[0]]) if keys else None
    rows = parts(x)
    return np.asarray(rows[places[0]]) if places and len(rows) == len(model.inputs) else None


def _kernels(leaves: List[Any]) -> Iterator[Kernel]:
    """The kernels of all layers but embeddings, in layer order."""
    for place, layer in enumerate(leaves):
        weights = [weight for weight in layer.weights if _is_kernel(weight)]
        if type(layer).__name__ == 'Embedding' or not weights:
            continue
        trained = {id(weight) for weight in layer.trainable_weights}
        named = [getattr(layer, name, None) for name in _KERNELS]
        biases_zero = not any(np.any(to_numpy(weight)) for weight in layer.weights
                              if not _is_kernel(weight))
        for weight in weights:
            values = to_numpy(weight)
            fans = np.prod(values.shape[:-1]), np.prod(values.shape[:-2]) * values.shape[-1]
            yield Kernel(
                layer.name,
                _activation_after(leaves, place) if any(weight is one for one in named) else '',
                # of a depthwise or recurrent one the fans are others
                float(np.std(values) * math.sqrt(np.mean(fans))) if weight is named[0]
                and not hasattr(layer, 'cell') else math.nan,
                constant=values.size > 1 and bool(np.all(values == values.flat[0])),
                zero=biases_zero and not np.any(values), trainable=id(weight) in trained)


def _is_kernel(weight: Any) -> bool:
    """Whether inputs are multiplied by it; of some recurrent layers a bias has two axes too."""
    return len(weight.shape) >= 2 and 'bias' not in weight.name.split('/')[-1]


def _activation_after(leaves: List[Any], place: int) -> str:
    """What the outputs of a layer go through before the next one that multiplies them."""
    own: Optional[str] = activation_name(leaves[place])
    for layer in leaves[place + 1:]:
        if own not in ('linear', '') or any(map(_is_kernel, layer.weights)):
            break
        own = activation_name(layer) or own
    return own or ''
