"""Which losses of one's own take outputs for labels: as functions of arrays, no framework."""

import numpy as np
import pytest

from AutoTrainer.judge.pairing import takes_outputs_for_labels

RANDOM = np.random.RandomState(0)
AMOUNTS = {'normal': RANDOM.randn(200), 'skewed': np.exp(RANDOM.randn(200)),
           'prices': np.exp(11 + RANDOM.randn(200)), 'counts': RANDOM.poisson(1.0, 200) * 1.0,
           'several': RANDOM.randn(200, 3)}
ANSWERS = (RANDOM.rand(200) < 0.3).astype('int64')
KINDS = RANDOM.randint(0, 5, 200)


def as_rows(function):
    return lambda y, given: function(y.reshape(given.shape), given)


def pinball(share):
    return as_rows(lambda y, given: np.mean(np.maximum(share * (y - given),
                                                       (share - 1) * (y - given))))


def squares(y, given):
    return np.mean((y.reshape(given.shape) - given) ** 2)


def every_pair(y, given):
    """As labels of shape (rows,) and outputs of (rows, 1) come to: a fault told elsewhere."""
    return np.mean((y.reshape(-1) - given) ** 2)


def raises(y, given):
    raise ValueError('of a batch of 32 rows')


@pytest.mark.parametrize('loss', [
    squares, as_rows(lambda y, given: np.sqrt(squares(y, given))),
    as_rows(lambda y, given: np.mean(np.abs(y - given))), pinball(0.5),
    raises], ids=['squares', 'root', 'absolute', 'median', 'raises'])
@pytest.mark.parametrize('name', sorted(AMOUNTS))
def test_amounts_that_are_asked_for(loss, name):
    y = AMOUNTS[name]
    assert takes_outputs_for_labels(loss, y, 'real', (None,) + (y.shape[1:] or (1,)))


@pytest.mark.parametrize('name', ['skewed', 'prices', 'counts'])
def test_rates_that_are_asked_for(name):
    assert takes_outputs_for_labels(
        as_rows(lambda y, given: np.mean(given - y * np.log(np.maximum(given, 1e-6)))),
        AMOUNTS[name], 'real', (None, 1))


def test_a_loss_that_pairs_nothing_is_a_fault_and_no_way_of_its_own():
    assert all(takes_outputs_for_labels(every_pair, AMOUNTS[name], 'real', (None, 1))
               for name in ('normal', 'skewed', 'prices'))


@pytest.mark.parametrize('loss', [
    pinball(0.9), pinball(0.1),
    as_rows(lambda y, given: np.mean((given - (y - 5) / 3) ** 2)),
    as_rows(lambda y, given: np.mean(np.exp(np.float64(given)) - y * given))],  # of logarithms
    ids=['high', 'low', 'scaled', 'rates'])
@pytest.mark.parametrize('name', ['normal', 'skewed', 'prices', 'counts'])
@pytest.mark.filterwarnings('ignore:overflow')
def test_amounts_that_are_not(loss, name):
    assert not takes_outputs_for_labels(loss, AMOUNTS[name], 'real', (None, 1))


def test_a_logarithm_of_the_labels():
    def loss(y, given):
        return np.mean((given - np.log(y.reshape(given.shape))) ** 2)
    assert not any(takes_outputs_for_labels(loss, AMOUNTS[name], 'real', shape)
                   for name in ('skewed', 'prices') for shape in ((None, 1), (None,)))


def shares(given):
    return 1 / (1 + np.exp(-given))


def triplets(y, given):
    """Rows of a class are to be near one another, wherever that is."""
    apart = np.abs(given[:, None] - given[None]).sum(axis=2)
    same = y[:, None] == y[None]
    return np.mean(np.maximum((apart * same).max(axis=1)
                              - (apart + 1e3 * same).min(axis=1) + 1, 0))


@pytest.mark.parametrize('loss, y, kind, units, expected', [
    (squares, ANSWERS, 'binary', 1, True),
    (as_rows(lambda y, p: -np.mean(y * np.log(shares(p)) + 60 * (1 - y) * np.log(shares(-p)))),
     ANSWERS, 'binary', 1, True),
    (as_rows(lambda y, p: np.mean(y * p ** 2 + (1 - y) * np.maximum(1 - p, 0) ** 2)),
     ANSWERS, 'binary', 1, False),  # a distance: 1 for those that are near
    (as_rows(lambda y, p: np.mean(y * np.log(np.clip(p, 1e-6, 1)))), ANSWERS, 'binary', 1, True),
    (every_pair, ANSWERS, 'binary', 1, True),
    (lambda y, p: np.mean((p - np.eye(5)[y]) ** 2), KINDS, 'integer', 5, True),
    (triplets, KINDS, 'integer', 5, False),
    (lambda y, p: np.mean((p - y) ** 2), np.eye(5)[KINDS], 'one_hot', 5, True),
    (lambda y, p: np.mean((p + y) ** 2), np.eye(5)[KINDS], 'one_hot', 5, False),
    (triplets, KINDS + 7, 'integer', 5, True),  # what a right answer is, is not known
    (triplets, KINDS, '', 5, True),
])
def test_classes(loss, y, kind, units, expected):
    assert takes_outputs_for_labels(loss, y, kind, (None, units)) is expected


@pytest.mark.parametrize('sign, shape, expected', [
    (1, (None, 7, 3), True), (-1, (None, 7, 3), False),
    (-1, (None, None, 3), True)])  # steps of any number: not tried
def test_steps_of_sequences(sign, shape, expected):
    tags = RANDOM.randint(0, 3, (50, 7))
    assert takes_outputs_for_labels(
        lambda y, given: np.mean((given - sign * np.eye(3)[y]) ** 2), tags, 'integer',
        shape) is expected
