"""The one table of differences in answers: which are meant, and why.

A group takes an answer that differs where its condition holds; the first that does has it. The
conditions are as narrow as the reasons: outside of them both programs must say the same.
"""

import math
from typing import Any, Callable, NamedTuple, Sequence, Tuple

from ..judge.gradients import LARGE_WEIGHT
from ..judge.history import JUDGMENT_SHARE, judged
from ..judge.issues import ISSUES
from ..utils.monitor import LARGE_LOSS
from .cases import Case

LENGTHENED = ('unstable', 'not_converge')
"""Issues whose orders upstream has made longer after its first commits."""

OF_GRADIENTS = {'relu', 'explode', 'vanish', 'not_converge'}
"""Issues of which a run has the first that holds."""

OF_SETTING = {'activation_issue', 'loss_issue', 'abnormal_data'}
"""Issues of head, loss and data; upstream's activation_issue hides those of the gradients."""

Condition = Callable[[str, Case, Any, Any], bool]
"""(layout, case, upstream's answer, this project's) → whether the reason holds."""


class Group(NamedTuple):
    """Answers that differ for one reason.

    Attributes:
        questions: what it is about.
        why: the reason.
        holds: when it is one.
        row: the row of ``docs/evidence/upstream-differences.md`` that says more, or ''.
    """

    questions: Tuple[str, ...]
    why: str
    holds: Condition
    row: str = ''

    def takes(self, layout: str, question: str, case: Case, theirs: Any, mine: Any) -> bool:
        """Whether a difference belongs to it."""
        return question in self.questions and self.holds(layout, case, theirs, mine)


def _raised(theirs: Any) -> bool:
    return isinstance(theirs, dict) and 'error' in theirs


def _about(mine: Any, symptom: str) -> bool:
    """Whether the answers differ in this symptom."""
    return list(mine) == [symptom]


def _of_gradients(layout: str, theirs: Any, mine: Any) -> bool:
    """Whether two verdicts differ in issues of the gradients alone; symptoms of them always do.

    On the branch ICSE'21 a run that has not converged is never unstable, which has its own reason.
    """
    if not isinstance(theirs, list):
        return not _raised(theirs)
    differing = set(theirs) ^ set(mine)
    if layout != 'Test-Master':
        differing.discard('unstable')
    return bool(differing) and differing <= OF_GRADIENTS


def _of_setting(theirs: Any, mine: Any) -> bool:
    """Whether one of two verdicts that differ has an issue of head, loss or data."""
    return isinstance(theirs, list) and bool((set(theirs) | set(mine)) & OF_SETTING)


def _epochs(case: Case) -> int:
    return len(case['history']['loss'])


def _best(case: Case, key: str) -> float:
    return max(case['history'][key])


def _gain(case: Case, key: str) -> float:
    values = case['history'][key]
    return max([0.0] + [after - before for before, after in zip(values, values[1:])])


def _finite(values: Sequence[float]) -> bool:
    return all(map(math.isfinite, values))


def _losses(case: Case) -> Sequence[float]:
    return list(case['history']['loss']) + list(case['history']['val_loss'])


def _kernel_norms(case: Case) -> Sequence[float]:
    return [math.sqrt(sum(value * value for row in one for value in row))
            for one in case['gradients'] if isinstance(one[0], list)]


def _ratio(case: Case) -> float:
    """Norm of the first kernel over that of the last; NaN where that is zero."""
    norms = _kernel_norms(case)
    return norms[0] / norms[-1] if norms[-1] else math.nan


def _in_pairs(case: Case) -> bool:
    """Whether a bias stands behind each kernel, as upstream takes for granted."""
    return len(case['gradients']) % 2 == 0 and all(
        isinstance(one[0], list) == (place % 2 == 0) for place, one in enumerate(case['gradients']))


def _not_judged_alike(layout: str, case: Case, theirs: Any, mine: Any) -> bool:
    epochs, total = _epochs(case), case['total_epoch']
    return not judged(epochs, total) and (
        epochs >= JUDGMENT_SHARE * total - case['checkgap'] if layout == 'Test-Master'
        else epochs >= JUDGMENT_SHARE * total)


def _slow_by_both(case: Case) -> bool:
    """Whether upstream calls a training slow: both curves, and strictly below δ."""
    return max(_gain(case, 'acc'), _gain(case, 'val_acc')) < case['params']['delta']


def _slow_differs(case: Case) -> bool:
    return _slow_by_both(case) != (_gain(case, 'acc') <= case['params']['delta'])


