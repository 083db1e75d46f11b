"""How a training is set up, and what is wrong with that before its first step."""

import math
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .columns import Data, class_never_trained, examine_data
from .facts import Task
from .labels import LabelSummary
from .losses import REGRESSION_LOSSES
from .preflight import CERTAIN, LIKELY, NOTE, Finding, Found, contradictions, surest_first
from .yardstick import MOST_ROWS, codes_as_amounts

BATCH_ROWS = 32
"""Rows per step where nothing is said; Keras's own."""


class Kernel(NamedTuple):
    """A kernel, as it stands before the training.

    Attributes:
        layer: name of its layer.
        activation: what the outputs of the layer go through; '' if that is not known.
        spread: standard deviation times the square root of the mean of fan-in and fan-out: 1 as
            Glorot draws them, 1.4 as He does.
        constant: whether all its numbers are the same.
        zero: whether they and the biases of the layer are 0.
        trainable: whether the training changes it.
    """

    layer: str
    activation: str = ''
    spread: float = math.nan
    constant: bool = False
    zero: bool = False
    trainable: bool = True


class Dropout(NamedTuple):
    """What a layer leaves out at random.

    Attributes:
        layer: its name.
        rate: share that is left out.
        units: of how many numbers per row or step; 0 if that is not known.
    """

    layer: str
    rate: float
    units: int = 0


class Lookup(NamedTuple):
    """Whole numbers that an Embedding looks up as they come in.

    Attributes:
        layer: its name.
        size: for how many numbers, from 0 on, it has a row.
        highest: the largest of the training rows.
        lenient: whether a number beyond may be taken for zeros (TensorFlow on a GPU); else it is
            an error, or NaN.
    """

    layer: str
    size: int
    highest: int
    lenient: bool = False


class Output(NamedTuple):
    """One of several outputs.

    Attributes:
        name: of the output.
        loss: of it.
        lowest: smallest of its labels; NaN if they are no numbers.
        highest: largest.
    """

    name: str
    loss: str
    lowest: float
    highest: float


class Setup(NamedTuple):
    """How a training is set up. What is not known has its default, and no rule looks at it.

    Attributes:
        task: loss, head and outputs.
        labels: of the training rows.
        optimizer: name of its class.
        learning_rate: of its first step; NaN if that is not known.
        scheduled: whether the rate changes by a schedule.
        highest_rate: the largest that is known of a schedule; NaN if none is.
        momentum: share of the last step that is taken again.
        decay: what an L2 penalty adds to the gradient of a weight, as a share of the weight: the
            least of all kernels.
        shrinks: share of the weights, times the rate, that each step takes off (AdamW).
        kernels: of layers that multiply by them, in layer order; embeddings are left out.
        trainable: whether there is anything that the training changes.
        dropouts: in layer order.
        outputs: where there are several; ``task`` and ``labels`` say nothing then.
        unpaired: whether the loss, one of the user's own, compares each output with every label.
        lookups: of embeddings that the inputs reach unchanged.
        chain: whether each layer takes the outputs of the one before and nothing else.
        normalises: whether there are layers inside that bring their inputs to one scale.
        rows: training rows.
        epochs: planned epochs.
        batch_size: rows per step.
    """

    task: Task = Task()
    labels: LabelSummary = LabelSummary()
    optimizer: str = ''
    learning_rate: float = math.nan
    scheduled: bool = False
    highest_rate: float = math.nan
    momentum: float = 0.0
    decay: float = 0.0
    shrinks: float = 0.0
    kernels: Tuple[Kernel, ...] = ()
    trainable: bool = True
    dropouts: Tuple[Dropout, ...] = ()
    outputs: Tuple[Output, ...] = ()
    unpaired: bool = False
    lookups: Tuple[Lookup, ...] = ()
    chain: bool = False
    normalises: bool = False
    rows: int = 0
    epochs: Optional[int] = None
    batch_size: int = BATCH_ROWS

    @property
    def updates(self) -> float:
        """Planned steps of the optimizer; infinite where they are not known."""
        if self.epochs is None or not self.rows:
            return math.inf
        return self.epochs * math.ceil(self.rows / self.batch_size)


