"""Upstream's pure functions beside this project's, on generated questions: where they differ.

Upstream's run in a process of their own (:mod:`AutoTrainer.compare.worker`), of a Python that the
caller names; this project's run here. An answer that differs belongs to the first group of
``GROUPS`` that takes it, or to none: then nobody has given a reason for it.
"""

import json
import math
import os
import subprocess
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import UserError, first_line
from ..judge.configuration import layer_issue, loss_function_issue
from ..judge.facts import GradientSummary, OutputSummary, Task
from ..judge.gradients import gradient_issue, gradient_message_summary, weights_issue
from ..judge.history import HistoryState
from ..settings import Repairing
from ..utils import monitor
from ..utils.modules import Repair_Module, filtered_issue
from ..utils.repair import read_strategy, repair_strategy
from .cases import Case, cases
from .groups import GROUPS, Group
from .upstream import STRATEGY_ISSUES, Checkout

SECONDS = 600
"""How long upstream's process may take; it needs some seconds."""

FILES = {name: 'AutoTrainer/utils/%s.py' % name for name in ('monitor', 'modules', 'repair')}
"""The files whose functions are asked."""


class Differing(NamedTuple):
    """Answers that differ for one reason.

    Attributes:
        question: what was asked.
        group: the documented difference; None where there is none.
        number: how many answers, of symptoms each by itself.
        example: the arguments of the first of them.
        upstream: upstream's answer to it.
        here: this project's.
    """

    question: str
    group: Optional[Group]
    number: int
    example: Case
    upstream: Any
    here: Any


class Answers(NamedTuple):
    """What came of the questions.

    Attributes:
        asked: for each question how many cases there were; without those that this layout has no
            function for.
        differing: where the answers differ.
    """

    asked: Dict[str, int]
    differing: Tuple[Differing, ...]


def run(checkout: Checkout, python: str = sys.executable, seed: int = 0) -> Answers:
    """Ask both.

    Args:
        checkout: upstream's.
        python: the interpreter that runs upstream's functions; it needs NumPy.
        seed: of the questions.

    Raises:
        UserError: if that interpreter cannot be started or gives no answers.
    """
    asked = cases(seed)
    theirs = _upstream(checkout, python, asked)
    asked = {question: every for question, every in asked.items() if question in theirs}
    found: Dict[Tuple[str, Any], Differing] = {}
    for question, every in asked.items():
        for case, their_answer in zip(every, theirs[question]):
            for told, mine in _parts(_in_our_terms(question, their_answer), OURS[question](case)):
                group = next((one for one in GROUPS if one.takes(
                    checkout.layout, question, case, told, mine)), None)
                key = question, group.why if group else None
                before = found.get(key, Differing(question, group, 0, case, told, mine))
                found[key] = before._replace(number=before.number + 1)
    return Answers({name: len(every) for name, every in asked.items()}, tuple(found.values()))


