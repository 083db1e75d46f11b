"""Who trains the legs of a race: this process, several of them, or a Dask cluster.

Whoever it is: legs come back in the order in which they were asked for, and what a candidate comes
to depends on its folder and its order alone. A process that dies costs its candidate, no other.
"""

import concurrent.futures
import contextlib
import functools
import hashlib
import os
import pickle
import struct
import subprocess
import sys
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import cloudpickle

from .. import interrupts, keras_bridge
from ..errors import UserError, first_line
from ..solutions.race import Leg
from ..utils.logger import LOGGER
from .folder import RecordError
from .legs import DIED, Course, Stretch, Trainer, broken

Train = Callable[[List[Stretch]], Iterator[Leg]]

_LENGTH = struct.Struct('>Q')
_PATIENCE = 0.2
"""Seconds between two looks at whether a signal has come."""


class Outline(NamedTuple):
    """What is asked of a candidate's original model, where the model itself is left at home."""

    input_shape: Any
    output_shape: Any
    output_names: Any


@contextlib.contextmanager
def runner_of(course: Course, jobs: int = 1, engine: Optional[str] = None,
              is_graph: bool = True) -> Iterator[Train]:
    """Whoever trains the legs of a race, until the end of the block.

    Args:
        course: what the legs have in common.
        jobs: processes that train.
        engine: ``'dask'`` for the cluster that this process is a client of.
        is_graph: whether candidates are built from a configuration; those of a subclassed model
            share one object and are trained here, one after another.

    Raises:
        UserError: if there is no such cluster, or what is to be sent to others cannot be.
    """
    if not is_graph and (jobs > 1 or engine):
        LOGGER.warning('a subclassed model is one object for all candidates: they are trained one '
                       'after another in this process')
    if not is_graph or (jobs == 1 and engine is None):
        yield _alone(course)
    elif engine is not None:
        with contextlib.closing(_Cluster(_packed(course))) as cluster:
            yield cluster.train
    else:
        with contextlib.closing(_Processes(_packed(course), jobs)) as processes:
            yield processes.train


def _alone(course: Course) -> Train:
    trainer = Trainer(course)

    def train(stretches: List[Stretch]) -> Iterator[Leg]:
        for stretch in stretches:
            yield trainer(stretch)
    return train


def _packed(course: Course) -> bytes:
    """A course for another process, with the classes that the user has registered with Keras.

    Raises:
        UserError: if something in it cannot be sent.
    """
    return _as_bytes((course, keras_bridge.custom_objects()))


def _sent(stretch: Stretch) -> bytes:
    candidate = stretch.candidate
    outline = Outline(*[getattr(candidate.model.original, name, None)
                        for name in Outline._fields])
    return _as_bytes(stretch._replace(candidate=candidate._replace(
        model=candidate.model._replace(original=outline),
        training=candidate.training._replace(callbacks=()))))  # no leg calls them


def _as_bytes(what: Any) -> bytes:
    try:
        return bytes(cloudpickle.dumps(what))
    except Exception as error:  # whatever an object of the user's own raises
        raise UserError('a candidate cannot be sent to another process (%s: %s); leave out jobs '
                        'and engine' % (type(error).__name__, first_line(error))) from error


def unpacked(course: bytes) -> Course:
    """A course in the process that it was sent to; what the user has registered is so here too."""
    found, custom = pickle.loads(course)
    keras_bridge.register(custom)
    return Course(*found)


def _answered(answers: List['concurrent.futures.Future[Leg]']) -> Iterator[Leg]:
    """Answers in order, while signals are looked for; what is not waited for is called off."""
    try:
        for answer in answers:
            while True:
                interrupts.honour()
                try:
                    yield answer.result(_PATIENCE)
                    break
                except concurrent.futures.TimeoutError:
                    continue
    finally:
        for answer in answers:
            answer.cancel()


def _as_leg(answer: bytes) -> Leg:
    found = pickle.loads(answer)
    if isinstance(found, UserError):
        raise found
    return Leg(*found)


# ------------------------------------------------------------------------------ several processes

def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write some bytes that :func:`read_frame` reads."""
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Read what :func:`write_frame` wrote.

    Raises:
        EOFError: if whoever wrote is gone.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    length = _LENGTH.unpack(head)[0]
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


class _Gone(Exception):
    """A process has died in the middle of a leg, or was ended."""


class _Process:
    """A process of its own that trains legs, begun with the first.

    It imports this package and not the program that began the race, which may have no guard against
    being run once more. It ends with this one.

    Args:
        course: of the race.
    """

    def __init__(self, course: bytes) -> None:
        self._course = course
        self._process: Any = None

    def ask(self, stretch: bytes) -> bytes:
        """Have a leg trained.

        Raises:
            _Gone: if the process has died; the next leg begins another.
        """
        try:
            process = self._process or self._begin()
            write_frame(process.stdin, stretch)
            return read_frame(process.stdout)
        except (EOFError, OSError) as error:
            self.end()
            raise _Gone from error

    def _begin(self) -> Any:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
                           KERAS_BACKEND=keras_bridge.backend())
        self._process = process = subprocess.Popen(
            [sys.executable, '-m', 'AutoTrainer.record.worker'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=environment)
        write_frame(process.stdin, self._course)  # type: ignore[arg-type]
        return process

    def kill(self) -> None:
        """Have it end, from any thread and without waiting for it."""
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """See that it has ended."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()


