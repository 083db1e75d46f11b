"""The sections of a replication: tables of the thesis's numbers beside those found, and figures.

Both pages, HTML and Markdown, are made from what is returned here.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ..analyse import CaseFindings, hypothesis_tests, spread, spreads
from ..figures import Figure
from ..output import show
from .claims import Claim
from .ground import Ground

SAME, OTHER, ALONE = '✓ the same', '✗ differs', '–'
"""What is said of two numbers; the last where the thesis has none or the runs are not there."""


class Grid(NamedTuple):
    """A table of a page; every cell is text.

    Attributes:
        header: names of the columns.
        rows: the cells.
    """

    header: List[str]
    rows: List[List[str]]


class Section(NamedTuple):
    """A part of a page.

    Attributes:
        title: with the table's or figure's number.
        note: what to know of it; may be empty.
        grids: its tables.
        figures: names of its figures' files, without the ending.
    """

    title: str
    note: str
    grids: List[Grid]
    figures: Sequence[str] = ()


def sections(ground: Ground, claims: Sequence[Claim], figures: Sequence[Figure]) -> List[Section]:
    """All sections, in the order of the thesis.

    Args:
        ground: the thesis's numbers and the runs.
        claims: decided.
        figures: that could be drawn.
    """
    drawn = {figure.name for figure in figures}
    found = [_claims(claims), _table_3_1(ground), _table_3_2(ground)]
    for number, table in ground.thesis['tables'].items():
        if isinstance(table, dict):
            make = _shares if table['what'] == 'shares' else _times
            found.append(make(ground, number, table['epochs']))
    printed = {table['epochs'] for table in ground.thesis['tables'].values()
               if isinstance(table, dict)}
    for epochs in sorted({case.epochs for case in ground.findings} - printed):
        found += [_shares(ground, None, epochs), _times(ground, None, epochs)]
    found += [
        Section('Figures 3-1 and 3-2: the curves of one run', 'Losses and accuracies; then the '
                'accuracies alone.', [], ['fig_3-1_curves', 'fig_3-2_accuracies']),
        _overhead(ground), _delay(ground), _table_5_1(ground),
        Section('Figure 5-3: time until an oscillation is found', 'Mean epochs trained until the '
                'problem is found, or to the end where it is missed.', [], ['fig_5-3_detection']),
        _schedules(ground), _erratum(ground), _collapse(ground)]
    return [section._replace(figures=[name for name in section.figures if name in drawn])
            for section in found]


def _grid(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Grid:
    return Grid(list(header), [[show(cell) for cell in row] for row in rows])


def _same(said: Any, found: Any) -> str:
    return ALONE if said is None or found is None else SAME if said == found else OTHER


def _percent(share: Optional[float]) -> Optional[str]:
    return None if share is None else '%.0f %%' % (100 * share)


def _claims(claims: Sequence[Claim]) -> Section:
    return Section('Claim by claim', 'Decided by the runs that were read.', [_grid(
        ['the thesis', 'where', 'verdict', 'found'],
        [[claim.said, claim.source, claim.verdict, claim.found] for claim in claims])])


def _pairs(ground: Ground) -> List[Any]:
    """(name, what the thesis has or None, findings or None): the thesis's cases, then others."""
    pairs = [(name, printed, ground.known.get(name))
             for name, printed in ground.thesis['cases'].items()]
    known = list(ground.known.values())
    return pairs + [(case.name, None, case) for case in ground.findings if case not in known]


def _table_3_1(ground: Ground) -> Section:
    rows = []
    for name, said, case in _pairs(ground):
        has = case and (len(case.runs), len(case.flagged))
        printed = said and (said['runs'], said['flagged'])
        rows.append([name, (said or {}).get('epochs') or case.epochs, printed and printed[0],
                     has and has[0], printed and printed[1], has and has[1],
                     printed and _percent(printed[1] / printed[0]),
                     has and _percent(has[1] / has[0]), _same(printed, has)])
    return Section('Table 3-1: cases, and the runs that oscillate', 'Flagged by the rule on the '
                   'whole validation accuracy, ζ = 0.02, η = 0.2.', [_grid(
                       ['case', 'epochs', 'runs: thesis', 'runs: found', 'flagged: thesis',
                        'flagged: found', 'share: thesis', 'share: found', ''], rows)])