def examine(setup: Setup, data: Data) -> List[Finding]:
    """Everything that can be said of a training before its first step.

    Args:
        setup: how it is set up.
        data: what it is to learn from.

    Returns:
        The findings, the surest in front.
    """
    found = [rule(setup) for rule in _RULES] + [
        _codes_as_amounts(setup, data),
        class_never_trained(data, setup.labels, setup.task.units)]
    return surest_first(contradictions(setup.task, setup.labels)
                        + [finding for finding in found if finding is not None]
                        + examine_data(data, setup.labels, setup.normalises))


# ------------------------------------------------------------------------------------- the labels

MOST_CODES = 50
_TOLD_APART = 0.5


def may_be_codes(setup: Setup) -> bool:
    """Whether a regression is on whole numbers that could be class numbers: worth a look."""
    labels = setup.labels
    return (setup.task.labels == 'integer' and setup.task.units == 1
            and setup.task.loss in REGRESSION_LOSSES and labels.lowest == 0
            and 2 <= labels.highest < MOST_CODES)


def code_skills(x: Sequence[np.ndarray], y: np.ndarray) -> Optional[Tuple[float, float]]:
    """Whether whole numbers are codes of classes: told apart, but not in the order of the numbers.

    Args:
        x: inputs.
        y: the numbers.

    Returns:
        The skills of a linear model that takes them for classes, and for amounts; None where they
        are amounts, or nobody can tell.
    """
    known = codes_as_amounts([part[:MOST_ROWS] for part in x], y[:MOST_ROWS].ravel())
    if known is None:
        return None
    classes, amounts = [(skill.value, 2 * skill.error) for skill in known]
    if classes[0] - classes[1] < _TOLD_APART or (
            amounts[0] + amounts[1] >= _TOLD_APART * classes[0]):
        return None
    return classes[0], amounts[0]


def _codes_as_amounts(setup: Setup, data: Data) -> Found:
    """Class numbers without any order, taken for amounts by the loss of a regression."""
    if not may_be_codes(setup) or data.y is None or not data.x or data.not_finite:
        return None
    told_apart = code_skills(data.x, data.y)
    if told_apart is None:
        return None
    return Finding('class_numbers_as_amounts', CERTAIN,
                   'the labels 0 to %d are class numbers without an order (a linear model tells '
                   'the classes apart with a skill of %.2f, and by the numbers with %.2f), but '
                   'loss %s takes them for amounts'
                   % ((setup.labels.highest,) + told_apart + (setup.task.loss,)),
                   'end in a softmax of %d outputs and use sparse_categorical_crossentropy'
                   % (setup.labels.highest + 1), 'loss_issue')


# ---------------------------------------------------------------------------------- the optimizer

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


def _learning_rate(setup: Setup) -> Found:
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
    if step > rates.high:
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


def _large_targets(setup: Setup) -> Found:
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


def _large_output(setup: Setup) -> Found:
    """Targets of one output whose loss leaves the others no weight, or which are out of reach."""
    for output in setup.outputs:
        largest = max(abs(output.lowest), abs(output.highest))
        if output.loss in ('mean_squared_error', 'mean_absolute_error') and (
                _LARGE_TARGETS <= largest < math.inf):
            return Finding('large_targets', NOTE,
                           'the targets of output %s go from %.3g to %.3g, so that its loss leaves '
                           'those of the others no weight'
                           % (output.name, output.lowest, output.highest),
                           'scale the targets of output %s to about -1…1' % output.name,
                           'not_converge')
    return None


_FEW_UPDATES, _HARDLY_ANY_UPDATES = 200, 30


def _updates(setup: Setup) -> Found:
    if setup.epochs is None or setup.updates >= _FEW_UPDATES:
        return None
    return Finding('few_updates', LIKELY if setup.updates < _HARDLY_ANY_UPDATES else NOTE,
                   '%d epoch%s of %d rows in batches of %d are %d updates of the weights'
                   % (setup.epochs, 's' * (setup.epochs != 1), setup.rows, setup.batch_size,
                      setup.updates),
                   'train longer or in smaller batches, at least some hundred updates', 'underfit')


