"""The trainings of the zoo: each takes the usual setup of a table and changes it.

A recipe is well set, in one of very different ways, or spoilt in a way that its tag names. What a
training is worth is not read from here: a spoilt one that trains well anyway is a good training
(:mod:`benchmarks.zoo.truth`).
"""

from typing import Any, Callable, Dict, NamedTuple

import numpy as np

from .setups import Setup, enough_epochs, usual
from .tables import Table

Change = Callable[[Setup, Table, int, Any], None]
"""(setup to change, table, training rows, RandomState)."""


class Recipe(NamedTuple):
    """A way to set up a training.

    Attributes:
        name: its name.
        spoilt: the way of spoiling, '' where it is well set.
        change: what it changes of the usual setup.
    """

    name: str
    spoilt: str
    change: Change


RECIPES: Dict[str, Recipe] = {}
"""Every recipe by name."""


def _recipe(spoilt: str = '') -> Callable[[Change], Change]:
    def add(change: Change) -> Change:
        name = change.__name__.strip('_')
        RECIPES[name] = Recipe(name, spoilt, change)
        return change
    return add


def set_up(table: Table, recipe: str, rows: int, seed: int) -> Setup:
    """The setup of one training; the same arguments give the same.

    Args:
        table: the data set.
        recipe: name of the recipe.
        rows: training rows.
        seed: of everything drawn.
    """
    draw = np.random.RandomState([seed % 2**32, *(table.name + '/' + recipe).encode()])
    setup = usual(table, rows, draw)
    RECIPES[recipe].change(setup, table, rows, draw)
    return setup


def _between(draw: Any, low: float, high: float) -> float:
    """A number between two, all orders of size alike; two digits of it."""
    return float('%.2g' % np.exp(draw.uniform(np.log(low), np.log(high))))


def _layers(draw: Any, low: int, high: int, *units: int) -> Any:
    return (int(draw.choice(units)),) * int(draw.randint(low, high + 1))


# ---------------------------------------------------------------------------------------- well set

@_recipe()
def adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One or two layers, Adam."""
    setup.hidden = _layers(draw, 1, 2, 32, 64)


@_recipe()
def momentum(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD with momentum."""
    setup.optimizer, setup.rate = 'SGD', _between(draw, 0.01, 0.05)
    setup.settings = dict(momentum=0.9, nesterov=bool(draw.randint(2)))


