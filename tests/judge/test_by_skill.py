"""The recognizer under rules='skill': tables of series and what is said of them, and when."""

import math

import numpy as np
import pytest
from judged_by_skill import (
    CONTRADICTION,
    DEAD,
    SOUND,
    VANISHED,
    judged,
    measured,
    row,
    session,
    train,
    yardstick,
)

from AutoTrainer.judge.by_skill import EARLY, LEAST_REACHED, SkillMonitor
from AutoTrainer.judge.facts import Task
from AutoTrainer.judge.history import JUDGMENT_SHARE, LASTING
from AutoTrainer.judge.preflight import LIKELY, NOTE
from AutoTrainer.judge.reference import Constants
from AutoTrainer.judge.skill import ACCURACY, BALANCED, SQUARED, Skill
from AutoTrainer.judge.yardstick import LEAST_ROWS, none

TOTAL = 50
FIRST = math.ceil(EARLY * TOTAL)              # epoch from which what is overwhelming counts
POINT = math.ceil(JUDGMENT_SHARE * TOTAL)     # the judgment point
NAN = math.nan
UNDERFIT = ('underfit',)


def line(first, last, count=TOTAL):
    return list(np.linspace(first, last, count))


def flat(level, count=TOTAL):
    return [level] * count


def swinging(level, swing, count=TOTAL):
    return [level + swing * (-1) ** i for i in range(count)]


# --------------------------------------------------------------------------- sound or not, and when

@pytest.mark.parametrize('levels, settings, issues, epoch', [
    # what is overwhelming counts early, what is clear from the judgment point on
    (flat(0.0), {}, UNDERFIT, FIRST),
    (flat(0.0), {'error': 0.2}, UNDERFIT, POINT),
    (flat(-0.5), {}, UNDERFIT, FIRST),                       # below the constant answer
    (flat(0.3), {}, UNDERFIT, FIRST),
    (flat(0.0), {'error': 2.0}, (), None),                   # so few rows that nothing is sure
    # the yardstick is the measure, not a number of its own
    (flat(0.3), {'reached': 0.3}, (), None), (flat(0.25), {'reached': 0.3}, (), None),
    (flat(0.4), {'reached': 1.0}, UNDERFIT, FIRST),
    (flat(0.9), {}, (), None), (flat(0.85), {'reached': 1.0}, (), None),
    # classes of 90 % and 10 %: what counts is skill, not an accuracy of 0.9
    (flat(0.0), {'share': 0.9}, UNDERFIT, FIRST), (flat(0.8), {'share': 0.9}, (), None),
    # it was good once, in the first epoch
    ([0.9] + flat(0.0, TOTAL - 1), {}, UNDERFIT, FIRST),
    # on its way up it is given the time that its own curve predicts
    (line(0.0, 0.8), {}, (), None),
    (flat(0.0, 5) + line(0.0, 0.8, TOTAL - 5), {}, (), None),
    (line(0.0, 0.2), {}, ('not_converge',), FIRST),
    (line(-0.5, 0.0), {}, ('not_converge',), FIRST),
    (line(0.0, 0.4, 20) + flat(0.4, 30), {}, ('not_converge',), slice(POINT, 45)),
    # one bad epoch decides nothing, one good one saves nothing
    ([0.9, 0.9, 0.0, 0.9] + flat(0.9, TOTAL - 4), {}, (), None),
    (flat(0.9, FIRST - 1) + [0.0] + flat(0.9, TOTAL - FIRST), {}, (), None),
    (flat(0.9, 30) + [0.0, 0.0] + flat(0.9, 18), {}, (), None),
    (flat(0.0, FIRST - 1) + [0.9] + flat(0.0, TOTAL - FIRST), {}, ('unstable',),
     slice(FIRST + 1, FIRST + 2 * LASTING)),
    # swings around a good level
    (swinging(0.85, 0.12), {}, (), None), (swinging(0.8, 0.1), {'error': 0.1}, (), None),
])
def test_what_learns_too_little_and_when_that_is_known(levels, settings, issues, epoch):
    verdict, watched = judged(levels, **settings)
    assert verdict.issues == issues and verdict.told == ()
    if isinstance(epoch, slice):
        assert epoch.start <= verdict.epoch <= epoch.stop + LASTING
    else:
        assert verdict.epoch == epoch
    assert watched.ended == ('verdict' if issues else 'planned')
    assert isinstance(watched.monitor, SkillMonitor)


