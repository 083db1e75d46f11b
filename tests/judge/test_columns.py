"""Rows in, findings out."""

import numpy as np
import pytest

from AutoTrainer.judge.columns import Data, examine_data
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.labels import LabelSummary, summarise_labels

RANDOM = np.random.RandomState(0)
TABLE = RANDOM.randn(200, 5).astype('float32')
OTHERS = RANDOM.randn(100, 5).astype('float32')
BINARY = RANDOM.randint(0, 2, 200)
ONE_HOT = np.eye(4)[RANDOM.randint(0, 4, 200)]
REAL = RANDOM.randn(200)


def found(normalised=False, shape=(None, 1), **rows):
    labels = summarise_labels(rows['y'], shape) if 'y' in rows else LabelSummary()
    findings = examine_data(Data(**rows), labels, normalised)
    assert all(finding.issue in ISSUES for finding in findings)
    return ['%s %s' % finding[1::-1] for finding in findings]


def arriving(array, **more):
    return found(arriving=(np.asarray(array, 'float32'),), **more)


def test_nothing_is_said_of_good_rows():
    assert found() == []
    for y, shape in ((BINARY, (None, 1)), (ONE_HOT, (None, 4)), (REAL, (None, 1)),
                     (np.abs(REAL).round(), (None, 1)), (RANDOM.rand(200, 3), (None, 3))):
        assert found(x=(TABLE,), y=y, x_val=(OTHERS,), y_val=y[:100], shape=shape,
                     arriving=(TABLE,)) == []


@pytest.mark.parametrize('rows, expected', [
    (TABLE * [1, 1, 1, 1, 200], ['likely column_scale']),
    (TABLE * [1, 1, 1, 1, 0.004], ['likely column_scale']),
    (TABLE * [1, 1, 1, 1, 20], []),
    (TABLE * [1, 1, 1, 1, 0], []),          # a constant column has no scale
    (TABLE * 30, ['likely large_inputs']),
    (TABLE + 2000, ['likely large_inputs']),
    (TABLE * 1e-4, ['likely tiny_inputs']),
    (TABLE * 0, []),
    (np.repeat(TABLE[:, None] * [1, 1, 1, 1, 200], 7, axis=1), ['likely column_scale']),
    (RANDOM.rand(50, 8, 8, 1) * 255, ['likely large_inputs']),
    (np.where(RANDOM.rand(200, 300) < 0.001, 1, 0) * RANDOM.rand(300), []),  # pictures, no table
    (np.where(RANDOM.rand(200, 40) < 0.02, 1, 0), []),  # rare, but of one scale
    (TABLE * np.inf, []),
])
def test_the_scale_of_what_arrives(rows, expected):
    with np.errstate(invalid='ignore'):
        assert arriving(rows) == expected


def test_a_normalisation_behind_the_first_layer_takes_some_of_it_away():
    assert arriving(TABLE * [1, 1, 1, 1, 200], normalised=True) == ['note column_scale']


@pytest.mark.parametrize('rows, expected', [
    ({'not_finite': 3}, ['certain nan_in_inputs']),
    ({'not_finite_val': 3}, ['likely nan_in_inputs']),
    ({'x': (TABLE * 0 + 1,)}, ['certain constant_inputs']),
    ({'x': (TABLE * 0, TABLE)}, []),
    ({'x': (TABLE * 0 + 1,), 'looked_at': 0.5}, ['likely constant_inputs']),
    ({'x': (TABLE * [1, 1, 0, 1, 0],)}, ['note constant_columns']),
    ({'x': (TABLE[:, [0, 1, 2, 1, 2]],)}, ['note duplicate_columns']),
    ({'x': (TABLE[:, [0, 1, 2, 1, 2]].astype(int),), 'tokens': True}, []),
    ({'x': (np.zeros((20, 8, 8)) + np.arange(20)[:, None, None],)}, []),
])
def test_inputs(rows, expected):
    assert found(**rows) == expected


@pytest.mark.parametrize('y, shape, expected', [
    (np.sort(BINARY), (None, 1), ['note sorted_by_label']),
    (ONE_HOT[ONE_HOT.argmax(axis=1).argsort()], (None, 4), ['note sorted_by_label']),
    (np.sort(REAL), (None, 1), ['note sorted_by_label']),
    (np.repeat(RANDOM.randint(0, 3, 20), 10), (None, 3), ['note sorted_by_label']),
    (np.append(np.zeros(197), np.ones(3)), (None, 1), []),  # three in a row may be chance
    (np.append(np.zeros(8), np.ones(7)), (None, 1), []),  # too few to tell
    (np.zeros(200), (None, 1), ['likely one_label']),
    (np.eye(4)[[2] * 50], (None, 4), ['likely one_label']),
])
def test_the_order_of_labels(y, shape, expected):
    assert found(x=(TABLE[:len(y)],), y=y, shape=shape) == expected


LEAKING = np.insert(TABLE, 2, 5 - 3 * BINARY[:200], axis=1)


