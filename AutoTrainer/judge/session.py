"""One watched training, whatever framework runs it.

An adapter feeds a session one epoch after the other and stops its training when the session says
so; everything else is here: the history, the checks, the verdict, what goes on record, what is
needed to go on after an interruption.
"""

import math
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import first_line
from ..settings import Watching
from ..utils.logger import LOGGER
from ..utils.monitor import IssueMonitor
from ..utils.TimeCounter import TimeCounter
from . import facts, recovery
from .baseline import loss_based_accuracy
from .by_skill import Ground, SkillMonitor
from .facts import HISTORY_KEYS, LOSS_SHARE, SOUND, Probe, Verdict, joined
from .history import JUDGMENT_EPOCHS, last_accuracy
from .on_record import gradients_on_record, layers_on_record
from .recovery import PutBack, Restoration
from .reference import Constants
from .watcher import Check, Watcher
from .windows import in_windows

ENDINGS = ('planned', 'verdict', 'satisfied', 'callback')
"""Who ended a training: it ran to its planned end; a verdict of this session; this session, as
``satisfied_count`` asked for; anybody else, before the planned end. Only where nobody stopped a
training early, or it had converged, does "no issue was found" say that it is sound."""


class Plan(NamedTuple):
    """How long a training is to be.

    Attributes:
        epochs: planned epochs, from where the session begins.
        steps: training batches per epoch; None if unknown.
        before: epochs that the model was trained before; verdicts count from there.
        window: steps of a window, where windows of steps stand for epochs: all that is called an
            epoch is such a window then, but in the words of a verdict; 0 where epochs are epochs.
    """

    epochs: int
    steps: Optional[int] = None
    before: int = 0
    window: int = 0


class Subject(NamedTuple):
    """What an adapter can tell of the model in training.

    Attributes:
        probe: looks into it; None to judge the history alone.
        accuracy_counts: whether the accuracy that the framework measures means anything, see
            :func:`AutoTrainer.judge.configuration.accuracy_counts`.
        constant_loss: the loss of the best constant prediction, asked for when there is no
            accuracy; it may return None.
        constants: what the best constant answer reaches on training rows and on validation rows
            (None if unknown); read under ``rules='skill'``.
        loss_proves: whether a training that has lost most of the constant prediction's loss has
            learnt most (:data:`AutoTrainer.judge.losses.PROVING_LOSSES`); likewise.
        unmeasured: why what is learnt cannot be measured, in words; '' where it can, or nobody
            knows.
        is_told: whether losses come from somebody's loop, which may change labels or outputs first.
        held_loss: ``constant_loss`` of the validation rows; None for that of the training rows.
    """

    probe: Optional[Probe] = None
    accuracy_counts: bool = True
    constant_loss: Callable[[], Optional[float]] = lambda: None
    constants: Tuple[Constants, Optional[Constants]] = (Constants(0), None)
    loss_proves: bool = True
    unmeasured: str = ''
    is_told: bool = False
    held_loss: Callable[[], Optional[float]] = lambda: None


class Observer:
    """Shows what a session knows, to whomever: a progress line, TensorBoard.

    It changes nothing, and one that breaks down costs itself alone.
    """

    def epoch(self, session: 'Session') -> None:
        """An epoch has been taken in and, where that was due, checked."""

    def end(self, session: 'Session') -> None:
        """The training has ended, for now: some are gone on with."""


