"""Interrupts runs over and over and goes on with them: ``python interrupts.py --signals 100``.

``reproduce.py`` trains a small model whose gradient vanishes, and repairs it. Every start gets one
SIGINT (as a terminal sends it: to all processes of the session) or SIGTERM at a random moment from
0.3 s on: importing, building, compiling, training, repairing, ending. It has to end with 130 or
143, in one line and without a traceback. The next start goes on with what it left, and is
interrupted itself; a start that comes to its end is no trial, its folder is compared with that of
an undisturbed run, and the next one begins anew. Prints one JSON object; exit code 1 for any fault,
which is shown on standard error.

    python tests/reliability/interrupts.py --signals 100 --seed 0 --kind INT
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
if sys.version_info >= (3, 10):
    os.environ.setdefault('KERAS_BACKEND', 'jax')

from killed_repair import remains  # noqa: E402

from AutoTrainer import keras_bridge  # noqa: E402
from AutoTrainer.record.reader import RunReader  # noqa: E402

CODES = {'INT': 130, 'TERM': 143}
CONFIG = {'optimizer': 'SGD', 'opt_kwargs': {'lr': 0.01}, 'batchsize': 64, 'epoch': 10,
          'loss': 'categorical_crossentropy', 'dataset': 'sequences'}
LONGEST = 300
"""Seconds after which a process that does not end is a fault."""


def write_model(place):
    """A stack of sigmoids, and how to train it. Returns the arguments that name them."""
    keras, layers = keras_bridge.keras, keras_bridge.keras.layers
    keras_bridge.set_seed(0)
    model = keras.Sequential(
        [keras.Input((12,)), layers.Embedding(12, 4), layers.Flatten()]
        + [layers.Dense(4, activation='sigmoid') for _ in range(10)]
        + [layers.Dense(2, activation='softmax')])
    path = os.path.join(place, 'model' + keras_bridge.MODEL_SUFFIX)
    keras_bridge.save_model(model, path)
    with open(os.path.join(place, 'config.json'), 'w') as file:
        json.dump(CONFIG, file)
    return ['-mp', path, '-cp', os.path.join(place, 'config.json')]


def takes_signals(process):
    """Whether a process has taken up its handlers; before that it is Python that starts."""
    try:
        with open('/proc/%d/status' % process.pid) as file:
            caught = [line.split()[1] for line in file if line.startswith('SigCgt')]
    except FileNotFoundError:  # a system without such files
        return True
    return bool(caught) and bool(int(caught[0], 16) >> (signal.SIGTERM - 1) & 1)


class Chain:
    """Starts, and what became of them.

    Args:
        place: an empty folder.
        seed: of the moments.
    """

    def __init__(self, place, seed):
        self.draw = random.Random(seed)
        self.folder = os.path.join(place, 'run')
        self.left = RunReader(self.folder)
        self.new = write_model(place)
        self.told = {'trials': dict.fromkeys(CODES, 0), 'wrong_exit_codes': 0, 'tracebacks': 0,
                     'failed_resumes': 0, 'runs_finished': 0,
                     'where': dict.fromkeys(['starting', 'first training', 'repair', 'end'], 0)}
        self.environment = dict(  # the same few functions are compiled in every process
            os.environ, JAX_COMPILATION_CACHE_DIR=os.path.join(place, 'compiled'),
            JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS='0',
            JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES='-1')
        self.stderr = os.path.join(place, 'stderr')
        self.undisturbed = self.seconds = None
        if self.start(None)[0] != 0:
            raise SystemExit('the undisturbed run fails:\n' + self.words())
        self.undisturbed = remains(self.folder)
        shutil.rmtree(self.folder)

    def words(self):
        with open(self.stderr, 'rb') as file:
            return file.read().decode('utf-8', 'replace')

    def start(self, kind):
        """Start a process, and interrupt it. Returns its exit code, and whether it got a signal."""
        what = (['--resume', self.folder] if self.left.is_begun
                else self.new + ['-rd', self.folder])
        began, is_new = time.time(), not self.left.is_begun
        with open(self.stderr, 'wb') as file:
            process = subprocess.Popen(
                [sys.executable, 'reproduce.py', '--checkpoint-seconds', '0'] + what,
                cwd=str(ROOT), env=self.environment, stdout=subprocess.DEVNULL, stderr=file,
                start_new_session=True)
        sent = False
        if kind is not None:
            while process.poll() is None and not (
                    takes_signals(process) and time.time() > began + 0.3):
                time.sleep(0.01)
            try:
                # most starts go on with a run, which is shorter than the whole of it
                process.wait(self.draw.uniform(0, 0.6 * self.seconds))
            except subprocess.TimeoutExpired:
                sent = True
                if kind == 'INT':
                    os.killpg(process.pid, signal.SIGINT)
                else:
                    process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if is_new and not sent:  # other work on the machine comes and goes
            self.seconds = time.time() - began
        return code, sent

    def trial(self, kind):
        """One start and what it has to leave."""
        resumed = self.left.is_begun
        code, sent = self.start(kind)
        words, result, over = self.words(), self.left.result(), self.left.is_finished
        faults = []
        if 'Traceback' in words:
            faults.append('tracebacks')
        if code == 0 and over:  # before the signal, or while it was ending
            self.told['runs_finished'] += 1
        else:
            self.told['trials'][kind] += 1
            self.told['where'][self.where(words, over)] += 1
            if not sent and resumed:
                faults.append('failed_resumes')
            elif code != CODES[kind] or not words.endswith('reproduce.py: interrupted\n'):
                faults.append('wrong_exit_codes')
            elif self.left.is_begun and result is None:
                faults.append('failed_resumes')
        if over and remains(self.folder) != self.undisturbed:
            faults.append('failed_resumes')
        for fault in faults:
            self.told[fault] += 1
        if faults:
            sys.stderr.write('%s: exit code %d after SIG%s (%s), status %s\n%s\n' % (
                ', '.join(faults), code, kind, 'sent' if sent else 'not sent',
                result and result['status'], words))
        if faults or over:
            shutil.rmtree(self.folder, ignore_errors=True)

    def where(self, words, over):
        """What a process was at when it was interrupted."""
        if over:
            return 'end'
        if 'going on' not in words and ' epochs' not in words:
            return 'starting'
        trained = any(event['event'] == 'training' for event in self.left.events())
        return 'repair' if trained else 'first training'


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--signals', type=int, default=100, help='of each kind (default 100)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--kind', choices=sorted(CODES), help='only this one')
    arguments = parser.parse_args()
    # a process that a shell has put into the background ignores it, and so would its children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as place:
        chain = Chain(place, arguments.seed)
        for kind in [arguments.kind] if arguments.kind else sorted(CODES):
            while chain.told['trials'][kind] < arguments.signals:
                chain.trial(kind)
    print(json.dumps(dict(chain.told, seconds_of_last_run=round(chain.seconds, 1))))
    return int(any(chain.told[fault] for fault in ('wrong_exit_codes', 'tracebacks',
                                                   'failed_resumes')))


if __name__ == '__main__':
    sys.exit(main())
