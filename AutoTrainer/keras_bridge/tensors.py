"""Arrays to tensors of the backend and back."""

from typing import Any, Dict

import numpy as np

from ..intake.arrays import map_arrays
from .generation import LEGACY, keras


def to_tensors(data: Any) -> Any:
    """The batch as tensors of the backend."""
    if LEGACY:
        import tensorflow as tf
        return map_arrays(tf.convert_to_tensor, data)
    return map_arrays(keras.ops.convert_to_tensor, data)


def to_numpy(tensor: Any) -> np.ndarray:
    """A tensor of the backend as an array on the host."""
    if LEGACY:
        return np.asarray(tensor.numpy())
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def inference_mode(model: Any) -> Dict[str, bool]:
    """``training=False`` for a model whose call takes it."""
    takes = getattr(model, '_expects_training_arg' if LEGACY else '_call_has_training_arg', True)
    return {'training': False} if takes else {}
