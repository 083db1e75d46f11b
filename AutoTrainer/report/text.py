"""What a person reads after a run: plain text from the content of ``result.json``."""

import os
from typing import Any, List, Mapping, Optional, Sequence

from ..judge.facts import SOUND
from ..judge.own import issue_named
from .race import change_lines, race_lines


def percent(accuracy: Optional[float]) -> str:
    """An accuracy for reading; '–' where there is none."""
    return '–' if accuracy is None else '%.1f %%' % (100 * accuracy)


def summary(result: Mapping[str, Any], folder: Optional[str] = None) -> str:
    """Tell in a few lines what was wrong, what was tried, what worked and where it all lies.

    Args:
        result: the content of ``result.json`` of a finished run.
        folder: the run folder; default that of the model.

    Returns:
        Text of several lines, without a line end.
    """
    accuracy, issue = result['accuracy'], result['initial_issue']
    folder = folder or os.path.dirname(result['model_path'])
    lines: List[str] = []
    if issue is None and not (result['reason'] or SOUND).startswith(SOUND):
        lines.append('No issue was found, which proves little: %s. Accuracy %s.'
                     % (result['reason'], percent(accuracy['after'])))
    elif issue is None:
        lines.append('The training is normal: %d epoch%s, accuracy %s, %d checks found nothing.'
                     % (result['total_epochs'], 's' * (result['total_epochs'] != 1),
                        percent(accuracy['after']), result['checks']))
    else:
        known = issue_named(issue, result.get('own'))
        lines.append('Problem   %s (%s), found at epoch %d of %d'
                     % (known.words, issue, result['detected_epoch'],
                        result['total_epochs']))
        lines.extend(['Meaning   %s' % known.meaning] * bool(known.meaning))
        lines.extend('Why       ' + reason for reason in _reasons(result))
        for attempt in result['attempts']:
            lines.append('Tried     ' + attempt_line(attempt, result.get('own')))
        lines.extend(race_lines(result))
        lines.append('Outcome   ' + _outcome(result))
    lines.extend(_skill(result))
    lines.extend(change_lines(result))
    lines.append('Results   %s' % folder)
    return '\n'.join(lines)


def _skill(result: Mapping[str, Any]) -> List[str]:
    """What was learnt before and after, and a repair that is none; older folders have no skill."""
    skill, yardstick = result.get('skill') or {}, result.get('yardstick')
    before, after = skill.get('before'), skill.get('after')
    if after is None:
        return []
    learnt = ('%.2f' % after if before is None or result['status'] in ('normal', 'detected')
              else '%.2f → %.2f' % (before, after))
    lines = ['Skill     %s (%s; 0 is the best constant answer, 1 all that can be known)%s' % (
        learnt, skill['form'], '' if yardstick is None else
        ', a classical learner gets %.2f' % yardstick)]
    if result['status'] == 'repaired' and after <= 0:
        lines.append('Beware    the symptom is gone, but the model knows no more than the best '
                     'constant answer')
    elif result['status'] == 'repaired' and before is not None and after < before:
        lines.append('Beware    the symptom is gone, but the model knows less than before')
    return lines


def _reasons(result: Mapping[str, Any]) -> List[str]:
    """One line for each issue that was found; of an older folder all in one."""
    reasons = result.get('reasons')
    return ([result['reason']] if reasons is None
            else ['%s: %s' % entry for entry in reasons.items()])


def attempt_line(attempt: Mapping[str, Any], own: Any = None) -> str:
    """One repair attempt in one line; ``own`` is what the run has on record of its own issues."""
    told = '%s: %s' % (attempt['solution'], attempt['description'])
    if attempt['status'] == 'skipped':
        return '%s → skipped' % told
    if attempt['status'] == 'error':
        return '%s → broke down (%s)' % (told, attempt['traceback'].strip().splitlines()[-1])
    left = ''
    if attempt['issue'] is not None:
        left = ', ' + issue_named(attempt['issue'], own).words
    elif attempt['status'] == 'potential':
        left = ', stopped by a callback before it had converged'
    return '%s → %s%s, accuracy %s after %d epoch%s' % (
        told, attempt['status'], left, percent(attempt['val_accuracy']), attempt['epochs'],
        's' * (attempt['epochs'] != 1))


def _outcome(result: Mapping[str, Any]) -> str:
    accuracy = result['accuracy']
    left = 'a problem is left' if result.get('issues_left') != [] else (
        'it still learns less than its data allows' if result.get('race') else
        'a callback stopped it before it had converged')
    change = 'accuracy %s → %s' % (percent(accuracy['before']), percent(accuracy['after']))
    return {
        'repaired': 'repaired by %s, %s' % (result['solution'], change),
        'improved': 'improved by %s, but %s: %s' % (result['solution'], left, change),
        'failed': 'not repaired: no solution trained better' if not result['solution'] else (
            'not repaired: nothing surely trained better; the best that was seen is handed back, '
            '%s: %s' % (result['solution'], change)),
        'detected': 'not repaired, as asked for; accuracy %s' % percent(accuracy['before']),
    }[result['status']]


def cases_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of several runs, one line per case."""
    rows = [('case', 'issue', 'epoch', 'status', 'solution', 'before', 'after')]
    for name, result in results.items():
        rows.append((name, result['initial_issue'] or '–', str(result['detected_epoch'] or '–'),
                     result['status'], result['solution'] or '–',
                     percent(result['accuracy']['before']), percent(result['accuracy']['after'])))
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)
