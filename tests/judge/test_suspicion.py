"""What is suspected before there is a verdict: a table of histories and of what a check saw."""

import math

import pytest

from AutoTrainer.judge.facts import LOSS_SHARE, GradientSummary, Judgment
from AutoTrainer.judge.suspicion import suspected
from AutoTrainer.judge.watcher import Check
from AutoTrainer.utils.monitor import IssueMonitor

HEALTHY = GradientSummary((('first', 1.0), ('last', 1.0)), 0.1)


def watched(accuracies, losses=None, val=None, total=100, **settings):
    monitor = IssueMonitor(total, **settings)
    monitor.watch({'loss': losses or [1.0] * len(accuracies), 'acc': accuracies,
                   'val_acc': val or [], 'val_loss': []})
    return monitor


def check(gradients=None, **features):
    return Check(3, Judgment({}, features), gradients)


CREEPS = [0.3, 0.301, 0.302]


@pytest.mark.parametrize('monitor, seen, expected', [
    (watched(CREEPS), None, ['not_converge']),
    (watched(CREEPS[:2]), None, []),                       # two points are no curve
    (watched([0.3, 0.5, 0.9]), None, []),
    (watched([0.1, 0.5, 0.6]), check(HEALTHY), []),
    (watched([0.1, 0.3, 0.3], [1.0, math.nan, math.nan]), None, ['explode']),
    (watched([0.1], [math.nan]), None, ['explode']),       # NaN needs no curve
    (watched([0.1, 0.3, 0.4], [1.0, 2.0, 5000.0]), None, ['explode']),
    (watched([0.1, 0.5, 0.2, 0.5, 0.1]), None, ['unstable']),
    (watched([0.9] * 5, val=[0.5] * 5), None, ['overfit']),
    (watched(CREEPS), check(HEALTHY._replace(kernels=(('a', 1e-8), ('b', 1.0)))),
     ['vanish', 'not_converge']),
    (watched([0.1, 0.3, 0.5]), check(HEALTHY._replace(rectified=True, zero_share=0.9)), ['relu']),
    (watched([0.1, 0.3, 0.5]), check(improper_activation=True), ['activation_issue']),
    (watched([0.1, 0.3, 0.9]), check(improper_activation=True), []),  # it has converged
    (watched([0.1, 0.3, 0.9]), check(HEALTHY._replace(finite=False)), ['explode'])])
def test_what_is_suspected(monitor, seen, expected):
    found = suspected(monitor, seen)
    assert list(found) == expected and all(found.values())
    assert monitor.judge().reasons == {} or monitor.state.non_finite  # no verdict yet


def test_asking_changes_nothing():
    monitor = watched(CREEPS, total=3, params={'alpha_1': 2})
    faded = HEALTHY._replace(kernels=(('a', 1e-8), ('b', 1.0)))
    before = monitor.judge(faded), monitor.in_a_row
    suspected(monitor, check(faded))
    assert monitor.in_a_row == before[1] and monitor.judge().reasons == before[0].reasons


def test_a_large_loss_of_a_regression_is_no_explosion():
    monitor = watched([0.1, 0.3, 0.4], [9e6, 8e6, 7e6])
    monitor.measured_by(LOSS_SHARE)
    assert suspected(monitor) == {}


def test_who_surely_learns_enough_is_suspected_of_nothing():
    monitor = watched(CREEPS)
    monitor.proven = True
    assert suspected(monitor) == {}