def _table_3_2(ground: Ground) -> Section:
    rows = []
    for name, said, case in _pairs(ground):
        found = case and [run.thesis_index for run in case.flagged]
        printed = said and said['detected']
        rows.append([name, printed and _list(printed), found and _list(found),
                     _same(printed, found)])
    return Section('Table 3-2: “time when the problem was detected”', 'Found is the index of the '
                   'last pair of extrema of the whole curve, min(#maxima, #minima) − 1, which is '
                   'no epoch: see the erratum below.', [_grid(
                       ['case', 'thesis', 'found', ''], rows)])


def _list(numbers: Sequence[Any]) -> str:
    return ' '.join(map(str, numbers))


def _numbered(number: Optional[str], what: str, epochs: int) -> str:
    return '%s%s, %d epochs' % ('Table %s: ' % number if number else '', what, epochs)


def _shares(ground: Ground, number: Optional[str], epochs: int) -> Section:
    rows = []
    for name, said, case in _pairs(ground):
        if (said['epochs'] if said else case.epochs) != epochs:
            continue
        printed = said and said['flagged'] / said['runs']
        found = case and len(case.flagged) / len(case.runs)
        dead = case and sum(not run.flagged for run in case.dead)
        rows.append([name, _percent(printed), _percent(found),
                     _percent(None if printed is None else 1 - printed),
                     _percent(None if found is None else 1 - found), dead,
                     _same(_percent(printed), _percent(found))])
    return Section(_numbered(number, 'with and without the problem', epochs),
                   'Of those without, the thesis does not tell the runs that end dead apart.',
                   [_grid(['case', 'problem: thesis', 'problem: found', 'none: thesis',
                           'none: found', 'of these dead', ''], rows)],
                   ['shares_%d_epochs' % epochs])


def _times(ground: Ground, number: Optional[str], epochs: int) -> Section:
    rows = []
    for name, said, case in _pairs(ground):
        if (said['epochs'] if said else case.epochs) != epochs:
            continue
        printed = said and spread(said['detected'], epochs)
        places = spreads(case) if case else {}
        found = places.get('thesis_index')
        row: List[Any] = [name]
        for place in (printed, found):
            row += [place.quartiles[1] if place and place.quartiles else None,
                    _percent(place.inside if place else None)]
        for what in ('first_epoch', 'first_epoch_judged'):
            place = places.get(what)
            row += [place.quartiles[1] if place and place.quartiles else None,
                    _percent(place.inside if place else None)]
        rows.append(row + [_same(printed, found)])
    return Section(_numbered(number, 'when', epochs), 'Median, and share between 1/5 and 2/5 of '
                   'the run. The thesis\'s index is no epoch; beside it, the epochs at which a '
                   'monitor that looks every epoch first flags a run.', [_grid(
                       ['case', 'index: thesis', 'inside', 'index: found', 'inside', 'first epoch',
                        'inside', 'first from 0.3·E', 'inside', ''], rows)],
                   ['times_%d_epochs' % epochs])


def _overhead(ground: Ground) -> Section:
    rows: List[List[Any]] = []
    for costs in ground.costs:
        for interval, (low, middle, high), predicted in zip(costs.intervals, costs.measured,
                                                            costs.predicted):
            rows.append([costs.name, interval, '%.1f %% [%.1f, %.1f]' % (middle, low, high),
                         '%.2f %%' % predicted])
    return Section('Figure 4-1: what checks cost', 'Time added by checks with gradients, measured '
                   '(median and quartiles of whole trainings) and q·t2/t1. What stays at any '
                   'interval is the compiling of the probe, once per training.',
                   [_grid(['training', '1/q', 'measured', 'q·t2/t1'], rows)], ['fig_4-1_overhead'])


def _delay(ground: Ground) -> Section:
    said = ground.thesis['claims']['paper_delays']
    rows = []
    for name, interval in (('epoch_3', '3'), ('epoch_5', '5')):
        ways = ground.schedules['countings']['val_accuracy'][name]
        rows.append([name, said['delays'][interval]] + [
            ways[way]['mean_delay'] for way in ('upstream', 'project', 'mean')])
    return Section('Figure 4-2: what waiting costs', 'The other side of 4-1: mean delay by the '
                   'epochs from check to check, in the recorded runs. The paper\'s delays are '
                   'those of its own trainings (%s).' % said['source'],
                   [_grid(['schedule', 'the paper', 'counted as upstream', 'in this project',
                           'mean of all ways to count'], rows)], ['fig_4-2_delay'])


