"""One training's checks: when to look, at what, until there is a verdict."""

import math
import time
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from ..errors import first_line
from ..utils.logger import LOGGER
from ..utils.monitor import IssueMonitor
from ..utils.TimeCounter import TimeCounter
from . import schedule
from .facts import (
    HISTORY_KEYS,
    GradientSummary,
    History,
    Judgment,
    OutputSummary,
    Probe,
)
from .history import LASTING
from .own import OwnSymptoms, Seen


class Check(NamedTuple):
    """One check.

    Attributes:
        epoch: number of the epoch after which it was made.
        judgment: what the recognizer says.
        gradients: what the probe brought back; None where it was not needed.
        outputs: likewise of the layer outputs.
        numbers: skill, yardstick, and the two in words, as far as they were measured.
    """

    epoch: int
    judgment: Judgment
    gradients: Optional[GradientSummary] = None
    outputs: Optional[OutputSummary] = None
    numbers: Tuple[Optional[float], Optional[float], str] = (None, None, '')


class Watcher:
    """Looks at a training as the schedule says, until a check finds an issue.

    Args:
        monitor: decides what the numbers mean.
        checktype: when to look, see :mod:`AutoTrainer.judge.schedule`.
        probe: see :class:`~AutoTrainer.judge.facts.Probe`; None to judge the history alone.
        overhead_budget: share of the training time that ``adaptive`` may spend on probes; None for
            any.
        clock: seconds from any start.

    Attributes:
        found: the check that found an issue, the last that is made; None until then.
        checks: checks made.
        probes: how many of them looked at gradients.
        failed: why the model could not be measured any more, in words; '' as long as it can.
        skill_looks: checks that measured the model's skill.
        told: what the last check said of the training without it being a reason to stop.
    """

    def __init__(self, monitor: IssueMonitor, checktype: str, probe: Optional[Probe],
                 overhead_budget: Optional[float] = 0.01,
                 clock: Callable[[], float] = time.perf_counter) -> None:
        self.monitor = monitor
        self.schedule = schedule.read_checktype(checktype)
        self.probe = probe
        self.overhead_budget = overhead_budget
        self.found: Optional[Check] = None
        self.checks = 0
        self.probes = 0
        self.told: Optional[Check] = None
        self.failed = ''
        self.skill_looks = 0
        self._clock = clock
        self._skill_cost = math.inf  # of the cheapest look: what one costs once all is compiled
        self._last_skill: Optional[int] = None
        self._probe_time = TimeCounter(clock)
        self._probe_cost = 0.0
        self._last_probe: Optional[int] = None
        self._ended = False
        self._own = OwnSymptoms()

    def look(self, history: History, training_seconds: float) -> Optional[Check]:
        """Take in the epoch that has ended and check the training if a check is due.

        NaN in the history is looked at every epoch under every schedule: it costs nothing.

        Args:
            history: ``loss``, ``acc``, ``val_loss``, ``val_acc``, one entry per epoch.
            training_seconds: seconds of training so far, checks left out.

        Returns:
            The check, or None if none was made.
        """
        state = self.monitor.watch(history)
        total = self.monitor.total_epoch
        due = (bool(state.non_finite) or self._ended or state.epochs == total
               or state.epochs % self.schedule.interval(state.epochs, total) == 0)
        if self.found is not None or not due:
            return None
        gradients = outputs = None
        if self.probe is not None:
            try:
                gradients, outputs = self._measure(self.probe, training_seconds)
            except Exception as error:  # of a framework, on a model that nobody foresaw
                LOGGER.warning('epoch %d: the model cannot be measured (%s: %s); only the history '
                               'is judged from here on', state.epoch, type(error).__name__,
                               ' '.join(str(error).split())[:300], exc_info=LOGGER.isEnabledFor(10))
                self.probe, self.failed = None, first_line(error)
        numbers, judgment = self.monitor.in_numbers(), self.monitor.judge(gradients, outputs)
        if self._own:
            judgment = self._own.added(judgment, Seen(
                state.epochs, total, {key: tuple(history.get(key) or ()) for key in HISTORY_KEYS},
                gradients, outputs, *numbers[:2]))
        check = Check(state.epoch, judgment, gradients, outputs, numbers)
        self.checks += 1
        if check.judgment.reasons:
            self.found = check
        self.told = check if check.judgment.told else None
        return check

    def declare(self, reasons: Dict[str, str]) -> Check:
        """Take in a verdict that somebody else has come to, at the epoch watched last.

        Args:
            reasons: in words, by issue.
        """
        self.checks += 1
        self.found = Check(self.monitor.state.epoch, Judgment(reasons, {}),
                           numbers=self.monitor.in_numbers())
        return self.found

    def before_training(self) -> Optional[Check]:
        """Judge what is known before the first step; a check only if that is a verdict.

        What contradicts itself for certain counts under ``rules='skill'`` alone.
        """
        if self.found is not None or self.probe is None or not self.monitor.by_skill:
            return None
        self._find(self.probe, thorough=False)
        judgment = self.monitor.judge()
        if judgment.reasons:
            self.found = Check(0, judgment)
            self.checks += 1
        return self.found

    def end(self, history: History, training_seconds: float) -> Optional[Check]:
        """Judge a training that ends before its planned epochs as it stands.

        Args:
            history: see :meth:`look`.
            training_seconds: see :meth:`look`.

        Returns:
            The check, or None if the plan was fulfilled or no epoch was trained.
        """
        if self._ended or not 0 < self.monitor.watch(history).epochs < self.monitor.total_epoch:
            return None
        self._ended = True
        self.monitor.end()
        return self.look(history, training_seconds)

    def state(self) -> Dict[str, Any]:
        """What :meth:`restore` needs, in plain numbers; before a verdict."""
        return dict(in_a_row=self.monitor.in_a_row, measured=self.monitor.measured,
                    checks=self.checks, probes=self.probes, last_probe=self._last_probe,
                    probe_cost=self._probe_cost, probe_seconds=self._probe_time.seconds,
                    task=self.monitor.task is not None, last_skill=self._last_skill,
                    skill_cost=self._skill_cost, skill_looks=self.skill_looks)

    def restore(self, state: Mapping[str, Any], history: History) -> None:
        """Stand where a watcher stood.

        Args:
            state: what its :meth:`state` returned.
            history: what it had seen.
        """
        self.checks, self.probes = state['checks'], state['probes']
        self._last_probe, self._probe_cost = state['last_probe'], state['probe_cost']
        self._probe_time.seconds = state['probe_seconds']
        # earlier versions measured no skill
        self._last_skill = state.get('last_skill')
        self._skill_cost = state.get('skill_cost', math.inf)
        self.skill_looks = state.get('skill_looks', 0)
        if state['task'] and self.probe is not None:
            self.monitor.learn_task(self.probe.task())
        self.monitor.watch(history)
        self.monitor.restore(state['in_a_row'], state.get('measured'))

    def _measure(self, probe: Probe, training_seconds: float
                 ) -> Tuple[Optional[GradientSummary], Optional[OutputSummary]]:
        """What the probe says at a check, as far as it is asked."""
        monitor = self.monitor
        broken = bool(monitor.state.non_finite)
        if monitor.wants_skill() and self._can_afford_skill(training_seconds):
            started = self._clock()
            monitor.consult(probe)
            self._skill_cost = min(self._skill_cost, self._clock() - started)
            self._last_skill = monitor.state.epochs
            self.skill_looks += 1
        is_asked = broken or monitor.needs_probe()
        if monitor.by_skill and (is_asked or monitor.is_told_to_be_behind):
            self._find(probe, thorough=True)
        if monitor.task is None and is_asked:
            monitor.learn_task(probe.task())
        if broken or not self._wants_probe(training_seconds):
            return None, None
        with self._probe_time:
            gradients = probe.gradients()
            outputs = probe.outputs() if monitor.needs_probe() else None
        self._probe_cost = gradients.seconds
        self._last_probe = monitor.state.epochs
        self.probes += 1
        return gradients, outputs

    def _find(self, probe: Probe, thorough: bool) -> None:
        """Ask what is wrong with the set-up; what cannot be told is no reason to fail."""
        try:
            self.monitor.find(probe.findings(thorough))
        except Exception as error:  # of a framework, on data that nobody foresaw
            LOGGER.debug('what is wrong with the set-up cannot be told: %s', first_line(error))

    def _can_afford_skill(self, training_seconds: float) -> bool:
        """Whether to measure the model's skill at a check.

        The first looks and the last always, the others within the budget; what compiling and the
        yardstick cost, once, is left out, so that a busy machine does not change the verdict.
        """
        epoch, first = self.monitor.state.epochs, self.skill_looks < LASTING
        since = None if self._last_skill is None else epoch - self._last_skill
        return (first or self._ended or epoch == self.monitor.total_epoch
                or schedule.probe_is_affordable(since, self.skill_looks * self._skill_cost,
                                                self._skill_cost, training_seconds,
                                                self.overhead_budget))

    def _wants_probe(self, training_seconds: float) -> bool:
        """Whether to measure gradients at a check."""
        epoch = self.monitor.state.epochs
        if not self.schedule.sparing:
            return True
        if not self.monitor.needs_probe():
            return False
        if self._ended or epoch == self.monitor.total_epoch:
            return True
        since = None if self._last_probe is None else epoch - self._last_probe
        if schedule.probe_is_affordable(since, self._probe_time.seconds, self._probe_cost,
                                        training_seconds, self.overhead_budget):
            return True
        # no verdict is given without the probe that could outrank it
        return bool(self.monitor.judge().reasons)
