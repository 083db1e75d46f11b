import numpy as np

from AutoTrainer.data import get_dataset, sequences


def test_shapes_and_types():
    dataset = get_dataset('sequences')
    assert {key: (a.shape, a.dtype) for key, a in dataset.items()} == {
        'x': ((1200, 12), np.int32), 'x_val': ((300, 12), np.int32),
        'y': ((1200, 2), np.float32), 'y_val': ((300, 2), np.float32)}


def test_the_order_of_the_two_words_is_the_class():
    for x, y in sequences.load_data():
        for row, label in zip(x.tolist(), y):
            assert row.count(10) == row.count(11) == 1
            assert label == (row.index(10) < row.index(11))


def test_filler_leaves_padding_free_and_stays_in_the_vocabulary():
    (x, _), (x_val, _) = sequences.load_data()
    for part in (x, x_val):
        assert np.unique(part).tolist() == list(range(1, sequences.VOCABULARY))
        assert part.shape[1] == sequences.LENGTH


def test_both_classes_are_as_frequent():
    for _, y in sequences.load_data():
        assert 0.45 < y.mean() < 0.55


def test_a_bag_of_words_does_not_tell_the_class():
    (x, y), (x_val, y_val) = sequences.load_data()

    def counts(part):
        return np.array([np.bincount(row, minlength=sequences.VOCABULARY) for row in part])

    weights = np.linalg.lstsq(counts(x), y * 2.0 - 1, rcond=None)[0]
    right = (counts(x_val) @ weights > 0) == y_val
    assert right.mean() < 0.6


def test_the_same_at_every_load_and_the_callers_own():
    first = get_dataset('sequences')
    kept = {key: array.copy() for key, array in first.items()}
    for array in first.values():
        array[...] = 7
    for key, array in get_dataset('sequences').items():
        np.testing.assert_array_equal(array, kept[key])
    # The very numbers, so that another process and the other stack have them too.
    assert kept['x'][0].tolist() == [9, 4, 11, 9, 1, 6, 10, 6, 8, 7, 1, 5]
    assert kept['y'][0].tolist() == [1.0, 0.0]
