"""What the study found, as Markdown tables and one figure."""

from collections import OrderedDict
from typing import Any, List, Sequence

import numpy as np

from ..drawing import BLUE, GREEN, GREY, ORANGE, WIDTH
from ..output import markdown_table
from .families import FAMILIES, PROBLEMS
from .findings import Judged, Onset, SameTest, costs, early, onsets, same_tests


def as_text(runs: Sequence[Judged]) -> str:
    """The tables of the study.

    Args:
        runs: see :func:`findings.read_all`.
    """
    found = onsets(runs)
    parts = [
        '%d runs. A rule *holds* if its symptom shows and the run has not converged, asked after '
        'every epoch; the recognizer *names* the problem from 0.3·E on.\n' % len(runs),
        '## When each rule first holds\n\n' + markdown_table(
            ['family', 'problem', 'E', 'runs', 'rule holds', 'named', '25 %', 'median', '75 %',
             'median over E', 'median epoch named', 'named over E'],
            [_onset(onset) for onset in found]),
        '## Is it the epoch or its share of the run that is the same for all lengths?\n\nKruskal '
        'and Wallis between the lengths; no test where all epochs are the same.\n\n'
        + markdown_table(['family', 'the same is', 'epoch: p', 'ε²', 'epoch over E: p', 'ε²'],
                         [_same(test) for test in same_tests(found)]),
        '## What each schedule makes of it\n\nRuns of the problem\'s families in which a check at '
        'every epoch names it; the closing check is left out. Means per run, until found or to '
        'the end. Of adaptive the probes of gradients are counted.\n\n' + markdown_table(
            ['problem', 'schedule', 'counting', 'runs', 'missed', 'delay (epochs)', 'checks',
             'epochs trained'],
            [[cost.problem, cost.schedule, cost.counting or None] + list(cost[3:])
             for problem in PROBLEMS for cost in costs(runs, problem)]),
        '## What could have been said after the first tenth of the run\n\nThe rule at epoch E/10, '
        'in the runs of all families, against whether the recognizer ever names the problem.\n\n'
        + markdown_table(['problem', 'runs named later', 'held after a tenth', 'share',
                          'runs never named', 'held after a tenth', 'share'],
                         [_early(runs, problem) for problem in PROBLEMS]),
    ]
    return '\n'.join(parts)


def _median(values: Sequence[float]) -> Any:
    return float(np.median(values)) if values else None


def _onset(onset: Onset) -> List[Any]:
    quartiles: List[Any] = list(onset.quartiles or (None, None, None))
    named = _median(onset.named)
    return ([onset.family, FAMILIES[onset.family].problem, onset.epochs, onset.runs, onset.holding,
             onset.found] + quartiles
            + [quartiles[1] and quartiles[1] / onset.epochs, named, named and named / onset.epochs])


def _same(test: SameTest) -> List[Any]:
    row: List[Any] = [test.family, test.verdict]
    for one in (test.epoch, test.share):
        row += [None, None] if one is None else [one.p, one.effect]
    return row


def _early(runs: Sequence[Judged], problem: str) -> List[Any]:
    found = early(runs, problem)
    return [problem, found.later, found.told, found.told / found.later if found.later else None,
            found.others, found.false, found.false / found.others if found.others else None]


def draw_onsets(found: Sequence[Onset], figure: Any) -> None:
    """Left the first epoch at which each family's rule holds, right the one at which it is named.

    Both over the planned epochs: what is the same epoch for all lengths lies on three places, what
    is the same share of the run on one.
    """
    families = list(OrderedDict.fromkeys(onset.family for onset in found))
    figure.set_size_inches(WIDTH, 0.34 * len(families) + 1.4)
    left, right = figure.subplots(1, 2, sharey=True)
    lengths = sorted({onset.epochs for onset in found})
    for axes, values, title in ((left, 'first', 'the rule first holds'),
                                (right, 'named', 'the recognizer names it')):
        for length, colour, marker, shift in zip(lengths, (BLUE, ORANGE, GREEN), 'o^s',
                                                 (-0.25, 0.0, 0.25)):
            for onset in found:
                epochs = getattr(onset, values)
                if onset.epochs == length and epochs:
                    axes.plot([epoch / length for epoch in epochs],
                              [families.index(onset.family) + shift] * len(epochs), marker,
                              color=colour, markersize=3.5, alpha=0.35, markeredgewidth=0)
            axes.plot([], [], marker, color=colour, markersize=4, label='E = %d' % length)
        axes.axvline(0.3, color='black', linewidth=0.7, linestyle=':')
        axes.axvspan(0.2, 0.4, color=GREY, alpha=0.2, linewidth=0)
        axes.set_xscale('log')
        axes.set_xlim(0.004, 1.1)
        axes.set_xticks([0.005, 0.01, 0.03, 0.1, 0.3, 1])
        axes.set_xticklabels(['0.005', '0.01', '0.03', '0.1', '0.3', '1'])
        axes.minorticks_off()
        axes.set_xlabel('epoch over E')
        axes.set_title(title)
    left.set_yticks(range(len(families)))
    left.set_yticklabels(families)
    left.invert_yaxis()
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=3)
