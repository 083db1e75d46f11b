"""Reuters: 11,228 newswires on 46 subjects."""

from pathlib import Path

import numpy as np

from . import files, words
from .common import Dataset, RawData, check_labels, one_hot

NUM_WORDS = 1000
"""Words that keep a number of their own: the columns of a newswire."""

SUBJECTS = 46


def load_data() -> RawData:
    """Return the newswires as lists of word numbers (see :mod:`AutoTrainer.data.words`).

    Read from ``reuters.npz`` or downloaded by Keras, with the same result.

    Returns:
        8,982 pairs for training, 2,246 for validation: lists of numbers below ``NUM_WORDS``, and
        subjects 0…45 of shape (n,).

    Raises:
        DatasetError: if the file is damaged, or neither there nor to be downloaded.
    """
    return files.load('reuters', ['reuters.npz'], _read, num_words=NUM_WORDS)


def _read(path: Path) -> RawData:
    held = files.read_npz(path, ['x', 'y'])
    check_labels(held['y'], SUBJECTS)
    x, y = words.shuffled(held['x'], held['y'], np.random.RandomState(words.SHUFFLE_SEED))
    texts = words.encode(x, NUM_WORDS)
    training_rows = int(0.8 * len(texts))
    return ((texts[:training_rows], y[:training_rows]), (texts[training_rows:], y[training_rows:]))


def preprocess(data: RawData) -> Dataset:
    """Turn each newswire into the set of its words and one-hot encode the subjects.

    Args:
        data: what ``load_data`` returns.

    Returns:
        ``x``, ``x_val``: zeros and ones of shape (n, 1000), for Dense layers; ``y``, ``y_val`` of
        shape (n, 46); all float32.
    """
    (x, y), (x_val, y_val) = data
    return {'x': words.bag(x, NUM_WORDS), 'y': one_hot(y, SUBJECTS),
            'x_val': words.bag(x_val, NUM_WORDS), 'y_val': one_hot(y_val, SUBJECTS)}
