"""Schedules compared on recorded trainings: what each finds, how late, at what cost.

:mod:`Motivation.replay` plays the runs; here they are counted, with bootstrap intervals, and told.

*Where a constant schedule begins to count* decides as much as its interval. Upstream numbers
epochs from 0, so its ``epoch_5`` looks after 1, 6, 11, … epochs; this project looks after 5, 10,
15, …. The rule needs η·k swings in k epochs, a whole number when k is a multiple of 1/η = 5: there
it is easiest to meet, and one epoch later hardest. The comparison of the thesis is that of
upstream's constant schedules with its dynamic one, and that is what the tables show; the same
under this project's counting, and averaged over all ways to count, stands beside it.
"""

import argparse
import json
import sys
from collections import OrderedDict
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from AutoTrainer.judge.schedule import check_checktype, constant_interval

from .analyse import RULES, dead_from
from .histories import Case
from .output import markdown_table, positive, read_cases, reading_parser, run_command
from .replay import PROJECT_OFFSET, UPSTREAM_OFFSET, Outcomes, collapse_epoch, compare

SCHEDULES = ('epoch_1', 'dynamic', 'epoch_3', 'epoch_5', 'adaptive')
"""What is compared unless a user says otherwise."""

EPOCH_SECONDS = 7.0
"""One epoch of the 20-layer MNIST model on two CPU cores, pinned stack (t1)."""

CHECK_SECONDS = 0.0229
"""One check with gradients of that model in upstream's code on that machine (t2)."""

RESAMPLES = 2000
"""Bootstrap resamples behind an interval."""

GOOD_END = 0.8
"""A run that ends above this validation accuracy is a good one; a collapse there is false."""

THESIS_STEPS = 1875
"""Training batches in an epoch of the thesis's runs: 60,000 rows of MNIST in batches of 32."""

LONG_DEAD = 3
"""A run counts as dead, for the collapse table, if it ends with at least so many dead epochs."""


# -------------------------------------------------------------------------------- of many runs

def compare_countings(cases: Sequence[Case], rule: str,
                      checktype: str) -> Dict[str, Dict[str, Optional[float]]]:
    """What a constant schedule finds depending on where it begins to count.

    Args:
        cases: the recorded runs.
        rule: name of the rule.
        checktype: ``'epoch_N'``.

    Returns:
        ``upstream``, ``project`` and ``mean`` (over all N ways to count), each with ``checks``,
        ``detected``, ``missed``, ``mean_delay``, ``epochs_trained`` and ``epochs_until_found``.
    """
    interval = constant_interval(checktype) or 1
    once = np.ones((1, sum(len(case.runs) for case in cases)))
    found = [OrderedDict((name, float(total(once)[0])) for name, total in _totals(
        compare(cases, rule, [checktype], offset)[checktype])) for offset in range(interval)]
    mean = OrderedDict((name, float(np.mean([one[name] for one in found]))) for name in found[0])
    ways = (('upstream', found[UPSTREAM_OFFSET % interval]), ('project', found[PROJECT_OFFSET]),
            ('mean', mean))
    return OrderedDict((way, OrderedDict((name, None if np.isnan(value) else value)
                                         for name, value in values.items()))
                       for way, values in ways)


