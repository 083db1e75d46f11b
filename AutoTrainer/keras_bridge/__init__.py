"""The one seam to Keras: the only module that knows which Keras, backend or file format it is on.

Two generations are served: ``tf.keras`` of TensorFlow 2.3 (``LEGACY``) and Keras 3 on JAX,
TensorFlow or PyTorch. Everything that differs between them is decided here, by the names the rest
of the project calls.
"""

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import platform
import random
import re
import shutil
import sys
import tempfile
import zipfile
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from ..errors import UserError, did_you_mean, quote, way_out
from ..intake.config import BACKENDS
from ..intake.model_file import SMALL, read_model_file
from ..judge.losses import BINARY_LOSSES, KNOWN_LOSSES
from ..record.folder import RecordError, written_whole
from ..solutions.candidate import Blueprint
from ..utils.logger import LOGGER


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
MODEL_SUFFIX = '.h5' if LEGACY else '.keras'
WEIGHTS_SUFFIX = '.weights.h5'

OPTIMIZERS = ('SGD', 'RMSprop', 'Adam', 'Adamax', 'Nadam', 'Adagrad', 'Adadelta', 'Ftrl') + (
    () if LEGACY else ('AdamW', 'Lion', 'Adafactor'))


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


def clear_session() -> None:
    """Free what earlier models left behind in the framework."""
    keras.backend.clear_session()


def load_keras_dataset(name: str, **kwargs: Any) -> Any:
    """Call ``keras.datasets.NAME.load_data(**kwargs)``; it downloads if the cache is empty."""
    return getattr(keras.datasets, name).load_data(**kwargs)


# ------------------------------------------------------------------------------ optimizer, loss

class _Schedule(Dict[str, Any]):
    """The settings of a learning rate schedule, for the records, and the schedule itself.

    Keras can make only schedules of its own, and registered ones, again from their settings.
    """

    def __init__(self, settings: Mapping[str, Any], schedule: Any) -> None:
        super().__init__(settings)
        self.schedule = schedule


def _registry() -> Any:
    """Where Keras keeps the classes that users register."""
    return keras.utils if LEGACY else keras.saving


def _of_keras(kind: type) -> bool:
    """Whether a class is one of Keras's own."""
    return kind.__module__.split('.')[0] in ('keras', 'tensorflow')


def _optimizer_class(name: str) -> Any:
    """The class that a description names; None if Keras has none such."""
    kind = getattr(keras.optimizers, name, None) or _registry().get_registered_object(name)
    return kind if isinstance(kind, type) else None


