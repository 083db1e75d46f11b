"""Damaged files by the thousand: ``python fuzz.py [--seconds S] [--least N] [--seed K]``.

Every reader of the project is given files with flipped, lost, doubled and foreign bytes, and texts
whose values were traded for hostile ones. A reader may accept a file or refuse it with a UserError.
Anything else is a fault: another exception, the death of the process, a reader that hangs.
Prints the counts as JSON and ends with 1 on a fault or if fewer than N files were tried;
``--only INDEX`` tries a single file again and shows what happens.

A second process watches the first, because a C library can hang or die where Python cannot see it.
"""

import argparse
import collections
import contextlib
import json
import os
import pickle
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault('KERAS_BACKEND', 'jax')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

LONGEST = 25.0
"""Seconds that reading a file may take at the most. A model file that the HDF5 library cannot end
reading is given up after ten."""

CONFIG = {'optimizer': 'SGD', 'opt_kwargs': {'lr': 0.01, 'momentum': 0.9, 'nesterov': True},
          'batchsize': 32, 'epoch': 200, 'loss': 'categorical_crossentropy',
          'dataset': 'simplednn_blob', 'callbacks': ['estop', 'ReduceLR']}
HISTORY = 'epoch,loss,accuracy,val_loss,val_accuracy\n' + ''.join(
    '%d,%r,%r,,\n' % (i, 1 / i, 1 - 1 / i) for i in range(1, 9))
OUTCOME = {'issues': ['vanish'], 'reason': 'because', 'epoch': 3, 'epochs': 3, 'val_accuracy': 0.3,
           'score': 0.3, 'checks': 1, 'probes': 1, 'train_seconds': 1.5, 'check_seconds': 0.25}
ATTEMPT = {'number': 1, 'solution': 'selu', 'try': 1, 'status': 'solved', 'issue': None,
           'description': 'as told', 'val_accuracy': 0.9, 'epochs': 3, 'seconds': 0.5}
EVENTS = [
    {'event': 'check', 'epoch': 3, 'issues': ['vanish'], 'reason': 'because', 'features': [],
     'time': 1700000000.125},
    {'event': 'training', 'number': 0, 'outcome': OUTCOME},
    dict(ATTEMPT, event='attempt', outcome=dict(OUTCOME, issues=[]))]
OWN = {'issues': {'plateau': {'words': 'it stands', 'meaning': '', 'advice': 'go on'}},
       'solutions': {'push': 'pushes'}}
RESULT = {
    'schema_version': 1, 'status': 'improved', 'initial_issue': 'vanish', 'issues': ['vanish'],
    'reason': 'vanish: because', 'reasons': {'vanish': 'because'}, 'detected_epoch': 3,
    'total_epochs': 9, 'checks': 2, 'solution': 'selu', 'accuracy': {'before': 0.5, 'after': 0.75},
    'attempts': [dict(ATTEMPT, status='potential', issue='unstable'),
                 dict(ATTEMPT, status='failed', issue='plateau'), ATTEMPT,
                 dict(ATTEMPT, status='error', traceback='ValueError: no', number=2)], 'own': OWN}
FACTS = {'settings': CONFIG, 'config': CONFIG, 'versions': {'backend': 'jax'},
         'dirs': {'log_dir': 'log', 'new_issue_dir': None}, 'own': OWN}
HOSTILE = [None, True, False, 0, -1, 1, 2 ** 63, -2 ** 200, 10 ** 400, 0.5, -0.0, 1e308, 5e-324, '',
           'x', 'relu', '\0', '\ud800', 'ü' * 300, '../../etc', [], {}, [[]], {'': {}}, [None] * 50,
           float('nan'), float('inf')]


def deep(draw):
    """A value nested deeper than a recursive reader can follow, now and then only a little."""
    value = draw.choice(HOSTILE)
    for _ in range(draw.choice([1, 3, 50, 2000])):
        value = [value] if draw.random() < 0.5 else {'config': value}
    return value