def _batch(setup: Setup) -> Found:
    if not setup.rows or setup.batch_size <= setup.rows:
        return None
    return Finding('batch_of_all_rows', NOTE,
                   'a batch has %d rows but the data %d: one update in each epoch'
                   % (setup.batch_size, setup.rows), 'make the batch smaller', 'not_converge')


# -------------------------------------------------------------------------------------- the model

_ZERO_AT_ZERO = frozenset(('linear', 'relu', 'relu6', 'LeakyReLU', 'leaky_relu', 'elu', 'selu',
                           'gelu', 'tanh', 'softsign', 'swish', 'silu'))
_PASSES = {'sigmoid': 0.25, 'hard_sigmoid': 0.2, 'relu': math.sqrt(0.5), 'relu6': math.sqrt(0.5)}
"""What an activation leaves of a gradient, at the most or (ReLU: half the units) on average."""
_FADED = 1e-4
_HUGE_SPREAD = 10.0


def _frozen(setup: Setup) -> Found:
    frozen = [kernel.layer for kernel in setup.kernels if not kernel.trainable]
    if not setup.trainable:
        return Finding('all_frozen', CERTAIN, 'no weight of the model is trainable',
                       'set trainable = True on the layers that are to learn, then compile anew',
                       'not_converge')
    if not frozen:
        return None
    if len(frozen) == len(setup.kernels):
        return Finding('kernels_frozen', LIKELY,
                       'none of the %d kernels is trainable, only biases or scales are'
                       % len(frozen), 'set trainable = True on the layers that are to learn, then '
                       'compile anew', 'not_converge')
    if not setup.kernels[-1].trainable:
        return Finding('head_frozen', LIKELY,
                       'the last layer, %s, is not trainable' % setup.kernels[-1].layer,
                       'set trainable = True on the last layer, then compile anew', 'not_converge')
    return Finding('some_frozen', NOTE, '%d of %d kernels are not trainable (%s)'
                   % (len(frozen), len(setup.kernels), _some(frozen)),
                   'set trainable = True on frozen layers that are to learn, then compile anew',
                   'underfit')


def _alike(setup: Setup) -> Found:
    """Initial kernels of which all units of a layer are the same.

    Where all is zero and no activation lifts it, nothing but the last bias ever gets a gradient:
    every other gradient has a zero factor, and keeps it. Units that are merely alike stay so too,
    since they get the same gradient; a layer is then worth one unit, which may be enough.
    """
    hidden = setup.kernels[:-1]
    alike = [kernel.layer for kernel in hidden if kernel.constant and kernel.trainable]
    if not alike:
        return None
    sure = setup.chain and all(kernel.zero for kernel in setup.kernels) and (
        {kernel.activation for kernel in hidden} <= _ZERO_AT_ZERO)
    advice = 'draw the initial weights at random, as kernel_initializer="glorot_uniform" does'
    if sure:
        return Finding('zero_kernels', CERTAIN,
                       'all %d kernels are 0, so that nothing but the last bias gets a gradient'
                       % len(setup.kernels), advice, 'vanish')
    return Finding('alike_units', LIKELY,
                   'the numbers of %d initial kernels are all the same (%s): the units of such a '
                   'layer begin alike' % (len(alike), _some(alike)), advice, 'not_converge')


def _huge_weights(setup: Setup) -> Found:
    huge = [kernel for kernel in setup.kernels if kernel.spread > _HUGE_SPREAD]
    if not huge:
        return None
    largest = max(huge, key=lambda kernel: kernel.spread)
    return Finding('huge_initial_weights', NOTE if setup.normalises else LIKELY,
                   'the initial weights of %s are %.3g times as large as Glorot draws them'
                   % (largest.layer, largest.spread),
                   'use an initializer that knows the size of the layer, such as glorot_uniform',
                   'explode')


