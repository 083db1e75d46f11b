import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.record.folder import write_json
from AutoTrainer.record.reader import read_json
from Motivation import collect
from Motivation.collect import Ended, Settings, duration, main, run_path
from Motivation.histories import read_history

SETTINGS = Settings('relu20', 'digits', 3, 'saved', 0)
HISTORY = ',loss,accuracy,val_loss,val_accuracy\n' + '0,1.5,0.5,1.25,0.25\n' * 3


# ------------------------------------------------------ the collection itself, without trainings

@pytest.fixture
def trainings(monkeypatch):
    """Stand for the processes that train: write a history, or end as ``ends`` says."""
    class Trainings:
        ends = {}
        begun = 0
        trained = []

        def begin(self, out, number, settings, alone):
            self.begun += 1
            if None in self.ends:
                return Ended(-1, *self.ends[None])
            write_json(str(out / collect.SETTINGS_FILE), settings._asdict())
            return Ended(-1, 0, '')

        def train(self, out, numbers, settings, jobs):
            for number in numbers:
                self.trained = self.trained + [number]
                code, said = self.ends.get(number, (0, ''))
                if code < 0:
                    os.kill(os.getpid(), -code)
                if not code:
                    run_path(out, number).write_text(HISTORY)
                yield Ended(number, code, said)

    stand_in = Trainings()
    monkeypatch.setattr(collect, 'train_one', stand_in.begin)
    monkeypatch.setattr(collect, 'train_locally', stand_in.train)
    return stand_in


def command(out, *more):
    return main(['--out', str(out), '--dataset', 'digits', '--epochs', '3', '--runs', '4']
                + list(more))


def test_every_run_gets_a_file(tmp_path, trainings, capsys):
    assert command(tmp_path / 'new' / 'case') == 0
    assert sorted(path.name for path in (tmp_path / 'new' / 'case').glob('*.csv')) == [
        'run_000.csv', 'run_001.csv', 'run_002.csv', 'run_003.csv']
    err = capsys.readouterr().err
    assert 'run_000.csv done; 1 of 4 runs, about 0 s left' in err
    assert '4 of 4 runs, the last' in err


def test_what_is_there_is_kept_what_is_damaged_is_trained_again(tmp_path, trainings, capsys):
    assert command(tmp_path) == 0
    run_path(tmp_path, 1).unlink()
    run_path(tmp_path, 2).write_text(HISTORY[:-5])
    run_path(tmp_path, 3).write_text(HISTORY + '3,1.5,0.5,1.25,0.25\n')
    (tmp_path / '.run_001.csv.77.part').write_text('0,1')
    trainings.trained = []
    assert command(tmp_path) == 0
    assert trainings.trained == [1, 2, 3] and trainings.begun == 1
    assert 'run_002.csv is cut off' in capsys.readouterr().err
    assert list(tmp_path.glob('.*')) == []


def test_a_collection_can_be_made_longer(tmp_path, trainings):
    assert command(tmp_path, '--runs', '2') == 0
    assert command(tmp_path, '--runs', '4') == 0
    assert trainings.trained == [0, 1, 2, 3]


@pytest.mark.parametrize('changed', [
    ['--epochs', '4'], ['--seed', '1'], ['--init', 'fresh'], ['--model', 'relu34'],
    ['--dataset', 'mnist']])
def test_another_collection_in_the_same_folder_is_refused(tmp_path, trainings, capsys, changed):
    assert command(tmp_path) == 0
    assert command(tmp_path, *changed) == 2
    err = capsys.readouterr().err
    assert 'error: %s is' % changed[0] in err and str(tmp_path) in err


def test_a_run_that_fails_leaves_its_reason_and_does_not_end_the_others(tmp_path, trainings,
                                                                        capsys):
    trainings.ends = {1: (1, 'Traceback\nMemoryError: too large\n'), 2: (9, '')}
    assert command(tmp_path) == 1
    assert trainings.trained == [0, 1, 2, 3]
    err = capsys.readouterr().err
    assert 'run_001.csv failed: MemoryError: too large; 1 of 4 runs' in err
    assert 'run_002.csv failed: exit code 9 and no word' in err
    assert '2 of 4 runs failed' in err
    assert 'too large' in (tmp_path / 'run_001.error.txt').read_text()
    trainings.ends = {}
    assert command(tmp_path) == 0
    assert list(tmp_path.glob('*.error.txt')) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_is_no_error_and_the_handlers_are_put_back(tmp_path, trainings, capsys,
                                                               number):
    before = signal.getsignal(number)
    trainings.ends = {2: (-number, '')}
    assert command(tmp_path) == 128 + number
    assert 'the same command goes on' in capsys.readouterr().err
    assert signal.getsignal(number) is before
    assert sorted(path.name for path in tmp_path.glob('*.csv')) == ['run_000.csv', 'run_001.csv']


