"""Say in one screen whether a planned study can run here, and how long: ``… -m Motivation.doctor``.

The thesis's stack, TensorFlow 2.3, takes a card only through the libraries that it was built for:
CUDA 10.1 and cuDNN 7.6. They are looked for as TensorFlow does it, by their file names, and asked
for their versions. Nothing here raises: what cannot be found out is an answer too.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from AutoTrainer.data import files
from AutoTrainer.errors import first_line

from .collect import count, duration

CUDA_LIBRARIES = ('libcudart.so.10.1', 'libcublas.so.10', 'libcufft.so.10', 'libcurand.so.10',
                  'libcusolver.so.10', 'libcusparse.so.10')
"""What TensorFlow 2.3 opens of CUDA 10.1; it takes no card if one is missing."""

CUDNN_LIBRARY = 'libcudnn.so.7'
"""What it opens of cuDNN; it was built with 7.6."""

MNIST_ROWS = (60000, 10000)
"""Rows that are trained on and validated on in the thesis's study."""

BATCH = 32
"""Rows per step there."""

STEPS = 10
"""Steps that are measured."""

FORWARD_SHARE = 1 / 3
"""A batch that is only validated, as a share of a training step: forward, and no way back."""


class Answer(NamedTuple):
    """One line of the screen.

    Attributes:
        question: what was asked.
        ok: yes or no; None where the answer is neither.
        found: what was found.
        do: what to do about a "no"; may be empty.
    """

    question: str
    ok: Optional[bool]
    found: str
    do: str = ''


# ------------------------------------------------------------------------------------- libraries

