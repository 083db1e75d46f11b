"""What the arms came to: how many trainings they mended, at which price, and what harm they did."""

import statistics
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ..zoo.report import share
from ..zoo.truth import BAD, GOOD
from .cases import GROUPS, Case

RANDOM_OF = (1, 3, 5, 10, 20)
"""Trainings of the random search that are told apart; it is the same search, cut off earlier."""

OPTUNA_AT = (3, 5)
"""Planned trainings at which Optuna is asked for its best, likewise."""

BEYOND = 0.05
"""A training is improved if its skill is higher by more than this."""

HARMLESS = 0.02
"""A good training is worse if its skill is lower by more than this (or than its standard error)."""


class Result(NamedTuple):
    """What one arm made of one training.

    Attributes:
        case: the training.
        arm: what repaired it.
        skill: on the untouched rows, of what is handed back.
        error: the standard error of that.
        price: epochs of all trainings over the planned ones.
        seconds: that it took.
        status, issues, winner: of a repair; empty for other arms.
        crashed: the error, if it ended with one; then the training counts as it was.
        alone: of a good training, skill where it is left alone to its end, in the same order of
            rows.
    """

    case: Case
    arm: str
    skill: float
    error: float
    price: float
    seconds: float
    status: str = ''
    issues: Tuple[str, ...] = ()
    winner: str = ''
    crashed: str = ''
    alone: Optional[float] = None

    @property
    def share(self) -> float:
        """Skill over that of the reference."""
        return self.skill / self.case.reference

    @property
    def reached(self) -> bool:
        """Whether it is as good as the best well-set training of its table, on whichever rows."""
        return self.share >= GOOD

    @property
    def usual(self) -> bool:
        """Whether it is as good as a well-set training usually is on the same rows."""
        return self.skill >= GOOD * self.case.usual

    @property
    def improved(self) -> bool:
        """Whether it is better than it was."""
        return self.skill > self.case.before + BEYOND

    @property
    def rate(self) -> float:
        """0 for as it was, 1 for the reference; never beyond 1 and -1."""
        rate = (self.skill - self.case.before) / (self.case.reference - self.case.before)
        return max(-1.0, min(1.0, rate))


def results(records: Iterable[Mapping[str, Any]]) -> List[Result]:
    """From records to results: a search makes one for each size of it."""
    found: List[Result] = []
    for record in records:
        if 'trials' in record:
            found += _of_search(record)
            continue
        told = {name: record[name] for name in Result._fields if name in record}
        found.append(Result(**dict(told, issues=tuple(record.get('issues') or ()))))
    return found


def _of_search(record: Mapping[str, Any]) -> Iterable[Result]:
    case, trials = record['case'], record['trials']
    if record['arm'] == 'optuna':
        for budget in OPTUNA_AT:
            yield _best(case, 'optuna%d' % budget, _begun_within(trials, budget * case.epochs))
    else:
        for count in RANDOM_OF:
            if count <= len(trials):
                yield _best(case, 'random%d' % count, trials[:count])


def _begun_within(trials: Sequence[Mapping[str, Any]], epochs: float
                  ) -> List[Mapping[str, Any]]:
    begun: List[Mapping[str, Any]] = []
    for trial in trials:
        if sum(earlier['epochs'] for earlier in begun) >= epochs:
            break
        begun.append(trial)
    return begun


def _best(case: Case, arm: str, trials: Sequence[Mapping[str, Any]]) -> Result:
    """What a search hands back: the best by validation among those that were not stopped."""
    finished = [trial for trial in trials if trial['finished']] or trials
    best = max(finished, key=lambda trial: trial['validation'])
    return Result(case, arm, best['skill'], best['error'],
                  sum(trial['epochs'] for trial in trials) / case.epochs,
                  sum(trial['seconds'] for trial in trials))


def figures(found: Sequence[Result]) -> Dict[str, Any]:
    """The figures of one arm.

    Returns:
        ``cases``; ``reached``, ``usual`` and ``improved`` as shares with their intervals;
        ``rate``: the mean improvement rate; ``price`` and ``seconds``; ``crashed``: how many ended
        with an error.
    """
    prices = [result.price for result in found]
    return dict(
        cases=len(found), reached=share(sum(result.reached for result in found), len(found)),
        usual=share(sum(result.usual for result in found), len(found)),
        improved=share(sum(result.improved for result in found), len(found)),
        rate=_mean([result.rate for result in found]),
        price=dict(median=round(statistics.median(prices), 3), mean=_mean(prices)),
        seconds=_mean([result.seconds for result in found]),
        crashed=sum(bool(result.crashed) for result in found))


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values) if hasattr(statistics, 'fmean')
                 else statistics.mean(values), 3)


def summary(found: Sequence[Result]) -> Dict[str, Any]:
    """All figures.

    Args:
        found: of all arms that are to be compared. The comparison is made on the bad trainings that
            every one of them was given; what one arm says alone, on all of its trainings.
    """
    bad = common([result for result in found if result.case.group == 'bad'])
    repairs = [result for result in found if result.status]

    def grouped(key: Callable[[Case], str]) -> Dict[str, Any]:
        return {name: by_arm([result for result in bad if key(result.case) == name], figures)
                for name in sorted({key(result.case) for result in bad})}
    return dict(
        cases=len({result.case for result in bad}), arms=by_arm(bad, figures),
        tasks=grouped(lambda case: case.task), ways=grouped(lambda case: case.way),
        causes=causes([result for result in found if result.arm == 'cause']),
        harm={group: by_arm([result for result in found if result.case.group == group], harm)
              for group in GROUPS[1:]},
        wrongly_repaired=by_arm(repairs, lambda those: [
            result.case.name for result in those
            if result.status == 'repaired' and result.share <= BAD]))


