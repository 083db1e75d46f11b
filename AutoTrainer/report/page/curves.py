"""The curves of the first training: losses, accuracies, skill, and when it was looked at."""

import math
from typing import List, Optional, Sequence, Tuple

from ...judge.history import JUDGMENT_EPOCHS, JUDGMENT_SHARE
from ...judge.losses import REGRESSION_LOSSES
from ...judge.skill import ACCURACY, SQUARED
from ...record.events import number_or_none
from .run import Run
from .scale import Point, drawable, number_text, tick_texts
from .svg import Figure, Level, Line, Mark, Span

Series = Sequence[Optional[float]]
_WIDE_LOSS = 50.0
"""Ratio of the largest loss to the smallest from which its axis is logarithmic."""


def judgment_point(planned: int) -> int:
    """The first epoch at which accuracy-based symptoms count."""
    return max(JUDGMENT_EPOCHS, math.ceil(JUDGMENT_SHARE * planned))


def moments(run: Run) -> Tuple[Mark, ...]:
    """Judgment point, verdict and restorations, as they are marked in every figure over epochs."""
    found, verdict = [], run.verdict
    point = None if run.planned is None else judgment_point(run.planned)
    if point is not None and (verdict is None or point != verdict.epoch):
        found.append(Mark(point, 'judgment point, epoch %d' % point, 'judgment'))
    if verdict is not None:
        found.append(Mark(verdict.epoch, 'verdict%s, epoch %d' % (
            ' at the judgment point' * (point == verdict.epoch), verdict.epoch), 'verdict'))
    return tuple(found) + tuple(
        Mark(one.epoch, 'weights of epoch %d put back, epoch %d' % (one.back_to, one.epoch),
             'restored') for one in run.restorations if one.back_to is not None)


def last_epoch(run: Run) -> int:
    """Where the axis of the epochs ends."""
    return max([run.epochs, 1] + [check.epoch for check in run.checks[-1:]]
               + ([] if run.planned is None else [run.planned]))


def _over_epochs(series: Series) -> List[Point]:
    return [(float(epoch), value) for epoch, value in enumerate(series, 1)]


def _figure(run: Run, title: str, takeaway: str, y_name: str,
            keys: Tuple[str, str]) -> Optional[Figure]:
    """A figure of a series of the training rows and one of the validation rows."""
    lines = tuple(Line(name, _over_epochs(run.history[key]), kind) for name, key, kind in (
        ('training rows', keys[0], 'train'), ('validation rows', keys[1], 'val')) if any(
            drawable(value) is not None for value in run.history[key]))
    if not lines:
        return None
    end, planned = last_epoch(run), run.planned
    rest = () if planned is None or planned <= run.epochs else (
        Span(run.epochs, planned, 'planned, not trained'),)
    checks = tuple(float(check.epoch) for check in run.checks)
    return Figure(title, takeaway, 'epoch', y_name, lines, marks=moments(run) + _lost(run, keys),
                  spans=rest, rug=checks, rug_name='a check on record' if checks else '',
                  x_range=(0.0, float(end)))


def _lost(run: Run, keys: Tuple[str, str]) -> Tuple[Mark, ...]:
    """The first epoch at which a number was none any more."""
    lost = [epoch for key in keys for epoch, value in enumerate(run.history[key], 1)
            if value is not None and not math.isfinite(value)]
    return (Mark(min(lost), 'not finite from epoch %d' % min(lost), 'verdict'),) if lost else ()


def _numbers(series: Series) -> List[Tuple[int, float]]:
    return [(epoch, value) for epoch, value in enumerate(map(drawable, series), 1)
            if value is not None]


def loss_figure(run: Run) -> Optional[Figure]:
    """The losses over the epochs; None where none is on record."""
    train, val = _numbers(run.history['loss']), _numbers(run.history['val_loss'])
    values = [value for _, value in train + val]
    log = bool(values) and min(values) > 0 and max(values) / min(values) >= _WIDE_LOSS
    name, known = ('validation', val) if val else ('training', train)
    takeaway = ''
    if known:
        lowest = min(known, key=lambda entry: entry[1])
        began, ended, least = tick_texts([known[0][1], known[-1][1], lowest[1]], most=5)
        takeaway = 'The %s loss went from %s to %s; it was lowest, %s, at epoch %d.' % (
            name, began, ended, least, lowest[0])
    found = _figure(run, 'Loss', takeaway, 'loss%s' % (' (logarithmic)' * log),
                    ('loss', 'val_loss'))
    return found and found._replace(log=log)