def open_library(name: str) -> Any:
    """A shared library by its file name, found as the loader does; None if it is not found."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def path_of(name: str) -> str:
    """Where a library that is open lies; '' if that cannot be told."""
    try:
        with open('/proc/self/maps') as maps:
            return next((line.split(None, 5)[5].strip() for line in maps
                         if '/' in line and os.path.basename(line.split(None, 5)[5].strip())
                         .startswith(name)), '')
    except OSError:
        return ''


def elsewhere(name: str) -> str:
    """Where a library lies that the loader does not find: this environment, ldconfig; '' if not."""
    here = Path(sys.prefix) / 'lib' / name
    if here.exists():
        return str(here)
    try:
        listed = subprocess.run(['ldconfig', '-p'], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, timeout=10).stdout.decode()
    except (OSError, subprocess.SubprocessError):
        return ''
    return next((line.rpartition('=> ')[2] for line in listed.splitlines()
                 if line.strip().startswith(name + ' ')), '')


def number_from(library: Any, function: str) -> Optional[int]:
    """The version that a function of a library writes to its one argument; None if it fails."""
    version = ctypes.c_int()
    try:
        failed = getattr(library, function)(ctypes.byref(version))
    except (AttributeError, OSError):
        return None
    return None if failed else version.value


def cuda_answer() -> Answer:
    """Whether CUDA 10.1 is found, all of it."""
    libraries = {name: open_library(name) for name in CUDA_LIBRARIES}
    absent = [name for name, library in libraries.items() if library is None]
    version = (None if libraries[CUDA_LIBRARIES[0]] is None else
               number_from(libraries[CUDA_LIBRARIES[0]], 'cudaRuntimeGetVersion'))
    found = [] if version is None else ['%d.%d (%s)' % (
        version // 1000, version % 1000 // 10, path_of(CUDA_LIBRARIES[0]))]
    if libraries['libcublas.so.10'] is not None:
        found.append('cuBLAS %s' % (cublas_version(libraries['libcublas.so.10'])
                                    or path_of('libcublas.so.10')))
    if not absent:
        return Answer('CUDA 10.1', True, ', '.join(found) or 'all six libraries')
    return Answer('CUDA 10.1', False, '; '.join(found + ['not found: %s' % ' '.join(absent)]),
                  _library_advice(absent))


def cublas_version(library: Any) -> str:
    """Version of cuBLAS; '' if it does not say."""
    parts = []
    for which in range(3):  # major, minor, patch
        value = ctypes.c_int()
        try:
            if library.cublasGetProperty(which, ctypes.byref(value)):
                return ''
        except (AttributeError, OSError):
            return ''
        parts.append(str(value.value))
    return '.'.join(parts)


def cudnn_answer() -> Answer:
    """Whether cuDNN 7.6 is found."""
    library = open_library(CUDNN_LIBRARY)
    if library is None:
        return Answer('cuDNN 7.6', False, 'not found: %s' % CUDNN_LIBRARY,
                      _library_advice([CUDNN_LIBRARY]))
    try:
        library.cudnnGetVersion.restype = ctypes.c_size_t
        version = int(library.cudnnGetVersion())
    except (AttributeError, OSError):
        return Answer('cuDNN 7.6', None, '%s, which does not say its version' % CUDNN_LIBRARY)
    told = '%d.%d.%d (%s)' % (version // 1000, version % 1000 // 100, version % 100,
                              path_of(CUDNN_LIBRARY))
    new_enough = version >= 7600
    return Answer('cuDNN 7.6', new_enough, told,
                  '' if new_enough else 'conda install cudnn=7.6.5; TensorFlow 2.3 was built with '
                  '7.6 and refuses an older one')


def _library_advice(absent: Sequence[str]) -> str:
    place = next(filter(None, map(elsewhere, absent)), '')
    if place:
        return ('%s is there, where the loader does not look: export LD_LIBRARY_PATH=%s'
                % (place, os.path.dirname(place)))
    return ('conda env create -f environment.yml, then conda activate autotrainer; or without '
            'conda install NVIDIA\'s CUDA 10.1 and cuDNN 7.6 and name their folders in '
            'LD_LIBRARY_PATH')


def driver_answer() -> Answer:
    """Whether NVIDIA's driver is there."""
    library = open_library('libcuda.so.1')
    version = None if library is None else number_from(library, 'cuDriverGetVersion')
    if version is None:
        return Answer('NVIDIA driver', False, 'none (libcuda.so.1)', 'on a machine with a card '
                      'install its driver (418.39 or newer for CUDA 10.1); without a card all runs '
                      'on the CPU')
    return Answer('NVIDIA driver', True, 'serves CUDA up to %d.%d' % (version // 1000,
                                                                       version % 1000 // 10))


# ------------------------------------------------------------------------------------- the stack

def stack_answers() -> List[Answer]:
    """Which stack this is, whether it sees a card, and what the stack needs for one."""
    python = 'Python %d.%d' % sys.version_info[:2]
    try:
        from AutoTrainer import keras_bridge
    except Exception as error:  # whatever a broken installation raises
        return [Answer('Keras', False, '%s, and no Keras that can be loaded: %s'
                       % (python, first_line(error)), 'pip install -r requirements.txt, with '
                       'Python 3.7 (the thesis\'s stack) or 3.10 and newer (Keras 3 on JAX)')]
    versions = keras_bridge.versions()
    backend = keras_bridge.backend()
    stack = Answer('Keras', True, '%s, Keras %s on %s %s' % (
        python, versions['keras'], backend, versions.get(backend, '')))
    try:
        cards = cards_of(backend)
    except Exception as error:  # of a framework that finds half a card
        return [stack, Answer('%s sees a card' % backend, False, first_line(error),
                              'see the lines below')] + library_answers(keras_bridge.LEGACY)
    needs = {'tensorflow': 'TensorFlow takes a card through the libraries below'
             if keras_bridge.LEGACY else 'pip install "tensorflow[and-cuda]" brings the libraries',
             'jax': 'pip install "jax[cuda12]" brings what JAX needs beside the driver (no CUDA '
                    '10.1)', 'torch': 'PyTorch brings its own CUDA; install its build for CUDA'}
    return [stack, Answer('%s sees a card' % backend, bool(cards), ', '.join(cards) or
                          'no, it trains on the CPU', '' if cards else needs[backend])
            ] + library_answers(keras_bridge.LEGACY)


def library_answers(legacy: bool) -> List[Answer]:
    """Driver and, for the thesis's stack, CUDA and cuDNN."""
    if legacy:
        return [driver_answer(), cuda_answer(), cudnn_answer()]
    return [driver_answer(), Answer('CUDA 10.1, cuDNN 7.6', None, 'not needed by this stack; the '
                                    'thesis\'s (TensorFlow 2.3, Python 3.7) takes a card through '
                                    'them')]


def cards_of(backend: str) -> List[str]:
    """Names of the cards that a backend sees."""
    if backend == 'jax':
        import jax
        return [str(device) for device in jax.devices() if device.platform != 'cpu']
    if backend == 'tensorflow':
        import tensorflow as tf
        return [device.name for device in tf.config.list_physical_devices('GPU')]
    import torch
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


# ------------------------------------------------------------------------------ data and duration

def mnist_answer() -> Answer:
    """Where MNIST is."""
    path = files.find(['mnist.npz'])
    if path is not None:
        return Answer('MNIST', True, '%s (%.1f MB)' % (path, path.stat().st_size / 1e6))
    return Answer('MNIST', False, 'no mnist.npz in %s' % ' or '.join(
        map(str, files.search_folders())), 'the first training downloads it; on a machine without '
        'a network copy mnist.npz to one of these folders, or set AUTOTRAINER_DATA to where it is')


def seconds_of_ten_steps(model: str) -> float:
    """Seconds that ten training steps of one of the thesis's models take here, once compiled."""
    from AutoTrainer import keras_bridge

    from .models import build_model
    network = build_model(model, 784, 10, 0)
    keras_bridge.compile_model(network, keras_bridge.optimizer_config('Adam'),
                               'categorical_crossentropy')
    random = np.random.RandomState(0)
    x = random.rand((STEPS + 1) * BATCH, 784).astype('float32')
    y = np.eye(10, dtype='float32')[random.randint(0, 10, len(x))]
    ends: List[float] = []
    clock = keras_bridge.keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter()))
    network.fit(x, y, batch_size=BATCH, verbose=0)  # compiles
    network.fit(x, y, batch_size=BATCH, verbose=0, callbacks=[clock])
    return ends[-1] - ends[0]  # without what a call of fit costs by itself


