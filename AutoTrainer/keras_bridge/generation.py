"""Which Keras is at work, on which backend: found once, here.

Two generations are served: ``tf.keras`` of TensorFlow 2.3 (``LEGACY``) and Keras 3 on JAX,
TensorFlow or PyTorch.
"""

import importlib.util
import platform
import random
import sys
from typing import Any, Dict, Tuple

import numpy as np

from ..errors import UserError, quote, way_out
from ..intake.config import BACKENDS


def _unknown_backend(name: str) -> UserError:
    return UserError('Keras is set to the backend %s; set KERAS_BACKEND, %s'
                     % (quote(name), way_out(name, BACKENDS)))


def _find_keras() -> Tuple[Any, bool]:
    try:
        import keras as found
    except ModuleNotFoundError as error:
        if error.name in ('tensorflow', 'jax', 'torch'):
            there = [name for name in BACKENDS if importlib.util.find_spec(name)]
            raise UserError('Keras is set to the backend %s, which is not installed; %s' % (
                error.name, 'set KERAS_BACKEND=%s, which is' % ' or '.join(there) if there
                else 'install one: ' + ', '.join(BACKENDS))) from error
        raise
    except ValueError as error:
        name = str(error).rpartition(':')[2].strip()
        if 'backend' not in str(error):
            raise
        raise _unknown_backend(name) from error
    if int(found.__version__.split('.')[0]) >= 3:
        if found.backend.backend() not in BACKENDS:  # numpy, for one, which cannot train
            raise _unknown_backend(found.backend.backend())
        return found, False
    from tensorflow import keras as found_tf
    return found_tf, True


keras, LEGACY = _find_keras()


def backend() -> str:
    """Name of the backend: ``'tensorflow'``, ``'jax'`` or ``'torch'``."""
    return 'tensorflow' if LEGACY else str(keras.backend.backend())


def versions() -> Dict[str, str]:
    """Versions of everything a result depends on."""
    found = {'python': platform.python_version(), 'keras': str(keras.__version__),
             'backend': backend(), 'numpy': str(np.__version__)}
    module = sys.modules.get(backend())
    found[backend()] = str(getattr(module, '__version__', ''))
    return found


def set_seed(seed: int) -> None:
    """Seed Python, numpy and the backend."""
    seed = seed % 2**32
    if LEGACY:
        import tensorflow as tf
        random.seed(seed)
        np.random.seed(seed)
        tf.random.set_seed(seed)
    else:
        keras.utils.set_random_seed(seed)


def of_keras(kind: type) -> bool:
    """Whether a class is one of Keras's own."""
    return kind.__module__.split('.')[0] in ('keras', 'tensorflow')


def load_keras_dataset(name: str, **kwargs: Any) -> Any:
    """Call ``keras.datasets.NAME.load_data(**kwargs)``; it downloads if the cache is empty."""
    return getattr(keras.datasets, name).load_data(**kwargs)
