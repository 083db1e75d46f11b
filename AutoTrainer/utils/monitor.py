"""The problem recognizer: from numbers to a verdict.

Everything here is a function of numbers that somebody else measured: the history of the
training (loss and accuracy per epoch) and the summaries that the probe of
:mod:`AutoTrainer.utils.compute_gradient` brings back. Nothing here touches a model.

The symptoms are those of Table I of the AUTOTRAINER paper (ICSE 2021); the check interval
``getdynamicCF`` is the 2023 thesis's. Where the rule in force differs from upstream's code,
``docs/evidence/upstream-differences.md`` says so.
"""

import collections
import math
from typing import (
    Any,
    Deque,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from ..errors import UserError
from ..intake.config import check_number
from ..judge.collapse import CollapseTracker
from ..judge.losses import (
    CATEGORICAL_LOSSES,
    CLASS_LOSSES,
    KNOWN_LOSSES,
    NON_NEGATIVE_LOSSES,
    fitting_losses,
)

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

ISSUE_PRIORITY: Dict[str, int] = {
    'abnormal_data': 4,
    'activation_issue': 3,
    'loss_issue': 3,
    'relu': 2,
    'explode': 2,
    'vanish': 2,
    'collapse': 2,
    'not_converge': 1,
    'unstable': 1,
    'overfit': 0,
}
"""Issues in order of diagnosis; the scheduler repairs the highest number first, and among
equals the one that stands first here."""

OPTIONAL_ISSUES = ('overfit', 'collapse')
"""Issues that are judged only where they are asked for."""

JUDGMENT_SHARE = 0.3
"""Share of the planned epochs from which accuracy-based symptoms count (paper, Section III)."""

JUDGMENT_EPOCHS = 3
"""Epochs that a verdict needs at the least: a curve of two points has no interior."""

LARGE_LOSS = 1e3
"""A finite loss of this size counts as exploded while it lasts (upstream's later revision)."""

LARGE_WEIGHT = 1e3
"""Weights beyond this are reported as a feature; no verdict rests on it."""

OVERFIT_GAP = 0.1
"""overfit: training accuracy above validation accuracy by at least this much."""


# --------------------------------------------------------------------------- measured numbers

class GradientSummary(NamedTuple):
    """What the probe says of the gradients on one batch, before any clipping.

    Attributes:
        kernels: (name, norm) of every kernel's gradient (arrays of two or more dimensions;
            biases are left out), in layer order.
        zero_share: share of exact zeros among all gradient entries, embeddings left out.
        finite: whether every gradient entry is a finite number.
        weights_finite: whether every weight is a finite number.
        largest_weight: largest absolute weight.
        rectified: whether the model has units that can die (ReLU and its kin).
        seconds: what taking the summary cost; 0 where it was not measured.
    """

    kernels: Tuple[Tuple[str, float], ...]
    zero_share: float
    finite: bool = True
    weights_finite: bool = True
    largest_weight: float = 0.0
    rectified: bool = True
    seconds: float = 0.0


class OutputSummary(NamedTuple):
    """What the probe says of the layer outputs on one batch.

    Attributes:
        layers: (layer name, mean absolute output) in layer order.
        lowest: smallest value of the model's output.
        highest: largest value of the model's output.
        largest_sum: largest sum over the outputs of one row (over the last axis).
    """

    layers: Tuple[Tuple[str, float], ...]
    lowest: float
    highest: float
    largest_sum: float


class Task(NamedTuple):
    """What a training is set to do: facts that do not change while it runs.

    Attributes:
        loss: name of the compiled loss (``'categorical_crossentropy'``), '' if it has none.
        head: name of the activation that the model ends in (``'softmax'``), '' if unknown.
        units: size of the output's last axis.
        labels: ``'one_hot'`` (rows with a single 1), ``'multi_hot'`` (0/1 rows), ``'binary'``
            (one column of 0/1), ``'integer'`` (class numbers), ``'real'`` or '' if unknown.
        logits: whether the loss applies softmax or sigmoid to the outputs by itself.
        input_scale: mean absolute value of what reaches the first layer with a kernel; NaN
            where that says nothing (token numbers, a model that normalises by itself).
    """

    loss: str = ''
    head: str = ''
    units: int = 0
    labels: str = ''
    input_scale: float = math.nan
    logits: bool = False


class Verdict(NamedTuple):
    """What the recognizer says of a training.

    Attributes:
        issues: issue names, the one to be repaired first in front; empty for a normal run.
        epoch: epoch (1-based) of the check that found them; None for a normal run.
        reason: why, in words and with the numbers.
    """

    issues: Tuple[str, ...] = ()
    epoch: Optional[int] = None
    reason: str = ''


def accuracy_counts(task: Task) -> bool:
    """Whether the accuracy that Keras measures says anything about a training.

    Keras measures one wherever it is asked to, also against measured numbers, where it is a share
    of exact hits and about 0 however well the training goes. A verdict must not rest on that.

    Args:
        task: loss, output size and kind of labels.

    Returns:
        False for a regression: real labels, or whole numbers for a single output, under a loss
        that is not made for classes.
    """
    measured = task.labels == 'real' or (task.labels == 'integer' and task.units == 1)
    return not measured or task.loss in CLASS_LOSSES


# ------------------------------------------------------------------------- plain measurements

def has_NaN(values: Any) -> bool:  # noqa: N802 - upstream's name
    """Whether anything in ``values`` (number, array or nested lists) is NaN or infinite.

    Args:
        values: a number, an array, or a list of arrays of any shapes.

    Returns:
        True if one entry is not finite.
    """
    if isinstance(values, (list, tuple)):
        return any(has_NaN(value) for value in values)
    return not bool(np.all(np.isfinite(np.asarray(values, dtype=float))))


def gradient_norm(gradient: Any) -> float:
    """Euclidean norm of one gradient array of any shape."""
    return float(np.linalg.norm(np.asarray(gradient, dtype=float).ravel()))


def gradient_zero_radio(gradient_list: Sequence[Any]) -> float:
    """Share of exact zeros among all entries of all gradients (upstream's spelling).

    Args:
        gradient_list: arrays of any shapes.

    Returns:
        A number in 0..1; 0.0 for an empty list.
    """
    arrays = [np.asarray(gradient) for gradient in gradient_list]
    total = sum(array.size for array in arrays)
    zeros = sum(int(np.count_nonzero(array == 0)) for array in arrays)
    return zeros / total if total else 0.0


def gradient_message_summary(gradient_list: Sequence[Any]) -> GradientSummary:
    """Summarise gradients that are already on the host.

    The monitor itself never needs this: its probe summarises on the device. It is the door
    for arrays from elsewhere.

    Args:
        gradient_list: one array per trainable variable, in layer order.

    Returns:
        The summary; kernels are named ``kernel_0``, ``kernel_1``, ….
    """
    kernels = [array for array in gradient_list if np.ndim(array) >= 2]
    return GradientSummary(
        kernels=tuple(('kernel_%d' % i, gradient_norm(kernel)) for i, kernel in enumerate(kernels)),
        zero_share=gradient_zero_radio(gradient_list),
        finite=not has_NaN(list(gradient_list)))


def max_delta_acc(acc: Sequence[float]) -> float:
    """Largest gain from one epoch to the next; 0.0 for a falling or a short curve."""
    gains = [after - before for before, after in zip(acc, acc[1:])]
    return max([0.0] + [gain for gain in gains if gain > 0])


def extrema(series: Sequence[float]) -> Tuple[List[float], List[float]]:
    """Local maxima and minima of the interior of a curve, each in time order.

    A maximum is at least as high as both neighbours, a minimum at most as high; a tie is both.

    Args:
        series: values of a curve, one per epoch.

    Returns:
        (maxima, minima).
    """
    maxima, minima = [], []
    for before, value, after in zip(series, series[1:], series[2:]):
        if value >= before and value >= after:
            maxima.append(value)
        if value <= before and value <= after:
            minima.append(value)
    return maxima, minima


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


# ------------------------------------------------------------- the history, an epoch at a time

class OscillationCounter:
    """The swings of a growing curve: :func:`ol_judge`, one value at a time, at constant cost.

    Args:
        threshold: least difference of a maximum and the minimum of the same number (ζ).
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.length = 0
        self.swings = 0
        self._last_two: Tuple[float, ...] = ()
        self._maxima: Deque[float] = collections.deque()  # those whose minimum is still to come
        self._minima: Deque[float] = collections.deque()

    def update(self, value: float) -> None:
        """Append one value of the curve."""
        self.length += 1
        if len(self._last_two) == 2:
            before, middle = self._last_two
            if middle >= before and middle >= value:
                self._maxima.append(middle)
            if middle <= before and middle <= value:
                self._minima.append(middle)
            while self._maxima and self._minima:
                if self._maxima.popleft() - self._minima.popleft() >= self.threshold:
                    self.swings += 1
        self._last_two = (self._last_two + (value,))[-2:]

    def oscillates(self, rate: float) -> bool:
        """Whether the curve so far has at least ``rate`` swings per epoch."""
        return self.length > 0 and self.swings >= rate * self.length


class HistoryState:
    """Everything the recognizer needs to know of a history, kept up to date per epoch.

    Args:
        params: thresholds; ``zeta`` is read.
    """

    def __init__(self, params: Mapping[str, float]) -> None:
        self.epochs = 0
        self.best_acc = -math.inf
        self.best_val_acc = -math.inf
        self.largest_gain = 0.0
        self.non_finite = ''          # the first number that was not finite, in words
        self.last_loss = math.nan
        self.lowest_loss = math.inf
        self.has_accuracy = False
        self.oscillation = OscillationCounter(params['zeta'])
        self.bad_gap_epochs = 0       # epochs in a row with a large train-validation gap
        self.falling_val_epochs = 0   # epochs in a row in which validation gets no better
        self._last_acc = math.nan
        self._lowest_val_loss = math.inf

    def update(self, values: Mapping[str, Optional[float]]) -> None:
        """Take in one epoch.

        Args:
            values: ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.
        """
        self.epochs += 1
        for key in ('loss', 'acc', 'val_loss', 'val_acc'):
            value = values.get(key)
            if value is not None and not math.isfinite(value) and not self.non_finite:
                self.non_finite = '%s = %r at epoch %d' % (key, value, self.epochs)
        loss, acc = values.get('loss'), values.get('acc')
        val_loss, val_acc = values.get('val_loss'), values.get('val_acc')
        if loss is not None:
            self.last_loss = loss
            self.lowest_loss = min(self.lowest_loss, loss)
        if acc is not None:
            self.has_accuracy = True
            if acc > self.best_acc:
                self.best_acc = acc
            gain = acc - self._last_acc
            if gain > self.largest_gain:
                self.largest_gain = gain
            self._last_acc = acc
            self.oscillation.update(acc)
        if val_acc is not None and val_acc > self.best_val_acc:
            self.best_val_acc = val_acc
        if val_acc is not None:  # without one nothing is known of the gap
            wide = acc is not None and acc - val_acc >= OVERFIT_GAP
            self.bad_gap_epochs = self.bad_gap_epochs + 1 if wide else 0
        if val_loss is not None:
            better = val_loss < self._lowest_val_loss
            self.falling_val_epochs = 0 if better else self.falling_val_epochs + 1
            self._lowest_val_loss = min(self._lowest_val_loss, val_loss)


def judged(epoch: int, total_epoch: int) -> bool:
    """Whether accuracy-based symptoms count yet: the judgment point (paper, Section III).

    Args:
        epoch: epochs done (1-based).
        total_epoch: planned epochs.

    Returns:
        True from 0.3 of the planned epochs on, and never before the third epoch.
    """
    return epoch >= JUDGMENT_SHARE * total_epoch and epoch >= JUDGMENT_EPOCHS


def not_converged(state: HistoryState, params: Mapping[str, float]) -> bool:
    """Whether neither training nor validation accuracy ever reached Theta.

    Table I's clause max(Acc) ≤ Θ in the form of upstream's later revision: strictly below, and
    both curves. A run without an accuracy is never said to be unconverged.
    """
    return (state.has_accuracy and state.best_acc < params['Theta']
            and state.best_val_acc < params['Theta'])


def needs_probe(state: HistoryState, total_epoch: int, params: Mapping[str, float]) -> bool:
    """Whether a probe of gradients or outputs could change the verdict at this epoch.

    No symptom that is read from a probe counts before the judgment point or once the run has
    converged, and NaN in the history is a verdict by itself.
    """
    return (judged(state.epochs, total_epoch) and not state.non_finite
            and not_converged(state, params))


# ------------------------------------------------------------------------ symptoms, one a place

Symptom = Optional[str]  # the reason in words if the symptom is there, else None


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
            'the accuracy swung by ≥ ζ = %g %d times in %d epochs: %.3g ≥ η = %g per epoch'
            % (params['zeta'], swings, length, swings / length, params['eta']))
    if state.lowest_loss < 0:
        found['abnormal_loss'] = 'the loss went below zero, to %.3g' % state.lowest_loss
    if not_converged(state, params):
        best = max(state.best_acc, state.best_val_acc)
        found['not_converge'] = 'max(Acc) = %.3g < Θ = %g' % (best, params['Theta'])
        if state.last_loss >= large_loss and not found['nan_loss']:
            found['nan_loss'] = ('loss = %.3g ≥ %g at epoch %d'
                                 % (state.last_loss, large_loss, state.epochs))
    if state.has_accuracy and state.largest_gain <= params['delta']:
        found['sc_accuracy'] = ('the largest accuracy gain of an epoch is %.3g ≤ δ = %g'
                                % (state.largest_gain, params['delta']))
    if state.bad_gap_epochs >= determine_threshold:
        found['test_not_well'] = (
            'training accuracy has been ≥ %g above validation accuracy for %d epochs'
            % (OVERFIT_GAP, state.bad_gap_epochs))
    if state.falling_val_epochs >= determine_threshold:
        found['test_turn_bad'] = ('the validation loss has not improved for %d epochs'
                                  % state.falling_val_epochs)
    return found


def gradient_issue(summary: GradientSummary, params: Mapping[str, float]) -> Dict[str, Symptom]:
    """Symptoms that the gradients on one probe batch show (paper, Table I), accuracy apart.

    Args:
        summary: the gradients, before clipping.
        params: thresholds, see ``DEFAULT_PARAMS``.

    Returns:
        For each of ``died_relu``, ``vanish_gradient``, ``explode_gradient``, ``nan_gradient``
        the reason in words, or None. Gradients that are all zero are a died ReLU where the model
        has units that can die, else vanished; a ratio over a last norm of zero says nothing.
    """
    found: Dict[str, Symptom] = dict.fromkeys(
        ('died_relu', 'vanish_gradient', 'explode_gradient', 'nan_gradient'))
    if not summary.finite:
        found['nan_gradient'] = 'a gradient is NaN or infinite'
        return found
    if summary.rectified and summary.zero_share >= params['gamma']:
        found['died_relu'] = ('share of zero gradients = %.3g ≥ γ = %g'
                              % (summary.zero_share, params['gamma']))
    if not summary.kernels:
        return found
    first, last = summary.kernels[0][1], summary.kernels[-1][1]
    if first == 0 and last == 0:
        found['vanish_gradient'] = '‖G1‖ = ‖Gn‖ = 0: no gradient arrives anywhere'
    elif last > 0:
        ratio = first / last
        if ratio <= params['beta_1'] and first <= params['beta_2']:
            found['vanish_gradient'] = ('‖G1‖/‖Gn‖ = %.3g ≤ β1 = %g and ‖G1‖ = %.3g ≤ β2 = %g'
                                        % (ratio, params['beta_1'], first, params['beta_2']))
        if ratio >= params['beta_3']:
            found['explode_gradient'] = ('‖G1‖/‖Gn‖ = %.3g ≥ β3 = %g'
                                         % (ratio, params['beta_3']))
    return found


def weights_issue(summary: GradientSummary) -> Dict[str, Symptom]:
    """Symptoms that the weights show: ``nan_weight``, ``large_weight``."""
    return {
        'nan_weight': None if summary.weights_finite else 'a weight is NaN or infinite',
        'large_weight': ('the largest weight is %.3g ≥ %g' % (summary.largest_weight, LARGE_WEIGHT)
                         if summary.largest_weight >= LARGE_WEIGHT else None),
    }


def loss_function_issue(task: Task, lowest_loss: float = math.inf) -> Symptom:
    """Whether the compiled loss does not fit the output (``loss_issue``).

    Only contradictions count; a choice that can train is left alone (two softmax outputs with
    a categorical loss, several sigmoids with a binary one, any loss of a regression).

    Args:
        task: loss, output size and kind of labels.
        lowest_loss: smallest training loss so far.

    Returns:
        The reason in words, or None.
    """
    if lowest_loss < 0 and task.loss in NON_NEGATIVE_LOSSES:
        return 'loss %s went below zero (%.3g): labels or outputs do not fit it' % (task.loss,
                                                                                   lowest_loss)
    if task.loss in CATEGORICAL_LOSSES and task.units == 1:
        return 'loss %s needs two or more outputs, the model has 1' % task.loss
    better, fine = fitting_losses(task.labels, task.units)
    one_of_classes = task.labels in ('one_hot', 'binary')
    if one_of_classes and task.units and task.loss in KNOWN_LOSSES and task.loss not in fine:
        return 'loss %s does not fit %s labels and %d outputs; %s would' % (
            task.loss, task.labels.replace('_', '-'), task.units, better)
    return None


def layer_issue(task: Task, outputs: OutputSummary, params: Mapping[str, float]) -> Symptom:
    """Whether the model ends in an activation that does not fit its loss (``activation_issue``).

    Args:
        task: loss, head and output size.
        outputs: measured outputs on the probe batch.
        params: thresholds; ``omega_2`` is read.

    Returns:
        The reason in words, or None.
    """
    if task.logits:
        return None
    head = task.head or 'an unknown activation'
    if 'categorical_crossentropy' in task.loss and task.units > 1:
        limit = params['omega_2'] + 0.1
        if outputs.largest_sum > limit or outputs.lowest < 0:
            return ('the model ends in %s: its %d outputs sum to %.3g (limit ω2 + 0.1 = %g) and '
                    'go down to %.3g, but loss %s needs shares of 1'
                    % (head, task.units, outputs.largest_sum, limit, outputs.lowest, task.loss))
        if outputs.largest_sum < params['omega_2'] - 0.1:
            return ('the model ends in %s: the outputs of a row sum to %.3g at most, but loss %s '
                    'needs shares of 1' % (head, outputs.largest_sum, task.loss))
    if 'binary' in task.loss:
        if outputs.lowest < 0 or outputs.highest > 1:
            return ('the model ends in %s: outputs from %.3g to %.3g, but loss %s needs 0…1'
                    % (head, outputs.lowest, outputs.highest, task.loss))
        if task.head == 'softmax' and task.units == 1:
            return 'the model ends in a softmax of 1 output, which is always 1'
    return None


_LOGARITHMIC = ('categorical_crossentropy', 'sparse_categorical_crossentropy',
                'binary_crossentropy')
NO_SHARES = frozenset(('linear', 'relu', 'relu6', 'LeakyReLU', 'elu', 'selu', 'gelu', 'tanh',
                       'softplus', 'softsign', 'swish', 'silu'))
"""Activations whose outputs can leave 0…1, so that the logarithm of a cross-entropy fails."""


def head_issue(task: Task) -> Symptom:
    """Whether the output activation explains a loss that is no number, without any measurement.

    A cross-entropy takes the logarithm of the outputs. Once it has come out as NaN there are no
    outputs left to look at, but a head that can leave 0…1 is the likely cause.

    Args:
        task: loss, head and output size.

    Returns:
        The reason in words, or None.
    """
    if task.head in NO_SHARES and not task.logits and task.loss in _LOGARITHMIC:
        return ('the model ends in %s, whose outputs can leave 0…1, but loss %s takes their '
                'logarithm' % (task.head, task.loss))
    return None


def data_issue(task: Task, params: Mapping[str, float]) -> Symptom:
    """Whether the data comes in at a scale that no layer is made for (``abnormal_data``)."""
    if task.input_scale >= params['omega_1']:
        return ('mean |input| = %.3g ≥ ω1 = %g' % (task.input_scale, params['omega_1']))
    return None


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

    Args:
        total_epoch: planned epochs.
        satisfied_acc: accuracy from which a run counts as converged; ``params['Theta']`` wins.
        params: thresholds that differ from ``DEFAULT_PARAMS``.
        determine_threshold: epochs in a row that the overfitting symptoms must last.
        task: what the training is set to do; without it the three configuration faults
            (``abnormal_data``, ``activation_issue``, ``loss_issue``) are not judged.
        optional_issues: which of ``OPTIONAL_ISSUES`` to judge.
        steps_per_epoch: steps that an epoch takes; ``collapse`` reads it.

    Attributes:
        feature: the symptoms at the last check by upstream's names, True or False.
        reason: why the last check decided as it did, in words; '' if it found nothing.
        state: the running summary of the history.
        in_a_row: for each issue read from a probe, the probes in a row that have shown it.

    Raises:
        UserError: for a wrong argument.
    """

    def __init__(self, total_epoch: int, satisfied_acc: float = 0.7,
                 params: Optional[Mapping[str, float]] = None, determine_threshold: int = 5,
                 task: Optional[Task] = None, optional_issues: Iterable[str] = (),
                 steps_per_epoch: Optional[int] = None) -> None:
        unknown = sorted(set(optional_issues) - set(OPTIONAL_ISSUES))
        if unknown:
            raise UserError('optional_issues has %r; known are %s'
                             % (unknown[0], ', '.join(OPTIONAL_ISSUES)))
        self.total_epoch = total_epoch
        self.params = check_params(params, satisfied_acc)
        self.determine_threshold = determine_threshold
        self.task = task
        self.optional_issues = frozenset(optional_issues)
        self.state = HistoryState(self.params)
        self.collapse = CollapseTracker(steps_per_epoch)
        self.feature: Dict[str, bool] = dict.fromkeys(_FEATURES, False)
        self.reason = ''
        self.in_a_row: Dict[str, int] = {}

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
                      for key in ('loss', 'acc', 'val_loss', 'val_acc')}
            self.state.update(values)
            self.collapse.update(values)
        return self.state

    def dead_from_the_start(self) -> bool:
        """Whether the evidence is overwhelming, before the judgment point, that nothing is learnt.

        Only where ``collapse`` is judged. A probe then says whether it has a better name.
        """
        return ('collapse' in self.optional_issues and self.collapse.reason is not None
                and not self.collapse.learnt_before)

    def needs_probe(self) -> bool:
        """Whether a probe could change the verdict at the epoch watched last."""
        early = self.dead_from_the_start() and not_converged(self.state, self.params) and (
            not self.state.non_finite)
        return early or needs_probe(self.state, self.total_epoch, self.params)

    def determine(self, model: Any, history: Mapping[str, Sequence[Optional[float]]],
                  gradient_list: Union[GradientSummary, Sequence[Any], None],
                  checkgap: int = 1, layer_output: Optional[OutputSummary] = None) -> List[str]:
        """Judge the training as it stands.

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
        state = self.watch(history)
        reasons: Dict[str, Symptom] = dict.fromkeys(_FEATURES)
        early = self.dead_from_the_start()
        # a regression's loss is as large as the square of what it predicts
        by_classes = self.task is None or self.task.loss in CLASS_LOSSES
        reasons.update(loss_issue(state, self.total_epoch, self.params, self.determine_threshold,
                                  early, LARGE_LOSS if by_classes else math.inf))
        if gradient_list is not None:
            summary = (gradient_list if isinstance(gradient_list, GradientSummary)
                       else gradient_message_summary(gradient_list))
            reasons.update(gradient_issue(summary, self.params))
            reasons.update(weights_issue(summary))
        if self.task is not None:
            reasons['abnormal_data'] = data_issue(self.task, self.params)
            reasons['improper_loss'] = loss_function_issue(self.task, state.lowest_loss)
            if layer_output is not None:
                reasons['improper_activation'] = layer_issue(self.task, layer_output, self.params)
        if 'collapse' in self.optional_issues:
            reasons['collapse'] = self.collapse.reason
        found = self._diagnose(reasons, gradient_list is not None)
        self.feature = {name: reasons[name] is not None for name in _FEATURES}
        issues = sorted(found, key=list(ISSUE_PRIORITY).index)
        self.reason = '; '.join('%s: %s' % (issue, found[issue]) for issue in issues)
        return issues

    def _diagnose(self, reasons: Mapping[str, Symptom], probed: bool) -> Dict[str, str]:
        """From symptoms to issues: which count now, and which outranks which."""
        found: Dict[str, Symptom] = {}
        if self.state.non_finite:
            found['explode'] = reasons['nan_loss']
            found['abnormal_data'] = reasons['abnormal_data']
            found['activation_issue'] = self.task and head_issue(self.task)
        elif judged(self.state.epochs, self.total_epoch) or self.dead_from_the_start():
            if reasons['not_converge']:
                found['abnormal_data'] = reasons['abnormal_data']
                if not (reasons['nan_weight'] or reasons['nan_gradient']):
                    # outputs that are no numbers say nothing of the activation
                    found['activation_issue'] = reasons['improper_activation']
                found['loss_issue'] = reasons['improper_loss']
                found.update(self._unconverged(reasons, probed))
            found['unstable'] = reasons['unstable_loss']
            if 'overfit' in self.optional_issues and reasons['test_not_well']:
                found['overfit'] = reasons['test_turn_bad'] and '%s; %s' % (
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
            in_a_row = self.in_a_row.get(issue, 0) + 1 if reason else 0
            if probed:  # a look without a probe neither confirms nor ends a gradient symptom
                self.in_a_row[issue] = in_a_row
            lasting = window is None or in_a_row > self.params[window]
            if reason and lasting and not first:
                first[issue] = reason if issue == 'not_converge' else '%s, and %s' % (
                    reason, reasons['not_converge'])
        return first
