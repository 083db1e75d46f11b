"""The change to make in the user's own program, as a few lines of Keras."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..judge.labels import class_divisor
from ..solutions.candidate import Candidate, TargetScale, Training
from ..solutions.structure import rescaling
from .code_calls import MOST_NUMBERS, Call, keras_call, number_text, object_call, value_text, was
from .code_layers import model_lines, same

_BEST = 'best.weights.h5'


def change_in_code(before: Candidate, after: Candidate) -> str:
    """The lines that a program gets to train what was made of its training.

    The lines use the program's own names: ``x``, ``y``, ``x_val``, ``y_val`` and ``model``. They
    run as they are where the model's layers are Keras's own and each is called once; of any other
    model it is said which layers to change.

    Args:
        before: what the program trains as it is.
        after: what is to be trained instead; made of ``before`` by solutions.

    Returns:
        The lines, without a line end; '' where nothing has changed.
    """
    scaled = _scaled_targets(before, after)
    data = _new_split(before, after) + _new_labels(before, after) + scaled
    again = _restart(before, after)
    model = list(again)
    if not same(before.model.config, after.model.config):
        scales, computed = _computed_scales(before, after)
        model += scales + model_lines(before.model, after.model, computed, _goes_by_names(after))
    setup = _compile(before.training, after.training, always=bool(model))
    fit = _fit(before.training, after.training, always=bool(data or again),
               labels='y_scaled' if scaled else 'y')
    lines = data + model + setup + fit + _in_units(before, after)
    if scaled:
        lines.insert(0, '# in place of your lines that %s' % (
            'build, compile and fit the model' if model else
            'compile and fit the model' if setup else 'fit the model'))
    return '\n'.join(_imports(lines) + lines) if lines else ''


def _imports(lines: List[str]) -> List[str]:
    text = '\n'.join(line for line in lines if not line.startswith('#'))
    return ['import numpy as np'] * ('np.' in text) + [
        'from tensorflow import keras' if keras_bridge.LEGACY else 'import keras'] * (
            'keras.' in text)


def _goes_by_names(candidate: Candidate) -> bool:
    """Whether data, losses or metrics are told apart by the names of inputs and outputs."""
    training = candidate.training
    return any(isinstance(part, dict) for part in (
        training.loss, training.dataset['x'], training.dataset['y']) + tuple(training.metrics))


# ------------------------------------------------------------------------------------------ rows

def _new_split(before: Candidate, after: Candidate) -> List[str]:
    if not after.split or before.split:
        return []
    count = 'len(%s)' % next(name for name, _ in _arrays('x', before.training.dataset['x']))
    pooled, first, last = [], [], []
    for name in 'xy':
        data = before.training.dataset[name]
        if isinstance(data, dict):
            pooled.append('{key: np.concatenate([part, %s_val[key]])[rows] for key, part in '
                          '%s.items()}' % (name, name))
            cut = '{key: part[%%s] for key, part in %s.items()}' % name
        elif isinstance(data, (list, tuple)):
            pooled.append('[np.concatenate(pair)[rows] for pair in zip(%s, %s_val)]' % (name, name))
            cut = '[part[%%s] for part in %s]' % name
        else:
            pooled.append('np.concatenate([%s, %s_val])[rows]' % (name, name))
            cut = '%s[%%s]' % name
        first.append(cut % ':count')
        last.append(cut % 'count:')
    return ['# training and validation rows shuffled together and divided anew',
            'count = ' + count,
            'rows = np.random.RandomState(0).permutation(count + %s)'
            % count.replace('(x', '(x_val'),
            'x, y = ' + ', '.join(pooled),
            'x, y, x_val, y_val = ' + ', '.join(first + last)]


def _arrays(name: str, data: Any) -> Iterator[Tuple[str, Any]]:
    """The arrays of some inputs, each with the text by which a program reaches it."""
    if isinstance(data, dict):
        return ((('%s[%r]' % (name, key)), part) for key, part in data.items())
    if isinstance(data, (list, tuple)):
        return ((('%s[%d]' % (name, number)), part) for number, part in enumerate(data))
    return iter([(name, data)])


def _of_labels(training: Training, form: str, end: str = '') -> str:
    """A line that makes others of the labels of all rows.

    Args:
        training: with or without validation rows.
        form: has ``%s`` for the labels.
        end: how the new names end; '' where they take the place of the old.
    """
    names = ['y'] if training.dataset.get('y_val') is None else ['y', 'y_val']
    return '%s = %s' % (', '.join(name + end for name in names),
                        ', '.join(form % name for name in names))


def _new_labels(before: Candidate, after: Candidate) -> List[str]:
    if after.labels == before.labels:
        return []
    y = np.asarray(before.training.dataset['y'])
    if after.labels == 'zero-one':
        middle = number_text((float(np.min(y)) + float(np.max(y))) / 2)
        return [_of_labels(before.training, "(np.asarray(%%s) > %s).astype('float32')" % middle)
                + '  # 0 and 1']
    return [_of_labels(before.training, 'np.rint(np.asarray(%%s) * %d)' % class_divisor(
        y.reshape(len(y), -1))) + '  # class numbers']


def _scaled_targets(before: Candidate, after: Candidate) -> List[str]:
    scale = after.targets
    if scale is None or before.targets == scale:
        return []
    form = 'np.log1p(np.maximum(%s, 0))' if scale.logarithm else '%s'
    y = before.training.dataset['y']
    if len(scale.offset) <= MOST_NUMBERS:
        lines = ['offset, scale = %s, %s' % (_numbers(scale.offset), _numbers(scale.scale))]
    else:
        axes = tuple(range(np.ndim(y) - 1))
        along = value_text(axes if len(axes) > 1 else 0)
        lines = ['known = ' + form % "np.asarray(y, 'float64')",
                 'offset, scale = known.mean(axis=%s), known.std(axis=%s)' % (along, along),
                 'scale = np.where(scale > 0, scale, 1)']
    return lines + [_of_labels(before.training, '(%s - offset) / scale' % (
        form % "np.asarray(%s, 'float64')"), '_scaled')]


def _numbers(values: Tuple[float, ...]) -> str:
    texts = [repr(float('%.9g' % value)) for value in values]
    return texts[0] if len(texts) == 1 else 'np.array([%s])' % ', '.join(texts)


def _in_units(before: Candidate, after: Candidate) -> List[str]:
    """What gives the answers back in the units of the labels."""
    scale: Optional[TargetScale] = after.targets
    if scale is None or before.targets == scale:
        return []
    if scale.logarithm:
        return ['predicted = np.expm1(model.predict(x) * scale + offset)  # in the units of y']
    made = keras_bridge.constructor('layers', {'class_name': 'Rescaling', 'config': {}})
    assert made is not None
    layer = made.path + '(scale, offset)'
    whole = ('keras.Model(model.inputs, %s(model.output))' if after.model.kind == 'Functional'
             else 'keras.Sequential([model, %s])') % layer
    return ['model = %s  # answers in the units of y' % whole,
            'model.compile(loss=%s)  # for model.evaluate; it is trained' % _setup(
                after.training).loss]


# --------------------------------------------------------------------------------------- the model

def _computed_scales(before: Candidate, after: Candidate) -> Tuple[List[str],
                                                                   Dict[str, Dict[str, str]]]:
    """Lines that compute the scales of inputs with many columns, and which layers have them.

    The arithmetic is that of :func:`AutoTrainer.solutions.structure.rescaling`.
    """
    lines: List[str] = []
    computed: Dict[str, Dict[str, str]] = {}
    known = {id(part): (name, part) for candidate in (after, before)
             for name, part in _arrays('x', candidate.training.dataset['x'])}
    assert after.model.config is not None
    for entry in after.model.config['layers']:
        settings = entry['config']
        if entry['class_name'] != 'Rescaling' or np.size(settings['scale']) <= MOST_NUMBERS:
            continue
        for name, part in known.values():
            scale, offset = rescaling(np.asarray(part))
            if _alike(scale, settings['scale']) and _alike(offset, settings['offset']):
                number = '_%d' % (len(computed) + 1) if computed else ''
                lines += [line.replace('#', number) for line in (
                    "columns = np.asarray(%s, 'float64')" % name,
                    'spread = np.maximum(columns.std(axis=0), np.ptp(columns, axis=0) / 10)',
                    'x_scale# = 1 / np.where(spread > 0, spread, 1)',
                    'x_offset# = -columns.mean(axis=0) * x_scale#')]
                computed[settings['name']] = {'scale': 'x_scale%s.tolist()' % number,
                                              'offset': 'x_offset%s.tolist()' % number}
                break
    return lines, computed


def _alike(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-5)


def _restart(before: Candidate, after: Candidate) -> List[str]:
    """Lines that train as before, to go on from the weights of the best epoch."""
    old, new = before.model.weights, after.model.weights
    if before.best is None or all(
            np.array_equal(one, other) for name in set(old) & set(new)
            for one, other in zip(old[name], new[name])):
        return []
    if not same(before.model.config, after.model.config):
        return ['# train as before first, and give the layers that stay their weights of the best '
                'epoch']
    has_validation = before.training.dataset.get('x_val') is not None
    metric = before.training.metrics[0] if before.training.metrics else None
    name, mode = (metric, 'max') if isinstance(metric, str) else ('loss', 'min')
    return ['# train as before, and go on from the best epoch',
            'best = keras.callbacks.ModelCheckpoint(%r, monitor=%r, mode=%r, save_best_only=True, '
            'save_weights_only=True)' % (_BEST, 'val_' * has_validation + name, mode),
            'model.fit(%s)' % ', '.join(_arguments(before.training, before.training)
                                        + _callbacks(before.training, 'best')),
            'model.load_weights(%r)' % _BEST]


# ------------------------------------------------------------------------------------ the training

class _Setup(NamedTuple):
    """What a model is compiled with, as text."""

    optimizer: Call
    loss: str
    metrics: str


def _setup(training: Training) -> _Setup:
    described = keras_bridge.optimizer_config(
        keras_bridge.build_optimizer(training.optimizer))  # a decay becomes a schedule
    optimizer = keras_call('optimizers', described)
    if 'learning_rate' in optimizer.settings:  # told even where it is the default
        optimizer = optimizer._replace(given=('learning_rate',) + tuple(
            key for key in optimizer.given if key != 'learning_rate'))
    return _Setup(optimizer, object_call('losses', training.loss),
                  object_call('metrics', list(training.metrics)))


def _compile(before: Training, after: Training, always: bool) -> List[str]:
    old, new = _setup(before), _setup(after)
    said = [was(old.optimizer, new.optimizer)]
    said += ['was %s=%s' % (name, getattr(old, name)) for name in ('loss', 'metrics')
             if getattr(old, name) != getattr(new, name)]
    said = [part for part in said if part]
    if not said and not always:
        return []
    weights = '' if after.loss_weights is None else ', loss_weights=%r' % (after.loss_weights,)
    line = 'model.compile(optimizer=%s, loss=%s, metrics=%s%s)' % (
        new.optimizer.text, new.loss, new.metrics, weights)
    return [line + '  # %s' % ', '.join(said).replace(', was ', ', ') if said else line]


def _arguments(training: Training, other: Training, labels: str = 'y') -> List[str]:
    """The arguments of ``fit`` but callbacks; those that one of two trainings has set, and both."""
    given = ['x', labels]
    if training.dataset.get('x_val') is not None:
        given.append('validation_data=(x_val, %s)' % labels.replace('y', 'y_val'))
    given += ['batch_size=%d' % training.batch_size, 'epochs=%d' % training.epochs]
    if not (training.shuffle and other.shuffle):
        given.append('shuffle=%r' % training.shuffle)
    if training.class_weight is not None or other.class_weight is not None:
        given.append('class_weight=' + _class_weight(training))
    return given


def _class_weight(training: Training) -> str:
    weights = training.class_weight
    return repr(weights) if weights is None else '{%s}' % ', '.join(
        '%d: %s' % (number, number_text(float(share))) for number, share in weights.items())


def _fit(before: Training, after: Training, always: bool, labels: str) -> List[str]:
    said = ['%s=%r' % (name, getattr(before, name)) for name in ('batch_size', 'epochs', 'shuffle')
            if getattr(before, name) != getattr(after, name)]
    if _class_weight(before) != _class_weight(after):
        said.append('class_weight=' + _class_weight(before))
    said = ['was ' + ', '.join(said)] if said else []
    added = [part for part in after.callbacks if part not in before.callbacks]
    kept = [part for part in after.callbacks if part in before.callbacks]
    dropped = [part for part in before.callbacks if part not in after.callbacks]
    if added and any(not isinstance(part, str) for part in kept):
        said.append('beside your callbacks')
    if dropped:
        said.append('without the callbacks ' + ', '.join(
            part if isinstance(part, str) else type(part).__name__ for part in dropped))
    if not (said or added or always):
        return []
    line = 'model.fit(%s)' % ', '.join(_arguments(after, before, labels) + _callbacks(after))
    return [line + '  # ' + '; '.join(said) if said else line]


def _callbacks(training: Training, *more: str) -> List[str]:
    """The argument with the callbacks that a program has by a name of this project's."""
    texts = list(more) + [_callback(part, training) for part in training.callbacks
                          if isinstance(part, str)]
    return ['callbacks=[%s]' % ', '.join(texts)] if texts else []


def _callback(name: str, training: Training) -> str:
    """The call that makes what :func:`AutoTrainer.keras_bridge.named_callback` gives."""
    made = keras_bridge.named_callback(name, training.dataset.get('x_val') is not None,
                                       training.optimizer)
    monitor = 'monitor=%r' % made.monitor
    if name == 'estop':
        return 'keras.callbacks.EarlyStopping(%s, patience=%d, restore_best_weights=True)' % (
            monitor, made.patience)
    return 'keras.callbacks.ReduceLROnPlateau(%s, factor=%s, patience=%d, min_lr=%s)' % (
        monitor, number_text(made.factor), made.patience, number_text(made.min_lr))
