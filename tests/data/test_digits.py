import numpy as np
from sklearn.datasets import load_digits

from AutoTrainer.data import digits, get_dataset


def test_every_image_is_in_one_part_with_its_own_label():
    (x, y), (x_val, y_val) = digits.load_data()
    bundled = load_digits()
    given = sorted((image.tobytes(), int(label)) for image, label in
                   zip(np.concatenate([x, x_val]), np.concatenate([y, y_val])))
    assert given == sorted((image.tobytes(), int(label)) for image, label in
                           zip(bundled.images, bundled.target))


def test_the_order_is_the_same_everywhere():
    (_, y), (_, y_val) = digits.load_data()
    assert y[:8].tolist() == [2, 8, 2, 6, 6, 7, 1, 9]
    assert y_val[:8].tolist() == [7, 9, 4, 7, 0, 2, 6, 1]


def test_scaled_and_the_same_as_rows_and_as_images():
    rows, images = get_dataset('digits'), get_dataset('digits_image')
    for key in ('x', 'x_val'):
        assert rows[key].min() == 0.0 and rows[key].max() == 1.0
        np.testing.assert_array_equal(rows[key], images[key].reshape(-1, 64))
    assert np.unique(rows['y'].sum(axis=1)).tolist() == [1.0]


def test_both_parts_hold_all_digits_in_like_shares():
    dataset = get_dataset('digits')
    for key in ('y', 'y_val'):
        shares = dataset[key].mean(axis=0)
        assert shares.min() > 0.06 and shares.max() < 0.14
