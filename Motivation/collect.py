"""Collect histories of trainings: ``python -m Motivation.collect``.

Every run is trained in a process of its own, from a seed of its own, and its history appears in
the folder whole or not at all. The same command goes on where a collection stopped, for whatever
reason; runs that are there are kept. One run gives the same file however often, in whatever order
and beside however many others it is trained.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from AutoTrainer.errors import UserError
from AutoTrainer.record.reader import read_json

from .histories import SETTINGS_FILE, read_history
from .output import make_folder, run_command

POLL_SECONDS = 0.1
"""How often running trainings are looked at."""


class Settings(NamedTuple):
    """What the runs of a collection have in common.

    Attributes:
        model: ``'relu20'``, ``'relu34'`` or a model file.
        dataset: name of a data set of :mod:`AutoTrainer.data`.
        epochs: of every run.
        init: ``'saved'``: all runs start from the one saved set of initial weights;
            ``'fresh'``: each draws its own.
        seed: that all seeds are derived from.
    """

    model: str
    dataset: str
    epochs: int
    init: str
    seed: int


class Ended(NamedTuple):
    """How one training ended.

    Attributes:
        number: of the run.
        code: exit code of its process; 0 if the history is there.
        errors: what it wrote to standard error.
    """

    number: int
    code: int
    errors: str


class Stopped(Exception):
    """The collection was told to stop.

    Attributes:
        signal: the signal that told it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


# ------------------------------------------------------------------------------- the folder

def run_path(out: Path, number: int) -> Path:
    """File of one run's history."""
    return out / ('run_%03d.csv' % number)


def error_path(out: Path, number: int) -> Path:
    """File that says why a run failed."""
    return out / ('run_%03d.error.txt' % number)


def read_settings(out: Path) -> Optional[Settings]:
    """Settings of the collection in a folder; None if none was begun there.

    Raises:
        UserError: if the file is damaged.
    """
    path = out / SETTINGS_FILE
    if not path.exists():
        return None
    content = read_json(str(path))
    try:
        return Settings(*[content[name] for name in Settings._fields])
    except KeyError as error:
        raise UserError('%s has no %s; collect into another folder' % (path, error)) from error


def finished_runs(out: Path, epochs: int, runs: int) -> Set[int]:
    """Numbers of the runs whose history is there, whole and of the right length."""
    finished = set()
    for number in range(runs):
        path = run_path(out, number)
        if not path.exists():
            continue
        try:
            if read_history(path).epochs == epochs:
                finished.add(number)
                continue
            problem = '%s has another number of epochs than %d' % (path, epochs)
        except UserError as error:
            problem = str(error)
        print('trained again: %s' % problem, file=sys.stderr)
    return finished


# ----------------------------------------------------------------------------- the trainings

def training_command(out: Path, number: Optional[int], settings: Settings) -> List[str]:
    """Command line of the process that trains one run, or (None) begins the collection."""
    command = [sys.executable, '-m', 'Motivation.training', str(out)]
    if number is not None:
        return command + [str(number), '--parent', str(os.getpid())]
    for name, value in settings._asdict().items():
        command += ['--' + name, str(value)]
    return command


def training_environment(alone: bool) -> Dict[str, str]:
    """Environment of such a process.

    Args:
        alone: whether it is the only one; others must not find the whole GPU memory taken.
    """
    environment = dict(os.environ)
    environment.setdefault('KERAS_BACKEND', 'jax')
    environment.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    if not alone:
        environment.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')
        environment.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')
    return environment


def train_one(out: Path, number: Optional[int], settings: Settings, alone: bool) -> Ended:
    """Run one such process and wait for it."""
    done = subprocess.run(training_command(out, number, settings), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=training_environment(alone))
    return Ended(-1 if number is None else number, done.returncode,
                 done.stderr.decode('utf-8', 'replace'))


