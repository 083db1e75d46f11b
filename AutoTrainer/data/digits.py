"""Scikit-learn's bundled digits: 1,797 real images, 8×8, that need neither file nor network."""

import numpy as np

from .common import Dataset, RawData, one_hot

_TRAINING_ROWS = 1437  # four fifths


def load_data() -> RawData:
    """Return the images in an order that is drawn once and for all.

    The bundled order is by writer; split as it lies, validation would see other hands only.

    Returns:
        1,437 pairs for training, 360 for validation: images of shape (n, 8, 8) with grey values
        0…16, and digits of shape (n,).
    """
    # Imported here, because scikit-learn takes a second to import and most runs do not need it.
    from sklearn.datasets import load_digits
    bundled = load_digits()
    order = np.random.RandomState(0).permutation(len(bundled.target))
    x, y = bundled.images[order], bundled.target[order]
    return (x[:_TRAINING_ROWS], y[:_TRAINING_ROWS]), (x[_TRAINING_ROWS:], y[_TRAINING_ROWS:])


def preprocess(data: RawData, image: bool = False) -> Dataset:
    """Scale to [0, 1] and one-hot encode.

    Args:
        data: what ``load_data`` returns.
        image: keep images of shape (8, 8, 1), as convolutions want them, instead of 64 numbers.

    Returns:
        ``x``, ``x_val`` of shape (n, 64) or (n, 8, 8, 1); ``y``, ``y_val`` of shape (n, 10); all
        float32.
    """
    shape = (-1, 8, 8, 1) if image else (-1, 64)
    (x, y), (x_val, y_val) = data
    return {
        'x': x.reshape(shape).astype('float32') / 16.0, 'y': one_hot(y, 10),
        'x_val': x_val.reshape(shape).astype('float32') / 16.0, 'y_val': one_hot(y_val, 10),
    }
