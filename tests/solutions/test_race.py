"""The race as a function of what its candidates come to: curves are made up, nothing is trained."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer.record.folder import plain
from AutoTrainer.solutions import race as race_module
from AutoTrainer.solutions.candidate import Candidate, Training
from AutoTrainer.solutions.race import (
    BEYOND_HOPE,
    BROKE,
    FIELDS,
    FUTILE,
    HALVED,
    NOT_FINITE,
    OUTRUN,
    RAN,
    SATISFIED,
    SPENT,
    STALLED,
    STALLED_OUT,
    Entrant,
    Leg,
    Look,
    Race,
    Racer,
    leg_from,
)


@pytest.fixture(autouse=True)
def known_by_place(monkeypatch):
    """These curves have no error, so that everybody would be surely behind the best."""
    monkeypatch.setattr(race_module, 'APART', math.nan)


def entrant(number, planned=8):
    how = Training({}, 'mse', 32, planned, (), {})
    return Entrant(number, 'c%d' % number, ('changes %d' % number,), 'likely',
                   Candidate(None, how), (('c%d' % number, 0),))


def ramp(top, planned=8):
    """Skill that grows evenly up to the planned end."""
    return [top * epoch / planned for epoch in range(1, planned + 1)]


class Field:
    """Candidates of whom each epoch's skill is known beforehand, and whoever trains them.

    Args:
        curves: for each the skill after each epoch; the last goes on. A text in place of a number
            is why it ends in that epoch.
        planned: epochs of each, or of all.
        at_once: whether all legs are trained before the first answer is given, as in processes.
        error: of each skill.
    """

    def __init__(self, curves, planned=8, at_once=False, error=0.0):
        plans = [planned] * len(curves) if isinstance(planned, int) else planned
        self.curves, self.at_once, self.error = list(curves), at_once, error
        self.entrants = [entrant(number, plan) for number, plan in enumerate(plans, 1)]
        self.waiting, self.leading, self.asked, self.closed = list(self.entrants), [], [], 0
        self.looked = {}

    def offer(self, leading):
        self.leading.append(leading)
        return self.waiting.pop(0) if self.waiting else None

    def train(self, orders):
        self.asked.append([(order.entrant.number, order.until) for order in orders])
        return self._answers(orders)

    def _answers(self, orders):
        answers = [self.leg(order) for order in orders] if self.at_once else map(self.leg, orders)
        try:
            yield from answers
        finally:
            self.closed += 1

    def leg(self, order):
        number = order.entrant.number
        curve, looks = self.curves[number - 1], self.looked.setdefault(number, [])
        for epoch in range(1, order.until + 1):
            value = curve[min(epoch, len(curve)) - 1]
            if isinstance(value, str):
                return Leg(epoch, tuple(looks), value, said='Traceback' if value == BROKE else '')
            if epoch in order.looks:
                looks.append(Look(epoch, value, value, self.error))
        return Leg(order.until, tuple(looks))


def raced(curves, planned=8, epochs=8, spent=0.25, budget=3.0, goal=0.85, at_once=False,
          tell=lambda standings: None, error=0.0):
    """(race, field, winner's number)"""
    field = Field(curves, planned, at_once, error)
    race = Race(field.offer, field.train, epochs, spent, budget, goal, tell)
    winner = race.run()
    return race, field, winner and winner.entrant.number


def ends(race):
    return [racer.ended for racer in race.racers]


def trained(race):
    return [racer.leg.epochs for racer in race.racers]


# --------------------------------------------------------------------------------------- the legs

def test_the_better_half_goes_on_and_one_is_trained_to_its_end():
    race, field, winner = raced([ramp(0.3), ramp(0.6), ramp(0.5)])
    assert field.asked == [[(1, 1), (2, 1), (3, 1)], [(2, 2), (3, 2)],
                           [(2, 3)], [(2, 4)], [(2, 5)], [(2, 6)], [(2, 7)], [(2, 8)]]
    assert winner == 2 and ends(race) == [HALVED, RAN, HALVED]
    assert race.price == pytest.approx(0.25 + (1 + 8 + 2) / 8)


@pytest.mark.parametrize('levels, kept', [
    ([0.3, 0.2, 0.1], [1, 2]), ([0.1, 0.3, 0.2], [2, 3]), ([0.1, 0.2, 0.3], [2, 3]),
    ([0.2, 0.2, 0.2], [1, 2]), ([0.1, 0.2, 0.1], [1, 2]), ([-3, -9, -1], [1, 3]),
    ([BROKE, 0.2, 0.1], [2, 3]), ([BROKE, 0.1, NOT_FINITE], [2]),  # of the field as it began
    ([0.4], [1]), ([0.1, 0.4], [2])])
def test_halving(levels, kept):
    """The better half by score; of equal ones those that came first."""
    _, field, _ = raced([[level] for level in levels])
    assert [number for number, _ in field.asked[1]] == kept


@pytest.mark.parametrize('levels, error, kept', [
    ([0.3, 0.2, 0.1], 0.0, [1]), ([0.3, 0.2, 0.1], 0.04, [1, 2]), ([0.5, 0.2, 0.1], 0.1, [1]),
    ([0.1, 0.5, 0.45], 0.1, [2, 3]), ([BROKE, 0.2, 0.1], 0.0, [2]), ([0.2, 0.2, 0.1], 0.0, [1, 2])])
def test_who_is_surely_behind_ends_whatever_its_place(levels, error, kept, monkeypatch):
    monkeypatch.setattr(race_module, 'APART', 2.0)
    race, _, _ = raced([ramp(8 * level) if level != BROKE else [BROKE] for level in levels],
                       error=error, goal=9.0)
    ended = [racer.entrant.number for racer in race.racers if racer.leg.epochs <= 1]
    assert [number for number in (1, 2, 3) if number not in ended] == kept


@pytest.mark.parametrize('levels, kept', [
    ([0.1, 0.2, 0.3, 0.4], [6, 7]), ([0.4, 0.1, 0.3, 0.1], [4, 6]), ([0.2] * 4, [4, 5])])
def test_halving_of_a_later_field(levels, kept):
    _, field, _ = raced([[BROKE]] * 3 + [[level] for level in levels])
    assert [number for number, _ in field.asked[1]] == [4, 5, 6, 7]
    assert [number for number, _ in field.asked[2]] == kept


@pytest.mark.parametrize('planned, until', [
    (1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (5, [1, 2, 3, 4, 5]),
    (16, [2, 4, 6, 8, 10, 12, 14, 16]), (20, [2, 5, 8, 10, 13, 15, 18, 20])])
def test_legs_of_one_candidate(planned, until):
    """A tenth of its planned epochs, then eighths, in whole epochs; none that it has already."""
    race, field, winner = raced([ramp(0.6, planned)], planned, epochs=planned)
    assert [orders[0][1] for orders in field.asked if orders] == until
    assert winner == 1 and ends(race) == [RAN]


@pytest.mark.parametrize('planned, looks', [
    (1, [1]), (3, [1, 2, 3]), (8, list(range(1, 9))), (16, list(range(1, 17))),
    (48, [2, 4, 5, 8, 10, *range(12, 49, 2)])])
def test_a_leg_is_looked_at_up_to_three_times(planned, looks):
    race, _, _ = raced([ramp(0.6, planned)], planned, epochs=planned)
    assert [look.epoch for look in race.racers[0].leg.looks] == looks


@pytest.mark.parametrize('planned', [1, 2, 3])
def test_short_plans(planned):
    curves = [ramp(0.4, planned), ramp(0.6, planned), ramp(0.5, planned)]
    race, _, winner = raced(curves, planned, epochs=planned, spent=1, budget=10)
    assert winner == 2 and max(trained(race)) == planned
    assert race.racers[1].ended == RAN
    assert race.price == pytest.approx(1 + sum(trained(race)) / planned)


def test_a_longer_plan_costs_what_it_is():
    race, field, _ = raced([ramp(0.6, 16)], planned=16)
    assert field.asked[0] == [(1, 2)] and trained(race) == [16]
    assert race.price == pytest.approx(0.25 + 2.0)


# ---------------------------------------------------------------------------------- the next field

def test_the_list_is_asked_only_for_who_can_run():
    """A field of three, then fields of four; each is offered what leads by then."""
    curves = [[0.2], [0.3], [0.1]] + [[0.4]] * 4 + [[0.1]] * 4
    race, field, _ = raced(curves, budget=2.1, spent=1.0)
    assert [len(steps) for steps in field.leading[:FIELDS[0]]] == [0] * FIELDS[0]
    assert field.leading[FIELDS[0]:FIELDS[0] + FIELDS[1]] == [(('c2', 0),)] * FIELDS[1]
    assert len(race.racers) <= FIELDS[0] + FIELDS[1] and field.waiting


@pytest.mark.parametrize('curve, ended, epochs', [
    ([0.3], HALVED, 2), ([0.1, 0.5], HALVED, 2), (ramp(0.7), HALVED, 2),  # below, at two looks
    ([0.5, 0.61] + ramp(0.8)[2:], RAN, 8)])
def test_who_cannot_lead_is_not_trained_to_its_end(curve, ended, epochs):
    race, _, _ = raced([ramp(0.6), [BROKE], [BROKE], curve, [0.01], [0.01]])
    assert (race.racers[3].ended, race.racers[3].leg.epochs) == (ended, epochs)


def test_a_curve_that_will_pass_the_leader_is_trained_on():
    """24 epochs: six looks by the end of the second leg, enough for a trend."""
    race, _, winner = raced([ramp(0.5, 24), [BROKE], [BROKE], ramp(0.8, 24)], 24, 24)
    assert winner == 4 and trained(race) == [24, 1, 1, 24]


# -------------------------------------------------------------------------------------- the goal

def test_two_looks_at_the_goal_end_the_race():
    race, field, winner = raced([[0.3], [0.9], [0.1]] + [[0.99]] * 4)
    assert field.asked[:2] == [[(1, 1), (2, 1), (3, 1)], [(1, 2), (2, 2)]]
    assert winner == 2 and len(race.racers) == 3
    assert ends(race) == [OUTRUN, SATISFIED, HALVED]
    assert all(number == 2 for orders in field.asked[2:] for number, _ in orders)


def test_nobody_is_heard_behind_the_first_at_the_goal():
    race, field, winner = raced([[0.9], [0.95], [0.99]], planned=24, epochs=24)
    assert winner == 1 and ends(race) == [SATISFIED, OUTRUN, OUTRUN]
    assert trained(race)[1:] == [0, 0] and field.closed >= 1
    assert race.price == pytest.approx(0.25 + race.racers[0].leg.epochs / 24)


def test_one_look_at_the_goal_is_luck():
    race, _, winner = raced([[0.2, 0.9, 0.2, 0.9, 0.2], [0.1], [0.1]])
    assert winner == 1 and OUTRUN not in ends(race)
    assert race.racers[0].ended == STALLED_OUT


@pytest.mark.parametrize('skills, error, is_last', [
    ([0.76], 0.0, False), ([0.77], 0.0, True),            # nine tenths of the goal are enough
    ([0.76], 0.03, True),                                 # at these for all that is known
    ([0.2, 0.9, 0.2, 0.9, 0.2], 0.0, True),               # at it twice, if not in a row
    ([0.2, 0.9, 0.2], 0.0, False)])
def test_no_other_field_where_the_leader_has_next_to_all(skills, error, is_last):
    race, field, _ = raced([skills, [0.1], [0.1]] + [[0.99]] * 4, error=error)
    assert (len(race.racers) == 3) is is_last
    assert (race.leader.entrant.number == 1) is is_last


@pytest.mark.parametrize('goal', [0.2, 0.85])
def test_the_goal_is_what_the_race_is_given(goal):
    assert OUTRUN not in ends(raced([[goal - 0.001]] * 3, goal=goal)[0])
    assert OUTRUN in ends(raced([[goal + 0.001]] * 3, goal=goal)[0])


def test_the_winner_is_trained_on_while_it_gains():
    rising = [0.86 + 0.005 * epoch for epoch in range(24)]
    race, _, winner = raced([[0.1], rising], planned=24, epochs=24)
    assert winner == 2 and race.racers[1].leg.epochs == 24 and race.racers[1].ended == RAN


# ------------------------------------------------------------------------------- who ends, and why

@pytest.mark.parametrize('why', [BROKE, NOT_FINITE])
@pytest.mark.parametrize('epoch', [1, 2, 5])
def test_who_breaks_down_costs_only_itself(why, epoch):
    broken = ramp(0.7)[:epoch - 1] + [why]
    race, field, winner = raced([broken, ramp(0.6), ramp(0.5)])
    assert race.racers[0].ended == why and race.racers[0].leg.epochs == epoch
    assert race.racers[0].leg.said == ('Traceback' if why == BROKE else '')
    assert race.price == pytest.approx(0.25 + sum(trained(race)) / 8)
    assert not any(number == 1 and until > epoch for orders in field.asked
                   for number, until in orders)
    assert winner == (1 if epoch == 5 else 2)  # what it had shown by then counts


def test_nobody_gives_a_number():
    race, _, winner = raced([[NOT_FINITE]] * 9, budget=1.0)
    assert winner is None and race.leader is None
    assert set(ends(race)) <= {NOT_FINITE, SPENT, FUTILE} and race.price <= 1.0 + 1e-9


@pytest.mark.parametrize('curves, trained_ones', [
    ([[NOT_FINITE]] * 9, 4),                                  # the first field and one more
    ([[NOT_FINITE], [BROKE], [NOT_FINITE], [BROKE], [0.9]], 4),
    ([[NOT_FINITE]] * 3 + [[0.3], [NOT_FINITE]], 5),          # the next one has a number
    ([[NOT_FINITE], [0.1], [NOT_FINITE]] + [[NOT_FINITE]] * 4, 7),
    ([[0.1, NOT_FINITE]] * 3 + [[NOT_FINITE]] * 4, 7),        # these had one by then
    ([[NOT_FINITE]] * 3, 3)])
@pytest.mark.parametrize('at_once', [False, True])
def test_a_race_in_which_nothing_can_be_measured_ends(curves, trained_ones, at_once):
    race, field, _ = raced(curves, planned=30, epochs=30, at_once=at_once)
    assert sum(epochs > 0 for epochs in trained(race)) == trained_ones
    assert race.is_futile is (trained_ones == 4)
    assert (FUTILE in ends(race)) is race.is_futile and '' not in ends(race)


def test_no_candidates_at_all():
    race, field, winner = raced([])
    assert (winner, race.racers, race.price, field.asked) == (None, [], 0.25, [])


@pytest.mark.parametrize('level, goal, ended', [
    (0.09, 0.85, BEYOND_HOPE), (-2.0, 0.85, BEYOND_HOPE), (0.1, 0.85, HALVED), (0.3, 0.85, HALVED),
    (0.09, 0.085, HALVED), (0.08, 0.085, BEYOND_HOPE)])  # a lower goal is all that is asked
def test_hopeless_at_half_of_its_epochs(level, goal, ended):
    race, _, _ = raced([[0.5], [0.4], [level]], planned=2, epochs=2, budget=9, goal=goal)
    assert race.racers[2].ended == ended


def patience(planned, at_goal=False):
    """Epochs that a curve may stand still."""
    return math.ceil(max(2.0, STALLED * planned * (1 if at_goal else 2)))


@pytest.mark.parametrize('curve, ended, epochs', [
    ([0.5], STALLED_OUT, 1 + patience(8)),
    ([0.1, 0.2, 0.5], STALLED_OUT, 3 + patience(8)),
    ([0.1, 0.2, 0.5, 0.4, 0.3, 0.2], STALLED_OUT, 3 + patience(8)),
    ([0.5, 0.503, 0.504, 0.504], STALLED_OUT, 1 + patience(8)),     # trifles
    (ramp(0.8), RAN, 8),
    ([0.9], SATISFIED, 1 + patience(8, at_goal=True)),
    ([1.0], SATISFIED, 2)])                                         # nothing is better than all
def test_the_last_goes_on_until_its_curve_stands(curve, ended, epochs):
    race, _, winner = raced([curve])
    assert (winner, ends(race), trained(race)) == (1, [ended], [epochs])


# -------------------------------------------------------------------------------------- the price

def test_a_first_training_that_spent_all_leaves_no_race():
    race, field, winner = raced([[0.5]], spent=1.0, budget=1.0)
    assert (winner, race.price, field.asked) == (None, 1.0, [])


def test_one_begins_where_there_is_anything_left():
    race, field, winner = raced([[0.5]] * 3, spent=0.99, budget=1.0)
    assert field.asked[0] == [(1, 1)] and winner == 1
    assert ends(race)[1:] == [SPENT, SPENT] and race.price == pytest.approx(0.99 + 1 / 8)


def test_a_first_field_is_no_larger_than_the_budget():
    """Of plans of one epoch each candidate costs a whole training."""
    race, field, _ = raced([[0.3], [0.5], [0.4]], planned=1, epochs=1, spent=1, budget=3)
    assert field.asked[0] == [(1, 1), (2, 1)] and race.price == 3


@pytest.mark.parametrize('budget, leader, ended, other', [
    (3.0, 8, RAN, 2),
    (2.25, 8, RAN, 1),     # what is left is kept for the leader
    (2.0, 6, SPENT, 1)])   # and is not enough even for it
def test_the_leader_is_trained_before_others_are_tried(budget, leader, ended, other):
    race, _, winner = raced([ramp(0.6), ramp(0.5), ramp(0.1)] + [ramp(0.7)] * 4, spent=1.0,
                            budget=budget)
    first, second = race.racers[:2]
    assert (first.leg.epochs, first.ended, second.leg.epochs) == (leader, ended, other)
    assert race.price <= budget + 1 / 8 + 1e-9
    if budget < 3:
        assert winner == 1 and race.price == pytest.approx(budget)


def test_who_waits_is_told_after_every_leg():
    told = []
    race, _, _ = raced([ramp(0.3), [BROKE], ramp(0.5)], tell=told.append)
    assert [standings.running for standings in told[:3]] == [3, 2, 2]
    assert [standings.leader.entrant.number for standings in told[:3]] == [1, 1, 3]
    prices = [standings.price for standings in told]
    assert prices == sorted(prices) and prices[0] == pytest.approx(0.25 + 1 / 8)
    assert prices[-1] == race.price


skill = st.one_of(st.floats(-2, 1), st.sampled_from([0.0, 0.5, 0.86, 0.9, BROKE, NOT_FINITE]))
curves = st.lists(st.tuples(st.lists(skill, min_size=1, max_size=8), st.integers(1, 24)),
                  max_size=12)


@settings(max_examples=200, deadline=None)
@given(curves, st.integers(1, 24), st.floats(0, 1), st.floats(0, 5),
       st.floats(0.05, 1.0))
def test_whatever_comes_of_them(field, epochs, spent, budget, goal):
    """Accounts that balance, a budget that holds, a winner with the best look; in one way only."""
    levels, plans = [curve for curve, _ in field], [planned for _, planned in field]
    found = [raced(levels, plans, epochs, spent, budget, goal, at_once)
             for at_once in (False, True)]
    race, made_up, winner = found[0]
    # what is answered beyond the one at the goal, as processes do, changes nothing
    assert race.racers == found[1][0].racers and race.price == found[1][0].price
    assert race.price == pytest.approx(spent + sum(trained(race)) / epochs)
    rung = max([math.ceil(planned / 8) for planned in plans], default=0) / epochs
    assert race.price <= max(spent, budget + rung) + 1e-9
    assert all(ends(race)) and [racer.entrant.number for racer in race.racers] == list(
        range(1, len(race.racers) + 1))
    assert all(racer.leg.epochs <= racer.planned for racer in race.racers)
    known = [racer for racer in race.racers if racer.leg.looks]
    assert (winner is None) == (not known)
    if winner is not None:
        best = race.racers[winner - 1]
        assert best.score == max(racer.score for racer in known)
        assert best.ended != HALVED
        assert best.ended != SPENT or race.price >= budget - 1e-9


# ------------------------------------------------------------------------------ one of its racers

def racer(*skills, planned=8, every=1):
    looks = tuple(Look(every * i, value, value) for i, value in enumerate(skills, 1))
    return Racer(entrant(1, planned), Leg(every * len(skills), looks))


def test_a_look_is_chosen_by_its_score():
    looks = (Look(1, 0.9, 0.2), Look(2, 0.5, 0.6), Look(3, 0.4, 0.6), Look(4, 0.8, 0.1))
    found = Racer(entrant(1), Leg(4, looks))
    assert found.best == looks[2] and found.score == 0.6  # the later of equal ones
    assert Racer(entrant(1)).best is None and Racer(entrant(1)).score == -math.inf


@pytest.mark.parametrize('skills, expected', [
    ([], False), ([0.9], False), ([0.9, 0.9], True), ([0.9, 0.5], False), ([0.5, 0.9], False),
    ([0.1, 0.85, 0.85], True), ([0.9, 0.9, 0.849], False)])
def test_has_reached(skills, expected):
    assert racer(*skills).has_reached(0.85) is expected


@pytest.mark.parametrize('level', [0.5, 0.9])
@pytest.mark.parametrize('planned', [4, 8, 24])
def test_a_flat_curve_has_stalled_after_a_while(planned, level):
    waited = patience(planned, at_goal=level > 0.85)
    assert not racer(*[level] * waited, planned=planned).has_stalled(0.85)
    assert racer(*[level] * (waited + 1), planned=planned).has_stalled(0.85)


@pytest.mark.parametrize('skills, expected', [
    ([], False), ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], False), ([0.5, 0.502, 0.504] + [0.504] * 4, True),
    ([0.999], False), ([0.999, 0.9], True),
    ([0.5, 0.3, 0.35, 0.4, 0.45, 0.49, 0.494], False)])  # behind its best look, but rising
