"""Why a training that is not blamed is sound only as far as can be told, in words."""

from typing import Optional, Sequence

from .preflight import LIKELY, Finding
from .reference import Measured
from .skill import ACCURACY
from .standing import ENOUGH, SIGNAL, Standing

APART = 4.0
"""Standard errors by which what is measured must be above what is told of the same rows."""


def validates_otherwise(level: Optional[float], measured: Measured) -> str:
    """What is told of the validation rows against what the model has on them.

    Args:
        level: skill by the accuracy that was told of them last; None without one.
        measured: what the model's own predictions are worth.

    Returns:
        '' where the two agree, or that is not known.
    """
    held = measured.validation
    now = held[0].get(ACCURACY) if len(held) == 1 else None
    if level is None or now is None or level + APART * now.error >= now.value:
        return ''
    return ('the training tells of a skill of %.2f on validation rows, and in inference mode the '
            'model has %.2f on those that were given: they are validated in training mode, or '
            'prepared otherwise' % (level, now.value))


def next_to_nothing(told: Standing) -> str:
    """That hardly anything is learnt, by classical learners neither; ''."""
    if not told.learner or max(told.skill.value, told.yardstick.value) >= SIGNAL:
        return ''
    return 'next to nothing is learnt, and classical learners learn hardly more'


def not_surely(told: Standing, standing: Standing, rows: str, findings: Sequence[Finding]) -> str:
    """That a model is behind, and not surely so.

    Args:
        told: the standing that is told of it.
        standing: the one in which it stands best.
        rows: of which kind that is: training or validation.
        findings: what is wrong with how it is set up; of a likely fault the doubt is said sooner.

    Returns:
        '' of a model that is not behind.
    """
    likely = [finding for finding in findings if finding.severity == LIKELY]
    behind = told.skill.value < ENOUGH * told.yardstick.value if likely else told.is_short()
    if not (told.learner and behind and standing.learner):
        return ''
    said = ['by %s it has %.2f on %s rows, where %s has %.2f: not surely too little' % (
        standing.form, standing.skill.value, rows, standing.learner, standing.yardstick.value)]
    return '; '.join(said + ['%s: %s' % (finding.sentence, finding.advice) for finding in likely])
