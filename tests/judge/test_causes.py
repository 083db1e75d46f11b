"""From the symptoms of a training that learns too little to its likely causes."""

import numpy as np
import pytest

from AutoTrainer.judge.causes import (
    FADED,
    LEAST_SWING,
    SAME,
    SWING,
    Evidence,
    advice_on,
    causes,
    no_signal,
    otherwise_in_steps,
    overfits,
)
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.preflight import CERTAIN, LIKELY, NOTE, Finding
from AutoTrainer.judge.skill import ACCURACY, Skill
from AutoTrainer.judge.standing import SIGNAL, Standing
from AutoTrainer.utils.monitor import IssueMonitor

NONE = dict.fromkeys(IssueMonitor(10).feature)


def finding(issue, severity, sentence='the set-up', name='some_name'):
    return Finding(name, severity, sentence, 'change it', issue)


def seen(findings=(), symptoms=(), unseen=None, **facts):
    """Evidence with these symptoms; the words of one are its name."""
    if unseen is not None:
        facts['unseen'] = Skill(unseen, 0.03)
    return Evidence(dict(NONE, **{name: name for name in symptoms}), findings, **facts)


@pytest.mark.parametrize('symptom, issue', [
    ('abnormal_data', 'abnormal_data'), ('improper_activation', 'activation_issue'),
    ('improper_loss', 'loss_issue'), ('died_relu', 'relu'), ('explode_gradient', 'explode'),
    ('nan_weight', 'explode'), ('nan_gradient', 'explode'), ('vanish_gradient', 'vanish'),
])
def test_a_symptom_by_itself_is_the_cause(symptom, issue):
    assert causes(seen(symptoms=[symptom])) == {issue: symptom}


@pytest.mark.parametrize('symptom', [
    'not_converge', 'unstable_loss', 'nan_loss', 'abnormal_loss', 'sc_accuracy', 'test_not_well',
    'test_turn_bad', 'large_weight', 'collapse'])
def test_what_the_paper_reads_off_the_accuracy_is_no_cause(symptom):
    assert causes(seen(symptoms=[symptom])) == {'underfit': 'no cause found'}


@pytest.mark.parametrize('evidence, found', [
    # what is certain goes first, then what has overflowed, what is likely, what is measured
    (seen([finding('abnormal_data', LIKELY), finding('loss_issue', CERTAIN)],
          ['improper_activation', 'vanish_gradient'], non_finite='loss = nan at epoch 2'),
     ['loss_issue', 'explode', 'abnormal_data', 'activation_issue', 'vanish']),
    (seen([finding('loss_issue', LIKELY)], ['abnormal_data']), ['loss_issue', 'abnormal_data']),
    (seen([finding('activation_issue', LIKELY), finding('abnormal_data', CERTAIN)]),
     ['abnormal_data', 'activation_issue']),
    (seen([finding('loss_issue', NOTE)]), ['underfit']),        # a note is no cause by itself
    (seen([finding('loss_issue', NOTE)], ['vanish_gradient']), ['vanish']),
    # dead units let no gradient pass, and all rows get the same answer
    (seen(symptoms=['died_relu', 'vanish_gradient'], spread=0.0), ['relu']),
    (seen(symptoms=['vanish_gradient'], spread=0.0), ['vanish']),
    (seen(symptoms=['abnormal_data'], spread=0.0), ['abnormal_data', 'collapse']),
    (seen(spread=0.0), ['collapse']),
    (seen(spread=SAME / 2), ['collapse']), (seen(spread=2 * SAME), ['underfit']),
    (seen(spread=float('nan')), ['underfit']),
    # a gradient that fades on its way, where it shows in the answers
    (seen(spread=0.0, gradient_ratio=FADED / 2), ['vanish']),
    (seen(spread=0.0, gradient_ratio=2 * FADED), ['collapse']),
    (seen(spread=0.5, gradient_ratio=FADED / 2), ['underfit']),
    (seen(spread=0.0, gradient_ratio=FADED / 2, symptoms=['died_relu']), ['relu']),
    (seen(spread=0.0, gradient_ratio=FADED / 2, fallen='it had reached 0.8'), ['collapse']),
    # a head over numbers that have overflowed says nothing
    (seen(symptoms=['improper_activation', 'nan_weight']), ['explode']),
    (seen(symptoms=['improper_activation', 'nan_gradient']), ['explode']),
    (seen(symptoms=['improper_activation', 'explode_gradient']), ['activation_issue', 'explode']),
    # dead units are how it fell
    (seen(symptoms=['died_relu', 'vanish_gradient'], fallen='it had reached 0.8'), ['collapse']),
    (seen(symptoms=['explode_gradient'], fallen='it had reached 0.8'), ['collapse', 'explode']),
    # zeros of layers that no gradient reaches are no dead units
    (seen([finding('vanish', LIKELY)._replace(name='layers_cut_off')],
          ['died_relu', 'vanish_gradient']), ['vanish']),
    (seen([finding('vanish', LIKELY)], ['died_relu']), ['vanish', 'relu']),
    # it still rises, only too slowly
    (seen(gain=0.08), ['not_converge']),
    (seen(gain=0.02), ['underfit']),
    (seen(gain=0.08, symptoms=['vanish_gradient']), ['vanish']),
    (seen(gain=0.0), ['underfit']),
])
def test_the_best_supported_cause_goes_first(evidence, found):
    assert list(causes(evidence)) == found
    assert set(found) <= set(ISSUES)


