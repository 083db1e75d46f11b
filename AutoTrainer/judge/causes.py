"""Why a training learns too little: the symptoms that count as a cause, best supported first.

None of these is looked for in a training that learns enough.
"""

import math
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from .preflight import CERTAIN, LIKELY, Finding
from .skill import Skill
from .standing import Standing, is_signal

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


def causes(seen: Evidence) -> Dict[str, str]:
    """The likely causes with the evidence, best supported first.

    First what contradicts itself for certain; then numbers that have overflowed; what the set-up
    makes likely; what the gradients show; what the predictions and the curve show. Where nothing
    speaks for a cause: ``underfit``.
    """
    symptoms = seen.symptoms
    found: Dict[str, str] = {}

    def add(issue: str, reason: Optional[str]) -> None:
        if reason and issue not in found:
            found[issue] = reason

    for finding in seen.findings:
        if finding.severity == CERTAIN:
            add(finding.issue, finding.sentence)
    add('explode', seen.non_finite and '%s is not a finite number' % seen.non_finite)
    for finding in seen.findings:
        if finding.severity == LIKELY:
            add(finding.issue, finding.sentence)
    add('abnormal_data', symptoms['abnormal_data'])
    if not (symptoms['nan_weight'] or symptoms['nan_gradient']):
        add('activation_issue', symptoms['improper_activation'])
    add('loss_issue', symptoms['improper_loss'])
    add('collapse', seen.fallen)
    if not seen.fallen:  # dead units are how it fell
        add('relu', symptoms['died_relu'])
    add('explode', symptoms['nan_weight'] or symptoms['nan_gradient']
        or symptoms['explode_gradient'])
    if 'relu' not in found and not seen.fallen:  # dead units let no gradient pass either
        add('vanish', symptoms['vanish_gradient'] or _fades(seen))
    if 'relu' not in found and 'vanish' not in found:
        add('collapse', _same_answer(seen))
    add('unstable', _swings(seen))
    if not found:
        add('not_converge', _slow(seen))
    if not found:
        found['underfit'] = '%sno cause found' % (
            'learns less than %s from the same rows; ' % seen.learner if seen.learner else '')
    return found


def _same_answer(seen: Evidence) -> Optional[str]:
    if seen.spread is None or not seen.spread <= SAME:
        return None
    return 'the model answers every row alike (its outputs differ by %.2g)' % seen.spread


def _fades(seen: Evidence) -> Optional[str]:
    """A gradient that fades on its way, in a model that does not tell rows apart."""
    if _same_answer(seen) is None or seen.gradient_ratio is None or seen.gradient_ratio > FADED:
        return None
    return ('‖G1‖/‖Gn‖ = %.3g: the gradient fades on its way to the first layer, and %s'
            % (seen.gradient_ratio, _same_answer(seen)))


def _swings(seen: Evidence) -> Optional[str]:
    """Swings around the trend that chance among so many rows does not explain."""
    levels = np.array([level for level in seen.levels if level is not None])
    levels = levels[len(levels) // 3:]
    if len(levels) < 5:
        return None
    epochs = np.arange(len(levels))
    around = levels - np.polyval(np.polyfit(epochs, levels, 1), epochs)
    spread = float(around.std())
    if spread < max(SWING * seen.level_error, LEAST_SWING):
        return None
    return ('the skill swings by ±%.2g around its trend from epoch to epoch; the number of rows '
            'explains ±%.2g' % (spread, seen.level_error))


def no_signal(seen: Evidence) -> Optional[str]:
    """Why there is nothing to learn: neither the model nor classical learners foretell any row."""
    held = seen.validation or seen.training
    if held is None or held.signal or is_signal(held.skill) or (
            seen.unseen is not None and is_signal(seen.unseen)):
        return None
    alike = _same_answer(seen)
    return ('neither this model nor classical learners are above the best constant answer on rows '
            'that they have not seen: these inputs may hold nothing that foretells the answers%s'
            % ('; and ' + alike if alike else ''))


def overfits(seen: Evidence) -> Optional[str]:
    """Why a training counts as overfitting: it has learnt its own rows and no others."""
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
        return ('%s, which are of another kind: %s get%s %.2f on other training rows and %.2f on '
                'these' % (said, validation.learner, 's' * validation.learner.startswith('a '),
                           seen.unseen.value, reached))
    if not validation.signal:
        return '%s: it memorises noise' % said
    return '%s: too few rows for so large a model, or too long a training' % said


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


def _slow(seen: Evidence) -> Optional[str]:
    if seen.gain <= 0:
        return None
    return ('the skill still rises, but at this rate only by %.2g until the planned end'
            % seen.gain)
