"""What the events of a run say, as plain records: its checks, and the legs of a race.

The events come from :func:`AutoTrainer.record.reader.read_events`. An event, or a part of one, that
is not as it should be is passed over: what is looked at may be damaged, or of a newer version.
"""

import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..judge.recovery import Restoration

Event = Mapping[str, Any]


class CheckRecord(NamedTuple):
    """One check of a training.

    Attributes:
        epoch: after which it was made (1-based), 0 before the first step.
        issues: names of what was found.
        reasons: for each of them why, in words.
        layers: names of the kernels whose gradients were measured, in layer order.
        norms: of these gradients; None where one was no finite number.
        skill: what was learnt by then; None where it was not measured.
        yardstick: what a classical learner gets; None where nobody had asked by then.
        learner: which one; '' if unknown.
        advice: for each of ``issues`` what to change; empty where nothing of the kind is on record.
    """

    epoch: int
    issues: Tuple[str, ...] = ()
    reasons: Dict[str, str] = {}  # never changed: every check brings its own
    layers: Tuple[str, ...] = ()
    norms: Tuple[Optional[float], ...] = ()
    skill: Optional[float] = None
    yardstick: Optional[float] = None
    learner: str = ''
    advice: Dict[str, str] = {}  # likewise


class LegRecord(NamedTuple):
    """One leg of a candidate of a race.

    Attributes:
        number: of the candidate.
        solution: its solutions, joined by ``+``.
        epochs: that it has then, all together.
        looks: (epoch, skill) of all its looks so far.
        ended: why it goes no further; '' where it may.
    """

    number: int
    solution: str
    epochs: int
    looks: Tuple[Tuple[int, float], ...] = ()
    ended: str = ''


def number_or_none(value: Any) -> Optional[float]:
    """A finite number as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _count(value: Any) -> Optional[int]:
    """A whole number from 0; None for anything else."""
    return (value if isinstance(value, int) and not isinstance(value, bool)
            and 0 <= value < 2 ** 53 else None)


def checks(events: Sequence[Event], number: Optional[int] = None) -> List[CheckRecord]:
    """The checks of one training, in order.

    Args:
        events: of the run.
        number: of the training; None for the first. Where a folder has several first trainings (of
            a callback that watched one after the other), the checks are those of the last.
    """
    found: List[CheckRecord] = []
    for event in events:
        epoch = _count(event.get('epoch'))
        if event['event'] != 'check' or event.get('number') != number or epoch is None:
            continue
        if number is None and event.get('retrain') is True:
            continue  # an attempt's, of a version that did not number them
        if found and epoch <= found[-1].epoch:
            found = []
        found.append(_check_of(event, epoch))
    return found


def _check_of(event: Event, epoch: int) -> CheckRecord:
    issues = _texts(event.get('issues'))
    reasons = event.get('reasons')
    if not isinstance(reasons, dict):
        reason = event.get('reason')  # of an older version: all in one line
        reasons = {issues[0]: reason} if issues and isinstance(reason, str) else {}
    names, norms = _norms(event.get('layers'))
    advice = event.get('advice')
    advice = advice if isinstance(advice, dict) else {}
    skill, yardstick = (number_or_none(event.get(key)) for key in ('skill', 'yardstick'))
    return CheckRecord(epoch, issues, {str(issue): str(why) for issue, why in reasons.items()},
                       names, norms, skill, yardstick, _learner(event.get('yardsticks')),
                       {str(issue): what for issue, what in advice.items()
                        if isinstance(what, str)})


def _texts(value: Any) -> Tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _norms(layers: Any) -> Tuple[Tuple[str, ...], Tuple[Optional[float], ...]]:
    if not isinstance(layers, dict):
        return (), ()
    names, norms = _texts(layers.get('names')), layers.get('norms')
    if not isinstance(norms, list) or len(norms) != len(names):
        return (), ()
    return names, tuple(map(number_or_none, norms))


def _learner(yardsticks: Any) -> str:
    for entry in yardsticks if isinstance(yardsticks, list) else ():
        learner = entry.get('learner') if isinstance(entry, dict) else None
        if isinstance(learner, str) and learner:
            return learner
    return ''


def restorations(events: Sequence[Event]) -> List[Restoration]:
    """When the best state was put back in the first training, in order; of several the last one.

    Args:
        events: of the run.
    """
    found: List[Restoration] = []
    last = 0
    for event in events:
        epoch = _count(event.get('epoch'))
        if (event['event'] not in ('check', 'restore') or epoch is None
                or event.get('number') is not None or event.get('retrain') is True):
            continue
        if epoch < last:
            found = []
        last = epoch
        if event['event'] == 'restore':
            issue, reason, note = (event.get(key) if isinstance(event.get(key), str) else ''
                                   for key in ('issue', 'reason', 'note'))
            found.append(Restoration(epoch, str(issue), str(reason), _count(event.get('back_to')),
                                     _rates(event.get('rates')), event.get('goes_on') is True,
                                     str(note)))
    return found


def _rates(value: Any) -> Optional[Tuple[float, float]]:
    numbers = [number_or_none(entry) for entry in value] if isinstance(value, list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0], numbers[1]


def legs(events: Sequence[Event]) -> List[LegRecord]:
    """The legs of a race, in the order in which they were trained."""
    found = []
    for event in events:
        number, epochs = _count(event.get('number')), _count(event.get('epochs'))
        solution, ended = event.get('solution'), event.get('ended')
        if event['event'] == 'leg' and number and epochs is not None and isinstance(solution, str):
            found.append(LegRecord(number, solution, epochs, _looks(event.get('looks')),
                                   ended if isinstance(ended, str) else ''))
    return found


def _looks(looks: Any) -> Tuple[Tuple[int, float], ...]:
    found = []
    for look in looks if isinstance(looks, list) else ():
        if isinstance(look, list) and len(look) > 1:
            epoch, skill = _count(look[0]), number_or_none(look[1])
            if epoch is not None and skill is not None:
                found.append((epoch, skill))
    return tuple(found)


def first_outcome(events: Sequence[Event]) -> Dict[str, Any]:
    """What is on record of the end of the first training; empty before."""
    for event in reversed(events):
        if event['event'] == 'training' and isinstance(event.get('outcome'), dict):
            return dict(event['outcome'])
    return {}


def watched(events: Sequence[Event]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """How the last training that was only watched was set up, and what it came to.

    Returns:
        The two events; empty where they are not on record, the second before its end.
    """
    begun: Dict[str, Any] = {}
    ended: Dict[str, Any] = {}
    for event in events:
        if event['event'] == 'watch':
            begun, ended = dict(event), {}
        elif event['event'] == 'watched':
            ended = dict(event)
    return begun, ended


def span(events: Sequence[Event]) -> Optional[Tuple[float, float]]:
    """Times of the first and the last event, in seconds since 1970 (UTC); None without any."""
    times = [time for time in (number_or_none(event.get('time')) for event in events)
             if time is not None and 0 < time < 4e9]
    return (min(times), max(times)) if times else None
