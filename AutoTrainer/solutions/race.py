"""The race: many candidates begin, the better half goes on, one is trained to its end.

Successive halving over epochs. Nothing is trained here and no model is known: whoever trains hands
back what a candidate has come to after each leg, and the race says what is trained next. It is a
function of these answers alone, in the order of the candidates, so that neither several processes
nor an interruption change how it ends.

Halving is written here, and not taken from a library for tuning (Optuna's pruner, for one): those
stop a trial by what others have reported by then, which depends on who was faster, and know no
price that all have to keep to, no candidates in an order of likelihood, and no goal.
"""

import math
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..judge.progress import expected_gain
from ..judge.standing import SURE
from .candidate import Candidate

RUNGS = (1 / 10, 1 / 5)
"""Shares of its planned epochs after which the worse half of a field ends."""

FIELDS = (3, 4)
"""Candidates of the first field, and of each that follows: what findings and cause say, with a
step that fits, and what mends everything at once are three."""

LOOKS = 2
"""Looks in a row at which the goal must be reached, and looks of a leg at the least."""

APART = 2.0
"""Standard errors by which a candidate must be behind the best of its field to end whatever its
place."""

CONTENT = 0.9
"""Share of the goal with which a leader that has run to its end is enough: another field costs more
than a whole training, and rarely finds what is missing."""

STALLED = 0.2
"""Share of the planned epochs without a better look after which nothing more is expected of a
candidate at the goal; of any other, twice as many."""

TRIFLE = 0.005
"""Score that makes no difference."""

HOPELESS = 0.1
"""Skill that a candidate must show at half of its planned epochs, where the goal is not below."""

RAN, SATISFIED, HALVED, BROKE, NOT_FINITE, STALLED_OUT, SPENT, OUTRUN, BEYOND_HOPE, FUTILE = (
    'planned', 'stalled at its goal', 'worse half', 'broke down', 'not finite', 'stalled',
    'budget', 'another reached the goal', 'hopeless', 'all before it failed')
"""Why a candidate ends."""


class Entrant(NamedTuple):
    """One candidate of a race.

    Attributes:
        number: its place in the order, from 1.
        name: names of its solutions, joined by ``+``.
        words: what each changes.
        why: why it is there.
        candidate: the model and how it is trained.
        steps: solutions and their tries, in the order in which they were applied.
    """

    number: int
    name: str
    words: Tuple[str, ...]
    why: str
    candidate: Candidate
    steps: Tuple[Tuple[str, int], ...] = ()


class Look(NamedTuple):
    """One look at a candidate on the rows that choose.

    Attributes:
        epoch: after which (1-based).
        skill: in the form that is told.
        score: what candidates are compared by, see :class:`~AutoTrainer.judge.exam.Worth`.
        error: standard error of the skill.
    """

    epoch: int
    skill: float
    score: float
    error: float = 0.0

    def is_at(self, goal: float) -> bool:
        """Whether the goal is reached, with the doubt in favour that a watched training has too."""
        return self.skill + SURE * self.error >= goal


class Leg(NamedTuple):
    """What a candidate has come to.

    Attributes:
        epochs: trained so far.
        looks: all so far.
        ended: one of the reasons above where it can go no further; ''.
        seconds: of training so far.
        said: of one that broke down, the traceback.
    """

    epochs: int
    looks: Tuple[Look, ...] = ()
    ended: str = ''
    seconds: float = 0.0
    said: str = ''

    def as_dict(self) -> Dict[str, Any]:
        """For a record."""
        return dict(self._asdict(), looks=[list(look) for look in self.looks])


def leg_from(told: Any) -> Leg:
    """Back from :meth:`Leg.as_dict`.

    Raises:
        Exception: of many kinds, if it is no record of a leg.
    """
    return Leg(int(told['epochs']), tuple(
        Look(int(epoch), *[-math.inf if value is None else float(value) for value in values])
        for epoch, *values in told['looks']), str(told['ended']), float(told['seconds']),
        str(told['said']))


class Order(NamedTuple):
    """What is to be trained next.

    Attributes:
        entrant: who.
        until: epochs that it has then, all together.
        looks: after which of them it is looked at.
    """

    entrant: Entrant
    until: int
    looks: Tuple[int, ...]


