"""Reads the folder of a run, finished or not, and changes nothing in it.

No file is locked, created or cut, so a folder can be read while another process writes to it: a
line that is not whole yet is left out, a file that is not there yet is empty or None. What is read
is as it was at that moment; the next call may find more. Folders of earlier versions are read too.
"""

import csv
import glob
import json
import os
import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import UserError, quote
from ..intake.config import parse_int
from ..judge.facts import HISTORY_KEYS, History
from ..judge.own import known_issues
from .folder import HISTORY_COLUMNS, attempt_name

STATUSES = ('normal', 'detected', 'repaired', 'improved', 'failed', 'interrupted')
"""What a run can have come to (``docs/guide/run-folder.md``)."""

_SIGNS = ('run.json', 'result.json', 'history.csv', 'events.jsonl')
_ATTEMPT_NAME = re.compile(r'\d{3,}_(.+)_(\d+)')
_Kinds = Mapping[str, Tuple[type, ...]]
_NONE = type(None)
_FACTS: _Kinds = {'settings': (dict,), 'dirs': (dict,), 'versions': (dict,),
                  'config': (dict, _NONE), 'own': (dict,)}
_DIRS: _Kinds = {'log_dir': (str, _NONE), 'new_issue_dir': (str, _NONE)}
_RESULT: _Kinds = {
    'status': (str,), 'initial_issue': (str, _NONE), 'reason': (str,), 'reasons': (dict,),
    'detected_epoch': (int, _NONE), 'total_epochs': (int,), 'checks': (int,),
    'solution': (str, _NONE), 'attempts': (list,), 'accuracy': (dict,), 'skill': (dict,),
    'yardstick': (int, float, _NONE), 'price': (int, float), 'race': (dict,), 'own': (dict,)}
_RACE: _Kinds = {'goal': (int, float), 'winner': (int, _NONE), 'rows': (dict,), 'of_all': (list,),
                 'code': (str,), 'left_out': (list,), 'stopped': (str,),
                 'candidates': (list,)}
_CANDIDATE: _Kinds = {
    'number': (int,), 'name': (str,), 'why': (str,), 'words': (list,), 'epochs': (int,),
    'planned': (int,), 'skill': (int, float, _NONE), 'ended': (str,)}
_ACCURACY: _Kinds = {'before': (int, float, _NONE), 'after': (int, float, _NONE)}
_ATTEMPT: _Kinds = {
    'solution': (str,), 'try': (int,), 'description': (str,), 'status': (str,),
    'issue': (str, _NONE), 'val_accuracy': (int, float, _NONE), 'epochs': (int,),
    'number': (int,), 'traceback': (str,)}
_OPTIONAL = ('reasons', 'number', 'traceback', 'skill', 'yardstick', 'price', 'race', 'own',
             'stopped')
"""Entries that older folders have not, or that only some have."""


class Attempt(NamedTuple):
    """One try of a solution.

    Attributes:
        solution: its key.
        attempt: which try of it, from 1.
        record: what came of it, as in ``result.json``; None while it trains, and where its
            training was stopped.
        folder: where its training wrote; None for one that was skipped.
        history: of its training.
    """

    solution: str
    attempt: int
    record: Optional[Dict[str, Any]]
    folder: Optional[str]
    history: History