def study_seconds(ten_steps: float, epochs: int) -> Tuple[float, float]:
    """What a study of the thesis's kind takes.

    Args:
        ten_steps: seconds, see :func:`seconds_of_ten_steps`.
        epochs: of a run.

    Returns:
        (seconds of an epoch, of a run): 60,000 rows in batches of 32, and 10,000 validated.
    """
    training, validation = (-(-rows // BATCH) for rows in MNIST_ROWS)
    epoch = ten_steps / STEPS * (training + FORWARD_SHARE * validation)
    return epoch, epoch * epochs


def study_answer(model: str, epochs: int, runs: int) -> Answer:
    """How long the planned study takes here."""
    question = '%d × %d epochs, %s' % (runs, epochs, model)
    try:
        measured = seconds_of_ten_steps(model)
    except Exception as error:  # of a framework: a card without memory, a broken library
        return Answer(question, False, 'ten steps failed: %s' % first_line(error),
                      'mend what is said above; CUDA_VISIBLE_DEVICES= trains on the CPU')
    epoch, run = study_seconds(measured, epochs)
    return Answer(question, None, 'about %s (%.3g s an epoch, %s a run, from %d measured steps of '
                  '%.3g ms)' % (duration(runs * run), epoch, duration(run), STEPS,
                                1000 * measured / STEPS))


# ------------------------------------------------------------------------------------- the screen

def as_text(answers: Sequence[Answer]) -> str:
    """The screen: one line for each answer, and below a "no" what to do."""
    words = {True: 'yes', False: 'NO ', None: ' · '}
    lines = []
    for answer in answers:
        lines += textwrap.wrap('%s %-23s %s' % (words[answer.ok], answer.question, answer.found),
                               100, subsequent_indent=28 * ' ')
        if answer.do:
            lines += textwrap.wrap(answer.do, 100, initial_indent=26 * ' ' + '→ ',
                                   subsequent_indent=28 * ' ')
    return '\n'.join(lines) + '\n'


def examine(model: str, epochs: int, runs: int) -> List[Answer]:
    """All answers, in the order in which they are to be mended."""
    answers = stack_answers()
    if answers[0].ok:
        answers.append(mnist_answer())
        answers.append(study_answer(model, epochs, runs))
        return answers
    return answers + [mnist_answer()]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.doctor``.

    Returns:
        The exit code: 0 if the study can run here (on a card or not), 1 if it cannot.
    """
    parser = argparse.ArgumentParser(
        prog='python -m Motivation.doctor', description='Say whether the thesis\'s study can run '
        'here, on a card or without, how long it would take, and what to mend.')
    parser.add_argument('--model', choices=('relu20', 'relu34'), default='relu20',
                        help='default: %(default)s')
    parser.add_argument('--epochs', type=count, default=50, metavar='N', help='default: 50')
    parser.add_argument('--runs', type=count, default=100, metavar='N', help='default: 100')
    args = parser.parse_args(argv)
    os.environ.setdefault('KERAS_BACKEND', 'jax')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    answers = examine(args.model, args.epochs, args.runs)
    sys.stdout.write(as_text(answers))
    return 0 if answers[0].ok and answers[-1].ok is not False else 1


if __name__ == '__main__':
    sys.exit(main())
