"""``autotrainer check``, by running it."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import write_config

from AutoTrainer import interrupts, keras_bridge
from AutoTrainer.cli import main

keras = keras_bridge.keras
ROOT = Path(__file__).resolve().parent.parent


def saved(tmp_path, units=3, head='softmax'):
    path = str(tmp_path / ('model' + keras_bridge.MODEL_SUFFIX))
    keras_bridge.save_model(keras.Sequential([
        keras.Input((2,)), keras.layers.Dense(8, activation='relu'),
        keras.layers.Dense(units, activation=head)]), path)
    return path


def checked(tmp_path, capsys, *more, model=None, **changes):
    assert main(['check', '-mp', model or saved(tmp_path), '-cp',
                 write_config(tmp_path, **dict({'epoch': 40}, **changes))] + list(more)) == 0
    return capsys.readouterr().out


def test_a_line_for_each_finding(tmp_path, capsys):
    assert checked(tmp_path, capsys) == 'nothing found\n'
    shown = checked(tmp_path, capsys, epoch=2, opt_kwargs={'lr': 20.0})
    assert shown == (
        'likely   learning_rate_high: the learning rate of SGD is 20, and more than 1 rarely '
        'works; take a learning rate of 0.005 to 0.2\n'
        'likely   few_updates: 2 epochs of 700 rows in batches of 64 are 22 updates of the '
        'weights; train longer or in smaller batches, at least some hundred updates\n')


def test_as_json(tmp_path, capsys):
    assert json.loads(checked(tmp_path, capsys, '--json')) == {'findings': []}
    found, = json.loads(checked(tmp_path, capsys, '--json', dataset='simplednn_circle',
                                model=saved(tmp_path, 1), loss='mse'))['findings']
    assert set(found) == {'name', 'severity', 'sentence', 'advice', 'issue'}
    assert found['name'] == 'softmax_of_one' and found['severity'] == 'certain'


def test_what_model_train_converts_is_no_finding_and_what_it_refuses_is_one(tmp_path, capsys):
    assert checked(tmp_path, capsys, loss='sparse_categorical_crossentropy') == 'nothing found\n'
    shown = checked(tmp_path, capsys, dataset='simplednn_circle', loss='categorical_crossentropy',
                    model=saved(tmp_path, 1, 'sigmoid'))
    assert shown.startswith('certain  one_output_of_classes: ')
    shown = checked(tmp_path, capsys, model=saved(tmp_path, 2, 'softmax'))
    assert shown.startswith('certain  labels_and_outputs_differ: a label has 3 numbers, but the '
                            'model has 2 outputs; ')


@pytest.mark.parametrize('changes, message', [
    ({'dataset': 'digits'}, 'x has rows of shape (64,), but the model takes inputs of shape (2,)'),
    ({'optimizer': 'Admam'}, "optimizer is 'Admam'; did you mean Adam?"),
    ({'loss': None}, "no key 'loss'"),
])
def test_what_cannot_be_checked_is_one_sentence(tmp_path, capsys, changes, message):
    arguments = ['check', '-mp', saved(tmp_path), '-cp', write_config(tmp_path, **changes)]
    assert main(arguments) == 2
    error, = capsys.readouterr().err.strip().splitlines()
    assert error.startswith('autotrainer check: ') and message in error
    with pytest.raises(ValueError, match='optimizer|rows|loss'):
        main(arguments + ['--debug'])


def test_both_files_are_needed(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['check', '-mp', 'model.h5'])
    assert ended.value.code == 2 and '-cp' in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.backend
def test_as_a_process(tmp_path):
    done = subprocess.run(
        [sys.executable, '-m', 'AutoTrainer', 'check', '-mp', saved(tmp_path), '-cp',
         write_config(tmp_path, epoch=40)], cwd=str(ROOT), capture_output=True)
    assert (done.returncode, done.stdout) == (0, b'nothing found\n'), done.stderr


def test_from_the_checkout(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(interrupts, 'ignore', lambda: None)  # this process does not end with it
    monkeypatch.setattr('sys.argv', ['reproduce.py', 'check', '-mp', saved(tmp_path), '-cp',
                                     write_config(tmp_path, epoch=40)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / 'reproduce.py'), run_name='__main__')
    assert ended.value.code == 0 and capsys.readouterr().out == 'nothing found\n'
