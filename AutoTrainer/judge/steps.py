"""What is wrong with the steps of a training before the first: rate, targets, number, decay."""

import math
from typing import NamedTuple

from .preflight import CERTAIN, LIKELY, NOTE, Finding, Found
from .setup import Setup


class _Rates(NamedTuple):
    """Learning rates: likely too small below, unusual below, unusual above, likely too large above.

    Keras's defaults are 0.01 for SGD and 0.001 for the others; what works lies within two powers
    of ten of these nearly always. Steps of SGD are as long as the gradient times the rate, and up
    to 1 and above it trains on scaled data; steps of Adam and its kin are about as long as the
    rate itself, whatever the gradient, and a kernel's numbers are about 0.1.
    """

    least: float
    low: float
    high: float
    most: float


_BY_GRADIENT = _Rates(1e-6, 5e-4, 1.0, 5.0)
_BY_RATE = _Rates(1e-7, 1e-5, 0.05, 0.3)
RATES = {
    'SGD': _BY_GRADIENT, 'Adagrad': _BY_GRADIENT, 'Ftrl': _BY_GRADIENT,
    'Adadelta': _Rates(1e-4, 0.05, 10.0, 100.0),  # its paper has 1; Keras's 0.001 hardly moves
    'Adam': _BY_RATE, 'AdamW': _BY_RATE, 'Nadam': _BY_RATE, 'Adamax': _BY_RATE,
    'RMSprop': _BY_RATE, 'Lion': _BY_RATE,
}
_MOVES_BY_RATE = frozenset(name for name, rates in RATES.items() if rates is _BY_RATE)
_HARDLY_MOVED = 0.01
"""A tenth of what the numbers of a kernel are."""
_LARGE_TARGETS = 100.0
"""Targets from which SGD on a squared error mostly overflows: the gradient is as large as they."""
_UNITS_THAT_ADD_UP = 100.0
"""So many times the way of a single weight an output can go: a wide layer of units about 1."""


def learning_rate(setup: Setup) -> Found:
    """A learning rate that works rarely or never."""
    rate, name, rates = setup.learning_rate, setup.optimizer, RATES.get(setup.optimizer)
    if math.isnan(rate):
        return None
    if rate <= 0 or math.isinf(rate):
        if setup.scheduled:  # it begins there
            return None
        return Finding('no_learning_rate', CERTAIN,
                       'the learning rate is %g: no step %s'
                       % (rate, 'goes the right way' if rate else 'changes anything'),
                       'give a learning rate above 0', 'not_converge')
    if rates is None:
        return None
    usual = 'take a learning rate of %g to %g' % (rates.low * 10, rates.high / 5)
    said = '%g' % rate
    step = rate
    if rates is _BY_GRADIENT and 0 < setup.momentum < 1:
        step = rate / (1 - setup.momentum)  # where the gradient stays the same
        said = '%g with momentum %g, together %.3g' % (rate, setup.momentum, step)
        usual += ' times %.2g, for the momentum' % (1 - setup.momentum)
    if step > rates.high * (1 + 1e-6):  # 0.1 / (1 - 0.9) is a bit more than 1
        return Finding('learning_rate_high', LIKELY if step > rates.most else NOTE,
                       'the learning rate of %s is %s, and more than %g rarely works'
                       % (name, said, rates.high), usual, 'unstable')
    if setup.scheduled:
        return _low_schedule(setup, rates, step / rate)
    if step < rates.low:
        return Finding('learning_rate_low', LIKELY if step < rates.least else NOTE,
                       'the learning rate of %s is %s, and less than %g rarely gets anywhere'
                       % (name, said, rates.low), usual, 'not_converge')
    way = rate * setup.updates
    if name in _MOVES_BY_RATE and way < _HARDLY_MOVED:
        return Finding('learning_rate_low', LIKELY,
                       '%s with the learning rate %g moves each weight by %.2g at the most in the '
                       '%d planned updates' % (name, rate, way, setup.updates),
                       'raise the learning rate, or train longer', 'not_converge')
    return None


def _low_schedule(setup: Setup, rates: _Rates, length: float) -> Found:
    """A schedule whose largest known rate is low; that it goes further up cannot be excluded."""
    if not setup.highest_rate * length < rates.low:
        return None
    return Finding('learning_rate_low', NOTE,
                   'the schedule of %s starts from the learning rate %g, and less than %g rarely '
                   'gets anywhere' % (setup.optimizer, setup.highest_rate, rates.low / length),
                   'take a learning rate of %g to %g' % (rates.low * 10, rates.high / 5),
                   'not_converge')


