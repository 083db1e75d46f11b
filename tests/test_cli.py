"""The command line, by running it: in this process where only messages count, else as a user."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.cli import main
from AutoTrainer.demo_case import case_names
from AutoTrainer.errors import UserError
from AutoTrainer.intake.config import BACKENDS
from AutoTrainer.utils import repair

ROOT = Path(__file__).resolve().parent.parent


def write_config(tmp_path, **changes):
    config = dict({'optimizer': 'SGD', 'opt_kwargs': {'lr': 0.01}, 'batchsize': 64, 'epoch': 2,
                   'loss': 'categorical_crossentropy', 'dataset': 'simplednn_blob'}, **changes)
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    return str(path)


@pytest.fixture(scope='module')
def model_path(tmp_path_factory):
    from AutoTrainer.demo_case import case_model
    path = str(tmp_path_factory.mktemp('model') / ('blob' + keras_bridge.MODEL_SUFFIX))
    keras_bridge.save_model(case_model('Oscillating_Loss_Case', keras_bridge.keras), path)
    return path


def test_a_word_that_is_no_command(capsys):
    assert main(['reprot', 'x']) == 2
    assert capsys.readouterr().err == (
        "autotrainer: 'reprot' is no command; did you mean report? known are run, check, report, "
        'compare\n')


def run(*arguments, **kwargs):
    return subprocess.run([sys.executable, 'reproduce.py'] + list(arguments), cwd=str(ROOT),
                          capture_output=True, text=True, encoding='utf-8', **kwargs)


@pytest.mark.slow
def test_a_case_as_json(tmp_path):
    """result.json on standard output and nothing else there; the same in the folder."""
    done = run('--case', 'Gradient_Vanish_Case', '--epochs', '20', '--json', '--no-repair', '-rd',
               str(tmp_path / 'run'))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    with open(str(tmp_path / 'run' / 'result.json'), encoding='utf-8') as file:
        assert json.load(file) == result
    assert result['initial_issue'] == 'vanish' and result['total_epochs'] == 20
    assert 'training:' in done.stderr and 'epoch' in done.stderr


@pytest.mark.slow
def test_a_case_is_repaired_and_logged(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(repair.STRATEGIES, 'balance', {'vanish': ['selu_1']})
    assert main(['--case', 'Gradient_Vanish_Case', '--epochs', '20', '--json', '-rd',
                 str(tmp_path / 'run'), '-ld', str(tmp_path / 'log')]) == 0
    assert [attempt['solution'] for attempt in json.loads(capsys.readouterr().out)['attempts']] == [
        'selu']
    assert 'selu 1: ' in (tmp_path / 'log' / 'monitor_repair.log').read_text(encoding='utf-8')


def test_a_model_of_ones_own(tmp_path, model_path, capsys):
    assert main(['-mp', model_path, '-cp', write_config(tmp_path), '-rtd', str(tmp_path), '-rd',
                 'out', '--checktype', 'epoch_1']) == 0
    shown = capsys.readouterr().out
    assert 'No issue was found, which proves little: not judged: 2 epochs' in shown
    assert 'Results' in shown
    assert (tmp_path / 'out' / 'result.json').exists()
    page = (tmp_path / 'out' / 'report.html').read_text(encoding='utf-8')
    assert '<h1>Nothing was found, which proves little.</h1>' in page


def test_upstream_fault_reproduce_epoch_100(tmp_path, model_path):
    main(['-mp', model_path, '-cp', write_config(tmp_path, epoch=3), '-rd', str(tmp_path / 'o')])
    with open(str(tmp_path / 'o' / 'history.csv')) as file:
        assert len(file.readlines()) == 1 + 3


@pytest.mark.parametrize('interval, checks', [('2', 3), ('epoch_5', 1)])
def test_upstreams_check_interval(tmp_path, model_path, capsys, interval, checks):
    main(['-mp', model_path, '-cp', write_config(tmp_path, epoch=5), '-ci', interval, '--json',
          '-rd', str(tmp_path / 'o')])
    assert json.loads(capsys.readouterr().out)['checks'] == checks


@pytest.mark.parametrize('arguments, message', [
    (['--case', 'Gradient_Vanish'], 'did you mean Gradient_Vanish_Case'),
    (['--case', 'xyz'], "case is 'xyz'; known are"),
    (['--checktype', 'batch_5'], "checktype is 'batch_5'"),
    (['-ci', '0'], "--check_interval is '0'"),
    (['--resume', 'nowhere'], "--resume is 'nowhere', which holds no run"),
    (['--epochs', '0'], '--epochs is 0'),
    (['--epochs', '-5'], '--epochs is -5'),
    (['-mp', 'a.h5'], 'only one of --model_path and --config_path'),
    (['-mp', 'a.h5', '-cp', 'b.json'], "config_path is 'b.json', which is no file"),
    (['--case', 'Gradient_Vanish_Case', '--all-cases'], '--case and --all-cases are both given'),
    (['--case', 'Gradient_Vanish_Case', '-mp', 'a.h5'], '--case and --model_path are both given'),
    (['--case', 'Gradient_Vanish_Case', '-cp', 'b.json'],
     '--case and --config_path are both given'),
    (['--strategy', 'fast'], "'fast'"),
    (['-rd', '/proc/nowhere'], "result_dir is '/proc/nowhere'"),
])
def test_bad_arguments(capsys, arguments, message):
    assert main(arguments) == 2
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert message in last and last.startswith('reproduce.py: ') and shown.out == ''


def test_run_is_the_word_for_what_reproduce_does(capsys, monkeypatch):
    assert main(['run', '--epochs', '0']) == 2
    assert capsys.readouterr().err == (
        'autotrainer run: --epochs is 0; give a whole number from 1 to 10000000\n')
    with pytest.raises(SystemExit):
        main(['run', '--help'])
    assert capsys.readouterr().out.startswith('usage: autotrainer run ')
    monkeypatch.setattr('sys.argv', ['/usr/bin/autotrainer', '--epochs', '0'])
    assert main() == 2 and capsys.readouterr().err.startswith('autotrainer run: ')


@pytest.mark.skipif(keras_bridge.LEGACY, reason='TF 2.3 has only one backend')
def test_a_missing_backend_is_told_with_those_that_are_there():
    there = [name for name in BACKENDS if importlib.util.find_spec(name)]
    if there == list(BACKENDS):
        pytest.skip('all backends are installed')
    missing = next(name for name in BACKENDS if name not in there)
    done = run('--backend', missing)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        'reproduce.py: Keras is set to the backend %s, which is not installed; '
        'set KERAS_BACKEND=%s, which is' % (missing, ' or '.join(there)))


@pytest.mark.parametrize('changes, message', [
    ({'optimizer': 'Admam'}, "optimizer is 'Admam'; did you mean Adam? known are SGD, "),
    ({'opt_kwargs': {'learning_speed': 1}}, 'learning_speed'),
    ({'loss': 'cross'}, "loss is 'cross'"),
    ({'loss': 'categorical_crossentrop'}, 'did you mean categorical_crossentropy?'),
    ({'dataset': 'simplednn_blobs'}, 'simplednn_blob'),
    ({'dataset': 'digits'}, 'x has rows of shape (64,), but the model takes inputs of shape (2,)'),
    ({'dataset': 'simplednn_circle', 'loss': 'mse'}, 'y has rows of shape'),
    ({'epoch': 0}, 'epoch is 0'),
    ({'batchsize': -4}, 'batchsize is -4'),
    ({'loss': None}, "no key 'loss'"),
    ({'callbacks': ['early']}, "callbacks has 'early'"),
])
def test_bad_configurations(tmp_path, model_path, capsys, changes, message):
    assert main(['-mp', model_path, '-cp', write_config(tmp_path, **changes), '-rd',
                 str(tmp_path / 'o')]) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / 'o' / 'result.json').exists()


@pytest.mark.parametrize('name, content, message', [
    ('none.h5', None, 'which is no file'),
    ('text.h5', b'not a model', 'cannot be read as a Keras model'),
    ('empty.keras', b'', 'cannot be read as a Keras model'),
    ('cut.keras', b'PK\x03\x04 and then nothing', 'cannot be read as a Keras model'),
])
def test_bad_models(tmp_path, capsys, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(['-mp', str(path), '-cp', write_config(tmp_path)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error and 'model_path' in error


def test_model_and_configuration_in_each_others_place(tmp_path, capsys, model_path):
    assert main(['-mp', write_config(tmp_path), '-cp', model_path]) == 2
    assert 'a model; give it as model_path' in capsys.readouterr().err


def test_weights_alone_are_no_model(tmp_path, capsys, model_path):
    path = str(tmp_path / 'only.weights.h5')
    keras_bridge.load_model(model_path).save_weights(path)
    assert main(['-mp', path, '-cp', write_config(tmp_path)]) == 2
    assert 'save the whole model' in capsys.readouterr().err


def test_lambda_layers_are_refused_unless_trusted(tmp_path, capsys):
    keras = keras_bridge.keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2),
                              keras.layers.Dense(3, activation='softmax')])
    path = str(tmp_path / ('own' + keras_bridge.MODEL_SUFFIX))
    keras_bridge.save_model(model, path)
    arguments = ['-mp', path, '-cp', write_config(tmp_path), '-rd', str(tmp_path / 'o')]
    assert main(arguments) == 2
    assert 'Lambda layers carry code' in capsys.readouterr().err
    assert main(arguments + ['--trust-model']) == 0


def test_an_unfinished_run_is_not_replaced(tmp_path, model_path, capsys):
    folder = tmp_path / 'o'
    folder.mkdir()
    (folder / 'run.json').write_text('{}')
    arguments = ['-mp', model_path, '-cp', write_config(tmp_path), '-rd', str(folder)]
    assert main(arguments) == 2
    assert 'holds an unfinished run; go on with it by --resume' in capsys.readouterr().err
    (folder / 'run.json').unlink()
    assert main(arguments) == 0 and main(arguments) == 0


def test_debug_shows_the_traceback():
    with pytest.raises(UserError, match="case is 'xyz'"):
        main(['--case', 'xyz', '--debug'])


def test_no_arguments_run_the_vanish_case():
    from AutoTrainer.cli import DEFAULT_CASE
    assert DEFAULT_CASE == 'Gradient_Vanish_Case' in case_names()


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    'Gradient_Vanish_Case_model.h5', 'minist_relu_layer=20.h5'])
def test_upstreams_models_are_loaded_and_watched(shared, tmp_path, capsys, monkeypatch, name):
    """Keras-2.3.1 files on every stack: loaded, trained for two epochs, diagnosed."""
    config = shared / 'models' / name.replace('_model.h5', '_config.pkl')
    arguments = ['-mp', str(shared / 'models' / name), '-rd', str(tmp_path / 'o'), '--epochs', '2',
                 '--no-repair', '--json', '--checktype', 'epoch_1']
    if not config.exists() or config.suffix != '.pkl':
        from AutoTrainer import data
        monkeypatch.setenv('AUTOTRAINER_DATA', str(shared / 'data'))
        whole = data.get_dataset('mnist')
        few = {key: rows[:64] for key, rows in whole.items()}
        monkeypatch.setattr(data, 'get_dataset', lambda name: few)
        config = write_config(tmp_path, optimizer='Adam', dataset='mnist', batchsize=32)
    assert main(arguments + ['-cp', str(config)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['status'] in ('normal', 'detected') and result['checks'] == 2


def test_import_has_no_side_effects():
    """Importing loads no Keras and changes neither the environment nor the process."""
    code = ('import os, sys, logging; before = dict(os.environ), sys.getrecursionlimit(), '
            'list(sys.path), list(logging.getLogger().handlers)\n'
            'import AutoTrainer, AutoTrainer.utils.monitor, AutoTrainer.cli, AutoTrainer.data\n'
            'after = dict(os.environ), sys.getrecursionlimit(), list(sys.path), '
            'list(logging.getLogger().handlers)\n'
            'assert before == after\n'
            'assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)\n')
    environment = dict(os.environ, CUDA_VISIBLE_DEVICES='7')
    subprocess.run([sys.executable, '-c', code], check=True, cwd=str(ROOT), env=environment)
