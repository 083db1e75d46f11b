"""One training that is watched, saved now and then, and gone on with where it was interrupted."""

import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .. import keras_bridge
from ..errors import first_line
from ..judge.history import last_accuracy
from ..judge.skill import Skill
from ..solutions.candidate import Candidate, Outcome, Training, TrainingRecord
from ..utils.logger import LOGGER
from .best_weights import BestWeights
from .checkpoint import Checkpoint, Interval, Saved, SeedEpochs, damaged, read_checkpoint
from .folder import Recorder
from .reader import last_number

Numbers = Mapping[str, Optional[float]]


def watched_fit(candidate: Candidate, watch: Any, seed: int, recorder: Optional[Recorder] = None,
                resume: bool = False, checkpoint: Interval = Interval(),  # noqa: B008
                verb: int = 0) -> Outcome:
    """Train a fresh copy of a candidate's model once.

    The order of the rows in an epoch depends on the seed and the epoch alone, so that a training
    that was interrupted can be gone on with.

    Args:
        candidate: what to train, and how.
        watch: the :class:`~AutoTrainer.utils.utils.LossHistory` of the training.
        seed: for weights that are drawn anew, and shuffling.
        recorder: where the checkpoints go; None for none.
        resume: whether to go on from the checkpoint that is there, if there is one.
        checkpoint: how often the training is saved.
        verb: verbosity of ``fit``.

    Returns:
        What the training came to.

    Raises:
        RecordError: if the folder cannot be written, or its checkpoint cannot be gone on from.
    """
    training, data = candidate.training, candidate.training.dataset
    model = keras_bridge.build_model(candidate.model, seed)
    is_shared = model is candidate.model.original  # which the next training changes
    keras_bridge.compile_model(model, training.optimizer, training.loss, training.metrics,
                               training.loss_weights)
    saved = _taken_up(model, recorder) if recorder is not None and resume else None
    judged = watch.watching.by_skill or 'collapse' in watch.watching.judged_issues
    best = BestWeights(watch, is_shared) if judged else None
    own = [keras_bridge.named_callback(c, data['x_val'] is not None, training.optimizer)
           if isinstance(c, str) else c for c in training.callbacks]
    kept: List[Any] = [] if best is None else [best]
    called = [SeedEpochs(seed)] + own + [watch] + kept
    if recorder is not None:
        called.append(Checkpoint(watch, own + kept, recorder, training.epochs, checkpoint, saved))
    called.append(keras_bridge.HonourSignals())
    first = 0 if saved is None else saved.epoch
    keras_bridge.set_seed(seed)
    started = time.perf_counter()
    model.fit(
        validation_data=None if data['x_val'] is None else (data['x_val'], data['y_val']),
        validation_batch_size=training.batch_size, epochs=training.epochs, initial_epoch=first,
        verbose=verb, callbacks=called, class_weight=training.class_weight,
        **keras_bridge.fit_data(
            data['x'], data['y'], training.batch_size, seed, first, training.epochs,
            training.shuffle))
    final = _numbers_of(model, watch, training)
    seconds = time.perf_counter() - started + (0.0 if saved is None else saved.seconds)
    collapsed = 'collapse' in watch.verdict.issues and (
        watch.watching.by_skill or watch.monitor.collapse.learnt_before)
    return Outcome(
        _record(watch, final, seconds), model,
        best_weights=best.by_layer() if best is not None and (
            collapsed or watch.watching.by_skill) else None,
        weights=keras_bridge.all_weights(model) if is_shared else None)


def _taken_up(model: Any, recorder: Recorder) -> Optional[Saved]:
    """Put a model where the checkpoint in the folder has it; None if there is no checkpoint.

    Raises:
        RecordError: if it is damaged or of another model.
    """
    saved = read_checkpoint(recorder.folder)
    if saved is not None and not keras_bridge.restore_training(model, saved.model):
        raise damaged(recorder.folder, 'it is of another model')
    return saved


def _numbers_of(model: Any, watch: Any, training: Training) -> Numbers:
    """Loss and accuracy of a trained model as it is now.

    Those of the last epoch, unless a callback may have put back the weights of a better one.
    """
    restoring = 'estop' in training.callbacks or any(
        getattr(callback, 'restore_best_weights', False) for callback in training.callbacks)
    if not restoring or watch.monitor.state.non_finite:
        return {key: last_number(series) for key, series in watch.history.items()}
    data = training.dataset
    part, prefix = ('', '') if data['x_val'] is None else ('_val', 'val_')
    measured: Dict[str, Any] = model.evaluate(
        data['x' + part], data['y' + part], batch_size=training.batch_size, verbose=0,
        return_dict=True, callbacks=[keras_bridge.HonourSignals()])
    return watch.session.complete(keras_bridge.epoch_values({
        prefix + name: value for name, value in measured.items()}))


def _record(watch: Any, final: Numbers, seconds: float) -> TrainingRecord:
    """The plain record of a training that has ended.

    Args:
        watch: its callback.
        final: see :func:`_numbers_of`.
        seconds: of training and checks.
    """
    session, verdict = watch.session, watch.verdict
    accuracy = last_accuracy(final)
    loss = final['loss'] if final['val_loss'] is None else final['val_loss']
    score = accuracy if accuracy is not None else -loss if loss is not None else float('-inf')
    broken = bool(watch.monitor.state.non_finite) or score != score
    form, skill = measured_skill(session.subject.probe)
    told = verdict.issues if not verdict.is_blamed else ()
    return TrainingRecord(
        issues=() if told else verdict.issues, reasons={} if told else verdict.reasons,
        epoch=None if told else verdict.epoch, epochs=session.epochs,
        val_accuracy=accuracy, score=float('-inf') if broken else score, checks=session.checks,
        probes=session.probes, train_seconds=seconds - session.check_time.seconds,
        check_seconds=session.check_time.seconds, ended=session.ended,
        converged=session.converged,
        note=verdict.reason if told else '' if verdict.issues else verdict.note,
        skill=skill and skill.value, skill_error=skill and skill.error, skill_form=form,
        yardstick=verdict.yardstick)


def measured_skill(probe: Any) -> Tuple[str, Optional[Skill]]:
    """What a trained model has learnt.

    Args:
        probe: of its training; None where its rows are not known.

    Returns:
        The form and the skill of the output that is worst off, on validation rows, on training
        rows where there are none; ('', None) where it cannot be measured.
    """
    try:
        measured = None if probe is None else probe.skills()
    except Exception as error:  # of a framework; a finished training must not fail of this
        LOGGER.debug('the skill cannot be measured: %s', first_line(error))
        return '', None
    if measured is None:
        return '', None
    found = [(form, skills[form]) for form, skills in zip(
        measured.forms, measured.validation or measured.training) if form in skills]
    return min(found, key=lambda entry: entry[1].value) if found else ('', None)
