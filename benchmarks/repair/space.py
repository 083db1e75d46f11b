"""What a search may change of a training: the one space of random search and of Optuna.

The rest stays as it was taped: the scale of inputs and targets, the number and the width of the
layers, dropout, noise and regularisation, the epochs and the callbacks.
"""

from dataclasses import replace
from typing import Any, Dict, Tuple

import numpy as np

from ..zoo.recipes import between
from ..zoo.setups import Setup
from ..zoo.tables import Table

RATES = (1e-4, 1e-1)
"""Least and largest learning rate; all orders of size alike."""

OPTIMIZERS: Dict[str, Tuple[str, Dict[str, Any]]] = {
    'SGD': ('SGD', {}), 'momentum': ('SGD', {'momentum': 0.9}), 'RMSprop': ('RMSprop', {}),
    'Adam': ('Adam', {}), 'Nadam': ('Nadam', {})}
"""By name, with settings beside the rate."""

HEADS: Dict[str, Dict[str, Dict[str, Any]]] = {
    'binary': {
        'sigmoid': dict(units=1, head='sigmoid', loss='binary_crossentropy'),
        'logits': dict(units=1, head='linear', loss='binary_crossentropy', logits=True),
        'softmax': dict(units=2, head='softmax', loss='sparse_categorical_crossentropy'),
        'squared': dict(units=1, head='sigmoid', loss='mean_squared_error')},
    'classes': {
        'softmax': dict(head='softmax', loss='sparse_categorical_crossentropy'),
        'logits': dict(head='linear', loss='sparse_categorical_crossentropy', logits=True),
        'sigmoid': dict(head='sigmoid', loss='binary_crossentropy', one_hot=True),
        'squared': dict(head='softmax', loss='mean_squared_error', one_hot=True)},
    'multilabel': {
        'sigmoid': dict(head='sigmoid', loss='binary_crossentropy'),
        'logits': dict(head='linear', loss='binary_crossentropy', logits=True),
        'squared': dict(head='sigmoid', loss='mean_squared_error')},
    'regression': {
        'squared': dict(loss='mean_squared_error'), 'absolute': dict(loss='mean_absolute_error'),
        'log_cosh': dict(loss='log_cosh')},
}
"""By task the heads with their losses that its labels allow; as many units as the labels need,
linear ones, where nothing else is said."""

CHOICES: Dict[str, Tuple[Any, ...]] = {
    'optimizer': tuple(OPTIMIZERS), 'batch': (16, 32, 64, 128),
    'activation': ('relu', 'elu', 'tanh', 'sigmoid'),
    'initial': ('glorot_uniform', 'he_uniform', 'lecun_normal')}
"""The same for every task; biases begin with 0."""


def choices(task: str) -> Dict[str, Tuple[Any, ...]]:
    """By name everything of a task that is not a learning rate."""
    return dict(CHOICES, head=tuple(HEADS[task]))


def drawn(task: str, draw: np.random.RandomState) -> Dict[str, Any]:
    """A point of the space, at random."""
    values = {name: some[draw.randint(len(some))] for name, some in choices(task).items()}
    return dict(values, rate=between(draw, *RATES))


def suggested(task: str, trial: Any) -> Dict[str, Any]:
    """A point of the space, as a trial of Optuna suggests it."""
    values = {name: trial.suggest_categorical(name, some) for name, some in choices(task).items()}
    return dict(values, rate=trial.suggest_float('rate', *RATES, log=True))


def changed(setup: Setup, table: Table, values: Dict[str, Any]) -> Setup:
    """A setup with the choices of a point of the space.

    Args:
        setup: of the training that is to be repaired.
        table: its data set.
        values: see :func:`drawn`.
    """
    optimizer, settings = OPTIMIZERS[values['optimizer']]
    head = dict(dict(units=table.classes, head='linear', logits=False, one_hot=False),
                **HEADS[table.task][values['head']])
    return replace(setup, optimizer=optimizer, settings=settings, rate=values['rate'], decay=1.0,
                   batch=values['batch'], activation=values['activation'],
                   initial=values['initial'], bias=0.0, **head)
