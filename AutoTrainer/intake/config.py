"""Reading and checking configurations; knows neither Keras nor data."""

import io
import json
import math
import os
import pickle
import pickletools
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ..errors import UserError, quote, way_out

LARGEST_FILE = 1 << 16
"""A configuration is a page of text; a larger file is something else."""


BACKENDS = ('jax', 'tensorflow', 'torch')
"""What Keras 3 can run on."""


class _PlainUnpickler(pickle.Unpickler):
    """Admits containers, numbers and strings; a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise UserError('config_path holds a pickle that wants to import %s; a configuration '
                        'is made of plain containers, numbers and strings'
                        % quote('%s.%s' % (module, name))[1:-1])

    def persistent_load(self, pid: Any) -> Any:
        raise UserError('config_path holds a pickle with a persistent id; a configuration is made '
                        'of plain containers, numbers and strings')


_HASHED = ('TUPLE', 'TUPLE1', 'TUPLE2', 'TUPLE3', 'FROZENSET')
_SHARED = ('GET', 'BINGET', 'LONG_BINGET', 'DUP')
_NUMBERED = ('PUT', 'BINPUT', 'LONG_BINPUT')


def _unpickle(content: bytes) -> Any:
    """Read a pickle of plain values.

    Raises:
        UserError: if it holds anything else.
        Exception: of nearly any kind if it is damaged.
    """
    names = set()
    for code, argument, _ in pickletools.genops(content):
        names.add(code.name)
        if code.name in _NUMBERED and int(argument or 0) > LARGEST_FILE:
            # the unpickler makes a table of that length
            raise UserError('config_path holds a pickle whose part has the number %s; write the '
                            'configuration as .json' % quote(argument))
    if names.intersection(_HASHED) and names.intersection(_SHARED):
        # a tuple of a tuple of … that appears twice each time takes for ever to be hashed
        raise UserError('config_path holds a pickle of tuples that share parts; write the '
                        'configuration as .json')
    return _PlainUnpickler(io.BytesIO(content)).load()


def parse_int(digits: str) -> int:
    """A whole number of a JSON file that may come from anywhere.

    Raises:
        ValueError: for one so long that reading it would take for ever.
    """
    if len(digits) > 100:
        raise ValueError('a number of %d digits' % len(digits))
    return int(digits)


def _parse_constant(name: str) -> Any:
    raise ValueError('%s is no JSON' % name)


KEYS: Dict[str, Tuple[type, ...]] = {
    'optimizer': (str,), 'opt_kwargs': (dict,), 'batchsize': (int,), 'epoch': (int,),
    'loss': (str,), 'dataset': (str,), 'callbacks': (list, tuple),
}
"""The keys of a configuration, and of which types their values are."""

_OPTIONAL: Dict[str, Any] = {'opt_kwargs': {}, 'callbacks': []}
CALLBACKS = ('estop', 'ReduceLR')
"""Callbacks that a configuration may name."""


def read_config(path: str) -> Dict[str, Any]:
    """Read a training configuration from JSON, or from upstream's pickle.

    Args:
        path: ``.json``, or ``.pkl`` as upstream writes it; a pickle is read without running code.

    Returns:
        All keys, see :func:`check_config`.

    Raises:
        UserError: if the file is missing, unreadable, or not a valid configuration.
    """
    if not os.path.isfile(path):
        raise UserError('config_path is %r, which is no file; give a .json or .pkl configuration'
                        % path)
    if path.endswith(('.h5', '.keras')):
        raise UserError('config_path is %r, a model; give it as model_path, and a .json or .pkl '
                        'configuration here' % path)
    if os.path.getsize(path) > LARGEST_FILE:
        raise UserError('config_path is %r, a file of %d bytes; a configuration has at most %d'
                        % (path, os.path.getsize(path), LARGEST_FILE))
    try:
        with open(path, 'rb') as file:
            content = file.read()
    except OSError as error:
        raise UserError('config_path is %r, which cannot be read: %s'
                        % (path, error.strerror)) from error
    try:
        if path.endswith('.pkl'):
            config = _unpickle(content)
        else:
            config = json.loads(content.decode('utf-8'), parse_int=parse_int,
                                parse_constant=_parse_constant)
    except UserError:
        raise
    except Exception as error:  # a damaged pickle or JSON text can raise nearly anything
        raise UserError('config_path is %r, which is not valid %s: %s' % (
            path, 'pickle' if path.endswith('.pkl') else 'JSON', quote(str(error))[1:-1])
            ) from error
    return check_config(config)


def check_config(config: Any) -> Dict[str, Any]:
    """Check a configuration and fill in its optional keys.

    Args:
        config: a dictionary with ``optimizer`` (name), ``opt_kwargs`` (its settings, optional),
            ``batchsize``, ``epoch``, ``loss`` (name), ``dataset`` (name) and ``callbacks`` (names,
            optional).

    Returns:
        A new dictionary with all keys.

    Raises:
        UserError: for a missing or unknown key or a value of a wrong kind.
    """
    if not isinstance(config, Mapping):
        raise UserError('the configuration is a %s; give an object with the keys %s'
                        % (type(config).__name__, ', '.join(sorted(KEYS))))
    for key in config:
        if key not in KEYS:
            raise UserError('the configuration has an unknown key %s; %s'
                            % (quote(key), way_out(key, sorted(KEYS))))
    complete = dict(_OPTIONAL)
    complete.update(config)
    for key, kinds in KEYS.items():
        if key not in complete:
            raise UserError('the configuration has no key %r; it needs %s'
                            % (key, ', '.join(sorted(set(KEYS) - set(_OPTIONAL)))))
        value = complete[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise UserError('the configuration has %s = %s; give a %s'
                            % (key, quote(value), {int: 'whole number', str: 'name', dict: 'object',
                                            list: 'list'}[kinds[0]]))
    check_count('epoch', complete['epoch'])
    check_count('batchsize', complete['batchsize'])
    complete['callbacks'] = check_callback_names(complete['callbacks'])
    complete['opt_kwargs'] = dict(complete['opt_kwargs'])
    for name, value in complete['opt_kwargs'].items():
        if not isinstance(name, str) or not (
                isinstance(value, (bool, str)) or value is None or _finite(value)):
            raise UserError('the configuration has opt_kwargs[%s] = %s; give a finite number'
                            % (quote(name), quote(value)))
    return complete


def _finite(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def check_count(name: str, value: Any, most: int = 10**7) -> int:
    """Return a count if it is a whole number in 1…most.

    Raises:
        UserError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UserError('%s is %s; give a whole number from 1 to %d' % (name, quote(value), most))
    return value


