"""One watched training of PyTorch, whoever feeds it: a loop of one's own, Lightning, a Trainer."""

import inspect
import logging
import math
import platform
import time
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Set

import torch

from ..errors import UserError, first_line, way_out
from ..judge import recovery
from ..judge.facts import ONE_LABEL, Judgment, Verdict
from ..judge.history import JUDGMENT_EPOCHS
from ..judge.session import Observer, Plan, Session, Subject
from ..judge.setup import Setup
from ..judge.watcher import Check
from ..record.folder import Recorder, RunFolder
from ..settings import Watching, on_issue_of
from ..utils.logger import LOGGER
from .by_hand import Numbers
from .torch_keeper import Keeper
from .torch_probe import Learner, unwrapped
from .torch_ranks import Ranks
from .torch_rows import Rows
from .torch_setup import rate_of
from .torch_source import Source, subject_of

SETTINGS = ('checktype', 'satisfied_acc', 'satisfied_count', 'determine_threshold', 'params',
            'optional_issues', 'overhead_budget', 'on_issue', 'rules')
"""Further settings, those of :class:`~AutoTrainer.settings.Watching` by name."""


def watching_of(watch: type, stop: Optional[bool], settings: Mapping[str, Any]) -> Watching:
    """The settings of a watch: ``adaptive`` unless given.

    Args:
        watch: its class, whose arguments are named beside them.
        stop: see :func:`~AutoTrainer.settings.on_issue_of`.
        settings: by name.

    Raises:
        UserError: for one that does not exist.
    """
    own = tuple(inspect.signature(watch).parameters)[:-1]  # the last one is the settings
    for name in settings:
        if name not in SETTINGS:
            raise UserError('Watch has no setting %r; %s' % (name, way_out(name, own + SETTINGS)))
    return Watching(**dict({'checktype': 'adaptive'},
                           **dict(settings, on_issue=on_issue_of(
                               settings.get('on_issue', Watching.on_issue), stop))))


def check_loss_fn(loss_fn: Any, outputs: str = 'output', labels: str = 'target') -> None:
    """See that a loss is something to call.

    Args:
        loss_fn: a module or a function.
        outputs: what it is called with first, in the words of whoever asks for it.
        labels: and then.

    Raises:
        UserError: if not.
    """
    if isinstance(loss_fn, type) or not callable(loss_fn):
        given = repr(loss_fn) if isinstance(loss_fn, (str, type)) else (
            'a ' + type(loss_fn).__name__)  # an optimizer shows itself in many lines
        raise UserError('loss_fn is %s; give a loss that can be called with (%s, %s), such as '
                        'torch.nn.CrossEntropyLoss()' % (given, outputs, labels))


