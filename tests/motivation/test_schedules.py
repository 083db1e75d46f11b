import json

import numpy as np
import pytest

from Motivation import replay, schedules
from Motivation.analyse import RULES
from Motivation.histories import Case, Run, find_cases
from Motivation.replay import Outcomes
from Motivation.schedules import (
    collapse_savings,
    compare_countings,
    main,
    ordering,
    resample,
    summarise,
)

SWING = [0.9, 0.8] * 6
RISE = [i / 20 for i in range(12)]


def make_run(accuracy, val_accuracy=None):
    val = accuracy if val_accuracy is None else val_accuracy
    return Run(0, None, {'loss': [0.5] * len(accuracy), 'accuracy': accuracy,
                         'val_loss': [0.5] * len(val), 'val_accuracy': val})


def make_case(*runs):
    return Case('case', runs[0].epochs, list(runs))


def test_compare_countings():
    ways = compare_countings([make_case(make_run(SWING))], 'val_accuracy', 'epoch_5')
    assert {way: values['mean_delay'] for way, values in ways.items()} == {
        'upstream': 2, 'project': 1, 'mean': np.mean([1, 2, 3, 4, 0])}


def outcomes(delay, detected=None, missed=None, checks=None, trained=None):
    ones = [1.0] * len(delay)
    return Outcomes(*[np.array(values, dtype=float) for values in (
        checks or ones, trained or ones, detected or ones, missed or [0.0] * len(delay), delay)])


