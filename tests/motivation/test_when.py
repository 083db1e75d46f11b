import math
import os

import pytest

from AutoTrainer.demo_case import case_names
from AutoTrainer.errors import UserError
from AutoTrainer.judge.facts import GradientSummary
from Motivation.histories import find_cases
from Motivation.when.__main__ import main
from Motivation.when.families import FAMILIES, LENGTHS, PROBLEMS, families_of, rate_of, seed_of
from Motivation.when.findings import (
    Judged,
    Onset,
    costs,
    early,
    first,
    judge,
    onsets,
    read_all,
    same_tests,
)
from Motivation.when.tapes import missing, probed, read_tape, summaries, tape_path, write_tape
from Motivation.when.training import Trainer

ALIVE = [1.0, 1.0, 0.1, 1.0]  # norms of first and last kernel, zeros, finite


def tape(tmp_path, rows):
    path = tmp_path / 'run_000.csv'
    write_tape(path, rows)
    return read_tape(path)


def rows_of(accuracy, gradients=ALIVE, loss=1.0):
    return [[loss, acc, loss, acc] + list(gradients) for acc in accuracy]


# ---------------------------------------------------------------------------------- the families

@pytest.mark.once
def test_every_problem_has_a_demo_case_and_a_family_beside_it():
    for problem in PROBLEMS:
        demos = [FAMILIES[name].demo for name in families_of(problem)]
        assert sum(map(bool, demos)) == 1 and len(demos) == 2
        assert set(filter(None, demos)) <= set(case_names())
    assert families_of(None) == ['sound']
    assert all(bool(family.demo) != bool(family.stack) for family in FAMILIES.values())


@pytest.mark.once
def test_no_two_runs_share_a_seed_and_rates_lie_in_their_range():
    seeds = [seed_of(family, epochs, number) for family in FAMILIES for epochs in LENGTHS
             for number in range(50)]
    assert len(set(seeds)) == len(seeds)
    for family in FAMILIES:
        low, high = FAMILIES[family].rates
        rates = [rate_of(family, seed) for seed in seeds[:50]]
        assert low <= min(rates) < max(rates) <= high


# ------------------------------------------------------------------------------------- the tapes

@pytest.mark.once
def test_a_tape_is_a_history_and_has_what_the_probe_said(tmp_path):
    summary = GradientSummary((('a', 2.0), ('b', 3.0), ('c', 4.0)), 0.25)
    assert probed(summary) == [2.0, 4.0, 0.25, 1.0]
    assert probed(summary._replace(finite=False)) == [0.0, 0.0, 0.25, 0.0]
    run = tape(tmp_path, [[0.5, 0.9, math.nan, 0.8] + probed(summary)])
    (back,) = summaries(run, rectified=False)
    assert (back.kernels[0][1], back.kernels[-1][1], back.zero_share) == (2.0, 4.0, 0.25)
    assert back.finite and not back.rectified
    assert find_cases(tmp_path)[0][0].epochs == 1


@pytest.mark.once
def test_a_tape_with_a_gradient_that_is_no_number_is_damaged(tmp_path):
    with pytest.raises(UserError, match='it is a finite number'):
        tape(tmp_path, [[0.5, 0.9, 0.5, 0.8, math.inf, 1.0, 0.0, 1.0]])