@pytest.mark.parametrize('place', [5, FIRST, POINT, 30, TOTAL - 2])
@pytest.mark.parametrize('bad', [1, 2])
def test_a_bad_epoch_or_two_of_a_good_training_say_nothing(place, bad):
    levels = flat(0.9)
    levels[place:place + bad] = flat(-0.5, bad)
    if place + bad < TOTAL:
        assert judged(levels)[0].issues == ()


@pytest.mark.parametrize('place', range(1, TOTAL - 1, 7))
def test_a_good_epoch_of_a_bad_training_hides_nothing(place):
    levels = flat(0.0)
    levels[place] = 0.9
    assert judged(levels)[0].epoch <= POINT + LASTING


@pytest.mark.parametrize('seed', range(5))
def test_noise_of_the_rows_changes_no_verdict(seed):
    """Skill on 100 rows: a good run that it shakes stays good, a bad one bad."""
    noise = 0.1 * np.random.RandomState(seed).randn(TOTAL)
    assert judged(list(0.85 + noise), error=0.1, rows=100)[0].issues == ()
    assert judged(list(0.5 + noise), error=0.1, rows=100, reached=0.5)[0].issues == ()
    assert judged(list(0.0 + noise), error=0.1, rows=100)[0].epoch <= POINT + LASTING


# ---------------------------------------------------------------------------------- what has fallen

@pytest.mark.parametrize('levels, settings, issue', [
    (flat(0.8, 5) + flat(0.0, 45), {}, 'collapse'),
    (flat(0.8, 20) + flat(0.1, 30), {}, 'collapse'),
    (flat(0.6, 5) + flat(0.05, 45), {}, 'collapse'),
    # though it learns no less than others do: it could more
    (flat(0.8, 20) + flat(0.35, 30), {'reached': 0.35}, 'collapse'),
    (flat(0.8, 20) + flat(0.35, 30), {'reached': 0.35, 'rows': 20, 'error': 0.3}, None),
    (flat(0.8, 20) + line(0.8, 0.7, 30), {}, None),          # a little less than the best
    (flat(0.8 * LEAST_REACHED, 20) + flat(0.0, 30), {}, 'underfit'),   # it had reached nothing
    # on validation rows alone it is no fall: the model knows its training rows
    (flat(0.9), {'validation': flat(0.8, 20) + flat(0.0, 30)}, None),
    (flat(0.8, 20) + flat(0.0, 30), {'validation': flat(0.7, 20) + flat(0.0, 30)}, 'collapse'),
])
def test_what_had_learnt_and_has_fallen(levels, settings, issue):
    verdict, _ = judged(levels, **settings)
    blamed = [found for found in verdict.issues if found not in verdict.told]
    assert blamed[:1] == ([issue] if issue else [])
    if issue == 'collapse':
        assert 'it had reached a skill of' in verdict.reasons['collapse']


# ----------------------------------------------------------------------------------------- plateaus

def leaving(spread, factor):
    """A model that answers all rows alike until its answers differ enough."""
    spreads = [min(1.0, spread * factor ** i) for i in range(TOTAL)]
    return [max(0.0, (s - 0.2) / 0.8) * 0.9 for s in spreads], spreads


@pytest.mark.parametrize('levels, spreads, issues', [
    leaving(0.0005, 1.4) + ((),),                            # it stands still, and is about to go
    (flat(0.0), flat(0.0005), ('collapse',)),                # it stands
    (flat(0.0), leaving(0.0005, 1.01)[1], ('collapse',)),    # it goes, but never gets there
    (flat(0.0), flat(0.0), ('collapse',)),
    (flat(0.0), flat(0.5), UNDERFIT),                        # answers that differ, and are wrong
    (flat(0.0), [0.5 * 0.8 ** i for i in range(TOTAL)], UNDERFIT),
])
def test_a_plateau_is_waited_on_while_the_answers_part(levels, spreads, issues):
    verdict, _ = judged(levels, spread=spreads)
    assert verdict.issues == issues
    assert not issues or verdict.epoch == FIRST


# ---------------------------------------------------------------------------------- short trainings