def test_causes_come_with_their_evidence():
    found = causes(seen([finding('loss_issue', CERTAIN, 'labels and loss contradict')],
                        ['improper_loss'], non_finite='loss = nan at epoch 2', spread=1e-5,
                        fallen='it had reached a skill of 0.80'))
    assert found == {'loss_issue': 'labels and loss contradict',
                     'explode': 'loss = nan at epoch 2 is not a finite number',
                     'collapse': 'it had reached a skill of 0.80'}
    assert 'its outputs differ by 1e-05' in causes(seen(spread=1e-5))['collapse']
    assert 'the gradient fades' in causes(seen(spread=0.0, gradient_ratio=1e-3))['vanish']
    assert causes(seen(learner='a linear model'))['underfit'] == (
        'learns less than a linear model from the same rows; no cause found')
    assert 'only by 0.085' in causes(seen(gain=0.085))['not_converge']
    assert set(causes(seen(gain=0.025))) == {'underfit'}  # no more steps would help


def test_the_surest_finding_speaks_for_its_issue():
    found = causes(seen([finding('loss_issue', LIKELY, 'likely'),
                         finding('loss_issue', CERTAIN, 'certain')]))
    assert found == {'loss_issue': 'certain'}


# ----------------------------------------------------------------------------------------- swings

def around(middle, swing, count=15):
    return [middle + swing * (-1) ** i for i in range(count)]


BIG = 3 * LEAST_SWING


@pytest.mark.parametrize('levels, error, swings', [
    (around(0.4, BIG), 0.01, True),
    (around(0.4, BIG), 2 * BIG / SWING, False),             # what few rows explain is no swing
    (around(0.4, 0.5 * LEAST_SWING), 0.0, False),           # nor what is small, of many rows
    (around(0.4, 1.5 * LEAST_SWING), 0.0, True),
    ([0.0] * 8 + around(0.4, BIG), 0.01, True),
    (around(0.4, BIG, 10) + [0.4] * 40, 0.01, False),       # it swung once and has settled
    ([0.04 * i for i in range(20)], 0.0, False),            # a rise is no swing
    ([-3 * 0.7 ** i for i in range(20)], 0.05, False),      # nor is one that bends
    ([0.04 * i + BIG * (-1) ** i for i in range(20)], 0.0, True),
    ([None, 0.4 + BIG, None, 0.4 - BIG] * 8, 0.01, True),   # measured now and then
    (around(0.4, BIG, 4), 0.0, False), ([], 0.0, False), ([None] * 20, 0.0, False),
])
def test_swings_are_those_that_chance_does_not_explain(levels, error, swings):
    found = causes(seen(levels=levels, level_error=error))
    assert list(found) == (['unstable'] if swings else ['underfit'])
    assert not swings or 'the number of rows explains ±%.2g' % error in found['unstable']


def test_swings_stand_beside_what_explains_them_and_before_slowness():
    found = causes(seen(symptoms=['abnormal_data'], levels=around(0.4, BIG), gain=0.5))
    assert list(found) == ['abnormal_data', 'unstable']


# ------------------------------------------------------------------------------------- overfitting

def standing(value, yardstick=0.8, signal=True, error=0.03):
    return Standing(ACCURACY, Skill(value, error), Skill(yardstick, error), 'a linear model',
                    signal)


KNOWS, KNOWS_NOT = standing(0.95), standing(0.05)


NOISE = standing(-0.3, 0.0, False)


