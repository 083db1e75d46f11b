"""How one training is set up: every choice of it as a plain value, and the usual choices."""

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

import numpy as np

from .tables import Split, Table

UPDATES = 500
"""Steps that a well-set training has, about, where the planned epochs allow it."""


@dataclass
class Setup:
    """One training.

    Attributes:
        front: what reads the inputs: ``''`` (rows as they are), ``'flat'``, ``'conv'``,
            ``'mean'``, ``'lstm'``, ``'gru'``, ``'conv1d'``; tokens are embedded first, but for
            ``'flat'``, which takes them for measured numbers.
        hidden: units of each hidden dense layer.
        activation: of the hidden layers.
        initial: initial weights of hidden layers and head: a name of Keras's, or
            ``('normal', deviation)``, ``('constant', value)``.
        bias: initial bias of the hidden layers.
        norm: batch normalisation behind each hidden layer.
        dropout: behind each hidden layer.
        dropout_first: in front of the first.
        noise: Gaussian noise behind each hidden layer.
        noise_first: in front of the first.
        l2: weight decay of the hidden layers' kernels and the head's.
        frozen: whether the hidden layers keep their initial weights.
        units: outputs.
        head: activation of the output.
        loss: name of Keras's.
        logits: whether the loss applies softmax or sigmoid.
        one_hot: whether class numbers are given as rows with a single 1.
        scale: inputs: ``'standard'``, ``'raw'``, or a factor on standardised ones.
        targets_scaled: whether the targets of a regression are standardised.
        optimizer: name of Keras's.
        rate: learning rate.
        decay: what the rate is multiplied with every ten epochs.
        settings: more of the optimizer's settings.
        batch: rows of a step; 0 for all.
        epochs: planned.
        accuracy: whether an accuracy is among the metrics.
        validation: whether ``fit`` has validation data.
        class_weights: whether rare classes are weighed up.
        callbacks: ``'stop'`` (EarlyStopping, best weights restored), ``'plateau'``
            (ReduceLROnPlateau).
        ordered: training rows sorted by label and not shuffled.
        split_ordered: rows sorted by label before the last part is taken for validation.
        rows: training rows that are used at the most.
    """

    front: str = ''
    hidden: Tuple[int, ...] = (32,)
    activation: str = 'relu'
    initial: Any = 'glorot_uniform'
    bias: float = 0.0
    norm: bool = False
    dropout: float = 0.0
    dropout_first: float = 0.0
    noise: float = 0.0
    noise_first: float = 0.0
    l2: float = 0.0
    frozen: bool = False
    units: int = 1
    head: str = 'linear'
    loss: str = 'mean_squared_error'
    logits: bool = False
    one_hot: bool = False
    scale: Any = 'standard'
    targets_scaled: bool = False
    optimizer: str = 'Adam'
    rate: float = 0.003
    decay: float = 1.0
    settings: Dict[str, Any] = field(default_factory=dict)
    batch: int = 32
    epochs: int = 20
    accuracy: bool = True
    validation: bool = True
    class_weights: bool = False
    callbacks: Tuple[str, ...] = ()
    ordered: bool = False
    split_ordered: bool = False
    rows: int = 1500


def enough_epochs(rows: int, batch: int, updates: int = UPDATES) -> int:
    """Epochs that make about so many steps, between 10 and 50."""
    return int(np.clip(round(updates * batch / rows), 10, 50))


def usual(table: Table, rows: int, draw: Any) -> Setup:
    """What somebody with some practice would begin with.

    Args:
        table: the data set.
        rows: its training rows.
        draw: a ``numpy.random.RandomState``, for width, batch size and rate.
    """
    setup = Setup(hidden=(int(draw.choice([16, 32, 64])),),
                  batch=int(draw.choice([16, 32] if rows < 400 else [32, 64])),
                  rate=float(draw.choice([0.003, 0.005, 0.01])))
    updates = 700 if table.classes > 10 else UPDATES
    if table.task == 'regression' and rows < 400:  # so few rows are soon known by heart
        updates = 150
    setup.epochs = enough_epochs(rows, setup.batch, updates)
    setup.front = {'rows': '', 'image': str(draw.choice(['flat', 'conv'])),
                   'tokens': str(draw.choice(['mean', 'conv1d'])),
                   'sequence': str(draw.choice(['lstm', 'gru', 'conv1d']))}[table.kind]
    if table.task == 'binary':
        setup.units, setup.head, setup.loss = 1, 'sigmoid', 'binary_crossentropy'
    elif table.task == 'multilabel':
        setup.units, setup.head, setup.loss = table.classes, 'sigmoid', 'binary_crossentropy'
    elif table.task == 'classes':
        setup.units, setup.head = table.classes, 'softmax'
        setup.one_hot = bool(draw.randint(2))
        setup.loss = ('' if setup.one_hot else 'sparse_') + 'categorical_crossentropy'
    else:
        setup.accuracy = False
        setup.targets_scaled = True
    return setup


