"""Solutions that change the rows as the model is trained on them: their order, split and labels.

What is handed back takes the inputs, and gives the answers, that the model had before: a scale of
the targets is taken back from the outputs.
"""

import random
from typing import Any, Tuple

import numpy as np

from ..intake.arrays import map_arrays, row_count
from ..judge.labels import label_kind, summarise_labels
from ..judge.losses import REGRESSION_LOSSES, loss_name
from .candidate import Candidate, NotApplicable, Solution, TargetScale

Result = Tuple[Candidate, str]

DECADES = 3.0
"""Powers of ten that positive targets must span, from their 5th to their 95th percentile or from
their median to their largest, before their logarithm is what is learnt."""
_CENTRED, _UNIT = 0.5, 2.0
"""Mean, in deviations, and deviation (or its inverse) up to which targets need no scaling."""


def _with_labels(candidate: Candidate, change: Any) -> Candidate:
    data = candidate.training.dataset
    held = data.get('y_val')
    return candidate.trained(dataset=dict(
        data, y=change(data['y']), y_val=None if held is None else change(held)))


def _targets(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Targets of mean 0 and deviation 1, of their logarithm where they span decades."""
    y = candidate.training.dataset['y']
    if candidate.targets is not None:
        raise NotApplicable('the targets are scaled already')
    if candidate.model.config is None:
        raise NotApplicable('the outputs of a subclassed model cannot be given their units back')
    if isinstance(y, (list, tuple, dict)):
        raise NotApplicable('the model has several outputs')
    if loss_name(candidate.training.loss) not in REGRESSION_LOSSES:
        raise NotApplicable('the loss is of classes')
    y = np.asarray(y)
    kind = label_kind(y, getattr(candidate.model.original, 'output_shape', None))
    if kind not in ('real', 'integer') or kind == 'integer' and y.ndim > 1 and y.shape[-1] > 1:
        raise NotApplicable('the labels are classes')
    values = y.astype(np.float64).reshape(len(y), -1) if y.ndim < 3 else y.astype(
        np.float64).reshape(-1, y.shape[-1])
    if kind == 'integer' and y.ndim < 3:
        values = values.reshape(-1, 1)
    if not np.isfinite(values).all():
        raise NotApplicable('the targets hold numbers that are not finite')
    by_logarithm = spans_decades(values)
    if by_logarithm:
        values = np.log1p(values)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    if not by_logarithm and np.all(np.abs(mean) <= _CENTRED * spread) and np.all(
            (spread <= _UNIT) & (spread >= 1 / _UNIT)):
        raise NotApplicable('the targets have mean 0 and deviation 1 already')
    scale = TargetScale(tuple(map(float, mean)), tuple(map(float, spread)), by_logarithm)
    if by_logarithm:
        said = 'targets (%.3g to %.3g) → logarithm, with mean 0 and deviation 1' % (
            np.min(y), np.max(y))
    else:
        said = 'targets (mean %.3g, deviation %.3g) → mean 0, deviation 1' % (
            np.mean(y), np.std(y))
    return (_with_labels(candidate._replace(targets=scale), scale.of_labels),
            said + '; outputs are given back in their units')


def spans_decades(values: np.ndarray) -> bool:
    """Whether positive numbers span so many powers of ten that only their logarithm is one scale.

    Args:
        values: array of shape (rows, outputs).
    """
    if np.min(values) < 0:
        return False
    low, middle, high = np.percentile(values, [5, 50, 95], axis=0)
    top = np.max(values, axis=0)
    with np.errstate(divide='ignore'):
        return bool(np.all(np.log10((1 + high) / (1 + low)) >= DECADES)
                    or np.all(np.log10((1 + top) / (1 + middle)) >= DECADES))


def _labels(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Two numbers become 0 and 1; class numbers that were divided become whole again."""
    y = candidate.training.dataset['y']
    known = summarise_labels(y, getattr(candidate.model.original, 'output_shape', None))
    if known.width == 1 and known.two_valued and not (known.lowest, known.highest) == (0, 1) and (
            known.lowest < known.highest):
        low, high = known.lowest, known.highest
        return (_with_labels(candidate._replace(labels='zero-one'), lambda part: (
            np.asarray(part) > (low + high) / 2).astype(np.float32)),
                'labels %g and %g → 0 and 1' % (low, high))
    if known.divisor:
        return (_with_labels(candidate._replace(labels='class numbers'), lambda part: np.rint(
            np.asarray(part, dtype=np.float64) * known.divisor).astype(np.float32)),
                'labels × %d, which makes them class numbers again' % known.divisor)
    raise NotApplicable('the labels are as they should be')


def _shuffle(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    if candidate.training.shuffle:
        raise NotApplicable('the rows are shuffled already')
    return candidate.trained(shuffle=True), 'rows shuffled in every epoch'


def _split(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Training and validation rows pooled, shuffled and divided anew, as many of each."""
    data = candidate.training.dataset
    if data.get('x_val') is None:
        raise NotApplicable('there are no validation rows')
    if candidate.split:
        raise NotApplicable('the rows are divided anew already')
    rows = row_count(data['x'])
    order = np.random.RandomState(rng.randrange(2**31)).permutation(
        rows + row_count(data['x_val']))
    whole = {key: _pooled(data[key], data[key + '_val']) for key in ('x', 'y')}
    return (candidate._replace(split=True).trained(dataset={
        'x': _taken(whole['x'], order[:rows]), 'y': _taken(whole['y'], order[:rows]),
        'x_val': _taken(whole['x'], order[rows:]), 'y_val': _taken(whole['y'], order[rows:])}),
            'training and validation rows shuffled together and divided anew')


def _taken(data: Any, chosen: np.ndarray) -> Any:
    return map_arrays(lambda array: np.asarray(array)[chosen], data)


def _pooled(one: Any, other: Any) -> Any:
    """Two parts of the same structure, one behind the other."""
    if isinstance(one, dict):
        return {key: np.concatenate([one[key], other[key]]) for key in one}
    if isinstance(one, (list, tuple)):
        return [np.concatenate(pair) for pair in zip(one, other)]
    return np.concatenate([one, other])


ROW_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('targets', 'Trains on targets of mean 0 and deviation 1, of their logarithm where '
             'they span decades; the outputs keep their units.', 0, _targets),
    Solution('labels', 'Makes two numbers 0 and 1, and class numbers that were divided whole '
             'again.', 0, _labels),
    Solution('shuffle', 'Shuffles the rows in every epoch.', 0, _shuffle),
    Solution('split', 'Shuffles training and validation rows together and divides them anew.', 0,
             _split),
)
"""One entry per solution; for each, see its function."""