def test_summarise():
    drawn = resample([4], seed=0)
    found = summarise(outcomes([0, 2, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [3, 4, 5, 6],
                               [10, 20, 30, 40]), drawn, t1=7.0, t2=0.5)
    assert (found['checks'], found['detected'], found['missed'], found['epochs_trained']) == (
        18, 2, 1, 100)
    assert found['mean_delay'] == 1.0
    assert found['epochs_until_found'] == 20  # of the two found and the one missed
    assert found['seconds'] == 100 * 7.0 + 18 * 0.5
    assert found['overhead'] == pytest.approx(18 / 100 * 0.5 / 7.0)
    low, high = found['intervals']['missed']
    assert low == 0 and 1 < high <= 4


def test_summarise_without_a_detection():
    found = summarise(outcomes([0, 0], [0, 0]), resample([2], seed=0), 7.0, 0.5)
    assert found['mean_delay'] is None and found['epochs_until_found'] is None
    assert found['intervals']['mean_delay'] is None


def test_resamples_keep_the_size_of_each_case_and_follow_the_seed():
    drawn = resample([3, 5], seed=1, resamples=50)
    assert drawn.shape == (50, 8)
    assert (drawn[:, :3].sum(axis=1) == 3).all() and (drawn[:, 3:].sum(axis=1) == 5).all()
    assert (drawn == resample([3, 5], seed=1, resamples=50)).all()
    assert (drawn != resample([3, 5], seed=2, resamples=50)).any()


def test_ordering():
    drawn = resample([6], seed=0)
    pairs = ordering({'c': outcomes([6, 5, 6, 5, 6, 5]), 'a': outcomes([0] * 6),
                      'b': outcomes([1, 0, 1, 0, 1, 0]), 'none': outcomes([0] * 6, [0] * 6)}, drawn)
    assert [(pair.earlier, pair.later, pair.epochs) for pair in pairs] == [
        ('a', 'b', 0.5), ('b', 'c', 5.0)]
    assert pairs[1].interval == (5.0, 5.0) and pairs[1].holds == 1.0
    assert pairs[0].interval[0] < 0.5 < pairs[0].interval[1]


class Suspicious:
    """Stands for the collapse rule: speaks when training accuracy is below 0.2 after epoch 1."""

    def __init__(self, steps_per_epoch):
        self.epochs, self.reason = 0, None

    def update(self, values):
        self.epochs += 1
        if self.epochs > 1 and values['acc'] < 0.2:
            self.reason = 'low'


def test_collapse_savings(monkeypatch):
    monkeypatch.setattr(replay, 'CollapseTracker', Suspicious)
    case = make_case(make_run([0.9] * 4 + [0.1] * 6),        # dead from 5, flagged at 5
                     make_run([0.1] * 10),                   # dead from 1, flagged at 2
                     make_run([0.9] * 8 + [0.1] * 2),        # two dead epochs do not count
                     make_run([0.9] * 10),
                     make_run([0.9, 0.9, 0.1] + [0.9] * 7),  # a false alarm
                     make_run([0.5] * 10))                   # neither dead nor good
    assert collapse_savings([case]) == {'case': {
        'dead': 2, 'flagged': 2, 'median_delay': 0.5, 'good': 2, 'false': 1, 'epochs_saved': 13}}


def test_the_collapse_rule_is_told_the_steps_of_an_epoch():
    dead = make_run([0.1] * 10)
    case = make_case(dead)
    assert collapse_savings([case])['case']['flagged'] == 1  # the thesis's 1875 steps
    assert collapse_savings([case._replace(steps_per_epoch=6)])['case']['flagged'] == 0


def test_collapse_savings_where_nothing_dies():
    assert collapse_savings([make_case(make_run([0.9] * 10))])['case'] == {
        'dead': 0, 'flagged': 0, 'median_delay': None, 'good': 1, 'false': 0, 'epochs_saved': 0}


# ------------------------------------------------------------------------------- the command line

def test_the_command_prints_tables_for_the_projects_own_histories(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert '| dynamic |' in out and 'Order of mean delay' in out


def test_the_command_prints_json(tmp_path, write_run, capsys):
    write_run(tmp_path / 'c' / 'run_0.csv', RISE, SWING)
    write_run(tmp_path / 'c' / 'run_1.csv', RISE)
    assert main([str(tmp_path), '--json', '--schedules', 'epoch_5,dynamic', '--t1', '2']) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document['rules']) == set(RULES)
    found = document['rules']['val_accuracy']
    assert list(found) == ['epoch_5', 'dynamic']
    assert {key: found['epoch_5'][key] for key in (
        'checks', 'detected', 'missed', 'mean_delay', 'epochs_trained')} == {
            'checks': 5, 'detected': 1, 'missed': 0, 'mean_delay': 2.0, 'epochs_trained': 18}
    assert document['rules']['accuracy']['dynamic']['mean_delay'] is None
    assert document['countings']['val_accuracy']['epoch_5']['project']['mean_delay'] == 1
    assert document['collapse']['c']['dead'] == 0


def test_a_bad_file_is_named_and_the_exit_code_says_so(tmp_path, write_run, capsys):
    write_run(tmp_path / 'run_0.csv', RISE)
    (tmp_path / 'run_1.csv').write_text('loss\n')
    assert main([str(tmp_path)]) == 1
    assert 'run_1.csv' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, says', [
    (['--schedules', 'epoch_3,weekly'], "checktype is 'weekly'"),
    (['--t1', '0'], "'0' is not a number above 0"),
    (['--t2', 'soon'], "'soon'"),
])
def test_wrong_arguments(arguments, says, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert says in capsys.readouterr().err


# -------------------------------------------------------------------------- the thesis's own runs

@pytest.fixture(scope='module')
def document(shared):
    cases, _ = find_cases(shared / 'histories')
    return schedules.as_json(cases, schedules.SCHEDULES, 7.0, 0.0229, seed=0)


@pytest.mark.once
@pytest.mark.slow
def test_the_order_of_the_schedules_as_the_thesis_compares_them(document):
    for rule in RULES:
        delay = {name: found['mean_delay'] for name, found in document['rules'][rule].items()}
        assert (delay['epoch_1'] == delay['adaptive'] == 0 < delay['dynamic'] < delay['epoch_3']
                < delay['epoch_5'])
    for pair in document['ordering']['val_accuracy']['upstream'][1:]:
        assert pair['interval'][0] > 0, pair


@pytest.mark.once
def test_what_the_schedules_find_of_the_recorded_oscillations(document):
    found = {name: (summary['detected'], summary['missed'])
             for name, summary in document['rules']['val_accuracy'].items()}
    assert found == {'epoch_1': (563, 0), 'adaptive': (563, 0), 'dynamic': (551, 12),
                     'epoch_3': (542, 21), 'epoch_5': (466, 97)}


@pytest.mark.once
def test_the_thesiss_quarter_is_that_of_upstreams_counting(document):
    until = {name: found['epochs_until_found']
             for name, found in document['rules']['val_accuracy'].items()}
    assert 0.24 <= 1 - until['dynamic'] / until['epoch_5'] <= 0.26
    project = document['countings']['val_accuracy']['epoch_5']['project']['epochs_until_found']
    assert until['dynamic'] > project


@pytest.mark.once
def test_counted_from_one_a_check_every_five_epochs_is_the_best_constant_one(document):
    for rule in RULES:
        ways = document['countings'][rule]['epoch_5']
        assert ways['project']['missed'] == 0
        assert ways['project']['mean_delay'] < 0.5 < ways['mean']['mean_delay']
        assert ways['mean']['mean_delay'] < ways['upstream']['mean_delay']


@pytest.mark.once
def test_adaptive_needs_fewer_probes_than_the_dynamic_schedule_makes_checks(document):
    for rule in RULES:
        found = document['rules'][rule]
        assert found['adaptive']['checks'] < found['dynamic']['checks']


@pytest.mark.once
def test_the_dead_runs_are_found_and_the_good_ones_left_alone(document):
    found = document['collapse']
    dead, flagged, good, false = (sum(case[key] for case in found.values())
                                  for key in ('dead', 'flagged', 'good', 'false'))
    assert (dead, good) == (202, 408)
    assert flagged >= 0.98 * dead and false <= 0.005 * good
    assert all(case['median_delay'] <= 2 for case in found.values() if case['dead'])
