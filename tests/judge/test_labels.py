import numpy as np
import pytest

from AutoTrainer.judge.labels import LabelSummary, class_divisor, label_kind, summarise_labels


@pytest.mark.parametrize('y, kind', [
    (np.eye(3)[[0, 1]], 'one_hot'), (np.array([[1, 1, 0], [0, 0, 0]]), 'multi_hot'),
    (np.array([0, 1, 1]), 'binary'), (np.array([[0.0], [1.0]]), 'binary'),
    (np.array([0, 1, 2]), 'integer'), (np.array([0.5, 1.5]), 'real'),
    (np.random.RandomState(0).rand(3, 2), 'real'), ([np.zeros(2)], ''), (np.array([]), ''),
])
def test_label_kinds(y, kind):
    assert label_kind(y) == kind


@pytest.mark.parametrize('y, shape, kind', [
    (np.array([[0, 1], [1, 1]]), (None, 2, 2), 'binary'),   # a tag for every step of a sequence
    (np.array([[0, 1], [2, 1]]), (None, 2, 3), 'integer'),
    (np.array([[0, 1], [1, 0]]), (None, 2), 'one_hot'),
    (np.array([0, 1]), (None, 2), 'binary'),
    (np.array([0, 1]), [(None, 2), (None, 3)], 'binary'),   # of several outputs nothing is known
])
def test_label_kinds_by_the_outputs(y, shape, kind):
    assert label_kind(y, shape) == kind


@pytest.mark.parametrize('labels, divisor', [
    (np.arange(10) / 255, 255), ((np.arange(10) / 255).astype('float32'), 255),
    (np.arange(10) / 9, 9), ([0, 1 / 256], 256), ([0.05, 0.95], 20), ([0.0, 1.0], 0),
    (np.arange(10), 0), (np.random.RandomState(0).rand(30), 0), ([0.1, 1.1], 0), ([-0.1, 0.1], 0),
    ([np.nan, 0.1], 0),
])
def test_what_class_numbers_were_divided_by(labels, divisor):
    assert class_divisor(np.asarray(labels)) == divisor


def test_a_summary_of_labels():
    several = summarise_labels(np.array([[1, 1, 0], [1, 0, 0]]), (None, 3))
    assert several._replace(reach={}) == LabelSummary(
        'multi_hot', width=3, axes=2, lowest=0.0, highest=1.0, two_valued=True, zeros=True,
        row_sum=1.5)
    # (1, 1, 0) is off the plane of sum 1 by 1/3 in each of three; the spread is that of column 2
    assert list(several.reach) == ['softmax']
    assert several.reach['softmax'].squared == pytest.approx(1 - (1 / 18) / (1 / 12))
    numbers = summarise_labels(np.array([-1.0, 0.0, 3.0]), (None, 1))
    assert (numbers.kind, numbers.two_valued, numbers.divisor) == ('integer', False, 0)
    assert numbers.reach['sigmoid'] == pytest.approx((1 - 5 / (78 / 9), 1 - 3 / 4))
    assert numbers.reach['relu'] == pytest.approx((1 - 1 / (78 / 9), 1 - 1 / 4))
    assert 'linear' not in numbers.reach


@pytest.mark.parametrize('y', [{'a': np.zeros(3)}, [1, 2], np.array(['a']), np.zeros((0, 2)), None])
def test_of_what_are_no_labels_nothing_is_summarised(y):
    summary = summarise_labels(y)
    assert (summary.kind, summary.width, summary.reach) == ('', 0, {}) and np.isnan(summary.lowest)


def test_a_rare_class_is_seen_among_many_labels():
    y = np.zeros(50001, int)
    y[33333] = 12
    assert summarise_labels(y, (None, 10)).highest == 12


@pytest.mark.parametrize('y, width', [
    (np.linspace(0, 1, 50), 1), (np.arange(50) % 2, 1), (np.linspace(0, 1, 50)[:, None], 1),
    (np.eye(3)[np.arange(50) % 3], 3)])
def test_outputs_of_one_axis_are_one_number_for_each_row(y, width):
    """As of a module that ends in squeeze(1)."""
    assert summarise_labels(y, (None,)).width == width
