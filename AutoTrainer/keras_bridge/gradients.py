"""The gradient probe: the compiled loss on one batch, a row of numbers per variable."""

import functools
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..intake.arrays import map_arrays
from .generation import LEGACY, backend, keras
from .tensors import inference_mode, to_tensors


def gradient_statistics(model: Any, x: Any, y: Any) -> Callable[[], np.ndarray]:
    """Prepare the gradient probe: compiled once, then called at every check.

    The gradient is that of the compiled loss on one batch, in inference mode (no random numbers
    drawn, no moving statistics changed) and before any clipping. Only the numbers below reach the
    host.

    Args:
        model: compiled model.
        x: inputs of the batch: an array, or a list or dictionary of them.
        y: labels of the batch.

    Returns:
        A function without arguments that returns an array of shape (trainable variables, 5): norm
        of the gradient, its exact zeros, 1 if it is finite, largest absolute weight, 1 if the
        weights are finite.
    """
    if LEGACY:  # as fit() does
        y = map_arrays(lambda array: array[:, None] if np.ndim(array) == 1 else array, y)
    x, y = to_tensors(x), to_tensors(y)
    make = {'jax': _gradients_jax, 'torch': _gradients_torch}.get(backend(), _gradients_tensorflow)
    return make(model, x, y)


# A row of gradient statistics: norm, exact zeros, all finite, largest weight, weights finite.

def _statistics_jax(gradient: Any, weight: Any) -> Any:
    import jax.numpy as jnp
    size = jnp.abs(gradient).astype('float32')
    scale = jnp.max(size)  # norms of tiny gradients would underflow when squared
    safe = jnp.where(scale > 0, scale, 1.0)
    return jnp.stack([scale * jnp.sqrt(jnp.sum((size / safe) ** 2)),
                      jnp.sum(size == 0).astype('float32'),
                      jnp.all(jnp.isfinite(size)).astype('float32'),
                      jnp.max(jnp.abs(weight)).astype('float32'),
                      jnp.all(jnp.isfinite(weight)).astype('float32')])


def _statistics_torch(gradient: Any, weight: Any) -> Any:
    import torch
    size = gradient.detach().abs().float()
    weight = weight.detach().float()
    scale = size.max()
    safe = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.stack([scale * ((size / safe) ** 2).sum().sqrt(), (size == 0).sum().float(),
                        torch.isfinite(size).all().float(), weight.abs().max(),
                        torch.isfinite(weight).all().float()])


def _statistics_tensorflow(gradients: Sequence[Any], weights: Sequence[Any]) -> Any:
    """The rows of all variables; those of one shape together, or the graph would be slow."""
    import tensorflow as tf

    def flat(tensors: Sequence[Any]) -> Any:
        return tf.stack([tf.reshape(tf.cast(t, tf.float32), [-1]) for t in tensors])

    groups: Dict[Tuple[int, ...], List[int]] = {}
    for i, weight in enumerate(weights):
        groups.setdefault(tuple(weight.shape), []).append(i)
    rows = []
    for group in groups.values():
        size = tf.abs(flat([gradients[i] for i in group]))
        weight = tf.abs(flat([weights[i] for i in group]))
        scale = tf.reduce_max(size, axis=1)
        safe = tf.where(scale > 0, scale, tf.ones_like(scale))[:, None]
        finite = tf.math.is_finite
        rows.append(tf.stack([
            scale * tf.sqrt(tf.reduce_sum(tf.square(size / safe), axis=1)),
            tf.reduce_sum(tf.cast(tf.equal(size, 0), tf.float32), axis=1),
            tf.cast(tf.reduce_all(finite(size), axis=1), tf.float32),
            tf.reduce_max(weight, axis=1),
            tf.cast(tf.reduce_all(finite(weight), axis=1), tf.float32)], axis=1))
    order = np.argsort([i for group in groups.values() for i in group])
    return tf.gather(tf.concat(rows, axis=0), order)