def test_settings_that_cannot_be_trained_are_one_sentence(tmp_path, trainings, capsys):
    trainings.ends = {None: (2, "warning\nerror: dataset is 'x'\n")}
    assert command(tmp_path) == 2
    assert capsys.readouterr().err == "error: dataset is 'x'\n"


@pytest.mark.parametrize('arguments, says', [
    (['--runs', '0'], "'0' is not a whole number above 0"),
    (['--epochs', '-3'], "'-3' is not a whole number above 0"),
    (['--jobs', 'many'], "'many'"),
    (['--init', 'zero'], "'zero'"),
])
def test_wrong_arguments(tmp_path, trainings, capsys, arguments, says):
    with pytest.raises(SystemExit) as stop:
        command(tmp_path, *arguments)
    assert stop.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize('arguments, says', [
    (['--seed', '-1'], '--seed is -1'),
    (['--scheduler', 'tcp://here:1'], "--scheduler is 'tcp://here:1', but --engine is 'local'"),
])
def test_arguments_that_do_not_go_together(tmp_path, trainings, capsys, arguments, says):
    assert command(tmp_path, *arguments) == 2
    assert says in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert command(tmp_path / 'file') == 2
    assert '--out is' in capsys.readouterr().err


def test_damaged_settings_are_named(tmp_path, trainings, capsys):
    (tmp_path / collect.SETTINGS_FILE).write_text('{"model": "relu20"}')
    assert command(tmp_path) == 2
    assert 'collection.json has no' in capsys.readouterr().err


def test_without_dask_the_way_out_is_named(tmp_path, trainings, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'dask', None)
    monkeypatch.setitem(sys.modules, 'dask.distributed', None)
    assert command(tmp_path, '--engine', 'dask') == 2
    assert "pip install 'dask[distributed]'" in capsys.readouterr().err


@pytest.mark.parametrize('seconds, words', [
    (0, '0 s'), (89, '89 s'), (90, '2 min'), (5300, '88 min'), (12000, '3 h 20 min')])