def _table_5_1(ground: Ground) -> Section:
    said = ground.thesis['claims']['epoch_microseconds']
    rows: List[List[Any]] = [['thesis', '%d µs' % said['without'], '%d µs' % said['with'],
                              _percent(said['with'] / said['without'] - 1)]]
    rows += [['found, %s' % costs.name, '%.0f µs' % (1e6 * costs.t1),
              '%.0f µs' % (1e6 * (costs.t1 + costs.t2)), _percent(costs.t2 / costs.t1)]
             for costs in ground.costs]
    return Section('Table 5-1: an epoch without and with a check', 'Circle on the CPU in the '
                   'thesis; machines and models differ, so the share is what can be compared.',
                   [_grid(['', 'without', 'with', 'more'], rows)])


def _schedules(ground: Ground) -> Section:
    grids = []
    for rule in ground.schedules['rules']:
        rows = []
        for name, found in ground.schedules['rules'][rule].items():
            ways = ground.schedules['countings'][rule].get(name)
            for way in ('upstream', 'project') if ways else ('',):
                one: Dict[str, Any] = ways[way] if ways else found
                rows.append([name, way or '–'] + [
                    one[key] if one[key] is None or key in ('mean_delay', 'epochs_until_found')
                    else int(one[key]) for key in ('checks', 'detected', 'missed', 'mean_delay',
                                                   'epochs_until_found')])
        grids.append(_grid(['schedule (by %s)' % rule, 'counting', 'checks', 'detected', 'missed',
                            'mean delay', 'epochs until found'], rows))
    return Section('The schedules, replayed', 'From the judgment point, 0.3·E, on, without the '
                   'closing check. Constant schedules look after 1, N + 1, … epochs in upstream\'s '
                   'counting, after N, 2·N, … in this project\'s. Of adaptive the probes of '
                   'gradients are counted.', grids)


def _erratum(ground: Ground) -> Section:
    def place(cases: Sequence[CaseFindings], chosen: Any) -> Any:
        values = [run.thesis_index / case.epochs for case in cases for run in case.runs
                  if chosen(run) and run.thesis_index is not None]
        return spread([100 * value for value in values], 100)  # type: ignore[misc]
    kinds = (('flagged', lambda run: run.flagged),
             ('not flagged, alive', lambda run: not run.flagged and run.dead_from is None),
             ('not flagged, dead', lambda run: not run.flagged and run.dead_from is not None))
    rows = []
    for name, chosen in kinds:
        found = place(ground.findings, chosen)
        rows.append([name, found.runs, found.quartiles and '%.2f·E' % (found.quartiles[1] / 100),
                     _percent(found.inside)])
    tests = [[test.quantity, test.runs, test.statistic, test.p, test.effect, ', '.join(
        '%s: %.3g' % pair for pair in test.groups.items())]
        for test in hypothesis_tests(ground.findings)]
    return Section('Erratum: the numbers of Table 3-2 are no epochs', 'They count pairs of '
                   'extrema. A curve of E independent values has (E − 2)/3 maxima on average, so '
                   'that they stand a little below E/3 for anything noisy, flagged or not.', [
                       _grid(['runs', 'how many', 'median index', 'between 1/5 and 2/5'], rows),
                       _grid(['tested (Kruskal and Wallis)', 'runs', 'H', 'p', 'ε²', 'medians'],
                             tests)], ['erratum'])


def _collapse(ground: Ground) -> Section:
    rows = [[name] + list(found.values()) for name, found in ground.schedules['collapse'].items()]
    totals = [sum(row[place] for row in rows) for place in (1, 2, 4, 5, 6)]
    rows.append(['together'] + totals[:2] + [None] + totals[2:])
    return Section('Collapse: the runs that die', 'Dead are runs that end with at least three '
                   'epochs at chance; good are those that end above 0.8. Flagged, and falsely '
                   'flagged, by the rule collapse.', [_grid(
                       ['case', 'dead', 'flagged', 'median delay', 'good', 'falsely flagged',
                        'epochs saved'], rows)])