class Session:
    """Watches one training.

    Args:
        watching: the settings.
        plan: how long the training is to be.
        subject: what can be told of the model.
        recorder: has ``epoch(number, values)`` and ``event(name, **fields)``, as
            :class:`AutoTrainer.record.folder.Recorder`; None writes nothing.
        facts: fields that each event of the session carries.
        clock: seconds from any start.
        observers: who is shown what is known after every epoch.

    Attributes:
        history: ``loss``, ``acc``, ``val_loss``, ``val_acc``: one number per epoch, None where it
            was not measured; without accuracies the share of the loss of the best constant
            prediction that is gone stands in for them.
        monitor: the recognizer.
        watcher: its checks.
        check_time: seconds spent here.
        last_check: the check made last; None before the first.
        restore_due: whether the epoch taken in last is one after which the best state of the model
            has to be put back; whoever trains does so and calls :meth:`restored`.
        restorations: what was put back so far.
        is_best: under ``on_issue='restore'``, whether the epoch taken in last is the best so far,
            whose state has to be kept.
        of_short: what is added to the note of a training too short to be judged.
    """

    of_short = ('; where fit() is called once per epoch, give epochs=N, their number '
                '(LossHistory: total_epoch=N)')

    def __init__(self, watching: Watching, plan: Plan, subject: Subject = Subject(),  # noqa: B008
                 recorder: Any = None, facts: Optional[Mapping[str, Any]] = None,
                 clock: Callable[[], float] = time.perf_counter,
                 observers: Sequence[Observer] = ()) -> None:
        self.watching = watching
        self.plan = plan
        self.subject = subject
        self.recorder = recorder
        self.history: Dict[str, List[Optional[float]]] = {key: [] for key in HISTORY_KEYS}
        self.restore_due = self.is_best = False
        self.restorations: Tuple[Restoration, ...] = ()
        self._best: Optional[Tuple[float, float]] = None
        self._observers = list(observers)
        self._begin_window(0)
        self.check_time = TimeCounter(clock)
        self._facts = dict(facts or {})
        self._satisfied = 0
        self._ended_by_others = self._interrupted = False
        self._constant_loss: Optional[float] = None
        self._held_loss = math.nan
        self._clock = clock
        self._began = clock()

    def _begin_window(self, since: int) -> None:
        """Judge from here on as a training of its own, after so many epochs.

        What came before a restoration stays on record and says nothing of what comes after it.
        """
        self._since = since
        self.last_check: Optional[Check] = None
        self._window = self.history if not since else {
            key: series[since:] for key, series in self.history.items()}
        self.monitor = self._recognizer()
        self.watcher = Watcher(self.monitor, self.watching.checktype, self.subject.probe,
                               self.watching.overhead_budget)

    def _recognizer(self) -> IssueMonitor:
        """The one for the rules that are set; without any rows the paper's are all there is."""
        watching, plan, subject = self.watching, self.plan, self.subject
        settings: Dict[str, Any] = dict(
            total_epoch=max(1, plan.epochs - self._since), satisfied_acc=watching.satisfied_acc,
            params=watching.params, determine_threshold=watching.determine_threshold,
            optional_issues=watching.judged_issues, steps_per_epoch=plan.steps,
            epochs_before=plan.before + self._since)
        if not watching.by_skill or subject.probe is None:
            return IssueMonitor(**settings)
        return SkillMonitor(Ground(*subject.constants, subject.constant_loss,
                                   subject.loss_proves, subject.unmeasured, subject.is_told),
                            **settings)

    # ------------------------------------------------------------------------- what it has come to

    @property
    def epochs(self) -> int:
        """Epochs taken in."""
        return len(self.history['loss'])

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons; where there are none, what that means."""
        found = self.watcher.found or self.watcher.told
        skill, yardstick, standing = (self.monitor.in_numbers() if found is None
                                      else found.numbers)
        restored = self._in_its_unit(recovery.in_words(self.restorations))
        if found is None:
            return Verdict(note=self._in_its_unit(self._note()), skill=skill,
                           yardstick=yardstick, standing=standing, restored=restored)
        told = found.judgment.told
        said = dict(found.judgment.reasons, **told)
        reasons = {issue: self._in_its_unit(reason) for issue, reason in said.items()}
        return Verdict(tuple(reasons), found.epoch, reasons, '', tuple(told), skill, yardstick,
                       standing, self.monitor.advice(said), restored)

    @property
    def outcome(self) -> Dict[str, Any]:
        """What it has come to, in plain values, for a record."""
        verdict = self.verdict
        return {'epochs': self.epochs, 'issues': list(verdict.issues), 'told': list(verdict.told),
                'reason': verdict.reason, 'note': verdict.note, 'skill': verdict.skill,
                'yardstick': verdict.yardstick, 'ended': self.ended,
                'by_loss': self.monitor.state.measure is LOSS_SHARE}

    @property
    def checks(self) -> int:
        """Checks made."""
        return self.watcher.checks

    @property
    def probes(self) -> int:
        """Checks that looked at gradients."""
        return self.watcher.probes

    @property
    def converged(self) -> bool:
        """Whether Theta was reached; a training without any accuracy counts as converged."""
        return self.monitor.converged

    @property
    def satisfied(self) -> bool:
        """Whether ``satisfied_count`` epochs in a row were good enough."""
        count = self.watching.satisfied_count
        return count is not None and self._satisfied >= count

    @property
    def ended(self) -> str:
        """Who ended the training, see ``ENDINGS``; meaningful once it has ended."""
        if self.satisfied:
            return 'satisfied'
        if self._ended_by_others:
            return 'callback'
        return 'planned' if self.epochs >= self.plan.epochs else 'verdict'

    # -------------------------------------------------------------------------------- one epoch

    def epoch(self, values: Mapping[str, Optional[float]]) -> bool:
        """Take in an epoch that has ended, and look if a check is due.

        Args:
            values: ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.

        Returns:
            Whether the training should stop.
        """
        with self.check_time:
            complete = self.complete(values)
            for key in HISTORY_KEYS:
                self.history[key].append(complete[key])
                if self._since:
                    self._window[key].append(complete[key])
            if self.recorder is not None:
                self.recorder.epoch(self.epochs, complete)
            self._record(self.watcher.look(self._window, self._training_seconds()))
            if self.watching.on_issue == 'restore':
                self._look_for_trouble(complete)
            accuracy = last_accuracy(complete)
            enough = accuracy is not None and accuracy >= self.monitor.params['Theta']
            self._satisfied = self._satisfied + 1 if enough else 0
            self._show('epoch')
        return self.is_to_stop

    @property
    def is_to_stop(self) -> bool:
        """Whether the training should stop."""
        return self.satisfied or (self.watching.on_issue != 'continue' and not self.restore_due
                                  and self.watcher.found is not None)

    def begin(self) -> bool:
        """The training is about to make its first step.

        Returns:
            Whether it should not: what it is to do contradicts itself for certain.
        """
        if self.epochs == 0:
            with self.check_time:
                self._record(self.watcher.before_training())
        return self.is_to_stop

    def end(self, interrupted: bool = False) -> None:
        """The training has ended: if somebody else ended it early, judge it as it stands.

        Args:
            interrupted: whether by an error, or by hand: nothing more is judged then.
        """
        with self.check_time:
            if not self.is_to_stop and self.epochs < self.plan.epochs:
                self._ended_by_others, self._interrupted = True, interrupted
            if self._ended_by_others and not interrupted:
                self._record(self.watcher.end(self._window, self._training_seconds()))
            self._show('end')

    # ------------------------------------------------------------------- going on after trouble

    def _look_for_trouble(self, values: Mapping[str, Optional[float]]) -> None:
        """See whether the best state has to be put back, or this one to be kept."""
        if self.watcher.found is None:
            jump = recovery.spike(self._window['loss'])
            if jump:
                self._record(self.watcher.declare({'explode': jump}))
        found, reached = self.watcher.found, recovery.score(values)
        self.restore_due = (found is not None and found.epoch == self.monitor.state.epoch
                            and recovery.is_for(found.judgment.reasons,
                                                self.monitor.state.non_finite))
        self.is_best = (found is None and reached is not None
                        and (self._best is None or reached > self._best))
        if self.is_best:
            self._best = reached

    @property
    def goes_on(self) -> bool:
        """Whether the training is to go on, with smaller steps, from what is put back."""
        return recovery.goes_on(len(self.restorations), self.epochs, self.plan.epochs)

    def restored(self, put_back: PutBack) -> bool:
        """The best state has been put back, as ``restore_due`` asked for.

        Args:
            put_back: what was done.

        Returns:
            Whether the training should stop: it has been put back often enough, it is over, or
            there was nothing to put back. Its verdict stands then; else what follows is judged as
            a training of its own.
        """
        found = self.watcher.found
        assert found is not None
        issue, reason = next(iter(found.judgment.reasons.items()))
        goes_on = self.goes_on and put_back.epoch is not None
        restoration = Restoration(found.epoch, issue, reason, put_back.epoch, put_back.rates,
                                  goes_on, put_back.note)
        self.restorations += (restoration,)
        if self.recorder is not None:
            self.recorder.event('restore', **dict(self._facts, **restoration.as_dict()))
        self.restore_due = False
        if goes_on:
            checks, probes = self.checks, self.probes
            self._begin_window(self.epochs)
            self.watcher.checks, self.watcher.probes = checks, probes
            self._satisfied = 0
        return self.is_to_stop

    def _show(self, moment: str) -> None:
        """Let the observers see the session; one that breaks down is left out from then on."""
        for observer in list(self._observers):
            try:
                getattr(observer, moment)(self)
            except Exception as error:  # a full disk, whatever a library raises
                self._observers.remove(observer)
                LOGGER.warning('%s shows nothing any more (%s: %s); the training goes on',
                               type(observer).__name__, type(error).__name__, first_line(error))

    def complete(self, values: Mapping[str, Optional[float]]) -> Dict[str, Optional[float]]:
        """The values of an epoch with what stands in for accuracies that mean nothing.

        Args:
            values: see :meth:`epoch`.
        """
        complete = {key: values.get(key) for key in HISTORY_KEYS}
        if not self.subject.accuracy_counts:
            complete.update(acc=None, val_acc=None)
        if complete['acc'] is None and complete['val_acc'] is None:
            if self._constant_loss is None:
                self._constant_loss = self.subject.constant_loss() or math.nan
                self._held_loss = self.subject.held_loss() or self._constant_loss
            if not math.isnan(self._constant_loss):
                self.monitor.measured_by(LOSS_SHARE)
                complete['acc'] = loss_based_accuracy(complete['loss'], self._constant_loss)
                complete['val_acc'] = loss_based_accuracy(complete['val_loss'], self._held_loss)
        return complete

    def _training_seconds(self) -> float:
        return self._clock() - self._began - self.check_time.seconds

    # ------------------------------------------------------------------------ words and records

    def _note(self) -> str:
        """What it means that no issue was found."""
        if not self.epochs:
            return 'not judged: no epoch has ended yet'
        if self._interrupted:
            return ('not judged: the training was interrupted after %d of %d planned epochs; '
                    'nothing had been found until then' % (self.epochs, self.plan.epochs))
        if (self.subject.constants[0].accuracy or 0) >= 1:
            return 'not judged: ' + facts.ONE_LABEL
        done = self.epochs - self._since
        if done < JUDGMENT_EPOCHS and not self.monitor.judged:
            return 'not judged: %d epoch%s%s, a verdict needs %d%s' % (
                done, '' if done == 1 else 's', ' since then' if self._since else '',
                JUDGMENT_EPOCHS, '' if self._since else self.of_short)
        if self.watcher.failed and self.monitor.by_skill and not self.monitor.proven:
            return 'not judged: the model could not be measured (%s)' % self.watcher.failed
        if not self.monitor.judged:
            return 'not judged yet: %d of %d planned epochs' % (self.epochs, self.plan.epochs)
        if self.monitor.unmeasurable:
            return 'not judged: %s' % self.monitor.unmeasurable
        if self._ended_by_others and not self.converged:
            return ('nothing was found, but the training was ended at epoch %d of %d before it '
                    'had converged' % (self.epochs, self.plan.epochs))
        found = 'nothing was found in %d epoch%s by %d check%s' % (
            self.epochs, '' if self.epochs == 1 else 's', self.checks,
            '' if self.checks == 1 else 's')
        if self.watching.by_skill and not self.monitor.by_skill:
            why = self.subject.unmeasured
            return '%s, but what is learnt was not measured%s' % (found, why and ' (%s)' % why)
        doubt = self.monitor.in_doubt
        return '%s%s: %s%s' % (SOUND, ', as far as can be told' * bool(doubt), found,
                               doubt and ' (%s)' % doubt)

    def _in_its_unit(self, sentence: str) -> str:
        return in_windows(sentence, self.plan.window)

    def _record(self, check: Optional[Check]) -> None:
        """Put a check on record, and log what it found."""
        if check is None:
            return
        self.last_check = check
        if self.recorder is not None and (check.gradients or check.judgment.reasons
                                          or check.judgment.told
                                          or not self.watching.schedule.sparing):
            reasons = {issue: self._in_its_unit(reason)
                       for issue, reason in check.judgment.reasons.items()}
            self.recorder.event('check', **dict(
                self._facts, epoch=check.epoch, issues=list(reasons),
                reason=joined(reasons), reasons=reasons,
                features=sorted(name for name, on in check.judgment.features.items() if on),
                gradients=check.gradients and gradients_on_record(check.gradients),
                layers=layers_on_record(check.gradients, check.outputs, self.probes),
                **self._skill_on_record(check)))

    def _skill_on_record(self, check: Check) -> Dict[str, Any]:
        """What was measured of the skill, and the yardsticks with what they cost."""
        if not self.watching.by_skill:
            return {}
        skill, yardstick, _ = check.numbers
        return {'skill': skill, 'yardstick': yardstick, 'told': dict(check.judgment.told),
                'advice': {issue: self.monitor.advice({issue: reason})
                           for issue, reason in check.judgment.reasons.items()},
                'yardsticks': [known.as_dict() for known in self.monitor.yardsticks]}

    # ----------------------------------------------------------------------- going on after a stop

    def state(self) -> Dict[str, Any]:
        """What :meth:`restore` needs, in plain numbers; for a training without a verdict."""
        return dict(history=self.history, satisfied=self._satisfied,
                    by_loss=self.monitor.state.measure is LOSS_SHARE,
                    watcher=self.watcher.state(), check_seconds=self.check_time.seconds,
                    since=self._since, best=self._best and list(self._best),
                    restorations=[one.as_dict() for one in self.restorations])

    def restore(self, state: Mapping[str, Any], seconds: float) -> None:
        """Go on with a training that was interrupted.

        Args:
            state: what :meth:`state` returned.
            seconds: how long the training had run, checks included.
        """
        self.history = {key: list(values) for key, values in state['history'].items()}
        self._satisfied = state['satisfied']
        self.check_time.seconds = state['check_seconds']
        self._began = self._clock() - seconds
        # earlier versions put nothing back
        self.restorations = tuple(map(recovery.from_dict, state.get('restorations', ())))
        best = state.get('best')
        self._best = (best[0], best[1]) if best else None
        self._begin_window(state.get('since', 0))
        if state.get('by_loss'):
            self.monitor.measured_by(LOSS_SHARE)
        self.watcher.restore(state['watcher'], self._window)

    def go_on_from(self, earlier: 'Session') -> None:
        """Stand where an earlier session of the same training stood, whose plan was shorter."""
        self.restore(earlier.state(), earlier.check_time.seconds)
        self.watcher.found = earlier.watcher.found