@pytest.mark.parametrize('training, validation, unseen, words', [
    (KNOWS, KNOWS_NOT, 0.8, 'rows: too few rows for so large a model'),
    (KNOWS, KNOWS, 0.8, None),
    (KNOWS_NOT, KNOWS_NOT, 0.8, None),                       # it has learnt nothing anywhere
    (KNOWS_NOT, KNOWS, 0.8, None),
    (KNOWS, None, 0.8, None), (None, KNOWS_NOT, 0.8, None), (None, None, None, None),
    (standing(0.6, error=0.2), standing(0.4, error=0.2), 0.8, None),   # not surely apart
    # nothing to learn from the validation rows: are they noise as the others, or of another kind?
    (KNOWS, NOISE, 0.0, 'rows: it memorises noise'),
    (KNOWS, NOISE, None, 'rows: it memorises noise'),
    (KNOWS, NOISE, SIGNAL + 0.04, 'rows: it memorises noise'),         # no sure signal either
    (KNOWS, NOISE, 0.7, 'which are of another kind: a linear model gets 0.70 on other training '
     'rows and 0.00 on these'),
    (KNOWS, standing(0.05, 0.3), 0.8, 'which are of another kind: a linear model gets 0.80 on'),
    (KNOWS, standing(0.05, 0.5), 0.8, 'rows: too few rows'),
    (KNOWS, NOISE._replace(learner='40 randomised trees'), 0.7, 'kind: 40 randomised trees get '),
    (standing(0.1, 0.0, False), NOISE, 0.0, 'rows: it memorises noise'),
])
def test_overfitting_and_what_kind_of_it(training, validation, unseen, words):
    found = overfits(seen(training=training, validation=validation, unseen=unseen))
    if words is None:
        assert found is None
    else:
        assert words in found.sentence
        assert ('of another kind' in words or 'kind: ' in words) == (
            'prepare the validation rows' in found.advice)
        assert found.sentence.startswith('skill %.2f on training rows, %.2f on validation rows' % (
            training.skill.value, validation.skill.value))


@pytest.mark.parametrize('training, validation, unseen, nothing', [
    (KNOWS, NOISE, 0.0, True),                               # by heart, and no more
    (NOISE, NOISE, 0.0, True), (NOISE, NOISE, None, True),
    (standing(0.0, 0.0, False), None, 0.0, True),            # no validation rows
    (KNOWS, standing(0.5, 0.0, False), 0.0, False),          # what no learner finds, it has found
    (KNOWS, standing(0.2, 0.0, False, error=0.12), 0.0, True),   # a little, on so few rows
    # hardly anything, and surely that
    (standing(0.08, 0.11, False), None, 0.0, False),
    (NOISE, standing(0.0, 0.11, False), 0.0, False),
    (KNOWS, NOISE, 0.7, False),                              # of another kind
    (KNOWS, KNOWS_NOT, 0.8, False), (KNOWS_NOT, None, 0.8, False), (None, None, None, False),
])
def test_whether_there_is_anything_to_learn(training, validation, unseen, nothing):
    found = no_signal(seen(training=training, validation=validation, unseen=unseen))
    assert (found is not None) is nothing
    assert not nothing or 'nothing that foretells the answers' in found


def test_swings_of_many_curves_that_only_few_rows_make():
    """Skill on 50 rows, of a model that does not change: hardly ever an issue."""
    random, found = np.random.RandomState(0), 0
    for _ in range(100):
        levels = (random.binomial(50, 0.6, 20) / 50 - 0.5) / 0.5
        found += 'unstable' in causes(seen(levels=levels, level_error=0.14))
    assert found == 0


@pytest.mark.parametrize('in_steps, now, expected', [
    (0.95, 0.1, True), (0.95, 0.6, False), (0.5, 0.0, False), (None, 0.0, False)])
def test_a_model_that_answers_otherwise_in_inference_mode(in_steps, now, expected):
    evidence = seen(in_steps=in_steps, training=Standing(ACCURACY, Skill(now, 0.03), Skill(1, 0)))
    assert ('in inference mode it has' in causes(evidence).get('underfit', '')) is expected
    told = otherwise_in_steps(evidence)
    assert (told is not None) is expected
    if told:
        assert 'batch normalisation' in advice_on(causes(evidence), [told])


def test_what_is_noted_is_a_cause_where_nothing_else_is():
    notes = [finding('underfit', NOTE, 'the layer d leaves out 90%', name='dropout_leaves_nothing')]
    assert causes(seen(notes, gain=0.3)) == {'underfit': 'the layer d leaves out 90%'}
    assert list(causes(seen(notes, symptoms=['died_relu']))) == ['relu']
