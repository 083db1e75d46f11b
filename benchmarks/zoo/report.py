"""How often verdicts are right: recall, false alarms, how early, by task and by way of spoiling."""

import math
import statistics
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .peers import Judge
from .replay import Said, Tape, replay
from .truth import LEAST_BEST, best_of, outcome

WELL_SET = 'well set'


class Case(NamedTuple):
    """A taped training with its truth and what each judge says of it."""

    tape: Tape
    outcome: Optional[str]
    best: Optional[float]
    said: Mapping[str, Said]

    @property
    def way(self) -> str:
        """The way in which it was spoilt."""
        return str(self.tape['spoilt']) or WELL_SET


def wilson(hits: int, of: int, z: float = 1.96) -> Tuple[float, float]:
    """Wilson's interval of a share; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / of + square / of / 4) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def cases(tapes: Sequence[Tape], judges: Mapping[str, Judge]) -> List[Case]:
    """All trainings with their truth and every judge's word.

    Args:
        tapes: of all well-set trainings of each table at least, which the truth is held against.
        judges: by name.
    """
    best = best_of(tapes)
    return [Case(tape, outcome(tape['skill'], best.get(tape['table'])), best.get(tape['table']),
                 {name: judge(tape) for name, judge in judges.items()}) for tape in tapes]


def figures(found: Sequence[Case], judge: str) -> Dict[str, Any]:
    """How often one judge is right.

    Returns:
        ``bad`` and ``good`` trainings; ``recall`` and ``false_alarms`` with ``hits``, ``of``,
        ``share`` (None of nothing) and its 95 % interval; ``epoch``: the median of the epoch of
        the verdicts on bad trainings over the planned epochs.
    """
    bad = [case for case in found if case.outcome == 'bad']
    good = [case for case in found if case.outcome == 'good']
    caught = [case for case in bad if case.said[judge].issues]
    shares = [(case.said[judge].epoch or 0) / case.tape['epochs'] for case in caught]
    return dict(bad=len(bad), good=len(good), recall=share(len(caught), len(bad)),
                false_alarms=share(sum(bool(case.said[judge].issues) for case in good),
                                    len(good)),
                epoch=round(statistics.median(shares), 3) if shares else None)


def share(hits: int, of: int) -> Dict[str, Any]:
    """A share with its 95 % interval; None of nothing."""
    low, high = wilson(hits, of)
    return dict(hits=hits, of=of, share=round(hits / of, 4) if of else None,
                low=round(low, 4), high=round(high, 4))


def summary(found: Sequence[Case], judges: Sequence[str]) -> Dict[str, Any]:
    """All figures of some trainings: overall, by task, by table and by way of spoiling."""
    def grouped(key: Callable[[Case], str]) -> Dict[str, Any]:
        names = sorted({key(case) for case in found})
        return {name: {judge: figures([case for case in found if key(case) == name], judge)
                       for judge in judges} for name in names}
    return dict(
        trainings=len(found), judges={judge: figures(found, judge) for judge in judges},
        tasks=grouped(lambda case: case.tape['task']), ways=grouped(lambda case: case.way),
        tables=grouped(lambda case: case.tape['table']),
        best={case.tape['table']: round(case.best, 3) for case in found if case.best is not None},
        causes={judge: _causes(found, judge) for judge in judges if judge != 'coin'},
        without_truth=_without_truth(found, judges))


def _causes(found: Sequence[Case], judge: str) -> Dict[str, Dict[str, int]]:
    """By way of spoiling, what bad trainings are said to have in the first place."""
    by_way: Dict[str, Counter] = {}
    for case in found:
        if case.outcome == 'bad':
            issues = case.said[judge].issues
            by_way.setdefault(case.way, Counter())[issues[0] if issues else 'nothing'] += 1
    return {way: dict(by_way[way].most_common()) for way in sorted(by_way)}


def _without_truth(found: Sequence[Case], judges: Sequence[str]) -> Dict[str, Any]:
    """Of tables on which nothing learns: how many trainings are blamed, and told so."""
    these = [case for case in found if case.best is not None and case.best < LEAST_BEST]
    told = sum('no_signal' in replay(case.tape).verdict.told for case in these) if (
        these and 'subject' in these[0].tape) else 0
    return dict(trainings=len(these), told_no_signal=told, blamed={
        judge: sum(bool(case.said[judge].issues) for case in these) for judge in judges})


# ------------------------------------------------------------------------------------- in words

def text(parts: Mapping[str, Mapping[str, Any]], judges: Sequence[str]) -> str:
    """The figures as tables for the eye.

    Args:
        parts: :func:`summary` by name of the part.
        judges: their names; the first is the one that matters.
    """
    lines: List[str] = []
    for name, part in parts.items():
        lines += ['', '%s: %d trainings' % (name, part['trainings']), _row(
            ('', 'bad', 'recall', '95 %', 'good', 'false alarms', '95 %', 'epoch/plan'))]
        for judge in judges:
            lines.append(_overall(judge, part['judges'][judge]))
        for title, key in (('by task', 'tasks'), ('by way of spoiling', 'ways'),
                           ('by table', 'tables')):
            lines += ['', _row((title, 'bad', *('%s' % judge for judge in judges), 'good',
                                *judges), 11) + '   (recall, then false alarms, in %)']
            for group, by_judge in part[key].items():
                any_judge = by_judge[judges[0]]
                lines.append(_row((group, any_judge['bad'], *(
                    _percent(by_judge[judge]['recall']) for judge in judges), any_judge['good'], *(
                    _percent(by_judge[judge]['false_alarms']) for judge in judges)), 11))
        untrue = part['without_truth']
        if untrue['trainings']:
            lines.append('nothing to learn: %d trainings, %d told so, %d blamed' % (
                untrue['trainings'], untrue['told_no_signal'], untrue['blamed'][judges[0]]))
    return '\n'.join(lines)


def _overall(judge: str, entry: Mapping[str, Any]) -> str:
    recall, alarms = entry['recall'], entry['false_alarms']
    return _row((judge, entry['bad'], _percent(recall), _interval(recall), entry['good'],
                 _percent(alarms), _interval(alarms),
                 '-' if entry['epoch'] is None else '%.2f' % entry['epoch']))


def _row(cells: Sequence[Any], width: int = 13) -> str:
    return '%-18s' % cells[0] + ''.join(str(cell).rjust(width) for cell in cells[1:])


def _percent(entry: Mapping[str, Any]) -> str:
    return '-' if entry['share'] is None else '%.1f' % (100 * entry['share'])


def _interval(entry: Mapping[str, Any]) -> str:
    return '%.1f..%.1f' % (100 * entry['low'], 100 * entry['high'])


def wrong(found: Sequence[Case], judge: str) -> List[str]:
    """The trainings of which a judge is wrong, in one line each, by kind of mistake and table."""
    lines = []
    for case in found:
        issues = case.said[judge].issues
        if case.outcome == 'bad' and not issues or case.outcome == 'good' and issues:
            tape = case.tape
            kind = 'missed' if case.outcome == 'bad' else 'false alarm'
            lines.append('%-11s %-15s %-20s %d %-14s skill %.2f of %.2f  epoch %s of %d  %s: %s' % (
                kind, tape['table'], tape['recipe'], tape['seed'], case.way, tape['skill'],
                case.best or 0, case.said[judge].epoch, tape['epochs'], ','.join(issues) or '-',
                case.said[judge].reason[:300]))
    return sorted(lines)
