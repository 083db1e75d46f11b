"""What a run has finished: written down as it happens, taken back when the run is resumed.

The scheduler is a function of the seed and of what its trainings came to. So a run is resumed by
letting it run again from the start, with the trainings that are on record left out.
"""

import contextlib
import json
import os
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from .. import keras_bridge
from ..errors import UserError
from ..intake import inputs
from ..judge import own
from ..judge.losses import loss_name
from ..settings import EARLIER
from ..solutions.candidate import (
    AttemptRecord,
    BrokeDown,
    Candidate,
    Outcome,
    Repair,
    Runner,
    Step,
    Training,
    TrainingRecord,
)
from ..solutions.race import Leg, Order, leg_from
from ..utils.logger import LOGGER
from .best_weights import load_best, save_best
from .checkpoint import FILE as CHECKPOINT
from .folder import SCHEMA_VERSION, Recorder, RecordError, RunFolder, plain, write_json
from .legs import Stretch
from .reader import RunReader, read_events, read_json

FIRST = 0
"""Number of the training that the repair starts from."""

_TRAINED = ('training', 'attempt')
_LEG = 'leg'
_NOTHING = TrainingRecord((), {}, None, 0, None, float('-inf'), 0, 0, 0.0, 0.0)


class Journal(Runner):
    """Makes the trainings of a run, and keeps its folder.

    Args:
        run: the run folder.
        train: (candidate, seed, solution, recorder, resume) → outcome; ``solution`` is None for
            the first training, ``resume`` says whether there may be a checkpoint.
        new_issue_dir: folder for a record of every new issue that a solution brought up.
        resumed: whether the folder holds a run that is to go on.

    Attributes:
        first: what the first training came to; None before.
        earlier_seconds: seconds of the repair attempts that were taken from the record.

    Raises:
        UserError: if the record of the run cannot be read.
    """

    def __init__(self, run: RunFolder, train: Callable[..., Outcome],
                 new_issue_dir: Optional[str], resumed: bool) -> None:
        super().__init__()
        self.run_folder = run
        self.first: Optional[Outcome] = None
        self.earlier_seconds = 0.0
        self._train = train
        self._new_issue_dir = new_issue_dir
        self._resumed = resumed
        if resumed:
            run.sweep()
        events = read_events(run.events.path) if resumed else []
        last = max([i for i, event in enumerate(events, 1) if event['event'] in _TRAINED + (_LEG,)],
                   default=0)
        # what comes after is of a training in mid-run, which has its own record of it
        run.events.cut(last)
        self._past = [event for event in events[:last] if event['event'] == 'attempt']
        self._trained = {event['number']: event for event in events[:last]
                         if event['event'] in _TRAINED and isinstance(event.get('number'), int)}
        self._so_far: Dict[int, Leg] = {}
        self._legs = {(event.get('number'), event.get('until')): event for event in events[:last]
                      if event['event'] == _LEG}

    # ------------------------------------------------------------------------------- trainings

    def train_first(self, candidate: Candidate, seed: int,
                    known: Optional[Outcome] = None) -> Outcome:
        """Make the first training, or take it from the record.

        Args:
            candidate: the untrained model and how it is trained.
            seed: for everything random in it.
            known: what it comes to, where that is known without training.
        """
        folder = self.run_folder.path
        outcome = self._recorded(FIRST, folder)
        if outcome is None:
            outcome = known or self._train(candidate, seed=seed, solution=None,
                                           recorder=Recorder(self.run_folder),
                                           resume=self._resumed)
            self._keep(outcome, folder)
            self.run_folder.event('training', fsync=True, number=FIRST,
                                  outcome=outcome.record.to_json())
            _forget_checkpoint(folder)
        self.first = outcome
        return outcome

    def run(self, candidate: Candidate, step: Step, seed: int) -> Outcome:
        """Make one training of the repair, or take it from the record.

        Raises:
            BrokeDown: if it broke down, according to the record.
            RecordError: if the record is that of another repair, or the disk refuses.
        """
        folder = self.run_folder.attempt_folder(*step)
        past = self._trained.get(step.number)
        if past is not None:
            if (past.get('solution'), past.get('try')) != (step.solution, step.attempt):
                raise self._foreign('attempt %d was %s %s there and is %s %d now' % (
                    step.number, past.get('solution'), past.get('try'), step.solution,
                    step.attempt))
            if past.get('status') == 'error':
                raise BrokeDown(str(past.get('traceback')))
        outcome = self._recorded(step.number, folder)
        if outcome is None:
            return self._train(
                candidate, seed=seed, solution=step.solution, resume=self._resumed,
                recorder=Recorder(self.run_folder, folder, number=step.number))
        self.earlier_seconds += outcome.record.seconds
        return outcome

    def attempted(self, attempt: AttemptRecord, outcome: Optional[Outcome]) -> None:
        """Write down an attempt that has ended, unless it is on record already."""
        super().attempted(attempt, outcome)
        told = attempt.to_json()
        if len(self.attempts) <= len(self._past):
            past = self._past[len(self.attempts) - 1]
            if any(past.get(key) != told[key] for key in ('solution', 'try', 'status')):
                raise self._foreign('%s %s was %s there and is %s now' % (
                    told['solution'], told['try'], past.get('status'), told['status']))
            return
        if attempt.number is None:  # skipped
            self.run_folder.event('attempt', fsync=True, outcome=None, **told)
            return
        folder = self.run_folder.attempt_folder(attempt.number, attempt.solution, attempt.attempt)
        if outcome is not None and attempt.status != 'failed':
            self._keep(outcome, folder)
        if self._new_issue_dir is not None and attempt.status == 'potential' and attempt.issue:
            os.makedirs(self._new_issue_dir, exist_ok=True)
            write_json(os.path.join(self._new_issue_dir, '%03d_%s_%s.json' % (
                attempt.number, attempt.solution, attempt.issue)), told)
        self.run_folder.event('attempt', fsync=True,
                              outcome=outcome and outcome.record.to_json(), **told)
        _forget_checkpoint(folder)

    def legs(self, orders: Sequence[Order],
             train: Callable[[List[Stretch]], Iterator[Leg]]) -> Iterator[Leg]:
        """Make some legs of a race, or take them from the record.

        Args:
            orders: what the race asks for.
            train: makes those that are not on record, in their order.

        Yields:
            What each came to, in the order of the orders; it is on record then.

        Raises:
            RecordError: if the record is that of another race, or the disk refuses.
        """
        recorded = [self._legs.get((order.entrant.number, order.until)) for order in orders]
        before = [self._so_far.get(order.entrant.number, Leg(0)) for order in orders]
        answers = train([Stretch(
            self.candidate_folder(order.entrant.number), order.entrant.candidate, order.until,
            tuple(look.epoch for look in so_far.looks) + order.looks)
            for order, so_far, past in zip(orders, before, recorded) if past is None])
        with contextlib.closing(answers):  # type: ignore[type-var]
            for order, so_far, past in zip(orders, before, recorded):
                name = order.entrant.name
                if past is None:
                    leg = next(answers)
                    self.run_folder.event(_LEG, fsync=True, number=order.entrant.number,
                                          solution=name, until=order.until, **leg.as_dict())
                elif past.get('solution') != name:
                    raise self._foreign('candidate %d was %s there and is %s now' % (
                        order.entrant.number, past.get('solution'), name))
                else:
                    leg = self._leg_of(past)
                    self.earlier_seconds += leg.seconds - so_far.seconds
                self._so_far[order.entrant.number] = leg
                yield leg

    def candidate_folder(self, number: int) -> str:
        """Folder of a candidate of a race; created."""
        return self.run_folder.attempt_folder(number, 'race', 1)

    def _leg_of(self, past: Mapping[str, Any]) -> Leg:
        try:
            return leg_from(past)
        except Exception as error:
            raise self._foreign('the record of candidate %s is incomplete'
                                % past.get('number')) from error

    @staticmethod
    def _keep(outcome: Outcome, folder: str) -> None:
        """Save the model of a training that was made just now, and what else hangs on it."""
        if outcome.model is not None:
            keras_bridge.save_model(outcome.model, _model_file(folder))
            save_best(folder, outcome.best_weights)

    def _recorded(self, number: int, folder: str) -> Optional[Outcome]:
        """The outcome of a training as it is on record; its model is a file, if it was kept."""
        event = self._trained.get(number)
        if event is None:
            return None
        _forget_checkpoint(folder)  # if the run was stopped between its record and this
        path = _first_model(folder)
        try:
            return Outcome(TrainingRecord.from_json(event['outcome']), model=None,
                           model_path=path if os.path.exists(path) else _model_file(folder),
                           best_weights=load_best(folder))
        except Exception as error:  # whatever a damaged archive makes numpy raise
            raise self._foreign('the outcome of training %d is incomplete' % number) from error

    def _foreign(self, why: str) -> RecordError:
        return RecordError('%r cannot be resumed: %s; delete it to begin the run anew'
                           % (self.run_folder.path, why))

    # ----------------------------------------------------------------------------- the end of it

    def save_best_model(self, found: Repair, seed: int) -> Any:
        """Save the model that the run hands back, and return it.

        Raises:
            RecordError: if the disk refuses, or the model's file of an earlier process is damaged.
        """
        trained = trained_model(found.outcome, found.candidate, seed)
        first = _first_model(self.run_folder.path)
        if found.outcome is not self.first and not os.path.exists(first):
            os.replace(self.model_path, first)  # a race that is resumed measures it once more
        keras_bridge.save_model(trained, self.model_path)
        return trained

    @property
    def model_path(self) -> str:
        """Where the model lies that the run hands back."""
        return _model_file(self.run_folder.path)

    def result(self, facts: Mapping[str, Any], status: str, found: Optional[Repair] = None,
               repair_seconds: float = 0.0,
               told: Mapping[str, Any] = {}) -> Dict[str, Any]:  # noqa: B006
        """Write ``result.json``, the last thing that a run does.

        Args:
            facts: ``total_epochs``, ``checktype`` and ``seed``.
            status: what the run came to.
            found: the training that it hands back; None for a run that was interrupted.
            repair_seconds: seconds of the repair.
            told: what a race says of it, more exactly or beside it: ``skill``, ``yardstick``,
                ``price``, ``race``.

        Returns:
            Its content.

        Raises:
            RecordError: if the disk refuses.
        """
        first = _NOTHING if self.first is None else self.first.record
        last = None if found is None else found.outcome.record
        path = self.model_path
        result = {
            'schema_version': SCHEMA_VERSION, 'status': status,
            'initial_issue': first.issues[0] if first.issues else None,
            'issues': list(first.issues), 'reason': first.reason or first.note,
            'reasons': dict(first.reasons),
            'detected_epoch': first.epoch, **facts,
            'ended': None if self.first is None else first.ended,
            'checks': first.checks, 'probes': first.probes,
            'solution': found.solution or None if found else None,
            'attempts': [attempt.to_json() for attempt in self.attempts],
            'issues_left': None if last is None else list(last.issues),
            'accuracy': {'before': first.val_accuracy,
                         'after': None if last is None else last.val_accuracy},
            'skill': {'before': first.skill, 'after': None if last is None else last.skill,
                      'form': first.skill_form},
            'yardstick': first.yardstick,
            'model_path': path if os.path.exists(path) else None,
            'seconds': {'train': first.train_seconds, 'check': first.check_seconds,
                        'repair': repair_seconds},
            'versions': keras_bridge.versions()}
        result.update(told)
        result.update(_own())
        self.run_folder.write_result(result)
        return result


