"""Watching a training (``LossHistory``) and running one (``model_train``, ``model_retrain``)."""

import contextlib
import functools
import logging
import os
import time
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from .. import interrupts, keras_bridge
from ..errors import UserError
from ..intake import inputs
from ..intake.arrays import Batch, draw_batch
from ..intake.config import (
    Training,
    check_callback_names,
    check_config,
    check_count,
    check_seed,
    optional_path,
)
from ..judge import schedule
from ..judge.configuration import accuracy_counts
from ..judge.facts import Task, Verdict, joined
from ..judge.history import JUDGMENT_EPOCHS, last_accuracy
from ..judge.labels import label_kind
from ..judge.losses import loss_name
from ..judge.session import Plan, Session, Subject
from ..judge.watcher import Watcher
from ..keras_bridge.interruption import HonourSignals
from ..record.best_weights import BestWeights
from ..record.checkpoint import (
    Checkpoint,
    Interval,
    SeedEpochs,
    check_interval,
    damaged,
    read_checkpoint,
)
from ..record.folder import SCHEMA_VERSION, Recorder, RecordError, RunFolder, write_json
from ..record.journal import Journal, begin_run, trained_model
from ..record.reader import last_number
from ..settings import Watching
from ..solutions.candidate import Blueprint
from .compute_gradient import Probe, baseline_loss
from .logger import LOGGER, log_to_file, stop_logging
from .modules import Candidate, Outcome, Repair, Repair_Module, Step
from .monitor import IssueMonitor

PROBE_ROWS = (32, 512)
"""Rows of the probe's batch: the training's batch size, kept between these two."""

_ACCURACY_NAMES = ('accuracy', 'acc', 'categorical_accuracy', 'sparse_categorical_accuracy',
                   'binary_accuracy')


def epoch_values(logs: Mapping[str, Any]) -> Dict[str, Optional[float]]:
    """The four numbers of an epoch from Keras's logs, whatever the accuracy is called there.

    Of a model with several outputs the accuracy is the mean of theirs.

    Args:
        logs: what Keras hands to ``on_epoch_end``.

    Returns:
        ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.
    """
    def number(name: str) -> Optional[float]:
        return None if logs.get(name) is None else float(logs[name])

    def accuracy(before: str) -> Optional[float]:
        for name in _ACCURACY_NAMES:
            if logs.get(before + name) is not None:
                return number(before + name)
        outputs = [number(name) for name in logs if name.startswith('val_') == bool(before)
                   and name.endswith(tuple('_' + known for known in _ACCURACY_NAMES))
                   and 'top_k' not in name]
        found = [value for value in outputs if value is not None]
        return sum(found) / len(found) if found else None

    return {'loss': number('loss'), 'acc': accuracy(''), 'val_loss': number('val_loss'),
            'val_acc': accuracy('val_')}


