"""Models and their weights taken down, and fresh models built from that."""

import functools
import hashlib
import json
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np

from ..errors import first_line
from ..intake.arrays import map_arrays
from ..solutions.candidate import Blueprint
from ..solutions.graph import copy_of, dictionaries
from ..utils.logger import LOGGER
from .anatomy import is_graph
from .generation import LEGACY, keras, set_seed


def ensure_built(model: Any, x: Any) -> None:
    """Give a model that does not know its input shape yet that of the data."""
    if model.built and getattr(model, 'weights', None) is not None and model.weights:
        return
    if is_graph(model) and not isinstance(x, (list, tuple, dict)):
        model.build((None,) + tuple(x.shape[1:]))
    else:
        model(map_arrays(lambda a: a[:1], x))


def rebuilt(model: Any, x: Any) -> Any:
    """A copy of a graph from its configuration, built for inputs like these; not compiled.

    Raises:
        Exception: whatever a foreign layer's constructor or call raises.
    """
    copy = _from_config('Sequential' if type(model).__name__ == 'Sequential' else 'Functional',
                        model.get_config())
    ensure_built(copy, x)
    return copy


def all_weights(model: Any) -> List[np.ndarray]:
    """Copies of all weights in the order in which ``set_weights()`` takes them."""
    return [np.array(w) for w in model.get_weights()]


def has_weights(model: Any, arrays: Sequence[np.ndarray]) -> bool:
    """Whether these are the weights of a model as it stands."""
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), arrays))


def layer_weights(model: Any) -> Dict[str, List[np.ndarray]]:
    """Copies of all weights by the name of the top-level layer that owns them."""
    return {layer.name: [np.array(w) for w in layer.get_weights()]
            for layer in model.layers if layer.weights}


def take_blueprint(model: Any) -> Blueprint:
    """Describe a built model as it stands, weights included.

    A graph whose layers Keras cannot make again from their configuration (layer classes of the
    user's own that are not registered) is treated like a subclassed model.
    """
    if is_graph(model):
        kind = 'Sequential' if type(model).__name__ == 'Sequential' else 'Functional'
        config = model.get_config()
        try:
            _from_config(kind, config)
            return Blueprint(kind, config, layer_weights(model), model)
        except Exception as error:  # whatever a foreign layer's constructor raises
            LOGGER.warning('the model cannot be rebuilt from its configuration (%s), so solutions '
                           'that change its structure are left out', first_line(error))
    return Blueprint('subclassed', None, {'': all_weights(model)}, model)


def _from_config(kind: str, config: Mapping[str, Any]) -> Any:
    """A new model from the configuration of one that is in memory, whose code is trusted."""
    config = copy_of(config)
    if LEGACY:
        return (keras.Sequential if kind == 'Sequential' else keras.Model).from_config(config)
    described = keras.saving.serialize_keras_object(
        keras.Sequential() if kind == 'Sequential' else _smallest_functional())
    return keras.saving.deserialize_keras_object(dict(described, config=config), safe_mode=False)


@functools.lru_cache(maxsize=None)
def _smallest_functional() -> Any:
    """A functional model, for the way in which Keras 3 names its class."""
    inputs = keras.Input((1,))
    return keras.Model(inputs, inputs)


def build_model(blueprint: Blueprint, seed: int) -> Any:
    """A fresh model: weights of the blueprint where they fit, new ones elsewhere.

    Args:
        blueprint: see :class:`~AutoTrainer.solutions.candidate.Blueprint`.
        seed: for the initializers of layers that have no weights in the blueprint.

    Returns:
        A model, not compiled; for a subclassed one the original with its weights put back.
    """
    set_seed(seed)
    if blueprint.config is None:
        blueprint.original.set_weights(blueprint.weights[''])
        return blueprint.original
    model = _from_config(blueprint.kind, blueprint.config)
    if not model.built:
        model.build(blueprint.original.input_shape)
    for layer in model.layers:
        given = blueprint.weights.get(layer.name)
        if given is not None and [w.shape for w in given] == [tuple(w.shape)
                                                              for w in layer.weights]:
            layer.set_weights(given)
            _take_up(layer)
    return model


def _take_up(layer: Any) -> None:
    """Have Normalization layers compute with the weights that they were given.

    Those of Keras 3 compute with copies, which their own loading refreshes and ``set_weights()``
    does not.
    """
    for part in [] if LEGACY else layer._flatten_layers():
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()


def custom_objects() -> Dict[str, Any]:
    """What the user has registered with Keras, by name."""
    return dict(keras.utils.get_custom_objects() if LEGACY else keras.saving.get_custom_objects())


def register(objects: Mapping[str, Any]) -> None:
    """Register in this process what :func:`custom_objects` gave in another."""
    (keras.utils if LEGACY else keras.saving).get_custom_objects().update(objects)


def fingerprint(model: Any) -> str:
    """A short text that two models share if one can stand in for the other.

    Built of configuration and weights; the names that Keras makes up (``dense_7``) count by their
    order only, because they depend on what else a process has built.
    """
    digest = hashlib.sha256()
    if is_graph(model):
        config = json.loads(json.dumps(model.get_config(), sort_keys=True, default=str))
        named = [config] + [part['config'] for part in dictionaries(config)
                            if isinstance(part.get('config'), dict)
                            and part.get('class_name') != 'DTypePolicy']
        text = json.dumps(config)
        for number, name in enumerate(part['name'] for part in named if 'name' in part):
            text = text.replace(json.dumps(name), '"#%d"' % number)
        digest.update(text.encode('utf-8'))
    for array in model.get_weights():
        digest.update(repr(array.shape).encode('utf-8') + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
