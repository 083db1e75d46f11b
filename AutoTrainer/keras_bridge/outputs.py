"""The output probe: what reaches the first layer with weights, and what all layers give."""

import operator
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from ..intake.arrays import map_arrays, parts, row_count
from .anatomy import is_graph
from .generation import LEGACY, backend, keras
from .tensors import inference_mode, to_numpy, to_tensors


def first_kernel_input(model: Any, x: Any) -> Optional[np.ndarray]:
    """What reaches the first layers that have weights, on one batch.

    Returns:
        All values of :func:`first_kernel_inputs` in one flat array; None where that is None.
    """
    arriving = first_kernel_inputs(model, x)
    return None if arriving is None else np.concatenate([np.ravel(array) for array in arriving])


def first_kernel_inputs(model: Any, x: Any) -> Optional[List[np.ndarray]]:
    """What reaches the first layer that has weights, on one batch.

    Returns:
        One array for each of its inputs; None where they say nothing about the scale of the data
        (token numbers for an Embedding, a model that normalises first) or the model has no graph.
    """
    if not is_graph(model):
        return None
    nodes = graph_nodes(model)
    weighted = [layer for layer in model.layers if layer.weights]
    if not weighted or type(weighted[0]).__name__ in ('Embedding', 'BatchNormalization',
                                                      'LayerNormalization', 'Normalization'):
        return None
    if len(nodes.get(id(weighted[0]), ())) != 1:  # a layer that is called more than once
        return None
    node = nodes[id(weighted[0])][0]
    before = keras.Model(_input_structure(model),
                         list(node.keras_inputs if LEGACY else node.input_tensors))
    values = before(to_tensors(x), training=False)
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    if isinstance(weighted[0], keras.Model):
        return first_kernel_inputs(weighted[0], values[0]) if len(values) == 1 else None
    return [to_numpy(value) for value in values]


def output_statistics(model: Any, x: Any) -> Tuple[List[str], Callable[[], np.ndarray]]:
    """Prepare the output probe: all layer outputs of one batch by one compiled function.

    Args:
        model: a built model; a subclassed one is only looked at from outside.
        x: inputs of the batch.

    Returns:
        The names of the layers that are read and a function without arguments that returns an
        array of shape (layers + 3,): mean absolute output of each layer, then smallest and largest
        value and largest row sum (over the last axis) of the model's output.
    """
    nodes = graph_nodes(model) if is_graph(model) else {}
    found = [(layer.name, _node_outputs(node)) for layer in model.layers
             for node in nodes.get(id(layer), []) if len(nodes[id(layer)]) == 1]
    single = [(name, outputs[0]) for name, outputs in found if len(outputs) == 1]
    names = [name for name, _ in single]
    tapped = (keras.Model(_input_structure(model), [output for _, output in single]
                          + list(model.outputs)[:1]) if single else model)
    kwargs = {'training': False} if single else inference_mode(model)
    x = to_tensors(x)

    def summarise(outputs: Any, lib: Any) -> Any:
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        head = lib.cast(outputs[-1], 'float32')
        values = [lib.mean(lib.abs(lib.cast(o, 'float32'))) for o in outputs[:len(names)]]
        return lib.stack(values + [lib.min(head), lib.max(head), lib.max(lib.sum(head, axis=-1))])

    if LEGACY:
        import tensorflow as tf
        measure = tf.function(lambda: summarise(
            tapped(x, **kwargs), keras.backend)).get_concrete_function()
        return names, lambda: measure().numpy()
    if backend() == 'jax':
        import jax
        compiled = jax.jit(lambda trainable, fixed, x: summarise(
            tapped.stateless_call(trainable, fixed, x, **kwargs)[0], keras.ops))

        def probe() -> np.ndarray:
            model.jax_state_sync()
            return np.asarray(compiled([v.value for v in tapped.trainable_variables],
                                       [v.value for v in tapped.non_trainable_variables], x))
        return names, probe
    if backend() == 'tensorflow':
        import tensorflow as tf
        traced = tf.function(lambda: summarise(
            tapped(x, **kwargs), keras.ops)).get_concrete_function()
        return names, lambda: traced().numpy()

    import torch

    def probe_torch() -> np.ndarray:
        with torch.no_grad():
            return to_numpy(summarise(tapped(x, **kwargs), keras.ops))
    return names, probe_torch


PREDICTED_ROWS = 128
"""Rows that are predicted at once."""


def predictor(model: Any) -> Callable[[Any], List[np.ndarray]]:
    """Prepare what the model predicts, in inference mode; compiled once for any number of rows.

    Args:
        model: a built model; always with its present weights.

    Returns:
        A function from inputs of rows to one array per output, in the model's order.
    """
    kwargs = inference_mode(model)
    if LEGACY or backend() == 'tensorflow':
        import tensorflow as tf
        compute = tf.function(lambda chunk: model(chunk, **kwargs))
    elif backend() == 'jax':
        import jax
        compiled = jax.jit(lambda trainable, fixed, chunk: model.stateless_call(
            trainable, fixed, chunk, **kwargs)[0])

        def compute(chunk: Any) -> Any:
            model.jax_state_sync()
            return compiled([v.value for v in model.trainable_variables],
                            [v.value for v in model.non_trainable_variables], chunk)
    else:
        def compute(chunk: Any) -> Any:
            import torch
            with torch.no_grad():
                return model(chunk, **kwargs)

    def predict(x: Any) -> List[np.ndarray]:
        count = row_count(x)
        size = min(count, PREDICTED_ROWS)
        seen = 0
        pieces = []
        for start in range(0, count, size):
            # the last chunk overlaps the one before, so that all have the shape compiled for
            start = min(start, count - size)
            chunk = to_tensors(map_arrays(operator.itemgetter(slice(start, start + size)), x))
            pieces.append([to_numpy(array)[seen - start:] for array in parts(compute(chunk))])
            seen = start + size
        return [np.concatenate(part) for part in zip(*pieces)]
    return predict


def accuracy(y: Any, outputs: np.ndarray) -> float:
    """What Keras measures as ``'accuracy'`` of one output, without compiling anything.

    Args:
        y: labels of the rows, an array.
        outputs: of the model for them.
    """
    truth = np.asarray(y)
    if outputs.shape[-1] == 1:
        return float(np.mean(truth.reshape(-1) == (outputs.reshape(-1) > 0.5)))
    if truth.ndim == outputs.ndim and truth.shape[-1] > 1:
        truth = truth.argmax(axis=-1)
    return float(np.mean(truth.reshape(-1) == outputs.argmax(axis=-1).reshape(-1)))


def graph_nodes(model: Any) -> Dict[int, List[Any]]:
    """The calls that make up a graph, by the id of the layer that is called.

    A layer's own ``input`` and ``output`` can belong to another graph: those of a nested model are
    the tensors inside it.
    """
    graph = getattr(model, '_functional', None) or model  # a Sequential of Keras 3 has one inside
    found: Dict[int, List[Any]] = {}
    for nodes in (getattr(graph, '_nodes_by_depth', None) or {}).values():
        for node in nodes:
            layer = node.outbound_layer if LEGACY else node.operation
            found.setdefault(id(layer), []).append(node)
    return found


def _node_outputs(node: Any) -> List[Any]:
    if LEGACY:
        import tensorflow as tf
        return list(tf.nest.flatten(node.outputs))
    return list(node.output_tensors)


def _input_structure(model: Any) -> Any:
    """The inputs of a graph as it takes them: a list, or a dictionary by the user's own keys."""
    return model.inputs if type(model).__name__ == 'Sequential' else model.input