class LossHistory(keras_bridge.keras.callbacks.Callback):
    """Watches a training, says which problem it has, and stops it.

    Every argument is optional: what can be found out from the training itself is. The training is
    not changed by being watched: with the same seed its losses are the same to the last bit.

    Args:
        training_data: where the probe's batch is drawn from: ``(x, y)`` or a mapping with ``x`` and
            ``y``; or what ``fit`` takes instead, if it can be begun twice (``tf.data.Dataset``
            that does not shuffle anew, ``PyDataset``, ``Sequence``, ``DataLoader``), of which the
            first batch is looked at. Without it only the history is judged, no gradient.
        model: upstream's argument; Keras tells the callback.
        batch_size: rows of the probe's batch (kept between 32 and 512); default 32.
        total_epoch: planned epochs; default those that ``fit`` was called with. With it, several
            ``fit`` of one model are one training until so many epochs are done; without it they
            are where ``initial_epoch`` says so.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        determine_threshold: see :class:`~AutoTrainer.settings.Watching`, as the others without
            words here.
        satisfied_acc: accuracy from which a run counts as converged.
        checktype: when to look: ``'dynamic'`` (default), ``'adaptive'`` or ``'epoch_N'``.
        satisfied_count: stop, content, after so many epochs in a row at ``satisfied_acc``.
        retrain: whether this is a repair attempt; noted in the events.
        pkl_dir: folder that gets ``issue_history.json`` when an issue is found (upstream wrote
            pickles there).
        solution: name of the solution that is being tried; noted in the events.
        params: thresholds.
        stop: whether to stop a training that has an issue.
        seed: for drawing the probe's batch.
        optional_issues: which of ``'overfit'``, ``'collapse'`` to judge; default ``'collapse'``
            under ``'adaptive'``, none otherwise.
        overhead_budget: share of the training time for probes under ``'adaptive'``.
        recorder: where to write instead of ``save_dir``.
        on_epoch: called with this callback after every epoch (a progress line).

    Attributes:
        session: the :class:`~AutoTrainer.judge.session.Session` of the training: its ``checks``
            and ``probes`` (checks that looked at gradients), who ``ended`` it.

    Raises:
        UserError: for a wrong argument or data that cannot be trained on, at once; for class
            numbers beyond the model's outputs before the first step.

    Example:
        >>> watch = LossHistory(training_data=(x, y))  # doctest: +SKIP
        >>> model.fit(x, y, epochs=50, callbacks=[watch])  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, training_data: Any = None, model: Any = None,
                 batch_size: Optional[int] = None, total_epoch: Optional[int] = None,
                 save_dir: Optional[str] = None, determine_threshold: int = 5,
                 satisfied_acc: float = 0.7, checktype: str = schedule.DEFAULT_CHECKTYPE,
                 satisfied_count: Optional[int] = None, retrain: bool = False,
                 pkl_dir: Optional[str] = None, solution: Optional[str] = None,
                 params: Optional[Mapping[str, float]] = None, stop: bool = True, seed: int = 0,
                 optional_issues: Optional[Sequence[str]] = None,
                 overhead_budget: Optional[float] = 0.01, recorder: Optional[Recorder] = None,
                 on_epoch: Optional[Callable[['LossHistory'], None]] = None) -> None:
        super().__init__()
        self.watching = Watching(checktype, satisfied_acc, satisfied_count, determine_threshold,
                                 params, optional_issues, overhead_budget, stop)
        for name, count in (('batch_size', batch_size), ('total_epoch', total_epoch)):
            if count is not None:
                check_count(name, count)
        self.total_epoch = total_epoch
        self.solution = solution
        self.pkl_dir = pkl_dir
        self.on_epoch = on_epoch
        self._facts = {'retrain': retrain, 'solution': solution}
        self._batch = probe_batch(training_data, batch_size, check_seed(seed))
        self._labels = all_labels(training_data)
        self._save_dir = save_dir
        self._recorder = recorder
        self._is_alone = recorder is None  # in a fit() of the user's own
        self._watched: Any = None
        self._begin(0)

    @property
    def history(self) -> Dict[str, List[Optional[float]]]:
        """``loss``, ``acc``, ``val_loss``, ``val_acc``: one number per epoch, or None."""
        return self.session.history

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons."""
        return self.session.verdict

    @property
    def issue_list(self) -> List[str]:
        """Names of the issues found, the one to be repaired first in front."""
        return list(self.verdict.issues)

    @property
    def monitor(self) -> IssueMonitor:
        """The recognizer of the session."""
        return self.session.monitor

    @property
    def watcher(self) -> Watcher:
        """The checks of the session."""
        return self.session.watcher

    # ------------------------------------------------------------------------------ Keras's hooks

    def set_model(self, model: Any = None) -> None:
        """Keras says which model is trained."""
        if model is None:  # called on the class: 'self' is the model
            raise UserError('callbacks has the class LossHistory; give an object of it, '
                            'LossHistory(...)')
        super().set_model(model)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Start anew, unless this ``fit`` goes on with a training that is not over."""
        self._first_epoch: Optional[int] = None
        self._last_epoch: Optional[int] = None
        goes_on = self._is_unfinished()
        self._open_recorder()
        if goes_on:
            if self._recorder is not None:
                self._recorder.restore(self.history, [])
                self.session.recorder = self._recorder
            return
        self._earlier = self.session if self._watched is self.model else None
        self._watched = self.model
        self._begin(0)

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """See whether ``initial_epoch`` says that the training began before this ``fit``."""
        self._announce()
        if self._first_epoch is not None:
            return
        self._first_epoch = epoch
        if epoch > 0 and not self.session.epochs:
            earlier = self._earlier
            if earlier is not None and earlier.plan.before + earlier.epochs == epoch:
                self._begin(earlier.plan.before)
                self.session.go_on_from(earlier)
                if self._recorder is not None:
                    self._recorder.restore(self.history, [])
            else:
                self._begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Take in the epoch, and stop the run if there is a reason."""
        self._last_epoch = epoch
        if self.session.epoch(epoch_values(logs or {})):
            self.model.stop_training = True
        if self.session.epochs == 1 and self.history['acc'][0] is None:
            LOGGER.warning('%s', self._no_accuracy())
        if self.on_epoch is not None:
            self.on_epoch(self)

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Judge a training that was ended early, and close what was opened here."""
        ran_to_its_end = self._last_epoch is not None and (
            self._last_epoch + 1 == self._told_by_fit('epochs'))
        if not (ran_to_its_end and self._is_unfinished()):
            self.session.end()
            if self._is_alone and 0 < self.session.epochs < JUDGMENT_EPOCHS:
                LOGGER.warning('%s', self.verdict.reason)
        self._announce()
        self._close_recorder()

    # ------------------------------------------------------------------------- one session or more

    def _told_by_fit(self, name: str) -> Optional[int]:
        """What ``fit`` says of the training (``epochs``, ``steps``); None before it runs."""
        return (getattr(self, 'params', None) or {}).get(name)

    def _is_unfinished(self) -> bool:
        """Whether the next ``fit`` of the same model belongs to the training watched so far."""
        done = self.session.plan.before + self.session.epochs
        return (self.total_epoch is not None and self._watched is self.model
                and 0 < self.session.epochs and done < self.total_epoch)

    def _begin(self, before: int) -> None:
        """A new session, for a training that was trained for some epochs before."""
        planned = self.total_epoch or self._told_by_fit('epochs') or 1
        self.session = Session(
            self.watching, Plan(max(1, planned - before), self._told_by_fit('steps'), before),
            self._subject(), self._recorder, self._facts)
        self._announced = False

    def _subject(self) -> Subject:
        """What can be told of the model; nothing before there is one, or without data."""
        model = self._watched
        if model is None or self._batch is None:
            return Subject()
        labels = self._batch.y if self._labels is None else self._labels
        task = Task(loss=loss_name(getattr(model, 'loss', None)),
                    units=keras_bridge.output_units(model),
                    labels=label_kind(labels, getattr(model, 'output_shape', None)))
        if self._labels is not None:
            inputs.check_classes(self._labels, task.loss, task.units,
                                 getattr(model.loss, 'ignore_class', None))
        return Subject(
            Probe(model, self._batch, self._labels), accuracy_counts(task),
            lambda: None if self._labels is None else baseline_loss(model, self._labels))

    # ---------------------------------------------------------------------------- words and files

    def _no_accuracy(self) -> str:
        """What to do where there is no accuracy to judge."""
        said = 'no accuracy among the metrics: little can be judged; '
        if self._labels is None:
            return said + ("compile with metrics=['accuracy'] or give LossHistory arrays as "
                           'training_data')
        return said + ("compile with metrics=['accuracy'], or with a loss of Keras's: of the "
                       'loss %s with these labels the best constant prediction is not known, '
                       'against which a training without accuracy is judged'
                       % (loss_name(getattr(self.model, 'loss', None)) or 'given'))

    def _announce(self) -> None:
        """Say what was found: once, and where Keras's progress bar has ended its line."""
        verdict = self.verdict
        if self._announced or not verdict.issues:
            return
        self._announced = True
        stopped = self.watching.stop and self.session.ended == 'verdict'
        LOGGER.log(logging.WARNING if self._is_alone else logging.INFO, 'epoch %s: %s%s',
                   verdict.epoch, verdict.reason, '; the training is stopped '
                   '(LossHistory(..., stop=False) lets it run on)'
                   if stopped and self._is_alone else '')
        if self.pkl_dir is not None:
            os.makedirs(self.pkl_dir, exist_ok=True)
            write_json(os.path.join(self.pkl_dir, 'issue_history.json'),
                       dict(verdict.as_dict(), history=self.history))

    def _open_recorder(self) -> None:
        if self._save_dir is not None:
            self._close_recorder()  # that of a training which was interrupted
            self._recorder = Recorder(RunFolder(self._save_dir))

    def _close_recorder(self) -> None:
        if self._save_dir is not None and self._recorder is not None:
            self._recorder.close()
            self._recorder.run.close()
            self._recorder = None


