import json
import xml.etree.ElementTree

import pytest

from AutoTrainer.errors import UserError
from Motivation import figures
from Motivation.analyse import CaseFindings, RunFindings
from Motivation.figures import (
    choose_run,
    curves,
    detection,
    erratum,
    main,
    overhead,
    save,
    shares,
    times,
)
from Motivation.histories import Case, Run

SWING = [0.9, 0.8] * 6
RISE = [i / 20 for i in range(12)]


def make_run(number, accuracy):
    return Run(number, None, {'loss': [2.0] * len(accuracy), 'accuracy': accuracy,
                              'val_loss': [3.0] * len(accuracy), 'val_accuracy': accuracy})


CASES = [Case('a', 12, [make_run(1, SWING), make_run(7, RISE)]),
         Case('b', 24, [make_run(0, SWING * 2)])]

FINDINGS = CaseFindings('c', 50, [RunFindings(0, True, 14, 5, 15, 40, None),
                                  RunFindings(1, False, 13, None, None, None, None),
                                  RunFindings(2, True, 15, 20, 20, 45, 40),
                                  RunFindings(3, False, 47, 9, None, None, 1)])

OVERHEAD = {'figures': {
    'ring': {'epochs': 100, 'none_s': {'median': 2.0},
             'epoch_3': {'overhead_percent': {'q25': 1, 'median': 2, 'q75': 3}, 'checks': 34,
                         'inside_callback_percent': {'median': 6.7}},
             'epoch_1': {'overhead_percent': {'q25': 4, 'median': 5, 'q75': 6}, 'checks': 100,
                         'inside_callback_percent': {'median': 10}},
             'dynamic': {'checks': 20}}}}


def test_curves():
    found = curves(CASES, 'a', 7)
    assert found.title == 'a, run 7'
    assert found.losses == {'loss': [2.0] * 12, 'val_loss': [3.0] * 12}
    assert found.accuracies == {'accuracy': RISE, 'val_accuracy': RISE}
    with pytest.raises(UserError, match="--run is 'a/2', which is not there; cases are a, b"):
        curves(CASES, 'a', 2)


def test_the_thesiss_run_is_drawn_where_it_is_there():
    assert choose_run(CASES, None) == ('a', 1)
    there = CASES + [Case('Case_150epoch1', 12, [make_run(8, SWING)])]
    assert choose_run(there, None) == ('Case_150epoch1', 8)
    assert choose_run(there, 'deep/case/12') == ('deep/case', 12)


@pytest.mark.parametrize('wanted', ['', 'a', '/3', 'a/', 'a/x', 'a/-1'])
def test_a_run_that_is_none_is_refused(wanted):
    with pytest.raises(UserError, match='give CASE/NUMBER'):
        choose_run(CASES, wanted)


def test_shares():
    assert shares([FINDINGS]) == [('c', 2, 2)]


def test_times():
    assert times(FINDINGS) == ('c', 50, [14, 15], [5, 20, 9], [15, 20])


def test_erratum():
    assert erratum([FINDINGS]) == [(0.1, 0.28, True, False), (None, 0.26, False, False),
                                   (0.4, 0.3, True, True), (0.18, 0.94, False, True)]


def test_overhead(tmp_path):
    path = tmp_path / 'overhead.json'
    path.write_text(json.dumps(OVERHEAD))
    (ring,) = overhead(path)
    assert (ring.name, ring.t1, ring.intervals) == ('ring', 0.02, [1, 3])
    assert ring.t2 == pytest.approx(0.001)       # 10 % of 2 s in 100 checks, 6.7 % in 34
    assert ring.once == pytest.approx(0.1)
    assert ring.measured == [(4, 5, 6), (1, 2, 3)]
    assert ring.predicted == pytest.approx([5, 5 / 3])


def test_overhead_of_a_single_schedule(tmp_path):
    path = tmp_path / 'overhead.json'
    figures_of_ring = dict(OVERHEAD['figures']['ring'])
    del figures_of_ring['epoch_3']
    path.write_text(json.dumps({'figures': {'ring': figures_of_ring}}))
    (ring,) = overhead(path)
    assert (ring.t2, ring.once, ring.predicted) == (0.002, 0, [10])


