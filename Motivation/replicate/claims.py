"""The thesis's claims, each decided by data.

A claim is a function of the ground: it says what the thesis says, what was found, and whether that
holds. Where the runs that are there cannot tell, it says so.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from ..analyse import RunFindings, hypothesis_tests, spread
from ..figure_data import Overhead
from ..replay import PROJECT_OFFSET, REFERENCE, UPSTREAM_OFFSET, compare, due_epochs
from .ground import Ground

HOLDS, PARTLY, FAILS, UNKNOWN = 'holds', 'holds in part', 'does not hold', 'cannot be told'

NEARLY_ALL = 0.9
"""A share from which the thesis's "nearly all" and "nearly always" hold."""

FEW = 0.05
"""A share up to which "none" holds: a rule may be wrong about so many."""

SURE = 0.05
"""Probability below which a test rejects that groups are the same."""


class Finding(NamedTuple):
    """What became of a claim.

    Attributes:
        verdict: one of the four words above.
        found: what was found, with the numbers.
    """

    verdict: str
    found: str


class Claim(NamedTuple):
    """One claim of the thesis.

    Attributes:
        said: in one sentence.
        source: where.
        verdict: whether it holds.
        found: why.
        must: whether a replication has failed where it does not hold.
    """

    said: str
    source: str
    verdict: str
    found: str
    must: bool = False


def _if(holds: bool) -> str:
    return HOLDS if holds else FAILS


def _flagged(ground: Ground) -> List[Any]:
    """(case, run) of every run flagged on its whole curve."""
    return [(case, run) for case in ground.findings for run in case.flagged]


def _inside(pairs: Sequence[Any], of: Callable[[RunFindings], Optional[int]]) -> Optional[float]:
    """Share of runs for which a number lies in 1/5…2/5 of the run; a missing one lies outside."""
    if not pairs:
        return None
    return sum(spread([of(run)], case.epochs).inside or 0 for case, run in pairs) / len(pairs)


def _percent(share: Optional[float]) -> str:
    return '–' if share is None else '%.3g %%' % (100 * share)


# ------------------------------------------------------------------------------------- Chapter 3

def counts(ground: Ground) -> Finding:
    """Table 3-1."""
    wanted = ground.thesis['cases']
    wrong = ['%s: %d of %d runs instead of %d of %d' % (
        name, len(case.flagged), len(case.runs), wanted[name]['flagged'], wanted[name]['runs'])
        for name, case in ground.known.items()
        if (len(case.flagged), len(case.runs)) != (wanted[name]['flagged'], wanted[name]['runs'])]
    return _all_nine(ground, wrong, 'counts')


def lists(ground: Ground) -> Finding:
    """Table 3-2, with the numbers of the flagged runs where the thesis has them."""
    wrong = []
    for name, case in ground.known.items():
        printed = ground.thesis['cases'][name]
        found = [run.thesis_index for run in case.flagged]
        if found != printed['detected']:
            wrong.append('%s: %d numbers instead of %d, %d of them at their place' % (
                name, len(found), len(printed['detected']),
                sum(a == b for a, b in zip(found, printed['detected']))))
        elif [run.number for run in case.flagged] != printed.get(
                'flagged_runs', [run.number for run in case.flagged]):
            wrong.append('%s: other runs are flagged' % name)
    return _all_nine(ground, wrong, 'lists')


def _all_nine(ground: Ground, wrong: List[str], what: str) -> Finding:
    absent = [name for name in ground.thesis['cases'] if name not in ground.known]
    if not ground.known:
        return Finding(UNKNOWN, "none of the thesis's nine cases is there")
    if not wrong and not absent:
        return Finding(HOLDS, 'all nine %s are the same, to the last number' % what)
    said = wrong + (['not there: ' + ', '.join(absent)] if absent else [])
    return Finding(FAILS if wrong else PARTLY, '%d of nine %s are the same; %s' % (
        len(ground.known) - len(wrong), what, '; '.join(said)))


def index_is_time(ground: Ground) -> Finding:
    """Whether Table 3-2 tells epochs."""
    pairs = _flagged(ground)
    if not pairs:
        return Finding(UNKNOWN, 'no run is flagged')
    same = sum(run.thesis_index in (run.first_epoch, run.first_epoch_judged,
                                    run.full_count_epoch) for _, run in pairs) / len(pairs)
    return Finding(_if(same >= NEARLY_ALL), (
        'every number is min(#maxima, #minima) − 1 of the whole curve; of the %d flagged runs in '
        '%s it is an epoch at which any online reading of the rule first holds'
        % (len(pairs), _percent(same))))