def probe_batch(training_data: Any, batch_size: Optional[int], seed: int) -> Optional[Batch]:
    """The probe's batch from what a user gives as training data.

    Args:
        training_data: see :class:`LossHistory`.
        batch_size: the training's; the batch has 32 to 512 rows.
        seed: which rows.

    Returns:
        The batch, or None without data.

    Raises:
        UserError: if the data is of another kind, or cannot be trained on.
    """
    if training_data is None:
        return None
    if isinstance(training_data, (str, bytes, int, float)):
        raise UserError("training_data is a %s; give (x, y) or {'x': …, 'y': …}"
                        % type(training_data).__name__)
    pair = _pair(training_data)
    if pair is None:
        x, y = keras_bridge.first_batch(training_data)
    else:
        x, y = inputs.check_pair(*pair)
    rows = min(max(batch_size or PROBE_ROWS[0], PROBE_ROWS[0]), PROBE_ROWS[1])
    return draw_batch(x, y, rows, seed)


def _pair(training_data: Any) -> Optional[Tuple[Any, Any]]:
    """Inputs and labels of all rows; None if the data comes in batches."""
    if isinstance(training_data, Mapping) and {'x', 'y'} <= set(training_data):
        return training_data['x'], training_data['y']
    if isinstance(training_data, tuple) and len(training_data) in (2, 3) or (
            isinstance(training_data, list) and len(training_data) == 2):
        return training_data[0], training_data[1]  # the third are weights, of no use here
    return None


