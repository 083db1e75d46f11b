"""One training of the zoo, and everything of it that a judge could ask for, in plain numbers."""

import time
from typing import Any, Dict

from AutoTrainer import keras_bridge
from AutoTrainer.watching import Watch

from . import models
from .setups import Data
from .tables import Table, split
from .trainings import RECIPES, set_up
from .truth import skill

keras = keras_bridge.keras


def train(table: Table, recipe: str, seed: int, taped: bool = True) -> Dict[str, Any]:
    """Train once, to the planned end.

    Args:
        table: the data set.
        recipe: name of the recipe.
        seed: of the split, the setup, the weights and the order of the rows.
        taped: whether to note what a replay needs. It is measured through the probe of the
            callback that judges, which then finds everything compiled; so the callback has no
            budget to keep to. Without it the callback has its default settings.

    Returns:
        Names, plan, ``history`` (per epoch), ``live`` (the verdict that was given while it ran),
        ``curve`` (skill on the untouched rows per epoch) and ``skill`` (of the weights as ``fit``
        left them); for a replay ``subject`` (what does not change) and per epoch ``gradients``,
        ``outputs`` and ``measured``.
    """
    began = time.perf_counter()
    parts = split(table, seed)
    setup = set_up(table, recipe, len(parts.train), seed)
    training = models.ready(table, setup, parts, seed)
    data, size = training.data, training.batch
    settings: Dict[str, Any] = dict(overhead_budget=None) if taped else {}
    watch = Watch(data.x, data.y, validation_data=training.validation, stop=False,
                  batch_size=size, **settings)
    taper = Taper(watch, data, taped)
    training.fit([watch, taper])
    verdict = watch.verdict
    return dict(
        table=table.name, task=table.task, kind=table.kind, half=table.half, recipe=recipe,
        spoilt=RECIPES[recipe].spoilt, seed=seed, setup=vars(setup), epochs=setup.epochs,
        steps=training.steps, batch=size,
        rows=dict(train=len(data.x), val=len(data.x_val) if setup.validation else 0,
                  test=len(data.x_test)),
        versions=keras_bridge.versions(),
        live=dict(issues=list(verdict.issues), told=list(verdict.told), epoch=verdict.epoch,
                  reason=verdict.reason, skill=verdict.skill, yardstick=verdict.yardstick),
        skill=taper.skill(), seconds=round(time.perf_counter() - began, 2), **taper.tape)


class Taper(keras_bridge.keras.callbacks.Callback):
    """Tapes a training.

    Args:
        watch: the callback that judges it and stands before this one, whose probe it shares.
        data: the training's rows.
        taped: whether to note more than the history and the truth.

    Attributes:
        tape: what was noted.
    """

    def __init__(self, watch: Any, data: Data, taped: bool) -> None:
        super().__init__()
        self._watch, self._data, self._taped = watch, data, taped
        self._predict: Any = None
        self.tape: Dict[str, Any] = dict(
            history={key: [] for key in ('loss', 'acc', 'val_loss', 'val_acc')}, curve=[])
        if taped:
            self.tape.update(subject=None, gradients=[], outputs=[], measured=[])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note what does not change, before the first step."""
        if not self._taped or self.tape['subject'] is not None:
            return
        subject = self._watch.session.subject
        probe = subject.probe
        self.tape['subject'] = dict(
            task=dict(probe.task()._asdict()), accuracy_counts=subject.accuracy_counts,
            constant_loss=subject.constant_loss(),
            constants=[part and dict(part._asdict()) for part in subject.constants],
            yardsticks=[yardstick.as_dict() for yardstick in probe.yardsticks()],
            findings=[[dict(finding._asdict()) for finding in probe.findings(thorough)]
                      for thorough in (False, True)])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note one epoch."""
        for key, value in keras_bridge.epoch_values(logs or {}).items():
            self.tape['history'][key].append(value)
        self.tape['curve'].append(self.skill())
        if not self._taped:
            return
        probe = self._watch.session.subject.probe
        self.tape['gradients'].append(dict(probe.gradients()._asdict()))
        self.tape['outputs'].append(dict(probe.outputs()._asdict()))
        measured = probe.skills()
        self.tape['measured'].append(measured and measured.as_dict())

    def skill(self) -> float:
        """Skill on the untouched rows, now."""
        data = self._data
        if self._predict is None:
            self._predict = keras_bridge.predictor(self.model)
        return skill(data.table.task, data.truth, data.answers(self._predict(data.x_test)[0]))
