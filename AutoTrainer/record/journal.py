"""What a run has finished: written down as it happens, taken back when the run is resumed.

The scheduler is a function of the seed and of what its trainings came to. So a run is resumed by
letting it run again from the start, with the trainings that are on record left out.
"""

import contextlib
import json
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .. import keras_bridge
from ..errors import UserError
from ..intake import inputs
from ..intake.config import Training
from ..judge.issues import ISSUES
from ..utils.logger import LOGGER
from ..utils.modules import Candidate, Outcome, PastFailure, Step
from .best_weights import load_best, save_best
from .checkpoint import FILE as CHECKPOINT
from .folder import SCHEMA_VERSION, Recorder, RecordError, RunFolder, plain, write_json
from .reader import read_events, read_json

FIRST = 0
"""Number of the training that the repair starts from."""

_TRAINED = ('training', 'attempt')


class Journal:
    """Ties the trainings of a run to its folder.

    Args:
        run: the run folder.
        train: ``model_retrain`` with the settings of the run.
        new_issue_dir: folder for a record of every new issue that a solution brought up.
        resumed: whether the folder holds a run that is to go on.

    Attributes:
        first: what the first training came to; None before.
        attempts: what has been tried so far, as in ``result.json``.
        earlier_seconds: seconds of the repair attempts that were taken from the record.

    Raises:
        UserError: if the record of the run cannot be read.
    """

    def __init__(self, run: RunFolder, train: Callable[..., Outcome],
                 new_issue_dir: Optional[str], resumed: bool) -> None:
        self.run = run
        self.first: Optional[Outcome] = None
        self.attempts: List[Mapping[str, Any]] = []
        self.earlier_seconds = 0.0
        self._train = train
        self._new_issue_dir = new_issue_dir
        self._resumed = resumed
        self._outcomes: Dict[int, Outcome] = {}
        if resumed:
            run.sweep()
        events = read_events(run.events.path) if resumed else []
        last = max([i for i, event in enumerate(events, 1) if event['event'] in _TRAINED],
                   default=0)
        # what comes after is of a training in mid-run, which has its own record of it
        run.events.cut(last)
        self._past = [event for event in events[:last] if event['event'] == 'attempt']
        self._trained = {event['number']: event for event in events[:last]
                         if event['event'] in _TRAINED and isinstance(event.get('number'), int)}

    def train_first(self, candidate: Candidate, seed: int) -> Outcome:
        """Make the first training, or take it from the record."""
        outcome = self._recorded(FIRST, self.run.path)
        if outcome is None:
            outcome = self._train(candidate.model, candidate.training, seed=seed,
                                  recorder=Recorder(self.run), resume=self._resumed)
            keras_bridge.save_model(outcome.model, _model_file(self.run.path))
            save_best(self.run.path, outcome.best_weights)
            self.run.event('training', fsync=True, number=FIRST, outcome=_told(outcome))
            _forget_checkpoint(self.run.path)
        self.first = outcome
        return outcome

    def train(self, candidate: Candidate, step: Step, seed: int) -> Outcome:
        """Make one training of the repair, or take it from the record.

        Raises:
            PastFailure: if it broke down, according to the record.
            RecordError: if the record is that of another repair.
        """
        folder = self.run.attempt_folder(*step)
        past = self._trained.get(step.number)
        if past is not None:
            if (past.get('solution'), past.get('try')) != (step.solution, step.attempt):
                raise self._foreign('attempt %d was %s %s there and is %s %d now' % (
                    step.number, past.get('solution'), past.get('try'), step.solution,
                    step.attempt))
            if past.get('status') == 'error':
                raise PastFailure(str(past.get('traceback')))
        outcome = self._recorded(step.number, folder)
        if outcome is not None:
            self.earlier_seconds += outcome.train_seconds + outcome.check_seconds
        else:
            outcome = self._train(
                candidate.model, candidate.training, solution=step.solution, seed=seed,
                recorder=Recorder(self.run, folder, number=step.number), resume=self._resumed)
        self._outcomes[step.number] = outcome
        return outcome

    def keep(self, outcome: Outcome, step: Step) -> None:
        """Save the model of an outcome."""
        if outcome.model is not None:
            folder = self.run.attempt_folder(*step)
            keras_bridge.save_model(outcome.model, _model_file(folder))
            save_best(folder, outcome.best_weights)

    def record(self, record: Mapping[str, Any]) -> None:
        """Write down an attempt that has ended, unless it is on record already."""
        self.attempts.append(record)
        if len(self.attempts) <= len(self._past):
            past = self._past[len(self.attempts) - 1]
            if any(past.get(key) != record[key] for key in ('solution', 'try', 'status')):
                raise self._foreign('%s %s was %s there and is %s now' % (
                    record['solution'], record['try'], past.get('status'), record['status']))
            return
        if self._new_issue_dir is not None and record['status'] == 'potential':
            os.makedirs(self._new_issue_dir, exist_ok=True)
            write_json(os.path.join(self._new_issue_dir, '%03d_%s_%s.json' % (
                record['number'], record['solution'], record['issue'])), record)
        number = record.get('number')
        outcome = self._outcomes.pop(number, None) if isinstance(number, int) else None
        self.run.event('attempt', fsync=True, outcome=outcome and _told(outcome), **record)
        if isinstance(number, int):
            _forget_checkpoint(self.run.attempt_folder(number, record['solution'], record['try']))

    def _recorded(self, number: int, folder: str) -> Optional[Outcome]:
        """The outcome of a training as it is on record; its model is a file, if it was kept."""
        event = self._trained.get(number)
        if event is None:
            return None
        _forget_checkpoint(folder)  # if the run was stopped between its record and this
        try:
            return Outcome(model=None, model_path=_model_file(folder),
                           best_weights=load_best(folder), **_read_outcome(event['outcome']))
        except Exception as error:  # whatever a damaged archive makes numpy raise
            raise self._foreign('the outcome of training %d is incomplete' % number) from error

    def _foreign(self, why: str) -> RecordError:
        return RecordError('%r cannot be resumed: %s; begin the run anew, without resuming'
                           % (self.run.path, why))