def all_labels(training_data: Any) -> Optional[np.ndarray]:
    """All training labels, if they are one array; None if they are not known."""
    pair = None if training_data is None else _pair(training_data)
    arrays = None if pair is None else inputs.as_arrays(pair[1])
    if arrays is None or isinstance(arrays, (dict, list, tuple)):
        return None
    labels = np.asarray(arrays)  # also of pandas, JAX, PyTorch
    return labels if labels.ndim and labels.dtype.kind in 'biuf' else None


# ------------------------------------------------------------------------------------- training

@interrupts.held()
def model_retrain(model: Any, config: Union[Training, Mapping[str, Any]],
                  satisfied_acc: float = 0.7, save_dir: Optional[str] = None,
                  retrain_dir: Optional[str] = None, verb: int = 0,
                  solution: Optional[str] = None, determine_threshold: int = 5,
                  checktype: str = schedule.DEFAULT_CHECKTYPE,
                  params: Optional[Mapping[str, float]] = None, seed: int = 0,
                  optional_issues: Optional[Sequence[str]] = None,
                  overhead_budget: Optional[float] = 0.01, recorder: Optional[Recorder] = None,
                  on_epoch: Optional[Callable[[LossHistory], None]] = None,
                  checkpoint: Interval = Interval(), resume: bool = False) -> Outcome:  # noqa: B008
    """Train a fresh copy of a model once, under the monitor.

    The order of the rows in an epoch depends on the seed and the epoch alone, so that a training
    that was interrupted can be gone on with.

    Args:
        model: a :class:`~AutoTrainer.solutions.candidate.Blueprint`, or an untrained Keras model.
        config: a :class:`~AutoTrainer.intake.config.Training`, or the arguments of one by name.
        satisfied_acc: accuracy from which the run counts as converged.
        save_dir: the run folder; None writes nothing.
        retrain_dir: folder of this attempt's history; default ``save_dir``.
        verb: verbosity of ``fit``.
        solution: name of the solution that is being tried, None for the first training.
        determine_threshold: see :class:`LossHistory`.
        checktype: see :class:`LossHistory`.
        params: see :class:`LossHistory`.
        seed: for weights that are drawn anew, shuffling and the probe's batch.
        optional_issues: see :class:`LossHistory`.
        overhead_budget: see :class:`LossHistory`.
        recorder: where to write instead of ``save_dir``.
        on_epoch: see :class:`LossHistory`.
        checkpoint: how often the training is saved, where something is written at all.
        resume: whether to go on from the checkpoint in the folder, if there is one.

    Returns:
        What the training came to.

    Raises:
        RecordError: if the folder cannot be written, or its checkpoint cannot be gone on from.
    """
    training = config if isinstance(config, Training) else Training(**config)
    blueprint = model if isinstance(model, Blueprint) else keras_bridge.take_blueprint(model)
    run = RunFolder(save_dir) if save_dir and recorder is None else None
    if run is not None:
        recorder = Recorder(run, retrain_dir)
    try:
        fresh = keras_bridge.build_model(blueprint, seed)
        shared = fresh is blueprint.original  # which the next training changes
        keras_bridge.compile_model(fresh, training.optimizer, training.loss, training.metrics)
        data = training.dataset
        watch = LossHistory(
            training_data=data, batch_size=training.batch_size, total_epoch=training.epochs,
            determine_threshold=determine_threshold, satisfied_acc=satisfied_acc,
            checktype=checktype, retrain=solution is not None, solution=solution, params=params,
            seed=seed, optional_issues=optional_issues, overhead_budget=overhead_budget,
            recorder=recorder, on_epoch=on_epoch)
        callbacks = [keras_bridge.named_callback(c, data['x_val'] is not None, training.optimizer)
                     if isinstance(c, str) else c for c in training.callbacks]
        called: List[Any] = [SeedEpochs(seed)] + callbacks + [watch]
        best = BestWeights(watch, shared) if 'collapse' in watch.monitor.optional_issues else None
        if best is not None:
            called.append(best)
        saved = None
        if recorder is not None:
            saved = read_checkpoint(recorder.folder) if resume else None
            remembered = callbacks + ([best] if best else [])
            called.append(Checkpoint(watch, remembered, recorder, training.epochs, checkpoint,
                                     saved))
        called.append(HonourSignals())
        if saved is not None and not keras_bridge.restore_training(fresh, saved.model):
            raise damaged(recorder.folder if recorder else '', 'it is of another model')
        first = saved.epoch if saved else 0
        keras_bridge.set_seed(seed)
        started = time.perf_counter()
        fresh.fit(
            validation_data=None if data['x_val'] is None else (data['x_val'], data['y_val']),
            validation_batch_size=training.batch_size, epochs=training.epochs, initial_epoch=first,
            verbose=verb, callbacks=called, **keras_bridge.fit_data(
                data['x'], data['y'], training.batch_size, seed, first, training.epochs))
        final = _reached(fresh, watch, training)
        seconds = time.perf_counter() - started + (saved.seconds if saved else 0.0)
    finally:
        if recorder is not None:
            recorder.close()
        if run is not None:
            run.close()
    outcome = _outcome(fresh, watch, final, seconds)
    if shared:
        outcome = outcome._replace(weights=keras_bridge.all_weights(fresh))
    if best is not None and 'collapse' in outcome.issues and (
            watch.monitor.collapse.learnt_before):
        return outcome._replace(best_weights=best.by_layer())
    return outcome


