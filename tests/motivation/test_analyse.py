import json
import subprocess
import sys

import pytest

from AutoTrainer.utils.monitor import ol_judge
from Motivation import analyse
from Motivation.analyse import (
    RULES,
    Rule,
    analyse_case,
    dead_from,
    first_epoch,
    full_count_epoch,
    kruskal,
    main,
    spread,
    thesis_index,
    verdicts,
)
from Motivation.histories import OWN_DATA, Case, Run, find_cases

THESIS = RULES['val_accuracy']
FLAT = [0.5] * 12
SWING = [0.9, 0.8] * 6          # every interior point is an extremum of height 0.1
RISE = [i / 20 for i in range(12)]


def test_the_rules_are_the_thesiss_and_table_i():
    assert RULES['val_accuracy'] == ('val_accuracy', 0.02, 0.20)
    assert RULES['accuracy'] == ('accuracy', 0.03, 0.20)


@pytest.mark.parametrize('series', [[], [0.5], SWING, FLAT, RISE, SWING[:5] + RISE, RISE + SWING])
def test_verdicts_are_the_rule_on_every_beginning(series):
    assert verdicts(series, THESIS) == [ol_judge({'acc': series[:k]}, 0.02, 0.20)
                                        for k in range(1, len(series) + 1)]


@pytest.mark.parametrize('found, ever, judged', [
    ([False] * 10, None, None),
    ([True] * 10, 3, 3),                      # 0.3 of 10, and never before the third
    ([True] * 2, None, None),
    ([False] * 4 + [True] * 16, 5, 6),        # 0.3 of 20
    ([False] * 4 + [True] + [False] * 15, 5, None),
    ([False] * 4 + [True] + [False] * 14 + [True], 5, 20),
    ([True] * 125, 3, 38),                    # 0.3 of 125 is 37.5
])
def test_first_epoch(found, ever, judged):
    assert first_epoch(found, False) == ever
    assert first_epoch(found, True) == judged


@pytest.mark.parametrize('series, epoch', [
    ([], None), (FLAT, None), (RISE, None),
    (SWING, 8),                               # 3 swings of 12 epochs: ten extrema in pairs
    (SWING[:5], 4),
])
def test_full_count_epoch(series, epoch):
    assert full_count_epoch(series, THESIS) == epoch


@pytest.mark.parametrize('series, index', [
    ([], None), ([0.1, 0.2], None), (RISE, None),
    ([0.1, 0.2, 0.1, 0.2], 0),                # one maximum, one minimum
    (SWING, 4),                               # ten interior points, five of each
    (FLAT, 9),                                # every tie is both: ten of each
    ([0.1, 0.2, 0.1], None),                  # a maximum without a minimum
])
def test_thesis_index(series, index):
    assert thesis_index(series) == index


@pytest.mark.parametrize('accuracy, epoch', [
    ([0.9, 0.9, 0.9], None),
    ([0.1, 0.1, 0.1], 1),                     # never learnt
    ([0.9, 0.1, 0.1], 2),
    ([0.9, 0.1, 0.9], None),                  # came back
    ([0.9, 0.1, 0.9, 0.199], 4),
    ([0.9, 0.2, 0.2], None),                  # chance + 0.1 is not below it
    ([], None),
])
def test_dead_from(accuracy, epoch):
    assert dead_from(accuracy) == epoch


def test_dead_from_takes_the_chance_of_the_task():
    assert dead_from([0.9, 0.55], chance=0.5) == 2
    assert dead_from([0.9, 0.55], chance=0.4) is None


def test_spread():
    found = spread([10, None, 20, 30, 40], 50)
    assert found.runs == 4
    assert found.quartiles == [17.5, 25, 32.5]
    assert found.inside == 0.5                # 10 and 20, both ends included
    assert spread([None], 50) == (0, None, None)


