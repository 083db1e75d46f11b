"""Running a training (``model_train``, ``model_retrain``); ``LossHistory``, which watches one."""

import contextlib
import dataclasses
import functools
import os
import time
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Union

from .. import interrupts, keras_bridge
from ..adapters.keras_callback import LossHistory  # upstream looks for it here
from ..intake.config import optional_path
from ..intake.training import intake
from ..judge import schedule
from ..mending import OnRace, contradicted, described, mend
from ..record.checkpoint import Interval, check_interval
from ..record.fit import watched_fit
from ..record.folder import Recorder, RecordError, RunFolder
from ..record.journal import Journal, begin_run
from ..report.html import add_page
from ..settings import Repairing, Watching, of_a_run
from ..solutions.candidate import Blueprint, Candidate, Outcome, Training
from .logger import LOGGER, log_to_folder, stop_logging


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
