"""Runs the arms on the cases in several processes; what is on record is not run again."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence

from ..zoo import tables
from ..zoo.run import in_one_line, in_processes, write
from .cases import Case


class Work(NamedTuple):
    """One case under one arm."""

    case: Case
    arm: str
    folder: str

    @property
    def path(self) -> Path:
        """Where its record lies."""
        return Path(self.folder) / ('%s-%s.json' % (self.case.name, self.arm))

    @property
    def is_done(self) -> bool:
        """Whether there is a record, and not of a crash."""
        return self.path.exists() and 'crashed' not in json.loads(self.path.read_text())


def run(works: Iterable[Work], folder: str, processes: int = 1) -> List[Work]:
    """Run what is not on record yet.

    Args:
        works: cases and arms.
        folder: gets a file for each.
        processes: how many run at once.

    Returns:
        Those that crashed; the errors were printed, and are on record.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    left = [work for work in works if not work.is_done]
    crashed: List[Work] = []
    began = time.time()
    for done, (work, error) in enumerate(in_processes(_one, left, processes, folder), 1):
        if error:
            crashed.append(work)
            print('%s %s: %s' % (work.case.name, work.arm, error), file=sys.stderr, flush=True)
        if done % 20 == 0 or done == len(left):
            print('%d of %d in %.0f s' % (done, len(left), time.time() - began),
                  file=sys.stderr, flush=True)
    return crashed


_loaded: Dict[str, tables.Table] = {}


def _one(work: Work) -> Any:
    """Run one; returns the work and, if it crashed, the error in one line."""
    from AutoTrainer import keras_bridge

    from .arms import ARMS
    from .subject import Subject
    began = time.perf_counter()
    error = None
    try:
        if work.case.table not in _loaded:
            _loaded[work.case.table] = tables.load(work.case.table)
        record = ARMS[work.arm](Subject(work.case, _loaded[work.case.table]))
    except Exception as reason:  # one case must not end all the others
        error = in_one_line(reason)
        record = dict(skill=work.case.before, error=0.0, price=1.0, crashed=error)
    write(dict(record, case=work.case._asdict(), arm=work.arm,
               seconds=round(time.perf_counter() - began, 2),
               versions=keras_bridge.versions()), work.path)
    return work, error


def read(folder: str, arms: Sequence[str]) -> List[Dict[str, Any]]:
    """The records of some arms that lie in a folder, in order of their names."""
    found = []
    for path in sorted(Path(folder).glob('*-*-*-*.json')):
        if path.stem.rsplit('-', 1)[1] in arms:
            record = json.loads(path.read_text())
            found.append(dict(record, case=Case(**record['case'])))
    return found