@pytest.mark.once
def test_damaged_and_short_tapes_are_trained_again(tmp_path, capsys):
    for number, epochs in ((0, 4), (1, 3)):
        path = tape_path(tmp_path, 'sound', 4, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tape(path, rows_of([0.5] * epochs))
    tape_path(tmp_path, 'sound', 4, 2).write_text('los')
    assert missing(tmp_path, 'sound', [4], 4) == [(4, 1), (4, 2), (4, 3)]
    assert 'run_002.csv' in capsys.readouterr().err


# ---------------------------------------------------------------------------- when it first holds

@pytest.mark.once
@pytest.mark.parametrize('problem, gradients, accuracy, loss, holds, found', [
    ('relu', [0.0, 0.0, 0.9, 1.0], [0.1] * 10, 1.0, 1, 3),
    ('relu', [0.0, 0.0, 0.9, 1.0], [0.1, 0.1, 0.1] + [0.9] * 7, 1.0, 1, 3),
    ('relu', [0.0, 0.0, 0.9, 1.0], [0.9] * 10, 1.0, None, None),    # it has converged
    ('vanish', [1e-9, 1.0, 0.0, 1.0], [0.1] * 10, 1.0, 1, 3),
    ('explode', [100.0, 1.0, 0.0, 1.0], [0.1] * 10, 1.0, 1, 3),
    ('explode', [0.0, 0.0, 0.0, 0.0], [0.1] * 10, math.nan, 1, 1),  # NaN waits for nothing
    ('not_converge', ALIVE, [0.1] * 10, 1.0, 3, 3),                 # two epochs are no curve
    ('not_converge', [0.0, 0.0, 0.9, 1.0], [0.1] * 10, 1.0, 3, None),  # relu outranks it
    ('unstable', ALIVE, [0.9, 0.5] * 5, 1.0, 4, 4),
])
def test_when_a_rule_holds_and_when_it_is_named(tmp_path, problem, gradients, accuracy, loss,
                                                holds, found):
    judged = judge(tape(tmp_path, rows_of(accuracy, gradients, loss)), 'sound', True)
    assert (first(judged.holds[problem]), first(judged.found[problem])) == (holds, found)


def judged_run(family, epochs, holds, found, number=0, broken=None):
    """A run in which a problem's rule holds and is named from an epoch on; None for never."""
    def flags(start):
        return [start is not None and epoch >= start for epoch in range(1, epochs + 1)]
    problem = FAMILIES[family].problem or 'vanish'
    nothing = {name: [False] * epochs for name in PROBLEMS}
    return Judged(family, epochs, number, dict(nothing, **{problem: flags(holds)}),
                  dict(nothing, **{problem: flags(found)}), flags(broken),
                  [True] * epochs)


@pytest.mark.once
def test_the_epoch_or_its_share():
    def groups(of):
        return [Onset('relu_rate', epochs, 9, 9, 9, None, of(epochs), []) for epochs in LENGTHS]
    assert same_tests(groups(lambda epochs: [1] * 9))[0].verdict == 'the epoch: 1 in every run'
    assert same_tests(groups(lambda epochs: list(range(2, 11))))[0].verdict == 'the epoch'
    assert same_tests(groups(lambda epochs: [epochs * i // 50 for i in range(2, 11)]))[
        0].verdict == 'the share'
    assert same_tests(groups(lambda epochs: [1] * 3))[0].verdict.startswith('too few')


@pytest.mark.once
def test_onsets_count_runs_by_family_and_length():
    runs = [judged_run('relu_demo', 20, 1, 6), judged_run('relu_demo', 20, None, None, 1),
            judged_run('relu_demo', 40, 2, 12), judged_run('sound', 20, None, None)]
    assert [onset[:5] for onset in onsets(runs)] == [('relu_demo', 20, 2, 1, 1),
                                                     ('relu_demo', 40, 1, 1, 1)]
    assert onsets(runs)[0].first == [1] and onsets(runs)[0].named == [6]


@pytest.mark.once
def test_schedules_are_late_by_their_interval_and_nan_never_is():
    by_name = {(cost.schedule, cost.counting): cost for cost in costs(
        [judged_run('relu_demo', 20, 1, 7)], 'relu')}
    assert by_name['epoch_1', ''].delay == 0 and by_name['epoch_1', ''].checks == 7
    assert by_name['epoch_5', 'upstream'].delay == 4    # 11
    assert by_name['epoch_5', 'project'].delay == 3     # 10
    assert by_name['dynamic', ''].delay == 0            # every epoch from 4 to 8
    broken = costs([judged_run('explode_rate', 20, 2, 2, broken=2)], 'explode')
    assert all(cost.delay == 0 and cost.missed == 0 for cost in broken)
    assert all(cost.there == 0 and cost.delay is None for cost in costs([], 'relu'))


@pytest.mark.once
def test_what_the_first_tenth_said():
    runs = [judged_run('vanish_demo', 20, 1, 6), judged_run('vanish_demo', 20, 5, 6, 1),
            judged_run('vanish_deep', 20, 2, None), judged_run('sound', 20, None, None)]
    assert early(runs, 'vanish') == ('vanish', 4, 2, 1, 2, 1)


# ------------------------------------------------------------------------------- the command line

@pytest.mark.slow
def test_two_seeds_and_short_lengths_are_trained_told_and_not_trained_twice(tmp_path, capsys):
    arguments = ['--out', str(tmp_path), '--seeds', '2', '--lengths', '3,4', '--families',
                 'slow_adam']
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert '| slow_adam | not_converge | 3 | 2 | 2 | 2 | 3 | 3 | 3 | 1 |' in told.out
    assert 'slow_adam: trained' in told.err and (tmp_path / 'when.png').exists()
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert again.out == told.out and 'trained' not in again.err
    # trained by another process, or as its first, it is the same run
    kept = read_tape(tape_path(tmp_path, 'slow_adam', 4, 1))
    for epochs, row in enumerate(Trainer('slow_adam', os.getppid()).train(4, 1)):
        assert row[0] == pytest.approx(kept.columns['loss'][epochs], rel=1e-6)


@pytest.mark.once
def test_what_is_not_there_is_said_once_a_folder(tmp_path, write_run):
    assert read_all(tmp_path, 5, [4], ['sound'])[0] == []
    path = tape_path(tmp_path, 'sound', 4, 0)
    path.parent.mkdir(parents=True)
    write_tape(path, rows_of([0.5] * 4))
    (path.parent / 'collection.json').write_text('{"rectified": true}')
    runs, problems = read_all(tmp_path, 5, [4], ['sound'])
    assert len(runs) == 1 and len(problems) == 1 and 'lacks 4 of 5 runs' in problems[0]


@pytest.mark.once
@pytest.mark.parametrize('arguments, says', [
    (['--families', 'weather'], "'weather' is no family"),
    (['--seeds', '0'], "'0' is not a whole number above 0"),
    (['--lengths', '50,x'], '50,x'),
])
def test_wrong_arguments(arguments, says, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and says in capsys.readouterr().err
