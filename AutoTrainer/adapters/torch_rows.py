"""The rows of a PyTorch training, from tensors, arrays, a Dataset or a DataLoader.

What is taken from a Dataset is taken beside the training: no loader is begun, no sampler asked, and
the random states are put back.
"""

import random
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Sized,
    Tuple,
)

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

from ..errors import UserError
from ..intake import inputs
from ..intake.arrays import map_arrays, row_count
from ..judge.columns import MOST_ROWS
from .torch_anatomy import to_numpy

MADE_ROWS = 2000
"""Rows that are taken, at the most, from a Dataset that makes them one by one."""

LABEL_KEYS = ('labels', 'label', 'y', 'target', 'targets')
"""Where a row that is a dictionary has its label."""


STREAM = ('%s gives its rows one after another, so that none can be looked at without taking it '
          'from the training')


class Rows(NamedTuple):
    """Rows of a training.

    Attributes:
        x: inputs: an array, or a list or dictionary of arrays.
        y: labels likewise.
        total: rows of one epoch, which may be more than are here; None if unknown.
        steps: batches of one epoch; None if unknown.
        batch_size: rows of a batch; None if unknown.
    """

    x: Any
    y: Any
    total: Optional[int] = None
    steps: Optional[int] = None
    batch_size: Optional[int] = None


def rows_of(x: Any, y: Any = None, name: str = 'x') -> Rows:
    """The rows of a training.

    Args:
        x: tensors or arrays of all inputs (a list or dictionary of them for several), or a Dataset
            or DataLoader that gives inputs and labels.
        y: labels; None where ``x`` gives both.
        name: how messages call ``x``.

    Raises:
        UserError: for data of another kind, rows that do not pair up, or NaN.
    """
    if isinstance(x, (DataLoader, Dataset)):
        if y is not None:
            raise UserError('%s is a %s, which gives its labels by itself; leave y out'
                            % (name, type(x).__name__))
        return _of_loader(x, name) if isinstance(x, DataLoader) else _of_dataset(x, None, name)
    if y is None:
        raise UserError(_without_labels(x, name))
    arrays = inputs.check_pair(as_arrays(x), as_arrays(y))
    return Rows(arrays[0], arrays[1], row_count(arrays[0]))


def _without_labels(x: Any, name: str) -> str:
    """What is missing where there are no labels beside something that is no data set."""
    kind, rest = type(x).__name__, 'give a DataLoader, or all rows as tensors x and y'
    if isinstance(x, Iterator):
        return '%s is a %s, whose rows can be had only once; %s' % (name, kind, rest)
    if isinstance(x, (list, tuple)) and x and all(
            isinstance(part, (list, tuple)) and len(part) == 2 for part in x):
        return '%s is a %s of (input, label); %s' % (name, kind, rest)
    if isinstance(x, Iterable) and not isinstance(x, (Sized, str)):
        return '%s is a %s; %s' % (name, kind, rest)
    return 'y is missing; give the labels beside %s, or a DataLoader' % name


def is_stream(x: Any) -> bool:
    """Whether a DataLoader or Dataset gives its rows one after another only."""
    dataset = x.dataset if isinstance(x, DataLoader) else x
    return isinstance(dataset, IterableDataset) or (
        isinstance(dataset, Dataset) and not hasattr(dataset, '__len__'))


def validation_rows(data: Any) -> Optional[Rows]:
    """Validation rows from ``(x, y)``, a Dataset or a DataLoader; None without any."""
    if data is None:
        return None
    if is_stream(data):
        raise UserError(STREAM % 'validation_data' + '; give some of its rows as (x, y)')
    if isinstance(data, (DataLoader, Dataset)):
        return rows_of(data, name='validation_data')
    if isinstance(data, (list, tuple)) and len(data) == 2:
        return rows_of(data[0], data[1], 'validation_data')
    raise UserError('validation_data is a %s; give (x, y) or a DataLoader' % type(data).__name__)


def as_arrays(data: Any) -> Any:
    """Tensors as arrays; a list of plain numbers or rows too."""
    if isinstance(data, torch.Tensor):
        return to_numpy(data)
    return map_arrays(lambda part: to_numpy(part) if isinstance(part, torch.Tensor)
                      else np.asarray(part), inputs.as_arrays(data, 'x'))


def split_item(item: Any) -> Tuple[Any, Any]:
    """Inputs and labels of a row or batch, as data sets give them.

    Raises:
        UserError: where that cannot be told.
    """
    if isinstance(item, Mapping):
        key = next((key for key in LABEL_KEYS if key in item), None)
        if key is None:
            raise UserError('the rows have %s, none of which is known as a label; give x and y'
                            % ', '.join(map(str, list(item)[:5])))
        return {name: value for name, value in item.items() if name != key}, item[key]
    if isinstance(item, (list, tuple)) and len(item) >= 2:
        x: Any = item[0] if len(item) == 2 else list(item[:-1])
        return x, item[-1]
    raise UserError('a row is a %s; give a data set of (input, label), or x and y'
                    % type(item).__name__)


def _of_loader(loader: Any, name: str) -> Rows:
    chosen = None
    if isinstance(loader.sampler, SubsetRandomSampler):
        chosen = [int(i) for i in loader.sampler.indices]
    found = _of_dataset(loader.dataset, loader.collate_fn, name, chosen)
    try:
        steps: Optional[int] = len(loader)
    except TypeError:
        steps = None
    total = found.total if chosen is None else len(chosen)
    return found._replace(total=total, steps=steps, batch_size=loader.batch_size)


def _of_dataset(dataset: Any, collate: Optional[Callable[[List[Any]], Any]], name: str,
                chosen: Optional[Sequence[int]] = None) -> Rows:
    if is_stream(dataset):
        raise UserError(STREAM % name)
    if not len(dataset):
        raise UserError('%s has no rows' % name)
    whole = _tensors_of(dataset)
    places = np.arange(len(dataset)) if chosen is None else np.asarray(chosen)
    if whole is not None:
        most = MOST_ROWS
    else:
        most = MADE_ROWS
    if len(places) > most:
        places = np.sort(np.random.RandomState(0).permutation(len(places))[:most]) if (
            chosen is None) else places[:most]
    if whole is not None:
        taken = [tensor[places] for tensor in whole]
        x, y = split_item(taken)
    else:
        x, y = split_item(_made(dataset, places, collate))
    arrays = inputs.check_pair(as_arrays(x), as_arrays(y))
    return Rows(arrays[0], arrays[1], len(dataset))


def _tensors_of(dataset: Any) -> Optional[List[Any]]:
    """The tensors that a data set, or a part of one, has all its rows in."""
    if isinstance(dataset, TensorDataset):
        return list(dataset.tensors)
    if type(dataset) is Subset:
        whole = _tensors_of(dataset.dataset)
        return None if whole is None else [tensor[torch.as_tensor(list(dataset.indices))]
                                           for tensor in whole]
    return None


def _made(dataset: Any, places: np.ndarray, collate: Optional[Callable[[List[Any]], Any]]) -> Any:
    """Rows that a data set makes, which may draw random numbers, together."""
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(()):
            items = [dataset[int(place)] for place in places]
            # a collate_fn pads, for example, to the longest of its rows
            return (collate or default_collate)(items)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