def _unconverged(case: Case) -> bool:
    theta = case['params']['Theta']
    return _best(case, 'acc') < theta and _best(case, 'val_acc') < theta


def _unconverged_differs(layout: str, case: Case) -> bool:
    theta = case['params']['Theta']
    return layout != 'Test-Master' and not _unconverged(case) and (
        _best(case, 'acc') < theta or _best(case, 'val_acc') < theta)


def _fits(case: Case) -> bool:
    """Whether head, loss and outputs are such that both find nothing wrong with them."""
    rows = case['outputs']
    return (case['loss'] == 'categorical_crossentropy' and case['head'] == 'softmax'
            and case['units'] == 3 and all(min(row) >= 0 and abs(sum(row) - 1) < 0.05
                                           for row in rows))


def _gradients_finite(case: Case) -> bool:
    return all(_finite(row) for one in case['gradients']
               for row in (one if isinstance(one[0], list) else [one]))


def _first_orders(theirs: Any, mine: Any) -> bool:
    """Whether upstream's orders are this project's, but for what two of them had not yet."""
    return isinstance(theirs, dict) and len(theirs) == 6 and all(
        mine[name] == theirs[name] for name in theirs if name not in LENGTHENED)


_RECOGNIZED = ('recognizer',)
_HISTORY = ('loss_issue',)

