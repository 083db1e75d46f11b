"""How an object of Keras's own is made in somebody's code: path, arguments, default settings."""

import inspect
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from ..solutions.graph import copy_of
from .generation import LEGACY, keras, of_keras


class Constructor(NamedTuple):
    """What there is to know before an object is written down as a call.

    Attributes:
        path: how the class is reached in code, such as ``'keras.layers.Dense'``.
        required: arguments without a default, in their order.
        defaults: ``get_config()`` of an object that got the required arguments alone; empty where
            such a one cannot be made.
    """

    path: str
    required: Tuple[str, ...]
    defaults: Dict[str, Any]


def constructor(group: str, described: Mapping[str, Any]) -> Optional[Constructor]:
    """How the object of a description is made.

    Args:
        group: where Keras keeps the class: ``'layers'``, ``'optimizers'``,
            ``'optimizers.schedules'``, ``'initializers'``, ``'losses'``, …
        described: ``{'class_name': str, 'config': dict}``, as Keras has it in configurations.

    Returns:
        None where the class is not one of Keras's own in that group.
    """
    kind, path = _own_class(group, described)
    if kind is None:
        return None
    required = tuple(
        name for name, argument in inspect.signature(kind.__init__).parameters.items()
        if argument.default is argument.empty and name != 'self' and name in described['config']
        and argument.kind is argument.POSITIONAL_OR_KEYWORD)
    config = copy_of({key: described['config'][key] for key in required})  # Keras takes it apart
    try:
        if group == 'layers':
            bare = dict(described, config=dict(config, name='any'))
            bare.pop('build_config', None)
            made = keras.layers.deserialize(bare)
        else:
            made = kind(**config)
        return Constructor(path, required, dict(made.get_config()))
    except Exception:  # whatever a constructor raises that wants more than it says
        return Constructor(path, required, {})


def _own_class(group: str, described: Mapping[str, Any]) -> Tuple[Any, str]:
    if described.get('registered_name') or described.get('module') not in (
            None, 'keras', 'keras.' + group):
        return None, ''
    name, path = described['class_name'], 'keras.' + group
    place: Any = keras
    for part in group.split('.'):
        place = getattr(place, part)
    if LEGACY and name == 'Rescaling':
        place, path = place.experimental.preprocessing, path + '.experimental.preprocessing'
    kind = getattr(place, name, None)
    return (kind, '%s.%s' % (path, name)) if isinstance(kind, type) else (None, '')


def described_object(value: Any) -> Optional[Dict[str, Any]]:
    """The description of a loss, metric or schedule object of Keras's own; None for any other."""
    if isinstance(value, type) or not of_keras(type(value)) or not hasattr(value, 'get_config'):
        return None
    return {'class_name': type(value).__name__, 'config': dict(value.get_config())}


def is_own_function(value: Any) -> bool:
    """Whether a value is a function of Keras's own, which Keras knows by its name."""
    return (inspect.isfunction(value)
            and value.__module__.split('.')[0] in ('keras', 'tensorflow'))
