"""When a check is due."""

import pytest

from AutoTrainer.judge.schedule import (
    DEFAULT_CHECKTYPE,
    check_checktype,
    check_is_due,
    constant_interval,
    interval_in_force,
)


def due_epochs(checktype, total_epoch, closing_check=True):
    return [epoch for epoch in range(1, total_epoch + 1)
            if check_is_due(checktype, epoch, total_epoch, closing_check)]


@pytest.mark.parametrize('checktype, total_epoch, expected', [
    ('dynamic', 50, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 30, 40, 50]),
    ('epoch_5', 50, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]),
    ('epoch_3', 10, [3, 6, 9, 10]),
    ('epoch_1', 4, [1, 2, 3, 4]),
    ('epoch_60', 50, [50]),
    ('adaptive', 5, [1, 2, 3, 4, 5]),
    ('dynamic', 7, [2, 7]),
    ('dynamic', 1, [1]),
    ('epoch_5', 1, [1]),
])
def test_due_epochs(checktype, total_epoch, expected):
    assert due_epochs(checktype, total_epoch) == expected


@pytest.mark.parametrize('checktype, total_epoch, expected', [
    ('epoch_3', 10, [3, 6, 9]),
    ('epoch_60', 50, []),
    ('dynamic', 7, [2]),
    ('dynamic', 56, [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 30, 40, 50]),
    ('dynamic', 100, list(range(20, 41)) + [50, 60, 70, 80, 90, 100]),
])
def test_due_epochs_without_the_closing_check(checktype, total_epoch, expected):
    assert due_epochs(checktype, total_epoch, closing_check=False) == expected


@pytest.mark.parametrize('total_epoch', range(1, 160))
def test_dynamic_never_looks_in_the_first_fifth(total_epoch):
    assert not [epoch for epoch in due_epochs('dynamic', total_epoch, closing_check=False)
                if 5 * epoch < total_epoch]


@pytest.mark.parametrize('checktype, expected', [
    ('epoch_1', 1), ('epoch_12', 12), ('epoch_0', None), ('epoch_05', None), ('epoch_', None),
    ('epoch_-3', None), ('epoch_3 ', None), ('epoch_3\n', None), ('epoch_2.5', None),
    ('Epoch_3', None), ('dynamic', None), ('', None),
])
def test_constant_interval(checktype, expected):
    assert constant_interval(checktype) == expected


@pytest.mark.parametrize('checktype', ['epoch_1', 'epoch_300', 'dynamic', 'adaptive',
                                       DEFAULT_CHECKTYPE])
def test_valid_checktypes_come_back_unchanged(checktype):
    assert check_checktype(checktype) == checktype


@pytest.mark.parametrize('wrong', ['epoch_0', 'epoch_', 'epoch_-1', 'epoch_1.5', 'epoch3',
                                   'Dynamic', 'dynamic ', '', None, 5, ['epoch_3'], b'epoch_3'])
def test_a_wrong_checktype_is_quoted_and_the_allowed_ones_are_listed(wrong):
    with pytest.raises(ValueError) as error:
        check_checktype(wrong)
    message = str(error.value)
    assert 'checktype' in message
    assert repr(wrong) in message
    for allowed in ('epoch_N', 'dynamic', 'adaptive'):
        assert allowed in message


@pytest.mark.parametrize('checktype, epoch, total_epoch, expected', [
    ('dynamic', 9, 50, 50), ('dynamic', 10, 50, 1), ('dynamic', 20, 50, 1),
    ('dynamic', 21, 50, 10), ('epoch_4', 1, 50, 4), ('adaptive', 1, 50, 1),
])
def test_interval_in_force(checktype, epoch, total_epoch, expected):
    assert interval_in_force(checktype, epoch, total_epoch) == expected
