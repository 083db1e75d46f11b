"""``autotrainer compare`` on trees in upstream's shape, as it is and with something planted."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import upstream_tree

from AutoTrainer.cli import main
from AutoTrainer.compare import cases, command, groups, upstream
from AutoTrainer.compare.facts import REQUIRED, Fact, Known, compare
from AutoTrainer.compare.known import NAMES
from AutoTrainer.errors import UserError

ROOT = Path(__file__).resolve().parent.parent.parent
TREES = {'Test-Master': upstream_tree.later, "ICSE'21": upstream_tree.earlier,
         "ICSE'21, early": upstream_tree.earliest}


def compared(capsys, folder, *more):
    """Exit code and document of a comparison."""
    code = main(['compare', str(folder), '--json'] + list(more))
    return code, json.loads(capsys.readouterr().out)


def without_reason(document):
    return [(one['status'], one['kind'], one['name']) for one in document['names']
            if one['status'] != 'same' and not one['reason']]


@pytest.fixture(scope='module')
def trees(tmp_path_factory):
    """A folder for each tree."""
    return {tree: upstream_tree.write(tmp_path_factory.mktemp('tree'), files())
            for tree, files in TREES.items()}


@pytest.mark.once
@pytest.mark.parametrize('tree', TREES)
def test_every_difference_by_name_has_its_reason(trees, tree, capsys):
    code, found = compared(capsys, trees[tree])
    assert (code, without_reason(found)) == (0, [])
    assert found['layout'] == tree.partition(',')[0] and found['notes'] == []
    assert 'answers' not in found
    assert {one['status'] for one in found['names']} == {'same', 'renamed', 'changed', 'missing',
                                                         'more'}


@pytest.mark.once
def test_every_reason_by_name_is_needed(trees, capsys):
    """A row that explains nothing in any tree would hide what it is there for."""
    given = {one['reason'] for tree in TREES for one in compared(capsys, trees[tree])[1]['names']}
    assert [known.names for known in NAMES if known.why not in given] == []


@pytest.mark.once
@pytest.mark.parametrize('file, before, after, found', [
    ('monitor', 'def ol_judge(history, threshold, rate)', 'def ol_judge(history, limit, rate)',
     ('renamed', 'argument', 'limit')),
    ('monitor', 'def max_delta_acc(acc_list)', 'def max_delta_acc(acc_list, start)',
     ('missing', 'argument', 'start')),
    ('repair', "def repair_strategy(method='balance')", "def repair_strategy(method='structure')",
     ('changed', 'function', 'repair_strategy')),
    ('monitor', 'unstable_threshold=0.05,', 'unstable_threshold=0.06,',
     ('changed', 'function', 'loss_issue')),
    ('monitor', 'threshold=1e+3', 'threshold=1e+4', ('missing', 'function', 'check_large_loss')),
    ('utils', "'eta': 0.2", "'eta': 0.25", ('changed', 'threshold', 'eta')),
    ('utils', 'satisfied_acc=0.7, checktype', 'satisfied_acc=0.8, checktype',
     ('changed', 'argument', 'satisfied_acc')),
    ('utils', 'model, batch_size, total_epoch', 'batch_size, model, total_epoch',
     ('changed', 'argument', 'batch_size')),
    ('utils', 'determine_threshold=3', 'determine_threshold=2',
     ('changed', 'argument', 'determine_threshold')),
    ('utils', 'return model, [], 0.5, {}', 'return model, []',
     ('changed', 'result', 'model_retrain')),
    ('monitor', 'return max([0] +', 'return 0, max([0] +', ('changed', 'result', 'max_delta_acc')),
    ('modules', 'def csv_determine', 'def xml_determine',
     ('missing', 'function', 'xml_determine')),
    ('modules', "'unstable': 1", "'unstable': 2", ('changed', 'issue', 'unstable')),
    ('modules', "'relu': {'modify': 1", "'relu': {'modify': 3", ('changed', 'solution', 'relu')),
    ('logger', 'class Logger', 'class Diary', ('missing', 'class', 'Diary')),
    ('repair', "'leaky_3']", "'leaky_2']", ('changed', 'strategy', 'relu')),
    ('reproduce', "'--log_dir', '-ld'", "'--log_dir', '-lg'", ('missing', 'flag', '-lg')),
    ('reproduce', "training_config['loss']", "training_config['losses']",
     ('missing', 'config key', 'losses')),
    ('monitor', "'nan_loss': False,", "'nan_loss': False, 'dull': False,",
     ('missing', 'feature', 'dull')),
])
def test_what_is_planted_is_found_and_nothing_else(tmp_path, capsys, file, before, after, found):
    tree = upstream_tree.write(tmp_path, upstream_tree.later(), **{file: (before, after)})
    code, document = compared(capsys, tree)
    missed = without_reason(document)
    if found[2] == 'batch_size':  # two that have changed places
        assert missed == [('changed', 'argument', name) for name in ('batch_size', 'model')]
    else:
        assert missed == [found]
    if found[0] == 'renamed':
        assert [one['here'] for one in document['names'] if one['name'] == 'limit'] == ['threshold']
    assert code == 1 and document['undocumented'] == len(missed)


@pytest.mark.once
def test_a_file_that_is_nowhere_else_is_told(tmp_path, capsys):
    files = dict(upstream_tree.later(), **{'AutoTrainer/utils/plot.py': 'def draw(): pass\n'})
    code, document = compared(capsys, upstream_tree.write(tmp_path, files))
    assert (code, without_reason(document)) == (
        1, [('missing', 'file', 'AutoTrainer/utils/plot.py')])


# --------------------------------------------------------------------------------------- answers

@pytest.fixture(scope='module')
def asked(trees):
    """What came of the questions to each tree, on the stack of this process."""
    from AutoTrainer.compare import answers
    return {tree: answers.run(upstream.read_checkout(trees[tree])) for tree in TREES}


@pytest.mark.parametrize('tree', TREES)
def test_every_answer_that_differs_has_its_reason(asked, tree):
    found = asked[tree]
    assert [one for one in found.differing if one.group is None] == []
    assert sum(found.asked.values()) > 4000
    absent = set() if tree == 'Test-Master' else {'loss_function_issue', 'layer_issue'}
    assert set(cases.cases(0)) - set(found.asked) == absent


def test_every_reason_for_an_answer_is_needed(asked):
    given = {one.group for found in asked.values() for one in found.differing}
    assert [group.why for group in groups.GROUPS if group not in given] == []


@pytest.mark.once
@pytest.mark.parametrize('planted, questions', [
    ({'monitor': ('if top - dip >= threshold', 'if top - dip >= 2 * threshold'),
      'modules': ("string.split('_')[0], int", "string.split('_')[0].lower(), int"),
      'repair': ("return [", "return 2 * [")},  # the first nine are what is taken
     {'ol_judge', 'loss_issue', 'recognizer', 'read_strategy'}),
    ({'monitor': ('if b > a', 'if b < a'),
      'repair': ("return [gradient_vanish_strategy, gradient_explode_strategy",
                 "return [gradient_explode_strategy, gradient_vanish_strategy")},
     {'max_delta_acc', 'loss_issue', 'recognizer', 'repair_strategy', 'filtered'}),
    ({'monitor': ("if f['died_relu'] >= enough", "if f['died_relu'] > enough")}, {'recognizer'}),
])
def test_answers_that_are_planted_are_found(tmp_path, capsys, planted, questions):
    tree = upstream_tree.write(tmp_path, upstream_tree.later(), **planted)
    code, document = compared(capsys, tree, '--run')
    found = {one['question'] for one in document['answers']['differing'] if not one['reason']}
    assert found == questions and without_reason(document) == []
    assert code == 1


@pytest.mark.once
def test_a_reason_takes_no_verdict_that_differs_in_something_else():
    def taken_by(case, theirs, layout='Test-Master'):
        return {group.row for group in groups.GROUPS
                if group.takes(layout, 'recognizer', case, theirs, [])}

    sound = next(case for case in cases.cases(0)['recognizer'] if groups._fits(case)
                 and case['total_epoch'] == 20 and len(case['history']['loss']) > 6
                 and max(case['history']['acc']) < 0.7 and max(case['history']['val_acc']) < 0.7
                 and not groups._slow_differs(case) and 0 < min(groups._losses(case)))
    zero = dict(sound, gradients=[[[0.0]], [0.0], [[0.0]], [0.0]])
    assert taken_by(zero, ['relu']) == {'all_zero_gradients'}
    at_limit = dict(sound, gradients=[[[70.0]], [1.0], [[1.0]], [1.0]])
    assert taken_by(at_limit, ['explode']) == {'exactly at a threshold'}
    for case in (sound, zero, at_limit):
        for theirs in (['unstable'], ['loss_issue'], ['unstable', 'relu'], {'error': 'KeyError'}):
            assert taken_by(case, theirs) == set()
    unfit = dict(zero, head='relu')
    assert taken_by(unfit, ['activation_issue']) == {'configuration faults'}
    assert taken_by(unfit, ['unstable']) == set()


def test_nothing_of_upstream_is_imported_and_what_raises_answers_so(tmp_path, capsys):
    files = upstream_tree.later()
    trap = 'raise SystemExit("imported")\nimport nowhere\n'
    for name in list(files):
        if name.endswith('.py'):
            files[name] = trap + files[name]
    tree = upstream_tree.write(tmp_path, files, modules=(
        "return string.split('_')[0]", "return {}['nothing'], string.split('_')[0]"))
    code, document = compared(capsys, tree, '--run')
    missed = [one for one in document['answers']['differing'] if not one['reason']]
    assert code == 1 and [one['question'] for one in missed] == ['read_strategy']
    assert "KeyError: 'nothing'" in missed[0]['upstream']


def test_a_python_that_does_not_run_is_one_sentence(trees, capsys, tmp_path):
    tree = trees['Test-Master']
    assert main(['compare', tree, '--run', '--python', str(tmp_path / 'none')]) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and '--python is' in said and 'does not run' in said
    script = tmp_path / 'other'
    script.write_text('#!/bin/sh\necho hello\n')
    script.chmod(0o755)
    assert main(['compare', tree, '--run', '--python', str(script)]) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and 'is no Python' in said


# --------------------------------------------------------------------------------------- reading

@pytest.mark.once
def test_a_file_that_does_not_parse_is_one_sentence_and_the_rest_is_done(tmp_path, capsys):
    files = upstream_tree.later()
    tree = Path(upstream_tree.write(tmp_path, files))
    utils = tree / 'AutoTrainer' / 'utils'
    (utils / 'logger.py').write_text('print "Python 2"\n')
    (utils / 'gradient.py').write_bytes(b'x = "\xff\xfe"\n')
    (utils / 'TimeCounter.py').write_bytes(b'x = 1\n\0')
    (tree / 'AutoTrainer' / 'new_model.py').write_bytes(b'# coding: nowhere\n')
    (tree / 'AutoTrainer' / 'demo_test.py').write_bytes(b'(' * 3000)
    (tree / 'AutoTrainer' / 'data' / 'mnist.py').write_bytes(b'#' * (upstream.LARGEST_FILE + 1))
    # what another encoding says in its first line is read
    text = (utils / 'repair.py').read_text()
    (utils / 'repair.py').write_bytes(b'# coding: latin-1\n# \xe9\n' + text.encode())
    code, found = compared(capsys, tree, '--run')
    assert code == 0
    assert sorted(note.partition(': ')[0] for note in found['notes']) == [
        'AutoTrainer/data/mnist.py', 'AutoTrainer/demo_test.py', 'AutoTrainer/new_model.py',
        'AutoTrainer/utils/TimeCounter.py', 'AutoTrainer/utils/gradient.py',
        'AutoTrainer/utils/logger.py']
    assert all('\n' not in note and 'left out' in note for note in found['notes'])
    assert any(one['name'] == 'ol_judge' and one['status'] == 'same' for one in found['names'])
    assert found['answers']['asked']['repair_strategy'] == 3


@pytest.mark.once
def test_a_folder_that_is_no_checkout_is_one_sentence(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    other = tmp_path / 'other' / 'AutoTrainer' / 'utils'
    other.mkdir(parents=True)
    (other / 'monitor.py').write_text('def watch(): pass\n')
    for folder in (tmp_path, tmp_path / 'none', tmp_path / 'file', tmp_path / 'other', '', ROOT):
        assert main(['compare', str(folder)]) == 2
        said = capsys.readouterr()
        assert said.out == '' and said.err.count('\n') == 1
        assert str(folder) in said.err and "Test-Master or ICSE'21" in said.err


@pytest.mark.once
def test_the_folder_of_the_package_will_do(trees):
    tree = trees['Test-Master']
    assert upstream.read_checkout(tree + '/AutoTrainer').facts == upstream.read_checkout(tree).facts
    with pytest.raises(UserError):
        upstream.read_checkout(tree + '/AutoTrainer/utils')


# ------------------------------------------------------------------------------ the comparison

@pytest.mark.once
def test_what_breaks_no_call_is_no_difference():
    def function(*arguments):
        return [Fact('function', 'm.py', 'f')] + [
            Fact('argument', 'm.py:f', name, value, place)
            for place, (name, value) in enumerate(arguments)]

    def statuses(theirs, mine):
        return [(one.name, one.status, one.is_undocumented) for one in compare(theirs, mine, ())
                if one.kind == 'argument']

    theirs = function(('x', REQUIRED))
    assert statuses(theirs, function(('x', '1'))) == [('x', 'same', False)]
    assert statuses(function(('x', '1')), theirs) == [('x', 'changed', True)]
    assert statuses(theirs, function(('x', REQUIRED), ('y', '1'))) == [
        ('x', 'same', False), ('y', 'more', False)]
    assert statuses(theirs, function(('x', REQUIRED), ('y', REQUIRED))) == [
        ('x', 'same', False), ('y', 'more', True)]


@pytest.mark.once
def test_a_reason_is_good_for_the_values_that_it_names():
    known = Known('argument', '*', ('n',), 'changed', 'because', '', ('1', '3'), '5')
    assert known.explains('changed', Fact('argument', 'm.py:f', 'n', '3'), '5')
    for what, value, here in (('changed', '2', '5'), ('changed', '3', '6'), ('gone', '3', '5')):
        assert not known.explains(what, Fact('argument', 'm.py:f', 'n', value), here)


@pytest.mark.once
def test_the_table_for_people(trees, capsys):
    assert main(['compare', trees['Test-Master'], '--run', '--python', sys.executable]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith('AUTOTRAINER, layout of Test-Master\n')
    assert '  changed  argument verb in AutoTrainer/utils/utils.py:model_retrain: upstream 1, ' \
        'here 0\n      a repair prints as little as the first training; use `verb=1`\n' in shown
    assert 'ol_judge: a curve without a value does not oscillate [ol_empty_true]\n' in shown
    assert 'repair_strategy in AutoTrainer/utils/repair.py: called alike, gives something ' \
        'else\n' in shown
    assert shown.endswith('Without a reason: nothing\n') and '  same     ' not in shown
    assert main(['compare', trees['Test-Master'], '--all']) == 0
    assert '  same     function ol_judge in AutoTrainer/utils/monitor.py\n' in (
        capsys.readouterr().out)


# ----------------------------------------------------------------------------------------- page

@pytest.mark.once
def test_the_page_is_what_the_tables_say():
    made = runpy.run_path(str(ROOT / 'scripts' / 'upstream_page.py'))
    assert made['PAGE'].read_text(encoding='utf-8') == made['page'](), (
        'docs/evidence/upstream-differences.md is out of date; run python scripts/upstream_page.py')


@pytest.mark.once
def test_every_row_that_is_named_is_on_the_page():
    text = (ROOT / 'docs' / 'evidence' / 'upstream-differences.md').read_text(encoding='utf-8')
    rows = {line.split('|')[1].strip().strip('`') for line in text.splitlines()
            if line.startswith('|')}
    named = {known.row for known in NAMES} | {group.row for group in groups.GROUPS}
    assert named - rows <= {''}


@pytest.mark.once
def test_the_parser_says_what_it_does():
    assert 'none is imported' in ' '.join(command.build_parser().format_help().split())
