"""MNIST: 70,000 images of handwritten digits, 28×28."""

from pathlib import Path

import numpy as np

from . import files
from .common import Dataset, RawData, check_labels, one_hot


def load_data() -> RawData:
    """Return the images as published, read from ``mnist.npz`` or downloaded by Keras.

    Returns:
        60,000 pairs for training, 10,000 for validation: uint8 images of shape (n, 28, 28) and
        digits of shape (n,).

    Raises:
        DatasetError: if the file is damaged, or neither there nor to be downloaded.
    """
    return files.load('mnist', ['mnist.npz'], _read)


def _read(path: Path) -> RawData:
    held = files.read_npz(path, ['x_train', 'y_train', 'x_test', 'y_test'])
    for part in ('train', 'test'):
        images, digits = np.shape(held['x_' + part]), np.shape(held['y_' + part])
        if len(images) != 3 or images[1:] != (28, 28) or digits != images[:1]:
            raise ValueError('its %s part has images %s and labels %s' % (part, images, digits))
        check_labels(held['y_' + part], 10)
    return (held['x_train'], held['y_train']), (held['x_test'], held['y_test'])


def preprocess(data: RawData, image: bool = False) -> Dataset:
    """Scale to [0, 1] and one-hot encode, as in the thesis's experiment (§3).

    Args:
        data: what ``load_data`` returns.
        image: keep images of shape (28, 28, 1), as convolutions want them, instead of 784 numbers.

    Returns:
        ``x``, ``x_val`` of shape (n, 784) or (n, 28, 28, 1); ``y``, ``y_val`` of shape (n, 10);
        all float32.
    """
    shape = (-1, 28, 28, 1) if image else (-1, 784)
    (x, y), (x_val, y_val) = data
    return {
        'x': x.reshape(shape).astype('float32') / 255.0, 'y': one_hot(y, 10),
        'x_val': x_val.reshape(shape).astype('float32') / 255.0, 'y_val': one_hot(y_val, 10),
    }
