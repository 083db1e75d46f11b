"""What a model is made of, told without running it."""

from typing import Any, List, Tuple

import numpy as np

from .generation import LEGACY, keras, of_keras

_RECTIFIERS = ('relu', 'relu6', 'ReLU', 'ThresholdedReLU')
_RECTIFYING_FUNCTIONS = ('Relu', 'Relu6', 'ReLU', 'Maximum')
"""Steps of a graph that are no layers: classes of Keras 3 and operations of TensorFlow."""


def is_graph(model: Any) -> bool:
    """Whether a model is Sequential or functional, so that its configuration rebuilds it."""
    return type(model).__name__ in ('Sequential', 'Functional') or type(model) is keras.Model


def leaf_layers(model: Any) -> List[Any]:
    """All layers of a model, nested models and wrappers opened, in order."""
    return [leaf for layer in model.layers for leaf in _opened(layer)]


def _inner_layers(layer: Any) -> List[Any]:
    """The layers that a model or wrapper, or a layer of the user's own that is like one, holds."""
    held = getattr(layer, 'layers', None)
    if not isinstance(held, (list, tuple)):
        held = [getattr(layer, name, None)
                for name in ('layer', 'forward_layer', 'backward_layer')]
    return [part for part in held if isinstance(part, keras.layers.Layer)]


def _opened(layer: Any) -> List[Any]:
    inner = _inner_layers(layer)
    return [leaf for part in inner for leaf in _opened(part)] if inner else [layer]


def activation_name(layer: Any) -> str:
    """Name of a layer's activation; '' if it has none."""
    if type(layer).__name__ in ('ReLU', 'Softmax', 'LeakyReLU', 'ELU', 'PReLU', 'ThresholdedReLU'):
        return {'ReLU': 'relu', 'Softmax': 'softmax', 'ELU': 'elu'}.get(type(layer).__name__,
                                                                       type(layer).__name__)
    activation = getattr(layer, 'activation', None)
    return str(getattr(activation, '__name__', type(activation).__name__)) if activation else ''


def has_rectifiers(model: Any) -> bool:
    """Whether a model has, or may have, units whose gradient can be exactly zero for good.

    What the user's own code computes is not known; it may rectify.
    """
    if not is_graph(model):
        return True
    steps = getattr(model, 'operations', None) or model.layers  # Keras 3: also functions
    return any(_may_rectify(leaf) for step in steps for leaf in (
        [step] if isinstance(step, keras.Model) else _opened(step)))


def _may_rectify(step: Any) -> bool:
    if isinstance(step, keras.Model):
        return has_rectifiers(step)
    kind = type(step)
    if not of_keras(kind) or kind.__name__ == 'Lambda':
        return True
    if getattr(step, 'negative_slope', 0):
        return False
    if not isinstance(step, keras.layers.Layer):
        return kind.__name__ in _RECTIFYING_FUNCTIONS
    if hasattr(step, 'node_def'):  # a function that TensorFlow 2.3 wraps in a layer
        return step.node_def.op in _RECTIFYING_FUNCTIONS
    name = activation_name(step)
    return name in _RECTIFIERS or bool(name) and not (
        hasattr(keras.activations, name) or hasattr(keras.layers, name))


def head_activation(model: Any) -> str:
    """Name of the activation that a model ends in; '' if it cannot be told."""
    leaves = leaf_layers(model)
    return activation_name(leaves[-1]) if leaves and is_graph(model) else ''


def head_activations(model: Any) -> List[str]:
    """Name of the activation that each output of a graph ends in, in its order; '' if unknown."""
    if not is_graph(model):
        return [''] * len(output_shapes(model))
    ends = [tensor._keras_history for tensor in model.outputs]
    made = [end.layer if LEGACY else end.operation for end in ends]
    return [activation_name(layer) if isinstance(layer, keras.layers.Layer) else ''
            for layer in made]


def output_units(model: Any) -> int:
    """Size of the last axis of a model's single output; 0 if it has several or an open one."""
    shape = getattr(model, 'output_shape', None)
    return int(shape[-1]) if isinstance(shape, tuple) and shape and shape[-1] else 0


def trainable_variables(model: Any) -> List[Tuple[str, Tuple[int, ...], bool]]:
    """(name, shape, belongs to an Embedding) of every trainable variable, in layer order."""
    embedded = {id(w) for layer in leaf_layers(model) if type(layer).__name__ == 'Embedding'
                for w in layer.trainable_weights}
    return [(str(getattr(v, 'path', v.name)).split(':')[0], tuple(v.shape), id(v) in embedded)
            for v in model.trainable_weights]


def output_shapes(model: Any) -> List[Any]:
    """The shape of each output, (None, …), in the model's order; (None, None) where it is open."""
    shape = getattr(model, 'output_shape', None)
    if isinstance(shape, dict):
        return list(shape.values())
    if isinstance(shape, list) or isinstance(shape, tuple) and shape and (
            isinstance(shape[0], (tuple, list))):
        return [tuple(one) for one in shape]
    return [shape if isinstance(shape, tuple) else (None, None)]


def narrowest(model: Any) -> int:
    """Fewest values that a layer of a graph passes on; 0 where that cannot be told."""
    sizes = []
    for layer in (model.layers if is_graph(model) else ()):
        shape = layer.output_shape if hasattr(layer, 'output_shape') else getattr(
            getattr(layer, 'output', None), 'shape', None)
        if isinstance(shape, tuple) and shape and all(isinstance(n, int) for n in shape[1:]):
            sizes.append(int(np.prod(shape[1:])))
    return min(sizes, default=0)