def measures_accuracy(run: Run) -> bool:
    """Whether the column ``accuracy`` holds accuracies, and not what stands in for them."""
    return (run.has_accuracy and run.form != SQUARED
            and run.settings.get('loss') not in REGRESSION_LOSSES)


def asked_accuracy(run: Run) -> Optional[Level]:
    """The accuracy that a verdict is held against, as a level.

    Under the paper's rules it is Θ. Where a yardstick is known as a skill by accuracy, it is the
    accuracy to which that belongs: skill is (accuracy − constant) / (1 − constant), where constant
    is what the best constant answer gets, known from both at the end of the first training.
    """
    yardstick, outcome = run.yardstick, run.outcome
    skill, reached = (number_or_none(outcome.get(key)) for key in ('skill', 'val_accuracy'))
    if (yardstick is not None and skill is not None and reached is not None and skill < 0.99
            and run.form == ACCURACY and measures_accuracy(run)):
        constant = (reached - skill) / (1 - skill)
        if 0 <= constant < 1:
            return Level(constant + yardstick * (1 - constant),
                         'classical learners: about %.2f' % (
                             constant + yardstick * (1 - constant)), 'yardstick')
    if run.settings.get('rules') == 'paper' or (
            run.settings.get('rules') is None
            and run.settings.get('checktype') not in (None, 'adaptive')):
        params = run.settings.get('params')
        theta = number_or_none(params.get('Theta') if isinstance(params, dict) else None)
        if theta is None:
            theta = number_or_none(run.settings.get('satisfied_acc'))
        if theta is not None:
            return Level(theta, 'asked for: Θ = %g' % theta, 'yardstick')
    return None


def accuracy_figure(run: Run) -> Optional[Figure]:
    """The accuracies over the epochs; None where none is on record."""
    by_val = _numbers(run.history['val_acc'])
    name, known = ('validation', by_val) if by_val else ('training', _numbers(run.history['acc']))
    counts = measures_accuracy(run)
    takeaway, level = '', asked_accuracy(run)
    if known:
        best = max(known, key=lambda entry: entry[1])
        takeaway = 'The %s %s ended at %s; its best was %s, at epoch %d%s.' % (
            name, 'accuracy' if counts else 'rows\' share of the loss that is gone',
            number_text(known[-1][1]), number_text(best[1]), best[0],
            '' if level is None else ' (%s)' % level.label)
    found = _figure(
        run, 'Accuracy' if counts else 'Share of the loss that is gone', takeaway,
        'accuracy (share of the rows)' if counts
        else '1 − loss / loss of the best constant answer', ('acc', 'val_acc'))
    return found and found._replace(clip=(-1.0, 1.0), levels=() if level is None else (level,))


def skill_figure(run: Run) -> Optional[Figure]:
    """Skill at the checks that measured it; None where fewer than two did."""
    known = [(float(check.epoch), check.skill) for check in run.checks if check.skill is not None]
    if len(known) < 2:
        return None
    yardstick = run.yardstick
    levels = [Level(0.0, 'best constant answer: 0', 'level')]
    if yardstick is not None:
        levels.append(Level(yardstick, 'classical learners: %.2f' % yardstick, 'yardstick'))
    takeaway = 'Skill was %.2f at epoch %d%s.' % (
        known[-1][1] or 0.0, known[-1][0], '' if yardstick is None else
        '; classical learners get %.2f from the same rows' % yardstick)
    return Figure('Skill', takeaway, 'epoch', 'skill (0 constant answer, 1 all there is)',
                  (Line('the model', known, 'val dotted'),), tuple(levels), moments(run),
                  x_range=(0.0, float(last_epoch(run))), clip=(-1.0, 1.0))
