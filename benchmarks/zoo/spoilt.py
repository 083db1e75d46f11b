"""Trainings that are spoilt, each in a way that its tag names."""

from typing import Any

from .recipes import between, layers, recipe
from .setups import Setup, enough_epochs
from .tables import Table

# ------------------------------------------------------------------------------------------ scales

@recipe('scales')
def raw_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Columns as shipped, SGD."""
    setup.scale, setup.optimizer, setup.rate = 'raw', 'SGD', between(draw, 0.005, 0.05)
    setup.hidden = layers(draw, 2, 3, 16, 32)
    _tokens_as_numbers(setup, table)


@recipe('scales')
def raw_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Columns as shipped, Adam, sigmoid or tanh layers."""
    setup.scale, setup.activation = 'raw', str(draw.choice(['sigmoid', 'tanh']))
    setup.rate = 0.001
    _tokens_as_numbers(setup, table)


@recipe('scales')
def times_hundreds(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Inputs some hundred times too large."""
    setup.scale, setup.optimizer = between(draw, 100, 2000), str(draw.choice(['SGD', 'Adam']))
    setup.rate = 0.01 if setup.optimizer == 'SGD' else 0.001
    _tokens_as_numbers(setup, table)


@recipe('scales')
def times_thousandth(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Inputs a thousand times too small, as after dividing by 255 twice."""
    setup.scale, setup.optimizer, setup.rate = between(draw, 1e-5, 1e-3), 'SGD', 0.01
    _tokens_as_numbers(setup, table)


def _tokens_as_numbers(setup: Setup, table: Table) -> None:
    if table.kind == 'tokens':
        setup.front = 'flat'


# ---------------------------------------------------------------------------------- learning rates

@recipe('rate_high')
def rate_high_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD at a rate of one or more."""
    setup.optimizer, setup.rate = 'SGD', between(draw, 1, 20)
    setup.settings = dict(momentum=float(draw.choice([0.0, 0.9])))
    setup.hidden = layers(draw, 1, 3, 16, 32)


@recipe('rate_high')
def rate_high_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Adam at a rate around one."""
    setup.rate, setup.hidden = between(draw, 0.3, 5), layers(draw, 2, 4, 32, 64)


@recipe('rate_high')
def rate_high_momentum(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A momentum that hardly fades."""
    setup.optimizer, setup.rate = 'SGD', between(draw, 0.1, 0.5)
    setup.settings, setup.hidden = dict(momentum=0.995), layers(draw, 2, 3, 32, 64)


@recipe('rate_low')
def rate_low_sgd(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD at a rate of next to nothing."""
    setup.optimizer, setup.rate = 'SGD', between(draw, 1e-6, 3e-4)


@recipe('rate_low')
def rate_low_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Adam at a rate of next to nothing."""
    setup.rate = between(draw, 1e-7, 2e-5)


@recipe('rate_low')
def rate_falls(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A callback that takes the rate away after the first epochs; SGD."""
    setup.optimizer, setup.rate, setup.callbacks = 'SGD', 0.01, ('hasty',)
    setup.batch = 64


@recipe('rate_low')
def clipped(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Gradients cut down to nothing."""
    setup.optimizer, setup.rate = 'SGD', 0.01
    setup.settings = dict(clipnorm=between(draw, 1e-4, 1e-2))


# ---------------------------------------------------------------------------------- heads, losses

@recipe('head')
def head_unbounded(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Logits under a loss that wants shares; for a regression a head that cannot be negative."""
    setup.head = str(draw.choice(['linear', 'relu']))
    setup.optimizer, setup.rate, setup.settings = 'SGD', 0.01, dict(momentum=0.9)
    if table.task == 'regression':
        setup.head = str(draw.choice(['relu', 'softplus']))


@recipe('head')
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


@recipe('loss')
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


@recipe('loss')
def loss_of_numbers(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Class numbers learnt as if they were measured; targets in per cent of themselves."""
    if table.task in ('binary', 'classes'):
        setup.one_hot, setup.units, setup.head = False, 1, 'linear'
        setup.loss = 'mean_squared_error'
    elif table.task == 'multilabel':
        setup.loss, setup.head = 'mean_absolute_error', 'relu'
    else:
        setup.loss = str(draw.choice(['mean_absolute_percentage_error', 'poisson']))


@recipe('targets')
def raw_targets(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Targets as measured, SGD; for classes a mean squared error behind saturated outputs."""
    setup.optimizer, setup.rate = 'SGD', 0.01
    if table.task == 'regression':
        setup.targets_scaled = False
    elif table.task == 'classes':
        setup.loss, setup.one_hot, setup.initial = 'mean_squared_error', True, ('normal', 3.0)
    else:
        setup.loss, setup.initial = 'mean_squared_error', ('normal', 3.0)


@recipe('targets')
def raw_targets_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Targets as measured, small steps; for classes too few of them."""
    setup.rate = 3e-4
    setup.targets_scaled = False
    if table.task != 'regression':
        setup.rate, setup.epochs, setup.batch = 1e-4, 12, 64


# ------------------------------------------------------------------------------- weights and units

@recipe('weights')
def weights_zero(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """All weights zero, or all the same."""
    setup.initial = ('constant', float(draw.choice([0.0, 0.0, 0.1])))
    setup.hidden = layers(draw, 2, 3, 16, 32)


@recipe('weights')
def weights_huge(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Weights far too large."""
    setup.initial = ('normal', between(draw, 3, 50))
    setup.hidden, setup.rate = layers(draw, 2, 4, 32, 64), 0.001
    setup.activation = str(draw.choice(['relu', 'tanh', 'sigmoid']))


@recipe('weights')
def weights_tiny(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Weights of a thousandth in several layers, SGD."""
    setup.initial, setup.hidden = ('normal', 1e-3), layers(draw, 3, 5, 32)
    setup.optimizer, setup.rate = 'SGD', 0.01


@recipe('dead_units')
def dead_bias(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """ReLU units that are switched off by their biases."""
    setup.bias, setup.hidden = -between(draw, 5, 100), layers(draw, 1, 3, 32, 64)
    setup.rate = 0.001


@recipe('dead_units')
def dead_by_rate(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Many ReLU layers that steps too large switch off."""
    setup.hidden, setup.optimizer = layers(draw, 4, 8, 16, 32), 'SGD'
    setup.rate, setup.settings = between(draw, 0.3, 2), dict(momentum=0.9)


@recipe('dead_units')
def dead_narrow(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Many narrow ReLU layers."""
    setup.hidden, setup.initial = (3,) * int(draw.randint(8, 14)), ('normal', 0.5)


# ------------------------------------------------------------------------------------------- depth

@recipe('saturated')
def saturated_sigmoid(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Eight to twelve sigmoid layers, SGD."""
    setup.hidden, setup.activation = layers(draw, 8, 12, 16, 32), 'sigmoid'
    setup.optimizer, setup.rate = 'SGD', between(draw, 0.005, 0.05)


@recipe('saturated')
def saturated_tanh(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Eight to twelve tanh layers that begin saturated."""
    setup.hidden, setup.activation = layers(draw, 8, 12, 16, 32), 'tanh'
    setup.initial, setup.rate = ('normal', between(draw, 1, 5)), between(draw, 0.001, 0.01)


@recipe('saturated')
def sigmoid_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Six to ten sigmoid layers, Adam."""
    setup.hidden, setup.activation = layers(draw, 6, 10, 32), 'sigmoid'
    setup.rate = 0.001


# ------------------------------------------------------------------------------- dropout and noise

@recipe('dropout')
def dropout_much(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Dropout that leaves next to nothing, behind every layer."""
    setup.dropout, setup.hidden = float(draw.choice([0.9, 0.95, 0.97])), layers(draw, 2, 4, 32)


@recipe('dropout')
def dropout_of_inputs(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Dropout of nearly all inputs, and more behind the layers."""
    setup.dropout_first, setup.dropout = float(draw.choice([0.8, 0.9, 0.95])), 0.7


@recipe('noise')
def noise_of_inputs(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Noise much larger than the inputs."""
    setup.noise_first = between(draw, 5, 50)


@recipe('noise')
def noise_of_layers(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Noise much larger than what the layers put out."""
    setup.noise, setup.hidden = between(draw, 5, 50), layers(draw, 2, 3, 16, 32)


# ------------------------------------------------------------------------------ order, size, length

@recipe('order')
def sorted_fast(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label and not shuffled, large steps."""
    setup.ordered, setup.batch, setup.optimizer = True, int(draw.choice([2, 4])), 'SGD'
    setup.rate, setup.epochs = between(draw, 0.05, 0.5), int(draw.randint(4, 12))


@recipe('order')
def sorted_adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label and not shuffled, Adam."""
    setup.ordered, setup.batch, setup.rate = True, 8, between(draw, 0.005, 0.03)
    setup.epochs = int(draw.randint(5, 12))


@recipe('order')
def sorted_split(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rows sorted by label, of which the last part is kept for validation."""
    setup.split_ordered, setup.hidden = True, layers(draw, 1, 2, 32)


@recipe('too_small')
def bottleneck(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One unit in the middle."""
    setup.hidden = (16, 1) if draw.randint(2) else (1, 16)


@recipe('too_small')
def bottlenecks(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Several layers of one unit."""
    setup.hidden, setup.activation = (1,) * int(draw.randint(2, 4)), str(
        draw.choice(['relu', 'sigmoid']))


@recipe('too_few')
def one_epoch(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One to three epochs of few steps."""
    setup.epochs, setup.batch = int(draw.randint(1, 4)), int(draw.choice([64, 128]))
    setup.rate = 0.001


@recipe('too_few')
def one_step_an_epoch(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """All rows in one step, SGD, too few epochs."""
    setup.batch, setup.epochs = 0, int(draw.choice([10, 20, 30]))
    setup.optimizer, setup.rate = 'SGD', 0.01


@recipe('regularisation')
def decay_huge(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A weight decay that leaves no weights."""
    setup.l2 = between(draw, 1, 100)


@recipe('regularisation')
def decay_large(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A weight decay that is too large by a factor of a hundred or so."""
    setup.l2, setup.hidden = between(draw, 0.1, 1), layers(draw, 2, 3, 32)


@recipe('frozen')
def frozen_narrow(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Narrow hidden layers that keep their random weights."""
    setup.frozen, setup.hidden = True, layers(draw, 2, 4, 2, 4)
    setup.epochs = enough_epochs(rows, setup.batch)


@recipe('frozen')
def frozen_sigmoid(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Sigmoid layers that keep their random weights."""
    setup.frozen, setup.activation, setup.hidden = True, 'sigmoid', layers(draw, 3, 5, 16, 32)
