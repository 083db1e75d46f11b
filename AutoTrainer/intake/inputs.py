"""Checks a data set against a model before an hour is spent on it; knows no Keras."""

import hashlib
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ..errors import UserError, quote
from ..judge.labels import class_divisor
from ..judge.losses import KNOWN_LOSSES
from .arrays import map_arrays, parts

Shape = Optional[Tuple[Optional[int], ...]]


def check_dataset(dataset: Any) -> Dict[str, Any]:
    """Check that a data set can be trained on.

    Args:
        dataset: a mapping with ``x``, ``y`` and, optionally, ``x_val``, ``y_val``; each an array of
            shape (rows, …), ``x`` also a list or dictionary of such arrays.

    Returns:
        A new dictionary with these four keys; missing validation data is None. Fractions are
        float32, as Keras makes them.

    Raises:
        UserError: for missing or unknown parts, rows that do not pair up, emptiness, text, NaN or
            infinities.
    """
    if not isinstance(dataset, Mapping):
        raise UserError('dataset is a %s; give a dictionary with x, y, x_val and y_val'
                        % type(dataset).__name__)
    for key in dataset:
        if key not in ('x', 'y', 'x_val', 'y_val'):
            raise UserError('dataset has an unknown key %s; known are x, y, x_val and y_val '
                            '(to train with weights, put LossHistory into your own fit)'
                            % quote(key))
    for key in ('x', 'y'):
        if dataset.get(key) is None:
            raise UserError('dataset has no %r; give x and y, and x_val and y_val for validation'
                            % key)
    if (dataset.get('x_val') is None) != (dataset.get('y_val') is None):
        raise UserError('dataset has only one of x_val and y_val; give both or neither')
    checked = {key: _arrays(key, dataset.get(key)) for key in ('x', 'y', 'x_val', 'y_val')}
    for x, y in (('x', 'y'), ('x_val', 'y_val')):
        check_rows(x, checked[x], y, checked[y])
    return checked


def check_rows(x: str, inputs: Any, y: str, labels: Any) -> None:
    """See that inputs and labels, called x and y, have as many rows.

    Raises:
        UserError: if they do not.
    """
    for name, data in ((x, inputs), (y, labels)):
        counts = list(dict.fromkeys(len(part) for part in parts(data)))
        if len(counts) > 1:
            raise UserError('the arrays of %s have %s rows; give all of them as many'
                            % (name, ' and '.join(map(str, counts))))
    counts = [len(parts(data)[0]) for data in (inputs, labels) if len(parts(data))]
    if len(counts) == 2 and counts[0] != counts[1]:
        raise UserError('%s and %s have %d and %d rows; give as many labels as inputs'
                        % (x, y, counts[0], counts[1]))


def check_pair(x: Any, y: Any) -> Tuple[Any, Any]:
    """Check inputs and labels that a training is watched on, as far as they are numbers.

    The same is refused as by :func:`check_dataset`; what only layers can read (text, for example)
    passes.

    Args:
        x: array, or list or dictionary of arrays; a list of numbers or rows counts as an array.
        y: likewise.

    Returns:
        The two, lists of numbers as arrays.

    Raises:
        UserError: for NaN and infinities, emptiness, or rows that do not pair up.
    """
    pair = {'x': as_arrays(x), 'y': as_arrays(y)}
    for key, data in pair.items():
        for name, part in (data.items() if isinstance(data, Mapping)
                           else enumerate(data) if isinstance(data, (list, tuple))
                           else [(None, data)]):
            array = np.asarray(part)
            if array.dtype.kind in 'biuf':
                _check_numbers(key if name is None else '%s[%r]' % (key, name), array)
    check_rows('x', pair['x'], 'y', pair['y'])
    return pair['x'], pair['y']


def as_arrays(data: Any, name: str = 'training_data') -> Any:
    """Data with a list of plain numbers or rows made an array; lists of arrays stay lists."""
    if not isinstance(data, list) or any(hasattr(part, 'shape') for part in data):
        return data
    try:
        array = np.asarray(data)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind == 'O' and any(isinstance(part, (list, tuple)) for part in data):
        raise UserError('%s has rows of unequal length; give rows of equal length' % name)
    return array


