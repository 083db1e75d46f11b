"""Kills a race over and over and goes on with it: ``python killed_race.py --kills 20 --jobs 2``.

Not a test by itself: test_race_killed.py runs it in a process of its own, because it forks, which
only works while the backend has not been started. Every child goes on with the race in one folder
and is killed by SIGKILL: by the clock, at the n-th write to the disk (before it, in the middle of
its bytes, or right after it), within a leg, when a leg is trained and not yet on record, or when
the winner's model is there and the result is not. No
process that trained for it may be left some seconds later. A child that lives to the end is
compared with an undisturbed race, the weights of its model bit by bit, and the next one begins
anew. Prints one JSON object.

    python tests/reliability/killed_race.py --kills 20 --seed 1 --jobs 2
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
if sys.version_info >= (3, 10):
    os.environ.setdefault('KERAS_BACKEND', 'jax')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from killed_repair import die, die_at_write, forked, timeless  # noqa: E402

from AutoTrainer import keras_bridge  # noqa: E402
from AutoTrainer.record import checkpoint, reader  # noqa: E402
from AutoTrainer.record.folder import RunFolder  # noqa: E402
from AutoTrainer.record.journal import Journal  # noqa: E402
from AutoTrainer.repairing import repair  # noqa: E402
from AutoTrainer.report.html import write_page  # noqa: E402

MARK = 'KILLED_RACE'
"""Environment variable that the processes of a race inherit."""
GONE_WITHIN = 60
"""Seconds within which they end after the one that began them; one may be starting."""


def rows():
    """Six clouds of points on a ring, of three classes in turn, far from zero and far too large."""
    draw = np.random.RandomState(0)
    clouds = draw.randint(0, 6, 200)
    x = draw.randn(200, 2) + 4 * np.stack([np.cos(clouds * 1.05), np.sin(clouds * 1.05)], 1)
    x, classes = (300 * x + 1000).astype('float32'), clouds % 3
    return x[:120], classes[:120], x[120:], classes[120:]


def model():
    """Two layers, compiled, with dropout where its random state can be saved."""
    layers, keras = keras_bridge.keras.layers, keras_bridge.keras
    keras_bridge.set_seed(2)
    # names that are the same however many models the process has made
    stack = [layers.Dense(6, activation='sigmoid', name='hidden')]
    if not keras_bridge.LEGACY:
        stack.append(layers.Dropout(0.1, name='dropped'))
    network = keras.Sequential([keras.Input((2,))] + stack + [
        layers.Dense(3, activation='softmax', name='head')])
    network.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return network


def train(folder, **changes):
    """A race in a folder, gone on with if it is there."""
    x, y, x_val, y_val = rows()
    return repair(model(), x, y, **dict(dict(
        validation_data=(x_val, y_val), epochs=8, batch_size=24, seed=5, budget=1.9,
        save_dir=folder, resume=True, checkpoint_seconds=0), **changes))


def remains(folder):
    """Result and events of a race, times aside."""
    run = reader.RunReader(folder)
    return {'result': timeless(run.result()), 'events': timeless(run.events())}


# ------------------------------------------------------------------------------------------ killing

def die_in_epoch(number):
    """Die at the beginning of the n-th epoch that this process trains."""
    left = [number]

    def begin(self, epoch, logs=None):
        left[0] -= 1
        if not left[0]:
            die()
        real(self, epoch, logs)
    real, checkpoint.SeedEpochs.on_epoch_begin = checkpoint.SeedEpochs.on_epoch_begin, begin


def die_unrecorded(number):
    """Die when the n-th leg has been trained and is not on record yet."""
    left = [number]

    def event(self, name, **told):
        left[0] -= name == 'leg'
        if not left[0]:
            die()
        real(self, name, **told)
    real, RunFolder.event = RunFolder.event, event


def die_handing_back():
    """Die when the model that is handed back has been written and the result has not."""
    def save(self, *given):
        real(self, *given)
        die()
    real, Journal.save_best_model = Journal.save_best_model, save


def doomed(doom):
    """Have this process die as it is to."""
    kind, when, how = doom
    if kind == 'clock':
        threading.Thread(target=lambda: (time.sleep(when), die()), daemon=True).start()
    elif kind == 'epoch':
        die_in_epoch(when)
    elif kind == 'unrecorded':
        die_unrecorded(when)
    elif kind == 'handing back':
        die_handing_back()
    return die_at_write(when if kind == 'write' else 10**9, how)


def child(folder, doom, jobs):
    """Fork; the child goes on with the race until it dies. Returns whether it lived to the end."""
    mark = '%d-%f' % (os.getpid(), time.time())

    def live():
        os.environ[MARK] = mark
        left = doomed(doom)
        done = train(folder, jobs=jobs)
        np.savez(folder + '.npz', *done.model.get_weights())
        with open(folder + '.writes', 'w') as file:
            file.write(str(10**9 - left[0]))
    return forked(folder, doom, live), most_left(mark)


def left_of(mark):
    """How many processes there are of a race."""
    count = 0
    for process in psutil.process_iter():
        try:
            count += (process.status() != psutil.STATUS_ZOMBIE
                      and process.environ().get(MARK) == mark)
        except psutil.Error:
            continue
    return count


def most_left(mark):
    """Processes that outlived the one that began them; sees that all end.

    Raises:
        AssertionError: if one does not.
    """
    began, found = time.time(), left_of(mark)
    while left_of(mark):
        assert time.time() < began + GONE_WITHIN, '%d processes are left' % left_of(mark)
        time.sleep(0.1)
    return found


def compile_in(folder):
    """Keep what JAX compiles in a folder of its own: the killed leave half of what they write."""
    settings = {'jax_compilation_cache_dir': folder,
                'jax_persistent_cache_min_compile_time_secs': 0}
    os.environ.update((name.upper(), str(value)) for name, value in settings.items())
    if keras_bridge.backend() == 'jax':
        import jax
        for name, value in settings.items():
            jax.config.update(name, value)


def weights(folder):
    with np.load(folder + '.npz') as arrays:
        return [arrays[name] for name in arrays.files]


def main(place, kills, seed, jobs):
    """Kill so many times and tell of it."""
    compile_in(os.path.join(place, 'compiled'))
    draw = random.Random(seed)
    undisturbed, folder = os.path.join(place, 'undisturbed'), os.path.join(place, 'run')
    kinds = ['epoch', 'write', 'handing back', 'clock', 'unrecorded'] if jobs == 1 else [
        'unrecorded', 'clock', 'write', 'handing back']
    by_clock = 'clock' in kinds[:kills]
    # with JAX the second finds everything compiled, as those that follow do
    for _ in range(1 + (by_clock and keras_bridge.backend() == 'jax')):
        shutil.rmtree(undisturbed, ignore_errors=True)
        began = time.time()
        assert child(undisturbed, ('never', 0, ''), jobs)[0]
        seconds = time.time() - began
    with open(undisturbed + '.writes') as file:
        writes = int(file.read())
    wanted, wanted_weights = remains(undisturbed), weights(undisturbed)
    legs = [event for event in wanted['events'] if event['event'] == 'leg']
    epochs = sum(racer['epochs'] for racer in wanted['result']['race']['candidates'])
    dooms, finished, orphans = [], 0, 0
    while len(dooms) < kills or os.path.exists(folder):
        doom = ('never', 0, '')
        if len(dooms) < kills:
            kind = kinds[len(dooms) % len(kinds)]
            doom = (kind, {
                'clock': draw.uniform(0.05, 0.8) * seconds,
                'write': draw.randint(1, writes * 2 // 3),
                'unrecorded': draw.randint(1, max(1, len(legs) // 3)),
                'epoch': draw.randint(1, max(1, epochs // 3)), 'handing back': 0}[kind],
                draw.choice(['before', 'within', 'after']) if kind == 'write' else '')
        lived, outlived = child(folder, doom, jobs)
        orphans += outlived
        if not lived:
            dooms.append(doom)
            if not reader.RunReader(folder).is_finished:
                continue
            write_page(folder)  # what ``autotrainer report`` does: nothing else was left to do
        found = remains(folder)
        for key in wanted:
            assert found[key] == wanted[key], 'after %s: %s\n%s\ninstead of\n%s' % (
                dooms, key, found[key], wanted[key])
        for mine, theirs in zip(weights(folder) if lived else (), wanted_weights):
            assert mine.dtype == theirs.dtype and mine.tobytes() == theirs.tobytes(), dooms
        finished += 1
        shutil.rmtree(folder)
    return {'kills': len(dooms), 'finished': finished, 'writes': writes, 'legs': len(legs),
            'kinds': {kind: [doom[0] for doom in dooms].count(kind) for kind in kinds},
            'outlived_for_a_moment': orphans, 'status': wanted['result']['status'],
            'candidates': len(wanted['result']['race']['candidates']),
            'seconds_of_one': round(seconds, 1)}


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--place', help='folder to work in; default one that is removed')
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(main(given.place or temporary, given.kills, given.seed, given.jobs)))
