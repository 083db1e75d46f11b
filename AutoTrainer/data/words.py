"""Texts as numbers: what the film reviews and the newswires have in common.

Their files hold each text as a list of word ranks, 1 for the most frequent word. In use, 0 is
padding, 1 starts a text, 2 stands for every rare word, and rank r becomes r + 3: the numbering of
Keras, so that its word indexes and its examples fit.
"""

from typing import Any, Collection, List, Sequence, Tuple

import numpy as np

START, RARE, OFFSET = 1, 2, 3

SHUFFLE_SEED = 113
"""The seed with which Keras puts these texts in order; with it, both give the same rows."""


def shuffled(texts: Sequence[Sequence[int]], labels: Any, rng: np.random.RandomState
             ) -> Tuple[List[Sequence[int]], np.ndarray]:
    """Put texts and labels, alike, into random order.

    Args:
        texts: lists of word ranks.
        labels: a whole number for each.
        rng: where the order comes from.

    Returns:
        (texts, labels) in the new order.

    Raises:
        ValueError: if they are not as many, or a text is no list of ranks.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(texts),):
        raise ValueError('it holds %d texts and labels of shape %s' % (len(texts), labels.shape))
    for text in texts:
        if not isinstance(text, (list, tuple)) or not all(
                isinstance(rank, int) and rank >= 0 for rank in text):
            raise ValueError('it holds a text that is no list of word ranks')
    order = np.arange(len(texts))
    rng.shuffle(order)
    return [texts[index] for index in order.tolist()], labels[order]


def encode(texts: Sequence[Sequence[int]], num_words: int) -> np.ndarray:
    """Number words as Keras does and replace the rare ones.

    Args:
        texts: lists of word ranks.
        num_words: all numbers of the result lie below it.

    Returns:
        Object array with one list for each text.
    """
    encoded = np.empty(len(texts), dtype=object)
    for index, text in enumerate(texts):
        numbers = [rank + OFFSET for rank in text]
        encoded[index] = [START] + [n if n < num_words else RARE for n in numbers]
    return encoded


def pad(texts: Collection[Sequence[int]], length: int) -> np.ndarray:
    """Bring texts to one length: keep the end of long ones, put zeros before short ones.

    Before, so that a recurrent layer ends on words.

    Args:
        texts: lists of numbers.
        length: number of columns.

    Returns:
        int32 array of shape (number of texts, length).
    """
    rows = np.zeros((len(texts), length), dtype='int32')
    for row, text in zip(rows, texts):
        kept = text[-length:]
        if kept:
            row[-len(kept):] = kept
    return rows


def bag(texts: Collection[Sequence[int]], num_words: int) -> np.ndarray:
    """Say of each word whether a text holds it.

    Args:
        texts: lists of numbers below num_words.
        num_words: number of columns.

    Returns:
        float32 array of zeros and ones, of shape (number of texts, num_words).
    """
    rows = np.zeros((len(texts), num_words), dtype='float32')
    for row, text in zip(rows, texts):
        row[list(text)] = 1.0
    return rows
