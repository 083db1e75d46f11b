"""What is wrong with the rows that a training is to learn from."""

import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .labels import LabelSummary
from .preflight import CERTAIN, LIKELY, NOTE, Finding, Found

MOST_ROWS = 10000
"""Rows that are looked at, at the most, evenly spread over all of them."""


class Data(NamedTuple):
    """Rows that a training learns from and is measured on, as far as they are looked at.

    Attributes:
        x: the inputs, arrays of shape (rows, …) with the same rows in each.
        y: their labels; None where there are several for a row, or none that are numbers.
        x_val: rows for validation, likewise; empty without any.
        y_val: their labels.
        arriving: what reaches the first layer with weights of some of these rows; empty where that
            says nothing about the scale of the data.
        looked_at: share of the training rows that are in ``x``.
        not_finite: numbers in all training inputs that are NaN or infinite.
        not_finite_val: and in those for validation.
        tokens: whether the model takes whole numbers as such.
        text: a text among the training inputs that is no number, where the model takes no text.
    """

    x: Tuple[np.ndarray, ...] = ()
    y: Optional[np.ndarray] = None
    x_val: Tuple[np.ndarray, ...] = ()
    y_val: Optional[np.ndarray] = None
    arriving: Tuple[np.ndarray, ...] = ()
    looked_at: float = 1.0
    not_finite: int = 0
    not_finite_val: int = 0
    tokens: bool = False
    text: str = ''


def examine_data(data: Data, labels: LabelSummary, normalised: bool = False) -> List[Finding]:
    """What can be said of the rows.

    Args:
        data: the rows.
        labels: what the training labels look like.
        normalised: whether some layer normalises, if only behind the first.
    """
    scale = _scale(data.arriving)
    if scale is not None and normalised:
        scale = scale._replace(severity=NOTE)
    found = [_text_inputs(data), _text_labels(data), _not_finite(data), _constant_inputs(data),
             scale, _order(data, labels), _same_rows(data), _other_kind(data, labels),
             _one_label(data, labels), _label_among_inputs(data), _stand_ins(data),
             _other_scale(data), _outlying_labels(data, labels)]
    return [finding for finding in found + _useless_columns(data) if finding is not None]


def _data(name: str, severity: str, sentence: str, advice: str,
          issue: str = 'abnormal_data') -> Finding:
    return Finding(name, severity, sentence, advice, issue)


# ------------------------------------------------------------------------------------ the inputs

_LARGE_INPUT = 10.0
"""The paper's ω1: mean |input| at which a first layer saturates or overflows."""
_TINY_INPUT = 0.01
_UNEVEN = 100.0
"""How much larger than another a column may be: a step that suits one of them is a hundred times,
and their curvatures are ten thousand times, apart."""
_SAME = 1e-6
"""How far from 1 the correlation of two columns may be that are the same but for their scale."""
_ENOUGH_ROWS = 20
"""Rows from which that is no chance."""
_FEW_COLUMNS = 256
"""Up to so many columns are a table, whose columns are looked at one by one."""


def _not_finite(data: Data) -> Found:
    count = data.not_finite or data.not_finite_val
    if not count:
        return None
    return _data('nan_in_inputs', CERTAIN if data.not_finite else LIKELY,
                 'the %s inputs hold %d values that are NaN or infinite'
                 % ('training' if data.not_finite else 'validation', count),
                 'remove or fill what is not finite in the inputs: one of it makes the loss NaN')


def _text_inputs(data: Data) -> Found:
    if not data.text:
        return None
    return _data('text_in_inputs', CERTAIN,
                 'the training inputs hold text (%r), which no layer of the model reads'
                 % data.text,
                 'make numbers of it: a column for each category, or its number and an Embedding')


def _text_labels(data: Data) -> Found:
    text = '' if data.y is None else text_in(data.y)
    if not text:
        return None
    return _data('text_in_labels', CERTAIN, 'the labels are text (%r), of which no loss can be '
                 'computed' % text,
                 'make class numbers of them: np.unique(y, return_inverse=True)[1]')


