"""What every adapter has to do: the same trainings, the same numbers, the same verdicts.

A problem is plain numbers: rows, first weights, the order of the batches. An adapter's ``Bench``
trains it in its own framework; the tests of ``Contract`` look at what its ``Watch`` says. What is
expected stands here alone: norms of gradients as numpy computes them, verdicts in ``EXPECTED``.
"""

import json
import logging
import math
from typing import NamedTuple, Optional, Tuple

import numpy as np
import pytest

BATCH = 32


class Problem(NamedTuple):
    """A training.

    Attributes:
        name: what is wrong with it.
        kernels: first weights, arrays of shape (inputs, outputs), layer by layer.
        biases: likewise.
        hidden: activation of all layers but the last: 'relu', 'sigmoid', 'tanh' or 'linear'.
        head: activation of the last one.
        regression: whether labels are numbers under a squared error; else class numbers under a
            cross-entropy of logits.
        optimizer: 'SGD' or 'Adam'.
        rate: its learning rate.
        epochs: planned epochs.
        later: (epoch, learning rate from then on, 1-based); None for one rate.
        noisy: whether batch normalisation and dropout follow the first layer.
        scale: what labels of a regression are multiplied by.
    """

    name: str
    kernels: Tuple[np.ndarray, ...]
    biases: Tuple[np.ndarray, ...]
    hidden: str = 'relu'
    head: str = 'linear'
    regression: bool = False
    optimizer: str = 'SGD'
    rate: float = 0.1
    epochs: int = 12
    later: Optional[Tuple[int, float]] = None
    noisy: bool = False

    @property
    def rows(self):
        """x, y, x_val, y_val."""
        random = np.random.RandomState(1)
        centres = 1.5 * random.randn(3, 6)
        y = random.randint(0, 3, 320)
        x = (centres[y] + random.randn(320, 6)).astype('float32')
        if self.regression:
            y = (x @ random.randn(6, 1) + 0.1 * random.randn(320, 1)).astype('float32')
        return x[:240], y[:240], x[240:], y[240:]

    def rate_of(self, epoch):
        """The learning rate of an epoch, 0-based."""
        return self.later[1] if self.later and epoch + 1 >= self.later[0] else self.rate


class Trained(NamedTuple):
    """What came of a training: mean loss of each epoch that was trained, and the session."""

    losses: list
    session: object = None
    verdict: object = None


def glorot(*sizes, scale=1.0, seed=0):
    """Kernels as Glorot draws them, and biases of zero."""
    random = np.random.RandomState(seed)
    kernels = [scale * random.uniform(-1, 1, (a, b)) * math.sqrt(6 / (a + b))
               for a, b in zip(sizes, sizes[1:])]
    return dict(kernels=tuple(k.astype('float32') for k in kernels),
                biases=tuple(np.zeros(b, 'float32') for b in sizes[1:]))


def _problems():
    small, deep = glorot(6, 16, 3), glorot(6, *[8] * 12, 3)
    dead = dict(small, biases=(np.full(16, -50, 'float32'), np.zeros(3, 'float32')))
    return [
        Problem('sound', optimizer='Adam', rate=0.01, **small),
        Problem('sound regression', regression=True, rate=0.02, epochs=20, **glorot(6, 16, 1)),
        Problem('vanish', hidden='sigmoid', optimizer='Adam', rate=0.001, **deep),
        Problem('dead', **dead),
        Problem('exploding', hidden='linear', rate=0.05, epochs=10,
                **glorot(6, *[16] * 4, 3, scale=4.0)),
        Problem('oscillating', hidden='tanh', rate=20.0, epochs=16, **glorot(6, 16, 16, 3)),
        Problem('slow', rate=5e-7, **small),
        Problem('wrong head', head='sigmoid', regression=True, **glorot(6, 16, 1)),
        Problem('collapse', hidden='tanh', optimizer='Adam', rate=0.01, epochs=20,
                later=(6, 300.0), **glorot(6, 16, 16, 3)),
    ]


PROBLEMS = {problem.name: problem for problem in _problems()}
EXPECTED = {
    'sound': None, 'sound regression': None, 'vanish': 'vanish', 'dead': 'relu',
    'exploding': 'explode', 'oscillating': 'unstable', 'slow': 'not_converge',
    'wrong head': 'activation_issue', 'collapse': 'collapse',
}
"""The first issue of each problem's verdict; None for a training that is sound."""

NOISY = PROBLEMS['sound']._replace(name='noisy', noisy=True, epochs=6)


# ---------------------------------------------------------------------- gradients as numpy has them