def other_value(tree, draw):
    """The same tree with one value, or the name of one, traded for a hostile one."""
    if isinstance(tree, dict) and tree and draw.random() < 0.85:
        key = draw.choice(sorted(tree))
        changed = dict(tree)
        value = changed.pop(key)
        what = draw.random()
        if what < 0.1:  # lost
            return changed
        if what < 0.2:  # under another name
            key = draw.choice(['', 'name', 'config', key + 'x', key.upper()])
        changed[key] = other_value(value, draw)
        return changed
    if isinstance(tree, list) and tree and draw.random() < 0.85:
        place = draw.randrange(len(tree))
        return tree[:place] + [other_value(tree[place], draw)] + tree[place + draw.randint(0, 1):]
    return deep(draw) if draw.random() < 0.15 else draw.choice(HOSTILE)


def dumps(tree):
    """JSON of any tree, however deep (json.dumps gives up too early)."""
    closing, waiting, text = object(), [tree], []
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple) and item and item[0] is closing:
            text.append(item[1])
        elif isinstance(item, dict) and item:
            text.append('{')
            parts = []
            for key, value in item.items():
                parts += [(closing, ',' if parts else ''), (closing, json.dumps(key) + ':'), value]
            waiting += [(closing, '}')] + parts[::-1]
        elif isinstance(item, list) and item:
            text.append('[')
            parts = []
            for value in item:
                parts += [(closing, ',' if parts else ''), value]
            waiting += [(closing, ']')] + parts[::-1]
        else:
            text.append(json.dumps(item))
    return ''.join(text).encode('utf-8')


