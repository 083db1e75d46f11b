"""The recognizer under ``rules='skill'``: sound is what learns what there is to learn.

Symptoms prove nothing here. A training is unsound if it learns clearly less than its yardstick
and will do so to its planned end; then the symptoms say why. See ``docs/guide/skill.md``.
"""

import math
import statistics
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..utils.monitor import IssueMonitor
from . import reference
from . import yardstick as classical
from .baseline import loss_based_accuracy
from .causes import (
    SPOILT,
    Evidence,
    advice_on,
    below_zero,
    causes,
    certain_reasons,
    no_signal,
    otherwise_in_steps,
    overfits,
)
from .configuration import Symptom
from .doubt import next_to_nothing, not_surely, validates_otherwise
from .facts import LOSS_SHARE, GradientSummary, Judgment, OutputSummary, Probe
from .history import JUDGMENT_EPOCHS, LASTING, HistoryState, judged
from .issues import ISSUES
from .preflight import LIKELY, Finding
from .progress import expected_gain, leaves_plateau
from .reference import Constants, Measured
from .skill import WORST
from .standing import ENOUGH, SURE, Standing, in_words, standings, told_of
from .yardstick import Yardstick

_TOLD = frozenset(name for name, issue in ISSUES.items() if issue.told)

EARLY = 0.2
"""Share of the planned epochs from which a training is judged whose shortfall is overwhelming:
where the thesis's schedule begins to look at every epoch."""

OVERWHELMING = 3.0
"""Standard errors that a shortfall must have before the judgment point."""

UNKNOWN_ROWS = 5
"""Training rows for one validation row, where nobody says how many of these there are."""

LEAST_REACHED = 0.2
"""Skill from which there is something to fall from."""


FALL = 2.0
"""Standard errors by which a training must have fallen to be said so: its best epochs are that by
chance too."""


class Ground(NamedTuple):
    """What an accuracy and a loss are held against before anything is measured.

    Attributes:
        training: what the best constant answer reaches on the training rows.
        validation: on the validation rows; None if they are not known.
        constant_loss: the loss of the best constant answer, asked for at most once; it may return
            None.
        loss_proves: whether a training that has lost most of it has learnt most.
        unmeasured: why outputs say nothing of what is learnt, in words; ''.
        is_told: whether losses come from somebody's loop, which may change labels or outputs first.
    """

    training: Constants
    validation: Optional[Constants] = None
    constant_loss: Callable[[], Optional[float]] = lambda: None
    loss_proves: bool = True
    unmeasured: str = ''
    is_told: bool = False


