"""All that a page tells of, read from a run folder that may be damaged or unfinished."""

import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ...errors import UserError
from ...judge.facts import HISTORY_KEYS, History
from ...judge.recovery import Restoration
from ...record.events import (
    CheckRecord,
    LegRecord,
    checks,
    first_outcome,
    legs,
    number_or_none,
    restorations,
    watched,
)
from ...record.folder import SCHEMA_VERSION
from ...record.reader import Attempt, RunReader

Told = TypeVar('Told')
_NOTHING: History = {key: [] for key in HISTORY_KEYS}
_RACE = 'race'
"""What the folder of a candidate of a race has where that of an attempt has its solution."""


class Run(NamedTuple):
    """One run, as far as its folder can be read.

    Attributes:
        name: of the folder.
        result: content of ``result.json``; None where there is none yet, or none that can be read.
        settings: what the run was asked to do; empty where that is not on record.
        facts: the rest of ``run.json``: versions, configuration.
        events: all of them, in order.
        history: of the first training.
        attempts: tries of solutions, those of a race left out.
        notes: what could not be read, one sentence each.
        begun: whether a run was begun here, and not a callback alone.
    """

    name: str
    result: Optional[Dict[str, Any]] = None
    settings: Dict[str, Any] = {}  # never changed: every run brings its own
    facts: Dict[str, Any] = {}
    events: Sequence[Dict[str, Any]] = ()
    history: History = _NOTHING
    attempts: Sequence[Attempt] = ()
    notes: Tuple[str, ...] = ()
    begun: bool = False

    @property
    def own(self) -> Any:
        """What the run has on record of issues of its program's own; None without."""
        return (self.result or {}).get('own') or self.facts.get('own')

    @property
    def epochs(self) -> int:
        """Epochs of the first training that are on record."""
        return len(self.history['loss'])

    @property
    def planned(self) -> Optional[int]:
        """Planned epochs; None where nobody has written them down."""
        for source in (self.result or {}).get('total_epochs'), self.settings.get('epochs'):
            if isinstance(source, int) and not isinstance(source, bool) and 0 < source < 2 ** 53:
                return source
        return None

    @property
    def checks(self) -> List[CheckRecord]:
        """Checks of the first training."""
        return checks(self.events)

    @property
    def restorations(self) -> List[Restoration]:
        """When the best weights of the first training were put back."""
        return restorations(self.events)

    @property
    def legs(self) -> List[LegRecord]:
        """Legs of the race, if there was one."""
        return legs(self.events)

    @property
    def race(self) -> Dict[str, Any]:
        """What ``result.json`` has of a race; empty without."""
        race = (self.result or {}).get('race')
        return race if isinstance(race, dict) else {}

    @property
    def outcome(self) -> Dict[str, Any]:
        """What is on record of the end of the first training; empty before."""
        return first_outcome(self.events)

    @property
    def verdict(self) -> Optional[CheckRecord]:
        """The check that found the issues; None where none did.

        It comes from the result, or, before there is one, from the last check that found something
        and after which the training did not go on from its best weights.
        """
        result = self.result
        if result is not None and result['initial_issue'] is not None:
            reasons = result.get('reasons') or {result['initial_issue']: result['reason']}
            issues = [issue for issue in result.get('issues') or () if isinstance(issue, str)]
            advice = next((check.advice for check in reversed(self.checks) if check.issues), {})
            return CheckRecord(result['detected_epoch'],
                               tuple(issues) or (result['initial_issue'],),
                               {str(issue): str(why) for issue, why in reasons.items()},
                               advice=advice)
        if result is not None and result['status'] == 'normal':
            return None
        answered = {one.epoch for one in self.restorations if one.goes_on}
        return next((check for check in reversed(self.checks)
                     if check.issues and check.epoch not in answered), None)

    @property
    def watched(self) -> Dict[str, Any]:
        """What a training that was only watched came to; empty before its end, and of a run."""
        return {} if self.begun else watched(self.events)[1]

    @property
    def has_accuracy(self) -> bool:
        """Whether accuracies were measured, as far as that is on record."""
        begun, ended = watched(self.events)
        return begun.get('accuracy_counts') is not False and ended.get('by_loss') is not True

    @property
    def skills(self) -> Tuple[Optional[float], Optional[float]]:
        """Skill of the first training and of the one that is handed back."""
        skill = (self.result or {}).get('skill') or {}
        before = skill.get('before') if self.result else (
            self.outcome.get('skill') if self.begun else self.watched.get('skill'))
        return number_or_none(before), number_or_none(skill.get('after'))

    @property
    def yardstick(self) -> Optional[float]:
        """Skill of a classical learner on the same rows; None where nobody has asked."""
        told = [(self.result or {}).get('yardstick'), self.outcome.get('yardstick'),
                self.watched.get('yardstick')]
        told += [check.yardstick for check in reversed(self.checks)]
        return next(filter(lambda value: value is not None, map(number_or_none, told)), None)

    @property
    def form(self) -> str:
        """In which skill is told: ``'accuracy'``, ``'balanced accuracy'``, …; '' if unknown."""
        told = ((self.result or {}).get('skill') or {}).get('form') or self.outcome.get(
            'skill_form')
        return told if isinstance(told, str) else ''


def read_run(path: str) -> Run:
    """Read a run folder, and say what of it cannot be read.

    Args:
        path: the folder of a run, or one that ``Watch(save_dir=…)`` wrote.

    Raises:
        UserError: if it holds nothing of a run.
    """
    reader, notes = RunReader(path), []
    if not reader.is_there:
        raise UserError('%r holds no run: none of run.json, result.json, history.csv and '
                        'events.jsonl is in it; give the folder that a run wrote' % path)

    def part(read: Callable[[], Told], instead: Told) -> Told:
        try:
            return read()
        except UserError as error:
            if str(error) not in notes:
                notes.append(str(error))
            return instead

    version = part(reader.version, 0)
    if version > SCHEMA_VERSION:
        notes.append('the folder was written by a newer version (format %d, this one knows %d): '
                     'what it does not know is left out' % (version, SCHEMA_VERSION))
    result, facts = part(reader.result, None), part(reader.facts, None) or {}
    none: List[Dict[str, Any]] = []
    events, history = part(reader.events, none), part(reader.history, _NOTHING)
    ended = [Attempt(record['solution'], record['try'], record, None, _NOTHING)
             for record in (result or {}).get('attempts', ())]
    attempts = [attempt for attempt in part(lambda: reader.attempts(result is None), ended)
                if not (attempt.solution == _RACE and attempt.record is None)]
    name = os.path.basename(os.path.abspath(path)) or path
    if not facts:
        begun = watched(events)[0]
        facts = {key: begun[key] for key in ('settings', 'versions')
                 if isinstance(begun.get(key), dict)}
    return Run(name, result, facts.get('settings', {}), facts, events, history, attempts,
               tuple(notes), reader.is_begun or result is not None)