def common(found: Sequence[Result]) -> List[Result]:
    """The results of the cases that all arms have."""
    arms = {result.arm for result in found}
    had: Dict[Case, List[Result]] = {}
    for result in found:
        had.setdefault(result.case, []).append(result)
    return [result for those in had.values() if {result.arm for result in those} == arms
            for result in those]


def by_arm(found: Sequence[Result], count: Callable[[List[Result]], Any]) -> Dict[str, Any]:
    """Something of the results of each arm, in the order in which the arms are met first."""
    arms: Dict[str, List[Result]] = {}
    for result in found:
        arms.setdefault(result.arm, []).append(result)
    return {arm: count(those) for arm, those in arms.items()}


def causes(found: Sequence[Result]) -> Dict[str, Any]:
    """How often the cause that was named first is the right one: its own solutions reach enough.

    Args:
        found: of bad trainings under the arm ``cause``; others are left out.

    Returns:
        By cause and for all together two shares, of those that reach the reference and of those
        that are as good as usual; a training that was not flagged counts as a miss.
    """
    named: Dict[str, List[Result]] = {}
    for result in found:
        if result.case.group == 'bad':
            for cause in ('all', result.issues[0] if result.issues else 'nothing'):
                named.setdefault(cause, []).append(result)
    return {cause: dict(reached=share(sum(result.reached for result in those), len(those)),
                        usual=share(sum(result.usual for result in those), len(those)))
            for cause, those in sorted(named.items(), key=lambda item: -len(item[1]))}


def harm(found: Sequence[Result]) -> Dict[str, Any]:
    """What an arm did to good trainings.

    Returns:
        ``cases``; ``touched``: how many came back with another status than normal; ``worse``: by
        more than the standard error; ``worse_by_002``; ``worst`` and ``mean`` change of skill;
        mean ``price``; ``crashed``.
    """
    changes = [result.skill - (result.case.before if result.alone is None else result.alone)
               for result in found]
    return dict(
        cases=len(found),
        touched=sum(result.status not in ('normal', '') for result in found),
        worse=sum(change < -result.error for change, result in zip(changes, found)),
        worse_by_002=sum(change < -HARMLESS for change in changes),
        worst=round(min(changes), 4), mean=_mean(changes),
        price=_mean([result.price for result in found]),
        crashed=sum(bool(result.crashed) for result in found))


# ------------------------------------------------------------------------------------- in words

def text(told: Mapping[str, Any]) -> str:
    """The figures as tables for the eye."""
    lines = ['%d bad trainings that every arm was given; >= 0.85 of the best well-set training of '
             'the table, and of a usual one on the same rows' % told['cases'], '', _row(
        ('', 'cases', 'best %', '95 %', 'usual %', '95 %', 'improved %', 'rate', 'median price',
         'mean price', 'seconds', 'crashed'))]
    for arm, entry in told['arms'].items():
        lines.append(_row((
            arm, entry['cases'], *(cell for name in ('reached', 'usual') for cell in (
                _percent(entry[name]), _interval(entry[name]))), _percent(entry['improved']),
            '%.2f' % entry['rate'], '%.2f' % entry['price']['median'],
            '%.2f' % entry['price']['mean'], '%.1f' % entry['seconds'], entry['crashed'])))
    for title, key in (('by task', 'tasks'), ('by way of spoiling', 'ways')):
        lines += ['', _row((title, 'cases', *told['arms']), 10) + '   (best, in %)']
        for name, arms in told[key].items():
            lines.append(_row((name, next(iter(arms.values()))['cases'], *(
                _percent(entry['reached']) for entry in arms.values())), 10))
    if told['causes']:
        lines += ['', _row(('named first', 'cases', 'best %', 'usual %')) +
                  '   (its own solutions reach it)']
        lines += [_row((cause, entry['usual']['of'], _percent(entry['reached']),
                        _percent(entry['usual'])))
                  for cause, entry in told['causes'].items()]
    for group, arms in told['harm'].items():
        if arms:
            lines += ['', _row(('good, ' + group, 'cases', 'touched', 'worse', 'worse > 0.02',
                                'worst', 'mean', 'mean price', 'crashed'))]
            lines += [_row((arm, *entry.values())) for arm, entry in arms.items()]
    for arm, names in told['wrongly_repaired'].items():
        lines += ['', "'repaired' with at most half of the reference, %s: %d %s" % (
            arm, len(names), ' '.join(names))]
    return '\n'.join(lines)


def _row(cells: Sequence[Any], width: int = 13) -> str:
    return '%-18s' % cells[0] + ''.join(str(cell).rjust(width) for cell in cells[1:])


def _percent(entry: Mapping[str, Any]) -> str:
    return '-' if entry['share'] is None else '%.1f' % (100 * entry['share'])


def _interval(entry: Mapping[str, Any]) -> str:
    return '%.0f..%.0f' % (100 * entry['low'], 100 * entry['high'])


def missed(found: Sequence[Result], arm: str) -> List[str]:
    """The bad trainings that an arm did not bring far enough, in one line each."""
    return sorted('%-14s %-20s %d  %-14s share %.2f  %-9s price %.2f  %s: %s%s' % (
        result.case.table, result.case.recipe, result.case.seed, result.case.way, result.share,
        result.status or '-', result.price, ','.join(result.issues) or '-', result.winner or '-',
        result.crashed and '  ' + result.crashed)
        for result in found
        if result.arm == arm and result.case.group == 'bad' and not result.reached)