def damage(content, draw):
    """The same bytes, with some of them flipped, lost, doubled, moved or made up."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 2, 5, 20])):
        size = len(content)
        place, length = draw.randrange(size + 1), draw.choice([1, 1, 2, 8, 64, 1000])
        what = draw.randrange(7)
        if what == 0 and size:
            content[place % size] ^= 1 << draw.randrange(8)
        elif what == 1:
            del content[place:]
        elif what == 2:
            del content[place:place + length]
        elif what == 3:
            content[place:place] = bytes(draw.randrange(256) for _ in range(min(length, 64)))
        elif what == 4:
            content[place:place] = content[place:place + length]
        elif what == 5:
            content[place:place + length] = bytes([draw.choice([0, 255])]) * length
        elif size:
            content[place % size] = draw.randrange(256)
    return bytes(content)


class Readers:
    """The readers under test, and how a file for each is made and damaged.

    Args:
        folder: for the files.
    """

    def __init__(self, folder):
        from AutoTrainer import keras_bridge
        from AutoTrainer.errors import UserError
        from AutoTrainer.intake import config
        from AutoTrainer.record import checkpoint, journal, reader
        from AutoTrainer.record import folder as records
        from AutoTrainer.report import text
        self.refusal = UserError
        self.folder = folder
        self.bridge, self.checkpoint, self.journal = keras_bridge, checkpoint, journal
        self.records, self.reader, self.text = records, reader, text
        self.arrays, self.models = self._make()
        self.kinds = [  # name, share, damage, read
            # models last: each is read by a process of its own, which takes a quarter of a second
            ('config.json', 30, lambda d: self._json(CONFIG, d), config.read_config),
            ('config.pkl', 30, self._pickle, config.read_config),
            ('result.json', 15, lambda d: self._json(RESULT, d), self._read_result),
            ('run.json', 5, lambda d: self._json(FACTS, d),
             lambda path: reader.RunReader(self.folder).facts()),
            ('history.csv', 20, lambda d: damage(HISTORY.encode(), d), reader.read_history),
            ('events.jsonl', 20, self._events, self._read_journal),
            ('checkpoint.npz', 10, lambda d: damage(self.arrays, d),
             lambda path: checkpoint.read_checkpoint(os.path.dirname(path))),
        ] + [(name, 0.3, lambda d, name=name: self._model(name, d), keras_bridge.load_model)
             for name in self.models]

    def _make(self):
        import numpy as np
        bridge, keras = self.bridge, self.bridge.keras
        layers = keras.layers
        bridge.set_seed(1)
        dense = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 2), layers.Flatten(),
                                  layers.BatchNormalization(), layers.Dense(3, 'softmax')])
        word = keras.Input((5,))
        branch = layers.Embedding(7, 2)(word)
        branch = layers.Add()([layers.LSTM(3)(branch), layers.GRU(3)(branch)])
        words = keras.Model(word, layers.Dense(2, 'softmax')(branch))
        self.checkpoint.write_checkpoint(self._path('checkpoint.npz'), self.checkpoint.Saved(
            3, {'history': {'loss': [1.0]}}, ['{}'], 1.5, [np.eye(3), np.arange(4)],
            [{'wait': 3, 'best': float('inf'), 'best_weights': [np.eye(2)]}]))
        models = {}
        for name, model in (('dense', dense), ('words', words)):
            for suffix in ('.h5',) if bridge.LEGACY else ('.h5', '.keras'):
                path = self._path(name + suffix)
                model.save(path)
                models[name + suffix] = self._content(path)
        return self._content(self._path('checkpoint.npz')), models

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _content(path):
        with open(path, 'rb') as file:
            return file.read()

    @staticmethod
    def _json(tree, draw):
        return damage(dumps(tree), draw) if draw.random() < 0.3 else dumps(other_value(tree, draw))

    @staticmethod
    def _pickle(draw):
        protocol = draw.randint(0, 4)
        try:
            whole = pickle.dumps(other_value(CONFIG, draw) if draw.random() < 0.7 else CONFIG,
                                 protocol)
        except RecursionError:
            whole = pickle.dumps(CONFIG, protocol)
        return damage(whole, draw) if draw.random() < 0.7 else whole

    @staticmethod
    def _events(draw):
        if draw.random() < 0.4:
            return damage(b''.join(dumps(event) + b'\n' for event in EVENTS), draw)
        return b''.join(dumps(event) + b'\n' for event in [
            other_value(event, draw) if draw.random() < 0.5 else event for event in EVENTS])

    def _read_result(self, path):
        """Read a result and show it as the command line does."""
        run = self.reader.RunReader(self.folder)
        result = run.result()
        if run.is_finished:
            json.dumps(result, ensure_ascii=False).encode('utf-8')
            self.text.summary(result, 'folder').encode('utf-8')

    def _read_journal(self, path):
        """Read the events and take from them what a reader and a resumed run would."""
        self.reader.read_events(path)
        for name in ('result.json', 'history.csv'):  # of another file that was read before
            if os.path.exists(self._path(name)):
                os.unlink(self._path(name))
        with contextlib.suppress(self.refusal):  # what the journal looks at can be whole
            self.reader.RunReader(self.folder).attempts()
        run = self.records.RunFolder(os.path.dirname(path))
        try:
            journal = self.journal.Journal(run, None, None, True)
            for number in (0, 1):
                journal._recorded(number, run.path)
        finally:
            run.close()

    def _model(self, name, draw):
        """A model file: damaged as it is, or whole around a damaged configuration."""
        whole, path = self.models[name], self._path('whole_' + name)
        if draw.random() < 0.5:
            return damage(whole, draw)
        with open(path, 'wb') as file:
            file.write(whole)
        if name.endswith('.keras'):
            with zipfile.ZipFile(path) as archive:
                parts = {entry: archive.read(entry) for entry in archive.namelist()}
            parts['config.json'] = self._json(json.loads(parts['config.json'].decode()), draw)
            if draw.random() < 0.1:
                del parts[draw.choice(sorted(parts))]
            with zipfile.ZipFile(path, 'w') as archive:
                for entry, content in parts.items():
                    archive.writestr(entry, content)
        else:
            import h5py
            with h5py.File(path, 'r+') as file:
                config = file.attrs['model_config']
                changed = self._json(json.loads(config), draw).replace(b'\0', b'0')
                try:
                    file.attrs['model_config'] = changed
                except (OSError, RuntimeError, ValueError):  # too long for an attribute
                    file.attrs['model_config'] = changed[:60000]
        return self._content(path)

    def one(self, seed, index):
        """Make, damage and read one file.

        Returns:
            Its kind, and ``'accepted'``, ``'refused'`` or the traceback of a fault.
        """
        draw = random.Random('%s %s' % (seed, index))
        name, _, make, read = draw.choices(self.kinds, [share for _, share, _, _ in self.kinds])[0]
        path = self._path(name)
        with open(path, 'wb') as file:
            file.write(make(draw))
        try:
            read(path)
        except self.refusal as error:
            text = str(error)
            return name, 'refused' if '\n' not in text and len(text) < 2000 else (
                'no single short sentence: %r' % text[:3000])
        except BaseException:
            return name, traceback.format_exc()
        return name, 'accepted'


def work(seed, start, step):
    """The process that reads: a line of JSON before each file, its index, and one after it."""
    folder = tempfile.mkdtemp()
    try:
        readers = Readers(folder)
        out = os.fdopen(os.dup(1), 'w')
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not step:
            print(readers.one(seed, start)[1], file=out, flush=True)
            return
        index = start
        while True:
            print(json.dumps([index]), file=out, flush=True)
            print(json.dumps((index,) + readers.one(seed, index)), file=out, flush=True)
            index += step
    finally:
        shutil.rmtree(folder)


class Worker:
    """The reading process, as seen by the one that watches it.

    Args:
        seed: of the damage.
        start: index of the first file.
    """

    def __init__(self, seed, start):
        self.process = subprocess.Popen(
            [sys.executable, __file__, '--work', str(start), '--seed', str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lines = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line.decode('utf-8')))
        self.lines.put(None)

    def stop(self):
        try:
            return self.process.wait(0.2)  # if it has died by itself
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def watch(seconds, least, seed):
    """Let files be read for so long; returns the counts and whether all is well."""
    counts, faults, hangs = collections.Counter(), [], 0
    began = None
    index, worker, reading = 0, Worker(seed, 0), False
    while began is None or time.monotonic() - began < seconds:
        try:
            line = worker.lines.get(timeout=LONGEST if reading else 60)
        except queue.Empty:
            hangs += 1
            faults.append((index, 'longer than %g s' % LONGEST))
            line = None
        began = began or time.monotonic()  # to import Keras takes seconds, more on a busy machine
        if line is None:
            status = worker.stop()
            if not faults or faults[-1][0] != index:
                faults.append((index, 'the process ended with status %s' % status))
            counts['faults'] += 1
            index += 1
            worker, reading = Worker(seed, index), False
        elif len(line) == 1:
            index, reading = line[0], True
        else:
            _, kind, verdict = line
            known = verdict in ('accepted', 'refused')
            counts['files'] += 1
            counts[kind] += 1
            counts[verdict if known else 'faults'] += 1
            if not known:
                faults.append((index, verdict))
    worker.stop()
    print(json.dumps(dict(sorted(counts.items()), hangs=hangs, seed=seed,
                          seconds=round(time.monotonic() - began, 1)), indent=1))
    for index, fault in faults[:5]:
        print('file %d (again: --seed %s --only %d):\n%s' % (index, seed, index, fault),
              file=sys.stderr)
    return not faults and counts['files'] >= least


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--least', type=int, default=5000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--only', type=int)
    parser.add_argument('--work', type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only is not None:
        work(arguments.seed, arguments.only, 0)
    elif arguments.work is not None:
        work(arguments.seed, arguments.work, 1)
    else:
        return 0 if watch(arguments.seconds, arguments.least, arguments.seed) else 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
