"""One training's checks: when to look, at what, until there is a verdict. Knows no Keras."""

import time
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..utils.logger import LOGGER
from ..utils.monitor import GradientSummary, IssueMonitor, OutputSummary, Verdict
from ..utils.TimeCounter import TimeCounter
from . import schedule


class Check(NamedTuple):
    """One check.

    Attributes:
        epoch: epochs done when it was made.
        issues: issues found, the one to be repaired first in front.
        gradients: what the probe brought back; None where it was not needed.
    """

    epoch: int
    issues: Tuple[str, ...]
    gradients: Optional[GradientSummary]


class Watcher:
    """Looks at a training as the schedule says, and latches the first verdict.

    Args:
        monitor: decides what the numbers mean.
        checktype: when to look, see :mod:`AutoTrainer.judge.schedule`.
        probe: has ``gradients()``, ``outputs()`` and ``task()``, as
            :class:`~AutoTrainer.utils.compute_gradient.Probe`; None to judge the history alone.
        overhead_budget: share of the training time that ``adaptive`` may spend on probes; None for
            any.
        clock: seconds from any start.

    Attributes:
        verdict: empty until a check finds an issue; then no further check is made.
        checks: checks made.
        probes: how many of them looked at gradients.
    """

    def __init__(self, monitor: IssueMonitor, checktype: str, probe: Any,
                 overhead_budget: Optional[float] = 0.01,
                 clock: Callable[[], float] = time.perf_counter) -> None:
        self.monitor = monitor
        self.checktype = checktype
        self.probe = probe
        self.overhead_budget = overhead_budget
        self.verdict = Verdict()
        self.checks = 0
        self.probes = 0
        self._probe_time = TimeCounter(clock)
        self._probe_cost = 0.0
        self._last_probe: Optional[int] = None

    def look(self, history: Mapping[str, Sequence[Optional[float]]],
             training_seconds: float) -> Optional[Check]:
        """Take in the epoch that has ended and check the training if a check is due.

        NaN in the history is looked at every epoch under every schedule: it costs nothing.

        Args:
            history: ``loss``, ``acc``, ``val_loss``, ``val_acc``, one entry per epoch.
            training_seconds: seconds of training so far, checks left out.

        Returns:
            The check, or None if none was made.
        """
        monitor = self.monitor
        epoch = monitor.watch(history).epochs
        broken = bool(monitor.state.non_finite)
        if self.verdict.issues or not (
                broken or schedule.check_is_due(self.checktype, epoch, monitor.total_epoch)):
            return None
        gradients = outputs = None
        if self.probe is not None:
            try:
                gradients, outputs = self._measure(epoch, broken, history, training_seconds)
            except Exception as error:  # of Keras or a backend, on a model that nobody foresaw
                LOGGER.warning('epoch %d: the model cannot be measured (%s: %s); only the history '
                               'is judged from here on', epoch, type(error).__name__,
                               ' '.join(str(error).split())[:300], exc_info=LOGGER.isEnabledFor(10))
                self.probe = None
        issues = tuple(monitor.determine(None, history, gradients, layer_output=outputs))
        self.checks += 1
        if issues:
            self.verdict = Verdict(issues, epoch, monitor.reason)
        return Check(epoch, issues, gradients)

    def _measure(self, epoch: int, broken: bool, history: Mapping[str, Sequence[Optional[float]]],
                 training_seconds: float) -> Tuple[Optional[GradientSummary],
                                                   Optional[OutputSummary]]:
        """What the probe says at a check, as far as it is asked."""
        if self.monitor.task is None and (broken or self.monitor.needs_probe()):
            self.monitor.task = self.probe.task()
        if broken or not self._wants_probe(epoch, history, training_seconds):
            return None, None
        with self._probe_time:
            gradients = self.probe.gradients()
            outputs = self.probe.outputs() if self.monitor.needs_probe() else None
        self._probe_cost = gradients.seconds
        self._last_probe = epoch
        self.probes += 1
        return gradients, outputs

    def close(self, history: Mapping[str, Sequence[Optional[float]]],
              training_seconds: float) -> Optional[Check]:
        """Judge a training that ends before its planned epochs as one that has reached them.

        Args:
            history: see :meth:`look`.
            training_seconds: see :meth:`look`.

        Returns:
            The check, or None if the plan was fulfilled.
        """
        epochs = self.monitor.watch(history).epochs
        if not 0 < epochs < self.monitor.total_epoch:
            return None
        self.monitor.total_epoch = epochs
        return self.look(history, training_seconds)

    def state(self) -> Dict[str, Any]:
        """What :meth:`restore` needs, in plain numbers; before a verdict."""
        return dict(checks=self.checks, probes=self.probes, last_probe=self._last_probe,
                    probe_cost=self._probe_cost, probe_seconds=self._probe_time.seconds,
                    in_a_row=dict(self.monitor.in_a_row), task=self.monitor.task is not None)

    def restore(self, state: Mapping[str, Any],
                history: Mapping[str, Sequence[Optional[float]]]) -> None:
        """Stand where a watcher stood.

        Args:
            state: what its :meth:`state` returned.
            history: what it had seen.
        """
        self.checks, self.probes = state['checks'], state['probes']
        self._last_probe, self._probe_cost = state['last_probe'], state['probe_cost']
        self._probe_time.seconds = state['probe_seconds']
        self.monitor.in_a_row.update(state['in_a_row'])
        if state['task'] and self.probe is not None:
            self.monitor.task = self.probe.task()
        self.monitor.watch(history)

    def _wants_probe(self, epoch: int, history: Mapping[str, Sequence[Optional[float]]],
                     training_seconds: float) -> bool:
        """Whether to measure gradients at a check.

        The constant schedules and the thesis's do so at every check, as upstream does, so that
        their cost stays comparable; ``adaptive`` only where the verdict can depend on it.
        """
        if self.checktype != 'adaptive':
            return True
        if not self.monitor.needs_probe():
            return False
        if epoch == self.monitor.total_epoch:
            return True
        since = None if self._last_probe is None else epoch - self._last_probe
        if schedule.probe_is_affordable(since, self._probe_time.seconds, self._probe_cost,
                                        training_seconds, self.overhead_budget):
            return True
        # no verdict is given without the probe that could outrank it
        return bool(self.monitor.determine(None, history, None))