GROUPS: Tuple[Group, ...] = (
    Group(('ol_judge',), 'a curve without a value does not oscillate',
          lambda layout, case, theirs, mine: not case['acc'], 'ol_empty_true'),
    Group(('gradient_norm', 'gradient_issue', 'recognizer'),
          "the branch ICSE'21 takes every other array for a kernel; here it is those of two "
          'dimensions, as in the later revision', lambda layout, case, theirs, mine:
          layout != 'Test-Master' and not _in_pairs(case)
          and (_raised(theirs) or _of_gradients(layout, theirs, mine)), 'kernels and biases'),
    Group(('gradient_zero_radio',), 'upstream takes every other array for a kernel in this one '
          'function, in both branches', lambda layout, case, theirs, mine: not _in_pairs(case)
          and isinstance(theirs, list) and theirs[0] == mine[0], 'kernels and biases'),
    Group(('gradient_issue', 'recognizer'),
          'all gradients are zero, or the last of them: a ratio over zero says nothing',
          lambda layout, case, theirs, mine: _kernel_norms(case)[-1] == 0
          and _of_gradients(layout, theirs, mine), 'all_zero_gradients'),
    Group(('gradient_issue', 'recognizer'),
          'a ratio exactly at β1 or β3 counts, as in Table I of the paper',
          lambda layout, case, theirs, mine: _ratio(case) in (
              case['params']['beta_1'], case['params']['beta_3'])
          and _of_gradients(layout, theirs, mine), 'exactly at a threshold'),
    Group(_RECOGNIZED, 'a gradient that is no number is `explode` in a run that has not converged',
          lambda layout, case, theirs, mine: not _gradients_finite(case)
          and _of_gradients(layout, theirs, mine), 'NaN and Inf in weights or gradients'),
    Group(('weights_issue',), 'a weight is large from 1000 on, not from 5, and no verdict rests '
          'on it', lambda layout, case, theirs, mine: _about(mine, 'large_weight')
          and 5 < max(map(abs, case['weights'][0][0])) < LARGE_WEIGHT,
          'large_weight'),
    Group(_HISTORY + _RECOGNIZED, 'NaN and Inf are looked for in all four curves and at every '
          'epoch, and end no other look', lambda layout, case, theirs, mine:
          not all(_finite(case['history'][key]) for key in case['history']),
          'NaN and Inf in the logs'),
    Group(_HISTORY + _RECOGNIZED, 'a large finite loss counts only while it lasts, of the '
          'training, and in a run that has not converged', lambda layout, case, theirs, mine:
          max(_losses(case)) >= LARGE_LOSS, 'a large finite loss'),
    Group(_HISTORY + _RECOGNIZED, 'the judgment point is 0.3 of the planned epochs, to the epoch, '
          'and never before the third', _not_judged_alike, 'judgment point'),
    Group(_HISTORY, 'a loss below zero counts from the judgment point on, and of the training '
          'alone', lambda layout, case, theirs, mine: _about(mine, 'abnormal_loss')
          and min(_losses(case)) < 0, 'abnormal_loss'),
    Group(_HISTORY, 'a training is slow by its training accuracy, with gains of δ at the most; '
          'upstream asks both curves for gains below δ', lambda layout, case, theirs, mine:
          _about(mine, 'sc_accuracy') and _slow_differs(case), 'sc_accuracy'),
    Group(_HISTORY + _RECOGNIZED, "converged is what has reached Θ in either curve, as in the "
          "later revision; the branch ICSE'21 asks both", lambda layout, case, theirs, mine:
          _unconverged_differs(layout, case)
          and (isinstance(mine, list) or _about(mine, 'not_converge')), 'not converged'),
    Group(('loss_function_issue',), 'no loss of a regression contradicts anything by itself',
          lambda layout, case, theirs, mine: theirs == {'improper_loss': True}
          and case['loss'].startswith('mean'), 'mse_is_improper'),
    Group(('loss_function_issue',), 'several sigmoids under a binary loss are the standard form of '
          'a multi-label model', lambda layout, case, theirs, mine:
          theirs == {'improper_loss': True} and case['loss'].startswith('binary')
          and case['units'] > 1, 'sigmoid_multilabel'),
    Group(('loss_function_issue',), 'two outputs under a categorical loss are the standard form '
          'of a two-class model', lambda layout, case, theirs, mine:
          theirs == {'improper_loss': True} and 'categorical' in case['loss']
          and case['units'] == 2, 'two_class_softmax'),
    Group(('loss_function_issue',), 'one output under a sparse loss: class numbers beyond the '
          'outputs are refused before the first step', lambda layout, case, theirs, mine:
          theirs == {'improper_loss': True} and case['loss'].startswith('sparse')
          and case['units'] == 1, 'class numbers beyond the outputs'),
    Group(('layer_issue',), 'what the outputs may be depends on the loss: shares of 1 under a '
          'categorical one, 0…1 under a binary one, anything under that of a regression',
          lambda layout, case, theirs, mine: not _fits(case), 'activation_issue'),
    Group(_RECOGNIZED, 'head and loss are judged by what they contradict, in runs that have not '
          'converged', lambda layout, case, theirs, mine: not _fits(case)
          and _of_setting(theirs, mine), 'configuration faults'),
    Group(_RECOGNIZED, 'a loss below zero under a loss that cannot be is an issue only in a run '
          'that has not converged', lambda layout, case, theirs, mine: min(_losses(case)) < 0,
          'configuration faults'),
    Group(_RECOGNIZED, 'what has reached Θ is left alone, however slow it is',
          lambda layout, case, theirs, mine: not _unconverged(case) and _slow_by_both(case),
          'sc_accuracy'),
    Group(_RECOGNIZED, 'a training is slow by its training accuracy', lambda layout, case, theirs,
          mine: _slow_differs(case) and isinstance(theirs, list)
          and set(theirs) ^ set(mine) == {'not_converge'}, 'sc_accuracy'),
    Group(_RECOGNIZED, 'a run that has not converged can be unstable too',
          lambda layout, case, theirs, mine: layout != 'Test-Master' and isinstance(theirs, list)
          and set(theirs) ^ set(mine) == {'unstable'} and 'unstable' in mine, 'unstable'),
    Group(('filtered_issue',), 'issues of equal priority are taken in the order of the table, not '
          'of the list', lambda layout, case, theirs, mine: isinstance(theirs, list)
          and len(theirs) == 1 and ISSUES[theirs[0]].priority == ISSUES[mine[0]].priority,
          'tie_by_hash'),
    Group(('filtered_issue',), 'upstream ends in a KeyError on an issue that its branch does not '
          'know', lambda layout, case, theirs, mine: layout != 'Test-Master' and _raised(theirs),
          'issues of the later revision'),
    Group(('repair_strategy', 'filtered'), "the branch ICSE'21 has no orders for the three issues "
          'of the later revision', lambda layout, case, theirs, mine: layout != 'Test-Master'
          and isinstance(theirs, dict) and len(theirs) == 6
          and all(mine[name] == theirs[name] for name in theirs), 'issues of the later revision'),
    Group(('repair_strategy', 'filtered'), "an early commit of the branch ICSE'21 has three sizes "
          'of a batch and no new starting weights', lambda layout, case, theirs, mine:
          layout != 'Test-Master' and _first_orders(theirs, mine), 'issues of the later revision'),
    Group(('filtered',), 'what may be tried is filtered by another table of how much a solution '
          'changes, and a filter shortens no list that it walks',
          lambda layout, case, theirs, mine: case['sufferance'] < 3 or case['memory'],
          'sufferance of the solutions'),
)
"""Every difference in answers that is meant, in the order in which they are asked."""