@functools.lru_cache(maxsize=None)
def _compiled_statistics_jax() -> Any:
    """One function for all models: it is compiled once per shape of a variable, not per probe.

    Statistics of all variables inside the gradient function would take three times as long to
    compile as the gradients alone.
    """
    import jax
    return jax.jit(_statistics_jax)


def _gradients_jax(model: Any, x: Any, y: Any) -> Callable[[], np.ndarray]:
    import jax

    def gradients(trainable: Any, fixed: Any, metrics: Any, x: Any, y: Any) -> Any:
        loss_and_rest = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
        return loss_and_rest(trainable, fixed, metrics, x, y, None, training=False)[1]

    compiled = jax.jit(gradients)
    statistics = _compiled_statistics_jax()

    def probe() -> np.ndarray:
        model.jax_state_sync()
        weights = [v.value for v in model.trainable_variables]
        found = compiled(weights, [v.value for v in model.non_trainable_variables],
                         [v.value for v in model.metrics_variables], x, y)
        return np.stack(jax.device_get([statistics(g, w) for g, w in zip(found, weights)]))
    return probe


def _gradients_torch(model: Any, x: Any, y: Any) -> Callable[[], np.ndarray]:
    import torch
    kwargs = inference_mode(model)

    def probe() -> np.ndarray:
        weights = [v.value for v in model.trainable_variables]
        with torch.enable_grad():
            loss = model.compute_loss(x=x, y=y, y_pred=model(x, **kwargs), training=False)
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        rows = [_statistics_torch(torch.zeros_like(w) if g is None else g, w)
                for g, w in zip(gradients, weights)]
        return torch.stack(rows).cpu().numpy()
    return probe


def _legacy_loss(model: Any) -> Callable[[Any, Any], Any]:
    """The compiled loss as a function of (y, y_pred), without touching the model's metrics."""
    import tensorflow as tf

    def one(loss: Any) -> Callable[[Any, Any], Any]:
        function = keras.losses.get(loss)
        return lambda y, y_pred: tf.reduce_mean(function(y, y_pred))

    if not isinstance(model.loss, (list, tuple, dict)):
        single = one(model.loss)
        if len(model.outputs or [None]) == 1:
            return single
        return lambda y, y_pred: tf.add_n([single(a, b) for a, b in zip(y, y_pred)])
    names = list(model.output_names)
    losses = [one(model.loss[name] if isinstance(model.loss, dict) else model.loss[i])
              for i, name in enumerate(names)]

    def total(y: Any, y_pred: Any) -> Any:
        parts = [y[name] for name in names] if isinstance(y, dict) else list(y)
        return tf.add_n([loss(a, b) for loss, a, b in zip(losses, parts, y_pred)])
    return total


def _one_replica(variable: Any) -> Any:
    """A variable itself, under a distribution strategy the one that a model outside it reads."""
    return getattr(variable, '_primary', variable)


def _gradients_tensorflow(model: Any, x: Any, y: Any) -> Callable[[], np.ndarray]:
    import tensorflow as tf
    kwargs = inference_mode(model)
    legacy_loss = _legacy_loss(model) if LEGACY else None

    def measure() -> Any:
        weights = [_one_replica(v) if LEGACY else v.value for v in model.trainable_weights]
        with tf.GradientTape() as tape:
            y_pred = model(x, **kwargs)
            if legacy_loss is None:
                loss = model.compute_loss(x=x, y=y, y_pred=y_pred, training=False)
            else:
                loss = legacy_loss(y, y_pred)
                if model.losses:
                    loss = loss + tf.add_n([tf.reduce_sum(extra) for extra in model.losses])
        gradients = tape.gradient(loss, weights)
        return _statistics_tensorflow(
            [tf.zeros_like(w) if g is None else tf.convert_to_tensor(g)
             for g, w in zip(gradients, weights)], weights)

    traced = tf.function(measure).get_concrete_function()  # one trace; TensorFlow counts others
    return lambda: traced().numpy()
