"""Watching a training (``LossHistory``) and running one (``model_train``, ``model_retrain``)."""

import contextlib
import dataclasses
import functools
import logging
import os
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

from .. import interrupts, keras_bridge
from ..adapters.keras_source import Source, subject_of
from ..errors import UserError
from ..intake.config import check_count, check_seed, optional_path
from ..intake.training import intake
from ..judge import schedule
from ..judge.facts import Verdict
from ..judge.history import JUDGMENT_EPOCHS
from ..judge.losses import loss_name
from ..judge.session import Plan, Session, Subject
from ..judge.watcher import Watcher
from ..mending import OnRace, contradicted, described, mend
from ..record.checkpoint import Interval, check_interval
from ..record.fit import watched_fit
from ..record.folder import Recorder, RecordError, RunFolder, write_json
from ..record.journal import Journal, begin_run
from ..report.html import add_page
from ..settings import Repairing, Watching, of_a_run
from ..solutions.candidate import Blueprint, Candidate, Outcome, Training
from .compute_gradient import all_labels, probe_batch
from .logger import LOGGER, log_to_folder, stop_logging
from .monitor import IssueMonitor


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
        rules: what counts as sound, see :class:`~AutoTrainer.settings.Watching`.
        validation_data: ``(x, y)`` as ``fit`` has it; read under ``rules='skill'``.

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
                 on_epoch: Optional[Callable[['LossHistory'], None]] = None,
                 rules: Optional[str] = None, validation_data: Any = None) -> None:
        super().__init__()
        self.watching = Watching(checktype, satisfied_acc, satisfied_count, determine_threshold,
                                 params, optional_issues, overhead_budget, stop, rules)
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
        self._source = Source(training_data, validation_data, seed)
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
        if self.session.begin():
            self.model.stop_training = True
        self._announce()

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Take in the epoch, and stop the run if there is a reason."""
        self._last_epoch = epoch
        if self.session.epoch(keras_bridge.epoch_values(logs or {})):
            self.model.stop_training = True
        if (self.session.epochs == 1 and self.history['acc'][0] is None
                and not self.monitor.by_skill):
            LOGGER.warning('%s', self._no_accuracy())
        if self.on_epoch is not None:
            self.on_epoch(self)

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Judge a training that was ended early, and close what was opened here."""
        ran_to_its_end = self._last_epoch is not None and (
            self._last_epoch + 1 == self._told_by_fit('epochs'))
        if not (ran_to_its_end and self._is_unfinished()):
            self.session.end()
            if (self._is_alone and 0 < self.session.epochs < JUDGMENT_EPOCHS
                    and not self.session.monitor.judged and not self.issue_list):
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
        plan = Plan(max(1, planned - before), self._told_by_fit('steps'), before)
        self.session = Session(self.watching, plan, self._subject(plan), self._recorder,
                               self._facts)
        self._announced = False

    def _subject(self, plan: Plan) -> Subject:
        """What can be told of the model; nothing before there is one, or without data."""
        if self._watched is None or self._batch is None:
            return Subject()
        return subject_of(self._watched, self._batch, self._labels, self._source,
                          self.watching.by_skill, plan)

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
                   '(%s(..., stop=False) lets it run on)' % type(self).__name__
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


# ------------------------------------------------------------------------------------- training

class _Manner(NamedTuple):
    """How every training of a run is made.

    Attributes:
        watching: how it is watched.
        checkpoint: how often it is saved.
        verb: verbosity of ``fit``.
        on_epoch: called with the callback after every epoch.
    """

    watching: Watching
    checkpoint: Interval
    verb: int = 0
    on_epoch: Optional[Callable[[LossHistory], None]] = None


