import math

import pytest

from AutoTrainer.errors import UserError
from Motivation.histories import OWN_DATA, find_cases, read_history

HEADER = ',loss,accuracy,val_loss,val_accuracy\n'
ROW = '0,0.5,0.25,0.75,0.125\n'


def test_reads_upstreams_format(tmp_path):
    path = tmp_path / 'run_012.csv'
    path.write_text(HEADER + ROW + '1,,0.5,inf,1.0\n')
    run = read_history(path)
    assert run.number == 12
    assert run.epochs == 2
    assert run.columns['accuracy'] == [0.25, 0.5]
    assert run.columns['val_accuracy'] == [0.125, 1.0]
    assert math.isnan(run.columns['loss'][1])  # pandas writes NaN as nothing
    assert run.columns['val_loss'][1] == math.inf


def test_other_columns_and_their_order_do_not_matter(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('epoch,val_accuracy,lr,loss,accuracy,val_loss\n1,0.125,9,0.5,0.25,0.75\n')
    assert read_history(path).columns == {
        'loss': [0.5], 'accuracy': [0.25], 'val_loss': [0.75], 'val_accuracy': [0.125]}


@pytest.mark.parametrize('content, says', [
    ('', 'is empty'),
    ('\n', 'is empty'),
    (HEADER, 'no epochs'),
    (',loss,accuracy,val_loss\n0,1,0.5,1\n', "no column 'val_accuracy'"),
    (',loss,loss,accuracy,val_loss,val_accuracy\n0,1,1,0,1,0\n', "more than one column 'loss'"),
    (HEADER + ROW + '1,0.5,0.2', 'cut off in line 3'),
    (HEADER + ROW + '1,0.5,0.2\n', 'cut off in line 3'),
    (HEADER + ROW + ROW.rstrip('\n'), 'cut off in line 3'),  # 0.125 or the beginning of more?
    (HEADER + '1,0.5\n' + ROW, '2 entries in line 2'),
    (HEADER + '1,0.5,0.25,0.75,0.125,7\n' + ROW, '6 entries in line 2'),
    (HEADER + '0,0.5,nought,0.75,0.125\n', "'nought' as accuracy in line 2"),
    (HEADER + '0,0.5,,0.75,0.125\n', "'' as accuracy in line 2"),
    (HEADER + '0,0.5,nan,0.75,0.125\n', "'nan' as accuracy in line 2"),
    (HEADER + '0,0.5,0.25,0.75,12.5\n', "'12.5' as val_accuracy in line 2"),
    (HEADER + '0,low,0.25,0.75,0.125\n', "'low' as loss in line 2"),
    (b'\x89PNG\r\n\x1a\n\xff\xfe', 'cannot be read as a CSV file'),
])
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, says):
    path = tmp_path / 'run_003.csv'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        read_history(path)
    assert 'run_003.csv' in str(error.value)
    assert says in str(error.value)


def test_a_folder_named_like_a_file_is_named(tmp_path):
    (tmp_path / 'run_000.csv').mkdir()
    with pytest.raises(UserError, match='run_000.csv'):
        read_history(tmp_path / 'run_000.csv')


def test_finds_cases_at_any_depth_and_reads_what_it_can(tmp_path, write_run):
    for number in (10, 9, 2):
        write_run(tmp_path / 'b' / ('run_%d.csv' % number), [0.1, 0.2, 0.3])
    write_run(tmp_path / 'a' / 'deep' / 'run_0.csv', [0.1, 0.2])
    write_run(tmp_path / 'b' / 'run_3.csv', [0.1, 0.2])
    (tmp_path / 'b' / 'run_4.csv').write_text(HEADER + '0,0.1')
    write_run(tmp_path / 'b' / 'again' / '2.csv', [0.1, 0.2, 0.3])
    write_run(tmp_path / 'b' / 'again' / 'run_2.csv', [0.1, 0.2, 0.3])
    (tmp_path / 'c').mkdir()
    write_run(tmp_path / '.hidden' / 'run_0.csv', [0.1])
    write_run(tmp_path / 'results' / 'cases.csv', [0.1])
    (tmp_path / 'results' / 'analysis.json').write_text('{}')
    (tmp_path / 'results' / 'figures').mkdir()
    (tmp_path / 'results' / 'figures' / 'figures.json').write_text('{}')
    write_run(tmp_path / 'results' / 'd' / 'run_0.csv', [0.1])
    cases, problems = find_cases(tmp_path)
    assert [(case.name, case.epochs, [run.number for run in case.runs]) for case in cases] == [
        ('a/deep', 2, [0]), ('b', 3, [2, 9, 10]), ('b/again', 3, [2]), ('results/d', 1, [0])]
    assert len(problems) == 4
    for name in ('run_3.csv has 2 epochs', 'run_4.csv is cut off', 'run_2.csv has the same run',
                 'c has no CSV'):
        assert sum(name in problem for problem in problems) == 1, name


def test_a_case_folder_itself_can_be_given(tmp_path, write_run):
    write_run(tmp_path / 'mine' / 'run_0.csv', [0.1, 0.2])
    cases, problems = find_cases(tmp_path / 'mine')
    assert [case.name for case in cases] == ['mine']
    assert problems == []


def test_of_two_lengths_equally_often_the_longer_counts(tmp_path, write_run):
    write_run(tmp_path / 'run_0.csv', [0.1])
    write_run(tmp_path / 'run_1.csv', [0.1, 0.2])
    cases, problems = find_cases(tmp_path)
    assert [run.number for run in cases[0].runs] == [1]
    assert 'run_0.csv' in problems[0]


def test_a_collection_says_how_many_steps_an_epoch_has(tmp_path, write_run):
    write_run(tmp_path / 'a' / 'run_0.csv', [0.1])
    write_run(tmp_path / 'b' / 'run_0.csv', [0.1])
    write_run(tmp_path / 'c' / 'run_0.csv', [0.1])
    (tmp_path / 'b' / 'collection.json').write_text('{"steps_per_epoch": 45}')
    (tmp_path / 'c' / 'collection.json').write_text('{"steps_per_epoch": "many"}')
    cases, problems = find_cases(tmp_path)
    assert [case.steps_per_epoch for case in cases] == [None, 45, None]
    assert len(problems) == 1 and "'many' as steps_per_epoch" in problems[0]


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="DIR is '.*nowhere', which is no folder"):
        find_cases(tmp_path / 'nowhere')


def test_the_histories_that_come_with_the_project_are_sound_and_small():
    cases, problems = find_cases(OWN_DATA)
    assert cases and problems == []
    assert sum(path.stat().st_size for path in OWN_DATA.rglob('*')) <= 1000 * 1000
