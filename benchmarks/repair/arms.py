"""The ways to repair a training, each from a subject to a record in plain values.

A record has ``skill`` and ``error`` (on untouched rows, of the model that is handed back) and
``price`` (epochs of all trainings over the planned ones); a search has ``trials`` instead, see
:mod:`benchmarks.repair.search`. A repair has also ``status``, ``issues`` and ``winner``.
"""

import tempfile
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict

from AutoTrainer import keras_bridge
from AutoTrainer.record.fit import watched_fit
from AutoTrainer.record.reader import RunReader
from AutoTrainer.solutions.candidate import Candidate, Training
from AutoTrainer.utils.utils import LossHistory

from ..zoo import models
from .search import optuna_search, random_search
from .subject import Subject, untouched

Record = Dict[str, Any]


def _repair(subject: Subject, **settings: Any) -> Record:
    """AutoTrainer's own repair.

    Args:
        subject: what is to be repaired.
        settings: of :func:`AutoTrainer.repair`.
    """
    from AutoTrainer import repair
    training = subject.ready()
    data, setup = training.data, training.setup
    model, result = repair(
        training.model, data.x, data.y, validation_data=training.validation, epochs=setup.epochs,
        batch_size=training.batch, seed=subject.case.seed, shuffle=not setup.ordered,
        class_weight=data.class_weights, callbacks=models.callbacks(setup), **settings)
    race = result.get('race') or {}
    return dict(untouched(data, model), price=result.get('price'), status=result['status'],
                issues=result['issues'], winner=result['solution'] or '',
                told_skill=result['skill'], yardstick=result['yardstick'],
                candidates=list(race.get('candidates') or ()))


def _harmed(subject: Subject, **settings: Any) -> Record:
    """A repair; of a good training also what it would have been worth without."""
    record = _repair(subject, **settings)
    return record if subject.case.group == 'bad' else dict(record, alone=_let_alone(subject))


def _let_alone(subject: Subject) -> float:
    """Skill of the training where nobody stops it.

    Its rows come in the order that a repair gives them, which is not that of the tape.
    """
    training = subject.ready()
    data, setup, seed = training.data, training.setup, subject.case.seed
    held = training.validation or (None, None)
    candidate = Candidate(
        keras_bridge.take_blueprint(training.model),
        Training(keras_bridge.optimizer_config(training.model.optimizer), training.model.loss,
                 training.batch, setup.epochs, tuple(models.callbacks(setup)),
                 {'x': data.x, 'y': data.y, 'x_val': held[0], 'y_val': held[1]},
                 ('accuracy',) if setup.accuracy else (), not setup.ordered, data.class_weights))
    watch = LossHistory(candidate.training.dataset, total_epoch=setup.epochs, stop=False, seed=seed)
    model = watched_fit(candidate, watch, seed).model
    return float(untouched(data, model)['skill'])


def _cause_alone(subject: Subject) -> Record:
    """The solutions of the cause that was named first, and nothing else."""
    return _repair(subject, strategy='cause')


def _upstream(subject: Subject) -> Record:
    """Upstream's order of the solutions, one after another to the end; judged by skill too."""
    with tempfile.TemporaryDirectory() as folder:
        record = _repair(subject, strategy='balance', save_dir=folder)
        trained = [event['outcome']['epochs'] for event in RunReader(folder).events()
                   if event.get('outcome')]
    return dict(record, price=sum(trained) / subject.setup.epochs)


def _adam(subject: Subject) -> Record:
    """The same training with Adam at its default step."""
    training = subject.ready(replace(subject.setup, optimizer='Adam', rate=0.001, decay=1.0,
                                     settings={}))
    training.fit()
    return dict(untouched(training.data, training.model), price=1.0)


def _random(subject: Subject) -> Record:
    return dict(trials=random_search(subject))


def _random_few(subject: Subject) -> Record:
    return dict(trials=random_search(subject, 2))


def _optuna(subject: Subject) -> Record:
    return dict(trials=optuna_search(subject))


ARMS: Dict[str, Callable[[Subject], Record]] = {
    'race3': partial(_harmed, budget=3.0), 'race15': partial(_repair, budget=1.5),
    'cause': _cause_alone, 'upstream': _upstream, 'adam': _adam, 'random': _random,
    'optuna': _optuna, 'random_few': _random_few,
}
"""By name. ``random_few`` is for the quick form."""
