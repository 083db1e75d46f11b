import pytest

from AutoTrainer.judge.schedule import check_is_due
from Motivation.histories import Case, Run
from Motivation.replay import PROJECT_OFFSET, compare, due_epochs, probes_needed, replay

SWING = [0.9, 0.8] * 6
RISE = [i / 20 for i in range(12)]


def epochs_of(flags):
    return [epoch for epoch, flag in enumerate(flags, start=1) if flag]


@pytest.mark.parametrize('checktype, total, offset, epochs', [
    ('epoch_5', 12, 0, [5, 10]),
    ('epoch_5', 12, 1, [1, 6, 11]),
    ('epoch_5', 12, 4, [4, 9]),
    ('epoch_1', 3, 1, [1, 2, 3]),
    ('dynamic', 50, 0, list(range(10, 21)) + [30, 40, 50]),
    ('dynamic', 50, 1, list(range(10, 21)) + [30, 40, 50]),  # its epochs are counted from 1
    ('adaptive', 4, 1, [1, 2, 3, 4]),
])
def test_due_epochs(checktype, total, offset, epochs):
    assert epochs_of(due_epochs(checktype, total, offset)) == epochs


@pytest.mark.parametrize('checktype', ['epoch_1', 'epoch_3', 'epoch_7', 'dynamic', 'adaptive'])
def test_this_projects_counting_is_the_schedules_own(checktype):
    for total in (1, 3, 50, 125):
        assert due_epochs(checktype, total, PROJECT_OFFSET) == [
            check_is_due(checktype, epoch, total, closing_check=False)
            for epoch in range(1, total + 1)]


@pytest.mark.parametrize('found, due, expected', [
    ([True] * 10, [True] * 10, (3, 3, 3)),                          # the judgment point, 0.3·10
    ([True] * 10, [False, False, True, False] + [False] * 6, (1, 3, 3)),
    ([True] * 10, [False] * 4 + [True] + [False] * 5, (1, 5, 5)),
    ([False] * 4 + [True] + [False] * 5, [True] * 10, (5, 5, 5)),
    ([False] * 4 + [True] + [False] * 5, [False, True] * 5, (5, None, 10)),  # holds between checks
    ([False] * 10, [False, True] * 5, (5, None, 10)),
    ([True] * 10, [False] * 10, (0, None, 10)),
    ([True] + [False] * 9, [True] + [False] * 9, (1, None, 10)),    # a check before it may judge
])
def test_replay(found, due, expected):
    assert replay(found, due) == expected


def test_replay_counts_the_probes_needed_up_to_the_stop():
    assert replay([True] * 10, [True] * 10, [False, True, True] + [True] * 7) == (2, 3, 3)


def make_run(accuracy, val_accuracy=None):
    val = accuracy if val_accuracy is None else val_accuracy
    return Run(0, None, {'loss': [0.5] * len(accuracy), 'accuracy': accuracy,
                         'val_loss': [0.5] * len(val), 'val_accuracy': val})


def make_case(*runs):
    return Case('case', runs[0].epochs, list(runs))


@pytest.mark.parametrize('accuracy, epochs', [
    ([0.9] * 10, []),                           # converged at once: no probe can matter
    ([0.1] * 10, list(range(3, 11))),           # from the judgment point on
    ([0.1] * 5 + [0.9] * 5, [3, 4, 5]),
])
def test_probes_needed(accuracy, epochs):
    assert epochs_of(probes_needed(make_run(accuracy))) == epochs


def test_compare():
    case = make_case(make_run(SWING), make_run(RISE))
    found = compare([case], 'val_accuracy', ['epoch_5', 'dynamic', 'adaptive'])
    assert list(found) == ['epoch_5', 'dynamic', 'adaptive']
    late = found['epoch_5']                     # counted as upstream does: 1, 6, 11
    assert late.checks.tolist() == [2, 3]
    assert late.detected.tolist() == [1, 0]
    assert late.delay.tolist() == [2, 0]        # every epoch: 4, the judgment point
    assert late.missed.tolist() == [0, 0]       # there is nothing to be found in the second
    assert late.trained.tolist() == [6, 12]
    assert found['adaptive'].delay.tolist() == [0, 0]
    assert compare([case], 'val_accuracy', ['epoch_5'], offset=0)['epoch_5'].delay[0] == 1


def test_compare_judges_the_column_of_the_rule():
    case = make_case(make_run(RISE, SWING))
    assert compare([case], 'val_accuracy', ['epoch_1'])['epoch_1'].detected.tolist() == [1]
    assert compare([case], 'accuracy', ['epoch_1'])['epoch_1'].detected.tolist() == [0]