def train_locally(out: Path, numbers: Sequence[int], settings: Settings,
                  jobs: int) -> Iterator[Ended]:
    """Train runs on this machine, several at a time.

    Args:
        out: folder of the collection.
        numbers: of the runs.
        settings: of the collection.
        jobs: trainings at a time.

    Yields:
        How each ended, as it ends. When the iteration is given up, the trainings end too.
    """
    waiting = list(numbers)
    running: List[Tuple[int, subprocess.Popen, IO[bytes]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.pop(0)
                errors: IO[bytes] = tempfile.TemporaryFile()
                running.append((number, subprocess.Popen(
                    training_command(out, number, settings), stdout=subprocess.DEVNULL,
                    stderr=errors, env=training_environment(jobs == 1)), errors))
            time.sleep(POLL_SECONDS)
            for entry in [entry for entry in running if entry[1].poll() is not None]:
                running.remove(entry)
                with entry[2] as written:
                    written.seek(0)
                    said = written.read().decode('utf-8', 'replace')
                yield Ended(entry[0], entry[1].returncode, said)
    finally:
        for _, process, written in running:
            process.kill()
            process.wait()
            written.close()


def train_on_dask(out: Path, numbers: Sequence[int], settings: Settings, jobs: int,
                  scheduler: Optional[str]) -> Iterator[Ended]:
    """Train runs on a Dask cluster, one at a time on each worker.

    Args:
        out: folder of the collection, which every worker sees under the same path.
        numbers: of the runs.
        settings: of the collection.
        jobs: workers of a cluster on this machine.
        scheduler: address of a running cluster's scheduler; None for one on this machine.

    Yields:
        How each ended, as it ends.

    Raises:
        UserError: if Dask is not installed or the cluster does not answer.
    """
    try:
        from dask.distributed import Client, LocalCluster, as_completed
    except ModuleNotFoundError as error:
        raise UserError("--engine is 'dask', but %s is not installed; install it with pip install "
                        "'dask[distributed]' or take --engine local" % error.name) from error
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster: Any = stack.enter_context(LocalCluster(
                n_workers=jobs, threads_per_worker=1, dashboard_address=None))
        else:
            cluster = scheduler
        try:
            client = stack.enter_context(Client(cluster))
        except (OSError, ValueError) as error:
            raise UserError('--scheduler is %r, where no Dask cluster answers (%s); give its '
                            'address or leave it out' % (scheduler, error)) from error
        futures = [client.submit(train_one, out, number, settings, False, pure=False)
                   for number in numbers]
        for _, ended in as_completed(futures, with_results=True):
            yield ended


def train_together(out: Path, numbers: Sequence[int], settings: Settings) -> Iterator[Ended]:
    """Train all runs in one process as one compiled program, see :mod:`Motivation.vectorised`.

    Args:
        out: folder of the collection.
        numbers: of the runs.
        settings: of the collection.

    Yields:
        How each ended, as it ends. When the iteration is given up, the training ends too.

    Raises:
        UserError: if these runs cannot be trained so.
    """
    waiting = list(numbers)
    if not waiting:
        return
    command = [sys.executable, '-m', 'Motivation.vectorised', str(out), *map(str, numbers),
               '--parent', str(os.getpid())]
    with tempfile.TemporaryFile() as written:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written,
                                   env=training_environment(alone=True), universal_newlines=True)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith('done '):
                    waiting.remove(int(line.split()[1]))
                    yield Ended(int(line.split()[1]), 0, '')
                else:
                    print(line.rstrip(), file=sys.stderr)
            process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        written.seek(0)
        said = written.read().decode('utf-8', 'replace')
    if process.returncode == 2:
        raise UserError(_last_line(Ended(-1, 2, said)))
    for number in waiting:
        yield Ended(number, process.returncode, said)


# -------------------------------------------------------------------------------- the command

def collect(out: Path, settings: Settings, runs: int, jobs: int = 1, engine: str = 'local',
            scheduler: Optional[str] = None) -> List[int]:
    """Collect what is still missing of a collection.

    Args:
        out: its folder.
        settings: what the runs have in common.
        runs: how many there shall be, those that are there included.
        jobs: trainings at a time.
        engine: ``'local'``, ``'dask'`` or ``'vectorised'``.
        scheduler: for ``'dask'``: address of a running cluster's scheduler.

    Returns:
        Numbers of the runs that failed; why stands in ``run_NNN.error.txt``.

    Raises:
        UserError: if the folder holds another collection, or the settings cannot be trained.
    """
    _begin(out, settings)
    finished = finished_runs(out, settings.epochs, runs)
    missing = [number for number in range(runs) if number not in finished]
    if finished:
        print('%d of %d runs are there' % (len(finished), runs), file=sys.stderr)
    trainings = (train_locally(out, missing, settings, jobs) if engine == 'local' else
                 train_together(out, missing, settings) if engine == 'vectorised' else
                 train_on_dask(out, missing, settings, jobs, scheduler))
    failed, started = [], time.time()
    with contextlib.closing(trainings):  # type: ignore[type-var]
        for done, ended in enumerate(trainings, start=1):
            if ended.code:
                failed.append(ended.number)
                error_path(out, ended.number).write_text(ended.errors, encoding='utf-8')
                outcome = 'failed: %s' % _last_line(ended)
            else:
                if error_path(out, ended.number).exists():
                    error_path(out, ended.number).unlink()
                outcome = 'done'
            left = (time.time() - started) / done * (len(missing) - done)
            print('%s %s; %d of %d runs, %s' % (
                run_path(out, ended.number).name, outcome, len(finished) + done - len(failed), runs,
                'about %s left' % duration(left) if done < len(missing) else 'the last'),
                file=sys.stderr)
    return failed


def _begin(out: Path, settings: Settings) -> None:
    """Begin the collection, or see that the one that is there is the same."""
    there = read_settings(out)
    if there is None:
        ended = train_one(out, None, settings, alone=True)
        if ended.code == 2:
            raise UserError(_last_line(ended))
        if ended.code:
            raise RuntimeError('the collection cannot be begun:\n%s' % ended.errors)
        return
    for name, value in there._asdict().items():
        if value != getattr(settings, name):
            raise UserError('--%s is %r, but the runs in %s were collected with %r; take the same '
                            'or another --out' % (name, getattr(settings, name), out, value))
    for part in out.glob('.run_*.part'):  # of a process that was killed while it wrote
        part.unlink()


def _last_line(ended: Ended) -> str:
    lines = [line for line in ended.errors.splitlines() if line.strip()]
    said = [line[len('error: '):] for line in lines if line.startswith('error: ')]
    return (said or lines or ['exit code %d and no word' % ended.code])[-1]


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``'40 s'``, ``'12 min'``, ``'3 h 20 min'``."""
    minutes = int(round(seconds / 60))
    if seconds < 90:
        return '%d s' % round(seconds)
    return '%d min' % minutes if minutes < 90 else '%d h %d min' % divmod(minutes, 60)


def count(text: str) -> int:
    """Type of a command-line argument that is a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError('%r is not a whole number above 0' % text)
    return value


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)


