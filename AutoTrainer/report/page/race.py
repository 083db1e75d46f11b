"""The race of the candidates: what each had learnt, over what all had cost by then."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from ...record.events import number_or_none
from .names import ended_in_words, in_words
from .run import Run
from .scale import number_text, skill_text
from .svg import Figure, Level, Line, Span


class Row(NamedTuple):
    """One candidate, for the table.

    Attributes:
        number: its number.
        name: its solutions by name.
        words: the same for a reader.
        changes: what each of them changed.
        why: why it was there.
        epochs: trained, of those planned where that is known.
        skill: at its best look; '–' without a number.
        ended: why it went no further; '' while it may.
        won: whether it was best.
    """

    number: int
    name: str
    words: str
    changes: Tuple[str, ...]
    why: str
    epochs: str
    skill: str
    ended: str
    won: bool


class Track(NamedTuple):
    """What one candidate had learnt, over the price of the race by then."""

    number: int
    points: Tuple[Tuple[float, float], ...]


class Race(NamedTuple):
    """The numbers of a race.

    Attributes:
        begun_at: price of the first training, in planned trainings.
        price: of all together.
        tracks: one for each candidate.
        goal: skill at which a candidate ends it; None if unknown.
        winner: number of the best; None if none gave a number.
        rows: of the table.
    """

    begun_at: float
    price: float
    tracks: Tuple[Track, ...]
    goal: Optional[float]
    winner: Optional[int]
    rows: Tuple[Row, ...]


def race_of(run: Run) -> Optional[Race]:
    """The race of a run, also of one that has not ended; None where none has begun."""
    legs, planned = run.legs, run.planned
    entries = {entry['number']: entry for entry in run.race.get('candidates', ())}
    if not legs and not entries or not planned:
        return None
    trained = run.outcome.get('epochs')
    begun_at = (trained if isinstance(trained, int) else run.epochs) / planned
    price = begun_at
    done: Dict[int, int] = {}
    points: Dict[int, List[Tuple[float, float]]] = {}
    for leg in legs:
        before = done.get(leg.number, 0)
        points.setdefault(leg.number, []).extend(
            (price + (epoch - before) / planned, skill) for epoch, skill in leg.looks
            if epoch > before)
        price += max(leg.epochs - before, 0) / planned
        done[leg.number] = max(leg.epochs, before)
    best = {number: max(skill for _, skill in track) for number, track in points.items() if track}
    winner = run.race.get('winner') if run.race else None
    rows = []
    for number in sorted(set(entries) | set(done)):
        entry = entries.get(number)
        name = entry['name'] if entry else next(
            leg.solution for leg in legs if leg.number == number)
        rows.append(Row(
            number, name, in_words(name), tuple(entry['words']) if entry else (),
            entry['why'] if entry else '',
            '%d of %d' % (entry['epochs'], entry['planned']) if entry else str(done[number]),
            skill_text(number_or_none(entry['skill']) if entry else best.get(number)),
            ended_in_words(entry['ended'] if entry else next(
                leg.ended for leg in reversed(legs) if leg.number == number)),
            number == winner))
    told = number_or_none((run.result or {}).get('price'))
    return Race(begun_at, price if told is None else told,
                tuple(Track(number, tuple(track)) for number, track in sorted(points.items())),
                number_or_none(run.race.get('goal')), winner, tuple(rows))


def race_figure(run: Run, race: Race) -> Optional[Figure]:
    """Skill of each candidate over the price of all; None where none was looked at."""
    tracks = [track for track in race.tracks if track.points]
    if not tracks:
        return None
    lines = [Line('', track.points, 'racer dotted', str(track.number))
             for track in tracks if track.number != race.winner]
    if lines:
        lines[0] = lines[0]._replace(name='candidates, by number')
    lines += [Line('the best of them', track.points, 'winner dotted', '%d, best' % track.number)
              for track in tracks if track.number == race.winner]
    levels = [Level(0.0, 'best constant answer: 0', at_left=True)]
    yardstick = run.yardstick
    if race.goal is not None and race.goal != yardstick:
        levels.append(Level(race.goal, 'goal: %.2f' % race.goal, 'level', True))
    if yardstick is not None:
        levels.append(Level(yardstick, 'classical learners%s: %.2f' % (
            ' (the goal)' * (race.goal == yardstick), yardstick), 'yardstick', True))
    return Figure(
        'The race: skill over price', race_takeaway(race, run.skills[1] if (
            run.result or {}).get('solution') else None), 'price so far, in planned trainings',
        'skill on the rows that choose', tuple(lines), tuple(levels),
        spans=(Span(0.0, race.begun_at, 'first training'),),
        x_range=(0.0, max(race.price, race.begun_at, 0.01) * 1.02), clip=(-0.5, 1.0),
        whole_x=False)


def race_takeaway(race: Race, last_word: Optional[float] = None) -> str:
    """What came of it, in one sentence.

    Args:
        race: its numbers.
        last_word: skill of the model that is handed back on rows that chose nothing, if it is the
            best candidate's.
    """
    count = len([track for track in race.tracks if track.points])
    said = '%d candidate%s trained, for %s planned trainings together with the first' % (
        count, ' was' if count == 1 else 's were', number_text(race.price))
    best = next((row for row in race.rows if row.won), None)
    if best is None:
        seen = [(skill, -track.number) for track in race.tracks for _, skill in track.points]
        return said + ('; so far number %d is ahead, with a skill of %s.' % (
            -max(seen)[1], skill_text(max(seen)[0])) if race.winner is None and seen else '.')
    return '%s; number %d was best, with a skill of %s on the rows that choose%s.' % (
        said, best.number, best.skill,
        '' if last_word is None else ', and %s on rows that chose nothing' % skill_text(last_word))
