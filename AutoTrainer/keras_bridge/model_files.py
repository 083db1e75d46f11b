"""Model files: read with care, written whole."""

import contextlib
import json
import os
import shutil
import tempfile
import zipfile
from typing import Any, Dict, Iterator, Mapping

from ..errors import UserError, first_line
from ..intake.model_file import SMALL, read_model_file
from ..record.folder import RecordError, written_whole
from ..solutions.graph import copy_of, dictionaries
from .anatomy import is_graph
from .generation import LEGACY, backend, keras

MODEL_SUFFIX = '.h5' if LEGACY else '.keras'
_CODE = ('Lambda', '__lambda__', 'TensorFlowOpLayer')
"""Classes in a model's configuration that carry code of their own."""


@contextlib.contextmanager
def _without_memory() -> Iterator[None]:
    """Within, Keras 3 makes the variables of a model without their numbers."""
    if backend() == 'tensorflow':
        import tensorflow as tf
        with tf.Graph().as_default():
            yield
    elif backend() == 'torch':
        with keras.device('meta'), keras.StatelessScope():
            yield
    else:
        with keras.StatelessScope():
            yield


def _declared_numbers(config: Mapping[str, Any]) -> int:
    """How many weights a model of this configuration has; 0 where only building it would tell."""
    if LEGACY:  # whose classes change for good when a model is made outside of eager mode
        return 0
    owner = keras.Sequential if config['class_name'] == 'Sequential' else keras.Model
    try:
        with _without_memory():
            return int(owner.from_config(copy_of(config['config'])).count_params())
    except Exception:  # loading it will say what is wrong
        return 0


def _foreign(config: Any) -> str:
    """The first class in a configuration that is not Keras's own; '' if there is none."""
    for part in dictionaries(config):
        module, name = part.get('module'), part.get('registered_name')
        if 'class_name' in part and isinstance(module, str) and module != 'builtins' and (
                module.split('.')[0] not in ('keras', 'tensorflow')) and not (
                LEGACY or keras.saving.get_registered_object(name)):
            return '%s.%s' % (module, part['class_name'])
    return ''


def _modernise(config: Dict[str, Any]) -> None:
    """Change, in place, what Keras 3 cannot read in an older model's configuration."""
    for part in dictionaries(config):
        if part.get('class_name') in ('LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional'):
            part['config'].pop('time_major', None)
    layers = config['config']['layers'] if config['class_name'] == 'Sequential' else []
    if layers and layers[0]['class_name'] != 'InputLayer':
        shape = layers[0]['config'].get('batch_input_shape')
        if shape:
            layers.insert(0, {'class_name': 'InputLayer',
                              'config': {'batch_input_shape': shape, 'dtype': 'float32',
                                         'name': 'input_of_' + layers[0]['config']['name']}})


def _load_older_h5(path: str, config: Dict[str, Any], trust: bool) -> Any:
    """Load an .h5 of tf.keras or Keras 2 on Keras 3, through a corrected copy."""
    import h5py
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, 'model.h5')
        shutil.copyfile(path, copy)
        with h5py.File(copy, 'r+') as file:
            file.attrs['model_config'] = json.dumps(config).encode('utf-8')
        return keras.models.load_model(copy, compile=False, safe_mode=not trust)


def _check_model_config(path: str, config: Any, stored: int, trust: bool) -> None:
    """See that a model file can be loaded without harm; bring its configuration up to date.

    Raises:
        UserError: if not.
        Exception: of many kinds for a configuration that makes no sense.
    """
    if not isinstance(config, dict) or not isinstance(config.get('config'), dict) or (
            not isinstance(config.get('class_name'), str)):
        raise UserError('model_path is %r, which holds no model configuration; save the whole '
                        'model with model.save(), not its weights alone' % path)
    code = [part['class_name'] for part in dictionaries(config) if part.get('class_name') in _CODE]
    foreign = _foreign(config)
    if not trust and (code or foreign):
        raise UserError('model_path is %r, whose %s; load it only if you trust its source, with '
                        '--trust-model' % (path, '%s layers carry code' % code[0] if code
                                           else 'class %s is not of Keras' % foreign))
    if not LEGACY and not zipfile.is_zipfile(path):
        _modernise(config)
    if not trust and _declared_numbers(config) > stored + SMALL:
        raise UserError('model_path is %r, whose layers have many more weights than it stores; '
                        'give a file that is complete' % path)


def load_model(path: str, trust: bool = False) -> Any:
    """Load a whole model, not compiled, from ``.keras`` (Keras 3) or ``.h5`` (any Keras).

    Args:
        path: the file; files of Keras 2.3 load on Keras 3 too.
        trust: whether to load models with layers that carry code, or of classes that are neither
            Keras's nor registered with it.

    Raises:
        UserError: if the file is missing, no model, or holds code that is not trusted.
    """
    if not os.path.isfile(path):
        raise UserError('model_path is %r, which is no file; give a .h5 or .keras model' % path)
    try:
        config, stored = read_model_file(path)
        _check_model_config(path, config, stored, trust)
    except UserError:
        raise
    except Exception as error:  # whatever a damaged or foreign file makes zipfile or h5py raise
        raise UserError('model_path is %r, which cannot be read as a Keras model (%s); give a '
                        'whole .h5 or .keras model' % (path, first_line(error))) from error
    try:
        if LEGACY:
            return keras.models.load_model(path, compile=False)
        if not zipfile.is_zipfile(path):
            return _load_older_h5(path, config, trust)
        return keras.models.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:  # whatever a damaged or foreign file makes Keras raise
        raise UserError('model_path is %r, which Keras %s cannot load: %s'
                        % (path, keras.__version__, first_line(error))) from error


def save_model(model: Any, path: str) -> None:
    """Save a whole model without its optimizer, at once or not at all.

    Args:
        model: any model; a subclassed one on the older stack is saved as its weights.
        path: ends in ``MODEL_SUFFIX``.
    """
    with written_whole(path) as part:
        try:
            if not LEGACY:
                model.save(part)
            elif is_graph(model):
                _save_h5(model, part)
            else:
                model.save_weights(part)
        except RuntimeError as error:  # what h5py makes of a full disk
            raise OSError(first_line(error)) from error


def _save_h5(model: Any, path: str) -> None:
    """Save to .h5 by way of memory: h5py cannot leave a file alone that the disk has refused."""
    import h5py
    with h5py.File('model', 'w', driver='core', backing_store=False) as file:
        model.save(file, include_optimizer=False)
        file.flush()
        image = file.id.get_file_image()
    with open(path, 'wb') as written:
        written.write(image)


def load_weights(model: Any, path: str) -> None:
    """Give a model the weights of a file that :func:`save_model` wrote of one like it.

    Raises:
        RecordError: if the file is missing, damaged, or of another model.
    """
    try:
        model.load_weights(path)
    except Exception as error:  # whatever a damaged or foreign file makes Keras raise
        raise RecordError('%r cannot be read as the model that was saved there (%s); begin the run '
                          'anew, without resuming' % (path, first_line(error))) from error
