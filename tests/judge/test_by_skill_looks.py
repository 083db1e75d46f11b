"""What the recognizer of rules='skill' asks a probe for, and when; how it is gone on with."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from judged_by_skill import judged, measured, row, session, train, yardstick

from AutoTrainer.judge.by_skill import EARLY
from AutoTrainer.judge.history import JUDGMENT_SHARE, LASTING
from AutoTrainer.judge.reference import Constants
from AutoTrainer.judge.schedule import LONGEST_GAP
from AutoTrainer.judge.standing import ENOUGH
from AutoTrainer.utils.monitor import IssueMonitor

ROOT = Path(__file__).resolve().parents[2]
TOTAL = 50
FIRST = math.ceil(EARLY * TOTAL)              # epoch from which what is overwhelming counts
POINT = math.ceil(JUDGMENT_SHARE * TOTAL)     # the judgment point
EARLIEST = FIRST - LASTING + 1                # epoch of the first look


def line(first, last, count=TOTAL):
    return list(np.linspace(first, last, count))


def flat(level, count=TOTAL):
    return [level] * count


def test_a_training_that_proves_itself_is_never_measured():
    for levels in (flat(0.9), [0.1, 0.4] + line(0.85, 0.99, 48)):
        verdict, watched = judged(levels)
        probe = watched.subject.probe
        assert (probe.looks, probe.asked, watched.probes) == ([], 0, 0)
        assert verdict.yardstick is None and verdict.skill == pytest.approx(levels[-1])


@pytest.mark.parametrize('held, told', [(0.9, ()), (0.1, ('overfit',))])
def test_validation_rows_of_which_the_history_says_nothing_are_looked_at_in_the_end(held, told):
    """A loop of one's own that tells of its training loss alone."""
    verdict, watched = judged(flat(0.95), history=[row(0.95, 0.5)] * TOTAL,
                              shown=[measured(0.95, held)] * TOTAL,
                              subject={'constants': (Constants(1000, 0.5), Constants(300, 0.5))})
    assert watched.subject.probe.looks == [TOTAL]
    assert (verdict.told, verdict.skill) == (told, held)


@pytest.mark.parametrize('rows, looks', [(50, False), (100000, True)])
def test_few_rows_speak_for_a_training_where_they_speak_against_none(rows, looks):
    """A level that so many rows do not tell from enough proves a training."""
    _, watched = judged(flat(ENOUGH - 0.02), rows=rows)
    assert bool(watched.subject.probe.looks) is looks


def test_a_good_time_between_two_bad_looks_parts_them():
    bad = 2 * LASTING - 1  # the first of them are outvoted by the good ones before
    verdict, watched = judged(flat(0.0, FIRST - 1) + flat(0.9, 20) + flat(0.0, bad)
                              + flat(0.9, TOTAL - FIRST - 19 - bad))
    assert verdict.issues == ()
    assert watched.subject.probe.looks == [EARLIEST, EARLIEST + 1, FIRST + 19 + bad]


@pytest.mark.parametrize('levels, settings', [
    (line(0.0, 0.5), {'reached': 0.5}),
    (flat(0.9), {'validation': flat(0.2), 'watching': {'optional_issues': ['no_signal']}}),
])
def test_the_yardstick_is_asked_for_once(levels, settings):
    _, watched = judged(levels, **settings)
    assert watched.subject.probe.asked == 1
    assert len(watched.subject.probe.looks) > LASTING


def test_it_is_not_asked_for_where_the_model_is_better_than_its_history_looks():
    """As under dropout: the accuracy of an epoch is that of a crippled model."""
    verdict, watched = judged(flat(0.3), shown=[measured(0.9, 0.9)] * TOTAL)
    assert verdict.issues == () and watched.subject.probe.asked == 0
    assert verdict.skill == 0.9 and verdict.yardstick is None
    assert watched.subject.probe.looks == list(range(EARLIEST, TOTAL + 1))


@pytest.mark.parametrize('proves', [True, False])
def test_of_some_losses_most_is_lost_before_anything_is_learnt(proves):
    """Of a percentage error, for example: its share proves nothing, the model is measured."""
    history = [{'loss': 1.0, 'acc': None, 'val_loss': None, 'val_acc': None}] * TOTAL
    verdict, watched = judged(flat(0.0), history=history, subject={
        'constant_loss': lambda: 10.0, 'loss_proves': proves,
        'constants': (Constants(1000), None)})
    assert bool(watched.subject.probe.looks) is bool(verdict.issues) is not proves


def test_a_training_that_is_broken_is_measured_no_more():
    history = [row(0.0, 0.5) for _ in range(TOTAL)]
    history[FIRST - 1]['loss'] = math.nan
    verdict, watched = judged(flat(0.0), history=history)
    assert verdict.epoch == FIRST
    assert watched.subject.probe.looks == list(range(EARLIEST, FIRST))