def test_has_stalled(skills, expected):
    assert racer(*skills).has_stalled(0.85) is expected


@pytest.mark.parametrize('skill, error, expected', [
    (0.85, 0.0, True), (0.84, 0.0, False), (0.84, 0.02, True), (0.84, 0.019, False)])
def test_a_look_is_at_the_goal_by_half_a_standard_error(skill, error, expected):
    assert Look(1, skill, skill, error).is_at(0.85) is expected


# ------------------------------------------------------------------------------------- on record

@pytest.mark.parametrize('leg', [
    Leg(0), Leg(3, (Look(1, 0.5, 0.25, 0.1), Look(3, -1.0, -0.5)), RAN, 1.5),
    Leg(2, (Look(1, -math.inf, -math.inf),), BROKE, 0.5, 'Traceback …')])
def test_a_leg_comes_back_from_its_record(leg):
    assert leg_from(json.loads(json.dumps(plain(leg.as_dict())))) == leg


@pytest.mark.parametrize('damage', [
    {'epochs': None}, {'epochs': 'many'}, {'looks': None}, {'looks': [[1, 2]]}, {'looks': [1]},
    {'seconds': None}])
def test_what_is_no_leg_is_refused(damage):
    told = dict(Leg(1, (Look(1, 0.5, 0.5),)).as_dict(), **damage)
    with pytest.raises((TypeError, ValueError)):
        leg_from(told)