class SkillMonitor(IssueMonitor):
    """Decides whether a training learns enough, and names the cause where it does not.

    Args:
        ground: what accuracy and loss are held against.
        settings: those of :class:`~AutoTrainer.utils.monitor.IssueMonitor`.

    Attributes:
        proven: whether the history alone says that enough is learnt.
        yardsticks: what can be learnt, output by output; () where nobody had to ask.
    """

    by_skill = True

    def __init__(self, ground: Ground, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **named)
        self.ground = ground
        self._recent: List[Measured] = []  # of the last looks, the newest last
        self.yardsticks: Tuple[Yardstick, ...] = ()
        self.findings: Tuple[Finding, ...] = ()
        self._by_curves: Tuple[Finding, ...] = ()
        self._measured_at = 0
        self._gives_nothing = self._contradicts = False
        self._levels: Dict[str, List[Optional[float]]] = {'acc': [], 'val_acc': []}
        self._losses: List[Optional[float]] = []
        self._is_validated = False
        self.proven = False
        self._unproven = 0  # epochs in a row
        self._constant_loss: Optional[float] = None

    # --------------------------------------------------------------------- what the history says

    def watch(self, history: Mapping[str, Sequence[Optional[float]]]) -> HistoryState:
        """Take in the epochs of ``history`` that have not been seen yet, see the base class."""
        seen = self.state.epochs
        state = super().watch(history)
        for epoch in range(seen, state.epochs):
            for key, levels in self._levels.items():
                series = history.get(key) or ()
                levels.append(self._level(key, series[epoch] if epoch < len(series) else None))
            self._is_validated = self._is_validated or self._levels['val_acc'][-1] is not None
            self._losses.append(history['loss'][epoch])
            self._prove()
        return state

    def _level(self, key: str, accuracy: Optional[float]) -> Optional[float]:
        """Skill by the accuracy of an epoch; None where it tells nothing."""
        if accuracy is None or not math.isfinite(accuracy):
            return None
        if self.state.measure is LOSS_SHARE:
            return accuracy if self.ground.loss_proves else None
        constants = self.ground.training
        if key == 'val_acc' and self.ground.validation is not None:
            constants = self.ground.validation
        if constants.accuracy is None or constants.accuracy >= 1:
            return None
        return (accuracy - constants.accuracy) / (1 - constants.accuracy)

    def _level_series(self) -> List[Optional[float]]:
        """Skill per epoch on validation rows, on training rows where there are none."""
        return self._levels['val_acc' if self._is_validated else 'acc']

    def _prove(self) -> None:
        """See whether the history alone says that enough is learnt: no yardstick is above 1.

        With the same doubt in favour of the training as where skill is measured: half a standard
        error, and the best of the last ``LASTING`` epochs.
        """
        series = self._level_series()
        recent = [level for level in series[-LASTING:] if level is not None]
        self.proven = False
        if recent and series[-1] is not None:
            shown = max(recent)
            doubt = SURE * self._error_of(shown, self._is_validated)
            self.proven = shown + doubt >= ENOUGH and not self._contradicts
        self._unproven = 0 if self.proven else self._unproven + 1
        if self.proven:
            self._recent = []

    def _error_of(self, level: float, is_validation: bool) -> float:
        """Standard error of a skill in the history, from the number of its rows.

        Of an accuracy that of a share of right answers; of a loss that of a mean of squares of
        normal errors, sqrt(2 / rows) of itself.
        """
        constants = self.ground.training
        if is_validation:
            constants = self.ground.validation or Constants(
                max(1, constants.rows // UNKNOWN_ROWS), constants.accuracy)
        rows = max(1, constants.rows)
        if self.state.measure is LOSS_SHARE or constants.accuracy is None:
            return max(0.0, 1 - level) * math.sqrt(2 / rows)
        left = 1 - constants.accuracy
        right = min(1.0, max(0.0, constants.accuracy + level * left))
        return math.sqrt(right * (1 - right) / rows) / left

    def _fallen(self) -> Optional[str]:
        """How the training has fallen from what it had reached, on all rows that are looked at."""
        said = None
        for rows, levels in (('training', self._levels['acc']),
                             ('validation', self._levels['val_acc'])):
            known = [level for level in levels if level is not None]
            if len(known) < 2 * LASTING:
                continue
            middles = [statistics.median(known[i:i + LASTING])
                       for i in range(len(known) - LASTING + 1)]
            best, now = max(middles), max(known[-LASTING:])
            doubt = math.hypot(*[share * self._error_of(level, rows == 'validation')
                                 for share, level in ((1, now), (ENOUGH, best))])
            if best < LEAST_REACHED or now + FALL * doubt >= ENOUGH * best:
                return None
            said = ('it had reached a skill of %.2f on %s rows and has been at %.2f or below for '
                    '%d epochs' % (best, rows, now, LASTING))
        return said

    @property
    def _is_over(self) -> bool:
        return self._ended or self.state.epochs >= self.total_epoch

    @property
    def judged(self) -> bool:
        """Whether the time to judge has come: what is overwhelming counts from ``EARLY`` on."""
        return self._is_due(self.state.epochs)

    def _is_due(self, epoch: int) -> bool:
        return epoch > 0 and (self._ended or epoch >= self.total_epoch or (
            epoch >= JUDGMENT_EPOCHS and epoch >= EARLY * self.total_epoch))

    def judged_early(self) -> bool:
        """Symptoms count whenever a training is judged."""
        return self.judged

    @property
    def converged(self) -> bool:
        """Whether enough is learnt, as far as that is known."""
        return self.state.epochs > 0 and (self.proven or not self._is_short())

    # --------------------------------------------------------------------------- what is measured

    def wants_skill(self) -> bool:
        """Whether the model's own skill has to be measured: the history proves nothing.

        The first looks are made before the time to judge, so that one bad epoch decides nothing
        then. Validation rows of which the history says nothing are looked at once, at the end.
        """
        if self.ground.unmeasured or self._contradicts:
            return False
        if self._is_over and self.proven and self._is_hearsay():
            return True
        if self._is_over and self.ground.validation is not None and not self._is_validated:
            return not self.state.non_finite
        soon = self._is_due(self.state.epochs + LASTING - 1)
        lasts = self._unproven >= min(LASTING, self.state.epochs)
        return (soon and (lasts or self._is_over) and not self.state.non_finite
                and not self.proven)

    def _is_hearsay(self) -> bool:
        """Whether all that speaks for the training is a loss that its loop has told."""
        return self.ground.is_told and self.state.measure is LOSS_SHARE

    def consult(self, probe: Probe) -> None:
        """Measure the model's skill, and what can be learnt where it is not high by itself."""
        measured = probe.skills()
        self._gives_nothing = measured is None
        if measured is None:
            return
        self._recent = (self._recent + [measured])[-LASTING:]
        self._measured_at = self.state.epochs
        if self.proven and self._is_hearsay():
            best = max((skill.value + 2 * skill.error
                        for part in (measured.training, measured.validation)
                        for skills in part for skill in skills.values()), default=1.0)
            if best < ENOUGH / 2:
                self._contradicts, self.proven, self._recent = True, False, []
            return
        if not self.judged:
            return
        validation = _worst(self._standings('validation'))
        told = self._asks_for_told() and validation is not None and validation.is_short()
        if not self.yardsticks and (self._is_short() or told):
            self.yardsticks = tuple(probe.yardsticks())

    def _asks_for_told(self) -> bool:
        """Whether issues count now that are only told: at the end, or where they are asked for."""
        return self._is_over or bool(self.optional_issues & _TOLD)

    @property
    def measured(self) -> Dict[str, Any]:
        """What was measured at the last looks, and the yardsticks, in plain numbers."""
        return {'looks': [look.as_dict() for look in self._recent],
                'yardsticks': [known.as_dict() for known in self.yardsticks]}

    def restore(self, in_a_row: Mapping[str, int],
                measured: Optional[Mapping[str, Any]] = None) -> None:
        """Stand, beside the history, where a monitor stood, see the base class."""
        super().restore(in_a_row, measured)
        if measured:
            self._recent = [reference.from_dict(look) for look in measured['looks']]
            self.yardsticks = tuple(map(classical.from_dict, measured['yardsticks']))

    @property
    def is_told_to_be_behind(self) -> bool:  # type: ignore[override]
        """Whether it has ended, and had to be held against a yardstick: rows are looked at then."""
        return (self._is_over and bool(self.yardsticks)
                and self._measured_at == self.state.epochs)

    def needs_probe(self) -> bool:
        """Whether the training is unsound, so that the cause has to be found."""
        return (self.judged and self.wants_skill() and self._is_short()
                and self._measured_at == self.state.epochs)

    @property
    def unmeasurable(self) -> str:  # type: ignore[override]
        """Why nothing can be measured that would say that enough is learnt; ''."""
        held = self.ground.validation
        if held is not None and held.accuracy is not None and held.accuracy >= 1:
            return ('all %d validation rows have the same label, which says nothing of what is '
                    'learnt; shuffle the rows before they are divided, or give others' % held.rows)
        if self.proven:
            return ''
        if self.ground.unmeasured:
            return self.ground.unmeasured
        if self._contradicts:
            return ('the losses that were told are much less than those of these outputs and '
                    'labels: give the mean for a row, and the labels as the loss takes them')
        if self._gives_nothing or self._recent and self.standing is None:
            return ('what the model gives cannot be held against the labels: they are of another '
                    'shape, of no known kind, or all alike')
        return ''

    @property
    def standing(self) -> Optional[Standing]:
        """How the output that stands worst stands; None where nothing was measured."""
        return _worst(self._standings())

    def _standings(self, part: Optional[str] = None, back: int = 1) -> List[Standing]:
        """How each output stood at one of the last looks; ``back`` is 1 for the last."""
        return [] if len(self._recent) < back else standings(
            self._recent[-back], self.yardsticks, self.ground.training.rows, part)

    def _is_short(self) -> bool:
        """Whether it learns clearly less than it should, and will to its planned end."""
        looks = 1 if self._is_over else LASTING
        if len(self._recent) < looks:
            return False
        if self._fallen():
            return True
        if self._learns_in_training() and not self._is_over:
            return False
        if leaves_plateau([max(look.spread, default=0.0) for look in self._recent],
                          self.total_epoch - self.state.epochs):
            return False
        gain = self.expected_gain()
        late = self._is_over or judged(self.state.epochs, self.total_epoch)
        sure = SURE if late else OVERWHELMING
        stood = [_worst(self._standings(back=back)) for back in range(1, looks + 1)]
        return any(stood) and all(standing is None or standing.is_short(gain, sure)
                                  for standing in stood)

    def _learns_in_training(self) -> bool:
        """Whether the accuracy of the training steps is enough, whatever the predictions are worth.

        Batch normalisation predicts with averages that follow the training by some hundred steps:
        until the end such a model may still come round.
        """
        recent = self._lately()
        return len(recent) == LASTING and min(recent) >= ENOUGH

    def _lately(self) -> List[float]:
        """Skill by the training steps of the last epochs, as far as it is known."""
        return [level for level in self._levels['acc'][-LASTING:] if level is not None]

    def _in_steps(self) -> Optional[float]:
        """Skill by the accuracy of the training steps lately; None where that is not known."""
        recent = self._lately()
        known = recent and self.state.measure is not LOSS_SHARE
        return statistics.median(recent) if known else None

    def expected_gain(self) -> float:
        """What the curves promise until the planned end, in skill."""
        remaining = 0 if self._is_over else self.total_epoch - self.state.epochs
        by_accuracy = [expected_gain(self._levels[key], remaining) for key in ('acc', 'val_acc')]
        if self.state.measure is LOSS_SHARE:
            by_accuracy = [max(0.0, gain - _below(self._levels[key]))
                           for gain, key in zip(by_accuracy, ('acc', 'val_acc'))]
        losses = self._loss_levels()
        return max(by_accuracy + [expected_gain(losses, remaining) - _below(losses), 0.0])

    def _loss_levels(self) -> List[Optional[float]]:
        """Skill by the training loss, per epoch."""
        if self._constant_loss is None:
            first = next((loss for loss in self._losses if loss is not None), None)
            self._constant_loss = self.ground.constant_loss() or first or math.nan
        if not self._constant_loss > 0:
            return []
        levels = [loss_based_accuracy(loss, self._constant_loss) for loss in self._losses]
        if self.state.measure is LOSS_SHARE or not self.state.has_accuracy:
            return levels
        # of classes a loss above the constant answer's is mostly a penalty on weights, or what
        # large outputs cost: that it falls does not say that anything is learnt
        return [level and max(0.0, level) for level in levels]

    # ------------------------------------------------------------------------------- the judgement

    def find(self, findings: Sequence[Finding]) -> None:
        """Take in what is wrong with how the training is set up, see ``preflight``."""
        self.findings = tuple(findings)

    def judge(self, gradients: Optional[GradientSummary] = None,
              outputs: Optional[OutputSummary] = None) -> Judgment:
        """Judge the training as it stands, see the base class.

        A certain contradiction is a verdict at once, and so are numbers that are not finite. Of a
        training that goes on and surely learns enough nothing is said; nobody looks for symptoms.
        """
        if self.proven and gradients is None and not (
                self.state.non_finite or self._asks_for_told()):
            return Judgment({}, {})
        symptoms = self._symptoms(gradients, outputs)
        features = {name: reason is not None for name, reason in symptoms.items()}
        certain = certain_reasons(self.findings)
        if certain and not self.state.epochs:
            return Judgment(certain, features)
        if self.state.non_finite or self.needs_probe():
            evidence = self._evidence(symptoms, gradients)
            otherwise = otherwise_in_steps(evidence)
            self._by_curves = () if otherwise is None else (otherwise,)
            return Judgment(causes(evidence), features)
        told = self._told(symptoms)
        asked = {issue: reason for issue, reason in told.items() if issue in self.optional_issues}
        return Judgment(asked, features, {} if asked else told)

    def _evidence(self, symptoms: Mapping[str, Symptom],
                  gradients: Optional[GradientSummary] = None) -> Evidence:
        levels = self._level_series()
        measured = self._recent[-1] if self._recent else None
        standing = self.standing
        return Evidence(
            symptoms, self.findings, self.state.non_finite,
            max(measured.spread) if measured is not None and measured.spread else None,
            _worst(self._standings('training')), _worst(self._standings('validation')), levels,
            standing.skill.error if standing else 0.0, self.expected_gain(),
            next((yardstick.unseen[standing.form] for yardstick in self.yardsticks
                  if standing and standing.form in yardstick.unseen), None), self._fallen(),
            standing.learner if standing else '', _ratio(gradients), self._in_steps())

    def _told(self, symptoms: Mapping[str, Symptom]) -> Dict[str, str]:
        """What is said of a training at its end although it is no reason to stop it."""
        no_loss = below_zero(self._losses, self.findings) if self._is_over else None
        if no_loss:
            return {'loss_issue': no_loss}
        if not self._asks_for_told() or not self.yardsticks or self.standing is None:
            return {}
        evidence = self._evidence(symptoms)
        nothing = no_signal(evidence)
        if nothing:
            spoilt = [finding.sentence for finding in self.findings if finding.name in SPOILT]
            return {'no_signal': '; '.join([nothing] + spoilt)}
        overfit = overfits(evidence)
        if overfit is None:
            return {}
        self._by_curves = (overfit,)
        likely = [finding.sentence for finding in self.findings if finding.severity == LIKELY]
        return {overfit.issue: '; '.join([overfit.sentence] + likely)}

    @property
    def in_doubt(self) -> str:
        """Why a model that is told to be behind is not blamed; '' where it is not behind."""
        standing = self.standing
        told = told_of(self._recent[-1], self.yardsticks, self.ground.training.rows) if (
            self._recent) else None
        if told is None or standing is None:
            return ''
        if self.yardsticks and not told.learner and told.skill.value < ENOUGH:
            return 'what could be learnt is not known'
        level = self._levels['val_acc'][-1] if self._levels['val_acc'] else None
        rows = 'validation' if standing in self._standings('validation') else 'training'
        return (validates_otherwise(None if self.state.measure is LOSS_SHARE else level,
                                    self._recent[-1])
                or next_to_nothing(told) or not_surely(told, standing, rows, self.findings))

    def in_numbers(self) -> Tuple[Optional[float], Optional[float], str]:
        """Skill, yardstick, and the two in words, as far as they were measured."""
        if not self._recent:
            recent = [level for level in self._level_series()[-1:] if level is not None]
            return (recent[0] if recent else None), None, ''
        told = told_of(self._recent[-1], self.yardsticks, self.ground.training.rows)
        if told is None:
            return None, None, ''
        return (told.skill.value, told.yardstick.value if told.learner else None, in_words(told))

    def advice(self, reasons: Mapping[str, str]) -> str:
        """What to change about what was found, see :func:`~AutoTrainer.judge.causes.advice_on`."""
        return advice_on(reasons, self.findings + self._by_curves)


def _below(levels: Sequence[Optional[float]]) -> float:
    """What a loss must gain before the skill rises: none is told that is lower than ``WORST``."""
    last = next((level for level in reversed(levels) if level is not None), 0.0)
    return max(0.0, -math.log1p(-WORST) - last)


def _worst(found: Sequence[Standing]) -> Optional[Standing]:
    return min(found, key=lambda standing: standing.margin()) if found else None


def _ratio(gradients: Optional[GradientSummary]) -> Optional[float]:
    """First gradient norm over the last; None where it says nothing."""
    if gradients is None or len(gradients.kernels) < 2 or not gradients.kernels[-1][1] > 0:
        return None
    return gradients.kernels[0][1] / gradients.kernels[-1][1]
