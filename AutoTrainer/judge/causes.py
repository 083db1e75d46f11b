"""Why a training learns too little: the symptoms that count as a cause, best supported first.

None of these is looked for in a training that learns enough.
"""

import math
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from .issues import ISSUES
from .preflight import CERTAIN, LIKELY, NOTE, Finding
from .skill import Skill
from .standing import ENOUGH, SIGNAL, Standing, is_above_constant, is_signal

SAME = 1e-3
"""Spread of the predictions, as a share of their size, up to which all rows get the same answer."""

SWING = 3.0
"""Standard errors, of the rows and of what else is left to chance, that a swing must exceed."""

APART = 2.0
"""Standard errors by which training skill must be above validation skill to be called so."""

FADED = 0.03
"""Ratio of first to last gradient norm from which a model that answers all rows alike does so for
a vanishing gradient: the paper's two thresholds are for a gradient alone."""

LEAST_SWING = 0.1
"""Skill that swings must cover, however many rows there are."""

SPOILT = ('stand_in_numbers', 'outlying_labels')
"""Notes, by name, on rows of which next to nothing can be learnt."""

_EXPLAIN = ('learning_rate_low', 'learning_rate_high', 'learning_rate_fell', 'strong_decay',
            'dropout_leaves_nothing', 'layers_at_rest', 'some_frozen', 'sorted_by_label') + SPOILT
"""Notes, by name, that are the cause of a training that learns too little and shows no other."""


class Evidence(NamedTuple):
    """What is known of a training that learns too little.

    Attributes:
        symptoms: reason in words by upstream's names, None where a symptom is not there; see
            :class:`~AutoTrainer.utils.monitor.IssueMonitor`.
        findings: what is wrong with how it is set up.
        non_finite: the first number that was not finite, in words; ''.
        spread: see :class:`~AutoTrainer.judge.reference.Measured`; None if unknown.
        training: how it stands on its training rows; None if unknown.
        validation: on its validation rows; None without any.
        levels: skill per epoch, None where not measured.
        level_error: standard error of one of them, from the number of rows.
        gain: what its curves promise until the planned end.
        unseen: skill of the classical learners on training rows that they had not seen.
        fallen: how it has fallen from what it had reached; None if it has not.
        learner: who learns more, in words; '' where nobody was asked.
        gradient_ratio: norm of the first kernel's gradient over that of the last; None if unknown.
        in_steps: skill by the accuracy of the training steps lately; None if unknown.
    """

    symptoms: Mapping[str, Optional[str]]
    findings: Sequence[Finding] = ()
    non_finite: str = ''
    spread: Optional[float] = None
    training: Optional[Standing] = None
    validation: Optional[Standing] = None
    levels: Sequence[Optional[float]] = ()
    level_error: float = 0.0
    gain: float = 0.0
    unseen: Optional[Skill] = None
    fallen: Optional[str] = None
    learner: str = ''
    gradient_ratio: Optional[float] = None
    in_steps: Optional[float] = None


