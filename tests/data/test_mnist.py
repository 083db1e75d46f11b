import numpy as np
import published_files as published
import pytest

from AutoTrainer.data import get_dataset, mnist


def test_scaled_flattened_and_one_hot(data_folder):
    arrays = published.write_mnist(data_folder / 'mnist.npz')
    dataset = get_dataset('mnist')
    assert dataset['x'].shape == (6, 784) and dataset['x_val'].shape == (3, 784)
    assert all(array.dtype == np.float32 for array in dataset.values())
    np.testing.assert_allclose(dataset['x'], arrays['x_train'].reshape(6, 784) / 255., rtol=1e-6)
    np.testing.assert_array_equal(dataset['y'], np.eye(10)[arrays['y_train']])
    np.testing.assert_array_equal(dataset['y_val'], np.eye(10)[arrays['y_test']])


def test_images_are_the_same_rows(data_folder):
    published.write_mnist(data_folder / 'mnist.npz')
    rows, images = get_dataset('mnist'), get_dataset('mnist_image')
    assert images['x'].shape == (6, 28, 28, 1)
    np.testing.assert_array_equal(images['x'].reshape(-1, 784), rows['x'])
    np.testing.assert_array_equal(images['y'], rows['y'])


@pytest.mark.slow
def test_the_real_set(shared, monkeypatch):
    monkeypatch.setenv('AUTOTRAINER_DATA', str(shared / 'data'))
    (x, y), (x_val, y_val) = mnist.load_data()
    assert x.shape == (60000, 28, 28) and x_val.shape == (10000, 28, 28)
    assert y[:5].tolist() == [5, 0, 4, 1, 9] and y_val[:5].tolist() == [7, 2, 1, 0, 4]
    dataset = get_dataset('mnist')
    assert dataset['x'].shape == (60000, 784) and dataset['y_val'].shape == (10000, 10)
    assert dataset['x'].min() == 0.0 and dataset['x'].max() == 1.0
    assert abs(dataset['x'].mean() - 0.1307) < 1e-4  # the set's well-known mean