def text_in(array: np.ndarray) -> str:
    """The first text in an array that cannot be read as a number; '' if there is none."""
    if array.dtype.kind not in 'OUS':
        return ''
    for value in array.reshape(-1)[:MOST_ROWS].tolist():
        if isinstance(value, bytes):
            value = value.decode('utf-8', 'replace')
        if isinstance(value, str):
            try:
                float(value)
            except ValueError:
                return value[:40] or ' '
    return ''


def _constant_inputs(data: Data) -> Found:
    if not data.x or len(data.x[0]) < 2 or any(bool(np.any(part != part[:1])) for part in data.x):
        return None
    return _data('constant_inputs', CERTAIN if data.looked_at == 1 else LIKELY,
                 'the inputs are the same in all rows', 'see how the inputs are read and scaled')


def _spreads(array: np.ndarray) -> np.ndarray:
    """How far each column goes: its deviation; a tenth of its range if it is mostly one value."""
    ends = np.max(array, axis=0) - np.min(array, axis=0)
    return np.maximum(np.std(array, axis=0, dtype=np.float64), ends / 10)


def _scale(arriving: Sequence[np.ndarray]) -> Found:
    arrays = [np.reshape(part, (-1, part.shape[-1])) for part in arriving
              if part.ndim >= 2 and part.size]
    if not arrays:
        return None
    size = sum(part.size for part in arrays)
    mean = sum(float(np.sum(np.abs(part), dtype=np.float64)) for part in arrays) / size
    if not math.isfinite(mean):
        return None
    advice = ('scale each column to mean 0 and deviation 1, or put a Normalization or '
              'BatchNormalization layer in front')
    columns = np.concatenate([_spreads(part) for part in arrays if part.shape[1] <= _FEW_COLUMNS]
                             or [np.zeros(0)])
    columns = columns[columns > 0]
    if len(columns) and columns.max() >= _UNEVEN * columns.min():
        return _data('column_scale', LIKELY,
                     'the columns that reach the first layer are of very different scale: one '
                     'spreads by %.2g, another by %.2g (mean |input| %.3g)'
                     % (columns.max(), columns.min(), mean), advice)
    if mean >= _LARGE_INPUT:
        return _data('large_inputs', LIKELY,
                     'mean |input| is %.3g where it reaches the first layer' % mean, advice)
    largest = max(float(np.max(np.abs(part))) for part in arrays)
    if 0 < largest < _TINY_INPUT:
        return _data('tiny_inputs', LIKELY,
                     'no input is larger than %.2g where it reaches the first layer' % largest,
                     advice)
    return None


def _useless_columns(data: Data) -> List[Optional[Finding]]:
    """Columns of a table that say nothing, or nothing new."""
    if len(data.x) != 1 or data.x[0].ndim != 2 or data.tokens or (
            not 1 < data.x[0].shape[1] <= _FEW_COLUMNS) or len(data.x[0]) < 2:
        return []
    table = data.x[0]
    varies = np.any(table != table[:1], axis=0)
    constant = np.flatnonzero(~varies).tolist()
    seen: Dict[bytes, int] = {}
    twins: List[Tuple[int, int]] = []
    for column in np.flatnonzero(varies).tolist():
        first = seen.setdefault(table[:, column].tobytes(), column)
        if first != column:
            twins.append((first, column))
    found: List[Optional[Finding]] = []
    if len(constant) and varies.any():
        found.append(_data('constant_columns', NOTE, '%d of %d columns are constant (%s)' % (
            len(constant), table.shape[1], _some(constant)),
                           'leave constant columns out'))
    if twins:
        found.append(_data('duplicate_columns', NOTE, '%d of %d columns are the same as another '
                           '(%d and %d)' % ((len(twins), table.shape[1]) + twins[0]),
                           'leave repeated columns out'))
    return found


_FAR, _VERY_FAR = 10.0, 30.0
"""How far from the middle half of a column a number stands apart, in widths of that half."""
_STAND_IN, _FEW = 0.3, 0.01
"""Share of the rows that can be missing, and that can be mistyped, at the most."""