def _reached(model: Any, watch: LossHistory, training: Training) -> Dict[str, Optional[float]]:
    """Where a training has come to: the numbers of the model as it is now.

    Those of the last epoch, unless a callback may have put back the weights of a better one.
    """
    restoring = 'estop' in training.callbacks or any(
        getattr(callback, 'restore_best_weights', False) for callback in training.callbacks)
    if not restoring or watch.monitor.state.non_finite:
        return {key: last_number(series) for key, series in watch.history.items()}
    data = training.dataset
    part, prefix = ('', '') if data['x_val'] is None else ('_val', 'val_')
    measured = model.evaluate(data['x' + part], data['y' + part],
                              batch_size=training.batch_size, verbose=0, return_dict=True,
                              callbacks=[HonourSignals()])
    return watch.session.complete(epoch_values({
        prefix + name: value for name, value in measured.items()}))


def _outcome(model: Any, watch: LossHistory, final: Mapping[str, Optional[float]],
             seconds: float) -> Outcome:
    accuracy = last_accuracy(final)
    loss = final['loss'] if final['val_loss'] is None else final['val_loss']
    score = accuracy if accuracy is not None else -loss if loss is not None else float('-inf')
    broken = bool(watch.monitor.state.non_finite)
    return Outcome(
        model=model, issues=watch.verdict.issues, reason=joined(watch.verdict.reasons),
        epoch=watch.verdict.epoch, epochs=len(watch.history['loss']), val_accuracy=accuracy,
        score=float('-inf') if broken or score != score else score, checks=watch.watcher.checks,
        probes=watch.watcher.probes, train_seconds=seconds - watch.session.check_time.seconds,
        check_seconds=watch.session.check_time.seconds)