def causes(seen: Evidence) -> Dict[str, str]:
    """The likely causes with the evidence, best supported first.

    First what contradicts itself for certain; then numbers that have overflowed; what the set-up
    makes likely; what the gradients show; what the predictions and the curve show. Where nothing
    else speaks for a cause, what is unusual in the steps; at last ``underfit``.
    """
    symptoms = seen.symptoms
    found: Dict[str, str] = {}

    def add(issue: str, reason: Optional[str]) -> None:
        if reason and issue not in found:
            found[issue] = reason

    found.update(certain_reasons(seen.findings))
    add('explode', _by_rate(seen, seen.non_finite and (
        '%s is not a finite number' % seen.non_finite)))
    for finding in seen.findings:
        if finding.severity == LIKELY:
            add(finding.issue, finding.sentence)
    add('abnormal_data', symptoms['abnormal_data'])
    if not (symptoms['nan_weight'] or symptoms['nan_gradient']):
        add('activation_issue', symptoms['improper_activation'])
    add('loss_issue', symptoms['improper_loss'])
    add('collapse', _by_rate(seen, seen.fallen))
    cut_off = any(finding.name == 'layers_cut_off' for finding in seen.findings)
    if not seen.fallen and not cut_off:  # dead units are how it fell; none die without a gradient
        add('relu', symptoms['died_relu'])
    add('explode', symptoms['nan_weight'] or symptoms['nan_gradient']
        or symptoms['explode_gradient'])
    if 'relu' not in found and not seen.fallen:  # dead units let no gradient pass either
        add('vanish', symptoms['vanish_gradient'] or _fades(seen))
    if 'relu' not in found and 'vanish' not in found:
        add('collapse', _same_answer(seen))
    add('unstable', _swings(seen))
    if not found:
        otherwise = otherwise_in_steps(seen)
        add('underfit', otherwise and otherwise.sentence)
    for finding in seen.findings if not found else ():
        if finding.name in _EXPLAIN:
            add(finding.issue, finding.sentence)
    if not found:
        add('not_converge', _slow(seen))
    if not found:
        found['underfit'] = '%sno cause found' % (
            'learns less than %s from the same rows; ' % seen.learner if seen.learner else '')
    return found


def certain_reasons(findings: Sequence[Finding]) -> Dict[str, str]:
    """What contradicts itself for certain, in words by issue; several of one issue together."""
    found: Dict[str, str] = {}
    for finding in findings:
        if finding.severity == CERTAIN:
            found[finding.issue] = '; '.join(filter(None, (found.get(finding.issue),
                                                           finding.sentence)))
    return found


def advice_on(reasons: Mapping[str, str], findings: Sequence[Finding]) -> str:
    """What to change: what the findings say that are named, else what is said of the first issue.

    Args:
        reasons: of a verdict, by issue.
        findings: named or not.
    """
    said = [finding.advice for finding in findings
            if any(finding.sentence in reason for reason in reasons.values())]
    return '; '.join(dict.fromkeys(said)) or next(
        (ISSUES[issue].advice for issue in reasons), '')


def _by_rate(seen: Evidence, reason: Optional[str]) -> str:
    """How a training broke down, with the large step that explains it where one is noted."""
    large = [finding.sentence for finding in seen.findings
             if finding.name == 'learning_rate_high' and finding.severity == NOTE]
    return '; '.join([reason] + large) if reason else ''


def _same_answer(seen: Evidence) -> Optional[str]:
    if seen.spread is None or not seen.spread <= SAME:
        return None
    return 'the model answers every row alike (its outputs differ by %.2g)' % seen.spread


def _fades(seen: Evidence) -> Optional[str]:
    """A gradient that fades on its way, in a model that does not tell rows apart."""
    if _same_answer(seen) is None or seen.gradient_ratio is None or seen.gradient_ratio > FADED:
        return None
    return ('the gradient fades on its way to the first layer, where it is %.3g of what it is in '
            'the last (‖G1‖/‖Gn‖), and %s' % (seen.gradient_ratio, _same_answer(seen)))