def _apart(column: np.ndarray, far: float) -> np.ndarray:
    """Which numbers stand far apart from the middle half; none where that has no width."""
    low, high = np.percentile(column, [25, 75])
    return np.maximum(low - column, column - high) > far * (high - low) if high > low else (
        np.zeros(len(column), bool))


def _stand_ins(data: Data) -> Found:
    """One number far from all others, in many rows of a column: it stands for what is missing."""
    if len(data.x) != 1 or data.x[0].ndim != 2 or data.tokens or (
            data.x[0].shape[1] > _FEW_COLUMNS) or data.x[0].dtype.kind not in 'iuf' or (
            len(data.x[0]) < _ENOUGH_ROWS):
        return None
    for index, column in enumerate(data.x[0].T.astype(np.float64)):
        far = column[_apart(column, _FAR)]
        if not 3 <= len(far) <= _STAND_IN * len(column):
            continue
        numbers, counts = np.unique(far, return_counts=True)
        if counts.max() >= 0.8 * len(far):
            return _data('stand_in_numbers', NOTE,
                         '%d of %d rows have %.4g in column %d, far from all others'
                         % (counts.max(), len(column), numbers[counts.argmax()], index),
                         'see whether it stands for what is missing: put the middle of the column '
                         'in its place, and a column that says where that was done')
    return None


def _outlying_labels(data: Data, labels: LabelSummary) -> Found:
    """A few labels so far from all others that they alone make the squared error."""
    if labels.kind != 'real' or labels.width != 1 or data.y is None or (
            data.y.dtype.kind not in 'iuf'):
        return None
    numbers = data.y.reshape(-1).astype(np.float64)
    if len(numbers) < _ENOUGH_ROWS or not np.isfinite(numbers).all():
        return None
    apart, off = _apart(numbers, _VERY_FAR), (numbers - np.median(numbers)) ** 2
    if not 0 < apart.sum() <= max(1.0, _FEW * len(numbers)) or off[apart].sum() < 0.9 * off.sum():
        return None
    worst = numbers[apart][np.abs(numbers[apart]).argmax()]
    return _data('outlying_labels', NOTE,
                 '%d of %d labels lie far from all others (%.4g, where the middle is %.4g): they '
                 'alone make the squared error' % (apart.sum(), len(numbers), worst,
                                                   np.median(numbers)),
                 'see whether they are mistyped; else train on their logarithm, or with a Huber '
                 'loss')


def _label_among_inputs(data: Data) -> Found:
    """A column of a table that is the label, whatever its scale: nothing else has to be learnt."""
    if data.y is None or len(data.x) != 1 or data.x[0].ndim != 2 or data.tokens or (
            not 1 < data.x[0].shape[1] <= _FEW_COLUMNS) or (
            {data.x[0].dtype.kind, data.y.dtype.kind} - set('biuf')):
        return None
    labels = np.asarray(data.y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        if not np.all(np.sum(labels == 1, axis=1) == 1):
            return None  # several labels for a row
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1).astype('float64')
    table = data.x[0].astype('float64')
    if len(labels) != len(table) or len(table) < _ENOUGH_ROWS or not np.ptp(labels) > 0:
        return None
    with np.errstate(invalid='ignore', over='ignore'):  # numbers that are not finite are like none
        varies = np.flatnonzero(np.ptp(table, axis=0) > 0)
        apart = table[:, varies] - table[:, varies].mean(axis=0)
        along = labels - labels.mean()
        alike = np.abs(along @ apart) / np.sqrt(along @ along * np.sum(apart ** 2, axis=0))
    same = varies[alike > 1 - _SAME].tolist()
    if not same:
        return None
    return _data('label_among_inputs', NOTE, 'the labels are among the inputs (%s)' % _some(same),
                 'leave that column out, unless it is known before the label is')


# ---------------------------------------------------------------------------- labels and validation

_SORTED = 0.5
"""Share of the changes between neighbouring labels that a shuffled file has."""
_ANOTHER_KIND = 0.3
"""Share of the validation rows that would need another label to be shared out as in training."""
_SURE = 4.0
"""Standard errors from which a difference is none of chance."""