class TrainResult(NamedTuple):
    """What ``model_train`` returns with ``autorepair``.

    Attributes:
        result: the content of ``result.json``.
        model: the trained model, the best one if it was repaired.
        trained_path: where it was saved.
    """

    result: Dict[str, Any]
    model: Any
    trained_path: str


@interrupts.held()
def model_train(model: Any, train_config_set: Optional[Mapping[str, Any]] = None,
                optimizer: Any = None, loss: Any = None,
                dataset: Optional[Mapping[str, Any]] = None, iters: Optional[int] = None,
                batch_size: Optional[int] = None, log_dir: Optional[str] = None,
                callbacks: Optional[Sequence[Any]] = None, root_path: Optional[str] = None,
                new_issue_dir: Optional[str] = None, verb: int = 0, determine_threshold: int = 5,
                save_dir: str = './tool_log', checktype: str = schedule.DEFAULT_CHECKTYPE,
                autorepair: bool = True, modification_sufferance: int = 3,
                memory_limit: bool = False, satisfied_acc: float = 0.7, strategy: str = 'balance',
                params: Optional[Mapping[str, float]] = None, seed: int = 0,
                optional_issues: Optional[Sequence[str]] = None,
                overhead_budget: Optional[float] = 0.01,
                on_epoch: Optional[Callable[[LossHistory], None]] = None, resume: bool = False,
                checkpoint_epochs: int = 1, checkpoint_seconds: float = 30.0) -> Any:
    """Train a model, say which problem the training has, and repair it.

    Args:
        model: an untrained Keras model, or the path of one (``.keras``, ``.h5``). It is not
            changed: what is trained is built from it (a subclassed model is trained itself).
        train_config_set: a configuration as :func:`~AutoTrainer.intake.config.read_config` returns
            it; the arguments below win over it.
        optimizer: name, Keras optimizer, or its description.
        loss: name, function or object.
        dataset: ``x``, ``y`` and, for validation, ``x_val``, ``y_val``.
        iters: planned epochs.
        batch_size: rows per step.
        log_dir: folder for ``monitor_repair.log``; None for none.
        callbacks: ``'estop'``, ``'ReduceLR'`` or Keras callbacks; their order is kept.
        root_path: folder that relative folders count from; default the working directory.
        new_issue_dir: folder for a record of every new issue that a solution brought up.
        verb: verbosity of ``fit``.
        determine_threshold: epochs in a row that the overfitting symptoms must last.
        save_dir: the run folder (``docs/guide/run-folder.md``); what an earlier run left there is
            replaced.
        checktype: when to look: ``'dynamic'`` (default), ``'adaptive'`` or ``'epoch_N'``.
        autorepair: whether to repair; otherwise only the diagnosis and the solutions.
        modification_sufferance: how much a solution may change the model, 0 to 3.
        memory_limit: whether to leave out solutions that need much memory.
        satisfied_acc: accuracy from which a run counts as converged.
        strategy: order of the solutions: ``'balance'``, ``'structure'`` or ``'efficiency'``.
        params: thresholds that differ from ``AutoTrainer.utils.monitor.DEFAULT_PARAMS``.
        seed: for everything random.
        optional_issues: which of ``'overfit'``, ``'collapse'`` to judge.
        overhead_budget: share of the training time for probes under ``'adaptive'``.
        on_epoch: called with the callback after every epoch.
        resume: whether to go on with a run that was interrupted, at whatever moment, in
            ``save_dir``: trainings that are on record there are not repeated, the one in mid-run
            goes on from its last checkpoint. All other arguments must be as they were. Where there
            is nothing to go on with, the run begins.
        checkpoint_epochs: epochs from one checkpoint of a training to the next, at least.
        checkpoint_seconds: seconds from one to the next, at least; 0 for every epoch.

    Returns:
        :class:`TrainResult` (result, model, trained_path) with ``autorepair``; without, a pair
        (problems, solutions): names of the issues, and the tries that a repair would make, in
        order and in words.

    Raises:
        UserError: for anything in the arguments that cannot work, before training; while training
            only a :class:`~AutoTrainer.record.folder.RecordError`, if the run folder cannot be
            written any more.
        KeyboardInterrupt: if it is interrupted (:class:`~AutoTrainer.interrupts.Terminated` by
            SIGTERM), before the next batch, by a second signal at once; ``result.json`` says so
            and has what is known.
    """
    training = _training(train_config_set, optimizer, loss, dataset, iters, batch_size, callbacks)
    schedule.check_checktype(checktype)
    if isinstance(model, (str, os.PathLike)):
        model = keras_bridge.load_model(os.fspath(model))
    training, notes = _fit_to_model(training, keras_bridge.check_model(model))
    base = root_path or ''
    checkpoint = check_interval(checkpoint_epochs, checkpoint_seconds)
    order: Dict[str, Any] = dict(
        strategy=strategy, modification_sufferance=modification_sufferance,
        memory_limit=memory_limit)
    watching: Dict[str, Any] = dict(
        satisfied_acc=satisfied_acc, determine_threshold=determine_threshold, checktype=checktype,
        params=params, optional_issues=optional_issues, overhead_budget=overhead_budget)
    seed = check_seed(seed)
    Repair_Module(_no_training, **order)  # wrong settings are told now
    Watching(**watching)
    run = RunFolder(os.path.join(base, save_dir))
    log = None
    try:
        if log_dir is not None:
            os.makedirs(os.path.join(base, log_dir), exist_ok=True)
            log = log_to_file(os.path.join(base, log_dir, 'monitor_repair.log'))
        for note in notes:
            LOGGER.warning('%s', note)
        new_issue_dir = optional_path(base, new_issue_dir)
        resumed = begin_run(
            run, resume, model, training,
            dict(watching, seed=seed, autorepair=autorepair, **order, **_settings(training)),
            train_config_set, {'log_dir': optional_path(base, log_dir),
                               'new_issue_dir': new_issue_dir})
        train = functools.partial(model_retrain, verb=verb, on_epoch=on_epoch,
                                  checkpoint=checkpoint, **watching)
        journal = Journal(run, train, new_issue_dir, resumed)
        repairer = Repair_Module(journal.train, seed=seed, record=journal.record,
                                 keep=journal.keep, **order)
        candidate = Candidate(keras_bridge.take_blueprint(model), training)
        path = run.file('model' + keras_bridge.MODEL_SUFFIX)
        tell = functools.partial(_result, journal, training, checktype, seed)
        try:
            first = journal.train_first(candidate, seed)
            found = Repair('detected' if first.issues else 'normal', candidate, first, '', [])
            started = time.perf_counter()
            if first.issues and autorepair:
                found = repairer.solve(candidate, first)
            repair_seconds = time.perf_counter() - started + journal.earlier_seconds
            trained = trained_model(found.outcome, found.candidate, seed)
            keras_bridge.save_model(trained, path)
        except KeyboardInterrupt:
            with contextlib.suppress(RecordError):  # being interrupted is what matters now
                run.write_result(tell('interrupted'))
            raise
        result = tell(found.status, found, repair_seconds)
        run.write_result(result)
    finally:
        run.close()
        stop_logging(log)
    if autorepair:
        return TrainResult(result, trained, path)
    return list(first.issues), repairer.describe(candidate, first.issues)