def check_classes(labels: np.ndarray, loss: str, units: int, ignored: Optional[int] = None
                  ) -> None:
    """See that class numbers have an output each; some backends compute with any others.

    Args:
        labels: all training labels.
        loss: name of the loss; only sparse ones take class numbers.
        units: outputs of the model; 0 if that is open.
        ignored: a number that the loss leaves out.

    Raises:
        UserError: if they do not.
    """
    if loss.startswith('sparse') and units and labels.shape[1:] in ((), (1,)):
        counted = labels[labels != ignored] if ignored is not None else labels
        if counted.size:
            _class_numbers('y', counted, units)


def _arrays(key: str, data: Any) -> Any:
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {name: _array('%s[%r]' % (key, name), value) for name, value in data.items()}
    if isinstance(data, (list, tuple)) and all(isinstance(a, np.ndarray) for a in data):
        return [_array('%s[%d]' % (key, i), value) for i, value in enumerate(data)]
    return _array(key, data)


def _array(name: str, data: Any) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise UserError('%s cannot be made an array (%s); give rows of equal length'
                        % (name, quote(str(error))[1:-1])) from error
    if array.dtype.kind not in 'biuf':
        raise UserError('%s holds %s (for example %s); give numbers in rows of equal length'
                        % (name, array.dtype, quote(array.ravel()[:1].tolist())[1:-1]))
    if array.dtype.kind == 'f':
        with np.errstate(over='ignore'):  # what is too large becomes infinite and is told below
            array = array.astype(np.float32, copy=False)
    _check_numbers(name, array)
    return array


def _check_numbers(name: str, array: np.ndarray) -> None:
    """See that an array of numbers can be trained on.

    Raises:
        UserError: if it is empty or holds NaN or infinities; the message names the first row.
    """
    if array.ndim == 0 or array.size == 0:
        raise UserError('%s is empty (shape %s); give at least one row' % (name, array.shape))
    if array.dtype.kind == 'f':
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            kind = 'NaN' if np.isnan(array).any() else 'infinite'
            first = int(np.argwhere(~np.isfinite(array))[0][0])
            raise UserError('%s holds %d values that are NaN or infinite (the first, %s, in row '
                            '%d); clean the data before training' % (name, bad, kind, first))


def fingerprint(dataset: Mapping[str, Any]) -> str:
    """A short text that two data sets share only if they are the same.

    Args:
        dataset: as :func:`check_dataset` returns it.
    """
    digest = hashlib.sha256()
    for key in ('x', 'y', 'x_val', 'y_val'):
        for array in parts(dataset[key]):
            digest.update(('%s %s %s' % (key, array.dtype, array.shape)).encode('utf-8'))
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def prepare(dataset: Mapping[str, Any], output_shape: Any, loss: str,
            integers: bool) -> Tuple[Dict[str, Any], List[str]]:
    """Bring a data set into the form that a model and its loss take, where that is unambiguous.

    Whole numbers become float32 inputs; class numbers become one-hot rows for a categorical loss,
    one-hot rows become class numbers for a sparse one.

    Args:
        dataset: as :func:`check_dataset` returns it.
        output_shape: the model's, (None, …).
        loss: name of the loss.
        integers: whether the model takes whole numbers (token numbers, for example).

    Returns:
        The data set, and what is worth knowing about it, one sentence each.

    Raises:
        UserError: for labels that no loss of this name takes.
    """
    ready, notes = dict(dataset), []
    units = output_shape[-1] if _single(output_shape) else None
    for key in ('x', 'x_val'):
        if not integers and ready[key] is not None:
            ready[key] = map_arrays(lambda array: array.astype(np.float32, copy=False), ready[key])
    for key in ('y', 'y_val'):
        labels = ready[key]
        if not isinstance(labels, np.ndarray):
            continue
        _check_range(key, labels, loss)
        shape = labels.shape[1:] if labels.shape[1:] != (1,) else ()
        if loss == 'categorical_crossentropy' and units and units > 1 and shape == ():
            classes = _class_numbers(key, labels, units)
            ready[key] = np.eye(units, dtype=np.float32)[classes]
            notes.append('%s held class numbers, loss %s takes one-hot rows: converted'
                         % (key, loss))
        elif loss == 'sparse_categorical_crossentropy' and units and shape == (units,) and (
                _is_one_hot(labels)):
            ready[key] = labels.argmax(axis=-1)
            notes.append('%s held one-hot rows, loss %s takes class numbers: converted'
                         % (key, loss))
    if isinstance(ready['x'], np.ndarray) and ready['x'].ndim == 2:
        constant = int(np.count_nonzero(ready['x'].min(axis=0) == ready['x'].max(axis=0)))
        if constant:
            notes.append('%d of %d columns of x are constant' % (constant, ready['x'].shape[1]))
    labels = ready['y']
    if isinstance(labels, np.ndarray) and bool(np.all(labels == labels[:1])):
        notes.append('all rows of y are the same: there is nothing to learn')
    return ready, notes


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool(np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=-1) == 1))


