"""CIFAR-10: 60,000 colour photographs of ten kinds of things, 32×32."""

import tarfile
from pathlib import Path
from typing import BinaryIO, Callable, List, Tuple

import numpy as np

from . import files
from .common import Dataset, RawData, check_labels, one_hot

_FOLDER = 'cifar-10-batches-py'
_TRAINING_BATCHES = ['data_batch_%d' % number for number in range(1, 6)]


def load_data() -> RawData:
    """Return the images as published, from the archive, its unpacked folder, or by Keras.

    Returns:
        50,000 pairs for training, 10,000 for validation: uint8 images of shape (n, 32, 32, 3) and
        class numbers of shape (n,).

    Raises:
        DatasetError: if a file is damaged, or the set is neither there nor to be downloaded.
    """
    (x, y), (x_val, y_val) = files.load(
        'cifar10', ['cifar-10-python.tar.gz', _FOLDER + '.tar.gz', _FOLDER], _read)
    # Keras gives labels of shape (n, 1), and channels first where it is set up so.
    return (_channels_last(x), y.reshape(-1)), (_channels_last(x_val), y_val.reshape(-1))


def _channels_last(images: np.ndarray) -> np.ndarray:
    return images if images.shape[-1] == 3 else images.transpose(0, 2, 3, 1)


def _read(path: Path) -> RawData:
    if path.is_dir():
        return _read_batches(lambda name: (path / name).open('rb'))
    with tarfile.open(str(path), 'r:gz') as archive:
        # Read from inside the archive: nothing of it is written to the disk.
        def member(name: str) -> BinaryIO:
            stream = archive.extractfile('%s/%s' % (_FOLDER, name))
            if stream is None:
                raise ValueError('%s in it is no file' % name)
            return stream  # type: ignore[return-value]
        return _read_batches(member)


def _read_batches(open_batch: Callable[[str], BinaryIO]) -> RawData:
    parts = [_read_batch(open_batch, name) for name in _TRAINING_BATCHES]
    images: List[np.ndarray] = [part[0] for part in parts]
    labels: List[np.ndarray] = [part[1] for part in parts]
    return ((np.concatenate(images), np.concatenate(labels)),
            _read_batch(open_batch, 'test_batch'))


def _read_batch(open_batch: Callable[[str], BinaryIO], name: str) -> Tuple[np.ndarray, np.ndarray]:
    with open_batch(name) as stream:
        batch = files.read_pickle(stream)
    rows, labels = batch[b'data'], np.asarray(batch[b'labels'])
    if rows.dtype != np.uint8 or rows.shape != (len(labels), 3 * 32 * 32):
        raise ValueError('%s in it has images %s and %d labels' % (name, rows.shape, len(labels)))
    check_labels(labels, 10)
    # Each row holds the red plane, then the green, then the blue one.
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def preprocess(data: RawData) -> Dataset:
    """Scale to [0, 1] and one-hot encode.

    Args:
        data: what ``load_data`` returns.

    Returns:
        ``x``, ``x_val`` of shape (n, 32, 32, 3); ``y``, ``y_val`` of shape (n, 10); all float32.
    """
    (x, y), (x_val, y_val) = data
    return {
        'x': x.astype('float32') / 255.0, 'y': one_hot(y, 10),
        'x_val': x_val.astype('float32') / 255.0, 'y_val': one_hot(y_val, 10),
    }