def _told(outcome: Outcome) -> Dict[str, Any]:
    """An outcome as it goes on record."""
    return {key: value for key, value in outcome._asdict().items()
            if key not in ('model', 'model_path', 'best_weights', 'weights')}


_OUTCOME: Dict[str, Tuple[type, ...]] = {
    'issues': (list,), 'reason': (str,), 'epoch': (int, type(None)), 'epochs': (int,),
    'val_accuracy': (int, float, type(None)), 'score': (int, float, type(None)), 'checks': (int,),
    'probes': (int,), 'train_seconds': (int, float), 'check_seconds': (int, float)}


def _read_outcome(told: Any) -> Dict[str, Any]:
    """The fields of an outcome that went on record.

    Raises:
        ValueError: if one is missing or of a wrong kind.
        Exception: of other kinds if it is no record of an outcome at all.
    """
    fields = {name: told[name] for name in _OUTCOME}
    for name, kinds in _OUTCOME.items():
        if not isinstance(fields[name], kinds):
            raise ValueError(name)
    fields['issues'] = tuple(fields['issues'])
    if not set(fields['issues']) <= set(ISSUES):
        raise ValueError('issues')
    if fields['score'] is None:  # JSON has no minus infinity
        fields['score'] = float('-inf')
    return fields


def _model_file(folder: str) -> str:
    return os.path.join(folder, 'model' + keras_bridge.MODEL_SUFFIX)


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
                               candidate.training.metrics)
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
        settings: everything else that the outcome depends on.
        config: the configuration that names the data set; None if the data came as arrays, so
            that only the program which has them can go on.
        dirs: further folders that the run writes to.

    Returns:
        Whether there is something to go on with.

    Raises:
        UserError: if the folder holds a finished run, or one begun with something else.
    """
    now = json.loads(json.dumps(plain({
        'schema_version': SCHEMA_VERSION, 'settings': settings, 'config': config,
        'dirs': {name: path and os.path.abspath(path) for name, path in dirs.items()},
        'model': keras_bridge.fingerprint(model), 'data': inputs.fingerprint(training.dataset),
        'versions': keras_bridge.versions()}), default=str))
    if resume and os.path.exists(run.file('run.json')):
        check_unfinished(run.path)
        _compare(run.path, read_json(run.file('run.json')), now)
        with contextlib.suppress(FileNotFoundError):  # it said 'interrupted', which is over
            os.unlink(run.file('result.json'))
        return True
    run.clear()
    if keras_bridge.is_graph(model):  # any other can only be given again by its program
        keras_bridge.save_model(model, initial_model(run.path))
    write_json(run.file('run.json'), now)
    return False


def initial_model(path: str) -> str:
    """Where a run folder keeps the model before training."""
    return os.path.join(path, 'initial' + keras_bridge.MODEL_SUFFIX)


def check_unfinished(path: str) -> None:
    """See that a run is not finished yet.

    Raises:
        UserError: if its ``result.json`` says that it is.
    """
    result = os.path.join(path, 'result.json')
    if os.path.exists(result):
        status = read_json(result).get('status')
        if status != 'interrupted':
            raise UserError('%r cannot be resumed: the run is finished (%s), its outcome is in '
                            'result.json' % (path, status))


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
    settings = then.get('settings')
    for key, value in now['settings'].items():
        given = settings.get(key) if isinstance(settings, dict) else None
        if given != value:
            raise UserError('%r cannot be resumed: %s is %r, but the run was begun with %r; give '
                            'the same again or begin anew, without resuming'
                            % (path, key, value, given))
    for key, words in (('model', 'the model differs from the one'),
                       ('data', 'the data differs from that')):
        if then.get(key) != now[key]:
            raise UserError('%r cannot be resumed: %s that the run was begun with; give the same '
                            'again or begin anew, without resuming' % (path, words))
