import os

import pytest

from AutoTrainer.errors import UserError
from Motivation.output import csv_text, markdown_table, show, write_atomically


@pytest.mark.parametrize('value, text', [
    (None, '–'), (0.5, '0.5'), (1 / 3, '0.333'), (12345.6, '12346'), (7, '7'), ('a', 'a'),
    (True, 'True'), (5.4e-10, '5.4e-10')])
def test_show(value, text):
    assert show(value) == text


def test_tables():
    assert markdown_table(['a', 'b'], [[1, None]]) == '| a | b |\n| --- | --- |\n| 1 | – |\n'
    assert csv_text(['a', 'b'], [[1 / 3, None]]) == 'a,b\n0.3333333333333333,\n'


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / 'a.csv'
    write_atomically(path, 'old\n')
    write_atomically(path, 'ζ\n')
    assert path.read_text(encoding='utf-8') == 'ζ\n'
    assert os.listdir(str(tmp_path)) == ['a.csv']


def test_a_disk_that_refuses_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.csv'
    write_atomically(path, 'old\n')

    def full(_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match='a.csv cannot be written .No space left on device'):
        write_atomically(path, 'new\n')
    assert path.read_text() == 'old\n'
    assert os.listdir(str(tmp_path)) == ['a.csv']
