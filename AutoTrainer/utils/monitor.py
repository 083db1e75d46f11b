"""The problem recognizer: from numbers to a verdict.

Everything here is a function of numbers that somebody else measured: the history of the
training (loss and accuracy per epoch) and the summaries that a probe brings back. Nothing here
touches a model.

The symptoms are those of Table I of the AUTOTRAINER paper (ICSE 2021); the check interval
``getdynamicCF`` is the 2023 thesis's. Where the rule in force differs from upstream's code,
``docs/evidence/upstream-differences.md`` says so.
"""

import math
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from ..errors import UserError
from ..intake.config import check_number
from ..judge.collapse import COLLAPSE_PARAMS, CollapseTracker
from ..judge.configuration import (
    Symptom,
    data_issue,
    head_issue,
    layer_issue,
    loss_function_issue,
)
from ..judge.facts import (
    GradientSummary,
    Judgment,
    Measure,
    OutputSummary,
    Probe,
    Task,
    joined,
)
from ..judge.gradients import (  # noqa: F401 - upstream looks for them here
    gradient_issue,
    gradient_message_summary,
    gradient_norm,
    gradient_zero_radio,
    has_NaN,
    weights_issue,
)
from ..judge.history import (
    HISTORY_KEYS,
    JUDGMENT_EPOCHS,
    OVERFIT_GAP,
    HistoryState,
    below_theta,
    extrema,
    judged,
)
from ..judge.issues import ISSUES, check_optional_issues
from ..judge.losses import CLASS_LOSSES
from ..judge.standing import ENOUGH

DEFAULT_PARAMS: Dict[str, float] = {
    'beta_1': 1e-3,  # vanish: ratio of first to last gradient norm, at most
    'beta_2': 1e-4,  # vanish: first gradient norm, at most
    'beta_3': 70,    # explode: ratio of first to last gradient norm, at least
    'gamma': 0.7,    # relu: share of zero gradients, at least
    'zeta': 0.03,    # unstable: height of a swing of the accuracy curve, at least
    'eta': 0.2,      # unstable: swings per epoch, at least
    'delta': 0.01,   # not_converge: accuracy gain from one epoch to the next, at most
    'alpha_1': 0,    # vanish: further judged checks in a row that must agree
    'alpha_2': 0,    # explode: likewise
    'alpha_3': 0,    # relu: likewise
    'Theta': 0.7,    # accuracy from which a run counts as converged
    'omega_1': 10,   # abnormal_data: mean absolute value of the data, at least
    'omega_2': 1,    # activation_issue: what the outputs of one row may sum to (+ 0.1)
}
"""Thresholds of the recognizer (paper, Table I; Theta as in upstream's code)."""

LARGE_LOSS = 1e3
"""A finite loss of this size counts as exploded while it lasts (upstream's later revision)."""


def thresholds() -> Dict[str, float]:
    """Every threshold by name with its default, for the rules in words of the table of issues."""
    return dict(DEFAULT_PARAMS, large_loss=LARGE_LOSS, overfit_gap=OVERFIT_GAP, enough=ENOUGH,
                **COLLAPSE_PARAMS)


def max_delta_acc(acc_list: Sequence[float]) -> float:
    """Largest gain from one epoch to the next; 0.0 for a falling or a short curve."""
    gains = [after - before for before, after in zip(acc_list, acc_list[1:])]
    return max([0.0] + [gain for gain in gains if gain > 0])


def ol_judge(history: Mapping[str, Sequence[float]], threshold: float, rate: float) -> bool:
    """Oscillating loss (paper, Table I): enough pairs of extrema lie far apart.

    Args:
        history: its ``'acc'`` is judged (the thesis hands in the validation accuracy there).
        threshold: least difference of a maximum and the minimum of the same number (ζ).
        rate: least number of such pairs per epoch (η).

    Returns:
        True if there are at least ``rate * len(acc)`` such pairs; False for an empty curve.
    """
    acc = history['acc']
    maxima, minima = extrema(acc)
    swings = sum(1 for high, low in zip(maxima, minima) if high - low >= threshold)
    return len(acc) > 0 and swings >= rate * len(acc)