def _fit_to_model(training: Training, model: Any) -> Tuple[Training, List[str]]:
    """Bring the data into the form that the model takes.

    Returns:
        The training, and what is worth knowing about its data.

    Raises:
        UserError: if they do not fit.
    """
    data, loss = training.dataset, loss_name(training.loss)
    keras_bridge.ensure_built(model, data['x'])
    shape = getattr(model, 'output_shape', None)
    data, notes = inputs.prepare(data, shape, loss, keras_bridge.takes_integers(model))
    inputs.check_fit(data, getattr(model, 'input_shape', None), shape, loss)
    keras_bridge.try_inputs(model, data['x'])
    return training._replace(dataset=data), notes


def _no_training(candidate: Candidate, step: Step, seed: int) -> Outcome:
    raise AssertionError('this scheduler is only there to look at its settings')


def _result(journal: Journal, training: Training, checktype: str, seed: int, status: str,
            found: Optional[Repair] = None, repair_seconds: float = 0.0) -> Dict[str, Any]:
    """The content of ``result.json``; without ``found`` that of a run which was interrupted."""
    first, path = journal.first, journal.run.file('model' + keras_bridge.MODEL_SUFFIX)
    issues = list(first.issues) if first else []
    return {
        'schema_version': SCHEMA_VERSION, 'status': status,
        'initial_issue': issues[0] if issues else None,
        'issues': issues, 'reason': first.reason if first else '',
        'detected_epoch': first.epoch if first else None,
        'total_epochs': training.epochs, 'checktype': checktype,
        'checks': first.checks if first else 0, 'probes': first.probes if first else 0,
        'solution': found.solution or None if found else None,
        'attempts': list(journal.attempts),
        'accuracy': {'before': first.val_accuracy if first else None,
                     'after': found.outcome.val_accuracy if found else None},
        'model_path': path if os.path.exists(path) else None, 'seed': seed,
        'seconds': {'train': first.train_seconds if first else 0.0,
                    'check': first.check_seconds if first else 0.0, 'repair': repair_seconds},
        'versions': keras_bridge.versions()}