@pytest.mark.parametrize('content', [
    'no json', '{}', '[]', '{"figures": {"ring": {"epochs": 3}}}', '{"figures": {"ring": 1}}',
    json.dumps({'figures': {'ring': {'epochs': 9, 'none_s': {'median': 1}, 'dynamic': {}}}})])
def test_overheads_that_cannot_be_read_are_named(tmp_path, content):
    path = tmp_path / 'overhead.json'
    path.write_text(content)
    with pytest.raises(UserError, match='overhead.json'):
        overhead(path)


def test_detection():
    found = detection(CASES + [Case('dull', 30, [make_run(0, RISE + RISE + RISE[:6])])])
    assert found.lengths == [12, 24] and found.runs == [1, 1]   # nothing to find in 30
    assert found.best == [4, 8]                                 # the judgment points
    assert found.upstream['epoch_5'] == [6, 11]
    assert found.project['epoch_5'] == [5, 10]
    assert found.upstream['dynamic'] == found.project['dynamic']


# ------------------------------------------------------------------------------- the command line

def test_every_figure_is_drawn_twice_and_the_same_each_time(tmp_path, write_run, capsys):
    for number in range(3):
        write_run(tmp_path / 'in' / 'a' / ('run_%d.csv' % number), SWING)
        write_run(tmp_path / 'in' / 'b' / ('run_%d.csv' % number), RISE * 2)
    (tmp_path / 'overhead.json').write_text(json.dumps(OVERHEAD))
    arguments = [str(tmp_path / 'in'), '--overhead', str(tmp_path / 'overhead.json'), '--out']
    assert main(arguments + [str(tmp_path / 'one')]) == 0
    written = capsys.readouterr().out.splitlines()
    names = ['fig_3-1_curves', 'fig_3-2_accuracies', 'shares_12_epochs', 'times_12_epochs',
             'shares_24_epochs', 'times_24_epochs', 'erratum', 'fig_4-1_overhead',
             'fig_5-3_detection']
    assert written == [str(tmp_path / 'one' / (name + ending))
                       for name in names for ending in ('.png', '.svg')]
    assert main(arguments + [str(tmp_path / 'two')]) == 0
    for path in (tmp_path / 'one').iterdir():
        content = path.read_bytes()
        if path.suffix == '.svg':
            assert xml.etree.ElementTree.fromstring(content).tag.endswith('svg')
        else:
            assert content == (tmp_path / 'two' / path.name).read_bytes(), path.name


def test_the_command_draws_the_projects_own_histories(tmp_path, capsys):
    assert main(['--out', str(tmp_path)]) == 0
    assert (tmp_path / 'erratum.svg').exists()
    assert not (tmp_path / 'fig_4-1_overhead.svg').exists()
    assert 'left out: Figure 4-1' in capsys.readouterr().err


def test_a_run_that_is_not_there_is_one_sentence(tmp_path, write_run, capsys):
    write_run(tmp_path / 'run_0.csv', SWING)
    assert main([str(tmp_path), '--run', 'x/1', '--out', str(tmp_path / 'out')]) == 2
    assert "--run is 'x/1', which is not there" in capsys.readouterr().err


def test_a_bad_file_does_not_keep_the_rest_from_being_drawn(tmp_path, write_run, capsys):
    write_run(tmp_path / 'run_0.csv', SWING)
    (tmp_path / 'run_1.csv').write_text('')
    assert main([str(tmp_path), '--out', str(tmp_path / 'out')]) == 1
    assert 'run_1.csv is empty' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'erratum.png').exists()


def test_a_case_of_which_no_run_is_flagged_can_be_drawn(tmp_path):
    save(figures.draw_shares, [figures.Share('c', 0, 5)], tmp_path, 'none')
    save(figures.draw_times, [figures.Times('c', 50, [], [], [])], tmp_path, 'empty')
    assert len(list(tmp_path.iterdir())) == 4