_FUNCTIONS = {
    'linear': (lambda z: z, lambda a: np.ones_like(a)),
    'relu': (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(float)),
    'sigmoid': (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    'tanh': (np.tanh, lambda a: 1 - a ** 2),
}


def norms(problem):
    """Norms of the kernels' gradients, with the first weights, on the first ``BATCH`` rows."""
    x, y = (part[:BATCH].astype('float64') for part in problem.rows[:2])
    names = [problem.hidden] * (len(problem.kernels) - 1) + [problem.head]
    passed = [x]
    for kernel, bias, name in zip(problem.kernels, problem.biases, names):
        passed.append(_FUNCTIONS[name][0](passed[-1] @ kernel.astype(float) + bias))
    if problem.regression:
        gradient = 2 * (passed[-1] - y) / len(x)
    else:
        shares = np.exp(passed[-1] - passed[-1].max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        gradient = (shares - np.eye(3)[y.astype(int)]) / len(x)
    found = []
    for kernel, name, before, after in reversed(list(zip(
            problem.kernels, names, passed, passed[1:]))):
        gradient = gradient * _FUNCTIONS[name][1](after)
        found.append(float(np.linalg.norm(before.T @ gradient)))
        gradient = gradient @ kernel.T.astype(float)
    return found[::-1]


# -------------------------------------------------------------------------------------- the suite

class Bench:
    """How one adapter trains a problem.

    Each training begins with the problem's weights and takes its rows in their order, ``BATCH`` at
    a time; random numbers, where a problem needs some, are seeded.
    """

    def train(self, problem, watched=True, **settings):
        """Train it, up to its end or until its watch stops it, as ``Trained``.

        Args:
            problem: see ``Problem``.
            watched: whether there is a watch, with rows, validation rows and optimizer.
            settings: of the watch.
        """
        raise NotImplementedError

    def interrupted(self, problem, epoch):
        """Train it up to an epoch, save, and let a new watch go on, as ``Trained``."""
        raise NotImplementedError

    def gradients(self, problem):
        """The ``GradientSummary`` of the first ``BATCH`` rows, with the first weights."""
        raise NotImplementedError


class Contract:
    """The tests; a subclass has its ``bench``."""

    bench: Bench

    @pytest.mark.parametrize('name', PROBLEMS)
    def test_says_what_is_wrong(self, name, caplog):
        caplog.set_level(logging.WARNING, 'AutoTrainer')
        trained = self.bench.train(PROBLEMS[name], overhead_budget=None)
        verdict, expected = trained.verdict, EXPECTED[name]
        assert (verdict.issues[0] if verdict.issues else None) == expected, verdict.reason
        said = [record for record in caplog.records if verdict.reason in record.getMessage()]
        if expected is None:
            assert verdict.note.startswith('sound') and not caplog.records
            assert len(trained.losses) == PROBLEMS[name].epochs
        else:  # stopped where it was found, and said once
            assert len(trained.losses) == trained.session.epochs <= max(1, verdict.epoch)
            assert trained.session.ended == 'verdict' and len(said) == 1

    def test_only_tells_where_it_is_not_to_stop(self):
        trained = self.bench.train(PROBLEMS['oscillating'], stop=False, overhead_budget=None)
        assert len(trained.losses) == trained.session.epochs == PROBLEMS['oscillating'].epochs
        assert trained.verdict.issues[0] == EXPECTED['oscillating']

    @pytest.mark.parametrize('name', ['sound', 'sound regression', 'vanish', 'exploding'])
    def test_measures_the_gradients_that_numpy_computes(self, name):
        found = [norm for _, norm in self.bench.gradients(PROBLEMS[name]).kernels]
        assert found == pytest.approx(norms(PROBLEMS[name]), rel=1e-5, abs=1e-12)

    def test_sees_dead_units(self):
        assert self.bench.gradients(PROBLEMS['dead']).zero_shares[0] == 1

    @pytest.mark.parametrize('checktype', ['adaptive', 'epoch_1'])
    def test_leaves_the_losses_as_they_are_to_the_last_bit(self, checktype):
        watched = self.bench.train(NOISY, checktype=checktype, overhead_budget=None)
        assert watched.losses == self.bench.train(NOISY, watched=False).losses
        if checktype == 'epoch_1':
            assert watched.session.probes == NOISY.epochs

    def test_goes_on_where_it_was_interrupted(self):
        whole, gone_on = [train(PROBLEMS['vanish']) for train in (
            self.bench.train, lambda problem: self.bench.interrupted(problem, 1))]
        assert gone_on.session.history['loss'] == pytest.approx(
            whole.session.history['loss'], rel=1e-6)
        assert gone_on.verdict.issues == whole.verdict.issues
        assert gone_on.verdict.epoch == whole.verdict.epoch


def through_json(state):
    """What a checkpoint leaves of a state."""
    return json.loads(json.dumps(state))