def _codes(y: Optional[np.ndarray], labels: LabelSummary) -> Optional[np.ndarray]:
    """One number for each row: the class, or a measured number; None for other labels."""
    if y is None or labels.axes != 2 or not labels.finite or not len(y):
        return None
    if labels.kind == 'one_hot' and y.ndim == 2:
        return y.argmax(axis=1)
    return y.reshape(-1) if labels.width == 1 and y.size == len(y) else None


def _order(data: Data, labels: LabelSummary) -> Found:
    """A file that is sorted by label."""
    codes = _codes(data.y, labels)
    if codes is None or len(codes) < 20:
        return None
    measured = labels.kind == 'real'
    if measured:
        codes = codes > np.median(codes)
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    expected = (1 - float(np.sum(shares ** 2))) * (len(codes) - 1)
    changes = int(np.count_nonzero(codes[1:] != codes[:-1]))
    if changes >= _SORTED * expected or expected - changes < _SURE * math.sqrt(expected):
        return None
    alone = not data.x_val
    advice = 'do not train with shuffle=False' + (
        ', nor with validation_split, which takes the last rows' if alone else '')
    if measured:  # what foretells is measured on later rows
        advice = 'unless they are in the order of time, ' + advice
    return _data('sorted_by_label', NOTE,
                 'rows with %s stand together: the label %s %d times among %d rows, about %d times '
                 'if they were shuffled' % (
                     'similar labels' if measured else 'the same label',
                     'passes its median' if measured else 'changes', changes, len(codes), expected),
                 advice, 'overfit' if alone else 'unstable')


def _hashes(parts: Sequence[np.ndarray]) -> List[int]:
    rows = [np.ascontiguousarray(part, dtype=np.float32).reshape(len(part), -1) for part in parts]
    return [hash(b''.join(part[row].tobytes() for part in rows)) for row in range(len(rows[0]))]


def _same_rows(data: Data) -> Found:
    """Rows of the validation that are training rows too, beyond what the data repeats by itself."""
    if not data.x or not data.x_val or len(data.x) != len(data.x_val) or (
            data.not_finite or data.not_finite_val):
        return None
    training = _hashes(data.x)
    there = set(training)
    repeats = 1 - len(there) / len(training)
    share = float(np.mean([row in there for row in _hashes(data.x_val)])) / data.looked_at
    if share < 0.01 or share <= 2 * repeats:
        return None
    return _data('same_rows', NOTE,
                 'about %.0f%% of the validation rows are training rows too'
                 % (100 * min(share, 1)),
                 'take the rows that are in both out of one: they say nothing about new rows',
                 'overfit')


def _other_kind(data: Data, labels: LabelSummary) -> Found:
    """Validation labels that are shared out otherwise than those of the training."""
    codes, other = _codes(data.y, labels), _codes(data.y_val, labels)
    if codes is None or other is None or len(codes) < 10 or len(other) < 10:
        return None
    advice = 'shuffle the rows before they are divided'
    if labels.kind == 'real':
        advice += ', unless they are in the order of time'
    fewest = 1 / len(codes) + 1 / len(other)
    if labels.kind == 'real':
        spread = float(np.std(codes))
        apart = abs(float(np.mean(codes)) - float(np.mean(other)))
        if apart < spread or apart < _SURE * spread * math.sqrt(fewest) or not apart > 0:
            return None
        return _data('validation_of_another_kind', LIKELY,
                     'validation labels are %.3g on average, training labels %.3g with a deviation '
                     'of %.2g' % (np.mean(other), np.mean(codes), spread), advice, 'overfit')
    classes = np.union1d(codes, other)
    shares, others = [np.array([np.mean(part == number) for number in classes])
                      if len(classes) <= 100 else np.zeros(len(classes))
                      for part in (codes, other)]
    apart = float(np.sum(np.abs(shares - others))) / 2
    chance = float(np.sum(np.sqrt(shares * (1 - shares) * fewest))) / 2
    if apart < max(_ANOTHER_KIND, _SURE * chance):
        return None
    worst = int(np.argmax(np.abs(shares - others)))
    return _data('validation_of_another_kind', LIKELY,
                 'class %g has %.0f%% of the validation rows and %.0f%% of the training rows'
                 % (classes[worst], 100 * others[worst], 100 * shares[worst]), advice, 'overfit')