class RunReader:
    """The folder of one run, as anybody may look at it.

    It may also be one that ``LossHistory(save_dir=…)`` or ``model_retrain`` wrote: then there is a
    history and events, and nothing else.

    Args:
        path: of the folder; where there is none, all that is read is empty or None.

    Example:
        >>> run = RunReader('result/Gradient_Vanish_Case_seed0')  # doctest: +SKIP
        >>> run.is_finished, last_number(run.history()['val_acc'])  # doctest: +SKIP
        (True, 0.5033)
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def file(self, *names: str) -> str:
        """Path of a file in the folder."""
        return os.path.join(self.path, *names)

    @property
    def is_there(self) -> bool:
        """Whether the folder holds anything of a run, or of a training that was watched."""
        return any(os.path.isfile(self.file(name)) for name in _SIGNS)

    @property
    def is_begun(self) -> bool:
        """Whether a run was begun here, as far as its folder says: not that of a bare callback."""
        return os.path.exists(self.file('run.json'))

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end; an interrupted one has not, nor one that runs.

        Raises:
            UserError: if ``result.json`` is damaged.
        """
        result = self._json('result.json')
        return result is not None and result.get('status') != 'interrupted'

    @property
    def is_unfinished(self) -> bool:
        """Whether a run was begun here that has not come to its end: it runs, or was stopped.

        Raises:
            UserError: if ``result.json`` is damaged.
        """
        return self.is_begun and not self.is_finished

    def result(self) -> Optional[Dict[str, Any]]:
        """The content of ``result.json``, whose keys are in ``docs/guide/run-folder.md``.

        Returns:
            It; None before the end of the run. One of an interrupted run has what was known then.

        Raises:
            UserError: if it is damaged or incomplete.
        """
        path, result = self.file('result.json'), self._json('result.json')
        if result is not None:
            own = result.get('own')
            _check(path, result, _RESULT, own=own)
            _check(path, result['accuracy'], _ACCURACY, 'accuracy: ')
            status, issue = result['status'], result['initial_issue']
            if status not in STATUSES or status != 'interrupted' and (
                    (status == 'normal') != (issue is None)):
                raise _no_record(path, 'status is %s, initial_issue %s'
                                 % (quote(status), quote(issue)))
            if issue is not None and result['detected_epoch'] is None:
                raise _no_record(path, 'detected_epoch is None')
            _check_attempts(path, result['attempts'], own)
            if 'race' in result:
                _check_race(path, result)
        return result

    def facts(self) -> Optional[Dict[str, Any]]:
        """What the run was asked to do: the content of ``run.json``.

        Returns:
            ``settings``, ``dirs``, ``versions`` (mappings), ``config`` (None if the data came as
            arrays) and more; None where no run was begun.

        Raises:
            UserError: if it is damaged or incomplete.
        """
        facts = self._json('run.json')
        if facts is not None:
            _check(self.file('run.json'), facts, _FACTS)
            _check(self.file('run.json'), facts['dirs'], _DIRS, 'dirs: ')
        return facts

    def events(self) -> List[Dict[str, Any]]:
        """The lines of ``events.jsonl``, in order; see :func:`read_events`."""
        return read_events(self.file('events.jsonl'))

    def history(self) -> History:
        """The history of the first training; see :func:`read_history`."""
        return self._history(self.path)

    def version(self) -> int:
        """The newest ``schema_version`` that a file of the folder has; 0 where none has one.

        Raises:
            UserError: if one of them is damaged.
        """
        found = [(self._json(name) or {}).get('schema_version') for name in _SIGNS[:2]]
        return max([version for version in found if isinstance(version, int)], default=0)

    def attempts(self, by_events: bool = False) -> List[Attempt]:
        """The tries of solutions, in order; last the one that trains now, if there is one.

        Args:
            by_events: whether to pass over ``result.json``, which can be damaged.

        Raises:
            UserError: if what is on record of them, or the history of one, is damaged.
        """
        # first: what ends meanwhile is told as still training
        records = self._attempt_records(by_events)
        begun, ended = self._begun_attempts(), []
        for record in records:
            number, solution, attempt = record.get('number'), record['solution'], record['try']
            name = '' if number is None else attempt_name(number, solution, attempt)
            training = begun.pop(name, Attempt(solution, attempt, None, None, _no_history()))
            ended.append(training._replace(record=record))
        return ended + [begun[name] for name in sorted(begun)]

    @property
    def model_path(self) -> Optional[str]:
        """The file of the trained model, wherever the folder was moved; None if there is none."""
        for name in ('model.keras', 'model.h5'):
            if os.path.exists(self.file(name)):
                return self.file(name)
        return None

    def _attempt_records(self, by_events: bool) -> List[Dict[str, Any]]:
        """What came of the attempts that have ended."""
        result = None if by_events else self.result()
        if result is not None:
            return list(result['attempts'])
        records = [{key: value for key, value in event.items()
                    if key not in ('event', 'time', 'outcome')}
                   for event in self.events() if event['event'] == 'attempt']
        _check_attempts(self.file('events.jsonl'), records, self._own())
        return records

    def _own(self) -> Any:
        """What the run has on record of issues of its program's own, if that can be read."""
        try:
            return (self._json('run.json') or {}).get('own')
        except UserError:
            return None

    def _begun_attempts(self) -> Dict[str, Attempt]:
        """The attempts that have a folder, by its name."""
        begun = {}
        for folder in glob.glob(os.path.join(glob.escape(self.path), 'attempts', '*')):
            match = _ATTEMPT_NAME.fullmatch(os.path.basename(folder))
            if match:
                begun[match.group()] = Attempt(match.group(1), int(match.group(2)), None, folder,
                                               self._history(folder))
        return begun

    @staticmethod
    def _history(folder: str) -> History:
        return _if_there(read_history, os.path.join(folder, 'history.csv')) or _no_history()

    def _json(self, name: str) -> Optional[Dict[str, Any]]:
        return _if_there(read_json, self.file(name))


def _if_there(read: Callable[[str], Any], path: str) -> Any:
    """What a file holds; None if it is missing, which another process can change at any moment."""
    try:
        return read(path)
    except UserError as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            return None
        raise


