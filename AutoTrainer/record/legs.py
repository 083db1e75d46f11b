"""One leg of a candidate of a race: trained from its last checkpoint up to an epoch, and looked at.

A leg is a function of its order and of what lies in the candidate's folder, in whatever process it
is run: a model that is still in memory is only faster. What it leaves there (checkpoint, and the
weights at the best look) is what the next one goes on from.
"""

import math
import os
import time
import traceback
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from .. import interrupts, keras_bridge
from ..judge.exam import NOTHING, Exam
from ..solutions.candidate import Candidate, TargetScale
from ..solutions.race import BROKE, NOT_FINITE, Leg, Look, leg_from
from .checkpoint import FILE, Saved, SeedEpochs, read_checkpoint, write_checkpoint
from .folder import RecordError

DIED = 'its process died'
"""Why a candidate ends whose process is gone."""

_BEST = 'best'
_MOST_LIVE = 4
"""Candidates that are kept in memory from one leg to the next: a field of them."""


class Course(NamedTuple):
    """What all candidates of a race are trained and looked at with.

    Attributes:
        exam: the rows that choose.
        seed: for weights that are drawn anew, and the order of the rows.
        verb: verbosity of ``fit``.
    """

    exam: Exam
    seed: int
    verb: int = 0


class Stretch(NamedTuple):
    """One leg to be trained, as it is sent to whoever trains it.

    Attributes:
        folder: of the candidate.
        candidate: the model and how it is trained.
        until: epochs that it has then.
        looks: epochs after which it is looked at, those of its earlier legs included: whoever goes
            on from an older state than the last looks once more.
    """

    folder: str
    candidate: Candidate
    until: int
    looks: Tuple[int, ...]


class _Live(NamedTuple):
    """A candidate in memory as its last leg left it."""

    model: Any
    leg: Leg
    best: List[np.ndarray]
    predict: Any


class Trainer:
    """Trains legs in this process.

    Args:
        course: what they have in common.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._live: Dict[str, _Live] = {}

    def __call__(self, stretch: Stretch) -> Leg:
        """Train one leg.

        Returns:
            What the candidate has come to. One that breaks down costs itself only.

        Raises:
            KeyboardInterrupt: if it is interrupted.
            RecordError: if the disk refuses.
        """
        try:
            return self._train(stretch)
        except RecordError:
            raise
        except Exception:  # whatever a framework makes of a candidate
            interrupts.honour()  # a second Ctrl-C may have come back as this error
            self._live.pop(stretch.folder, None)
            return broken(stretch.folder, BROKE, traceback.format_exc())

    def _train(self, stretch: Stretch) -> Leg:
        live = self._live.pop(stretch.folder, None) or self._taken_up(stretch)
        leg, training = live.leg, stretch.candidate.training
        if leg.epochs >= stretch.until or leg.ended:  # stopped between checkpoint and record
            return leg
        watch = _Looks(self._course.exam, stretch, live)
        began = time.perf_counter()
        data = training.dataset
        keras_bridge.set_seed(self._course.seed)
        live.model.fit(
            epochs=stretch.until, initial_epoch=leg.epochs, verbose=self._course.verb,
            callbacks=[SeedEpochs(self._course.seed), watch, keras_bridge.HonourSignals()],
            class_weight=training.class_weight, **keras_bridge.fit_data(
                data['x'], data['y'], training.batch_size, self._course.seed, leg.epochs,
                stretch.until, training.shuffle))
        leg = Leg(watch.epoch, leg.looks + tuple(watch.looks), watch.ended,
                  leg.seconds + time.perf_counter() - began)
        write_checkpoint(os.path.join(stretch.folder, FILE), Saved(
            leg.epochs, leg.as_dict(), [], leg.seconds, keras_bridge.training_state(live.model),
            [{_BEST: watch.best}] if watch.best else []))
        is_own = live.model is not stretch.candidate.model.original
        if is_own and not leg.ended and keras_bridge.repeats_exactly(live.model):
            self._live[stretch.folder] = _Live(live.model, leg, watch.best, watch.predict)
            for folder in list(self._live)[:-_MOST_LIVE]:
                del self._live[folder]
        return leg

    def _taken_up(self, stretch: Stretch) -> _Live:
        """A candidate as its last checkpoint has it, or as it is before its first step."""
        saved = read_checkpoint(stretch.folder)
        model = made(stretch.candidate, self._course.seed)
        if saved is None:
            return _Live(model, Leg(0), [], None)
        if not keras_bridge.restore_training(model, saved.model):
            raise ValueError('the checkpoint in %r is of another model' % stretch.folder)
        return _Live(model, leg_from(saved.watch), _best_of(saved), None)


def broken(folder: str, why: str, said: str) -> Leg:
    """A candidate that can go no further than its last checkpoint; its looks so far count.

    Args:
        folder: of the candidate.
        why: it ends.
        said: by whatever ended it.
    """
    saved = read_checkpoint(folder)
    return (Leg(0) if saved is None else leg_from(saved.watch))._replace(ended=why, said=said)


def made(candidate: Candidate, seed: int) -> Any:
    """A candidate's model before its first step, compiled."""
    training = candidate.training
    model = keras_bridge.build_model(candidate.model, seed)
    keras_bridge.compile_model(model, training.optimizer, training.loss, (),
                               training.loss_weights)
    return model