def _order_key(y: np.ndarray) -> np.ndarray:
    """By what labels are sorted; several of them as one number."""
    return y if y.ndim == 1 else y @ (2.0 ** np.arange(y.shape[1]))


class Data:
    """What ``fit`` is given, and what the truth is measured on.

    Attributes:
        x, y: training rows.
        x_val, y_val: validation rows.
        x_test: untouched rows, prepared as the others.
        labels, labels_val, truth: the table's own labels of the training rows, the validation
            rows, the untouched rows.
        class_weights: by class number, or None.
    """

    def __init__(self, table: Table, setup: Setup, parts: Split) -> None:
        self.table, self.setup = table, setup
        if setup.split_ordered:
            both = np.concatenate([parts.train, parts.val])
            both = both[np.argsort(_order_key(table.y[both]), kind='stable')]
            parts = parts._replace(train=both[:len(parts.train)], val=both[len(parts.train):])
        train = parts.train[:setup.rows]
        size = min(setup.batch or len(train), len(train))
        if len(train) >= 4 * size:  # an odd last batch is one more graph to compile
            train = train[:len(train) // size * size]
        if setup.ordered:
            train = train[np.argsort(_order_key(table.y[train]), kind='stable')]
        x = self._inputs(train)
        self.x, self.x_val, self.x_test = x[train], x[parts.val], x[parts.test]
        y = table.y
        self.middle, self.spread = 0.0, 1.0
        if table.task == 'regression' and setup.targets_scaled:
            self.middle, self.spread = float(y[train].mean()), float(y[train].std()) or 1.0
            y = ((y - self.middle) / self.spread).astype('float32')
        elif setup.one_hot and table.task in ('binary', 'classes'):
            y = np.eye(setup.units, dtype='float32')[y]
        elif table.task in ('binary', 'classes'):
            y = y.astype('float32')
        self.y, self.y_val = y[train], y[parts.val]
        self.labels, self.labels_val, self.truth = (
            table.y[rows] for rows in (train, parts.val, parts.test))
        self.class_weights: Optional[Dict[int, float]] = None
        if setup.class_weights and table.task in ('binary', 'classes'):
            counts = np.bincount(table.y[train], minlength=table.classes)
            self.class_weights = {i: float(len(train) / (table.classes * max(1, n)))
                                  for i, n in enumerate(counts)}

    def _inputs(self, train: np.ndarray) -> np.ndarray:
        table, setup = self.table, self.setup
        if table.kind == 'tokens':
            return table.x.astype('float32') if setup.front == 'flat' else table.x
        if setup.scale == 'raw':
            return table.x
        axis = 0 if table.kind == 'rows' else tuple(range(table.x.ndim - 1))
        seen = table.x[train].astype('float64')
        spread = seen.std(axis=axis)
        scaled = (table.x - seen.mean(axis=axis)) / np.where(spread > 0, spread, 1.0)
        # a pixel that is lit in one row of a thousand is an outlier of many deviations
        scaled = np.clip(scaled, -10, 10)
        factor = 1.0 if setup.scale == 'standard' else float(setup.scale)
        return (scaled * factor).astype('float32')

    def answers(self, outputs: Any, logits: Optional[bool] = None) -> np.ndarray:
        """A model's outputs in the form of the table's labels; NaN where they are no numbers.

        Args:
            outputs: array of shape (rows, units); of classes one for each, or one alone.
            logits: whether they are what a softmax or sigmoid is still to be applied to; default
                what the setup says.
        """
        found = np.asarray(outputs, dtype='float64').reshape(len(outputs), -1)
        setup, task = self.setup, self.table.task
        if task == 'regression':
            return found[:, 0] * self.spread + self.middle
        half = 0.0 if (setup.logits if logits is None else logits) else 0.5
        broken = ~np.isfinite(found).all(axis=1)
        if task == 'multilabel':
            given = (found > half).astype('float64')
            given[broken] = np.nan
            return given
        if found.shape[1] > 1:
            given = np.nan_to_num(found).argmax(axis=1).astype('float64')
        elif task == 'binary':
            given = (found[:, 0] > half).astype('float64')
        else:
            given = np.clip(np.round(np.nan_to_num(found[:, 0])), 0, self.table.classes - 1)
        given[broken] = np.nan
        return given
