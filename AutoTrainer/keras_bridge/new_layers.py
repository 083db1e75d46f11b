"""New layers, for the solutions that add some."""

from typing import Any, Dict, List, Tuple

from .generation import LEGACY, keras


def build_layer(class_name: str, **config: Any) -> Any:
    """A Keras layer by its class name."""
    if LEGACY and class_name == 'Rescaling':
        return keras.layers.experimental.preprocessing.Rescaling(**config)
    return getattr(keras.layers, class_name)(**config)


def passes_mask(class_name: str, **config: Any) -> bool:
    """Whether a layer hands the mask of its input on; one that does not loses it."""
    return bool(build_layer(class_name, **config).supports_masking)


def layer_config(class_name: str, **config: Any) -> Dict[str, Any]:
    """The entry of a layer in ``get_config()['layers']`` of a Sequential."""
    layer = build_layer(class_name, **config)
    if LEGACY:
        return {'class_name': class_name, 'config': layer.get_config()}
    return keras.saving.serialize_keras_object(layer)


def leaky_layers() -> List[Tuple[str, str, Dict[str, Any]]]:
    """The kin of ReLU that keep a gradient, or another threshold: (words, class, settings)."""
    slope = {('alpha' if LEGACY else 'negative_slope'): 0.3}
    threshold = (('ThresholdedReLU', {'theta': 1.0}) if LEGACY
                 else ('ReLU', {'threshold': 1.0}))  # the same function; Keras 3 has no other
    return [('LeakyReLU with slope 0.3', 'LeakyReLU', slope),
            ('ELU', 'ELU', {'alpha': 1.0}),
            ('ThresholdedReLU with threshold 1',) + threshold]