@pytest.mark.parametrize('rows, y, expected', [
    (LEAKING, BINARY, ['note label_among_inputs']),
    (LEAKING, np.eye(2)[BINARY.astype(int)], ['note label_among_inputs']),
    (np.insert(TABLE, 0, 1e6 * REAL, axis=1), REAL, ['note label_among_inputs']),
    (TABLE, BINARY, []), (TABLE, REAL, []), (TABLE, 2 * TABLE[:, 0] + TABLE[:, 1], []),
    (LEAKING[:10], BINARY[:10], []),  # too few rows to tell
    (LEAKING.astype(int), BINARY, ['note label_among_inputs']),
])
def test_a_label_among_the_inputs(rows, y, expected):
    assert found(x=(rows,), y=y) == expected


def test_what_a_sorted_file_means_depends_on_the_validation_rows():
    labels = summarise_labels(np.sort(BINARY), (None, 1))
    alone, = examine_data(Data(x=(TABLE,), y=np.sort(BINARY)), labels)
    beside, = examine_data(Data(x=(TABLE,), y=np.sort(BINARY), x_val=(OTHERS,),
                                y_val=BINARY[:100]), labels)
    assert 'validation_split' in alone.advice and alone.issue == 'overfit'
    assert beside.advice == 'do not train with shuffle=False' and beside.issue == 'unstable'
    assert 'the label changes 1 times among 200 rows, about 99 times' in alone.sentence


def test_amounts_may_be_in_the_order_of_time():
    y = np.sort(REAL)
    found, = examine_data(Data(x=(TABLE[:len(y)],), y=y), summarise_labels(y, (None, 1)))
    assert found.advice.startswith('unless they are in the order of time, do not train with')
    assert found.sentence.startswith('rows with similar labels stand together: the label passes')


@pytest.mark.parametrize('train, val, expected', [
    (TABLE, TABLE[:50], ['note same_rows']),
    (TABLE, np.concatenate([OTHERS[:90], TABLE[:10]]), ['note same_rows']),
    (TABLE.round() % 2, OTHERS.round() % 2, []),  # few kinds of rows: they are bound to repeat
    (TABLE, OTHERS, []),
])
def test_rows_in_training_and_validation(train, val, expected):
    assert found(x=(train,), x_val=(val,)) == expected


def test_the_share_of_same_rows_counts_those_that_were_not_looked_at():
    same, = examine_data(Data(x=(TABLE[::2],), x_val=(TABLE,), looked_at=0.5), LabelSummary())
    assert same.sentence == 'about 100% of the validation rows are training rows too'


@pytest.mark.parametrize('y, y_val, shape, expected', [
    (BINARY, np.ones(50), (None, 1), ['likely validation_of_another_kind']),
    (BINARY, np.append(np.ones(13), np.zeros(7)), (None, 1), []),
    (ONE_HOT, np.eye(4)[[3] * 40], (None, 4), ['likely validation_of_another_kind']),
    (REAL, REAL[:100] + 2, (None, 1), ['likely validation_of_another_kind']),
    (REAL, REAL[:100] + 0.5, (None, 1), []),
    (BINARY, np.ones(5), (None, 1), []),  # too few to tell
])
def test_validation_rows_of_another_kind(y, y_val, shape, expected):
    assert found(y=y, y_val=y_val, shape=shape) == expected


def standing_in(number, rows, column=1, table=TABLE):
    spoilt = table.copy()
    spoilt[:rows, column] = number
    return spoilt


@pytest.mark.parametrize('rows, expected', [
    (standing_in(-999, 20), ['note stand_in_numbers']),
    (standing_in(30.0, 3), ['note stand_in_numbers']),      # scaled since
    (standing_in(-999, 2), []),
    (standing_in(-999, 90), []),                            # so many are a kind of row
    (standing_in(4.0, 20), []),                             # not far from the others
    (np.where(RANDOM.rand(200, 5) < 0.05, 50.0, 0.0), []),  # no middle to be far from
    (np.exp(2 * TABLE), []),                                # far, but no one number
])
def test_numbers_that_stand_for_what_is_missing(rows, expected):
    assert found(x=(rows,)) == expected


@pytest.mark.parametrize('y, expected', [
    (np.r_[REAL[:-2], 1e4, -1e4], ['note outlying_labels']),
    (np.r_[REAL[:-10], [1e4] * 10], []),             # a kind of row
    (np.r_[REAL[:-1], 20.0], []), (REAL, []), (np.exp(REAL), []),
])
def test_labels_that_alone_make_the_squared_error(y, expected):
    assert found(x=(TABLE,), y=y) == expected


@pytest.mark.parametrize('held, expected', [
    (OTHERS * 255, ['likely validation_scaled_otherwise']),
    (OTHERS / 20 - 0.5, ['likely validation_scaled_otherwise']),
    (OTHERS + 5, ['likely validation_scaled_otherwise']),
    (OTHERS * [1, 1, 1, 255, 255], []),            # most columns are as they should be
    (np.where(OTHERS > 2, 1e6, OTHERS), []),       # a few numbers
    (OTHERS * 3 + 1, []), (OTHERS[:10] * 255, []), (OTHERS * 0, []),
    ((OTHERS > 0).astype('uint8'), [])])
def test_validation_inputs_on_another_scale(held, expected):
    assert found(x=(TABLE,), x_val=(held,)) == expected


def test_images_on_another_scale():
    images = RANDOM.rand(60, 20, 20).astype('float32')
    assert found(x=(images,), x_val=(images[:30] * 255,)) == ['likely validation_scaled_otherwise']
    assert found(x=(images,), x_val=(RANDOM.rand(30, 20, 20),)) == []