def getdynamicCF(current_epoch: int, total_epoch: int) -> str:  # noqa: N802 - the thesis's name
    """Check interval in force at an epoch (the thesis, Chapter 4).

    Args:
        current_epoch: epochs done so far, ``len(history['loss'])``.
        total_epoch: planned epochs.

    Returns:
        ``'epoch_N'``: before 1/5 of the planned epochs an interval as long as the run (no check
        at all), from 1/5 to 2/5 ``'epoch_1'``, afterwards ``'epoch_10'``.
    """
    if 5 * current_epoch < total_epoch:
        return 'epoch_%d' % total_epoch
    if 5 * current_epoch <= 2 * total_epoch:
        return 'epoch_1'
    return 'epoch_10'


# ------------------------------------------------------------------------ symptoms, one a place

def not_converged(state: HistoryState, params: Mapping[str, float]) -> bool:
    """Whether neither training nor validation accuracy ever reached Theta.

    Table I's clause max(Acc) ≤ Θ in the form of upstream's later revision: strictly below, and
    both curves. A run without an accuracy is never said to be unconverged.
    """
    return (state.has_accuracy and state.best_acc < params['Theta']
            and state.best_val_acc < params['Theta'])


def needs_probe(state: HistoryState, total_epoch: int, params: Mapping[str, float],
                early: bool = False) -> bool:
    """Whether a probe of gradients or outputs could change the verdict at this epoch.

    No symptom that is read from a probe counts before the judgment point or once the run has
    converged, and NaN in the history is a verdict by itself.

    Args:
        state: the history up to the epoch.
        total_epoch: planned epochs.
        params: thresholds.
        early: whether to judge before the judgment point too.
    """
    return ((early or judged(state.epochs, total_epoch)) and not state.non_finite
            and not_converged(state, params))


def loss_issue(state: HistoryState, total_epoch: int, params: Mapping[str, float],
               determine_threshold: int = 5, early: bool = False,
               large_loss: float = LARGE_LOSS) -> Dict[str, Symptom]:
    """Symptoms that the history alone shows.

    Args:
        state: the history up to the epoch that is judged.
        total_epoch: planned epochs.
        params: thresholds, see ``DEFAULT_PARAMS``.
        determine_threshold: epochs in a row that the two overfitting symptoms must last.
        early: whether to judge before the judgment point too.
        large_loss: what no training loss should reach.

    Returns:
        For each feature the reason in words, or None: ``nan_loss``, ``abnormal_loss``,
        ``not_converge``, ``sc_accuracy``, ``unstable_loss``, ``test_not_well``,
        ``test_turn_bad``. All but ``nan_loss`` for non-finite numbers wait for the judgment
        point.
    """
    found: Dict[str, Symptom] = dict.fromkeys(
        ('nan_loss', 'abnormal_loss', 'not_converge', 'sc_accuracy', 'unstable_loss',
         'test_not_well', 'test_turn_bad'))
    if state.non_finite:
        found['nan_loss'] = '%s is not a finite number' % state.non_finite
    if not early and not judged(state.epochs, total_epoch):
        return found
    swings, length = state.oscillation.swings, state.oscillation.length
    if state.oscillation.oscillates(params['eta']):
        found['unstable_loss'] = (
            'the %s swung by ≥ ζ = %g %d times in %d epochs: %.3g ≥ η = %g per epoch'
            % (state.measure.noun, params['zeta'], swings, length, swings / length, params['eta']))
    if state.lowest_loss < 0:
        found['abnormal_loss'] = 'the loss went below zero, to %.3g' % state.lowest_loss
    if not_converged(state, params):
        found['not_converge'] = below_theta(state, params['Theta'])
        if state.last_loss >= large_loss and not found['nan_loss']:
            found['nan_loss'] = ('loss = %.3g ≥ %g at epoch %d'
                                 % (state.last_loss, large_loss, state.epoch))
    if state.has_accuracy and state.largest_gain <= params['delta']:
        found['sc_accuracy'] = ('the largest %s is %.3g ≤ δ = %g' % (
            state.measure.gain, state.largest_gain, params['delta']))
    if state.bad_gap_epochs >= determine_threshold:
        found['test_not_well'] = (
            'training %s has been ≥ %g above validation %s for %d epochs'
            % (state.measure.noun, OVERFIT_GAP, state.measure.noun, state.bad_gap_epochs))
    if state.falling_val_epochs >= determine_threshold:
        found['test_turn_bad'] = ('the validation loss has not improved for %d epochs'
                                  % state.falling_val_epochs)
    return found


