"""The run folder: what is written while a training runs.

``events.jsonl`` and ``history.csv`` grow line by line and are flushed as they happen;
``result.json`` appears last, whole or not at all. No pickle is written. This module does not know
what the numbers mean; :mod:`AutoTrainer.record.reader` reads what it writes.
"""

import contextlib
import json
import math
import os
import shutil
import time
from typing import IO, Any, Iterator, List, Mapping, Optional, Sequence

from ..errors import UserError
from ..judge.facts import HISTORY_KEYS, History
from .lock import FolderLock

SCHEMA_VERSION = 1
"""Of the files in a run folder: grows when something takes on another meaning or goes, not when it
is added; readers pass over keys that they do not know."""
HISTORY_COLUMNS = ('epoch', 'loss', 'accuracy', 'val_loss', 'val_accuracy')
RUN_FILES = ('run.json', 'result.json', 'history.csv', 'checkpoint.npz', 'model.h5', 'model.keras',
             'initial.h5', 'initial.keras', 'first.h5', 'first.keras', 'best_weights.npz',
             'report.html')
"""What a run writes into its folder, beside ``events.jsonl`` and ``attempts``; ``run.json`` first:
without it there is nothing to resume."""
_PART = '.part-'


def plain(value: Any) -> Any:
    """``value`` as JSON knows it: numpy numbers as numbers, NaN and infinities as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, 'item') and getattr(value, 'ndim', 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextlib.contextmanager
def written_whole(path: str) -> Iterator[str]:
    """Write a file whole or not at all, whenever the process or the machine stops.

    Args:
        path: the file; what is there stays until the new content has reached the disk.

    Yields:
        Path of a file beside it, with the same suffix, to be written instead.

    Raises:
        RecordError: if the disk refuses; what was there before is intact.
    """
    folder, name = os.path.split(path)
    part = os.path.join(folder, _PART + name)
    try:
        yield part
        with open(part, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(folder)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _sync_folder(folder: str) -> None:
    """Make a rename in a folder last through a power loss, where the system can."""
    try:
        descriptor = os.open(folder or '.', os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        RecordError: if the disk refuses; what was there before is intact.
    """
    with written_whole(path) as part, open(part, 'w', encoding='utf-8') as file:
        json.dump(plain(content), file, indent=1, ensure_ascii=False)
        file.write('\n')


class RecordError(UserError):
    """The run folder cannot be used any more; what was written before is intact."""


def _refused(path: str, error: OSError) -> RecordError:
    return RecordError('%r cannot be written: %s; free some space or give another result_dir'
                     % (path, error.strerror or error))