def inside_interval(ground: Ground) -> Finding:
    """Whether oscillations begin between 1/5 and 2/5."""
    pairs = _flagged(ground)
    first, judged = _inside(pairs, lambda run: run.first_epoch), _inside(
        pairs, lambda run: run.first_epoch_judged)
    if first is None:
        return Finding(UNKNOWN, 'no run is flagged')
    return Finding(_if(first >= NEARLY_ALL), (
        'the index of %s of the flagged runs lies there, the first epoch of %s (from the '
        'judgment point, 0.3·E, on of %s)' % (_percent(_inside(
            pairs, lambda run: run.thesis_index)), _percent(first), _percent(judged))))


def index_tells_bugs(ground: Ground) -> Finding:
    """Whether runs without the problem look different."""
    pairs = _flagged(ground)
    others = [(case, run) for case in ground.findings for run in case.runs
              if not run.flagged and run.dead_from is None]
    with_bug, without = (_inside(group, lambda run: run.thesis_index) for group in (pairs, others))
    if with_bug is None or without is None:
        return Finding(UNKNOWN, 'there are not both flagged and unflagged runs that are alive')
    return Finding(_if(with_bug - without > 0.1), (
        'the index lies there for %s of the %d flagged runs and for %s of the %d that are alive '
        'and not flagged' % (_percent(with_bug), len(pairs), _percent(without), len(others))))


def share_is_the_same(ground: Ground) -> Finding:
    """Whether the share of the run, and not the epoch, is the same for all lengths."""
    tests = {test.quantity: test for test in hypothesis_tests(ground.findings)}
    share = tests.get('first epoch / E, between lengths')
    epoch = tests.get('first epoch, between lengths')
    if share is None or epoch is None:
        return Finding(UNKNOWN, 'it takes runs of at least two lengths that are flagged')
    return Finding(_if(share.p >= SURE), (
        'first epoch over E: p = %.2g, ε² = %.2g (%s); the epoch itself: p = %.2g, ε² = %.2g (%s)'
        % (share.p, share.effect, _medians(share.groups), epoch.p, epoch.effect,
           _medians(epoch.groups))))


def _medians(groups: Dict[str, float]) -> str:
    return 'medians ' + ', '.join('%.3g' % value for value in groups.values())


def early_was_error(ground: Ground) -> Finding:
    """Whether upstream's half of the bugs in the first ten epochs was an error."""
    said = ground.thesis['claims']['first_epochs_error']
    known = [run.first_epoch for case in ground.findings for run in case.runs if run.first_epoch]
    if not known:
        return Finding(UNKNOWN, 'no run is flagged at any epoch')
    share = sum(epoch <= said['epochs'] for epoch in known) / len(known)
    return Finding(_if(share < said['share']), (
        '%s of the %d runs that are ever flagged are first flagged in their first %d epochs'
        % (_percent(share), len(known), said['epochs'])))


def unflagged_is_sound(ground: Ground) -> Finding:
    """Whether runs that are not flagged have no problem."""
    others = [run for case in ground.findings for run in case.runs if not run.flagged]
    if not others:
        return Finding(UNKNOWN, 'every run is flagged')
    dead = sum(run.dead_from is not None for run in others)
    return Finding(_if(dead / len(others) <= FEW), (
        '%d of the %d runs that are not flagged end at chance' % (dead, len(others))))


# ------------------------------------------------------------------------------- Chapters 4 and 5

def no_check_at_first(ground: Ground) -> Finding:
    """No check in the first ten of 50 epochs."""
    said = ground.thesis['claims']['no_check']
    due = [epoch for epoch, there in enumerate(due_epochs('dynamic', said['epochs']), start=1)
           if there and epoch <= said['first']]
    return Finding(HOLDS if not due else PARTLY if due == [said['first']] else FAILS, (
        'checks among the first %d: %s' % (said['first'], ', '.join(
            'after epoch %d' % epoch for epoch in due) or 'none')))