def _train_once(candidate: Candidate, manner: _Manner, seed: int, solution: Optional[str] = None,
                recorder: Optional[Recorder] = None, resume: bool = False) -> Outcome:
    """Train a candidate under the callback; see :func:`model_retrain`."""
    training = candidate.training
    try:
        interrupts.honour()
        watch = LossHistory(
            training_data=training.dataset, batch_size=training.batch_size,
            total_epoch=training.epochs, retrain=solution is not None, solution=solution,
            seed=seed, recorder=recorder, on_epoch=manner.on_epoch,
            **dataclasses.asdict(manner.watching))
        return watched_fit(candidate, watch, seed, recorder, resume, manner.checkpoint,
                           manner.verb)
    finally:
        if recorder is not None:
            recorder.close()


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
                  checkpoint: Interval = Interval(), resume: bool = False,  # noqa: B008
                  rules: Optional[str] = None) -> Outcome:
    """Train a fresh copy of a model once, under the monitor.

    Args:
        model: a :class:`~AutoTrainer.solutions.candidate.Blueprint`, or an untrained Keras model.
        config: a :class:`~AutoTrainer.solutions.candidate.Training`, or the arguments of one by
            name.
        satisfied_acc: see :class:`~AutoTrainer.settings.Watching`.
        save_dir: the run folder; None writes nothing.
        retrain_dir: folder of this attempt's history; default ``save_dir``.
        verb: verbosity of ``fit``.
        solution: name of the solution that is being tried, None for the first training.
        determine_threshold: see :class:`~AutoTrainer.settings.Watching`.
        checktype: likewise.
        params: likewise.
        seed: for weights that are drawn anew, shuffling and the probe's batch.
        optional_issues: see :class:`~AutoTrainer.settings.Watching`.
        overhead_budget: likewise.
        recorder: where to write instead of ``save_dir``; it is closed.
        on_epoch: see :class:`LossHistory`.
        checkpoint: how often the training is saved, where something is written at all.
        resume: whether to go on from the checkpoint in the folder, if there is one.
        rules: see :class:`~AutoTrainer.settings.Watching`.

    Returns:
        What the training came to.

    Raises:
        UserError: for a wrong setting.
        RecordError: if the folder cannot be written, or its checkpoint cannot be gone on from.
    """
    watching = Watching(checktype, satisfied_acc, None, determine_threshold, params,
                        optional_issues, overhead_budget, rules=rules)
    training = config if isinstance(config, Training) else Training(**config)
    candidate = Candidate(model if isinstance(model, Blueprint)
                          else keras_bridge.take_blueprint(model), training)
    with contextlib.ExitStack() as opened:
        if save_dir and recorder is None:
            run = RunFolder(save_dir)
            opened.callback(run.close)
            recorder = Recorder(run, retrain_dir)
        return _train_once(candidate, _Manner(watching, checkpoint, verb, on_epoch), seed,
                           solution, recorder, resume)


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
def model_train(model: Any,
                train_config_set: Union[Training, Mapping[str, Any], None] = None,
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
                checkpoint_epochs: int = 1, checkpoint_seconds: float = 30.0,
                rules: Optional[str] = None, budget: float = 3.0, jobs: int = 1,
                engine: Optional[str] = None, on_race: Optional[OnRace] = None) -> Any:
    """Train a model, say which problem the training has, and repair it.

    Args:
        model: an untrained Keras model, or the path of one (``.keras``, ``.h5``). It is not
            changed: what is trained is built from it (a subclassed model is trained itself).
        train_config_set: a configuration as :func:`~AutoTrainer.intake.config.read_config` returns
            it; the arguments below win over it. Or a
            :class:`~AutoTrainer.solutions.candidate.Training`, which says all of them.
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
        save_dir: the run folder (``docs/guide/run-folder.md``); what a finished run left there is
            replaced, an unfinished one is not.
        checktype: when to look: ``'dynamic'`` (default), ``'adaptive'`` or ``'epoch_N'``.
        autorepair: whether to repair; otherwise only the diagnosis and the solutions.
        modification_sufferance: how much a solution may change the model, 0 to 3.
        memory_limit: whether to leave out solutions that need much memory.
        satisfied_acc: accuracy from which a run counts as converged.
        strategy: ``'race'``, or an order of the solutions: ``'balance'``, ``'structure'`` or
            ``'efficiency'``.
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
        rules: what counts as sound, see :class:`~AutoTrainer.settings.Watching`.
        budget: what a race may cost, see :class:`~AutoTrainer.settings.Repairing`.
        jobs: likewise, who trains its candidates.
        engine: likewise.
        on_race: called with the standings of a race after every leg.

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
    watching = Watching(checktype, satisfied_acc, None, determine_threshold, params,
                        optional_issues, overhead_budget, rules=rules)
    repairing = Repairing(autorepair, strategy, modification_sufferance, memory_limit, seed, budget,
                          jobs, engine)
    manner = _Manner(watching, check_interval(checkpoint_epochs, checkpoint_seconds), verb,
                     on_epoch)
    training, model, notes = intake(model, train_config_set, optimizer, loss, dataset, iters,
                                    batch_size, callbacks)
    config = None if isinstance(train_config_set, Training) else train_config_set
    base = root_path or ''
    dirs = {'log_dir': optional_path(base, log_dir),
            'new_issue_dir': optional_path(base, new_issue_dir)}
    with contextlib.ExitStack() as opened:
        run = RunFolder(os.path.join(base, save_dir))
        opened.callback(run.close)
        opened.callback(stop_logging, log_to_folder(dirs['log_dir']))
        for note in notes:
            LOGGER.warning('%s', note)
        resumed = begin_run(run, resume, model, training, of_a_run(watching, repairing),
                            config, dirs)
        journal = Journal(run, functools.partial(_train_once, manner=manner),
                          dirs['new_issue_dir'], resumed)
        candidate = Candidate(keras_bridge.take_blueprint(model), training)
        tell = functools.partial(journal.result, {
            'total_epochs': training.epochs, 'checktype': checktype, 'seed': repairing.seed})
        try:
            first = journal.train_first(candidate, repairing.seed, contradicted(
                candidate, watching.by_skill, repairing))
            issues = list(first.record.issues)
            started = time.perf_counter()
            found, told = mend(journal, candidate, first, repairing, on_race)
            seconds = time.perf_counter() - started + journal.earlier_seconds
            trained = journal.save_best_model(found, repairing.seed)
        except KeyboardInterrupt:
            with contextlib.suppress(RecordError):  # being interrupted is what matters now
                tell('interrupted')
                add_page(run.path)
            raise
        result = tell(found.status, found, seconds, told)
        add_page(run.path)
    if autorepair:
        return TrainResult(result, trained, journal.model_path)
    return issues, described(candidate, issues, repairing, journal)