class Racer(NamedTuple):
    """One candidate as it stands in the race."""

    entrant: Entrant
    leg: Leg = Leg(0)
    ended: str = ''

    @property
    def best(self) -> Optional[Look]:
        """Its best look; the later of two that are as good."""
        return max(self.leg.looks, key=lambda look: (look.score, look.epoch), default=None)

    @property
    def score(self) -> float:
        """Of its best look."""
        return -math.inf if self.best is None else self.best.score

    @property
    def planned(self) -> int:
        """Its planned epochs."""
        return self.entrant.candidate.training.epochs

    def is_behind(self, other: 'Racer') -> bool:
        """Whether its best look is surely worse than that of another."""
        if self.best is None or other.best is None:
            return self.best is None and other.best is not None
        doubt = APART * math.hypot(self.best.error, other.best.error)
        return other.best.skill - self.best.skill > doubt

    def has_reached(self, goal: float) -> bool:
        """Whether it was at the goal at the last looks, for all that is known."""
        last = self.leg.looks[-LOOKS:]
        return len(last) == LOOKS and all(look.is_at(goal) for look in last)

    def may_have_reached(self, goal: float) -> bool:
        """Whether it was at the goal at as many looks, in a row or not."""
        return sum(look.is_at(goal) for look in self.leg.looks) >= LOOKS

    def has_stalled(self, goal: float) -> bool:
        """Whether its curve promises no look that is better by more than a trifle."""
        looks = self.leg.looks
        if not looks:
            return False
        least = self.score - TRIFLE
        since = self.leg.epochs - next(look.epoch for look in looks if look.score >= least)
        patience = STALLED if self.has_reached(goal) else 2 * STALLED
        if self.score < 1 - TRIFLE and since < max(2.0, patience * self.planned):
            return False
        return since > 0 and expected_gain(
            [look.score for look in looks], self.planned - self.leg.epochs) <= TRIFLE


class Standings(NamedTuple):
    """How a race stands, for whoever shows it."""

    running: int
    leader: Optional[Racer]
    price: float