def example(ground: Ground) -> Finding:
    """A bug at epoch 11 of 50."""
    said = ground.thesis['claims']['saved']
    seen = {name: next(epoch for epoch, due in enumerate(due_epochs(name, said['epochs']), start=1)
                       if due and epoch >= said['bug_at']) for name in ('epoch_5', 'dynamic')}
    saved = (seen['epoch_5'] - seen['dynamic']) / said['epochs']
    return Finding(_if((seen['epoch_5'], seen['dynamic']) == (said['constant'], said['dynamic'])), (
        'epoch_5 sees it at %d, dynamic at %d: %s of the run' % (
            seen['epoch_5'], seen['dynamic'], _percent(saved))))


def saved_of_run(ground: Ground) -> Finding:
    """What the dynamic schedule saves of a 50-epoch run."""
    said = ground.thesis['claims']['saved']
    cases = [case for case in ground.cases if case.epochs == said['epochs']]
    saved = []
    for offset in (UPSTREAM_OFFSET, PROJECT_OFFSET):
        found = compare(cases, 'val_accuracy', (REFERENCE, 'epoch_5', 'dynamic'), offset)
        there = found[REFERENCE].detected == 1
        if not there.any():
            return Finding(UNKNOWN, 'no run of %d epochs is found' % said['epochs'])
        saved.append(float((found['epoch_5'].trained - found['dynamic'].trained)[there].mean()
                           / said['epochs']))
    return Finding(_in_both(saved[0] >= said['share'], saved[1] >= said['share']), (
        'mean over the runs found: %s counted as upstream, %s in this project\'s counting'
        % (_percent(saved[0]), _percent(saved[1]))))


def _in_both(upstream: bool, project: bool) -> str:
    return HOLDS if upstream and project else PARTLY if upstream or project else FAILS


def sooner(ground: Ground) -> Finding:
    """A quarter less time until an oscillation is found."""
    said = ground.thesis['claims']['sooner']['share']
    dynamic = ground.rule['dynamic']['epochs_until_found']
    ways = ground.schedules['countings']['val_accuracy']['epoch_5']
    if not dynamic or not ways['upstream']['epochs_until_found']:
        return Finding(UNKNOWN, 'no run is found')
    saved = [1 - dynamic / ways[way]['epochs_until_found'] for way in ('upstream', 'project')]
    return Finding(_in_both(*[share >= said - 0.05 for share in saved]), (
        '%.1f epochs until found under dynamic; under epoch_5 %.1f counted as upstream (%s less) '
        'and %.1f in this project\'s counting (%s less)' % (
            dynamic, ways['upstream']['epochs_until_found'], _percent(saved[0]),
            ways['project']['epochs_until_found'], _percent(saved[1]))))


def dynamic_is_first(ground: Ground) -> Finding:
    """The dynamic schedule finds oscillations before the constant ones."""
    delay = {name: ground.rule[name]['mean_delay'] for name in ('dynamic', 'epoch_3', 'epoch_5')}
    ways = ground.schedules['countings']['val_accuracy']
    here = {name: ways[name]['project']['mean_delay'] for name in ('epoch_3', 'epoch_5')}
    if None in delay.values() or None in here.values():
        return Finding(UNKNOWN, 'some schedule finds no run')
    return Finding(_in_both(delay['dynamic'] < min(delay['epoch_3'], delay['epoch_5']),
                            delay['dynamic'] < min(here.values())), (
        'mean delay %.2f epochs; epoch_3 %.2f and epoch_5 %.2f counted as upstream, %.2f and %.2f '
        'in this project\'s counting' % (delay['dynamic'], delay['epoch_3'], delay['epoch_5'],
                                         here['epoch_3'], here['epoch_5'])))


def useless_checks(ground: Ground) -> Finding:
    """Two useless checks at the beginning are saved."""
    said = ground.thesis['claims']['no_check']
    constant, dynamic = [sum(due_epochs(name, said['epochs'])[:said['first']])
                         for name in ('epoch_5', 'dynamic')]
    saved = constant - dynamic
    return Finding(HOLDS if saved >= said['saved'] else PARTLY if saved > 0 else FAILS, (
        'epoch_5 makes %d in the first %d epochs, dynamic %d' % (constant, said['first'], dynamic)))


