"""How a model stands against what can be learnt: pure functions of measured skills."""

import math
from typing import List, NamedTuple, Optional, Sequence

from .reference import Measured
from .skill import FORMS, WORST, Skill, Skills, surest
from .yardstick import LEAST_ROWS, Yardstick

ENOUGH = 0.7
"""Share of the yardstick from which a training learns enough: between bad, at most half of
what a well-set network reaches, and good, at least 0.85 of it."""

SURE = 0.5
"""Standard errors that a shortfall must have: fewer rows, more doubt, fewer verdicts."""

SIGNAL = 0.05
"""Skill that a yardstick must surely have, by two standard errors; below it the rows may hold
nothing to learn."""

WORTHLESS = -0.2
"""Skill from which a model is blamed although there may be nothing to learn: surely less than the
best constant answer."""

PERFECT = Skill(1.0, 0.0)
"""What stands in for a yardstick that was not asked for, since none is above it; and what a network
is held against on fewer rows than a yardstick needs: knowing them by heart."""

ASSUMED = Skill(SIGNAL / ENOUGH, 0.0)
"""What is asked of a model where no yardstick can be had: to foretell anything at all. What chance
has a say in, as the next word has, may leave no more to be learnt."""


class Standing(NamedTuple):
    """One output's skill beside its yardstick.

    Attributes:
        form: of the skill, see :data:`~AutoTrainer.judge.skill.FORMS`: the one in which the model
            stands best.
        skill: the model's, of training or validation rows, whichever is better.
        yardstick: what can be reached.
        learner: who reaches it, in words; '' where it is only assumed.
        signal: whether there is anything to learn, as far as the yardstick can tell.
        output: its name, where there are several; ''.
    """

    form: str
    skill: Skill
    yardstick: Skill
    learner: str = ''
    signal: bool = True
    output: str = ''

    def margin(self, gain: float = 0.0) -> float:
        """By how many standard errors the model has enough, if its skill grows by so much.

        Below 0 skill counts by the logarithm, as in the curves that a gain is read from, see
        :func:`~AutoTrainer.judge.baseline.loss_based_accuracy`.
        """
        error = math.hypot(self.skill.error, ENOUGH * self.yardstick.error)
        skill = max(self.skill.value, -math.log1p(max(0.0, -self.skill.value)))
        return (skill + gain - ENOUGH * self.yardstick.value) / max(error, 1e-6)

    def is_short(self, gain: float = 0.0, sure: float = SURE) -> bool:
        """Whether the model surely has not enough.

        Args:
            gain: by which its skill may still grow.
            sure: standard errors of doubt.
        """
        if not self.signal:
            return self.skill.value + gain + 2 * self.skill.error < WORTHLESS
        return self.margin(gain) < -sure


def standings(measured: Measured, yardsticks: Sequence[Yardstick], rows: int,
              part: Optional[str] = None) -> List[Standing]:
    """How each output of a model stands.

    Args:
        measured: what its predictions are worth.
        yardsticks: what can be learnt, output by output; () if that was not asked for.
        rows: training rows.
        part: ``'training'`` or ``'validation'`` to look at these rows alone; None for the better.

    Returns:
        One :class:`Standing` per output whose skill is known.
    """
    found = []
    for index, training in enumerate(measured.training):
        validation = measured.validation[index] if measured.validation else {}
        skills = (_better(training, validation) if part is None
                  else training if part == 'training' else validation)
        known = yardsticks[index] if index < len(yardsticks) else None
        if skills:
            found.append(_standing(skills, known, rows)._replace(output=_name(measured, index)))
    return found


def _better(one: Skills, other: Skills) -> Skills:
    """By form the skill that is surer to be high: what a model shows anywhere, it has learnt."""
    return {form: max((part[form] for part in (one, other) if form in part),
                      key=lambda skill: skill.value) for form in FORMS
            if form in one or form in other}


def _standing(skills: Skills, known: Optional[Yardstick], rows: int) -> Standing:
    """Where the model stands best, among the forms in which there is something to learn."""
    if known is not None and known.skills:
        shared = [form for form in FORMS if form in skills and form in known.skills]
        signal = [form for form in shared if is_signal(known.skills[form])]
        found = [Standing(form, skills[form], known.skills[form], known.learner, bool(signal))
                 for form in signal or shared]
        return max(found, key=lambda standing: standing.margin())
    form = surest(skills)
    if rows < LEAST_ROWS:  # known by heart or not: these rows are no sample of others
        return Standing(form, Skill(skills[form].value, 0.0), PERFECT)
    return Standing(form, skills[form], PERFECT if known is None else ASSUMED)


def is_signal(skill: Skill) -> bool:
    """Whether whoever has this skill surely foretells something."""
    return skill.value - 2 * skill.error >= SIGNAL


def is_above_constant(skill: Skill) -> bool:
    """Whether whoever has this skill surely foretells anything at all, however little."""
    return skill.value - 2 * skill.error > 0


def told_of(measured: Measured, yardsticks: Sequence[Yardstick], rows: int) -> Optional[Standing]:
    """The standing that is told of a model: of one output, in one form, whatever the model does.

    Args:
        measured: what its predictions are worth.
        yardsticks: see :func:`standings`.
        rows: training rows.

    Returns:
        Of the output whose skill is lowest, on validation rows if there are any; None where no
        skill is known.
    """
    found = []
    for index, skills in enumerate(measured.validation or measured.training):
        form = measured.forms[index] if index < len(measured.forms) else surest(skills)
        if form in skills:
            known = yardsticks[index] if index < len(yardsticks) else None
            standing = (Standing(form, skills[form], known.skills[form], known.learner)
                        if known is not None and form in known.skills
                        else _standing({form: skills[form]}, known, rows))
            found.append(standing._replace(output=_name(measured, index)))
    return min(found, key=lambda standing: standing.skill.value) if found else None


def _name(measured: Measured, index: int) -> str:
    return measured.names[index] if index < len(measured.names) else ''


def in_words(standing: Standing) -> str:
    """What a model learns, and what could be learnt."""
    skill = round(standing.skill.value, 2) + 0.0  # and no -0.00
    if standing.skill.value < -SIGNAL:
        said = 'is worse than the best constant answer (skill %.2f%s by %s, which has 0)' % (
            skill, ' or less' if skill <= WORST else '', standing.form)
    else:
        said = 'learns %.2f of what is there (by %s; the best constant answer has 0)' % (
            skill, standing.form)
    if standing.output:
        said = 'output %s %s' % (standing.output, said)
    if standing.learner:
        return '%s; %s %s %.2f from the same rows' % (
            said, standing.learner, 'gets' if standing.learner.startswith('a ') else 'get',
            standing.yardstick.value)
    if standing.yardstick == ASSUMED:
        return said + '; what can be learnt is not known'
    return said
