"""Writes small files in the very form of the published ones."""

import io
import pickle
import struct
import tarfile

import numpy as np


def object_array(items):
    array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings: the form of the published CIFAR batches."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_python2_string(self, value):
        if len(value) < 256:
            self.write(pickle.SHORT_BINSTRING + struct.pack('<B', len(value)) + value)
        else:
            self.write(pickle.BINSTRING + struct.pack('<i', len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_python2_string


def write_mnist(path, train=6, test=3, **other):
    rng = np.random.RandomState(0)
    arrays = {
        'x_train': rng.randint(0, 256, (train, 28, 28)).astype('uint8'),
        'y_train': np.arange(train, dtype='uint8') % 10,
        'x_test': rng.randint(0, 256, (test, 28, 28)).astype('uint8'),
        'y_test': np.arange(test, dtype='uint8') % 10,
    }
    arrays.update(other)
    np.savez_compressed(str(path), **arrays)
    return arrays


def _texts(rng, number):
    return object_array([rng.randint(1, 9000, rng.randint(1, 700)).tolist()
                         for _ in range(number)])


def write_imdb(path, train=8, test=5, **other):
    rng = np.random.RandomState(0)
    arrays = {'x_train': _texts(rng, train), 'y_train': np.arange(train) % 2,
              'x_test': _texts(rng, test), 'y_test': np.arange(test) % 2}
    arrays.update(other)
    np.savez(str(path), **arrays)
    return arrays


def write_reuters(path, number=11, **other):
    arrays = {'x': _texts(np.random.RandomState(0), number), 'y': np.arange(number) * 4 % 46}
    arrays.update(other)
    np.savez(str(path), **arrays)
    return arrays


def cifar10_batches(rows=4):
    """Six batches by name, each with what the published ones hold."""
    rng = np.random.RandomState(0)
    return {name: {
        b'batch_label': b'a batch', b'labels': [(number + row) % 10 for row in range(rows)],
        b'data': rng.randint(0, 256, (rows, 3072)).astype('uint8'),
        b'filenames': [b'%d.png' % row for row in range(rows)],
    } for number, name in enumerate(['data_batch_%d' % n for n in range(1, 6)] + ['test_batch'])}


def pickled_by_python2(value):
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def write_cifar10_archive(path, batches):
    with tarfile.open(str(path), 'w:gz') as archive:
        for name, batch in batches.items():
            content = batch if isinstance(batch, bytes) else pickled_by_python2(batch)
            member = tarfile.TarInfo('cifar-10-batches-py/' + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


class Hostile:
    """Unpickled carelessly, makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import os
        return os.mkdir, (self.path,)