class Race:
    """One race.

    Args:
        offers: gives candidates one by one: called with the steps of the leader so far, it returns
            the next, or None where there is no other.
        train: trains what is asked for, and gives what came of it in the same order; it is closed
            where the rest is not needed any more.
        epochs: planned epochs of the training that is repaired: the unit of the price.
        spent: price so far, that of the first training.
        budget: price that is not to be passed.
        goal: skill with which a candidate ends the race.
        tell: called with the standings after every leg.

    Attributes:
        racers: everybody who has begun, in order.
        price: in planned trainings, ``spent`` included.
    """

    def __init__(self, offers: Callable[[Sequence[Tuple[str, int]]], Optional[Entrant]],
                 train: Callable[[List[Order]], Iterator[Leg]], epochs: int, spent: float,
                 budget: float, goal: float,
                 tell: Callable[[Standings], None] = lambda standings: None) -> None:
        self._offers, self._train, self._tell = offers, train, tell
        self._epochs, self._budget = epochs, budget
        self.goal = goal
        self.price = spent
        self.racers: List[Racer] = []

    @property
    def leader(self) -> Optional[Racer]:
        """Whoever has the best look so far; the first of those who are equal."""
        known = [racer for racer in self.racers if racer.best is not None]
        return max(known, key=lambda racer: (racer.score, -racer.entrant.number), default=None)

    def run(self) -> Optional[Racer]:
        """Run it to its end.

        Returns:
            The winner; None if no candidate gave a number.
        """
        reached, began = None, -1.0
        while reached is None and not self.is_futile and began < self.price < self._budget:
            began = self.price  # a field of which nobody can be afforded is the last
            field = self._new_field()
            if field:
                reached = self._heats(field)
            if self.leader is not None and self.leader.may_have_reached(CONTENT * self.goal):
                break
        if reached is not None:
            self._outrun(reached)
            self._finish(reached)
        elif self.leader is not None and self.leader.ended in (HALVED, SPENT):
            self._finish(self.leader.entrant.number)
        for racer in self.racers:
            if not racer.ended:
                self._end(racer.entrant.number, FUTILE if self.is_futile else SPENT)
        return self.leader

    @property
    def is_futile(self) -> bool:
        """Whether all of the first field, and whoever came next, failed before their first look.

        What they have in common does not train: the data, or the model that is left of all changes.
        """
        failed = (NOT_FINITE, BROKE)
        begun = [racer for racer in self.racers if racer.leg.epochs or racer.ended in failed]
        return len(begun) > FIELDS[0] and all(
            racer.ended in failed and racer.best is None for racer in begun)

    # ------------------------------------------------------------------------------------ the field

    def _new_field(self) -> List[int]:
        """Numbers of the next candidates, as many as there are."""
        size = FIELDS[1 if self.racers else 0]
        leader = self.leader
        numbers: List[int] = []
        while len(numbers) < size:
            entrant = self._offers(() if leader is None else leader.entrant.steps)
            if entrant is None:
                break
            self.racers.append(Racer(entrant))
            numbers.append(entrant.number)
        return numbers

    def _heats(self, field: List[int]) -> Optional[int]:
        """Halve a field until one is left, and train that to its end.

        Returns:
            The number of the first that is at the goal before; None if none is.
        """
        for share in RUNGS:
            reached = self._leg([order for order in (
                self._order(number, share) for number in field) if order is not None])
            if reached is not None or self.is_futile:
                return reached
            running = sorted((number for number in field if not self._of(number).ended),
                             key=lambda number: (-self._of(number).score, number))
            kept = [number for number in running[:max(1, (len(field) + 1) // 2)]
                    if not self._of(number).is_behind(self._of(running[0]))]
            for number in running:
                if number not in kept:
                    self._end(number, HALVED)
            field = sorted(kept)
            if len(field) <= 1:
                break
        for number in field[:1]:
            if self._may_lead(self._of(number)):
                self._finish(number)
            else:
                self._end(number, HALVED)
        return None

    def _may_lead(self, racer: Racer) -> bool:
        """Whether a candidate leads, or its curve promises that it will."""
        leader = self.leader
        gain = expected_gain([look.score for look in racer.leg.looks],
                             racer.planned - racer.leg.epochs)
        return leader is None or racer.score + gain >= leader.score

    def _order(self, number: int, share: float) -> Optional[Order]:
        """The leg of one candidate up to a share of its plan; None where it is there already."""
        racer = self._of(number)
        until = max(1, math.ceil(share * racer.planned))
        if racer.ended or until <= racer.leg.epochs:
            return None
        return Order(racer.entrant, until, _looks(racer.leg.epochs, until))

    def _leg(self, orders: List[Order]) -> Optional[int]:
        """Train some candidates one leg; the number of the first that is at the goal."""
        affordable: List[Order] = []
        price = self.price
        for order in orders:
            cost = self._cost(order.until - self._of(order.entrant.number).leg.epochs)
            # where nobody has a number yet, one must begin
            if (affordable or self.leader is not None) and (
                    price + cost + self._reserve(order) > self._budget):
                self._end(order.entrant.number, SPENT)
                continue
            price += cost
            affordable.append(order)
        reached = None
        answers = self._train(affordable)
        for order, leg in zip(affordable, answers):
            self._take(order.entrant.number, leg)
            if self._of(order.entrant.number).has_reached(self.goal):
                reached = order.entrant.number
                break
            if self.is_futile:
                break
        close = getattr(answers, 'close', None)
        if close is not None:
            close()
        return reached

    def _take(self, number: int, leg: Leg) -> None:
        """Take in what a candidate has come to, and end it if it goes no further."""
        self.price += self._cost(leg.epochs - self._of(number).leg.epochs)
        self._set(number, leg=leg, ended=leg.ended)
        racer = self._of(number)
        if not racer.ended and leg.epochs >= racer.planned:
            self._end(number, RAN)
        elif not racer.ended and 2 * leg.epochs >= racer.planned and (
                max((look.skill for look in leg.looks), default=0.0) < min(HOPELESS, self.goal)):
            self._end(number, BEYOND_HOPE)
        self._tell(Standings(sum(not other.ended for other in self.racers), self.leader,
                             self.price))

    def _reserve(self, order: Order) -> float:
        """What must be left to train the leader to its end, after a leg of somebody."""
        leader = self.leader
        if leader is None or leader.ended not in ('', HALVED, SPENT):
            return 0.0
        is_leader = order.entrant.number == leader.entrant.number
        return self._cost(leader.planned - (order.until if is_leader else leader.leg.epochs))

    # ---------------------------------------------------------------------------------- the winner

    def _outrun(self, winner: int) -> None:
        for racer in self.racers:
            if not racer.ended and racer.entrant.number != winner:
                self._end(racer.entrant.number, OUTRUN)

    def _finish(self, number: int) -> None:
        """Train a candidate on until nothing more is to be expected of it."""
        if self._of(number).ended in (HALVED, SPENT):
            self._set(number, ended='')
        for share in (1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1.0):
            racer = self._of(number)
            if racer.ended:
                return
            if racer.has_stalled(self.goal):
                self._end(number, SATISFIED if racer.has_reached(self.goal) else STALLED_OUT)
                return
            if self.price >= self._budget:
                self._end(number, SPENT)
                return
            order = self._order(number, share)
            if order is not None:
                self._take(number, next(iter(self._train([order]))))

    # ------------------------------------------------------------------------------------- the list

    def _of(self, number: int) -> Racer:
        return next(racer for racer in self.racers if racer.entrant.number == number)

    def _set(self, number: int, **changes: Any) -> None:
        self.racers = [racer._replace(**changes) if racer.entrant.number == number else racer
                        for racer in self.racers]

    def _end(self, number: int, why: str) -> None:
        self._set(number, ended=why)

    def _cost(self, epochs: int) -> float:
        return epochs / self._epochs


def _looks(done: int, until: int) -> Tuple[int, ...]:
    """After which epochs of a leg a candidate is looked at: its end, and evenly before."""
    count = max(LOOKS, 3)
    return tuple(sorted({done + math.ceil((until - done) * i / count)
                         for i in range(1, count + 1)}))