def _body(args: argparse.Namespace) -> int:
    if args.scheduler is not None and args.engine != 'dask':
        raise UserError('--scheduler is %r, but --engine is %r; a scheduler needs --engine dask'
                        % (args.scheduler, args.engine))
    if args.engine == 'vectorised' and args.jobs > 1:
        raise UserError("--jobs is %d, but --engine is 'vectorised', which trains as many runs at "
                        'once as the memory holds; leave --jobs out' % args.jobs)
    if args.seed < 0:
        raise UserError('--seed is %d; give 0 or more' % args.seed)
    out = make_folder('--out', args.out).resolve()
    settings = Settings(args.model, args.dataset, args.epochs, args.init, args.seed)
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        failed = collect(out, settings, args.runs, args.jobs, args.engine, args.scheduler)
    except Stopped as stopped:
        print('stopped; the same command goes on from the runs that are in %s' % out,
              file=sys.stderr)
        return 128 + stopped.signal
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failed:
        print('%d of %d runs failed (%s); the same command tries them again'
              % (len(failed), args.runs, ', '.join(error_path(out, number).name
                                                   for number in failed)), file=sys.stderr)
    return 1 if failed else 0


def main(argv: Optional[Sequence[str]] = None, model: str = 'relu20') -> int:
    """The command ``python -m Motivation.collect``.

    Args:
        argv: the arguments; None for those of the process.
        model: default of ``--model``.

    Returns:
        The exit code: 1 if a run failed, 2 for a wrong argument, 128 + the signal's number if it
        was stopped.
    """
    parser = argparse.ArgumentParser(
        prog='python -m Motivation.collect', description='Train a model many times and keep the '
        'history of each run as a CSV file. The same command goes on where it was stopped.')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the case')
    parser.add_argument('--model', default=model, metavar='relu20|relu34|FILE',
                        help='the thesis\'s models, or a model file (default: %(default)s)')
    parser.add_argument('--dataset', default='mnist', metavar='NAME', help='default: %(default)s')
    parser.add_argument('--epochs', type=count, default=50, metavar='N', help='default: 50')
    parser.add_argument('--runs', type=count, default=100, metavar='N',
                        help='how many there shall be in the end (default: 100)')
    parser.add_argument('--init', choices=('saved', 'fresh'), default='saved',
                        help='all runs from one saved set of initial weights, as in the thesis '
                             '(default), or each from its own')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='default: 0')
    parser.add_argument('--jobs', type=count, default=1, metavar='N',
                        help='trainings at a time on this machine (default: 1)')
    parser.add_argument('--engine', choices=('local', 'dask', 'vectorised'), default='local',
                        help='processes of this machine (default); a Dask cluster, whose workers '
                             'must see --out; or all runs as one program, for a GPU (Keras 3 on '
                             'JAX)')
    parser.add_argument('--scheduler', metavar='ADDRESS',
                        help='of a running Dask cluster (default: one of --jobs workers here)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