def _settings(training: Training) -> Dict[str, Any]:
    """How a training is set up, in plain values that two processes can compare."""
    # the optimizer's name ('sgd_2') counts what a process has built before
    config = {key: value for key, value in training.optimizer['config'].items() if key != 'name'}
    return {'optimizer': dict(training.optimizer, config=config),
            'loss': loss_name(training.loss), 'batch_size': training.batch_size,
            'epochs': training.epochs,
            'callbacks': [callback if isinstance(callback, str) else type(callback).__name__
                          for callback in training.callbacks]}


def _training(given: Optional[Mapping[str, Any]], optimizer: Any, loss: Any, dataset: Any,
              iters: Optional[int], batch_size: Optional[int],
              callbacks: Optional[Sequence[Any]]) -> Training:
    """Put together how to train: explicit arguments win over the configuration.

    Raises:
        UserError: if something is missing or wrong.
    """
    config = check_config(given) if given else {}
    values = {'optimizer': optimizer, 'loss': loss, 'iters': iters, 'batch_size': batch_size}
    for name, key in (('optimizer', 'optimizer'), ('loss', 'loss'), ('iters', 'epoch'),
                      ('batch_size', 'batchsize')):
        if values[name] is None:
            values[name] = config.get(key)
        if values[name] is None:
            raise UserError('%s is missing; give it as an argument or in train_config_set' % name)
    kwargs = config.get('opt_kwargs') if optimizer is None else None
    return Training(
        optimizer=keras_bridge.optimizer_config(values['optimizer'], kwargs),
        loss=keras_bridge.check_loss(values['loss']),
        batch_size=check_count('batch_size', values['batch_size']),
        epochs=check_count('iters', values['iters']),
        callbacks=check_callback_names(config.get('callbacks') if callbacks is None else callbacks),
        dataset=inputs.check_dataset(dataset))