def large_targets(setup: Setup) -> Found:
    """Targets that overflow, or that the planned steps do not reach."""
    task, labels = setup.task, setup.labels
    if task.loss not in ('mean_squared_error', 'mean_absolute_error', 'huber', 'huber_loss',
                         'log_cosh', 'logcosh') or labels.width != task.units or not task.head:
        return None
    largest = max(abs(labels.lowest), abs(labels.highest))
    if setup.optimizer == 'SGD' and task.loss == 'mean_squared_error':
        if largest >= _LARGE_TARGETS:
            return Finding('large_targets', LIKELY,
                           'targets go from %.3g to %.3g, and the gradient of %s is as large as '
                           'they' % (labels.lowest, labels.highest, task.loss),
                           'scale the targets to about -1…1, or use Adam', 'explode')
        return None
    way = setup.learning_rate * _UNITS_THAT_ADD_UP * setup.updates
    if setup.optimizer in _MOVES_BY_RATE and largest > way and largest > 1:
        return Finding('large_targets', LIKELY,
                       'targets go from %.3g to %.3g, which %s with the learning rate %g hardly '
                       'reaches in the %d planned updates'
                       % (labels.lowest, labels.highest, setup.optimizer, setup.learning_rate,
                          setup.updates),
                       'scale the targets to about -1…1', 'not_converge')
    return None


def large_output(setup: Setup) -> Found:
    """Targets of one output whose loss leaves the others no weight, or which are out of reach."""
    for output in setup.outputs:
        largest = max(abs(output.labels.lowest), abs(output.labels.highest))
        if output.task.loss in ('mean_squared_error', 'mean_absolute_error') and (
                _LARGE_TARGETS <= largest < math.inf):
            return Finding('large_targets', NOTE,
                           'the targets of output %s go from %.3g to %.3g, so that its loss leaves '
                           'those of the others no weight'
                           % (output.name, output.labels.lowest, output.labels.highest),
                           'scale the targets of output %s to about -1…1' % output.name,
                           'not_converge')
    return None


_FEW_UPDATES, _HARDLY_ANY_UPDATES = 200, 30


def updates(setup: Setup) -> Found:
    """Too few steps to learn anything."""
    if setup.epochs is None or setup.updates >= _FEW_UPDATES:
        return None
    return Finding('few_updates', LIKELY if setup.updates < _HARDLY_ANY_UPDATES else NOTE,
                   '%d epoch%s of %d rows in batches of %d are %d updates of the weights'
                   % (setup.epochs, 's' * (setup.epochs != 1), setup.rows, setup.batch_size,
                      setup.updates),
                   'train longer or in smaller batches, at least some hundred updates', 'underfit')


def batch(setup: Setup) -> Found:
    """Batches larger than the data."""
    if not setup.rows or setup.batch_size <= setup.rows:
        return None
    return Finding('batch_of_all_rows', NOTE,
                   'a batch has %d rows but the data %d: one update in each epoch'
                   % (setup.batch_size, setup.rows), 'make the batch smaller', 'not_converge')


class _Decays(NamedTuple):
    """Decays of the weights from which little is left, and from which mostly nothing is."""

    much: float
    most: float


_SHRINKS = _Decays(10.0, 50.0)
_DECAYS = {2: _Decays(0.3, 1.0), 3: _Decays(0.1, 0.5), 4: _Decays(0.05, 0.3)}
"""By the number of kernels, which multiply: a single one can well be small."""


def decay(setup: Setup) -> Found:
    """A penalty on the weights that leaves nothing of them, whatever the data says."""
    layers = min(len(setup.kernels), max(_DECAYS))
    for strength, limits, said in (
            (setup.shrinks, _SHRINKS, 'each step of %s shrinks all weights, by a weight decay of'
             % setup.optimizer),
            (setup.decay, _DECAYS.get(layers), 'all kernels are pulled to 0 by a weight decay of')):
        if limits is None or not strength >= limits.much:
            continue
        return Finding('strong_decay', LIKELY if strength >= limits.most and not setup.normalises
                       else NOTE, '%s %g, and from %g on little is left of %d layers'
                       % (said, strength, limits.much, len(setup.kernels)),
                       'take a weight decay of 0.01 or less', 'underfit')
    return None