@pytest.mark.parametrize('epochs', range(1, 10))
def test_short_trainings_are_judged_at_their_end_at_the_latest(epochs):
    bad, _ = judged(flat(0.0, epochs))
    assert bad.issues == UNDERFIT and bad.epoch == min(epochs, 3)
    good, watched = judged(flat(0.9, epochs))
    assert good.issues == () and good.note.startswith('sound: nothing was found in %d ' % epochs)
    rising, _ = judged(line(0.1, 0.9, epochs) if epochs > 1 else [0.9])
    assert rising.issues == ()


@pytest.mark.parametrize('epochs, issues', [(1, UNDERFIT), (2, UNDERFIT), (5, UNDERFIT)])
def test_a_training_that_somebody_ends_early_is_judged_as_it_stands(epochs, issues):
    verdict, watched = judged(flat(0.0, epochs), total=100)
    assert (verdict.issues, watched.ended, verdict.epoch) == (issues, 'callback', epochs)
    assert judged(flat(0.9, epochs), total=100)[0].issues == ()


@pytest.mark.parametrize('last, issues', [
    ([0.0], 0), ([0.0] * LASTING, 1), ([0.0, 0.9], 0), ([0.0, 0.0, 0.9], 0)])
def test_one_bad_epoch_at_the_end_decides_nothing_and_a_good_one_saves_a_training(last, issues):
    verdict, _ = judged(flat(0.9, 8) + last)
    assert bool(verdict.issues) == bool(issues)
    assert verdict.epoch == (8 + len(last) if issues else None)


# ---------------------------------------------------------------------------- symptoms without harm

@pytest.mark.parametrize('harmless', [
    {'gradients': DEAD}, {'gradients': VANISHED}, {'task': Task(input_scale=64.0)},
    {'findings': [CONTRADICTION._replace(severity=LIKELY), CONTRADICTION._replace(severity=NOTE)]},
    {'gradients': SOUND._replace(kernels=(('first', 1e6), ('last', 1.0)))},
    {'watching': {'params': {'eta': 0.0, 'Theta': 1.0, 'delta': 1.0}}},
])
def test_a_symptom_in_a_training_that_learns_is_no_issue(harmless):
    for levels in (flat(0.9), line(0.0, 0.9), swinging(0.85, 0.12)):
        assert judged(levels, **harmless)[0].issues == ()


@pytest.mark.parametrize('settings, issue', [
    ({'gradients': DEAD}, 'relu'), ({'gradients': VANISHED}, 'vanish'),
    ({'task': Task(input_scale=64.0)}, 'abnormal_data'),
    ({'findings': [CONTRADICTION._replace(severity=LIKELY)]}, 'activation_issue'),
    ({'spread': flat(0.0)}, 'collapse'),
])
def test_the_same_symptom_is_the_cause_where_too_little_is_learnt(settings, issue):
    verdict, _ = judged(flat(0.0), **settings)
    assert verdict.issues[0] == issue and verdict.epoch == FIRST
    assert verdict.reason.startswith('%s; likely cause: %s: ' % (verdict.standing, issue))
    assert '0.00' in verdict.standing and 'a linear model gets 0.90' in verdict.standing
    assert '; try: ' in verdict.reason and verdict.is_blamed
    assert (verdict.skill, verdict.yardstick) == (0.0, 0.9)


# -------------------------------------------------------------------------- contradictions, numbers

def test_what_contradicts_itself_for_certain_is_a_verdict_before_the_first_step():
    verdict, watched = judged(flat(0.0), findings=[CONTRADICTION])
    assert (verdict.issues, verdict.epoch, watched.epochs) == (('activation_issue',), 0, 0)
    assert verdict.reason == ('activation_issue: a softmax of 1 output is always 1; '
                              'try: end in sigmoid')
    probe = watched.subject.probe
    assert probe.thorough == [False] and probe.looks == [] and probe.asked == 0


def test_a_verdict_before_the_first_step_is_the_only_one():
    watched = session(flat(0.0), findings=[CONTRADICTION], watching={'on_issue': 'continue'})
    assert not watched.begin()
    verdict = train(watched, flat(0.0))
    assert (verdict.epoch, watched.epochs, watched.checks) == (0, TOTAL, 1)


def test_the_set_up_is_looked_at_thoroughly_once_the_training_is_bad():
    for levels, looks in ((flat(0.9), [False]), (flat(0.0), [False, True])):
        assert judged(levels)[1].subject.probe.thorough == looks