def _check(path: str, content: Mapping[str, Any], kinds: _Kinds, where: str = '',
           own: Any = None) -> None:
    """See that all that a reader relies on is there, and of the right kind.

    ``own`` is what the folder says of issues that a program had registered.

    Raises:
        UserError: if not.
    """
    for name, allowed in kinds.items():
        if name not in content:
            if name in _OPTIONAL:
                continue
            raise _no_record(path, '%s%s is missing' % (where, name))
        value = content[name]
        if not isinstance(value, allowed) or (name in ('initial_issue', 'issue') and value
                                              not in (None,) + tuple(known_issues(own))):
            raise _no_record(path, '%s%s is %s' % (where, name, quote(value)))


def _check_attempts(path: str, records: Sequence[Any], own: Any) -> None:
    for number, record in enumerate(records, 1):
        where = 'attempt %d: ' % number
        if not isinstance(record, dict):
            raise _no_record(path, where + quote(record))
        _check(path, record, _ATTEMPT, where, own)
        if record['status'] == 'error' and not record.get('traceback', '').strip():
            raise _no_record(path, where + 'traceback is missing')


def _check_race(path: str, result: Mapping[str, Any]) -> None:
    race = result['race']
    _check(path, race, _RACE, 'race: ')
    if 'price' not in result:
        raise _no_record(path, 'price is missing')
    for number, entry in enumerate(race['candidates'], 1):
        where = 'candidate %d: ' % number
        if not isinstance(entry, dict):
            raise _no_record(path, where + quote(entry))
        _check(path, entry, _CANDIDATE, where)
    for where, words in [('of_all', race['of_all']), ('left_out', race['left_out'])] + [
            ('words', entry['words']) for entry in race['candidates']]:
        if not all(isinstance(word, str) for word in words):
            raise _no_record(path, 'race: %s is %s' % (where, quote(words)))


def _no_record(path: str, why: str) -> UserError:
    return UserError('%r cannot be read as a record of a run: %s' % (path, why))


def read_json(path: str) -> Dict[str, Any]:
    """Read what :func:`~AutoTrainer.record.folder.write_json` wrote.

    Raises:
        UserError: if the file is missing or not a JSON object.
    """
    try:
        with open(path, 'rb') as file:
            content = _parse(file.read())
    except (OSError, ValueError, RecursionError) as error:
        raise _no_record(path, quote(str(error))[1:-1]) from error
    if not isinstance(content, dict):
        raise _no_record(path, 'it holds no object')
    return content


def _no_history() -> Dict[str, List[Optional[float]]]:
    return {key: [] for key in HISTORY_KEYS}


def read_history(path: str) -> History:
    """Read a ``history.csv``; a torn last row is left out, and a torn first one: no epoch yet.

    Raises:
        UserError: if the file is missing or no history.
    """
    history = _no_history()
    header = ','.join(HISTORY_COLUMNS)
    try:
        with open(path, 'rb') as file:
            content = file.read()
        if header.encode('ascii').startswith(content):
            return history
        lines = content[:content.rfind(b'\n') + 1].decode('utf-8').splitlines()
        if not lines or lines[0] != header:
            raise ValueError('its first line is not %s' % header)
        for number, row in enumerate(csv.reader(lines[1:]), 1):
            if len(row) != len(HISTORY_COLUMNS) or row[0] != str(number):
                raise ValueError('row %d is %r' % (number, ','.join(row)[:80]))
            for key, cell in zip(HISTORY_KEYS, row[1:]):
                history[key].append(float(cell) if cell else None)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError('%r cannot be read as the history of a training: %s'
                        % (path, quote(str(error))[1:-1])) from error
    return history


def read_events(path: str) -> List[Dict[str, Any]]:
    """Read an ``events.jsonl``; a torn last line is left out, a missing file is empty.

    Returns:
        One mapping per line. ``event`` says what has happened, ``time`` when, in seconds since
        1970 (UTC); lines of earlier versions have no ``time``.

    Raises:
        UserError: if a whole line is not a JSON object with ``event``.
    """
    events: List[Dict[str, Any]] = []
    try:
        with open(path, 'rb') as file:
            content = file.read()
        for line in content[:content.rfind(b'\n') + 1].split(b'\n'):
            if line.strip():
                event = _parse(line)
                if not isinstance(event, dict) or not isinstance(event.get('event'), str):
                    raise ValueError('line %d is no event' % (len(events) + 1))
                events.append(event)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, RecursionError) as error:
        raise UserError('%r cannot be read as the events of a run: %s'
                        % (path, quote(str(error))[1:-1])) from error
    return events


def _parse(text: bytes) -> Any:
    """JSON from a file that may come from anywhere.

    Raises:
        ValueError: if it is none, or holds what can be neither computed with nor shown.
        RecursionError: if it is nested too deeply.
    """
    content = json.loads(text.decode('utf-8'), parse_int=parse_int)
    json.dumps(content, ensure_ascii=False).encode('utf-8')  # no half of a character pair
    return content


def last_number(values: Sequence[Optional[float]]) -> Optional[float]:
    """The last entry that is not None; None if there is none."""
    for value in reversed(values):
        if value is not None:
            return value
    return None