class _Processes:
    """Processes of this machine, each with the candidates that it has begun."""

    def __init__(self, course: bytes, jobs: int) -> None:
        self._processes = [_Process(course) for _ in range(jobs)]
        self._threads = [concurrent.futures.ThreadPoolExecutor(1) for _ in range(jobs)]
        self._homes: Dict[str, int] = {}

    def train(self, stretches: List[Stretch]) -> Iterator[Leg]:
        """Train legs side by side."""
        answers = []
        for stretch in stretches:
            home = self._homes.setdefault(stretch.folder, len(self._homes) % len(self._processes))
            answers.append(self._threads[home].submit(self._ask, home, stretch))
        return _answered(answers)

    def _ask(self, home: int, stretch: Stretch) -> Leg:
        try:
            return _as_leg(self._processes[home].ask(_sent(stretch)))
        except _Gone:
            return broken(stretch.folder, DIED, _HAS_DIED)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.shutdown()
        for process in self._processes:
            process.end()


# -------------------------------------------------------------------------------------- a cluster

class _Cluster:
    """A Dask cluster that is there already; its workers see the same run folder."""

    def __init__(self, course: bytes) -> None:
        try:
            from distributed import get_client
            self._client = get_client()
        except (ImportError, ValueError) as error:
            raise UserError("engine is 'dask', but %s; make one before, such as "
                            'distributed.Client(address), or give jobs=N instead' % (
                                'distributed is not installed' if isinstance(error, ImportError)
                                else 'this process is no client of a Dask cluster')) from error
        self._course = course  # goes with every leg: what is scattered dies with the workers

    def train(self, stretches: List[Stretch]) -> Iterator[Leg]:
        """Train legs on the cluster."""
        asked = [self._client.submit(_on_cluster, self._course, _sent(stretch), pure=False,
                                     retries=0) for stretch in stretches]
        try:
            for stretch, answer in zip(stretches, asked):
                yield self._of(stretch, answer)
        finally:
            self._client.cancel(asked, force=True)

    @staticmethod
    def _of(stretch: Stretch, answer: Any) -> Leg:
        from distributed.scheduler import KilledWorker
        from distributed.utils import TimeoutError as NotYet
        while True:
            interrupts.honour()
            try:
                return _as_leg(answer.result(timeout=_PATIENCE))
            except (NotYet, concurrent.futures.TimeoutError):
                continue
            except (_Gone, KilledWorker):
                return broken(stretch.folder, DIED, _HAS_DIED)

    def close(self) -> None:
        """Leave the cluster as it was."""
        with contextlib.suppress(Exception):  # it may be gone, and the race is over
            self._client.run(_leave_cluster)


_HAS_DIED = 'the process that trained it has died'
_at_work: Dict[str, Tuple[_Process, Any]] = {}
"""In a worker of a cluster: who trains there, by the course. Threads of Dask draw from the random
state that the weights of a new layer come from, so that it is not the worker itself."""


def _on_cluster(course: bytes, stretch: bytes) -> bytes:
    """One leg on a worker of a cluster, by a process of its own."""
    import threading
    key = hashlib.sha256(course).hexdigest()
    if key not in _at_work:
        _leave_cluster()
        _at_work[key] = _Process(course), threading.Lock()
    process, lock = _at_work[key]
    with lock:
        return process.ask(stretch)


def _leave_cluster() -> None:
    """End what trains on a worker of a cluster."""
    for process, _ in list(_at_work.values()):
        process.kill()
    _at_work.clear()


# ------------------------------------------------------------------------------- in such a process

def trainer_of(course: bytes) -> Callable[[], Trainer]:
    """Whoever trains in the process that a course was sent to, made when it is first asked for."""
    return functools.lru_cache(maxsize=1)(lambda: Trainer(unpacked(course)))


def answer_of(trainer: Callable[[], Trainer], stretch: bytes) -> bytes:
    """What a process answers that was sent a leg: what it came to, or the error that ends a race.

    Args:
        trainer: see :func:`trainer_of`.
        stretch: as it was sent.
    """
    try:
        train, asked = trainer(), pickle.loads(stretch)
    except Exception as error:  # such as a module of the user's own that is not found there
        return pickle.dumps(UserError(
            'a candidate cannot be made in another process (%s: %s); leave out jobs and engine' % (
                type(error).__name__, first_line(error))))
    try:
        return pickle.dumps(tuple(train(asked)))
    except RecordError as error:
        return pickle.dumps(error)
