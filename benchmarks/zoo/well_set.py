"""Trainings that are well set, in very different ways."""

from typing import Any

from .recipes import between, layers, recipe
from .setups import Setup
from .tables import Table


@recipe()
def adam(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One or two layers, Adam."""
    setup.hidden = layers(draw, 1, 2, 32, 64)


@recipe()
def momentum(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD with momentum."""
    setup.optimizer, setup.rate = 'SGD', between(draw, 0.01, 0.05)
    setup.settings = dict(momentum=0.9, nesterov=bool(draw.randint(2)))


@recipe()
def rmsprop(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """RMSprop, tanh, a little weight decay."""
    setup.optimizer, setup.activation, setup.l2 = 'RMSprop', 'tanh', 1e-4
    setup.rate = between(draw, 0.002, 0.005)


@recipe()
def nadam_deep(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Three or four ELU layers, Nadam."""
    setup.optimizer, setup.activation, setup.initial = 'Nadam', 'elu', 'he_uniform'
    setup.hidden, setup.rate = layers(draw, 3, 4, 32, 64), between(draw, 0.001, 0.003)


@recipe()
def normalised(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Two to five layers with batch normalisation."""
    setup.norm, setup.hidden = True, layers(draw, 2, 5, 32, 64)


@recipe()
def normalised_raw(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Raw columns, which the layers' own normalisation takes care of."""
    setup.norm, setup.hidden, setup.scale = True, layers(draw, 2, 3, 32, 64), 'raw'


@recipe()
def dropout(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A wider layer with some dropout."""
    setup.hidden, setup.dropout = (128,), float(draw.choice([0.1, 0.2, 0.3, 0.5]))
    setup.epochs = int(1.5 * setup.epochs)


@recipe()
def linear(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No hidden layer: a logistic or a linear regression."""
    setup.hidden, setup.rate = (), between(draw, 0.01, 0.05)


@recipe()
def single_rows(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A step for every row, of few rows, in few epochs."""
    setup.batch, setup.rows = 1, int(draw.choice([200, 300]))
    setup.epochs = int(draw.randint(4, 9))
    setup.optimizer, setup.rate = 'SGD', between(draw, 0.005, 0.02)


@recipe()
def all_rows(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """One step an epoch, many epochs."""
    setup.batch, setup.epochs, setup.rate = 0, 100, between(draw, 0.02, 0.04)


@recipe()
def early_stopping(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """A plan that is too long, and EarlyStopping to end it."""
    setup.epochs, setup.callbacks = 2 * setup.epochs, ('stop',)
    setup.hidden = layers(draw, 2, 2, 32, 64)


@recipe()
def plateau(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """SGD with momentum, ReduceLROnPlateau; a loss that forgives outliers for a regression."""
    momentum(setup, table, rows, draw)
    setup.callbacks, setup.epochs = ('plateau',), int(1.3 * setup.epochs)
    setup.hidden = layers(draw, 2, 3, 32)
    if table.task == 'regression':
        setup.loss = 'log_cosh'


@recipe()
def weighed(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Rare classes weighed up; absolute errors for a regression."""
    setup.class_weights = True
    if table.task == 'regression':
        setup.loss = 'mean_absolute_error'


@recipe()
def unvalidated(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No validation data; Adamax, SELU."""
    setup.validation, setup.optimizer, setup.activation = False, 'Adamax', 'selu'
    setup.initial, setup.rate = 'lecun_normal', between(draw, 0.005, 0.01)
    setup.hidden = layers(draw, 1, 3, 32, 64)


@recipe()
def unmeasured(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """No accuracy among the metrics; a learning rate that decays."""
    setup.accuracy, setup.decay = False, float(draw.choice([0.3, 0.5, 0.7]))
    setup.rate = between(draw, 0.005, 0.02)


@recipe()
def short(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """Two to six epochs of many steps."""
    setup.batch, setup.epochs, setup.rate = 4, int(draw.randint(2, 7)), 0.01
    if rows < 400:
        setup.epochs = 6


@recipe()
def logits(setup: Setup, table: Table, rows: int, draw: Any) -> None:
    """The loss applies softmax or sigmoid; six layers of ReLU."""
    setup.hidden, setup.initial, setup.rate = (32,) * 6, 'he_uniform', 0.002
    if table.task != 'regression':
        setup.logits, setup.head = True, 'linear'
