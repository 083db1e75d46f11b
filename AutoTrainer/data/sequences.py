"""Made-up sentences that recurrent layers can learn: the order of two words decides the class."""

import numpy as np

from .common import Dataset, RawData, one_hot

VOCABULARY = 12
"""Tokens are numbers below this; 0 is left for padding, as in real texts."""

LENGTH = 12
"""Tokens of a row."""

_FIRST, _SECOND = VOCABULARY - 2, VOCABULARY - 1  # the words that count; the rest is filler
_ROWS, _TRAINING_ROWS = 1500, 1200


def load_data() -> RawData:
    """Draw the set; the same at every load.

    Every row is filler with the words 10 and 11 once each at two random places; class 1 where 10
    stands before 11. Both classes thus hold the same words: no count of them tells the class.

    Returns:
        1,200 pairs for training, 300 for validation: int32 tokens of shape (n, 12) and classes 0
        and 1 of shape (n,).
    """
    rng = np.random.RandomState(3)
    tokens = rng.randint(1, _FIRST, (_ROWS, LENGTH)).astype('int32')
    places = np.array([rng.choice(LENGTH, 2, replace=False) for _ in range(_ROWS)])
    rows = np.arange(_ROWS)
    tokens[rows, places[:, 0]] = _FIRST
    tokens[rows, places[:, 1]] = _SECOND
    labels = (places[:, 0] < places[:, 1]).astype(int)
    return ((tokens[:_TRAINING_ROWS], labels[:_TRAINING_ROWS]),
            (tokens[_TRAINING_ROWS:], labels[_TRAINING_ROWS:]))


def preprocess(data: RawData) -> Dataset:
    """One-hot encode the classes; tokens stay as they are, for an Embedding.

    Args:
        data: what ``load_data`` returns.

    Returns:
        ``x``, ``x_val`` int32 of shape (n, 12); ``y``, ``y_val`` float32 of shape (n, 2).
    """
    (x, y), (x_val, y_val) = data
    return {'x': x.copy(), 'y': one_hot(y, 2), 'x_val': x_val.copy(), 'y_val': one_hot(y_val, 2)}