# -------------------------------------------------------------------------------- the recognizer

_FEATURES = ('not_converge', 'unstable_loss', 'nan_loss', 'abnormal_loss', 'test_not_well',
             'test_turn_bad', 'sc_accuracy', 'died_relu', 'vanish_gradient', 'explode_gradient',
             'nan_gradient', 'large_weight', 'nan_weight', 'abnormal_data', 'improper_activation',
             'improper_loss', 'collapse')


def check_params(params: Optional[Mapping[str, float]], satisfied_acc: float) -> Dict[str, float]:
    """Complete a user's thresholds with the defaults.

    Args:
        params: thresholds by name; missing ones take their default, ``Theta`` that of
            ``satisfied_acc``.
        satisfied_acc: accuracy from which a run counts as converged.

    Returns:
        All thresholds.

    Raises:
        UserError: for an unknown name or a value that is not a finite number.
    """
    complete = dict(DEFAULT_PARAMS, Theta=satisfied_acc)
    for name, value in dict(params or {}).items():
        if name not in complete:
            raise UserError('params has an unknown name %r; known are %s'
                             % (name, ', '.join(sorted(complete))))
        complete[name] = check_number('params[%r]' % name, value)
    return complete


class IssueMonitor:
    """Decides, check by check, which problems a training has.

    :meth:`watch` takes the history in, :meth:`judge` says what it and a probe's numbers mean;
    :meth:`determine` is both, as upstream calls it.

    Args:
        total_epoch: planned epochs.
        satisfied_acc: accuracy from which a run counts as converged; ``params['Theta']`` wins.
        params: thresholds that differ from ``DEFAULT_PARAMS``.
        determine_threshold: epochs in a row that the overfitting symptoms must last.
        task: what the training is set to do; without it the three configuration faults
            (``abnormal_data``, ``activation_issue``, ``loss_issue``) are not judged.
        optional_issues: which of ``OPTIONAL_ISSUES`` to judge.
        steps_per_epoch: steps that an epoch takes; ``collapse`` reads it.
        epochs_before: epochs that the model was trained before; reasons count from there.

    Attributes:
        feature: the symptoms at the last :meth:`determine` by upstream's names, True or False.
        reason: why it decided as it did, in words; '' if it found nothing.
        state: the running summary of the history.
        collapse: the same of what :mod:`AutoTrainer.judge.collapse` reads.

    Raises:
        UserError: for a wrong argument.
    """

    def __init__(self, total_epoch: int, satisfied_acc: float = 0.7,
                 params: Optional[Mapping[str, float]] = None, determine_threshold: int = 5,
                 task: Optional[Task] = None, optional_issues: Iterable[str] = (),
                 steps_per_epoch: Optional[int] = None, epochs_before: int = 0) -> None:
        self.total_epoch = total_epoch
        self.params = check_params(params, satisfied_acc)
        self.determine_threshold = determine_threshold
        self.optional_issues = frozenset(check_optional_issues(optional_issues))
        self.state = HistoryState(self.params, epochs_before)
        self.collapse = CollapseTracker(steps_per_epoch)
        self.feature: Dict[str, bool] = dict.fromkeys(_FEATURES, False)
        self.reason = ''
        self._task = task
        self._ended = False
        self._in_a_row: Dict[str, int] = {}

    @property
    def task(self) -> Optional[Task]:
        """What the training is set to do; None while it is not known."""
        return self._task

    def learn_task(self, task: Task) -> None:
        """Take in what the training is set to do, once somebody has found out."""
        self._task = task

    def measured_by(self, measure: Measure) -> None:
        """Say what the series ``acc`` and ``val_acc`` hold; the accuracy unless told."""
        self.state.measure = measure

    def end(self) -> None:
        """The training is over, whatever was planned: what it came to can be judged now."""
        self._ended = True

    def watch(self, history: Mapping[str, Sequence[Optional[float]]]) -> HistoryState:
        """Take in the epochs of ``history`` that have not been seen yet.

        Args:
            history: ``loss``, ``acc``, ``val_loss``, ``val_acc``, one number per epoch; empty or
                missing lists for what was not measured.

        Returns:
            The running summary.
        """
        for epoch in range(self.state.epochs, len(history['loss'])):
            values = {key: history[key][epoch] if epoch < len(history.get(key) or ()) else None
                      for key in HISTORY_KEYS}
            self.state.update(values)
            self.collapse.update(values)
        return self.state

    def judged_early(self) -> bool:
        """Whether accuracy-based symptoms count although the judgment point is not reached.

        A training that has ended has come as far as it ever will: it is judged as it stands if
        there is a curve at all.
        """
        return self.dead_from_the_start() or (
            self._ended and self.state.epochs >= JUDGMENT_EPOCHS)

    @property
    def judged(self) -> bool:
        """Whether accuracy-based symptoms count."""
        return self.judged_early() or judged(self.state.epochs, self.total_epoch)

    @property
    def converged(self) -> bool:
        """Whether the run has reached Theta; so has one without any accuracy, for all we know."""
        return not not_converged(self.state, self.params)

    def dead_from_the_start(self) -> bool:
        """Whether the evidence is overwhelming, before the judgment point, that nothing is learnt.

        Only where ``collapse`` is judged. A probe then says whether it has a better name.
        """
        return ('collapse' in self.optional_issues and self.collapse.reason is not None
                and not self.collapse.learnt_before)

    by_skill = False
    """Whether a training is judged by what it learns, see :mod:`AutoTrainer.judge.by_skill`."""
    is_told_to_be_behind = False
    """Under these rules nobody measures what could be learnt."""

    proven = False
    """Whether the history alone says that enough is learnt: the paper does not ask."""

    unmeasurable = ''
    """Why nothing can be measured that would say that enough is learnt: the paper does not ask."""

    yardsticks: Tuple[Any, ...] = ()
    """What can be learnt, as far as it was asked for: never, for the paper."""

    @property
    def in_doubt(self) -> str:
        """Why a training that is behind is not blamed: for the paper nothing is in doubt."""
        return ''

    def find(self, findings: Sequence[Any]) -> None:
        """Take in what is wrong with how the training is set up: nothing, for the paper."""

    def wants_skill(self) -> bool:
        """Whether the model's skill has to be measured: never, for the paper."""
        return False

    def consult(self, probe: Probe) -> None:
        """Measure it."""

    def in_numbers(self) -> Tuple[Optional[float], Optional[float], str]:
        """Skill, yardstick, and the two in words, as far as they were measured."""
        return None, None, ''

    def advice(self, reasons: Mapping[str, str]) -> str:
        """What to change, in words, for reasons by issue; '' where that is left to a repair."""
        return ''

    def needs_probe(self) -> bool:
        """Whether a probe could change the verdict at the epoch watched last."""
        return needs_probe(self.state, self.total_epoch, self.params, self.judged_early())

    def determine(self, model: Any, history: Mapping[str, Sequence[Optional[float]]],
                  gradient_list: Union[GradientSummary, Sequence[Any], None],
                  checkgap: int = 1, layer_output: Optional[OutputSummary] = None) -> List[str]:
        """Judge the training as it stands; upstream's door to :meth:`watch` and :meth:`judge`.

        Args:
            model: not looked at; upstream's argument.
            history: see :meth:`watch`.
            gradient_list: what the probe brought back, or gradient arrays in layer order, or None
                where no probe was made.
            checkgap: not looked at; upstream's argument (a verdict does not depend on how often
                it is asked for).
            layer_output: what the probe says of the layer outputs, or None.

        Returns:
            The issues found, the one to be repaired first in front.
        """
        self.watch(history)
        if gradient_list is not None and not isinstance(gradient_list, GradientSummary):
            gradient_list = gradient_message_summary(gradient_list)
        found = self.judge(gradient_list, layer_output)
        self.feature, self.reason = found.features, joined(found.reasons)
        return list(found.reasons)

    def judge(self, gradients: Optional[GradientSummary] = None,
              outputs: Optional[OutputSummary] = None) -> Judgment:
        """Judge the training as it stands, by the history that was watched and what was measured.

        Without gradients nothing is changed by asking: neither does the answer confirm a symptom
        that must last for several probes (``alpha_1`` to ``alpha_3``), nor end it.

        Args:
            gradients: what the probe says of the gradients now; None where it was not asked.
            outputs: likewise of the layer outputs.

        Returns:
            Issues with their reasons, and symptoms.
        """
        reasons = self._symptoms(gradients, outputs)
        found = self._diagnose(reasons, gradients is not None)
        return Judgment({issue: found[issue] for issue in ISSUES if issue in found},
                        {name: reasons[name] is not None for name in _FEATURES})

    @property
    def in_a_row(self) -> Dict[str, int]:
        """For each issue read from a probe, the probes in a row that have shown it."""
        return dict(self._in_a_row)

    @property
    def measured(self) -> Dict[str, Any]:
        """What is kept of the skill that was measured, in plain numbers: nothing, for the paper."""
        return {}

    def restore(self, in_a_row: Mapping[str, int],
                measured: Optional[Mapping[str, Any]] = None) -> None:
        """Stand, beside the history, where a monitor stood that had these attributes."""
        self._in_a_row.update(in_a_row)

    def _symptoms(self, gradients: Optional[GradientSummary],
                  outputs: Optional[OutputSummary]) -> Dict[str, Symptom]:
        reasons: Dict[str, Symptom] = dict.fromkeys(_FEATURES)
        # a regression's loss is as large as the square of what it predicts
        by_classes = self.task is None or self.task.loss in CLASS_LOSSES
        reasons.update(loss_issue(self.state, self.total_epoch, self.params,
                                  self.determine_threshold, self.judged_early(),
                                  LARGE_LOSS if by_classes else math.inf))
        if gradients is not None:
            reasons.update(gradient_issue(gradients, self.params))
            reasons.update(weights_issue(gradients))
        if self.task is not None:
            reasons['abnormal_data'] = data_issue(self.task, self.params)
            reasons['improper_loss'] = loss_function_issue(self.task, self.state.lowest_loss)
            if outputs is not None:
                reasons['improper_activation'] = layer_issue(self.task, outputs, self.params)
        if 'collapse' in self.optional_issues:
            reasons['collapse'] = self.collapse.reason
        return reasons

    def _diagnose(self, reasons: Mapping[str, Symptom], probed: bool) -> Dict[str, str]:
        """From symptoms to issues: which count now, and which outranks which."""
        found: Dict[str, Symptom] = {}
        if self.state.non_finite:
            found['explode'] = reasons['nan_loss']
            found['abnormal_data'] = reasons['abnormal_data']
            found['activation_issue'] = self.task and head_issue(self.task)
        elif self.judged:
            if reasons['not_converge']:
                found['abnormal_data'] = reasons['abnormal_data']
                if not (reasons['nan_weight'] or reasons['nan_gradient']):
                    # outputs that are no numbers say nothing of the activation
                    found['activation_issue'] = reasons['improper_activation']
                found['loss_issue'] = reasons['improper_loss']
                found.update(self._unconverged(reasons, probed))
            found['unstable'] = reasons['unstable_loss']
            if 'overfit' in self.optional_issues and reasons['test_not_well']:
                found['overfit'] = reasons['test_turn_bad'] and '%s, and %s' % (
                    reasons['test_not_well'], reasons['test_turn_bad'])
        found['collapse'] = reasons['collapse']
        return {issue: reason for issue, reason in found.items() if reason}

    def _unconverged(self, reasons: Mapping[str, Symptom], probed: bool) -> Dict[str, Symptom]:
        """The one problem of a run that does not converge: relu, explode, vanish or slow."""
        slow = reasons['sc_accuracy'] and '%s, and %s' % (reasons['sc_accuracy'],
                                                          reasons['not_converge'])
        chain = (
            ('relu', reasons['died_relu'], 'alpha_3'),
            ('explode', (reasons['nan_weight'] or reasons['nan_gradient'] or reasons['nan_loss']
                         or reasons['explode_gradient']), 'alpha_2'),
            ('vanish', reasons['vanish_gradient'], 'alpha_1'),
            ('not_converge', slow, None),
        )
        first: Dict[str, Symptom] = {}
        for issue, reason, window in chain:
            in_a_row = self._in_a_row.get(issue, 0) + 1 if reason else 0
            if probed:  # a look without a probe neither confirms nor ends a gradient symptom
                self._in_a_row[issue] = in_a_row
            lasting = window is None or in_a_row > self.params[window]
            if reason and lasting and not first:
                first[issue] = reason if issue == 'not_converge' else '%s, and %s' % (
                    reason, reasons['not_converge'])
        return first
