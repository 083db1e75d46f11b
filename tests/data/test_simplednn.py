import numpy as np
import pytest

from AutoTrainer.data import get_dataset, simplednn


def test_circle_is_upstreams():
    (x, y), (x_val, y_val) = simplednn.load_data('circle')
    np.testing.assert_allclose(x[:2], [[92.787748, -4.521731], [-54.303182, -75.444674]], rtol=1e-6)
    assert y[:5].tolist() == [1, 1, 0, 0, 0]
    np.testing.assert_allclose(get_dataset('simplednn_circle')['x'] * 100, x, rtol=1e-5)


def test_raw_circle_is_the_same_circle_without_scaling():
    raw, scaled = get_dataset('simplednn_circle_raw'), get_dataset('simplednn_circle')
    for key in ('x', 'x_val'):
        np.testing.assert_allclose(raw[key], scaled[key] * 100, rtol=1e-5)
        assert np.abs(raw[key]).mean() > 50
    for key in ('y', 'y_val'):
        np.testing.assert_array_equal(raw[key], scaled[key])


def test_blob_is_upstreams():
    (x, y), _ = simplednn.load_data('blob')
    np.testing.assert_allclose(x[:2], [[0.48719811, -0.43160548], [-1.48958879, -3.47915742]],
                               rtol=1e-6)
    dataset = get_dataset('simplednn_blob')
    assert dataset['y'][:5].argmax(axis=1).tolist() == y[:5].tolist() == [2, 2, 2, 0, 1]
    assert np.unique(dataset['y'].sum(axis=1)).tolist() == [1.0]


def test_reg_is_scaled_by_its_training_rows_alone():
    (_, y), (_, y_val) = simplednn.load_data('reg')
    dataset = get_dataset('simplednn_reg')
    assert abs(dataset['y'].mean()) < 1e-6 and abs(dataset['y'].std() - 1) < 1e-6
    np.testing.assert_allclose(dataset['y_val'][:, 0], (y_val - y.mean()) / y.std(), rtol=1e-4,
                               atol=1e-6)


def test_reg_can_be_learnt():
    dataset = get_dataset('simplednn_reg')
    weights = np.linalg.lstsq(dataset['x'], dataset['y'], rcond=None)[0]
    assert np.abs(dataset['x_val'] @ weights - dataset['y_val']).max() < 0.05


def test_upstream_fault_relu_data_unseeded():
    first, second = get_dataset('simplednn_relu'), get_dataset('simplednn_relu')
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])
    # The very numbers, so that another process and the other stack have them too.
    np.testing.assert_allclose(first['x'][:2], [[-0.165956, 0.440649], [-0.999771, -0.395335]],
                               rtol=1e-5)


@pytest.mark.parametrize('name', ['simplednn_circle', 'simplednn_relu'])
def test_two_classes_are_balanced(name):
    dataset = get_dataset(name)
    for key in ('y', 'y_val'):
        assert set(np.unique(dataset[key])) == {0.0, 1.0}
        assert 0.4 < dataset[key].mean() < 0.6


def test_unknown_kind():
    with pytest.raises(ValueError, match="kind is 'square'; known are circle, blob, reg, relu"):
        simplednn.load_data('square')
