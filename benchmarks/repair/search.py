"""The searches that know nothing of a diagnosis: random draws, and Optuna."""

import time
from typing import Any, Dict, List

import numpy as np

from AutoTrainer import keras_bridge

from . import space
from .subject import Subject, to_choose_by, untouched

TRAININGS = 20
"""Random draws, each trained to the planned end."""

BUDGET = 5
"""Planned trainings that Optuna has, counted in epochs."""

REDUCTION = 3
"""Optuna's successive halving: a trial goes on beyond a rung if it is among the best of so many."""


def random_search(subject: Subject, trainings: int = TRAININGS) -> List[Dict[str, Any]]:
    """Train random points of the space; see :func:`_trial` for what is told of each."""
    draw = np.random.RandomState([subject.case.seed, *subject.case.name.encode()])
    return [_trial(subject, space.drawn(subject.table.task, draw), number)
            for number in range(trainings)]


def optuna_search(subject: Subject, budget: float = BUDGET) -> List[Dict[str, Any]]:
    """TPE with successive halving; a trial that begins within the budget may end beyond it."""
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    epochs = subject.setup.epochs
    study = optuna.create_study(
        direction='maximize', sampler=optuna.samplers.TPESampler(seed=subject.case.seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(max(1, epochs // REDUCTION**2), REDUCTION))
    told: List[Dict[str, Any]] = []
    while sum(trial['epochs'] for trial in told) < budget * epochs:
        trial = study.ask()
        values = space.suggested(subject.table.task, trial)
        told.append(_trial(subject, values, len(told), Pruning(trial, epochs)))
        if told[-1]['finished']:
            study.tell(trial, told[-1]['validation'])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return told


def _trial(subject: Subject, values: Dict[str, Any], number: int, *watching: 'Pruning'
           ) -> Dict[str, Any]:
    """Train one point of the space.

    Args:
        subject: what is to be repaired.
        values: the point.
        number: of the trial, counted from 0.
        watching: what may stop it.

    Returns:
        ``validation``: what to choose by; ``skill`` and ``error`` on untouched rows; ``epochs``;
        ``finished``: whether it was not stopped; ``seconds``; ``values``.
    """
    began = time.perf_counter()
    setup = space.changed(subject.setup, subject.table, values)
    training = subject.ready(setup, seed=subject.case.seed + number)
    for watch in watching:
        watch.training = training
    counting = Counting()
    training.fit([counting, *watching])
    return dict(untouched(training.data, training.model), validation=to_choose_by(training),
                epochs=counting.epochs, finished=not any(watch.pruned for watch in watching),
                seconds=round(time.perf_counter() - began, 2), values=values)


class Counting(keras_bridge.keras.callbacks.Callback):
    """Counts epochs."""

    epochs = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """One more."""
        self.epochs += 1


class Pruning(keras_bridge.keras.callbacks.Callback):
    """Tells Optuna at each rung how far a trial has come, and stops it if Optuna says so.

    Args:
        trial: Optuna's.
        epochs: planned.

    Attributes:
        training: what is trained; set before it begins.
        pruned: whether it was stopped.
    """

    def __init__(self, trial: Any, epochs: int) -> None:
        super().__init__()
        self._trial = trial
        self._rungs = {max(1, epochs // REDUCTION**2) * REDUCTION**rung for rung in range(3)}
        self._planned = epochs
        self.training: Any = None
        self.pruned = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report at a rung below the last epoch."""
        done = epoch + 1
        if done not in self._rungs or done >= self._planned:
            return
        self._trial.report(to_choose_by(self.training), done)
        if self._trial.should_prune():
            self.pruned = True
            self.model.stop_training = True