def _class_numbers(key: str, labels: np.ndarray, units: int) -> np.ndarray:
    """Labels as whole numbers from 0 to units - 1, in one dimension.

    Raises:
        UserError: if they are not.
    """
    numbers = labels.reshape(len(labels))
    if bool(np.any(numbers != np.floor(numbers))):
        divisor = class_divisor(numbers)
        raise UserError('%s holds %g, which is no class number%s; give whole numbers from 0 to %d '
                        'or one-hot rows' % (
                            key, numbers[numbers != np.floor(numbers)][0],
                            ' (they look like class numbers divided by %d)' % divisor
                            if divisor else '', units - 1))
    if numbers.min() < 0 or numbers.max() >= units:
        way = ('number the classes from 0 or give the model more outputs' if units > 1 else
               'end in one softmax output for each class, of two classes in one sigmoid output '
               'under binary_crossentropy')
        raise UserError('%s holds labels from %g to %g, but the model has %d output%s; %s'
                        % (key, numbers.min(), numbers.max(), units, 's' * (units != 1), way))
    return numbers.astype(np.int64)


_SHARES = ('categorical_crossentropy', 'binary_crossentropy', 'categorical_focal_crossentropy',
           'binary_focal_crossentropy', 'kl_divergence')


def _check_range(key: str, labels: np.ndarray, loss: str) -> None:
    """See that labels of rows lie in 0…1 where a loss takes them for shares.

    Raises:
        UserError: if they do not.
    """
    numbers = loss == 'categorical_crossentropy' and labels.shape[1:] in ((), (1,))
    if loss in _SHARES and not numbers and (labels.min() < 0 or labels.max() > 1):
        raise UserError('%s holds labels from %g to %g, but loss %s takes 0…1; scale the labels or '
                        'choose another loss' % (key, labels.min(), labels.max(), loss))


def check_fit(dataset: Mapping[str, Any], input_shape: Any, output_shape: Any, loss: str) -> None:
    """Check that data fits a model's shapes.

    Args:
        dataset: as :func:`check_dataset` returns it.
        input_shape: the model's, (None, …); shapes of several inputs or None are not checked.
        output_shape: likewise.
        loss: name of the loss; sparse ones take class numbers.

    Raises:
        UserError: if inputs or labels have another shape than the model.
    """
    for key in ('x', 'x_val'):
        if isinstance(dataset[key], np.ndarray) and _single(input_shape):
            _match(key, dataset[key].shape, input_shape, 'takes inputs')
    for key in ('y', 'y_val'):
        labels = dataset[key]
        if not (isinstance(labels, np.ndarray) and _single(output_shape)
                and loss in KNOWN_LOSSES):  # a loss of one's own may take labels of any shape
            continue
        units = output_shape[-1]
        if loss.startswith('sparse_'):
            if units and labels.shape[1:] in ((), (1,)):
                _class_numbers(key, labels, units)
        else:
            shape = labels.shape
            if len(shape) == len(output_shape) - 1:
                if 'categorical' in loss and units and units > 1:
                    raise UserError('%s has shape %s, class numbers, but loss %s takes one-hot '
                                    'rows of %d; use sparse_categorical_crossentropy or encode '
                                    'the labels' % (key, shape, loss, units))
                shape = shape + (1,)
            _match(key, shape, output_shape, 'has outputs')


def _single(shape: Any) -> bool:
    return isinstance(shape, tuple) and bool(shape) and not isinstance(shape[0], (tuple, list))


def _match(key: str, given: Tuple[int, ...], wanted: Tuple[Optional[int], ...],
           verb: str) -> None:
    fits = len(given) == len(wanted) and all(
        w is None or w == g for g, w in zip(given[1:], wanted[1:]))
    if not fits:
        raise UserError('%s has rows of shape %s, but the model %s of shape %s; reshape the data '
                        'or change the model' % (key, given[1:], verb, tuple(wanted[1:])))