def _model_file(folder: str) -> str:
    return os.path.join(folder, 'model' + keras_bridge.MODEL_SUFFIX)


def _first_model(folder: str) -> str:
    """Where the model of the first training lies once a run has handed back another."""
    return os.path.join(folder, 'first' + keras_bridge.MODEL_SUFFIX)


def _forget_checkpoint(folder: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, CHECKPOINT))


def trained_model(outcome: Outcome, candidate: Candidate, seed: int) -> Any:
    """The model of an outcome as it was at the end of that training.

    It comes from its file if the outcome was taken from the record. A subclassed model, which every
    training changes, gets its weights of that time back.

    Args:
        outcome: what the training came to.
        candidate: what was trained.
        seed: any; all weights come from the outcome.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    model = outcome.model
    if model is not None:
        if outcome.weights is None or keras_bridge.has_weights(model, outcome.weights):
            return model
        model.set_weights(outcome.weights)
    else:
        model = keras_bridge.build_model(candidate.model, seed)
        keras_bridge.load_weights(model, outcome.model_path)
    keras_bridge.compile_model(model, candidate.training.optimizer, candidate.training.loss,
                               candidate.training.metrics, candidate.training.loss_weights)
    return model


def begin_run(run: RunFolder, resume: bool, model: Any, training: Training,
              settings: Mapping[str, Any], config: Optional[Mapping[str, Any]],
              dirs: Mapping[str, Optional[str]]) -> bool:
    """Write down what a run is to do, or see that it is what the folder was begun with.

    Args:
        run: the run folder; without ``resume`` it is cleared.
        resume: whether to go on with what is in the folder.
        model: the untrained model.
        training: how it is trained.
        settings: how it is watched and repaired.
        config: the configuration that names the data set; None if the data came as arrays, so
            that only the program which has them can go on.
        dirs: further folders that the run writes to.

    Returns:
        Whether there is something to go on with.

    Raises:
        UserError: if the folder holds a finished run that is to go on, one begun with something
            else, or an unfinished one that would be replaced.
    """
    now = json.loads(json.dumps(plain({
        'schema_version': SCHEMA_VERSION, 'config': config,
        'settings': dict(settings, **_training_settings(training)),
        'dirs': {name: path and os.path.abspath(path) for name, path in dirs.items()},
        'model': keras_bridge.fingerprint(model), 'data': inputs.fingerprint(training.dataset),
        'versions': keras_bridge.versions(), **_own()}), default=str))
    there = RunReader(run.path)
    if resume and there.is_begun:
        if there.is_finished:
            raise UserError('%r cannot be resumed: the run is finished, its outcome is in '
                            'result.json' % run.path)
        _compare(run.path, read_json(run.file('run.json')), now)
        for name in ('result.json', 'report.html'):  # they say 'interrupted', which is over
            with contextlib.suppress(FileNotFoundError):
                os.unlink(run.file(name))
        return True
    if there.is_unfinished:
        raise UserError('save_dir is %r, which holds an unfinished run; go on with it by '
                        'resume=True, delete it, or give another save_dir' % run.path)
    if there.is_finished:
        LOGGER.warning('%r held a finished run, which this one replaces', run.path)
    run.clear()
    if keras_bridge.is_graph(model):  # any other can only be given again by its program
        keras_bridge.save_model(model, initial_model(run.path))
    write_json(run.file('run.json'), now)
    return False


def _own() -> Dict[str, Any]:
    """What the program has registered; nothing where it has registered nothing."""
    registered = own.on_record()
    return {'own': registered} if registered else {}


def _training_settings(training: Training) -> Dict[str, Any]:
    """How a training is set up, in plain values that two processes can compare."""
    # the optimizer's name ('sgd_2') counts what a process has built before
    config = {key: value for key, value in training.optimizer['config'].items() if key != 'name'}
    return {'optimizer': dict(training.optimizer, config=config),
            'loss': loss_name(training.loss), 'batch_size': training.batch_size,
            'epochs': training.epochs, 'shuffle': training.shuffle,
            'class_weight': training.class_weight, 'loss_weights': training.loss_weights,
            'callbacks': [callback if isinstance(callback, str) else type(callback).__name__
                          for callback in training.callbacks]}


def initial_model(path: str) -> str:
    """Where a run folder keeps the model before training."""
    return os.path.join(path, 'initial' + keras_bridge.MODEL_SUFFIX)


def _compare(path: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """See that a run is to go on as it was begun.

    Raises:
        UserError: if not; the message names the first difference.
    """
    before, here = [dict(facts.get('versions') or {}) for facts in (then, now)]
    if before.get('backend') != here['backend']:
        raise UserError('%r cannot be resumed: it was begun on %s, this is %s; set KERAS_BACKEND '
                        'accordingly' % (path, before.get('backend'), here['backend']))
    if before != here:
        LOGGER.warning('%s was begun with other versions (%s, now %s): the outcome can differ '
                       'from that of an undisturbed run', path, before, here)
    unlike = own.missing(then.get('own'))
    if unlike:
        raise UserError('%r cannot be resumed: %s' % (path, unlike))
    settings = then.get('settings')
    for key, value in now['settings'].items():
        given = settings.get(key, EARLIER.get(key)) if isinstance(settings, dict) else None
        if given != value:
            raise UserError('%r cannot be resumed: %s is %r, but the run was begun with %r; give '
                            'the same again, or delete it to begin anew'
                            % (path, key, value, given))
    for key, words in (('model', 'the model differs from the one'),
                       ('data', 'the data differs from that')):
        if then.get(key) != now[key]:
            raise UserError('%r cannot be resumed: %s that the run was begun with; give the same '
                            'again, or delete it to begin anew' % (path, words))