def _depth(setup: Setup) -> Found:
    """What is left of a gradient on its way to the first layer (Glorot and Bengio, 2010)."""
    if not setup.chain or setup.normalises or len(setup.kernels) < 3:
        return None
    left = float(np.prod([_PASSES.get(before.activation, 1.0) * kernel.spread for before, kernel
                          in zip(setup.kernels, setup.kernels[1:])]))
    if not left > 0 or _FADED < left < 1 / _FADED:
        return None
    fades = left <= _FADED
    return Finding('gradient_fades' if fades else 'gradient_grows', LIKELY,
                   'through %d layers of %s a gradient %s to about %.1g of itself'
                   % (len(setup.kernels) - 1, _most_common(k.activation for k in setup.kernels),
                      'fades' if fades else 'grows', left),
                   'use ReLU with he_uniform, batch normalisation, or fewer layers',
                   'vanish' if fades else 'explode')


_NOTHING_LEFT, _LITTLE_LEFT = 0.95, 0.8


def _dropout(setup: Setup) -> Found:
    if not setup.dropouts:
        return None
    worst = max(setup.dropouts, key=lambda dropout: dropout.rate)
    few = [dropout for dropout in setup.dropouts if dropout.rate >= 0.5
           and 2 < dropout.units and (1 - dropout.rate) * dropout.units < 2]
    if worst.rate < _LITTLE_LEFT and few:
        worst = few[0]
    elif worst.rate < _LITTLE_LEFT:
        return None
    severity = (CERTAIN if worst.rate >= 1 and setup.chain
                else LIKELY if worst.rate >= _NOTHING_LEFT or worst in few else NOTE)
    of_units = ' of %d numbers' % worst.units if worst.units else ''
    return Finding('dropout_leaves_nothing', severity,
                   'the layer %s leaves out %.3g%%%s in training'
                   % (worst.layer, 100 * worst.rate, of_units),
                   'take a dropout rate of 0.2 to 0.5', 'underfit')


class _Decays(NamedTuple):
    """Decays of the weights from which little is left, and from which mostly nothing is."""

    much: float
    most: float


_SHRINKS = _Decays(10.0, 50.0)
_DECAYS = {2: _Decays(0.3, 1.0), 3: _Decays(0.1, 0.5), 4: _Decays(0.05, 0.3)}
"""By the number of kernels, which multiply: a single one can well be small."""


def _decay(setup: Setup) -> Found:
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


def _vocabulary(setup: Setup) -> Found:
    beyond = [lookup for lookup in setup.lookups if lookup.highest >= lookup.size]
    if not beyond:
        return None
    worst = max(beyond, key=lambda lookup: lookup.highest - lookup.size)
    return Finding('beyond_vocabulary', LIKELY if worst.lenient else CERTAIN,
                   'the inputs hold numbers up to %d, but the Embedding %s knows 0 to %d '
                   '(input_dim=%d)' % (worst.highest, worst.layer, worst.size - 1, worst.size),
                   'give it input_dim=%d, or see how the numbers are made' % (worst.highest + 1),
                   'abnormal_data')


def _broadcast(setup: Setup) -> Found:
    if not setup.unpaired:
        return None
    return Finding('labels_broadcast', LIKELY,
                   'the loss is the same however the outputs are shared out among the labels: it '
                   'seems to compare each output with every label, as labels of shape (rows,) and '
                   'outputs of shape (rows, 1) are', 'give both the same shape within the loss, as '
                   'by keras.ops.reshape(y, (-1, 1))', 'loss_issue')


_RULES = (_vocabulary, _broadcast, _frozen, _learning_rate, _decay, _alike, _dropout,
          _huge_weights, _depth, _large_targets, _large_output, _updates, _batch)


def _some(names: List[str]) -> str:
    return ', '.join(names[:3]) + (', …' if len(names) > 3 else '')


def _most_common(activations: Iterable[str]) -> str:
    names = [name for name in activations if name not in ('', 'linear')]
    return max(sorted(set(names)), key=names.count) if names else 'any activation'