def test_duration(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize('door, model', [('OscillatingLoss', 'relu20'), ('DyingReLU', 'relu34')])
def test_upstreams_doors(door, model):
    done = subprocess.run([sys.executable, '-m', 'Motivation.%s.train' % door, '--help'],
                          capture_output=True, check=True)
    assert '(default: %s)' % model in done.stdout.decode()


# ------------------------------------------------------------------------------ real trainings

@pytest.fixture(scope='module')
def begun(tmp_path_factory):
    """A collection before its first run: a model that trains quickly on digits."""
    from AutoTrainer import keras_bridge
    from Motivation import training
    keras = keras_bridge.keras
    keras_bridge.set_seed(3)
    model = keras.Sequential([keras.Input(shape=(64,)), keras.layers.Dense(8, activation='relu'),
                              keras.layers.Dropout(0.1),
                              keras.layers.Dense(10, activation='softmax')])
    path = tmp_path_factory.mktemp('model') / ('small' + keras_bridge.MODEL_SUFFIX)
    keras_bridge.save_model(model, str(path))
    out = tmp_path_factory.mktemp('begun')
    training.prepare(out, SETTINGS._replace(model=str(path)))
    return out


@pytest.fixture
def case(begun, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(str(begun), str(tmp_path / 'case')))


def arguments(out, begun, runs=2):
    return ['--out', str(out), '--model', collect.read_settings(begun).model, '--dataset',
            'digits', '--epochs', '3', '--runs', str(runs)]


def histories(out):
    return {path.name: path.read_bytes() for path in out.glob('*.csv')}


@pytest.fixture(scope='module')
def undisturbed(begun, tmp_path_factory):
    """Two runs, trained in this process."""
    from Motivation import training
    out = Path(shutil.copytree(str(begun), str(tmp_path_factory.mktemp('undisturbed') / 'case')))
    for number in range(2):
        training.train(out, number, os.getppid())
    return out


@pytest.mark.slow
def test_a_collection(undisturbed):
    assert sorted(histories(undisturbed)) == ['run_000.csv', 'run_001.csv']
    assert len(set(histories(undisturbed).values())) == 2      # each run has a seed of its own
    for path in undisturbed.glob('*.csv'):
        run = read_history(path)
        assert run.epochs == 3
        assert run.columns['loss'][2] < run.columns['loss'][0]


@pytest.mark.slow
def test_killed_and_resumed_it_gives_the_same_files(undisturbed, begun, tmp_path):
    """The whole command: a process that begins the collection, and one for each run."""
    command_line = [sys.executable, '-m', 'Motivation.collect'] + arguments(tmp_path, begun)
    process = subprocess.Popen(command_line, stderr=subprocess.DEVNULL, start_new_session=True)
    give_up = time.time() + 300
    while not histories(tmp_path) and time.time() < give_up:
        assert process.poll() is None, 'it ended before it could be killed'
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(command_line + ['--jobs', '2'],
                          stderr=subprocess.DEVNULL).returncode == 0
    assert histories(tmp_path) == histories(undisturbed)


@pytest.mark.slow
def test_fresh_initial_weights_are_those_of_the_seed(begun, tmp_path):
    from Motivation import training
    settings = collect.read_settings(begun)._replace(init='fresh')
    training.prepare(tmp_path, settings)
    first = [training.begun_model(tmp_path, settings, number).get_weights()[0]
             for number in (0, 0, 1)]
    saved = training.begun_model(begun, collect.read_settings(begun), 0).get_weights()[0]
    assert (first[0] == first[1]).all()
    assert (first[0] != first[2]).any() and (first[0] != saved).any()


@pytest.mark.once
@pytest.mark.slow
def test_on_a_dask_cluster_the_files_are_the_same(undisturbed, case):
    pytest.importorskip('dask.distributed', reason='Dask is optional and not installed here')
    assert main(arguments(case, case, runs=1) + ['--engine', 'dask']) == 0
    assert histories(case) == {'run_000.csv': run_path(undisturbed, 0).read_bytes()}


@pytest.mark.slow
def test_what_cannot_be_trained_is_said_before_anything_is_trained(begun, tmp_path):
    from Motivation import training
    settings = collect.read_settings(begun)._replace(dataset='simplednn_circle')
    with pytest.raises(UserError, match='x has rows of shape [(]2,[)]'):
        training.prepare(tmp_path, settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_process_that_begins_it_ends_with_the_sentence(tmp_path, monkeypatch, capsys):
    from Motivation import training
    monkeypatch.setattr(signal, 'signal', lambda *_: None)  # or Ctrl-C would not end the tests
    wanted = SETTINGS._replace(dataset='digits_image')
    assert training.main(collect.training_command(tmp_path, None, wanted)[3:]) == 2
    assert capsys.readouterr().err.startswith("error: --dataset is 'digits_image', whose rows")
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------- its parts

@pytest.mark.slow
@pytest.mark.parametrize('name, layers', [('relu20', 20), ('relu34', 34)])
def test_the_thesiss_models(name, layers):
    from Motivation.models import build_model
    model = build_model(name, 784, 10, seed=1)
    kinds = [type(layer).__name__ for layer in model.layers if 'Input' not in type(layer).__name__]
    assert kinds == ['Dense', 'Activation'] * layers + ['Dense']
    shapes = [weight.shape for weight in model.get_weights()]
    assert shapes == [(784, 128), (128,)] + [(128, 128), (128,)] * (layers - 1) + [
        (128, 10), (10,)]
    same = build_model(name, 784, 10, seed=1)
    assert all((a == b).all() for a, b in zip(model.get_weights(), same.get_weights()))


@pytest.mark.slow
def test_the_collection_saves_what_all_runs_start_from(tmp_path):
    from AutoTrainer import keras_bridge
    from Motivation import training
    training.prepare(tmp_path, SETTINGS)
    saved = keras_bridge.load_model(str(tmp_path / training.INITIAL_MODEL))
    assert saved.input_shape == (None, 64) and saved.output_shape == (None, 10)
    written = read_json(str(tmp_path / collect.SETTINGS_FILE))
    assert written['optimizer'] == {'class_name': 'Adam', 'config': {'learning_rate': 0.001}}
    assert written['batch_size'] == 32 and written['loss'] == 'categorical_crossentropy'
    assert written['steps_per_epoch'] == 45         # 1437 rows
    assert collect.read_settings(tmp_path) == SETTINGS


def test_seeds_differ_between_runs_and_between_collections():
    from Motivation.training import seed_of
    seeds = [seed_of(SETTINGS._replace(seed=seed), number)
             for seed in (0, 1) for number in (None, 0, 1, 2)]
    assert len(set(seeds)) == 8
    assert seed_of(SETTINGS, 1) == seed_of(SETTINGS, 1)


def test_a_training_whose_collection_is_gone_ends():
    from Motivation.training import EndWithParent
    EndWithParent(os.getppid()).on_epoch_end(0)
    with pytest.raises(SystemExit):
        EndWithParent(os.getppid() + 1).on_epoch_end(0)
