"""What the epochs so far say of a set-up, from plain facts."""

import math

import pytest

from AutoTrainer.judge.causes import Evidence, advice_on, causes, certain_reasons
from AutoTrainer.judge.columns import Data
from AutoTrainer.judge.course import Course, examine_course, in_force, of_later_rates
from AutoTrainer.judge.examine import examine
from AutoTrainer.judge.preflight import CERTAIN, LIKELY, NOTE, Finding
from AutoTrainer.judge.setup import Kernel, Setup
from AutoTrainer.judge.skill import Skill
from AutoTrainer.judge.standing import Standing, in_words
from AutoTrainer.utils.monitor import IssueMonitor

SGD = Setup(optimizer='SGD', learning_rate=0.1)
NONE = dict.fromkeys(IssueMonitor(10).feature)


def found(setup, *facts, **named):
    return [(one.severity, one.name) for one in examine_course(setup, Course(*facts, **named))]


@pytest.mark.parametrize('setup, watched, at_rest, expected', [
    (SGD, 3, ('a', 'b'), [('certain', 'weights_at_rest')]),
    (Setup(), 3, ('a', 'b'), [('certain', 'weights_at_rest')]),      # of an unknown optimizer
    (SGD, 3, ('a',), [('note', 'layers_at_rest')]),
    (SGD, 3, (), []),
    (SGD, 0, ('a', 'b'), []),                                        # its steps were missed
    (SGD._replace(learning_rate=1e-9), 3, ('a', 'b'), []),           # steps too small to be seen
    (SGD._replace(trainable=False), 3, ('a', 'b'), []),              # which is said already
])
def test_weights_that_nothing_was_written_to(setup, watched, at_rest, expected):
    assert found(setup, watched, watched + 1, 20, (), ('a', 'b'), at_rest) == expected


@pytest.mark.parametrize('rates, done, expected', [
    ((0.01, 1e-5, 1e-6), 3, [('note', 'learning_rate_fell')]),
    ((0.1, 0.1, 0.1), 3, []),
    ((1e-6, 1e-6, 0.1), 3, []),                        # it has come up again
    ((0.1,) * 15 + (1e-5,), 16, []),                   # as most schedules end
    ((1e-5,), 18, []),                                 # seen late
    ((0.1, math.nan, 1e-6), 3, []), ((), 3, []),
])
def test_a_rate_that_falls_long_before_the_end(rates, done, expected):
    assert found(SGD, len(rates) - 1, done, 20, rates) == expected
    assert found(SGD, len(rates) - 1, done, None, rates) == []


def test_the_largest_rate_counts_once_a_training_has_begun():
    warm = SGD._replace(learning_rate=1e-6, scheduled=True)
    assert in_force(warm, Course(1, 2, 20, (1.0, 0.1))).learning_rate == 1.0
    assert in_force(warm, Course(1, 2, 20, (math.nan, 0.1))) == warm
    assert in_force(warm, Course()) == warm
    high = Finding('learning_rate_high', LIKELY, 'the rate is 3', 'a smaller rate', 'unstable')
    assert of_later_rates([high, ONE]) == [RATE, ONE]


@pytest.mark.parametrize('highest, expected', [
    (1e-5, ['note learning_rate_low']), (0.1, []), (math.nan, [])])
def test_a_schedule_hides_no_low_rate(highest, expected):
    """What a warming up begins with is no low rate, but what it is made from may be one."""
    setup = SGD._replace(learning_rate=1e-6, scheduled=True, highest_rate=highest)
    assert ['%s %s' % (one.severity, one.name) for one in examine(setup, Data())] == expected


@pytest.mark.parametrize('layers, facts, expected', [
    (3, {'decay': 1.0}, ['likely']), (3, {'decay': 0.2}, ['note']), (3, {'decay': 0.05}, []),
    (1, {'decay': 1.0}, []),                           # a single layer can well be small
    (2, {'decay': 0.5}, ['note']), (2, {'decay': 2.0}, ['likely']),
    (9, {'decay': 0.3}, ['likely']),
    (3, {'decay': 1.0, 'normalises': True}, ['note']),
    (3, {'shrinks': 1.0}, []), (1, {'shrinks': 100.0}, ['likely']),
    (3, {'shrinks': 10.0}, ['note']),
])
def test_a_decay_that_leaves_nothing(layers, facts, expected):
    setup = Setup(kernels=tuple(Kernel(str(place)) for place in range(layers)), **facts)
    said = [one.severity for one in examine(setup, Data()) if one.name == 'strong_decay']
    assert said == expected


# ---------------------------------------------------------------------------- as causes, and advice

RATE = Finding('learning_rate_high', NOTE, 'the rate is 3', 'a smaller rate', 'unstable')
LOW = Finding('learning_rate_low', NOTE, 'the rate is low', 'a larger rate', 'not_converge')
ONE = Finding('one', CERTAIN, 'this', 'mend this', 'loss_issue')
TWO = Finding('two', CERTAIN, 'that', 'mend that', 'loss_issue')


def test_a_note_on_the_steps_is_the_cause_where_nothing_else_is():
    assert causes(Evidence(NONE, [LOW], gain=0.1)) == {'not_converge': 'the rate is low'}
    assert causes(Evidence(dict(NONE, died_relu='dead'), [RATE])) == {'relu': 'dead'}
    said = causes(Evidence(NONE, [RATE], 'loss = nan at epoch 2'))
    assert said == {'explode': 'loss = nan at epoch 2 is not a finite number; the rate is 3'}
    assert advice_on(said, [RATE]) == 'a smaller rate'
    said = causes(Evidence(NONE, [RATE], fallen='it fell'))
    assert said == {'collapse': 'it fell; the rate is 3'}


def test_all_that_is_certain_is_said_with_its_advice():
    assert certain_reasons([ONE, LOW, TWO]) == {'loss_issue': 'this; that'}
    assert advice_on({'loss_issue': 'this; that'}, [ONE, LOW, TWO]) == 'mend this; mend that'
    other = Finding('three', LIKELY, 'more', 'mend this', 'explode')
    assert advice_on({'loss_issue': 'this', 'explode': 'more'}, [ONE, other]) == 'mend this'
    assert advice_on({'relu': 'dead'}, [ONE]).startswith('smaller steps, SELU')
    assert advice_on({}, [ONE]) == ''


def test_a_skill_at_the_end_of_its_scale_is_said_to_be_so():
    said = in_words(Standing('squared error', Skill(-10.0, 0.1), Skill(1.0, 0.0)))
    assert 'skill -10.00 or less by squared error' in said
    assert 'or less' not in in_words(Standing('accuracy', Skill(-0.5, 0.1), Skill(1.0, 0.0)))