def _describe_optimizer(optimizer: Any) -> Dict[str, Any]:
    """The description of an optimizer object, from which one has been built to see that it can."""
    if isinstance(optimizer, type):
        raise UserError('optimizer is %s, a class; give an object, such as %s(), or a name'
                        % (quote(optimizer), optimizer.__name__))
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise UserError('optimizer is %s; give a name, such as Adam, or a Keras optimizer'
                        % quote(optimizer))
    kind = type(optimizer)
    name = _registry().get_registered_name(kind)
    made = _optimizer_class(name)
    # on PyTorch, Keras makes Adam() an object of another class of its own that is called Adam
    if made is not kind and not (_of_keras(kind) and made):
        raise UserError('optimizer is of the class %s, which Keras cannot make anew for every '
                        'attempt; register the class with @keras.%s.register_keras_serializable()'
                        % (kind.__name__, 'utils' if LEGACY else 'saving'))
    try:
        config = dict(optimizer.get_config())
    except Exception as error:  # whatever a user's own class or schedule raises
        raise UserError('optimizer is of the class %s, whose get_config fails (%s); give it, and '
                        'its schedule if it has one, a get_config'
                        % (kind.__name__, _first_line(error))) from error
    rate = getattr(optimizer, 'learning_rate' if LEGACY else '_learning_rate', None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        config['learning_rate'] = _Schedule(config['learning_rate'], rate)
    return _checked_description({'class_name': name, 'config': config})


def _checked_description(described: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy of a description, from which one optimizer has been built to see that it can."""
    name, config = described.get('class_name'), described.get('config')
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise UserError("optimizer is %s; give a description such as {'class_name': 'Adam', "
                        "'config': {'learning_rate': 0.001}}, a name or a Keras optimizer"
                        % quote(described))
    copied = {'class_name': name, 'config': dict(config)}
    build_optimizer(copied)
    return copied


def optimizer_config(optimizer: Any, kwargs: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """Describe an optimizer so that a fresh one can be built from it for every attempt.

    Args:
        optimizer: a name (``'Adam'``), a Keras optimizer, or a description as returned here.
        kwargs: settings for a name; ``lr`` is understood as ``learning_rate``, ``decay`` as the
            decay per step of the older Keras.

    Returns:
        ``{'class_name': str, 'config': dict}``.

    Raises:
        UserError: for an unknown name or setting, or an optimizer that cannot be made again.
    """
    if isinstance(optimizer, Mapping):
        return _checked_description(optimizer)
    if not isinstance(optimizer, str):
        return _describe_optimizer(optimizer)
    names = {name.lower(): name for name in OPTIMIZERS}
    if optimizer.lower() not in names:
        raise UserError('optimizer is %s; %s' % (quote(optimizer), way_out(optimizer, OPTIMIZERS)))
    settings = dict(kwargs or {})
    if 'lr' in settings:
        settings['learning_rate'] = settings.pop('lr')
    if not settings.get('decay', 1):
        del settings['decay']
    described = {'class_name': names[optimizer.lower()], 'config': settings}
    return optimizer_config(build_optimizer(described))


def build_optimizer(described: Mapping[str, Any]) -> Any:
    """A fresh optimizer from its description.

    Raises:
        UserError: if Keras refuses a setting.
    """
    config = dict(described['config'])
    kind = _optimizer_class(described['class_name'])
    if kind is None:
        raise UserError('optimizer is %s; %s' % (
            quote(described['class_name']), way_out(described['class_name'], OPTIMIZERS)))
    if not LEGACY and 'decay' in config:
        # the older Keras divided the rate by 1 + decay * steps
        config['learning_rate'] = keras.optimizers.schedules.InverseTimeDecay(
            config.get('learning_rate', 0.001), decay_steps=1, decay_rate=config.pop('decay'))
    if isinstance(config.get('learning_rate'), _Schedule):
        config['learning_rate'] = config['learning_rate'].schedule
    try:
        if config.get('name'):
            return kind.from_config(config)
        return kind(**config)
    except Exception as error:  # whatever the constructor of a user's own class raises, too
        raise UserError('optimizer %s refuses its settings %s: %s; give others' % (
            described['class_name'], quote(dict(described['config'])),
            _first_line(error))) from error


def current_learning_rate(model: Any) -> float:
    """Learning rate of a compiled model as it stands; NaN where a schedule sets it."""
    try:
        return float(np.asarray(keras.backend.get_value(model.optimizer.learning_rate)
                                if LEGACY else model.optimizer.learning_rate))
    except (TypeError, ValueError):
        return float('nan')


_LOSS_NAMES = dict(
    {name.replace('_', ''): name for name in sorted(KNOWN_LOSSES)},
    logcosh='log_cosh', huberloss='huber', bce='binary_crossentropy', mse='mean_squared_error',
    mae='mean_absolute_error', mape='mean_absolute_percentage_error',
    msle='mean_squared_logarithmic_error', kld='kl_divergence',
    kullbackleiblerdivergence='kl_divergence')
"""The field's name of a loss by what Keras calls it, in small letters and without underscores."""


def loss_name(loss: Any) -> str:
    """The field's name of a loss: ``'categorical_crossentropy'`` for string, function or object.

    Returns:
        The name in snake case; '' for no loss or several.
    """
    if loss is None or isinstance(loss, (list, tuple, dict)):
        return ''
    if not isinstance(loss, str):
        loss = getattr(loss, '__name__', None) or type(loss).__name__
    key = loss.replace('_', '').lower()
    if key in _LOSS_NAMES:
        return _LOSS_NAMES[key]
    return re.sub('(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', '_', loss).lower()


def takes_logits(loss: Any) -> bool:
    """Whether a loss object applies softmax or sigmoid to the outputs by itself."""
    settings = getattr(loss, '_fn_kwargs', None) or {}
    return bool(getattr(loss, 'from_logits', settings.get('from_logits', False)))


def check_loss(loss: Any) -> Any:
    """Return ``loss`` if Keras can use it.

    Raises:
        UserError: for a name that Keras does not know, or what is neither name nor function.
    """
    if not isinstance(loss, (str, list, tuple, dict)) and not callable(loss):
        raise UserError('loss is %s; give the name of a loss or a function' % quote(loss))
    if isinstance(loss, str):
        try:
            keras.losses.get(loss)
        except ValueError as error:
            raise UserError('loss is %s, which Keras %s does not know; %sgive the name of one of '
                            "its losses, such as 'categorical_crossentropy', 'binary_crossentropy' "
                            "or 'mean_squared_error'" % (
                                quote(loss), keras.__version__, did_you_mean(loss, KNOWN_LOSSES)
                                )) from error
    return loss


def compile_model(model: Any, optimizer: Mapping[str, Any], loss: Any,
                  metrics: Sequence[Any] = ('accuracy',)) -> None:
    """Compile with a fresh optimizer.

    Raises:
        UserError: for an unknown loss.
    """
    model.compile(optimizer=build_optimizer(optimizer), loss=check_loss(loss),
                  metrics=list(metrics))


# ------------------------------------------------------------------------------------- callbacks

REDUCE_FACTOR, REDUCE_PATIENCE, STOP_PATIENCE = 0.2, 5, 10


def named_callback(name: str, has_validation: bool, optimizer: Mapping[str, Any]) -> Any:
    """A fresh Keras callback for a name in a configuration.

    Args:
        name: ``'estop'`` (EarlyStopping, best weights restored) or ``'ReduceLR'``
            (ReduceLROnPlateau).
        has_validation: whether the validation loss can be watched; else the training loss is.
        optimizer: its description; the lowest rate is a ten-thousandth of its learning rate.

    Raises:
        UserError: for another name.
    """
    monitor = 'val_loss' if has_validation else 'loss'
    if name == 'estop':
        return keras.callbacks.EarlyStopping(monitor=monitor, patience=STOP_PATIENCE,
                                             restore_best_weights=True)
    if name == 'ReduceLR':
        rate = optimizer['config'].get('learning_rate')
        return keras.callbacks.ReduceLROnPlateau(
            monitor=monitor, factor=REDUCE_FACTOR, patience=REDUCE_PATIENCE,
            min_lr=1e-4 * float(rate) if isinstance(rate, (int, float)) else 0.0)
    raise UserError('callbacks has %r; known names are estop, ReduceLR' % name)


# ----------------------------------------------------------------------------------- model files

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
            return int(owner.from_config(json_copy(config['config'])).count_params())
    except Exception:  # loading it will say what is wrong
        return 0


def _foreign(config: Any) -> str:
    """The first class in a configuration that is not Keras's own; '' if there is none."""
    for part in _dicts(config):
        module, name = part.get('module'), part.get('registered_name')
        if 'class_name' in part and isinstance(module, str) and module != 'builtins' and (
                module.split('.')[0] not in ('keras', 'tensorflow')) and not (
                LEGACY or keras.saving.get_registered_object(name)):
            return '%s.%s' % (module, part['class_name'])
    return ''


def _dicts(tree: Any) -> Iterator[Dict[str, Any]]:
    """All dictionaries in a tree of dictionaries and lists."""
    if isinstance(tree, dict):
        yield tree
    for value in (tree.values() if isinstance(tree, dict)
                  else tree if isinstance(tree, list) else ()):
        yield from _dicts(value)


def _modernise(config: Dict[str, Any]) -> None:
    """Change, in place, what Keras 3 cannot read in an older model's configuration."""
    for part in _dicts(config):
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
    code = [part['class_name'] for part in _dicts(config) if part.get('class_name') in _CODE]
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
                        'whole .h5 or .keras model' % (path, _first_line(error))) from error
    try:
        if LEGACY:
            return keras.models.load_model(path, compile=False)
        if not zipfile.is_zipfile(path):
            return _load_older_h5(path, config, trust)
        return keras.models.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:  # whatever a damaged or foreign file makes Keras raise
        raise UserError('model_path is %r, which Keras %s cannot load: %s'
                        % (path, keras.__version__, _first_line(error))) from error


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return quote(text.splitlines()[0])[1:-1] if text else type(error).__name__


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
            raise OSError(_first_line(error)) from error


def _save_h5(model: Any, path: str) -> None:
    """Save to .h5 by way of memory: h5py cannot leave a file alone that the disk has refused."""
    import h5py
    with h5py.File('model', 'w', driver='core', backing_store=False) as file:
        model.save(file, include_optimizer=False)
        file.flush()
        image = file.id.get_file_image()
    with open(path, 'wb') as written:
        written.write(image)


# -------------------------------------------------------------------------- models as blueprints

def is_graph(model: Any) -> bool:
    """Whether a model is Sequential or functional, so that its configuration rebuilds it."""
    return type(model).__name__ in ('Sequential', 'Functional') or type(model) is keras.Model


def ensure_built(model: Any, x: Any) -> None:
    """Give a model that does not know its input shape yet that of the data."""
    if model.built and getattr(model, 'weights', None) is not None and model.weights:
        return
    if is_graph(model) and not isinstance(x, (list, tuple, dict)):
        model.build((None,) + tuple(x.shape[1:]))
    else:
        model(map_arrays(lambda a: a[:1], x))


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
                           'that change its structure are left out', _first_line(error))
    return Blueprint('subclassed', None, {'': all_weights(model)}, model)


