import pickle

import numpy as np
import published_files as published
import pytest

from AutoTrainer.data import cifar10, get_dataset


@pytest.fixture
def batches():
    return published.cifar10_batches()


def check(batches):
    (x, y), (x_val, y_val) = cifar10.load_data()
    assert x.shape == (20, 32, 32, 3) and x_val.shape == (4, 32, 32, 3)
    assert x.dtype == np.uint8
    for number in range(5):
        batch = batches['data_batch_%d' % (number + 1)]
        rows = slice(4 * number, 4 * number + 4)
        assert y[rows].tolist() == batch[b'labels']
        # The published rows: 1024 red values, line by line, then green, then blue.
        np.testing.assert_array_equal(x[rows, 0, 5, 0], batch[b'data'][:, 5])
        np.testing.assert_array_equal(x[rows, 2, 0, 1], batch[b'data'][:, 1024 + 64])
        np.testing.assert_array_equal(x[rows, 31, 31, 2], batch[b'data'][:, 3071])
    assert y_val.tolist() == batches['test_batch'][b'labels']


@pytest.mark.parametrize('name', ['cifar-10-python.tar.gz', 'cifar-10-batches-py.tar.gz'])
def test_archive(name, data_folder, batches):
    published.write_cifar10_archive(data_folder / name, batches)
    check(batches)
    assert [path.name for path in data_folder.iterdir()] == [name]  # nothing was unpacked


@pytest.mark.parametrize('protocol', [2, 3, 4])
def test_folder_and_every_pickle_of_python_3(protocol, data_folder, batches):
    folder = data_folder / 'cifar-10-batches-py'
    folder.mkdir()
    for name, batch in batches.items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    check(batches)


def test_scaled_and_one_hot(data_folder, batches):
    published.write_cifar10_archive(data_folder / 'cifar-10-python.tar.gz', batches)
    dataset = get_dataset('cifar10')
    assert dataset['x'].shape == (20, 32, 32, 3) and dataset['y'].shape == (20, 10)
    assert all(array.dtype == np.float32 for array in dataset.values())
    np.testing.assert_allclose(dataset['x'][:4, 0, 0, 0],
                               batches['data_batch_1'][b'data'][:, 0] / 255., rtol=1e-6)
    assert dataset['y_val'].argmax(axis=1).tolist() == batches['test_batch'][b'labels']


def test_what_keras_gives_comes_out_alike(batches, monkeypatch):
    images = np.zeros((2, 3, 32, 32), dtype='uint8')  # Keras set to channels first
    labels = np.array([[3], [4]])
    monkeypatch.setattr('AutoTrainer.keras_bridge.load_keras_dataset',
                        lambda name: ((images, labels), (images, labels)))
    (x, y), _ = cifar10.load_data()
    assert x.shape == (2, 32, 32, 3) and y.tolist() == [3, 4]