def check_number(name: str, value: Any, least: float = -math.inf) -> float:
    """Return a value if it is a finite number of at least ``least``.

    Raises:
        UserError: if it is not.
    """
    if isinstance(value, bool) or not _finite(value) or value < least:
        raise UserError('%s is %s; give a finite number%s' % (
            name, quote(value), '' if least == -math.inf else ' from %g on' % least))
    return value


def check_seed(seed: Any) -> int:
    """Return a seed if it is a whole number.

    Raises:
        UserError: if it is not.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise UserError('seed is %s; give a whole number' % quote(seed))
    return int(seed)


def check_callback_names(callbacks: Any) -> Tuple[Any, ...]:
    """Return callbacks in their order; names among them must be known.

    Raises:
        UserError: for an unknown name or what is neither a name nor a callback.
    """
    if callbacks is not None and not isinstance(callbacks, (list, tuple)):
        raise UserError('callbacks is %s; give a list of names (%s) or Keras callbacks'
                        % (quote(callbacks), ', '.join(CALLBACKS)))
    for callback in callbacks or ():
        if isinstance(callback, type):
            raise UserError('callbacks has the class %s; give an object of it, %s()'
                            % (callback.__name__, callback.__name__))
        if callback not in CALLBACKS if isinstance(callback, str) else not hasattr(
                callback, 'on_epoch_end'):
            raise UserError('callbacks has %s; known names are %s'
                            % (quote(callback), ', '.join(CALLBACKS)))
    return tuple(callbacks or ())


def optional_path(base: str, path: Optional[str]) -> Optional[str]:
    """``path`` below ``base`` where it is relative; None stays None."""
    return None if path is None else os.path.join(base, path)