def _swings(seen: Evidence) -> Optional[str]:
    """Swings around the trend that chance among so many rows does not explain.

    Of two measures the smaller: deviations from a straight line, and of every epoch from the mean
    of its neighbours (of white noise the squares of these are 3/2 of its own). A curve that bends
    is far from any line and near to its neighbours.
    """
    levels = np.array([level for level in seen.levels if level is not None])
    levels = levels[len(levels) // 3:]
    if len(levels) < 5:
        return None
    epochs = np.arange(len(levels))
    around = levels - np.polyval(np.polyfit(epochs, levels, 1), epochs)
    between = levels[1:-1] - (levels[:-2] + levels[2:]) / 2
    spread = min(float(around.std()), math.sqrt(np.mean(between ** 2) / 1.5))
    if spread < max(SWING * seen.level_error, LEAST_SWING):
        return None
    return ('the skill swings by ±%.2g around its trend from epoch to epoch; the number of rows '
            'explains ±%.2g' % (spread, seen.level_error))


def no_signal(seen: Evidence) -> Optional[str]:
    """Why there is nothing to learn: neither the model nor classical learners foretell any row."""
    held = seen.validation or seen.training
    if held is None or held.signal or any(is_above_constant(skill) for skill in (
            held.skill, held.yardstick, seen.unseen) if skill is not None):
        return None
    alike = _same_answer(seen)
    return ('neither this model nor classical learners are surely above the best constant answer '
            'on rows that they have not seen: these inputs may hold nothing that foretells the '
            'answers%s'
            % ('; and ' + alike if alike else ''))


def overfits(seen: Evidence) -> Optional[Finding]:
    """Why a training counts as overfitting: it has learnt its own rows and no others.

    Returns:
        The reason as a finding with what to do about it; None for one that does not.
    """
    training, validation = seen.training, seen.validation
    if training is None or validation is None or training.is_short() or (
            not validation.is_short() and validation.signal):
        return None
    apart = math.hypot(training.skill.error, validation.skill.error)
    if training.skill.value - validation.skill.value <= APART * apart:
        return None
    said = 'skill %.2f on training rows, %.2f on validation rows' % (
        training.skill.value, validation.skill.value)
    reached = validation.yardstick.value
    if seen.unseen is not None and is_signal(seen.unseen) and seen.unseen.value > 2 * reached:
        return Finding('rows_of_another_kind', NOTE,
                       '%s, which are of another kind: %s get%s %.2f on other training rows and '
                       '%.2f on these' % (said, validation.learner,
                                          's' * validation.learner.startswith('a '),
                                          seen.unseen.value, reached),
                       'prepare the validation rows as the training rows are, or shuffle all rows '
                       'and divide them anew', 'overfit')
    why = ('too few rows for so large a model, or too long a training' if validation.signal
           else 'it memorises noise')
    return Finding('overfit', NOTE, '%s: %s' % (said, why), ISSUES['overfit'].advice, 'overfit')


_LABELS_OF_OTHERS = ('labels_not_zero_one', 'classes_under_binary_loss', 'crossentropy_on_measured')


def below_zero(losses: Sequence[Optional[float]], findings: Sequence[Finding]) -> Optional[str]:
    """Why a cross-entropy is none, whatever else a training learns: it has been below 0.

    Args:
        losses: of the training, per epoch.
        findings: what is wrong with how it is set up; a penalty of one's own can be below 0 too.
    """
    lowest = min([loss for loss in losses if loss is not None and math.isfinite(loss)], default=0.0)
    found = next((one for one in findings if one.name in _LABELS_OF_OTHERS), None)
    if found is None or lowest >= 0:
        return None
    return ('the loss went down to %.3g, and a cross-entropy of labels from 0 to 1 is never below '
            '0: %s' % (lowest, found.sentence))


_OTHERWISE = 0.5
"""Share of the skill shown in training steps that is there in inference mode, or less of it."""


def otherwise_in_steps(seen: Evidence) -> Optional[Finding]:
    """A model that has learnt, and answers its own training rows otherwise in inference mode."""
    if seen.in_steps is None or seen.training is None or seen.in_steps < ENOUGH:
        return None
    now = seen.training.skill
    if now.value + 2 * now.error > _OTHERWISE * seen.in_steps:
        return None
    return Finding('other_in_inference', NOTE,
                   'its training steps show a skill of %.2f, and in inference mode it has %.2f on '
                   'the same rows: averages of batch normalisation do not follow, or something '
                   'else is not the same then' % (seen.in_steps, now.value),
                   'let batch normalisation follow sooner (momentum 0.9 in Keras, 0.1 in PyTorch), '
                   'with batches of 16 rows and more', 'underfit')


def _slow(seen: Evidence) -> Optional[str]:
    if seen.gain < SIGNAL:  # next to nothing: no more steps would help
        return None
    return ('the skill still rises, but at this rate only by %.2g until the planned end'
            % seen.gain)