def _best_of(saved: Saved) -> List[np.ndarray]:
    return list(saved.callbacks[0][_BEST]) if saved.callbacks else []


def best_weights(folder: str) -> List[np.ndarray]:
    """All weights of a candidate at its best look, in the order of ``set_weights``.

    Raises:
        RecordError: if its checkpoint is damaged.
        ValueError: if there is none.
    """
    saved = read_checkpoint(folder)
    if saved is None or not _best_of(saved):
        raise ValueError('%r holds no candidate that was looked at' % folder)
    return _best_of(saved)


def outputs_in_units(outputs: List[Any], targets: Optional[TargetScale]) -> List[Any]:
    """Outputs of a model in the units of the labels."""
    return outputs if targets is None else [targets.of_outputs(array) for array in outputs]


class _Looks(keras_bridge.keras.callbacks.Callback):
    """Looks at a candidate after some epochs, and keeps the weights of the best look.

    Attributes:
        epoch: epochs done.
        looks: those of this leg.
        best: all weights at the best look so far.
        ended: why the candidate can go no further; ''.
    """

    def __init__(self, exam: Exam, stretch: Stretch, live: _Live) -> None:
        super().__init__()
        self._exam, self._stretch = exam, stretch
        self.predict = live.predict
        self.best = live.best
        self._score = max((look.score for look in live.leg.looks), default=-math.inf)
        self.epoch = live.leg.epochs
        self.looks: List[Look] = []
        self.ended = ''

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Look, if it is time."""
        self.epoch = epoch + 1
        loss = float((logs or {}).get('loss', 0.0))
        if not math.isfinite(loss):
            self.ended = NOT_FINITE
            self.model.stop_training = True
            return
        if self.epoch not in self._stretch.looks:
            return
        worth = self._measured()
        self.looks.append(Look(self.epoch, worth.skill.value, worth.score, worth.skill.error))
        if worth.score >= self._score:
            self._score = worth.score
            self.best = keras_bridge.all_weights(self.model)

    def _measured(self) -> Any:
        if self.predict is None:
            self.predict = keras_bridge.predictor(self.model)
        candidate = self._stretch.candidate
        outputs = outputs_in_units(self.predict(self._exam.x), candidate.targets)
        if not all(np.isfinite(array).all() for array in outputs):
            return NOTHING
        return self._exam.measure(outputs, logits_of(candidate, len(outputs)))


def logits_of(candidate: Candidate, outputs: int) -> List[bool]:
    """For each output whether the loss applies softmax or sigmoid to it."""
    loss = candidate.training.loss
    if isinstance(loss, dict):
        names = list(getattr(candidate.model.original, 'output_names', None) or loss)
        losses = [loss.get(name) for name in names]
    else:
        losses = list(loss) if isinstance(loss, (list, tuple)) else [loss] * outputs
    return [keras_bridge.takes_logits(one) for one in losses]