def _upstream(checkout: Checkout, python: str,
              asked: Mapping[str, Sequence[Case]]) -> Dict[str, List[Any]]:
    sources = {name: checkout.sources[path] for name, path in FILES.items()
               if path in checkout.sources}
    worker = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'worker.py')
    # from a folder of no modules, so that nothing of this project is in its way
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    try:
        done = subprocess.run([python, worker], input=json.dumps({
            'sources': sources, 'cases': asked}), capture_output=True, text=True,
            env=environment, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError('--python is %r, which does not run (%s); give the interpreter of the '
                        'pinned stack' % (python, first_line(error))) from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ['no word']
        raise UserError('--python is %r, in which the functions of upstream do not run (%s); it '
                        'needs NumPy' % (python, last[0]))
    try:
        answers: Dict[str, List[Any]] = json.loads(done.stdout)
    except ValueError as error:
        raise UserError('--python is %r, which is no Python; give the interpreter of the pinned '
                        'stack' % python) from error
    return answers


def _in_our_terms(question: str, answer: Any) -> Any:
    """Upstream's lists of solutions, by the issue that each is for; all else as it is."""
    if question in ('repair_strategy', 'filtered') and isinstance(answer, list):
        return dict(zip(STRATEGY_ISSUES.values(), answer))
    return answer


def _parts(theirs: Any, mine: Any) -> List[Tuple[Any, Any]]:
    """Where two answers differ: symptom by symptom, as each has its own reason, else as a whole."""
    if (isinstance(mine, dict) and isinstance(theirs, dict) and theirs.keys() == mine.keys()
            and all(isinstance(value, bool) for value in mine.values())):
        return [({name: theirs[name]}, {name: mine[name]}) for name in mine
                if theirs[name] != mine[name]]
    return [] if same(theirs, mine) else [(theirs, mine)]


def same(theirs: Any, mine: Any) -> bool:
    """Whether two answers agree; numbers but for the last digits, that sums are added up in."""
    if isinstance(theirs, float) and isinstance(mine, (int, float)):
        return theirs == mine or math.isclose(theirs, mine, rel_tol=1e-9) or (
            math.isnan(theirs) and math.isnan(mine))
    if isinstance(theirs, list) and isinstance(mine, list):
        return len(theirs) == len(mine) and all(map(same, theirs, mine))
    return bool(theirs == mine)


# ------------------------------------------------------------------- this project, asked likewise

def _arrays(case: Case, key: str = 'gradients') -> List[np.ndarray]:
    return [np.array(one, dtype=float) for one in case[key]]


def _said(symptoms: Mapping[str, Any], *names: str) -> Dict[str, bool]:
    return {name: bool(symptoms[name]) for name in names}


def _loss_issue(case: Case) -> Dict[str, bool]:
    state = HistoryState(case['params'])
    for values in zip(*(case['history'][key] for key in monitor.HISTORY_KEYS)):
        state.update(dict(zip(monitor.HISTORY_KEYS, values)))
    return _said(monitor.loss_issue(state, case['total_epoch'], case['params']), 'nan_loss',
                 'abnormal_loss', 'not_converge', 'sc_accuracy', 'unstable_loss')


def _weights_issue(case: Case) -> Dict[str, bool]:
    weights = np.concatenate([array.ravel() for array in _arrays(case, 'weights')])
    finite = bool(np.all(np.isfinite(weights)))
    return _said(weights_issue(GradientSummary(
        (), 0.0, weights_finite=finite, largest_weight=float(np.max(np.abs(weights))) if finite
        else 0.0)), 'nan_weight', 'large_weight')


def _task(case: Case) -> Task:
    return Task(case['loss'], case['head'], case['units'], case['labels'], 0.5)


def _outputs(case: Case) -> OutputSummary:
    rows = np.array(case['outputs'], dtype=float)
    return OutputSummary((('dense', 0.5),), float(rows.min()), float(rows.max()),
                         float(rows.sum(axis=-1).max()))


def _recognizer(case: Case) -> List[str]:
    judge = monitor.IssueMonitor(case['total_epoch'], params=case['params'], task=_task(case))
    return sorted(judge.determine(None, case['history'], _arrays(case), 1, _outputs(case)))


class _NoRunner:
    """A scheduler that is only asked for its order trains nothing."""

    run = attempted = None


def _filtered(case: Case) -> Dict[str, List[str]]:
    module = Repair_Module(_NoRunner(), Repairing(  # type: ignore[arg-type]
        strategy=case['method'], modification_sufferance=case['sufferance'],
        memory_limit=case['memory']))
    return {issue: ['%s_%d' % (solution.name, tries)
                    for solution, tries in module.candidates(issue)]
            for issue in STRATEGY_ISSUES.values()}


OURS: Dict[str, Callable[[Case], Any]] = {
    'has_NaN': lambda case: monitor.has_NaN(case['values']),
    'max_delta_acc': lambda case: monitor.max_delta_acc(case['acc']),
    'ol_judge': lambda case: monitor.ol_judge(case, case['threshold'], case['rate']),
    'gradient_norm': lambda case: list(monitor.gradient_norm(_arrays(case))),
    'gradient_zero_radio': lambda case: list(monitor.gradient_zero_radio(_arrays(case))),
    'gradient_issue': lambda case: _said(
        gradient_issue(gradient_message_summary(_arrays(case)), case['params']), 'died_relu',
        'vanish_gradient', 'explode_gradient', 'nan_gradient'),
    'weights_issue': _weights_issue,
    'loss_issue': _loss_issue,
    'loss_function_issue': lambda case: {
        'improper_loss': loss_function_issue(_task(case)) is not None},
    'layer_issue': lambda case: {
        'activation_output': layer_issue(_task(case), _outputs(case), case['params']) is not None},
    'recognizer': _recognizer,
    'filtered_issue': lambda case: filtered_issue(case['issues']),
    'read_strategy': lambda case: list(read_strategy(case['entry'])),
    'repair_strategy': lambda case: {
        issue: entries for issue, entries in repair_strategy(case['method']).items()
        if issue in STRATEGY_ISSUES.values()},
    'filtered': _filtered,
}
"""How this project is asked; every question as upstream's :class:`~.worker.Questions`."""