def test_kruskal():
    same = kruskal('x', {'a': [1.0, 2.0, 3.0, 4.0, 5.0], 'b': [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert same.p > 0.9 and same.runs == 10 and same.groups == {'a': 3, 'b': 3}
    apart = kruskal('x', {'a': [float(i) for i in range(20)],
                          'b': [float(i) for i in range(20, 40)]})
    assert apart.p < 1e-6 and apart.effect > 0.7
    assert kruskal('x', {'a': [1.0] * 9, 'b': [1.0] * 9}) is None
    assert kruskal('x', {'a': [float(i) for i in range(9)], 'b': [1.0, 2.0]}) is None


def make_case(**curves):
    runs = [Run(i, None, {'loss': val, 'accuracy': acc, 'val_loss': val, 'val_accuracy': val})
            for i, (acc, val) in enumerate(curves.values())]
    return Case('case', runs[0].epochs, runs)


def test_analyse_case():
    found = analyse_case(make_case(swings=(RISE, SWING), dies=([0.9] * 6 + [0.1] * 6, FLAT),
                                   learns=(RISE, RISE)))
    assert found.runs == [(0, True, 4, 4, 4, 8, None), (1, False, 9, None, None, None, 7),
                          (2, False, None, None, None, None, None)]
    assert [run.number for run in found.flagged] == [0]
    assert [run.number for run in found.dead] == [1]
    assert found.dead_epochs == 6


def test_analyse_case_judges_the_column_of_the_rule():
    case = make_case(only=(SWING, FLAT))
    assert not analyse_case(case).runs[0].flagged
    assert analyse_case(case, Rule('accuracy', 0.03, 0.20)).runs[0].flagged


# ------------------------------------------------------------------------------- the command line

def test_the_command_prints_tables_for_the_projects_own_histories(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert '| case | epochs | runs | flagged |' in out


def test_the_command_writes_tables_and_json(tmp_path, write_run, capsys):
    write_run(tmp_path / 'in' / 'c' / 'run_1.csv', RISE, SWING)
    write_run(tmp_path / 'in' / 'c' / 'run_4.csv', [0.9] * 6 + [0.1] * 6, FLAT)
    written = tmp_path / 'in' / 'new' / 'out'
    assert main([str(tmp_path / 'in'), '--out', str(written), '--json']) == 0
    document = json.loads((written / 'analysis.json').read_text())
    assert json.loads(capsys.readouterr().out) == document
    case = document['cases']['c']
    assert (case['epochs'], case['runs'], case['flagged']) == (12, 2, 1)
    assert case['flagged_runs'] == [1] and case['thesis_index'] == [4]
    assert case['run_numbers'] == [1, 4]
    assert case['first_epoch'] == [4, None] and case['first_epoch_judged'] == [4, None]
    assert case['dead_from'] == [None, 7]
    assert (written / 'cases.csv').read_text().splitlines()[1].startswith('c,12,2,1,0.5,1,1,7.0,')
    assert (written / 'runs.csv').read_text().splitlines()[2] == 'c,12,4,False,9,,,,7'
    assert '| c | 12 |' in (written / 'analysis.md').read_text()
    # what it wrote is not taken for a case the next time
    assert main([str(tmp_path / 'in')]) == 0


def test_a_run_without_a_pair_of_extrema_has_no_index(tmp_path, write_run, capsys):
    for number in range(3):
        write_run(tmp_path / 'in' / 'c' / ('run_%d.csv' % number), RISE[:6])
    assert main([str(tmp_path / 'in'), '--out', str(tmp_path / 'out')]) == 0
    assert ('| c | 6 | thesis_index_unflagged | 0 | – | – | – | – |'
            in capsys.readouterr().out)
    assert (tmp_path / 'out' / 'runs.csv').read_text().splitlines()[1] == 'c,6,0,False,,,,,'
    spread_of = json.loads((tmp_path / 'out' / 'analysis.json').read_text())['cases']['c']['spread']
    assert spread_of['thesis_index_unflagged'] == {'runs': 0, 'quartiles': None, 'inside': None}


def test_results_among_the_cases_are_passed_over_and_never_hide_one(tmp_path, write_run, capsys):
    write_run(tmp_path / 'c' / 'run_0.csv', RISE)
    assert main([str(tmp_path), '--out', str(tmp_path)]) == 0
    assert main([str(tmp_path), '--out', str(tmp_path)]) == 0
    capsys.readouterr()
    assert main([str(tmp_path), '--out', str(tmp_path / 'c')]) == 2
    assert 'which holds histories; give a folder of its own' in capsys.readouterr().err
    assert main([str(tmp_path)]) == 0


def test_a_bad_file_is_named_the_others_are_analysed_and_the_exit_code_says_so(
        tmp_path, write_run, capsys):
    write_run(tmp_path / 'c' / 'run_0.csv', RISE)
    (tmp_path / 'c' / 'run_1.csv').write_text('')
    (tmp_path / 'd').mkdir()
    assert main([str(tmp_path), '--json']) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)['cases']['c']['runs'] == 1
    assert 'run_1.csv is empty' in captured.err
    assert 'd has no CSV files' in captured.err


@pytest.mark.parametrize('arguments, says', [
    (['nowhere'], "DIR is 'nowhere'"),
    (['.'], 'no history that can be read'),
])
def test_nothing_to_read_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments,
                                                         says):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert says in err and 'Traceback' not in err


def test_out_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main([str(OWN_DATA), '--out', str(tmp_path / 'file')]) == 2
    assert '--out is' in capsys.readouterr().err


def test_a_chance_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(['--chance', '1.5'])
    assert stop.value.code == 2
    assert "'1.5' is not between 0 and 1" in capsys.readouterr().err


def test_runs_as_a_module(tmp_path, write_run):
    write_run(tmp_path / 'run_0.csv', RISE)
    done = subprocess.run([sys.executable, '-m', 'Motivation.analyse', str(tmp_path), '--json'],
                          capture_output=True, check=True)
    assert json.loads(done.stdout.decode())['cases'][tmp_path.name]['runs'] == 1


# -------------------------------------------------------------------------- the thesis's own runs

@pytest.fixture(scope='module')
def recorded(shared):
    cases, problems = find_cases(shared / 'histories')
    assert problems == []
    return {case.name: analyse_case(case) for case in cases}


@pytest.fixture(scope='module')
def printed():
    return json.loads((OWN_DATA / 'thesis_tables.json').read_text())['cases']


def test_table_3_1_the_nine_flagged_counts(recorded, printed):
    assert {name: len(case.flagged) for name, case in recorded.items()} == {
        'Case_50epoch1': 60, 'Case_50epoch_anotherModel': 35, 'Case_50epoch2_CPUversion': 64,
        'Case_100epoch1': 69, 'Case_100epoch2': 67, 'Case_125epoch1': 35, 'Case_125epoch2': 24,
        'Case_150epoch1': 19, 'Case_150epoch2': 17}
    for name, case in recorded.items():
        assert (case.epochs, len(case.runs), len(case.flagged)) == (
            printed[name]['epochs'], printed[name]['runs'], printed[name]['flagged'])


def test_table_3_2_all_nine_lists_to_the_last_number(recorded, printed):
    assert set(recorded) == set(printed)
    for name, case in recorded.items():
        assert [run.thesis_index for run in case.flagged] == printed[name]['detected'], name
    assert ([run.number for run in recorded['Case_150epoch1'].flagged]
            == printed['Case_150epoch1']['flagged_runs'])


def test_the_index_is_no_epoch_it_is_much_the_same_for_unflagged_runs(recorded):
    unflagged = [run.thesis_index for name in ('Case_50epoch1', 'Case_50epoch2_CPUversion')
                 for run in recorded[name].runs if not run.flagged]
    flagged = [run.thesis_index for name in ('Case_50epoch1', 'Case_50epoch2_CPUversion')
               for run in recorded[name].flagged]
    assert sorted(flagged)[len(flagged) // 2] == 14
    assert sorted(unflagged)[len(unflagged) // 2] == 14


def test_a_run_is_first_flagged_about_epoch_5_whatever_its_length(recorded):
    for length in (50, 100, 125, 150):
        first = sorted(run.first_epoch for case in recorded.values() for run in case.runs
                       if case.epochs == length and run.first_epoch)
        assert first[len(first) // 2] == 5
    tests = {test.quantity: test for test in analyse.hypothesis_tests(list(recorded.values()))}
    assert tests['first epoch, between lengths'].p > 0.05
    assert tests['first epoch / E, between lengths'].p < 1e-6


def test_counted_against_the_planned_epochs_a_run_is_flagged_late(recorded):
    runs = [(case, run) for case in recorded.values() for run in case.runs]
    late = sorted(run.full_count_epoch / case.epochs for case, run in runs
                  if run.full_count_epoch)
    assert 0.8 <= late[len(late) // 2] <= 0.9
    assert all(run.full_count_epoch for _, run in runs if run.flagged)


def test_the_runs_that_die(recorded):
    dead = {name: len(case.dead) for name, case in recorded.items()}
    assert dead['Case_150epoch1'] == 34
    assert dead['Case_150epoch2'] == 28
    assert dead['Case_50epoch_anotherModel'] == 63
    never = recorded['Case_50epoch_anotherModel']
    assert all(run.dead_from == 1 for run in never.dead)
    assert never.dead_epochs / (50 * 100) == 0.63
    for name in ('Case_150epoch1', 'Case_150epoch2'):
        case = recorded[name]
        assert all(run.dead_from > 1 for run in case.dead)
        assert 0.14 <= case.dead_epochs / (case.epochs * len(case.runs)) <= 0.16
