"""IMDB: 50,000 film reviews, each for or against."""

from pathlib import Path

import numpy as np

from . import files, words
from .common import Dataset, RawData, check_labels, one_hot

NUM_WORDS, LENGTH = 5000, 500
"""Words that keep a number of their own, and words of a review that are looked at.

With these sizes an Embedding with an LSTM trains in minutes on a CPU.
"""


def load_data() -> RawData:
    """Return the reviews as lists of word numbers (see :mod:`AutoTrainer.data.words`).

    Read from ``imdb.npz`` or downloaded by Keras, with the same result.

    Returns:
        25,000 pairs for training, 25,000 for validation: lists of numbers below ``NUM_WORDS``, and
        labels 0 or 1 of shape (n,).

    Raises:
        DatasetError: if the file is damaged, or neither there nor to be downloaded.
    """
    return files.load('imdb', ['imdb.npz'], _read, num_words=NUM_WORDS)


def _read(path: Path) -> RawData:
    held = files.read_npz(path, ['x_train', 'y_train', 'x_test', 'y_test'])
    check_labels(held['y_train'], 2)
    check_labels(held['y_test'], 2)
    rng = np.random.RandomState(words.SHUFFLE_SEED)
    x, y = words.shuffled(held['x_train'], held['y_train'], rng)
    x_val, y_val = words.shuffled(held['x_test'], held['y_test'], rng)
    return (words.encode(x, NUM_WORDS), y), (words.encode(x_val, NUM_WORDS), y_val)


def preprocess(data: RawData) -> Dataset:
    """Bring the reviews to one length and one-hot encode the labels.

    Args:
        data: what ``load_data`` returns.

    Returns:
        ``x``, ``x_val``: int32 of shape (n, 500), made for an Embedding layer of 5,000 words; they
        are names, not quantities, so they are not scaled. ``y``, ``y_val``: float32 of shape
        (n, 2), for two softmax outputs.
    """
    (x, y), (x_val, y_val) = data
    return {'x': words.pad(x, LENGTH), 'y': one_hot(y, 2),
            'x_val': words.pad(x_val, LENGTH), 'y_val': one_hot(y_val, 2)}
