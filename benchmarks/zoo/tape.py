"""One training of the zoo, and everything of it that a judge could ask for, in plain numbers."""

import math
import time
from typing import Any, Dict, List

import numpy as np

from AutoTrainer import LossHistory, keras_bridge
from AutoTrainer.judge.labels import label_kind
from AutoTrainer.judge.skill import as_shares, read_answers, skills_of

from . import models
from .setups import Data
from .tables import Table, split
from .trainings import RECIPES, set_up
from .truth import skill

MEASURED_ROWS = 500
"""Training and validation rows of which the outputs are looked at after every epoch."""

keras = keras_bridge.keras


def train(table: Table, recipe: str, seed: int) -> Dict[str, Any]:
    """Train once, to the planned end, and tape it.

    Args:
        table: the data set.
        recipe: name of the recipe.
        seed: of the split, the setup, the weights and the order of the rows.

    Returns:
        The tape: names, plan, ``history`` (per epoch), ``facts`` (the task), ``gradients``,
        ``outputs`` and ``measured`` (one entry per epoch each), ``live`` (the verdict that was
        given while it ran), ``curve`` (skill on the untouched rows per epoch) and ``skill`` (of
        the weights as ``fit`` left them).
    """
    began = time.perf_counter()
    parts = split(table, seed)
    setup = set_up(table, recipe, len(parts.train), seed)
    data = Data(table, setup, parts)
    keras.backend.clear_session()
    keras_bridge.set_seed(seed)
    size = min(setup.batch or len(data.x), len(data.x))
    steps = math.ceil(len(data.x) / size)
    model = models.build(table, setup, steps)
    watch = live_watch(data, size)
    taper = Taper(watch, data)
    kwargs: Dict[str, Any] = {}
    if setup.validation:
        kwargs.update(validation_data=(data.x_val, data.y_val),
                      validation_batch_size=len(data.x_val))
    if data.class_weights:
        kwargs.update(class_weight=data.class_weights)
    model.fit(data.x, data.y, batch_size=size, epochs=setup.epochs, verbose=0,
              shuffle=not setup.ordered, callbacks=[watch, taper, *models.callbacks(setup)],
              **kwargs)
    found = taper.skill()
    return dict(
        table=table.name, task=table.task, kind=table.kind, half=table.half, recipe=recipe,
        spoilt=RECIPES[recipe].spoilt, seed=seed, setup=vars(setup), epochs=setup.epochs,
        steps=steps, batch=size,
        rows=dict(train=len(data.x), val=len(data.x_val) if setup.validation else 0,
                  test=len(data.x_test)),
        versions=keras_bridge.versions(), live=live_verdict(watch), skill=found,
        seconds=round(time.perf_counter() - began, 2), **taper.tape)


def live_watch(data: Data, batch: int) -> Any:
    """The callback whose verdict is the live one."""
    return LossHistory(training_data=(data.x, data.y), batch_size=batch, checktype='adaptive',
                       stop=False)


def live_verdict(watch: Any) -> Dict[str, Any]:
    """What the callback of :func:`live_watch` says at the end."""
    verdict = watch.verdict
    return dict(issues=list(verdict.issues), epoch=verdict.epoch, reason=verdict.reason)


class Taper(keras_bridge.keras.callbacks.Callback):
    """Tapes a training; stands behind the callback that judges it, whose probe it shares."""

    def __init__(self, watch: Any, data: Data) -> None:
        super().__init__()
        self._watch = watch
        self._data = data
        self._rows = {'train': _evenly(len(data.x)), 'val': _evenly(len(data.x_val))}
        self._x = np.concatenate([data.x[self._rows['train']], data.x_val[self._rows['val']],
                                  data.x_test])
        self.tape: Dict[str, Any] = dict(
            history={key: [] for key in ('loss', 'acc', 'val_loss', 'val_acc')}, facts=None,
            gradients=[], outputs=[], measured=[], curve=[])

    def on_train_begin(self, logs: Any = None) -> None:
        """Note what does not change."""
        subject = self._watch.session.subject
        self._probe = subject.probe
        self.tape['facts'] = dict(self._probe.task()._asdict(),
                                  accuracy_counts=subject.accuracy_counts,
                                  constant_loss=subject.constant_loss())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note one epoch."""
        for key, value in keras_bridge.epoch_values(logs or {}).items():
            self.tape['history'][key].append(value)
        self.tape['gradients'].append(dict(self._probe.gradients()._asdict()))
        self.tape['outputs'].append(dict(self._probe.outputs()._asdict()))
        outputs = self._outputs()
        self.tape['measured'].append(self._measured(outputs))
        self.tape['curve'].append(self._skill(outputs))

    def skill(self) -> float:
        """Skill on the untouched rows, now."""
        return self._skill(self._outputs())

    def _outputs(self) -> np.ndarray:
        """The model's outputs for the rows that are looked at, in inference mode."""
        if hasattr(self.model, 'jax_state_sync'):  # in fit the weights are elsewhere on JAX
            self.model.jax_state_sync()
        return np.asarray(self.model.predict_on_batch(self._x))

    def _skill(self, outputs: np.ndarray) -> float:
        data = self._data
        found = outputs[len(outputs) - len(data.x_test):]
        return skill(data.table.task, data.truth, data.answers(found))

    def _measured(self, outputs: np.ndarray) -> Dict[str, Any]:
        """What the judge measures of the outputs: by part, by form, (skill, standard error)."""
        found: Dict[str, Any] = {}
        facts, data = self.tape['facts'], self._data
        begin = 0
        for part, labels in (('train', data.y), ('val', data.y_val)):
            rows = self._rows[part]
            mine, begin = outputs[begin:begin + len(rows)], begin + len(rows)
            answers = read_answers(labels[rows], label_kind(data.y, self.model.output_shape),
                                   facts['units'])
            found[part] = {} if answers is None else {
                form: list(entry) for form, entry in skills_of(
                    answers, as_shares(answers, mine, facts['logits'])).items()}
            # how much the outputs differ from row to row
            found[part + '_spread'] = float(np.std(mine, axis=0).mean())
        return found


def _evenly(count: int) -> List[int]:
    """Rows that are looked at: all, or so many at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, MEASURED_ROWS)).astype(int)).tolist()