class LineFile:
    """A text file that grows by whole lines, each flushed as it is written.

    Args:
        path: created if it is missing; a torn last line from a crash is cut off first.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            if os.path.exists(path):
                _cut_torn_line(path)
            self._file: Optional[IO[bytes]] = open(path, 'ab')
        except OSError as error:
            raise _refused(path, error) from error

    def append(self, line: str, fsync: bool = False) -> None:
        """Write one line.

        Args:
            line: without its line end.
            fsync: whether it must have reached the disk before the call returns; without, it
                survives the end of the process but not that of the machine.

        Raises:
            UserError: if the disk refuses; the lines before are intact.
        """
        assert self._file is not None, 'the file is closed'
        try:
            self._file.write(line.encode('utf-8') + b'\n')
            self._file.flush()
            if fsync:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _refused(self.path, error) from error

    def cut(self, lines: int) -> None:
        """Take back all but the first so many lines."""
        assert self._file is not None, 'the file is closed'
        with open(self.path, 'rb') as file:
            kept = file.read().split(b'\n')[:lines]
        self._file.truncate(sum(len(line) + 1 for line in kept))

    def close(self, sync: bool = False) -> None:
        """Close the file; closing twice is allowed.

        Args:
            sync: whether what was written must last through a power loss.
        """
        if self._file is not None:
            try:
                if sync:
                    os.fsync(self._file.fileno())
                self._file.close()
            except OSError:  # a full disk was reported by append already
                pass
            self._file = None


def _cut_torn_line(path: str) -> None:
    with open(path, 'rb+') as file:
        content = file.read()
        whole = content.rfind(b'\n') + 1
        if whole < len(content):
            file.truncate(whole)


class HistoryFile(LineFile):
    """``history.csv``: one row per epoch as it ends.

    Args:
        path: the file; replaced if it is there.
    """

    def __init__(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        super().__init__(path)
        self.append(','.join(HISTORY_COLUMNS))

    def add(self, epoch: int, values: Mapping[str, Optional[float]]) -> None:
        """Write one epoch (1-based): ``loss``, ``acc``, ``val_loss``, ``val_acc`` or None."""
        cells = [values.get(key) for key in HISTORY_KEYS]
        self.append(','.join([str(epoch)] + ['' if cell is None else repr(float(cell))
                                             for cell in cells]))


def attempt_name(number: int, solution: str, attempt: int) -> str:
    """Name of the folder of a repair attempt: ``NNN_solution_try``."""
    return '%03d_%s_%d' % (number, solution, attempt)


class RunFolder:
    """The folder of one run, as the process has it that writes it.

    Args:
        path: created if it is missing.

    Raises:
        UserError: if it cannot be created or written, or another process is writing to it.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as error:
            raise UserError('result_dir is %r, which cannot be made a folder: %s; give another'
                            % (path, error.strerror)) from error
        self._lock = FolderLock(self.path)
        try:
            self.events = LineFile(self.file('events.jsonl'))
        except UserError:
            self._lock.release()
            raise

    def file(self, *names: str) -> str:
        """Path of a file in the folder."""
        return os.path.join(self.path, *names)

    def attempt_folder(self, number: int, solution: str, attempt: int) -> str:
        """Folder of a repair attempt, ``attempts/NNN_solution_try``; created."""
        folder = self.file('attempts', attempt_name(number, solution, attempt))
        os.makedirs(folder, exist_ok=True)
        return folder

    def event(self, event: str, fsync: bool = False, **fields: Any) -> str:
        """Append one line to ``events.jsonl`` and return it.

        Args:
            event: what has happened.
            fsync: see :meth:`LineFile.append`.
            fields: what is to be said of it; its ``time``, in seconds since 1970 (UTC), is added.
        """
        line = json.dumps(dict(event=event, time=round(time.time(), 3), **plain(fields)),
                          ensure_ascii=False)  # in the order given, which is that of the layers
        self.events.append(line, fsync)
        return line

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write ``result.json``, the last thing that a run does."""
        write_json(self.file('result.json'), result)

    def clear(self) -> None:
        """Take away what an earlier run left: result, events, history, attempts, models."""
        for name in RUN_FILES:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.file(name))
        self.events.cut(0)
        shutil.rmtree(self.file('attempts'), ignore_errors=True)

    def sweep(self) -> None:
        """Take away files that were being written when an earlier process was stopped."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.startswith(_PART):
                    os.unlink(os.path.join(folder, name))

    def close(self) -> None:
        """Close the folder's open files and let other processes in."""
        self.events.close()
        self._lock.release()


class Recorder:
    """What one training writes: its history, and its events into the run's list.

    Args:
        run: the run folder.
        folder: where ``history.csv`` goes; the run folder itself by default.
        facts: fields that each of its events carries (``solution``, ``try``, …).

    Attributes:
        events: the lines that it has written into the run's list.
    """

    def __init__(self, run: RunFolder, folder: Optional[str] = None, **facts: Any) -> None:
        self.run = run
        self.folder = folder or run.path
        self.events: List[str] = []
        self._facts = facts
        self._history = HistoryFile(os.path.join(self.folder, 'history.csv'))

    def epoch(self, epoch: int, values: Mapping[str, Optional[float]]) -> None:
        """Write one epoch (1-based) of the history."""
        self._history.add(epoch, values)

    def event(self, event: str, **fields: Any) -> None:
        """Append one event."""
        self.events.append(self.run.event(event, **dict(self._facts, **fields)))

    def restore(self, history: History, events: Sequence[str]) -> None:
        """Write again what a training had written that was interrupted and now goes on.

        Args:
            history: one entry per epoch.
            events: its lines; they keep the time at which they were written first.
        """
        for epoch in range(len(history['loss'])):
            self.epoch(epoch + 1, {key: history[key][epoch] for key in HISTORY_KEYS})
        for line in events:
            self.run.events.append(line)
            self.events.append(line)

    def close(self) -> None:
        """Close the history, which has then reached the disk; the run folder stays open."""
        self._history.close(sync=True)
