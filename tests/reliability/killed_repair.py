"""Kills a repair over and over and resumes it: ``python killed_repair.py FOLDER KILLS SEED``.

Not a test by itself: test_kill.py runs it in a process of its own, because it forks, which only
works while the backend has not been started. Every child resumes the repair in FOLDER/run and is
killed by SIGKILL at a random moment: half of them by the clock, half at the n-th write to the disk
(before it, in the middle of its bytes, or right after it). A child that lives to the end is
compared with an undisturbed repair, and the next one begins anew. Prints one JSON object.
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
import time

import numpy as np

from AutoTrainer import keras_bridge
from AutoTrainer.record import folder as records
from AutoTrainer.record import reader
from AutoTrainer.report.html import write_page
from AutoTrainer.utils import repair
from AutoTrainer.utils.utils import model_train

# Three to five trainings: one that fails, one that is an improvement, one that solves it, and one
# that is skipped because the callback is there already.
FEW_SOLUTIONS = {'vanish': ['bn_1', 'relu_1', 'selu_1'], 'not_converge': ['ReduceLR_1', 'lr_1'],
                 'unstable': ['ReduceLR_1', 'momentum_2']}


def dataset():
    draw = np.random.RandomState(0)
    classes = draw.randint(0, 3, 128)
    x = draw.randn(128, 2) + 4 * np.stack([np.cos(classes * 2.1), np.sin(classes * 2.1)], 1)
    y = np.eye(3)[classes]
    return {'x': x[:96], 'y': y[:96], 'x_val': x[96:], 'y_val': y[96:]}


def model():
    layers, keras = keras_bridge.keras.layers, keras_bridge.keras
    keras_bridge.set_seed(2)
    # names that are the same however many models the process has made: they are in the events
    stack = [layers.Dense(4, activation='sigmoid', name='hidden_%d' % i) for i in range(6)]
    if not keras_bridge.LEGACY:  # whose random state can be neither read nor set
        stack.append(layers.Dropout(0.1, name='dropped'))
    return keras.Sequential([keras.Input((2,))] + stack + [
        layers.Dense(3, activation='softmax', name='head')])


def train(folder, **changes):
    arguments = dict(
        model=model(), optimizer='SGD', loss='categorical_crossentropy', dataset=dataset(),
        iters=16, batch_size=32, save_dir=folder, seed=5, resume=True, checkpoint_seconds=0,
        callbacks=['ReduceLR', 'estop'],
        params={'beta_1': 0.6, 'beta_2': 0.35, 'Theta': 0.95, 'delta': 0.2})
    arguments.update(changes)
    return model_train(**arguments)


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_at_write(number, how):
    """Die at the n-th time that something is written, made to last, renamed or removed."""
    left = [number]

    def doomed():
        left[0] -= 1
        return left[0] == 0

    def wrapped(function):
        def call(*args, **kwargs):
            dying = doomed()
            if dying and how != 'after':
                die()
            result = function(*args, **kwargs)
            if dying:
                die()
            return result
        return call

    def append(self, line, fsync=False):
        if how == 'within' and left[0] == 1:
            self._file.write(line.encode('utf-8')[:len(line) // 2])
            self._file.flush()
            die()
        return real_append(self, line, fsync)

    real_append = wrapped(records.LineFile.append)
    records.LineFile.append = append
    for name in ('fsync', 'replace', 'unlink', 'truncate'):
        setattr(os, name, wrapped(getattr(os, name)))
    return left


def forked(folder, doom, live):
    """Fork; the child does what ``live`` does. Returns whether it came to its end.

    ``os._exit`` ends the child, which shares the parent's buffers and handlers; what it failed of
    is raised here.
    """
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            live()
            os._exit(0)
        except BaseException:
            import traceback
            with open(folder + '.error', 'w') as file:
                file.write(traceback.format_exc())
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    if os.path.exists(folder + '.error'):
        with open(folder + '.error') as file:
            raise AssertionError('after %s:\n%s' % (doom, file.read()))
    return status == 0


def child(folder, doom):
    """Fork; the child trains until it dies. Returns whether it lived to the end."""
    def live():
        kind, when, how = doom
        if kind == 'clock':
            threading.Thread(target=lambda: (time.sleep(when), die()), daemon=True).start()
        left = die_at_write(when if kind == 'write' else 10**9, how)
        train(folder)
        with open(folder + '.writes', 'w') as file:
            file.write(str(10**9 - left[0]))
    return forked(folder, doom, live)


def timeless(content):
    """A record without what a clock says and where its folder is."""
    if isinstance(content, dict):
        return {key: timeless(value) for key, value in content.items()
                if key not in ('model_path', 'time') and 'seconds' not in key}
    return [timeless(item) for item in content] if isinstance(content, list) else content


def remains(folder):
    """Everything that a run leaves behind, times aside."""
    found = {'result': timeless(reader.read_json(os.path.join(folder, 'result.json'))),
             'events': timeless(reader.read_events(os.path.join(folder, 'events.jsonl'))),
             'files': []}
    for place, _, names in os.walk(folder):
        found['files'].extend(sorted(os.path.relpath(os.path.join(place, n), folder)
                                     for n in names))
        if 'history.csv' in names:
            with open(os.path.join(place, 'history.csv')) as file:
                found[os.path.relpath(place, folder)] = file.read()
    found['files'].sort()
    return found


def main(place, kills, seed):
    draw = random.Random(seed)
    repair.STRATEGIES['balance'] = FEW_SOLUTIONS
    undisturbed, folder = os.path.join(place, 'undisturbed'), os.path.join(place, 'run')
    for _ in range(2):  # the second finds everything compiled, as those that follow do
        shutil.rmtree(undisturbed, ignore_errors=True)
        began = time.time()
        assert child(undisturbed, ('never', 0, ''))
        seconds = time.time() - began
    with open(undisturbed + '.writes') as file:
        writes = int(file.read())
    wanted, dooms, finished = remains(undisturbed), [], 0
    while len(dooms) < kills or os.path.exists(folder):
        doom = ('never', 0, '')
        if len(dooms) < kills:
            doom = (('clock', draw.uniform(0.05, 0.4) * seconds, '') if len(dooms) % 2 else
                    ('write', draw.randint(1, writes // 2), draw.choice(['before', 'within',
                                                                         'after'])))
        if not child(folder, doom):
            dooms.append(doom)
            if not reader.RunReader(folder).is_finished:
                continue
            write_page(folder)  # what ``autotrainer report`` does: nothing else was left to do
        found = remains(folder)
        for key in wanted:
            assert found[key] == wanted[key], 'after %s: %s\n%s\ninstead of\n%s' % (
                dooms, key, found[key], wanted[key])
        assert found.keys() == wanted.keys()
        finished += 1
        shutil.rmtree(folder)
    print(json.dumps({'kills': len(dooms), 'finished': finished, 'writes': writes,
                      'attempts': [a['status'] for a in wanted['result']['attempts']],
                      'status': wanted['result']['status']}))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