@_recipe()
def rmsprop(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """RMSprop, tanh, a little weight decay."""
    setup.optimizer, setup.activation, setup.l2 = 'RMSprop', 'tanh', 1e-4
    setup.rate = _between(draw, 0.002, 0.005)


@_recipe()
def nadam_deep(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Three or four ELU layers, Nadam."""
    setup.optimizer, setup.activation, setup.initial = 'Nadam', 'elu', 'he_uniform'
    setup.hidden, setup.rate = _layers(draw, 3, 4, 32, 64), _between(draw, 0.001, 0.003)


@_recipe()
def normalised(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Two to five layers with batch normalisation."""
    setup.norm, setup.hidden = True, _layers(draw, 2, 5, 32, 64)


@_recipe()
def normalised_raw(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Raw columns, which the layers' own normalisation takes care of."""
    setup.norm, setup.hidden, setup.scale = True, _layers(draw, 2, 3, 32, 64), 'raw'


@_recipe()
def dropout(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A wider layer with some dropout."""
    setup.hidden, setup.dropout = (128,), float(draw.choice([0.1, 0.2, 0.3, 0.5]))
    setup.epochs = int(1.5 * setup.epochs)


@_recipe()
def linear(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No hidden layer: a logistic or a linear regression."""
    setup.hidden, setup.rate = (), _between(draw, 0.01, 0.05)


@_recipe()
def single_rows(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A step for every row, of few rows, in few epochs."""
    setup.batch, setup.rows = 1, int(draw.choice([200, 300]))
    setup.epochs = int(draw.randint(4, 9))
    setup.optimizer, setup.rate = 'SGD', _between(draw, 0.005, 0.02)


@_recipe()
def all_rows(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One step an epoch, many epochs."""
    setup.batch, setup.epochs, setup.rate = 0, 100, _between(draw, 0.02, 0.04)


@_recipe()
def early_stopping(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A plan that is too long, and EarlyStopping to end it."""
    setup.epochs, setup.callbacks = 2 * setup.epochs, ('stop',)
    setup.hidden = _layers(draw, 2, 2, 32, 64)


@_recipe()
def plateau(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD with momentum, ReduceLROnPlateau; a loss that forgives outliers for a regression."""
    momentum(setup, table, rows, draw)
    setup.callbacks, setup.epochs = ('plateau',), int(1.3 * setup.epochs)
    setup.hidden = _layers(draw, 2, 3, 32)
    if table.task == 'regression':
        setup.loss = 'log_cosh'


@_recipe()
def weighed(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rare classes weighed up; absolute errors for a regression."""
    setup.class_weights = True
    if table.task == 'regression':
        setup.loss = 'mean_absolute_error'


@_recipe()
def unvalidated(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No validation data; Adamax, SELU."""
    setup.validation, setup.optimizer, setup.activation = False, 'Adamax', 'selu'
    setup.initial, setup.rate = 'lecun_normal', _between(draw, 0.005, 0.01)
    setup.hidden = _layers(draw, 1, 3, 32, 64)


@_recipe()
def unmeasured(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No accuracy among the metrics; a learning rate that decays."""
    setup.accuracy, setup.decay = False, float(draw.choice([0.3, 0.5, 0.7]))
    setup.rate = _between(draw, 0.005, 0.02)


@_recipe()
def short(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Two to six epochs of many steps."""
    setup.batch, setup.epochs, setup.rate = 4, int(draw.randint(2, 7)), 0.01
    if rows < 400:
        setup.epochs = 6


@_recipe()
def logits(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """The loss applies softmax or sigmoid; six layers of ReLU."""
    setup.hidden, setup.initial, setup.rate = (32,) * 6, 'he_uniform', 0.002
    if table.task != 'regression':
        setup.logits, setup.head = True, 'linear'


# ------------------------------------------------------------------------------------------ scales

@_recipe('scales')
def raw_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Columns as shipped, SGD."""
    setup.scale, setup.optimizer, setup.rate = 'raw', 'SGD', _between(draw, 0.005, 0.05)
    setup.hidden = _layers(draw, 2, 3, 16, 32)
    _tokens_as_numbers(setup, table)


@_recipe('scales')
def raw_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Columns as shipped, Adam, sigmoid or tanh layers."""
    setup.scale, setup.activation = 'raw', str(draw.choice(['sigmoid', 'tanh']))
    setup.rate = 0.001
    _tokens_as_numbers(setup, table)


@_recipe('scales')
def times_hundreds(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Inputs some hundred times too large."""
    setup.scale, setup.optimizer = _between(draw, 100, 2000), str(draw.choice(['SGD', 'Adam']))
    setup.rate = 0.01 if setup.optimizer == 'SGD' else 0.001
    _tokens_as_numbers(setup, table)


@_recipe('scales')
def times_thousandth(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Inputs a thousand times too small, as after dividing by 255 twice."""
    setup.scale, setup.optimizer, setup.rate = _between(draw, 1e-5, 1e-3), 'SGD', 0.01
    _tokens_as_numbers(setup, table)


def _tokens_as_numbers(setup: Setup, table: Table) -> None:
    if table.kind == 'tokens':
        setup.front = 'flat'


# ---------------------------------------------------------------------------------- learning rates

@_recipe('rate_high')
def rate_high_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD at a rate of one or more."""
    setup.optimizer, setup.rate = 'SGD', _between(draw, 1, 20)
    setup.settings = dict(momentum=float(draw.choice([0.0, 0.9])))
    setup.hidden = _layers(draw, 1, 3, 16, 32)


@_recipe('rate_high')
def rate_high_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Adam at a rate around one."""
    setup.rate, setup.hidden = _between(draw, 0.3, 5), _layers(draw, 2, 4, 32, 64)


@_recipe('rate_high')
def rate_high_momentum(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A momentum that hardly fades."""
    setup.optimizer, setup.rate = 'SGD', _between(draw, 0.1, 0.5)
    setup.settings, setup.hidden = dict(momentum=0.995), _layers(draw, 2, 3, 32, 64)


@_recipe('rate_low')
def rate_low_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD at a rate of next to nothing."""
    setup.optimizer, setup.rate = 'SGD', _between(draw, 1e-6, 3e-4)


@_recipe('rate_low')
def rate_low_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Adam at a rate of next to nothing."""
    setup.rate = _between(draw, 1e-7, 2e-5)


@_recipe('rate_low')
def rate_falls(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A callback that takes the rate away after the first epochs; SGD."""
    setup.optimizer, setup.rate, setup.callbacks = 'SGD', 0.01, ('hasty',)
    setup.batch = 64


@_recipe('rate_low')
def clipped(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Gradients cut down to nothing."""
    setup.optimizer, setup.rate = 'SGD', 0.01
    setup.settings = dict(clipnorm=_between(draw, 1e-4, 1e-2))


# ---------------------------------------------------------------------------------- heads, losses

@_recipe('head')
def head_unbounded(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Logits under a loss that wants shares; for a regression a head that cannot be negative."""
    setup.head = str(draw.choice(['linear', 'relu']))
    setup.optimizer, setup.rate, setup.settings = 'SGD', 0.01, dict(momentum=0.9)
    if table.task == 'regression':
        setup.head = str(draw.choice(['relu', 'softplus']))


@_recipe('head')
def head_flat(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A head that cannot say it: softmax over one unit, tanh for classes, sigmoid for numbers."""
    if table.task == 'binary':
        setup.head = 'softmax'
    elif table.task == 'classes':
        setup.head = str(draw.choice(['tanh', 'relu']))
    elif table.task == 'multilabel':
        setup.head = 'tanh'
    else:
        setup.head = str(draw.choice(['sigmoid', 'softmax']))
        setup.targets_scaled = bool(draw.randint(2))


@_recipe('loss')
def loss_of_another(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A loss that is made for other labels."""
    if table.task == 'regression':
        setup.loss = str(draw.choice(['binary_crossentropy', 'cosine_similarity', 'hinge']))
    elif table.task == 'multilabel':
        setup.loss, setup.head = 'categorical_crossentropy', 'softmax'
    elif table.task == 'binary':
        setup.loss = str(draw.choice(['categorical_crossentropy', 'hinge',
                                      'mean_absolute_percentage_error']))
    else:
        setup.one_hot = True
        setup.loss = str(draw.choice(['mean_absolute_percentage_error', 'cosine_similarity',
                                      'categorical_hinge', 'mean_absolute_error']))


@_recipe('loss')
def loss_of_numbers(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Class numbers learnt as if they were measured; targets in per cent of themselves."""
    if table.task in ('binary', 'classes'):
        setup.one_hot, setup.units, setup.head = False, 1, 'linear'
        setup.loss = 'mean_squared_error'
    elif table.task == 'multilabel':
        setup.loss, setup.head = 'mean_absolute_error', 'relu'
    else:
        setup.loss = str(draw.choice(['mean_absolute_percentage_error', 'poisson']))


@_recipe('targets')
def raw_targets(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Targets as measured, SGD; for classes a mean squared error behind saturated outputs."""
    setup.optimizer, setup.rate = 'SGD', 0.01
    if table.task == 'regression':
        setup.targets_scaled = False
    elif table.task == 'classes':
        setup.loss, setup.one_hot, setup.initial = 'mean_squared_error', True, ('normal', 3.0)
    else:
        setup.loss, setup.initial = 'mean_squared_error', ('normal', 3.0)


@_recipe('targets')
def raw_targets_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Targets as measured, small steps; for classes too few of them."""
    setup.rate = 3e-4
    setup.targets_scaled = False
    if table.task != 'regression':
        setup.rate, setup.epochs, setup.batch = 1e-4, 12, 64


# ------------------------------------------------------------------------------- weights and units

@_recipe('weights')
def weights_zero(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """All weights zero, or all the same."""
    setup.initial = ('constant', float(draw.choice([0.0, 0.0, 0.1])))
    setup.hidden = _layers(draw, 2, 3, 16, 32)


@_recipe('weights')
def weights_huge(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Weights far too large."""
    setup.initial = ('normal', _between(draw, 3, 50))
    setup.hidden, setup.rate = _layers(draw, 2, 4, 32, 64), 0.001
    setup.activation = str(draw.choice(['relu', 'tanh', 'sigmoid']))


@_recipe('weights')
def weights_tiny(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Weights of a thousandth in several layers, SGD."""
    setup.initial, setup.hidden = ('normal', 1e-3), _layers(draw, 3, 5, 32)
    setup.optimizer, setup.rate = 'SGD', 0.01


@_recipe('dead_units')
def dead_bias(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """ReLU units that are switched off by their biases."""
    setup.bias, setup.hidden = -_between(draw, 5, 100), _layers(draw, 1, 3, 32, 64)
    setup.rate = 0.001


@_recipe('dead_units')
def dead_by_rate(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Many ReLU layers that steps too large switch off."""
    setup.hidden, setup.optimizer = _layers(draw, 4, 8, 16, 32), 'SGD'
    setup.rate, setup.settings = _between(draw, 0.3, 2), dict(momentum=0.9)


@_recipe('dead_units')
def dead_narrow(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Many narrow ReLU layers."""
    setup.hidden, setup.initial = (3,) * int(draw.randint(8, 14)), ('normal', 0.5)


# ------------------------------------------------------------------------------------------- depth

@_recipe('saturated')
def saturated_sigmoid(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Eight to twelve sigmoid layers, SGD."""
    setup.hidden, setup.activation = _layers(draw, 8, 12, 16, 32), 'sigmoid'
    setup.optimizer, setup.rate = 'SGD', _between(draw, 0.005, 0.05)


@_recipe('saturated')
def saturated_tanh(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Eight to twelve tanh layers that begin saturated."""
    setup.hidden, setup.activation = _layers(draw, 8, 12, 16, 32), 'tanh'
    setup.initial, setup.rate = ('normal', _between(draw, 1, 5)), _between(draw, 0.001, 0.01)


@_recipe('saturated')
def sigmoid_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Six to ten sigmoid layers, Adam."""
    setup.hidden, setup.activation = _layers(draw, 6, 10, 32), 'sigmoid'
    setup.rate = 0.001


# ------------------------------------------------------------------------------- dropout and noise

@_recipe('dropout')
def dropout_much(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Dropout that leaves next to nothing, behind every layer."""
    setup.dropout, setup.hidden = float(draw.choice([0.9, 0.95, 0.97])), _layers(draw, 2, 4, 32)


@_recipe('dropout')
def dropout_of_inputs(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Dropout of nearly all inputs, and more behind the layers."""
    setup.dropout_first, setup.dropout = float(draw.choice([0.8, 0.9, 0.95])), 0.7


@_recipe('noise')
def noise_of_inputs(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Noise much larger than the inputs."""
    setup.noise_first = _between(draw, 5, 50)


@_recipe('noise')
def noise_of_layers(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Noise much larger than what the layers put out."""
    setup.noise, setup.hidden = _between(draw, 5, 50), _layers(draw, 2, 3, 16, 32)


# ------------------------------------------------------------------------------ order, size, length

@_recipe('order')
def sorted_fast(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label and not shuffled, large steps."""
    setup.ordered, setup.batch, setup.optimizer = True, int(draw.choice([2, 4])), 'SGD'
    setup.rate, setup.epochs = _between(draw, 0.05, 0.5), int(draw.randint(4, 12))


@_recipe('order')
def sorted_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label and not shuffled, Adam."""
    setup.ordered, setup.batch, setup.rate = True, 8, _between(draw, 0.005, 0.03)
    setup.epochs = int(draw.randint(5, 12))


@_recipe('order')
def sorted_split(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label, of which the last part is kept for validation."""
    setup.split_ordered, setup.hidden = True, _layers(draw, 1, 2, 32)


@_recipe('too_small')
def bottleneck(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One unit in the middle."""
    setup.hidden = (16, 1) if draw.randint(2) else (1, 16)


@_recipe('too_small')
def bottlenecks(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Several layers of one unit."""
    setup.hidden, setup.activation = (1,) * int(draw.randint(2, 4)), str(
        draw.choice(['relu', 'sigmoid']))


@_recipe('too_few')
def one_epoch(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One to three epochs of few steps."""
    setup.epochs, setup.batch = int(draw.randint(1, 4)), int(draw.choice([64, 128]))
    setup.rate = 0.001


@_recipe('too_few')
def one_step_an_epoch(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """All rows in one step, SGD, too few epochs."""
    setup.batch, setup.epochs = 0, int(draw.choice([10, 20, 30]))
    setup.optimizer, setup.rate = 'SGD', 0.01


@_recipe('regularisation')
def decay_huge(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A weight decay that leaves no weights."""
    setup.l2 = _between(draw, 1, 100)


@_recipe('regularisation')
def decay_large(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A weight decay that is too large by a factor of a hundred or so."""
    setup.l2, setup.hidden = _between(draw, 0.1, 1), _layers(draw, 2, 3, 32)


@_recipe('frozen')
def frozen_narrow(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Narrow hidden layers that keep their random weights."""
    setup.frozen, setup.hidden = True, _layers(draw, 2, 4, 2, 4)
    setup.epochs = enough_epochs(rows, setup.batch)


@_recipe('frozen')
def frozen_sigmoid(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Sigmoid layers that keep their random weights."""
    setup.frozen, setup.activation, setup.hidden = True, 'sigmoid', _layers(draw, 3, 5, 16, 32)
