"""The tries of solutions, one training after another: upstream's way to repair."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ...judge.own import issue_named
from ...record.events import number_or_none
from ...record.reader import last_number
from ..text import percent
from .curves import measures_accuracy
from .names import in_words
from .run import Run
from .scale import drawable
from .svg import Figure, Line

_STATUSES = {'solved': '✓ solved', 'potential': '~ its issue is gone, another came up',
             'failed': '✕ its issue is left', 'skipped': '– skipped', 'error': '! broke down'}
"""What came of a try, with a sign that needs no colour."""


class Row(NamedTuple):
    """One try, for the table.

    Attributes:
        place: its place in the order, from 1.
        words: the solution, for a reader; with the number of the try from the second on.
        description: what it changed.
        outcome: what came of it, with a sign.
        accuracy: of validation; '–' without.
        epochs: trained.
        won: whether it solved the issue.
    """

    place: int
    words: str
    description: str
    outcome: str
    accuracy: str
    epochs: str
    won: bool


def rows_of(run: Run) -> List[Row]:
    """The tries in order; last the one that trains now, where one does."""
    found = []
    for place, attempt in enumerate(run.attempts, 1):
        record = attempt.record
        words = in_words(attempt.solution) + (
            ', try %d' % attempt.attempt if attempt.attempt > 1 else '')
        if record is None:
            reached = last_number(attempt.history['val_acc'])
            found.append(Row(place, words, '', '… was training when this was written',
                             percent(drawable(reached)), str(len(attempt.history['loss'])), False))
            continue
        found.append(Row(
            place, words, record['description'], _outcome(record, run.own),
            percent(number_or_none(record['val_accuracy'])),
            str(record['epochs']) if record['epochs'] else '–', record['status'] == 'solved'))
    return found


def _outcome(record: Dict[str, Any], own: Any) -> str:
    status, issue = record['status'], record['issue']
    if status == 'error':
        return '%s (%s)' % (_STATUSES[status], record['traceback'].strip().splitlines()[-1])
    if status == 'potential' and issue is None:
        return '~ stopped by a callback before it had converged'
    left = '' if issue is None else ': ' + issue_named(issue, own).words
    return _STATUSES.get(status, status) + left


def attempts_figure(run: Run) -> Optional[Figure]:
    """Accuracy of each try over its epochs, beside that of the first training; None without."""
    key = 'val_acc' if any(attempt.history['val_acc'] for attempt in run.attempts) and any(
        value is not None for attempt in run.attempts for value in attempt.history['val_acc']
    ) else 'acc'
    lines: List[Line] = []
    won: List[Line] = []
    longest = run.epochs
    for place, attempt in enumerate(run.attempts, 1):
        points = _points(attempt.history[key])
        if not any(drawable(value) is not None for _, value in points):
            continue
        longest = max(longest, len(points))
        solved = bool(attempt.record) and (attempt.record or {}).get('status') == 'solved'
        into, kind = (won, 'winner') if solved else (lines, 'racer')
        into.append(Line('the try that solved it' if solved else 'other tries, by number', points,
                         kind, str(place)))
    if not lines and not won:
        return None
    rows = 'validation' if key == 'val_acc' else 'training'
    counts = measures_accuracy(run)
    first = Line('first training', _points(run.history[key]), 'before')
    return Figure(
        'The tries', _takeaway(run), 'epoch',
        '%s %s' % (rows, 'accuracy (share of the rows)' if counts else
                   'rows: share of the loss that is gone'),
        (first,) + tuple(lines[-20:]) + tuple(won), clip=(-1.0, 1.0),
        x_range=(0.0, float(max(longest, run.planned or 1))))


def _points(series: Any) -> Tuple[Tuple[float, Optional[float]], ...]:
    return tuple((float(epoch), value) for epoch, value in enumerate(series, 1))


def _takeaway(run: Run) -> str:
    rows = rows_of(run)
    trained = [row for row in rows if row.epochs not in ('–', '0')]
    solved = next((row for row in rows if row.won), None)
    said = '%d tr%s trained' % (len(trained), 'y was' if len(trained) == 1 else 'ies were')
    if solved is None:
        return said + '; none of them has solved it.'
    return '%s; number %d (%s) solved it, with an accuracy of %s.' % (
        said, solved.place, solved.words, solved.accuracy)
