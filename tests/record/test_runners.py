"""Who trains the legs of a race: whoever it is, what comes back is the same."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import psutil
import pytest

from AutoTrainer import interrupts, keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.judge.exam import exam_of
from AutoTrainer.judge.reference import Target
from AutoTrainer.record import runners
from AutoTrainer.record.folder import RecordError
from AutoTrainer.record.legs import DIED, Course, Stretch
from AutoTrainer.record.runners import read_frame, runner_of, write_frame
from AutoTrainer.solutions.candidate import Candidate, Training

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'reliability'))
import killed_race  # noqa: E402

keras = keras_bridge.keras
layers = keras.layers
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(60, 3).astype('float32')
Y = (X[:, 0] > 0).astype('int64')
HERE = os.getpid()


def course():
    return Course(exam_of(X[40:], [Target(Y[40:], Y[40:], 'binary', 1)], np.arange(20)), 4)


def candidate(loss='binary_crossentropy', units=4):
    keras_bridge.set_seed(3)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(units, activation='relu', name='a'),
                              layers.Dense(1, activation='sigmoid', name='b')])
    return Candidate(keras_bridge.take_blueprint(model), Training(
        keras_bridge.optimizer_config('SGD'), loss, 20, 4, (),
        {'x': X[:40], 'y': Y[:40], 'x_val': X[40:], 'y_val': Y[40:]}, ()))


def stretches(folder, entered, until=2):
    found = []
    for number, one in enumerate(entered):
        place = folder / str(number)
        place.mkdir(parents=True, exist_ok=True)
        found.append(Stretch(str(place), one, until, tuple(range(1, until + 1))))
    return found


def timeless(legs):
    return [leg._replace(seconds=0) for leg in legs]


def at_work():
    """Processes that train for this one."""
    return [process for process in psutil.Process().children()
            if process.status() != psutil.STATUS_ZOMBIE
            and 'AutoTrainer.record.worker' in process.cmdline()]


def one_sentence(error):
    return '\n' not in str(error) and len(str(error)) < 400


# ------------------------------------------------------------------------------------- the same

@pytest.fixture(scope='module')
def alone(tmp_path_factory):
    """A race whose candidates were trained by this process."""
    folder = str(tmp_path_factory.mktemp('alone') / 'run')
    return killed_race.train(folder), killed_race.remains(folder)


def as_alone(alone, folder, **how):
    """See that a race which others train comes to the same; returns its model."""
    done = killed_race.train(folder, **how)
    assert killed_race.remains(folder) == alone[1]
    for mine, theirs in zip(done.model.get_weights(), alone[0].model.get_weights()):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.slow
def test_two_processes_come_to_the_same(alone, tmp_path):
    as_alone(alone, str(tmp_path / 'run'), jobs=2)
    assert len(alone[0].result['race']['candidates']) >= 3


@pytest.fixture(scope='module')
def cluster():
    """A client of two processes of this machine."""
    distributed = pytest.importorskip('distributed', reason='Dask is an optional dependency')
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                                  dashboard_address=None) as there:
        with distributed.Client(there) as client:
            yield client


@pytest.mark.once
@pytest.mark.slow
def test_a_dask_cluster_comes_to_the_same(alone, tmp_path, cluster):
    as_alone(alone, str(tmp_path / 'run'), engine='dask')


# ------------------------------------------------------------------------------- a worker that dies

def deadly(y, given):
    """A loss under which every process dies but that of the tests."""
    if os.environ.get('TESTS_RUN_IN', str(HERE)) != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    return keras.losses.binary_crossentropy(y, given)


def too_large(y, given):
    raise MemoryError('no room')


@pytest.mark.once
@pytest.mark.slow
def test_processes_that_die_cost_their_candidates_only_and_none_is_left(tmp_path, monkeypatch):
    """By one pair of processes, since to begin one takes longest."""
    monkeypatch.setenv('TESTS_RUN_IN', str(HERE))
    entered = [candidate(), candidate(deadly), candidate(units=5), candidate(too_large),
               candidate(units=6)]
    with runner_of(course()) as train:
        wanted = [list(train(stretches(tmp_path / 'alone', entered, until))) for until in (2, 4)]
    with runner_of(course(), jobs=2) as train:
        found = list(train(stretches(tmp_path / 'two', entered)))
        for process in at_work():
            process.kill()
        later = list(train(stretches(tmp_path / 'two', entered, 4)[2:4]))  # one in each
        again = list(train(stretches(tmp_path / 'two', entered, 4)[::4]))
        # the rest is not wanted any more, while it is trained
        answers = train(stretches(tmp_path / 'left', entered[::2]))
        assert next(answers).epochs == 2
        answers.close()
        there = at_work()
        assert there
    assert not any(process.is_running() for process in there)
    assert found[1].ended == DIED and found[1][:2] == (0, ())
    assert found[1].said == 'the process that trained it has died'
    assert found[3].ended == 'broke down' and 'MemoryError: no room' in found[3].said
    assert timeless(found)[::2] == timeless(wanted[0])[::2]
    assert timeless(again) == timeless(wanted[1])[::4]  # by a process begun anew
    # who dies later keeps what it had shown
    assert {leg.ended for leg in later} == {DIED}
    assert later[0].looks == found[2].looks and later[0].epochs == 2


@pytest.mark.once
@pytest.mark.slow
def test_a_worker_of_a_cluster_that_dies_costs_its_candidate_only(tmp_path, cluster, monkeypatch):
    entered = [candidate(), candidate(deadly), candidate(units=5)]
    monkeypatch.setenv('TESTS_RUN_IN', str(HERE))
    with runner_of(course()) as train:
        wanted = list(train(stretches(tmp_path / 'alone', entered)))
    assert cluster.run(lambda: os.environ.update(TESTS_RUN_IN='elsewhere'))
    with runner_of(course(), engine='dask') as train:
        found = list(train(stretches(tmp_path / 'dask', entered)))
    assert found[1].ended == DIED
    assert timeless(found)[::2] == timeless(wanted)[::2]


def test_a_signal_ends_the_wait(tmp_path, monkeypatch):
    """For an answer that takes as long as it likes."""
    def interrupted():
        raise KeyboardInterrupt
    monkeypatch.setattr(runners._Processes, '_ask', lambda *given: threading.Event().wait(1))
    with pytest.raises(KeyboardInterrupt):
        with runner_of(course(), jobs=2) as train:
            monkeypatch.setattr(interrupts, 'honour', interrupted)
            list(train(stretches(tmp_path, [candidate()])))


# ----------------------------------------------------------------------- whatever program begins it

PROGRAM = '''
import json, os, sys
import numpy as np
from AutoTrainer import keras_bridge
from AutoTrainer.repairing import repair
keras = keras_bridge.keras
registered = (keras.utils if keras_bridge.LEGACY else keras.saving).register_keras_serializable

@registered('mine')
class Loud(keras.layers.Layer):
    def call(self, x):
        print('a layer of its own')
        os.write(1, b'at the top of its voice')
        return x * 1.0

draw = np.random.RandomState(0)
x = (1000 * draw.randn(60, 3) + 3000).astype('float32')
y = (x[:, 0] > 3000).astype('int64')
keras_bridge.set_seed(0)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation='sigmoid'), Loud(),
                          keras.layers.Dense(1, activation='sigmoid')])
model.compile('sgd', 'binary_crossentropy', metrics=['accuracy'])
done = repair(model, x[:40], y[:40], validation_data=(x[40:], y[40:]), epochs=8, batch_size=20,
              budget=1.0, jobs=2)
with open(sys.argv[1], 'w') as file:
    json.dump(done.result, file)
'''


@pytest.mark.once
@pytest.mark.slow
def test_a_program_without_a_guard_whose_layers_are_its_own_and_print(tmp_path):
    (tmp_path / 'program.py').write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(tmp_path / 'program.py'), str(tmp_path / 'result')],
                          env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')[-3000:]
    race = json.loads((tmp_path / 'result').read_text())['race']
    assert len(race['candidates']) >= 2
    assert not {'broke down', DIED} & {racer['ended'] for racer in race['candidates']}
    assert b'a layer of its own' in done.stderr  # of a worker; what it prints is no answer


@pytest.mark.slow
def test_a_subclassed_model_stays_here(tmp_path, caplog):
    with runner_of(course(), jobs=2, is_graph=False) as train:
        leg, = train(stretches(tmp_path, [candidate()]))
    assert leg.epochs == 2 and 'one object for all candidates' in caplog.text


# ----------------------------------------------------------------------------- what cannot be sent

def test_what_cannot_be_pickled_is_told(tmp_path):
    lock = threading.Lock()

    def locked(y, given):
        with lock:
            return given
    with runner_of(course(), jobs=2) as train, pytest.raises(
            UserError, match=r'cannot be sent to another process \(.*leave out jobs') as caught:
        list(train(stretches(tmp_path, [candidate(locked)])))
    assert one_sentence(caught.value)


def test_callbacks_are_not_sent(tmp_path):
    """No leg calls them: it does not matter what they hold."""
    entered = candidate()
    entered = entered._replace(training=entered.training._replace(callbacks=(threading.Lock(),)))
    assert runners._sent(stretches(tmp_path, [entered])[0])


@pytest.fixture
def registered():
    """Registers something with Keras for the time of a test."""
    def add(**objects):
        names.update(objects)
        keras_bridge.register(objects)
    names = set()
    yield add
    for name in names:
        (keras.utils if keras_bridge.LEGACY else keras.saving).get_custom_objects().pop(name, None)


def test_what_is_registered_goes_along(registered):
    registered(mine=deadly)
    packed = runners._packed(course())
    registered(mine=None)
    assert runners.unpacked(packed).seed == 4
    assert keras_bridge.custom_objects()['mine'] is deadly


def test_what_is_registered_and_cannot_go_along_is_told_before_anything_is_trained(registered):
    registered(mine=threading.Lock())
    with pytest.raises(UserError, match='cannot be sent to another process'):
        with runner_of(course(), jobs=2):
            raise AssertionError('it was begun')


def test_what_is_not_found_there_is_told(tmp_path, monkeypatch):
    """A loss of a module that only the sending process has."""
    module = types.ModuleType('made_up_here')
    exec('def loss(y, given):\n    return given', module.__dict__)
    monkeypatch.setitem(sys.modules, 'made_up_here', module)
    sent = runners._sent(stretches(tmp_path, [candidate(module.loss)])[0])
    monkeypatch.delitem(sys.modules, 'made_up_here')
    trainer = runners.trainer_of(runners._packed(course()))
    with pytest.raises(
            UserError, match='cannot be made in another process .*made_up_here') as caught:
        runners._as_leg(runners.answer_of(trainer, sent))
    assert one_sentence(caught.value)


def test_a_record_that_fails_there_ends_the_race_here():
    def refused(stretch):
        raise RecordError('the disk is full')
    with pytest.raises(RecordError, match='the disk is full'):
        runners._as_leg(runners.answer_of(lambda: refused, runners._as_bytes(None)))


# -------------------------------------------------------------------------------------- no cluster

@pytest.mark.parametrize('installed, message', [
    (True, 'is no client of a Dask cluster'), (False, 'distributed is not installed')])
def test_no_cluster_is_told(monkeypatch, installed, message):
    """Before anything is trained, and with the way out."""
    if installed:
        def no_client():
            raise ValueError('no client')
        monkeypatch.setitem(sys.modules, 'distributed',
                            types.SimpleNamespace(get_client=no_client))
    else:
        monkeypatch.setitem(sys.modules, 'distributed', None)
    with pytest.raises(UserError, match="engine is 'dask', but .*%s.*jobs=N" % message) as caught:
        with runner_of(course(), engine='dask'):
            raise AssertionError('it was begun')
    assert one_sentence(caught.value)


# ------------------------------------------------------------------------------------------ frames

@pytest.mark.parametrize('content', [b'', b'\n', bytes(range(256)) * 5000])
def test_frames_hold_any_bytes(content):
    stream = io.BytesIO()
    write_frame(stream, content)
    write_frame(stream, b'next')
    stream.seek(0)
    assert read_frame(stream) == content and read_frame(stream) == b'next'
    with pytest.raises(EOFError):
        read_frame(stream)


@pytest.mark.once
@pytest.mark.slow
def test_a_worker_that_hears_nonsense_ends_and_says_so():
    """It must not wait for a leg that it has not heard, while somebody waits for its answer."""
    worker = subprocess.Popen([sys.executable, '-m', 'AutoTrainer.record.worker'],
                              cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    said = worker.communicate(b'\xff' * 8)[1].decode()
    assert worker.returncode == 1 and 'Error' in said


@pytest.mark.parametrize('kept', [0, 3, 8, 11])
def test_a_torn_frame_is_the_end(kept):
    stream = io.BytesIO()
    write_frame(stream, b'four')
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(stream.getvalue()[:kept]))