def resample(sizes: Sequence[int], seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each run is drawn in each bootstrap resample; cases keep their sizes.

    Args:
        sizes: runs of each case.
        seed: of the draws.
        resamples: how many.

    Returns:
        An array of counts, shape (resamples, sum(sizes)).
    """
    random = np.random.RandomState(seed)
    return np.hstack([random.multinomial(size, [1.0 / size] * size, size=resamples)
                      for size in sizes]).astype(float)


def _interval(values: np.ndarray) -> Optional[Tuple[float, float]]:
    """The middle 95 % of the resampled values; None if no resample has one."""
    known = values[np.isfinite(values)]
    return tuple(np.percentile(known, [2.5, 97.5]).tolist()) if known.size else None


def _mean_delay(outcomes: Outcomes, drawn: np.ndarray) -> np.ndarray:
    """Mean delay over the found runs, per row of draw counts; NaN where none was found."""
    found = drawn.dot(outcomes.detected)
    with np.errstate(invalid='ignore', divide='ignore'):
        return drawn.dot(outcomes.delay) / found


def _totals(outcomes: Outcomes) -> List[Tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """By name, functions from draw counts (resamples, runs) to totals (resamples,)."""
    return [
        ('checks', lambda drawn: drawn.dot(outcomes.checks)),
        ('detected', lambda drawn: drawn.dot(outcomes.detected)),
        ('missed', lambda drawn: drawn.dot(outcomes.missed)),
        ('mean_delay', lambda drawn: _mean_delay(outcomes, drawn)),
        ('epochs_trained', lambda drawn: drawn.dot(outcomes.trained)),
        ('epochs_until_found', lambda drawn: _until_found(outcomes, drawn)),
    ]


def _until_found(outcomes: Outcomes, drawn: np.ndarray) -> np.ndarray:
    """Mean epochs trained of the runs that the reference finds, per row of draw counts."""
    there = outcomes.detected + outcomes.missed
    with np.errstate(invalid='ignore', divide='ignore'):
        return drawn.dot(outcomes.trained * there) / drawn.dot(there)


def summarise(outcomes: Outcomes, drawn: np.ndarray, t1: float, t2: float) -> Dict[str, Any]:
    """Totals of a schedule over all runs, with 95 % bootstrap intervals.

    Args:
        outcomes: of the schedule.
        drawn: draw counts, see :func:`resample`.
        t1: seconds of one epoch.
        t2: seconds of one check.

    Returns:
        ``checks``, ``detected``, ``missed``, ``mean_delay`` (epochs, over the runs found; None if
        there is none), ``epochs_trained``, ``epochs_until_found`` (mean of the runs that the
        reference schedule finds, those missed here to their end), ``seconds`` = epochs·t1 +
        checks·t2, ``overhead`` = q·t2/t1 with q checks per epoch (the thesis's equation 4.1), and
        ``intervals`` of the first six.
    """
    once = np.ones((1, len(outcomes.checks)))
    totals = _totals(outcomes)
    summary: Dict[str, Any] = OrderedDict()
    for name, total in totals:
        value = float(total(once)[0])
        summary[name] = (None if np.isnan(value) else
                         value if name in ('mean_delay', 'epochs_until_found') else
                         int(round(value)))
    summary['seconds'] = summary['epochs_trained'] * t1 + summary['checks'] * t2
    summary['overhead'] = summary['checks'] / summary['epochs_trained'] * t2 / t1
    summary['intervals'] = OrderedDict((name, _interval(total(drawn))) for name, total in totals)
    return summary


class Difference(NamedTuple):
    """How much later one schedule finds a problem than another, in mean delay.

    Attributes:
        earlier: the schedule with the smaller mean delay.
        later: the other one.
        epochs: difference of the two means.
        interval: its 95 % bootstrap interval, over the same resamples for both.
        holds: share of the resamples in which the order is the same.
    """

    earlier: str
    later: str
    epochs: float
    interval: Optional[Tuple[float, float]]
    holds: float


def ordering(outcomes: Dict[str, Outcomes], drawn: np.ndarray) -> List[Difference]:
    """The schedules in order of mean delay, each against the next.

    Args:
        outcomes: by schedule; those that find nothing are left out.
        drawn: draw counts, see :func:`resample`.
    """
    once = np.ones((1, drawn.shape[1]))
    means = {name: float(_mean_delay(found, once)[0]) for name, found in outcomes.items()}
    order = sorted((name for name in outcomes if not np.isnan(means[name])), key=means.__getitem__)
    differences = []
    for earlier, later in zip(order, order[1:]):
        resampled = _mean_delay(outcomes[later], drawn) - _mean_delay(outcomes[earlier], drawn)
        known = resampled[np.isfinite(resampled)]  # a resample may hold no run that was found
        differences.append(Difference(
            earlier, later, means[later] - means[earlier], _interval(resampled),
            float(np.mean(known > 0)) if known.size else 0.0))
    return differences


# ------------------------------------------------------------------------------- runs that die

def collapse_savings(cases: Sequence[Case]) -> Dict[str, Dict[str, Any]]:
    """What stopping collapsed runs would have saved, per case.

    Args:
        cases: the recorded runs.

    Returns:
        By case: ``dead`` (runs that end with at least 3 epochs at chance), ``flagged`` (of these,
        by the collapse rule), ``median_delay`` (epochs after the first dead one; None if none was
        flagged), ``good`` (runs that end above 0.8 validation accuracy), ``false`` (of these,
        flagged at any time), ``epochs_saved`` (epochs after the flag in the dead runs). Cases that
        do not say how many batches an epoch has are taken for the thesis's.
    """
    savings: Dict[str, Dict[str, Any]] = OrderedDict()
    for case in cases:
        delays, saved, dead, good, false = [], 0, 0, 0, 0
        for run in case.runs:
            flagged = collapse_epoch(run, case.steps_per_epoch or THESIS_STEPS)
            died = dead_from(run.columns['accuracy'])
            if died is not None and run.epochs - died + 1 >= LONG_DEAD:
                dead += 1
                if flagged is not None:
                    delays.append(flagged - died)
                    saved += run.epochs - flagged
            elif run.columns['val_accuracy'][-1] > GOOD_END:
                good += 1
                false += flagged is not None
        savings[case.name] = OrderedDict([
            ('dead', dead), ('flagged', len(delays)),
            ('median_delay', float(np.median(delays)) if delays else None),
            ('good', good), ('false', false), ('epochs_saved', saved)])
    return savings


# ------------------------------------------------------------------------------------- results

def as_json(cases: Sequence[Case], schedules: Sequence[str], t1: float, t2: float,
            seed: int) -> Dict[str, Any]:
    """Everything found, as the JSON document that the command prints.

    Args:
        cases: the recorded runs.
        schedules: valid checktypes.
        t1: seconds of one epoch.
        t2: seconds of one check.
        seed: of the bootstrap.
    """
    drawn = resample([len(case.runs) for case in cases], seed)
    document: Dict[str, Any] = OrderedDict([
        ('runs', drawn.shape[1]), ('resamples', RESAMPLES), ('seed', seed), ('t1', t1), ('t2', t2),
        ('counting', 'upstream'),
        ('rule_definitions', OrderedDict((name, rule._asdict()) for name, rule in RULES.items())),
        ('rules', OrderedDict()), ('ordering', OrderedDict()), ('countings', OrderedDict()),
    ])
    constant = [name for name in schedules if (constant_interval(name) or 1) > 1]
    for rule in RULES:
        upstream = compare(cases, rule, schedules, UPSTREAM_OFFSET)
        project = compare(cases, rule, schedules, PROJECT_OFFSET)
        document['rules'][rule] = OrderedDict(
            (name, summarise(found, drawn, t1, t2)) for name, found in upstream.items())
        document['ordering'][rule] = OrderedDict(
            (way, [pair._asdict() for pair in ordering(found, drawn)])
            for way, found in (('upstream', upstream), ('project', project)))
        document['countings'][rule] = OrderedDict(
            (name, compare_countings(cases, rule, name)) for name in constant)
    document['collapse'] = collapse_savings(cases)
    return document


def _with_interval(value: Any, interval: Optional[Sequence[float]], form: str) -> str:
    if value is None:
        return '–'
    low, high = interval or (value, value)
    return (form + ' [' + form + ', ' + form + ']') % (value, low, high)


def _order(title: str, pairs: Sequence[Dict[str, Any]]) -> str:
    return '%s: %s.\n' % (title, '; '.join(
        '%s %s %s by %s epochs (in %.1f %% of resamples)' % (
            pair['earlier'], '<' if pair['epochs'] > 0 else '=', pair['later'],
            _with_interval(pair['epochs'], pair['interval'], '%.2f'), 100 * pair['holds'])
        for pair in pairs) or 'nothing was found')


def as_text(document: Dict[str, Any]) -> str:
    """The Markdown report of a document made by :func:`as_json`."""
    parts = ['%d runs; 95 %% intervals by bootstrap over the runs of each case (%d resamples, seed '
             '%d); seconds for t1 = %g s per epoch and t2 = %g s per check.\n'
             % tuple(document[key] for key in ('runs', 'resamples', 'seed', 't1', 't2'))]
    for rule, schedules in document['rules'].items():
        rows = []
        for name, found in schedules.items():
            sure = found['intervals']
            rows.append([
                name, found['checks'], found['checks'] / document['runs'], found['detected'],
                _with_interval(found['missed'], sure['missed'], '%.0f'),
                _with_interval(found['mean_delay'], sure['mean_delay'], '%.2f'),
                _with_interval(found['epochs_until_found'], sure['epochs_until_found'], '%.1f'),
                found['epochs_trained'], found['seconds'], '%.3f %%' % (100 * found['overhead'])])
        definition = document['rule_definitions'][rule]
        parts.append('## Rule on %s: ζ = %g, η = %g, judged from 0.3·E, constant schedules counted '
                     'as upstream does\n\n%s' % (
            rule, definition['threshold'], definition['rate'], markdown_table(
                ['schedule', 'checks', 'checks per run', 'detected', 'missed',
                 'mean delay (epochs)', 'epochs until found', 'epochs trained', 'seconds',
                 'q·t2/t1'], rows)))
        parts.append(_order('Order of mean delay', document['ordering'][rule]['upstream']))
        counted = document['countings'][rule]
        if counted:
            parts.append('Constant schedules by where they begin to count (checks after 1, N + 1, '
                         '… epochs in upstream; after N, 2·N, … in this project; mean over all N '
                         'ways):\n\n' + markdown_table(
                             ['schedule', 'counting', 'checks', 'detected', 'missed', 'mean delay',
                              'epochs trained', 'epochs until found'],
                             [[name, way] + list(values.values())
                              for name, ways in counted.items() for way, values in ways.items()]))
            parts.append(_order('Order of mean delay in this project\'s counting',
                                document['ordering'][rule]['project']))
    parts.append('`adaptive` looks at the history at every epoch; its checks are the probes of the '
                 'gradients that it would need.\n')
    parts.append('## Collapse: what stopping dead runs would save\n\n' + markdown_table(
        ['case', 'dead', 'flagged', 'median delay', 'good', 'false', 'epochs saved'],
        [[name] + list(found.values()) for name, found in document['collapse'].items()]))
    return '\n'.join(parts)


def _schedules(text: str) -> List[str]:
    try:
        return [check_checktype(name.strip()) for name in text.split(',')]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _body(args: argparse.Namespace) -> int:
    cases, code = read_cases(args.directory)
    document = as_json(cases, args.schedules, args.t1, args.t2, args.seed)
    sys.stdout.write(json.dumps(document, indent=1) + '\n' if args.json else as_text(document))
    return code


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.schedules``; returns its exit code."""
    parser = reading_parser('schedules', 'Replay recorded trainings under several check schedules '
                            'and compare what each finds, when, and at what cost.')
    parser.add_argument('--schedules', type=_schedules, default=list(SCHEDULES), metavar='A,B,…',
                        help='what to compare (default: %s)' % ','.join(SCHEDULES))
    parser.add_argument('--t1', type=positive, default=EPOCH_SECONDS, metavar='SECONDS',
                        help='one epoch (default: %(default)s, 20-layer MNIST model, 2 CPU cores)')
    parser.add_argument('--t2', type=positive, default=CHECK_SECONDS, metavar='SECONDS',
                        help='one check (default: %(default)s, upstream\'s on that model)')
    parser.add_argument('--seed', type=int, default=0, help='of the bootstrap (default: 0)')
    parser.add_argument('--json', action='store_true', help='print one JSON document')
    return run_command(_body, parser, argv)


if __name__ == '__main__':
    sys.exit(main())