class Core:
    """One watched training of PyTorch, whoever feeds it: a loop, Lightning, a Trainer.

    Args:
        model: the module, as it is trained.
        loss_fn: called with ``(output, target)``; None if it is not known.
        watching: the settings.
        plan: how long the training is to be.
        rows: training rows; None to judge the history alone.
        held: validation rows; None without any.
        optimizer: of the training, if it is known.
        forward: see :class:`~AutoTrainer.adapters.torch_probe.Learner`.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        seed: which rows are looked at.
        setup: see :class:`~AutoTrainer.adapters.torch_source.Source`.
        observers: who looks on, see :class:`~AutoTrainer.judge.session.Session`.
        schedulers: of the learning rate; None if it is not known whether there are some.
        unmeasured: why there are no rows, in words.

    Attributes:
        session: see :class:`~AutoTrainer.judge.session.Session`.
        should_stop: whether the training should stop.
    """

    def __init__(self, model: Any, loss_fn: Any, watching: Watching, plan: Plan,
                 rows: Optional[Rows] = None, held: Optional[Rows] = None, optimizer: Any = None,
                 forward: Optional[Callable[[Any], Any]] = None, save_dir: Optional[str] = None,
                 seed: int = 0, setup: Optional[Setup] = None,
                 observers: Sequence[Observer] = (),
                 schedulers: Optional[Sequence[Any]] = None, unmeasured: str = '') -> None:
        self._began = time.perf_counter()
        self._ranks = Ranks()
        self._save_dir = save_dir if self._ranks.judges else None
        self._recorder: Optional[Recorder] = None
        self._announced = self._ended = False
        self._said: Set[str] = set()
        self._percent = False
        self._told: Optional[Verdict] = None  # by the rank that judges
        self._source: Optional[Source] = None
        subject = Subject(unmeasured=unmeasured)
        if rows is not None and self._ranks.judges:
            self._source = Source(rows, held, optimizer, seed, setup)
            subject = self._subject(model, loss_fn, watching, _in_epochs(plan, rows), forward, seed,
                                    self._source)
        self.session = Session(watching, plan, subject, self._open(), observers=observers)
        self.session.of_short = ''  # there is no fit()
        if self.session.recorder is not None:
            self.session.recorder.event('watch', **_on_record(self.session, loss_fn, optimizer,
                                                              rows))
        self._numbers = Numbers()
        self._keeper: Optional[Keeper] = None
        if watching.on_issue == 'restore':
            self._keeper = Keeper(unwrapped(model), optimizer, schedulers)
            self._keeper.keep(0)
        self.should_stop = self._decided(self._ranks.judges and self.session.begin())
        if (subject.constants[0].accuracy or 0) >= 1:
            self.say(ONE_LABEL + '; see how the labels are read')
        self._announce()

    @staticmethod
    def _subject(model: Any, loss_fn: Any, watching: Watching, plan: Plan,
                 forward: Optional[Callable[[Any], Any]], seed: int, source: Source) -> Subject:
        try:
            module = unwrapped(model)
            if loss_fn is None or not any(True for _ in module.parameters()):
                raise UserError('the module has no parameters' if loss_fn is not None
                                else 'its loss is not known')
            learner = Learner(module, loss_fn, forward, source.rows.y)
            subject = subject_of(learner, source, plan, watching.by_skill,
                                 source.rows.batch_size, seed)
            return subject
        except Exception as error:  # of a module or loss that nobody foresaw
            LOGGER.warning('the model cannot be looked at (%s); only the history is judged',
                           first_line(error))
            return Subject(unmeasured=first_line(error))

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons; where there are none, what that means."""
        if self._ranks.judges:
            return self.session.verdict
        return self._told or Verdict(note='not judged here: the first process judges')

    def starts(self, shapes: Any) -> None:
        """The first step is about to be made, on labels and outputs of these shapes."""
        if self._source is not None and not self.session.epochs:
            self._source.shapes = shapes
            self.should_stop = self.session.begin()
        self.should_stop = self._decided(self.should_stop)
        self._announce()

    def epoch(self, values: Mapping[str, Any]) -> bool:
        """Take in an epoch that has ended.

        Args:
            values: ``loss``, ``acc`` (or ``accuracy``), ``val_loss``, ``val_acc``: numbers or
                tensors of one number; None, or nothing, for what was not measured.

        Returns:
            Whether the training should stop; on all processes the same.
        """
        session, stop = self.session, False
        if self._source is not None:
            self._source.ended(session.epochs + 1, session.plan.epochs)
        if self._ranks.judges:
            stop = session.epoch(self._shares(self._numbers.read(values)))
        if self._keeper is not None:
            stop = self._recovered(self._keeper, stop)
        self.should_stop = self._decided(stop)
        if self.should_stop:
            self._told = self._ranks.shared(session.verdict)
        self._announce()
        return self.should_stop

    def _decided(self, stop: bool) -> bool:
        return bool(self._ranks.agreed(int(stop)))

    def _recovered(self, keeper: Keeper, stop: bool) -> bool:
        """Keep the state, or put it back, as the session asks for; is the training to stop?"""
        session = self.session
        asked = 0
        if self._ranks.judges:
            asked = (2 if session.goes_on else 1) if session.restore_due else 3 * session.is_best
        asked = self._ranks.agreed(asked)
        if asked == 3:
            keeper.keep(session.plan.before + session.epochs)
        elif asked:
            put_back = keeper.put_back(recovery.FACTOR if asked == 2 else None)
            if self._ranks.judges:
                stop = session.restored(put_back)
                LOGGER.warning('epoch %d: %s', session.epochs,
                               recovery.in_words(session.restorations[-1:]))
        return stop

    def _shares(self, values: Dict[str, Optional[float]]) -> Dict[str, Optional[float]]:
        """Values of an epoch without accuracies that are none, which is said once."""
        for key in ('acc', 'val_acc'):
            number = values[key]
            if number is not None and (number > 1 or number < 0) and not self._percent:
                self._percent = True
                way = ('give %g for %g %%' % (number / 100, number) if 0 <= number <= 100
                       else 'give the right answers over all')
                self.say('an accuracy of %g is no share from 0 to 1; accuracies are left out: %s'
                         % (number, way))
        return dict(values, acc=None, val_acc=None) if self._percent else values

    def end(self, interrupted: bool = False) -> None:
        """The training has ended; if early, it is judged as it stands. Once is enough.

        Args:
            interrupted: whether by an error, or by hand: nothing more is judged then.
        """
        if self._ended:
            return
        self._ended = True
        if self._ranks.judges:
            self.session.end(interrupted)
            few = 0 < self.session.epochs < JUDGMENT_EPOCHS
            if few and not (interrupted or self.verdict.issues or self.session.monitor.judged):
                LOGGER.warning('%s', self.verdict.reason)
        self._announce()
        if self._recorder is not None:
            self._recorder.event('watched', **self.session.outcome)
            self._recorder.close()
            self._recorder.run.close()
            self._recorder = self.session.recorder = None

    def _open(self) -> Optional[Recorder]:
        if self._save_dir is not None:
            self._recorder = Recorder(RunFolder(self._save_dir))
        return self._recorder

    def _announce(self) -> None:
        """Say what was found, once."""
        watcher = self.session.watcher
        if self._announced or not self._ranks.judges or not (watcher.found or watcher.told):
            return
        verdict = self.verdict
        self._announced = True
        LOGGER.log(logging.WARNING, '%s %s: %s', 'window' if self.session.plan.window else 'epoch',
                   verdict.epoch, verdict.reason)

    def say(self, sentence: str) -> None:
        """Log something once."""
        if sentence not in self._said:
            self._said.add(sentence)
            LOGGER.warning('%s', sentence)

    # ---------------------------------------------------------------------- going on after a stop

    def state_dict(self) -> Dict[str, Any]:
        """What :meth:`load_state_dict` needs, in plain values, for a checkpoint of one's own."""
        found = self.session.watcher.found
        return {'session': self.session.state(), 'should_stop': self.should_stop,
                'seconds': time.perf_counter() - self._began,
                'found': None if found is None else [
                    found.epoch, dict(found.judgment.reasons), dict(found.judgment.features),
                    dict(found.judgment.told), list(found.numbers)]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with a training that was watched before, where its checkpoint was written."""
        self.session.restore(state['session'], state['seconds'])
        self._began = time.perf_counter() - state['seconds']
        self.should_stop = bool(state['should_stop'])
        if state['found'] is not None:
            epoch, reasons, features, told, numbers = state['found']
            self.session.watcher.found = Check(epoch, Judgment(reasons, features, told),
                                               numbers=tuple(numbers))
            self._announced = True
        if self._recorder is not None:
            self._recorder.restore(self.session.history, [])


def _on_record(session: Session, loss_fn: Any, optimizer: Any,
               rows: Optional[Rows]) -> Dict[str, Any]:
    """How a training is set up, and on what, in plain values."""
    watching, rate = session.watching, rate_of(optimizer)
    settings = {'epochs': session.plan.epochs, 'rules': 'skill' if watching.by_skill else 'paper',
                'checktype': watching.checktype,
                'loss': None if loss_fn is None else (
                    getattr(loss_fn, '__name__', None) or type(loss_fn).__name__),
                'batch_size': None if rows is None else rows.batch_size,
                'optimizer': None if optimizer is None else {
                    'class_name': type(optimizer).__name__,
                    'config': {'learning_rate': rate if math.isfinite(rate) else None}}}
    return {'settings': settings, 'accuracy_counts': session.subject.accuracy_counts,
            'versions': {'python': platform.python_version(), 'PyTorch': torch.__version__}}


def _in_epochs(plan: Plan, rows: Rows) -> Plan:
    """A plan as the rows see it: how often they are gone through, whatever is judged."""
    steps = steps_of(rows)
    if not plan.window:
        return plan
    epochs = 1 if steps is None else max(1, round(plan.epochs * plan.window / steps))
    return Plan(epochs, steps)


def steps_of(rows: Rows) -> Optional[int]:
    """Batches of an epoch; None if unknown."""
    if rows.steps is not None:
        return rows.steps
    if rows.batch_size is None or rows.total is None:
        return None
    return math.ceil(rows.total / rows.batch_size)