_SHIFTED, _STRETCHED = 3.0, 5.0
"""Deviations by which a column must be off, and times by which its spread must differ, to be of
another scale: rows of one kind that were divided at random are never so far apart."""


def _middle(columns: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Median and spread of each column, as far as a few far numbers do not make it.

    The spread is that of a normal deviation from the 10th to the 90th percentile.
    """
    low, middle, high = np.percentile(columns, [10, 50, 90], axis=0)
    return middle, (high - low) / 2.56


def _other_scale(data: Data) -> Found:
    """Validation inputs on another scale than the training inputs: prepared otherwise."""
    if data.tokens or len(data.x) != len(data.x_val) or not data.x:
        return None
    off, all_columns, worst = 0, 0, (0.0, 0.0, 0.0, 0.0)
    for train, held in zip(data.x, data.x_val):
        if train.dtype.kind not in 'biuf' or held.dtype.kind not in 'biuf' or (
                train.shape[1:] != held.shape[1:] or min(len(train), len(held)) < _ENOUGH_ROWS):
            return None
        columns = [np.reshape(part, (len(part), -1)).astype(np.float64) for part in (train, held)]
        if columns[0].shape[1] > _FEW_COLUMNS:  # of an image all pixels have one scale
            columns = [part.reshape(-1, 1) for part in columns]
        (mean, spread), (mean_val, spread_val) = map(_middle, columns)
        varies = (spread > 0) & (spread_val > 0)
        with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
            apart = varies & ((np.abs(mean - mean_val) > _SHIFTED * np.maximum(spread, spread_val))
                              | (np.maximum(spread / spread_val, spread_val / spread)
                                 > _STRETCHED))
        off, all_columns = off + int(apart.sum()), all_columns + int(varies.sum())
        if apart.any():
            first = int(apart.argmax())
            worst = (mean[first], spread[first], mean_val[first], spread_val[first])
    if not off or 2 * off < all_columns:
        return None
    return Finding('validation_scaled_otherwise', LIKELY,
                   'validation inputs are on another scale than training inputs (%.3g ± %.2g, '
                   'where these are %.3g ± %.2g)' % (worst[2:] + worst[:2]),
                   'prepare the validation rows as the training rows are, with the numbers of the '
                   'training rows', 'overfit')


def class_never_trained(data: Data, labels: LabelSummary, units: int) -> Found:
    """A class of the validation rows of which there is no training row.

    Args:
        data: the rows; all of the training labels.
        labels: what they look like.
        units: outputs of the model: with a single one, whole numbers may be amounts.
    """
    classes = labels.kind in ('one_hot', 'binary') or labels.kind == 'integer' and units > 1
    if not classes or data.looked_at < 1:
        return None
    codes, other = _codes(data.y, labels), _codes(data.y_val, labels)
    if codes is None or other is None:
        return None
    numbers, counts = np.unique(other, return_counts=True)
    absent = ~np.isin(numbers, codes)
    if not absent.any() or counts[absent].sum() < max(5, 0.1 * len(other)):
        return None
    return _data('class_never_trained', CERTAIN,
                 'class %s has %d of %d validation rows and no training row'
                 % (_some(numbers[absent].tolist()), counts[absent].sum(), len(other)),
                 'shuffle the rows before they are divided', 'overfit')


def _one_label(data: Data, labels: LabelSummary) -> Found:
    if data.y is None or len(data.y) < 2 or not labels.finite or not labels.kind or bool(
            np.any(data.y != data.y[:1])):
        return None
    return _data('one_label', LIKELY, 'all rows have the same label: there is nothing to learn',
                 'see how the labels are read')


def _some(numbers: Sequence[int]) -> str:
    return ', '.join('%d' % number for number in numbers[:3]) + (', …' if len(numbers) > 3 else '')