@pytest.mark.parametrize('broken', ['loss', 'acc', 'val_loss', 'val_acc'])
@pytest.mark.parametrize('number', [NAN, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_a_verdict_at_any_epoch(broken, number):
    history = [dict(row(0.9, 0.5, 0.9), val_loss=1.0) for _ in range(TOTAL)]
    history[3][broken] = number
    verdict, _ = judged(flat(0.9), history=history)
    assert (verdict.issues, verdict.epoch) == (('explode',), 4)
    assert '%s = %r at epoch 4 is not a finite number' % (broken, number) in verdict.reason
    assert verdict.skill is None or math.isfinite(verdict.skill)


def test_predictions_that_are_no_numbers_in_a_history_that_is_fine():
    nothing = measured(-10.0, spread=NAN, form=SQUARED)
    verdict, _ = judged(flat(0.0), shown=[nothing] * TOTAL, reached=[yardstick(0.9, form=SQUARED)])
    assert verdict.issues == UNDERFIT and verdict.skill == -10


# -------------------------------------------------------------------------------- what is only told

@pytest.mark.parametrize('levels, held, reached, told', [
    (flat(0.0), (), [yardstick(0.0)], 'no_signal'),
    (flat(0.95), flat(0.0), [yardstick(0.0)], 'no_signal'),       # it memorises noise
    (flat(0.95), flat(0.1), [yardstick(0.9)], 'overfit'),
    (flat(0.95), flat(-0.2), [yardstick(0.0, unseen=0.9)], 'overfit'),
    (flat(0.95), flat(0.9), [yardstick(0.9)], None),
    (flat(0.5), (), [yardstick(0.0)], None),                      # it finds what no learner does
])
def test_what_is_told_at_the_end_and_no_reason_to_stop(levels, held, reached, told):
    verdict, watched = judged(levels, validation=held, reached=reached)
    assert verdict.issues == verdict.told == ((told,) if told else ())
    assert watched.ended == 'planned' and watched.watcher.found is None
    assert verdict.epoch == (TOTAL if told else None) and not verdict.is_blamed
    assert 'likely cause' not in verdict.reason and (not told or told + ': ' in verdict.reason)
    if told:  # where it is asked for, it is a reason to stop
        verdict, watched = judged(levels, validation=held, reached=reached,
                                  watching={'optional_issues': [told]})
        assert (verdict.issues, verdict.told, watched.ended) == ((told,), (), 'verdict')
        assert FIRST <= verdict.epoch <= POINT
        other = {'no_signal': 'overfit', 'overfit': 'no_signal'}[told]
        verdict, watched = judged(levels, validation=held, reached=reached,
                                  watching={'optional_issues': [other]})
        assert (verdict.told, watched.ended) == ((told,), 'planned')


def test_a_training_that_is_told_to_be_behind_is_told_why_it_is_not_blamed():
    verdict, watched = judged(flat(0.6), validation=flat(0.45),
                              reached=[yardstick(0.9, error=0.1)], error=0.1)
    assert verdict.issues == () and verdict.note.startswith(
        'sound, as far as can be told: nothing was found in 50 epochs')
    assert verdict.note.endswith('(by accuracy it has 0.60 on training rows, where a linear model '
                                 'has 0.90: not surely too little)')
    assert judged(flat(0.9))[0].note.startswith('sound: nothing was found')


# ------------------------------------------------------------------------------------- no yardstick

@pytest.mark.parametrize('level, reached, rows, issues', [
    (0.0, [none('the inputs are no plain numbers')], 1000, UNDERFIT),
    (0.4, [none('the inputs are no plain numbers')], 1000, ()),
    (0.4, [], 1000, UNDERFIT),                                # nobody knows of any: all is asked
    (0.9, [], 1000, ()),
    # fewer than 30 rows are to be known by heart
    (0.9, [none('20 rows to learn from')], LEAST_ROWS - 1, ()),
    (0.3, [none('20 rows to learn from')], LEAST_ROWS - 1, UNDERFIT),
])
def test_without_a_yardstick(level, reached, rows, issues):
    verdict, _ = judged(flat(level), reached=reached, rows=rows)
    assert verdict.issues == issues and verdict.yardstick is None


def test_a_model_whose_skill_nobody_can_measure_is_not_blamed():
    verdict, watched = judged(flat(0.0), shown=[None] * TOTAL)
    assert verdict.issues == () and watched.subject.probe.asked == 0


def test_of_several_outputs_the_one_that_is_worst_off_counts():
    both = measured(0.9)._replace(training=({ACCURACY: Skill(0.9, 0.03)},
                                            {ACCURACY: Skill(0.0, 0.03)}), forms=(ACCURACY,) * 2)
    history = [dict(row(None, 0.5), loss=1.0) for _ in range(TOTAL)]
    for second, issues in ((0.9, UNDERFIT), (0.0, ())):
        verdict, _ = judged(flat(0.0), shown=[both] * TOTAL, history=history,
                            reached=[yardstick(0.9), yardstick(second)],
                            subject={'constants': (Constants(1000), None)})
        assert verdict.issues == issues


def test_a_loss_that_falls_without_anything_being_learnt_is_no_progress():
    """A penalty on weights that shrinks: the loss stays above that of the constant answer."""
    history = [dict(row(0.0, 0.5), loss=100.0 - i) for i in range(TOTAL)]
    verdict, _ = judged(flat(0.0), history=history, subject={'constant_loss': lambda: 0.69})
    assert (verdict.issues, verdict.epoch) == (UNDERFIT, FIRST)


def test_a_loss_that_falls_before_the_accuracy_rises_is_progress():
    levels = flat(0.0, 15) + line(0.0, 0.8, 35)
    history = [dict(row(level, 0.5), loss=0.69 * (1 - 0.022 * i))
               for i, level in enumerate(levels)]
    for constant_loss, issues in ((lambda: 0.69, ()), (lambda: 0.1, UNDERFIT)):
        verdict, _ = judged(levels, history=history, subject={'constant_loss': constant_loss})
        assert verdict.issues == issues


@pytest.mark.parametrize('first, factor, epoch', [(1e20, 0.64, FIRST), (1e4, 0.5, None)])
def test_a_loss_that_falls_from_afar_must_come_down_to_what_is_asked(first, factor, epoch):
    """It blew up, and comes back too slowly; or it began high, and will be there in time."""
    history = [{'loss': max(0.05, first * factor ** i), 'acc': None, 'val_loss': None,
                'val_acc': None} for i in range(TOTAL)]
    shown = [measured(max(-10.0, 1 - row['loss']), form=SQUARED) for row in history]
    verdict, _ = judged(flat(0.0), history=history, shown=shown,
                        reached=[yardstick(0.9, form=SQUARED)], subject={
                            'constant_loss': lambda: 1.0, 'constants': (Constants(1000), None)})
    assert verdict.epoch == epoch


def test_a_rare_class_that_is_found_without_gaining_accuracy():
    def shown(balanced):
        return measured(0.0)._replace(training=({ACCURACY: Skill(0.0, 0.03), BALANCED: Skill(
            balanced, 0.1)},), forms=(BALANCED,))

    reached = yardstick(0.3)
    reached = [reached._replace(skills=dict(reached.skills, **{BALANCED: Skill(0.9, 0.05)}))]
    for balanced, issues in ((0.8, ()), (0.0, UNDERFIT)):
        assert judged(flat(0.0), shown=[shown(balanced)] * TOTAL, reached=reached,
                      share=0.97)[0].issues == issues


# -------------------------------------------------------------------------------------- regressions

def regression(levels, **settings):
    """A regression with R² of these levels, and Keras's accuracy of about 0."""
    history = [{'loss': 50 * (1 - level), 'acc': 0.001, 'val_loss': 50 * (1 - level),
                'val_acc': 0.0} for level in levels]
    shown = [measured(level, level, form=SQUARED) for level in levels]
    return judged(levels, history=history, shown=shown, reached=[yardstick(0.9, form=SQUARED)],
                  subject={'accuracy_counts': False, 'constant_loss': lambda: 50.0,
                           'constants': (Constants(1000), Constants(200))}, **settings)


@pytest.mark.parametrize('levels, issues, looks', [
    (flat(0.94), (), 0),
    (line(0.0, 0.94), (), None),
    (swinging(0.94, 0.03), (), 0),
    (flat(0.0), UNDERFIT, None), (flat(-3.0), UNDERFIT, None),
    ([1 - 8 * 0.9 ** i for i in range(TOTAL)], (), None),    # a loss that falls steadily
    ([1 - 8 * 0.97 ** i for i in range(TOTAL)], ('not_converge',), None),
])
def test_a_regression_is_judged_by_skill_alone(levels, issues, looks):
    verdict, watched = regression(levels)
    assert verdict.issues == issues
    assert looks is None or watched.subject.probe.looks == []
    assert 'accuracy' not in verdict.reason


# ------------------------------------------------------------------- where nothing can be measured

def unmeasured():
    return measured(0.9)._replace(training=({},), validation=({},), forms=('',))


@pytest.mark.parametrize('subject, shown, note', [
    ({'constants': (Constants(1000, 0.5), Constants(200, 1.0))}, None,
     'not judged: all 200 validation rows have the same label, which says nothing of what is '
     'learnt; shuffle the rows before they are divided, or give others'),
    ({'constants': (Constants(1000, None), Constants(200, None))}, [unmeasured()] * 20,
     'not judged: what the model gives cannot be held against the labels: they are of another '
     'shape, of no known kind, or all alike'),
    ({'constants': (Constants(1000, 0.5), Constants(200, 0.99))}, None, None),
    ({}, None, None)])
def test_sound_is_said_of_what_was_measured_alone(subject, shown, note):
    verdict, _ = judged(flat(0.9, 20), subject=subject, shown=shown)
    assert verdict.issues == () and verdict.note == (
        note or 'sound: nothing was found in 20 epochs by 20 checks')


@pytest.mark.parametrize('loss, name, told', [
    (-5.4, 'labels_not_zero_one', ('loss_issue',)), (0.1, 'labels_not_zero_one', ()),
    (-5.4, 'head_is_no_share', ())])
def test_a_cross_entropy_below_0_is_told_of_a_training_that_learns(loss, name, told):
    """Nothing is stopped: the rows are told apart all the same."""
    levels = flat(0.9, 20)
    history = [dict(row(level, 0.5), loss=loss if epoch == 7 else 0.5)
               for epoch, level in enumerate(levels)]
    verdict, watched = judged(levels, history=history, findings=[CONTRADICTION._replace(
        name=name, severity=LIKELY, issue='loss_issue')])
    assert verdict.issues == verdict.told == told and watched.epochs == 20
    assert not verdict.is_blamed and ('down to -5.4' in verdict.reason) is bool(told)


def of_loss(level, error=0.03):
    return measured(level, error=error, form=SQUARED)


@pytest.mark.parametrize('told, now, is_told, note', [
    (0.01, 0.95, True, 'sound: nothing was found'),
    (0.01, 0.02, True, 'not judged: the losses that were told are much less than those of these'),
    (0.01, -4.0, True, 'not judged: the losses that were told'),
    (0.01, -4.0, False, 'sound: nothing was found'),  # of a fit, which takes these very labels
])
def test_a_loss_that_is_told_is_held_against_the_model_once(told, now, is_told, note):
    history = [dict(row(None, 0.5), loss=told) for _ in range(20)]
    verdict, watched = judged(flat(0.0, 20), shown=[of_loss(now)] * 20, history=history, subject={
        'constants': (Constants(1000), None), 'constant_loss': lambda: 1.0, 'is_told': is_told})
    assert verdict.issues == () and verdict.note.startswith(note)
    assert watched.subject.probe.looks == ([20] if is_told else [])


def test_a_loss_that_asks_for_something_else_than_the_labels():
    verdict, watched = judged(flat(0.0), subject={'unmeasured': 'it is a distance'})
    assert verdict.issues == () and verdict.note == 'not judged: it is a distance'
    assert watched.subject.probe.looks == []
    assert judged([NAN] * 3, subject={'unmeasured': 'it is a distance'})[0].issues == ('explode',)


@pytest.mark.parametrize('now, reached, told, doubt', [
    (0.9, 0.9, 0.2, 'the training tells of a skill of 0.20 on validation rows'),
    (0.9, 0.9, 0.85, ''),
    (0.02, 0.03, 0.02, 'next to nothing is learnt, and classical learners learn hardly more'),
])
def test_sound_as_far_as_can_be_told(now, reached, told, doubt):
    shown = [measured(now, now, error=0.005)] * TOTAL
    verdict, _ = judged(flat(0.0), validation=flat(told), shown=shown,
                        reached=[yardstick(reached, error=0.005)])
    assert verdict.issues == () and verdict.note.startswith(
        'sound, as far as can be told: ' if doubt else 'sound: ')
    assert doubt in verdict.note