def no_gradient(ground: Ground) -> Finding:
    """An oscillation is found without a gradient."""
    every, sparing = ground.rule[REFERENCE], ground.rule['adaptive']
    return Finding(_if(every['detected'] == sparing['detected'] and not sparing['mean_delay']), (
        'adaptive, which reads the history alone wherever no gradient can change the verdict, '
        'finds %d of %d runs, as early' % (sparing['detected'], every['detected'])))


def small_cost(ground: Ground) -> Finding:
    """An epoch with a check takes a ninth longer."""
    said = ground.thesis['claims']['epoch_microseconds']
    costs = _measured(ground, said['training'])
    if costs is None:
        return Finding(UNKNOWN, 'no such training was measured')
    wanted, found = said['with'] / said['without'] - 1, costs.t2 / costs.t1
    return Finding(_if(wanted / 2 <= found <= wanted * 2), (
        '%.0f µs and %.0f µs: %s more, where the thesis has %s' % (
            1e6 * costs.t1, 1e6 * (costs.t1 + costs.t2), _percent(found), _percent(wanted))))


def formula(ground: Ground) -> Finding:
    """What checks cost is q·t2/t1."""
    if not ground.costs:
        return Finding(UNKNOWN, 'nothing was measured')
    points = [(low <= predicted <= high) for training in ground.costs
              for (low, _, high), predicted in zip(training.measured, training.predicted)]
    return Finding(_if(float(np.mean(points)) >= NEARLY_ALL), (
        'q·t2/t1 lies within the quartiles of what was measured at %d of %d intervals; on top come '
        '%s, once per training' % (sum(points), len(points), ' and '.join(
            '%.2g s (%s)' % (training.once, training.name) for training in ground.costs))))


def _measured(ground: Ground, name: str) -> Optional[Overhead]:
    return next((costs for costs in ground.costs if costs.name == name), None)


_CLAIMS: Sequence[Any] = (
    ('Of the runs of nine cases 60, 35, 64, 69, 67, 35, 24, 19 and 17 oscillate', 'Table 3-1',
     counts, True),
    ('Nine lists of the times at which the problem was detected', 'Table 3-2', lists, True),
    ('These times are epochs', 'Table 3-2', index_is_time, False),
    ('Nearly all oscillations begin between 1/5 and 2/5 of the run', 'Tables 3-4 to 3-10',
     inside_interval, False),
    ('That they lie there tells something of the problem', 'Chapter 3', index_tells_bugs, False),
    ('It is so whatever the planned length: the share of the run is what is the same', 'Chapter 3',
     share_is_the_same, False),
    ('That half of the problems show in the first ten epochs was an error of the earlier work',
     'Chapter 3', early_was_error, False),
    ('Runs that are not flagged have no problem', 'Tables 3-3, 3-5, 3-7, 3-9', unflagged_is_sound,
     False),
    ('The dynamic schedule makes no check in the first 10 of 50 epochs', 'Chapter 4',
     no_check_at_first, False),
    ('A problem at epoch 11 of 50 is seen at 15 by the constant schedule and at once by the '
     'dynamic one', 'Chapter 5', example, False),
    ('Up to a tenth of a 50-epoch run is saved', 'Chapter 5', saved_of_run, False),
    ('About a quarter less time until an oscillation is found', 'Chapter 5, Figure 5-3', sooner,
     False),
    ('The dynamic schedule finds oscillations before the constant ones', 'Chapter 5',
     dynamic_is_first, False),
    ('Two useless checks in the first 10 epochs are saved', 'Chapter 5', useless_checks, False),
    ('To find an oscillation no gradient is needed', 'Chapter 4', no_gradient, False),
    ('A check adds about a ninth to a short epoch', 'Table 5-1', small_cost, False),
    ('The time added is q·t2/t1', 'Equation 4.1, Figure 4-1', formula, False),
)


def decide(ground: Ground) -> List[Claim]:
    """All claims, in the order of the chapters."""
    claims = []
    for said, source, judge, must in _CLAIMS:
        verdict, found = judge(ground)
        claims.append(Claim(said, source, verdict, found, must))
    return claims


def agrees(claims: Sequence[Claim], given: bool) -> bool:
    """Whether what must agree does.

    Args:
        claims: see :func:`decide`.
        given: whether somebody named histories: there the thesis's nine cases have to be. The
            histories that come with the project are others, which cannot contradict.
    """
    return all(claim.verdict == HOLDS or (claim.verdict == UNKNOWN and not given)
               for claim in claims if claim.must)