def test_within_a_budget_no_verdict_rests_on_looks_of_earlier_epochs():
    verdict, watched = judged(flat(0.0), error=0.2, watching={'overhead_budget': 1e-9})
    assert watched.subject.probe.looks == [EARLIEST, EARLIEST + 1, FIRST, FIRST + LONGEST_GAP]
    assert verdict.epoch == FIRST + LONGEST_GAP > POINT


def test_the_last_epoch_is_measured_whatever_it_costs():
    verdict, watched = judged(flat(0.3), reached=0.3, total=TOTAL + 3,
                              watching={'overhead_budget': 1e-9})
    assert watched.subject.probe.looks[-1] == TOTAL and verdict.skill == 0.3


@pytest.mark.once
@pytest.mark.parametrize('levels, settings', [
    (flat(0.0), {}), (flat(0.0), {'error': 0.2}), (line(0.0, 0.3), {'error': 0.1}),
    (flat(0.8, 20) + flat(0.0, 30), {}),
    (flat(0.0), {'spread': [0.0005 * 1.2 ** i for i in range(TOTAL)]}),
    (line(0.0, 0.5), {'reached': 0.5}), (flat(0.0), {'reached': [yardstick(0.0)]}),
])
def test_a_training_that_is_gone_on_with_gets_the_same_verdict(levels, settings):
    whole = session(levels, **settings)
    verdict = train(whole, levels)
    for stop in range(1, whole.epochs, 2):
        part = session(levels, **settings)
        train(part, levels[:stop])
        rest = session(levels, **settings)
        rest.restore(json.loads(json.dumps(part.state())), 1.0)
        assert train(rest, levels[stop:]) == verdict, stop
        assert rest.history == whole.history and rest.checks == whole.checks


def test_so_does_one_whose_accuracy_means_nothing():
    """What stands in for the accuracy must not be taken for one."""
    levels = line(-2.0, 0.3)
    history = [{'loss': 50 * (1 - level), 'acc': 0.0, 'val_loss': None, 'val_acc': None}
               for level in levels]
    subject = {'accuracy_counts': False, 'constant_loss': lambda: 50.0,
               'constants': (Constants(1000), None)}
    whole = session(levels, error=0.4, subject=subject)
    verdict = train(whole, levels, history=history)
    assert verdict.issues == ('not_converge',)
    for stop in range(1, whole.epochs):
        part, rest = session(levels, error=0.4, subject=subject), session(
            levels, error=0.4, subject=subject)
        train(part, levels[:stop], history=history)
        rest.restore(json.loads(json.dumps(part.state())), 1.0)
        assert train(rest, levels[stop:], history=history[stop:]) == verdict, stop


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from():
    part = session(flat(0.0))
    train(part, flat(0.0, 5))
    state = json.loads(json.dumps(part.state()))
    state.pop('by_loss')
    for name in ('measured', 'last_skill', 'skill_cost', 'skill_looks'):
        state['watcher'].pop(name)
    rest = session(flat(0.0))
    rest.restore(state, 1.0)
    assert train(rest, flat(0.0, 45)).epoch == FIRST


def test_without_a_probe_or_under_the_papers_rules_the_paper_judges():
    slow = [dict(row(0.0, 0.3), loss=2.0) for _ in range(TOTAL)]
    told = []
    for settings in ({'subject': {'probe': None}}, {'watching': {'rules': 'paper'}}):
        watched = session(flat(0.0), **settings)
        assert type(watched.monitor) is IssueMonitor
        for values in slow:
            if watched.epoch(values):
                break
        told.append(watched.verdict)
        assert watched.verdict.issues == ('not_converge',) and watched.verdict.epoch == POINT
        assert watched.verdict.skill is None and watched.verdict.standing == ''
    assert told[0].reasons == told[1].reasons
    assert watched.subject.probe.looks == [] and watched.subject.probe.thorough == []


def test_a_proven_training_loads_no_scikit_learn():
    code = '''
import sys
sys.path.insert(0, 'tests')
from judged_by_skill import judged
verdict, watched = judged([0.2, 0.5] + [0.9] * 8)
bad, _ = judged([0.0] * 10)
print(verdict.note, bad.issues, sorted({name.partition('.')[0] for name in sys.modules}
                                       & {'sklearn', 'scipy', 'keras', 'tensorflow', 'jax'}))
'''
    said = subprocess.run([sys.executable, '-c', code], cwd=str(ROOT), stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    assert said == "sound: nothing was found in 10 epochs by 10 checks ('underfit',) []\n"


def test_predictions_that_lag_behind_the_training_are_given_until_the_end():
    """As those of batch normalisation do, whose averages follow some hundred steps later."""
    levels, lagging = [0.9] * 20, [measured(0.0, 0.0)] * 20
    caught_up = lagging[:15] + [measured(0.9, 0.9)] * 5
    verdict, _ = judged(levels, validation=[0.0] * 15 + [0.9] * 5, shown=caught_up)
    assert not verdict.issues, verdict.reason
    verdict, _ = judged(levels, validation=[0.0] * 20, shown=lagging)
    assert verdict.is_blamed and verdict.epoch == 20, verdict