def _from_config(kind: str, config: Mapping[str, Any]) -> Any:
    """A new model from the configuration of one that is in memory, whose code is trusted."""
    config = json_copy(config)
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
    return model


def json_copy(config: Any) -> Any:
    """A deep copy of a configuration; objects other than containers are shared."""
    if isinstance(config, dict):
        return {key: json_copy(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):  # TensorFlow has kinds of lists that only it can make
        return (tuple if isinstance(config, tuple) else list)(json_copy(v) for v in config)
    return config


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


# ------------------------------------------------------------ trainings that can be taken up again

def _state_variables(model: Any) -> List[Any]:
    """Everything that a training changes in a compiled model: weights, random states, optimizer."""
    optimizer = model.optimizer
    if not LEGACY:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        return list(model.variables) + list(optimizer.variables)
    import tensorflow as tf
    optimizer._create_all_weights(model.trainable_weights)
    rates = [rate for rate in (optimizer.learning_rate,) if isinstance(rate, tf.Variable)]
    return list(model.weights) + list(optimizer.weights) + rates


def training_state(model: Any) -> List[np.ndarray]:
    """Copies of all that a training changes in a compiled model, for :func:`restore_training`.

    Weights, moving statistics, the random states of dropout and its like (Keras 3; the older stack
    keeps those where nobody can read them), slots and step count of the optimizer, learning rate.
    """
    if LEGACY:
        return [np.array(value) for value in keras.backend.batch_get_value(_state_variables(model))]
    return [np.array(to_numpy(variable)) for variable in _state_variables(model)]


def restore_training(model: Any, arrays: Sequence[np.ndarray]) -> bool:
    """Put back what :func:`training_state` returned.

    Returns:
        False, with nothing changed, if the arrays are not those of such a model.
    """
    variables = _state_variables(model)
    if [tuple(a.shape) for a in arrays] != [tuple(v.shape) for v in variables]:
        return False
    if LEGACY:
        keras.backend.batch_set_value(list(zip(variables, arrays)))
    else:
        for variable, array in zip(variables, arrays):
            variable.assign(array)
    return True


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed what is drawn outside the model in one epoch: the order of rows where Keras shuffles.

    With this the order depends on the epoch and not on the epochs before it, so that a training
    that is taken up again sees the rows as the undisturbed one.
    """
    random.seed(seed * 2**32 + epoch)
    np.random.seed([seed % 2**32, epoch])
    if backend() == 'torch':
        import torch
        torch.manual_seed((seed * 2**32 + epoch) % 2**63)


def fit_data(x: Any, y: Any, batch_size: int, seed: int, first_epoch: int,
             epochs: int) -> Dict[str, Any]:
    """The data arguments of ``fit`` for rows whose order depends on seed and epoch alone.

    TensorFlow shuffles arrays inside its pipeline, with a random state that cannot be set to where
    another run was; there the rows come from a pipeline of our own. The other backends shuffle by
    what :func:`seed_epoch` has seeded.

    Args:
        x: inputs: an array, or a list or dictionary of arrays.
        y: labels: likewise.
        batch_size: rows per step; the last batch of an epoch may be smaller.
        seed: for the order.
        first_epoch: epochs done already.
        epochs: planned epochs.

    Returns:
        Keyword arguments.
    """
    if backend() != 'tensorflow':
        return {'x': x, 'y': y, 'batch_size': batch_size}
    import tensorflow as tf
    # a list would be taken for a sequence of tensors to stack
    data = tf.nest.map_structure(tf.convert_to_tensor, tuple(
        tuple(part) if isinstance(part, list) else part for part in (x, y)))
    rows = int(tf.nest.flatten(data)[0].shape[0])
    whole = rows - rows % batch_size

    def batches_of(epoch: Any) -> Any:
        draws = tf.random.stateless_uniform([rows], [tf.constant(seed % 2**31, tf.int64), epoch],
                                            minval=None, maxval=None, dtype=tf.int32)
        order = tf.argsort(draws)
        found = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:whole], [-1, batch_size]))
        if whole < rows:
            found = found.concatenate(tf.data.Dataset.from_tensors(order[whole:]))
        return found

    def take(chosen: Any) -> Any:
        return tf.nest.map_structure(lambda part: tf.gather(part, chosen), data)

    # one epoch more than is used: fit() takes running dry at the very end for a fault
    batches = tf.data.Dataset.range(first_epoch, epochs + 1).flat_map(batches_of).map(
        take, num_parallel_calls=2).prefetch(2)
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return {'x': batches.with_options(options), 'steps_per_epoch': -(-rows // batch_size),
            'shuffle': False}


def fingerprint(model: Any) -> str:
    """A short text that two models share if one can stand in for the other.

    Built of configuration and weights; the names that Keras makes up (``dense_7``) count by their
    order only, because they depend on what else a process has built.
    """
    digest = hashlib.sha256()
    if is_graph(model):
        config = json.loads(json.dumps(model.get_config(), sort_keys=True, default=str))
        named = [config] + [part['config'] for part in _dicts(config)
                            if isinstance(part.get('config'), dict)
                            and part.get('class_name') != 'DTypePolicy']
        text = json.dumps(config)
        for number, name in enumerate(part['name'] for part in named if 'name' in part):
            text = text.replace(json.dumps(name), '"#%d"' % number)
        digest.update(text.encode('utf-8'))
    for array in model.get_weights():
        digest.update(repr(array.shape).encode('utf-8') + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def load_weights(model: Any, path: str) -> None:
    """Give a model the weights of a file that :func:`save_model` wrote of one like it.

    Raises:
        RecordError: if the file is missing, damaged, or of another model.
    """
    try:
        model.load_weights(path)
    except Exception as error:  # whatever a damaged or foreign file makes Keras raise
        raise RecordError('%r cannot be read as the model that was saved there (%s); begin the run '
                          'anew, without resuming' % (path, _first_line(error))) from error


# ------------------------------------------------------------------------- what a model is made of

_RECTIFIERS = ('relu', 'relu6', 'ReLU', 'ThresholdedReLU')
_RECTIFYING_FUNCTIONS = ('Relu', 'Relu6', 'ReLU', 'Maximum')
"""Steps of a graph that are no layers: classes of Keras 3 and operations of TensorFlow."""


def leaf_layers(model: Any) -> List[Any]:
    """All layers of a model, nested models and wrappers opened, in order."""
    return [leaf for layer in model.layers for leaf in _opened(layer)]


def _inner_layers(layer: Any) -> List[Any]:
    """The layers that a model or wrapper, or a layer of the user's own that is like one, holds."""
    held = getattr(layer, 'layers', None)
    if not isinstance(held, (list, tuple)):
        held = [getattr(layer, name, None)
                for name in ('layer', 'forward_layer', 'backward_layer')]
    return [part for part in held if isinstance(part, keras.layers.Layer)]


def _opened(layer: Any) -> List[Any]:
    inner = _inner_layers(layer)
    return [leaf for part in inner for leaf in _opened(part)] if inner else [layer]


def activation_name(layer: Any) -> str:
    """Name of a layer's activation; '' if it has none."""
    if type(layer).__name__ in ('ReLU', 'Softmax', 'LeakyReLU', 'ELU', 'PReLU', 'ThresholdedReLU'):
        return {'ReLU': 'relu', 'Softmax': 'softmax', 'ELU': 'elu'}.get(type(layer).__name__,
                                                                       type(layer).__name__)
    activation = getattr(layer, 'activation', None)
    return str(getattr(activation, '__name__', type(activation).__name__)) if activation else ''


def has_rectifiers(model: Any) -> bool:
    """Whether a model has, or may have, units whose gradient can be exactly zero for good.

    What the user's own code computes is not known; it may rectify.
    """
    if not is_graph(model):
        return True
    steps = getattr(model, 'operations', None) or model.layers  # Keras 3: also functions
    return any(_may_rectify(leaf) for step in steps for leaf in (
        [step] if isinstance(step, keras.Model) else _opened(step)))


def _may_rectify(step: Any) -> bool:
    if isinstance(step, keras.Model):
        return has_rectifiers(step)
    kind = type(step)
    if not _of_keras(kind) or kind.__name__ == 'Lambda':
        return True
    if getattr(step, 'negative_slope', 0):
        return False
    if not isinstance(step, keras.layers.Layer):
        return kind.__name__ in _RECTIFYING_FUNCTIONS
    if hasattr(step, 'node_def'):  # a function that TensorFlow 2.3 wraps in a layer
        return step.node_def.op in _RECTIFYING_FUNCTIONS
    name = activation_name(step)
    return name in _RECTIFIERS or bool(name) and not (
        hasattr(keras.activations, name) or hasattr(keras.layers, name))


def head_activation(model: Any) -> str:
    """Name of the activation that a model ends in; '' if it cannot be told."""
    leaves = leaf_layers(model)
    return activation_name(leaves[-1]) if leaves and is_graph(model) else ''


def output_units(model: Any) -> int:
    """Size of the last axis of a model's single output; 0 if it has several or an open one."""
    shape = getattr(model, 'output_shape', None)
    return int(shape[-1]) if isinstance(shape, tuple) and shape and shape[-1] else 0


def trainable_variables(model: Any) -> List[Tuple[str, Tuple[int, ...], bool]]:
    """(name, shape, belongs to an Embedding) of every trainable variable, in layer order."""
    embedded = {id(w) for layer in leaf_layers(model) if type(layer).__name__ == 'Embedding'
                for w in layer.trainable_weights}
    return [(str(getattr(v, 'path', v.name)).split(':')[0], tuple(v.shape), id(v) in embedded)
            for v in model.trainable_weights]


def _graph_nodes(model: Any) -> Dict[int, List[Any]]:
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


def first_kernel_input(model: Any, x: Any) -> Optional[np.ndarray]:
    """What reaches the first layers that have weights, on one batch.

    Returns:
        All those values in one flat array; None where they say nothing about the scale of the
        data (token numbers for an Embedding, a model that normalises first) or the model has no
        graph.
    """
    if not is_graph(model):
        return None
    nodes = _graph_nodes(model)
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
        return first_kernel_input(weighted[0], values[0]) if len(values) == 1 else None
    return np.concatenate([np.ravel(to_numpy(value)) for value in values])


# ------------------------------------------------------------------------------- what comes in

def check_model(model: Any) -> Any:
    """Return a model if it is one that can be trained under repair.

    Raises:
        UserError: if it is no Keras model, or has several outputs.
    """
    if not isinstance(model, keras.Model):
        raise UserError('model is %s; give a Keras model or the path of one' % quote(model))
    outputs = getattr(model, 'outputs', None)
    if outputs is not None and len(outputs) > 1:
        raise UserError('model has %d outputs, but only models with one are repaired; watch its '
                        'training with LossHistory' % len(outputs))
    return model


def takes_integers(model: Any) -> bool:
    """Whether a model takes whole numbers as such: token numbers, categories."""
    if any(type(layer).__name__ in ('Embedding', 'IntegerLookup', 'CategoryEncoding', 'Hashing')
           for layer in leaf_layers(model)):
        return True
    return any('int' in str(getattr(tensor, 'dtype', '')) for tensor in (
        (model.inputs or []) if is_graph(model) else []))


def try_inputs(model: Any, x: Any) -> None:
    """Send one row through a model, so that inputs that do not go in are told at once.

    Raises:
        UserError: if they do not.
    """
    given = len(x) if isinstance(x, (list, tuple, dict)) else 1
    if is_graph(model) and len(model.inputs) != given:
        raise UserError('x has %d parts, but the model has %d inputs; give as many'
                        % (given, len(model.inputs)))
    try:
        model(to_tensors(map_arrays(lambda array: array[:1], x)), **_inference(model))
    except Exception as error:  # whatever layers make of inputs that they cannot take
        shapes = map_arrays(lambda array: array.shape, x)
        raise UserError('x has shape %s, and the model cannot take it: %s' % (
            quote(shapes), _first_line(error))) from error


def first_batch(data: Any) -> Tuple[Any, Any]:
    """The first batch of batches that a training takes, without touching what it draws.

    Args:
        data: a ``tf.data.Dataset``, ``PyDataset``, ``Sequence``, ``DataLoader`` or other object
            that gives its batches, (inputs, labels), as often as it is asked.

    Returns:
        Inputs and labels as arrays.

    Raises:
        UserError: if looking would change what the training sees, or it gives no such batches.
    """
    kind = type(data).__name__
    wanted = 'give the batch that is to be looked at as (x, y)'
    part = data
    while hasattr(part, '_inputs'):  # tf.data: each stage knows those before it
        if getattr(part, '_reshuffle_each_iteration', False):
            raise UserError('training_data is a %s that shuffles anew each time it is begun, so '
                            'that looking at it would change what the training sees; %s'
                            % (kind, wanted))
        before = part._inputs()
        part = before[0] if before else None
    states = random.getstate(), np.random.get_state()
    generator = None
    if backend() == 'torch':
        import torch
        generator = getattr(data, 'generator', None) or torch.default_generator
        drawn = generator.get_state()
    try:
        if hasattr(data, '__getitem__') and hasattr(data, '__len__'):
            batch = data[0]
        else:
            batches = iter(data)
            if batches is data:
                raise UserError('training_data is a %s, which gives each batch once, so that the '
                                'training would miss the one that is looked at; %s'
                                % (kind, wanted))
            batch = next(batches)
        x, y = batch[:2] if isinstance(batch, (tuple, list)) else ()
        return map_arrays(np.asarray, x), map_arrays(np.asarray, y)
    except (TypeError, ValueError, IndexError, KeyError, StopIteration) as error:
        if isinstance(error, UserError):
            raise
        raise UserError('training_data is a %s whose first batch is not (inputs, labels); %s'
                        % (kind, wanted)) from error
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        if generator is not None:
            generator.set_state(drawn)


def constant_loss(model: Any, y: np.ndarray) -> Optional[float]:
    """The compiled loss of the best constant prediction, which a training must at least reach.

    Args:
        model: compiled model with a single output and loss.
        y: all training labels.

    Returns:
        The smallest loss among the predictions mean, median and (for labels that allow it)
        logarithmic mean, each per output; for class numbers that of the classes' shares. None
        where there is no single loss, it is not one of Keras's that are known, does not fit the
        labels, or is zero or not finite.
    """
    name = loss_name(getattr(model, 'loss', None))
    if name not in KNOWN_LOSSES:
        return None
    try:
        least = (_class_entropy(model, np.asarray(y)) if name.startswith('sparse')
                 else _least_constant_loss(model, name, np.asarray(y, dtype=np.float32)))
    except Exception as error:  # whatever a loss makes of labels that it does not fit
        LOGGER.debug('no baseline for the loss: %s', _first_line(error))
        return None
    return least if np.isfinite(least) and least > 0 else None


def _class_entropy(model: Any, y: np.ndarray) -> float:
    """The cross-entropy where each class is predicted as often as it occurs; NaN for no classes."""
    classes = y[y != getattr(model.loss, 'ignore_class', None)]
    units = output_units(model)
    if np.any(classes != np.floor(classes)) or classes.min() < 0 or (
            units and classes.max() >= units):
        return float('nan')
    share = np.unique(classes, return_counts=True)[1] / classes.size
    return float(-np.sum(share * np.log(share)))


def _least_constant_loss(model: Any, name: str, y: np.ndarray) -> float:
    """The smallest loss of a constant in the labels' shape; NaN if that is not the model's."""
    shape = getattr(model, 'output_shape', None)
    if isinstance(shape, tuple) and not _same_shape(shape[1:], y.shape[1:]):
        return float('nan')
    y = y[:, None] if y.ndim == 1 else y
    guesses = [y.mean(axis=0), np.median(y, axis=0)]
    if y.min() > -1:
        guesses.append(np.expm1(np.log1p(y).mean(axis=0)))
    if takes_logits(model.loss):
        guesses = [_logits(name, guess) for guess in guesses]
    loss = keras.losses.get(model.loss)
    losses = []
    for guess in guesses:
        predicted = np.broadcast_to(guess, y.shape).astype(np.float32)
        losses.append(float(np.mean(to_numpy(loss(to_tensors(y), to_tensors(predicted))))))
    return min(losses)


def _same_shape(outputs: Sequence[Optional[int]], labels: Sequence[int]) -> bool:
    """Whether labels have the shape of outputs; Keras adds and drops last axes of length 1."""
    wanted, given = list(outputs), list(labels)
    for axes in (wanted, given):
        while axes and axes[-1] == 1:
            axes.pop()
    return len(wanted) == len(given) and all(a in (None, b) for a, b in zip(wanted, given))


def _logits(name: str, shares: np.ndarray) -> np.ndarray:
    """What a loss turns back into these shares by softmax, or by sigmoid for a binary one."""
    shares = np.clip(shares, 1e-6, 1 - 1e-6)
    return np.log(shares) - (np.log(1 - shares) if name in BINARY_LOSSES else 0)


# ------------------------------------------------------------------------------------ the probe

def map_arrays(function: Callable[[Any], Any], data: Any) -> Any:
    """Apply a function to the array, or to every array of a list or dictionary of inputs."""
    if isinstance(data, Mapping):
        return {key: function(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(function(value) for value in data)
    return function(data)


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


def _inference(model: Any) -> Dict[str, bool]:
    """``training=False`` for a model whose call takes it."""
    takes = getattr(model, '_expects_training_arg' if LEGACY else '_call_has_training_arg', True)
    return {'training': False} if takes else {}


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
    if LEGACY and isinstance(y, np.ndarray) and y.ndim == 1:
        y = y[:, None]  # as fit() does
    x, y = to_tensors(x), to_tensors(y)
    make = {'jax': _gradients_jax, 'torch': _gradients_torch}.get(backend(), _gradients_tensorflow)
    return make(model, x, y)


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
    kwargs = _inference(model)

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


def _gradients_tensorflow(model: Any, x: Any, y: Any) -> Callable[[], np.ndarray]:
    import tensorflow as tf
    kwargs = _inference(model)
    legacy_loss = _legacy_loss(model) if LEGACY else None

    def measure() -> Any:
        weights = [v if LEGACY else v.value for v in model.trainable_weights]
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
    nodes = _graph_nodes(model) if is_graph(model) else {}
    found = [(layer.name, _node_outputs(node)) for layer in model.layers
             for node in nodes.get(id(layer), []) if len(nodes[id(layer)]) == 1]
    single = [(name, outputs[0]) for name, outputs in found if len(outputs) == 1]
    names = [name for name, _ in single]
    tapped = (keras.Model(_input_structure(model), [output for _, output in single]
                          + list(model.outputs)[:1]) if single else model)
    kwargs = {'training': False} if single else _inference(model)
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
