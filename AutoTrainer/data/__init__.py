"""Data sets by name, ready to train on; one module for each, with load_data and preprocess."""

from typing import Any, Callable, Dict

from ..errors import UserError, quote, way_out
from . import cifar10, digits, imdb, mnist, reuters, sequences, simplednn
from .common import Dataset, DatasetError

__all__ = ['DATASETS', 'Dataset', 'DatasetError', 'get_dataset']


def _simplednn(kind: str) -> Callable[[], Dataset]:
    return lambda: simplednn.preprocess(simplednn.load_data(kind), kind)


DATASETS: Dict[str, Callable[[], Dataset]] = {
    'simplednn_circle': _simplednn('circle'),
    'simplednn_blob': _simplednn('blob'),
    'simplednn_reg': _simplednn('reg'),
    'simplednn_relu': _simplednn('relu'),
    'simplednn_circle_raw': lambda: simplednn.preprocess(simplednn.load_data('circle'), 'circle',
                                                         scale=False),
    'sequences': lambda: sequences.preprocess(sequences.load_data()),
    'digits': lambda: digits.preprocess(digits.load_data()),
    'digits_image': lambda: digits.preprocess(digits.load_data(), image=True),
    'mnist': lambda: mnist.preprocess(mnist.load_data()),
    'mnist_image': lambda: mnist.preprocess(mnist.load_data(), image=True),
    'cifar10': lambda: cifar10.preprocess(cifar10.load_data()),
    'imdb': lambda: imdb.preprocess(imdb.load_data()),
    'reuters': lambda: reuters.preprocess(reuters.load_data()),
}
"""How to make each data set, by its name."""


def get_dataset(name: Any) -> Dataset:
    """Return a data set, ready for ``fit``.

    The simplednn, digits and sequences sets need no file. The others are looked for in
    ``$AUTOTRAINER_DATA``, then in the cache of Keras, and else downloaded by Keras. Nothing is
    kept between calls: the arrays are the caller's own.

    Args:
        name: one of ``DATASETS``.

    Returns:
        ``x``, ``y``, ``x_val``, ``y_val``; shapes and scales stand in the ``preprocess`` of each
        module. float32, but the word numbers of imdb and sequences int32.

    Raises:
        UserError: (a ValueError) if the name is unknown.
        DatasetError: (a UserError) if the files are damaged, or absent and not to be downloaded.
    """
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]()
    raise UserError('dataset is %s; %s; with data of your own call check() or repair() in Python'
                    % (quote(name), way_out(name, list(DATASETS))))
