import json
import xml.etree.ElementTree

import pytest

from AutoTrainer.errors import UserError
from Motivation import analyse
from Motivation.figures import choose_run, main
from Motivation.histories import Case, Run

SWING = [0.9, 0.8] * 6
RISE = [i / 20 for i in range(12)]


def make_run(number, accuracy):
    return Run(number, None, {'loss': [2.0] * len(accuracy), 'accuracy': accuracy,
                              'val_loss': [3.0] * len(accuracy), 'val_accuracy': accuracy})


CASES = [Case('a', 12, [make_run(1, SWING), make_run(7, RISE)]),
         Case('b', 24, [make_run(0, SWING * 2)])]


def test_the_thesiss_run_is_drawn_where_it_is_there():
    assert choose_run(CASES, None) == ('a', 1)
    there = CASES + [Case('Case_150epoch1', 12, [make_run(8, SWING)])]
    assert choose_run(there, None) == ('Case_150epoch1', 8)
    assert choose_run(there, 'deep/case/12') == ('deep/case', 12)


@pytest.mark.parametrize('wanted', ['', 'a', '/3', 'a/', 'a/x', 'a/-1'])
def test_a_run_that_is_none_is_refused(wanted):
    with pytest.raises(UserError, match='give CASE/NUMBER'):
        choose_run(CASES, wanted)


# ------------------------------------------------------------------------------- the command line

@pytest.mark.once
@pytest.mark.slow
def test_every_figure_is_drawn_twice_and_the_same_each_time(tmp_path, write_run, costs, capsys):
    for number in range(3):
        write_run(tmp_path / 'in' / 'a' / ('run_%d.csv' % number), SWING)
        write_run(tmp_path / 'in' / 'b' / ('run_%d.csv' % number), RISE * 2)
    (tmp_path / 'overhead.json').write_text(json.dumps(costs))
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


def test_figures_that_cannot_be_drawn_are_named_with_the_reason(
        tmp_path, write_run, undrawn, capsys):
    write_run(tmp_path / 'run_0.csv', RISE)
    assert main([str(tmp_path), '--out', str(tmp_path / 'out')]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith('left out: ')]
    assert [line[len('left out: '):] for line in said] == json.loads(
        (tmp_path / 'out' / 'figures.json').read_text())['left_out']
    assert [line.split(', ')[0] for line in said] == [
        'left out: erratum', 'left out: Figure 4-1', 'left out: Figure 4-2',
        'left out: Figure 5-3']


def test_figures_among_the_cases_do_not_disturb_the_next_analysis(
        tmp_path, write_run, undrawn, capsys):
    write_run(tmp_path / 'c' / 'run_0.csv', SWING)
    assert main([str(tmp_path), '--out', str(tmp_path / 'figures')]) == 0
    capsys.readouterr()
    assert analyse.main([str(tmp_path)]) == 0
    assert capsys.readouterr().err == ''


def test_a_run_that_is_not_there_is_one_sentence(tmp_path, write_run, capsys):
    write_run(tmp_path / 'run_0.csv', SWING)
    assert main([str(tmp_path), '--run', 'x/1', '--out', str(tmp_path / 'out')]) == 2
    assert "--run is 'x/1', which is not there" in capsys.readouterr().err


def test_a_bad_file_does_not_keep_the_rest_from_being_drawn(
        tmp_path, write_run, undrawn, capsys):
    write_run(tmp_path / 'run_0.csv', SWING)
    (tmp_path / 'run_1.csv').write_text('')
    assert main([str(tmp_path), '--out', str(tmp_path / 'out')]) == 1
    assert 'run_1.csv is empty' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'erratum.png').exists()
