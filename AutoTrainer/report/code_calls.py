"""Settings as they are written in a program: values, and the calls that make Keras objects."""

import math
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..solutions.edit import INITIALIZERS

MOST_NUMBERS = 8
"""Numbers of a list that are written out; longer ones have to be computed."""

_LEFT_OUT = ('name', 'dtype', 'seed', 'batch_input_shape', 'build_config')
_GROUPS = {'initializer': 'initializers', 'regularizer': 'regularizers',
           'constraint': 'constraints', 'learning_rate': 'optimizers.schedules'}
_UNUSUAL = ('Lambda', 'Normalization', 'TextVectorization', 'StringLookup', 'IntegerLookup',
            'Discretization')
"""Layers that hold a function of the user's, or something that they learnt before the training."""


class Unwritable(Exception):
    """Raised for what a few lines cannot hold; says what it is."""


class Call(NamedTuple):
    """A call that makes a Keras object.

    Attributes:
        path: what is called, such as ``'keras.layers.Dense'``.
        settings: all settings of the object, as text.
        given: names of those that have to be given; the others are the defaults.
        required: how many of these, the first, are arguments without a default.
    """

    path: str
    settings: Dict[str, str]
    given: Tuple[str, ...]
    required: int

    @property
    def text(self) -> str:
        """The call."""
        bare = self.required if self.required <= 2 else 0
        return '%s(%s)' % (self.path, ', '.join(
            [self.settings[key] for key in self.given[:bare]]
            + ['%s=%s' % (key, self.settings[key]) for key in self.given[bare:]]))

    def with_settings(self, changed: Mapping[str, str]) -> 'Call':
        """The call with other texts for some settings."""
        return self._replace(settings=dict(self.settings, **changed), given=self.given + tuple(
            key for key in changed if key not in self.given))


def was(before: Optional[Call], after: Call) -> str:
    """What a call was before, as the comment behind it; '' where nothing has changed."""
    if before is None:
        return 'new'
    if before.path != after.path:
        return 'was ' + short(before)
    then, now = before.settings, after.settings
    changed = [key for key in dict(then, **now) if then.get(key, 'None') != now.get(key, 'None')]
    if 'layer' in changed and 'backward_layer' in changed:  # made of it
        changed.remove('backward_layer')
    said = ', '.join('%s=%s' % (key, then.get(key, 'None')) for key in changed)
    return 'was ' + _bare(said) if said else ''


def short(call: Call) -> str:
    """A call in a comment, without the way to its class."""
    return _bare(call.text)


def _bare(text: str) -> str:
    return re.sub(r'\bkeras\.(\w+\.)+(?=[A-Z])', '', text)


# ---------------------------------------------------------------------------------------- values

def number_text(value: float) -> str:
    """A number as short as one of 32 bits can be written."""
    if not math.isfinite(value):
        return "float('%r')" % value
    with np.errstate(over='ignore'):
        narrow = float(str(np.float32(value)))
    return repr(narrow if math.isfinite(narrow) and (narrow or not value) else value)


def value_text(value: Any, key: str = '') -> str:
    """A value of a configuration as it is written in a program.

    Args:
        value: the value.
        key: the name of its setting, which says what a description in it describes.

    Raises:
        Unwritable: for functions of the user's, and long lists of numbers.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if value is None or isinstance(value, (bool, str, int)):
        return repr(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, Mapping):
        if isinstance(value.get('class_name'), str) and isinstance(value.get('config'), Mapping):
            return object_text(_group(key), value)
        return '{%s}' % ', '.join('%s: %s' % (value_text(name), value_text(part))
                                  for name, part in value.items())
    if isinstance(value, (list, tuple)):
        if len(value) > MOST_NUMBERS:
            raise Unwritable('a list of %d values' % len(value))
        parts = [value_text(part, key) for part in value]
        if isinstance(value, tuple):
            return '(%s%s)' % (', '.join(parts), ',' * (len(parts) == 1))
        return '[%s]' % ', '.join(parts)
    raise Unwritable(type(value).__name__)


def _group(key: str) -> str:
    return next((group for end, group in _GROUPS.items() if key.endswith(end)), 'layers')


def object_text(group: str, described: Mapping[str, Any]) -> str:
    """An object in a configuration: an initializer by its name, anything else as a call."""
    if group == 'initializers':
        name, settings = described['class_name'], described['config']
        for known, wanted in INITIALIZERS.items():
            if name == 'VarianceScaling' and all(
                    settings.get(part) == wanted[part] for part in wanted):
                return repr(known)
        call = keras_call(group, described)
        plain = re.sub('(?<=[a-z])(?=[A-Z])', '_', name).lower()
        return call.text if call.given else repr(plain)
    return keras_call(group, described).text


# ----------------------------------------------------------------------------------------- calls

def keras_call(group: str, described: Mapping[str, Any],
               computed: Optional[Mapping[str, str]] = None) -> Call:
    """The call that makes the object of a description.

    Args:
        group: see :func:`AutoTrainer.keras_bridge.constructor`.
        described: ``{'class_name': str, 'config': dict}``.
        computed: texts that stand for some of its settings.

    Raises:
        Unwritable: for a class of the user's own, and whatever in it cannot be written.
    """
    made = keras_bridge.constructor(group, described)
    if made is None or described['class_name'] in _UNUSUAL:
        raise Unwritable(str(described['class_name']))
    computed = computed or {}
    config = {key: value for key, value in described['config'].items() if key not in _LEFT_OUT}
    if described['class_name'] == 'Bidirectional':
        config['layer'] = _as_given(config['layer'])
    settings = {key: computed[key] if key in computed else value_text(value, key)
                for key, value in config.items()}
    given: List[str] = list(made.required)
    for key, text in settings.items():
        if key not in given and (group == 'regularizers' or is_drawn_anew(config[key])
                                 or text != _default(made, key)):
            given.append(key)
    return Call(made.path, settings, tuple(given), len(made.required))


def _as_given(layer: Mapping[str, Any]) -> Dict[str, Any]:
    """A layer before Bidirectional took it, which sets how its padding comes out."""
    return dict(layer, config={key: value for key, value in layer['config'].items()
                               if key != 'zero_output_for_mask'})


def is_drawn_anew(value: Any) -> bool:
    """Whether a setting is an initializer that a solution has put there: it is always shown."""
    return (isinstance(value, Mapping) and value.get('class_name') == 'VarianceScaling'
            and value['config'].get('seed') is not None)


def _default(made: keras_bridge.Constructor, key: str) -> str:
    if key not in made.defaults:
        return 'True' if key == 'trainable' else 'None'
    try:
        return value_text(made.defaults[key], key)
    except Unwritable:
        return ''


def object_call(group: str, value: Any) -> str:
    """A loss or metric, or several, as they are written in a program.

    Args:
        group: ``'losses'`` or ``'metrics'``.
        value: name, function or object, or a list or dictionary of them.
    """
    if isinstance(value, Mapping):
        return '{%s}' % ', '.join('%r: %s' % (key, object_call(group, part))
                                  for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return '[%s]' % ', '.join(object_call(group, part) for part in value)
    if value is None or isinstance(value, str):
        return repr(value)
    if keras_bridge.is_own_function(value):
        return repr(value.__name__)
    described = keras_bridge.described_object(value)
    try:
        return keras_call(group, described).text if described else _own_name(value)
    except Unwritable:
        return _own_name(value)


def _own_name(value: Any) -> str:
    """The user's own function or object, by the name it surely has in the program."""
    name = getattr(value, '__name__', '')
    return name if name.isidentifier() else '%s(...)' % type(value).__name__
