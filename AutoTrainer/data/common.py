"""What the data modules share: the form of a data set and the error when there is none."""

from typing import Dict, Tuple

import numpy as np

from ..errors import UserError

RawData = Tuple[Tuple[np.ndarray, np.ndarray], Tuple[np.ndarray, np.ndarray]]
"""What ``load_data`` returns: (inputs, labels) for training and for validation, as published."""

Dataset = Dict[str, np.ndarray]
"""What ``preprocess`` and ``get_dataset`` return: ``x``, ``y``, ``x_val``, ``y_val``."""


class DatasetError(UserError):
    """A data set cannot be had: its files are missing, damaged or something else."""


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Check that labels are class numbers.

    Args:
        labels: what a file holds as labels.
        classes: they have to lie in ``range(classes)``.

    Raises:
        ValueError: if one does not, as in the file of some other data set.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in 'iu':
        raise ValueError('its labels are of type %s, not whole numbers' % labels.dtype)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError('its labels go from %d to %d, not from 0 to %d'
                         % (labels.min(), labels.max(), classes - 1))


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Turn class numbers into rows with a single one.

    Args:
        labels: whole numbers in ``range(classes)``, of any shape; they are read flat.
        classes: number of columns.

    Returns:
        float32 array of shape (number of labels, classes).
    """
    flat = np.asarray(labels).reshape(-1)
    encoded = np.zeros((flat.size, classes), dtype='float32')
    encoded[np.arange(flat.size), flat] = 1.0
    return encoded
