"""The solution scheduler: which issue, which solution, what next. Trains nothing itself."""

import random
import time
import traceback
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

from .. import interrupts
from ..errors import UserError
from ..judge.issues import ISSUES
from ..record.folder import RecordError
from .logger import LOGGER
from .repair import SOLUTIONS, STRATEGIES, Candidate, Solution, read_strategy, repair_strategy  # noqa: F401

MOST_ROUNDS = 10
"""Issues that are repaired one after the other at the most (paper, Section III-C)."""


class Outcome(NamedTuple):
    """What one training came to.

    Attributes:
        model: the trained model; None where it was taken from the record of an interrupted run.
        issues: issues found, the one to be repaired first in front; empty for a normal run.
        reason: why, in words.
        epoch: epoch (1-based) of the check that found them; None for a normal run.
        epochs: epochs trained.
        val_accuracy: validation accuracy at the end (training accuracy without validation data);
            None without any accuracy.
        score: what attempts are compared by, higher is better: the accuracy, or minus the loss
            where there is none; minus infinity for a run without a finite number.
        checks: checks made.
        probes: checks that looked at gradients.
        train_seconds: seconds of training, checks left out.
        check_seconds: seconds of checks.
        model_path: file of the model where ``model`` is None.
        best_weights: weights by layer name at the best epoch; None unless the training had learnt
            before it collapsed.
        weights: of ``model`` at the end, where every training is of this same object (a subclassed
            model), which the next one changes; else None.
    """

    model: Any
    issues: Tuple[str, ...]
    reason: str
    epoch: Optional[int]
    epochs: int
    val_accuracy: Optional[float]
    score: float
    checks: int
    probes: int
    train_seconds: float
    check_seconds: float
    model_path: str = ''
    best_weights: Optional[Dict[str, Any]] = None
    weights: Optional[List[Any]] = None


class PastFailure(Exception):
    """An attempt broke down before the repair was interrupted.

    Args:
        told: the traceback of that time.
    """

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class Step(NamedTuple):
    """One training that a repair asks for.

    Attributes:
        number: counts the trainings of a repair from 1.
        solution: key of the solution.
        attempt: which try of it, from 1.
    """

    number: int
    solution: str
    attempt: int


class Repair(NamedTuple):
    """What a repair came to.

    Attributes:
        status: ``'repaired'`` (a training without an issue), ``'improved'`` (issues are left, but
            it trains better than before) or ``'failed'``.
        candidate: the model and training of the best outcome.
        outcome: the best outcome; the one to be repaired if nothing was better.
        solution: the solutions that led there, joined by ``+``; '' for none.
        attempts: one record per training or skipped solution.
    """

    status: str
    candidate: Candidate
    outcome: Outcome
    solution: str
    attempts: List[Dict[str, Any]]


def filtered_issue(issues: Iterable[str], done: Iterable[str] = ()) -> Optional[str]:
    """The issue to repair first.

    Args:
        issues: names of issues.
        done: issues whose solutions have been tried already.

    Returns:
        The one of highest priority that is not done; among equals the first in the order of
        diagnosis; None if none is left.
    """
    left = [issue for issue in ISSUES if issue in set(issues) - set(done)]
    return max(left, key=lambda issue: ISSUES[issue].priority) if left else None


class Repair_Module:  # noqa: N801 - upstream's name
    """Tries the solutions of an issue in order until a training shows no issue any more.

    Args:
        train: trains a candidate under the monitor: (candidate, step, seed) → outcome.
        strategy: order of the solutions, a key of ``STRATEGIES``.
        modification_sufferance: solutions that change the model more than this (0…3) are left out.
        memory_limit: whether to leave out solutions that need much memory.
        seed: for everything that a solution draws.
        record: called with the record of every attempt as it ends.
        keep: called with an outcome that solved the issue, and its step.

    Raises:
        UserError: for an unknown strategy or a sufferance out of range.
    """

    def __init__(self, train: Callable[[Candidate, Step, int], Outcome],
                 strategy: str = 'balance', modification_sufferance: int = 3,
                 memory_limit: bool = False, seed: int = 0,
                 record: Callable[[Mapping[str, Any]], None] = lambda record: None,
                 keep: Callable[[Outcome, Step], None] = lambda outcome, step: None) -> None:
        if modification_sufferance not in (0, 1, 2, 3):
            raise UserError('modification_sufferance is %r; give 0 (training settings only) to 3 '
                            '(any change)' % (modification_sufferance,))
        self.order = repair_strategy(strategy)
        self.train = train
        self.modification_sufferance = modification_sufferance
        self.memory_limit = memory_limit
        self.seed = seed
        self.record = record
        self.keep = keep
        self.attempts: List[Dict[str, Any]] = []
        self._number = 0

    def candidates(self, issue: str) -> List[Tuple[Solution, int]]:
        """The solutions of an issue, in order, with their number of tries, filters applied."""
        found = []
        for entry in self.order.get(issue, []):
            name, tries = read_strategy(entry)
            solution = SOLUTIONS[name]
            if solution.sufferance <= self.modification_sufferance and not (
                    self.memory_limit and solution.memory):
                found.append((solution, tries))
        return found

    def describe(self, candidate: Candidate, issues: Sequence[str]) -> List[Dict[str, Any]]:
        """What a repair would try, in words, without training anything.

        Args:
            candidate: the model and training that has the issues.
            issues: names of issues.

        Returns:
            One entry per try in order: ``issue``, ``solution``, ``try`` and ``description``.
        """
        found = []
        for issue in sorted(issues, key=lambda name: -ISSUES[name].priority):
            for solution, tries in self.candidates(issue):
                for attempt in range(tries):
                    if not solution.applies(candidate, issue, attempt):
                        _, words = solution.apply(candidate, issue, attempt,
                                                  random.Random(self.seed))
                        found.append({'issue': issue, 'solution': solution.name,
                                      'try': attempt + 1, 'description': words})
        return found

    def solve(self, candidate: Candidate, outcome: Outcome) -> Repair:
        """Repair a training.

        Args:
            candidate: the untrained model and how it was trained.
            outcome: what that training came to; it has issues.

        Returns:
            The best that was found.
        """
        best = Repair('failed', candidate._replace(best=outcome.best_weights), outcome, '',
                      self.attempts)
        here, done = best, []  # type: Repair, List[str]
        for _ in range(MOST_ROUNDS):
            issue = filtered_issue(here.outcome.issues, done)
            if issue is None:
                break
            done.append(issue)
            LOGGER.info('repairing %s', issue)
            step = self._round(here, issue)
            if step is None:
                break
            here = step
            if here.status == 'repaired':
                return here
            if here.outcome.score > best.outcome.score:
                best = here
        return best

    def _round(self, here: Repair, issue: str) -> Optional[Repair]:
        """Try all solutions of one issue: a solved training, the best potential one, or None."""
        potential: Optional[Repair] = None
        for solution, tries in self.candidates(issue):
            for attempt in range(tries):
                found = self._attempt(here, issue, solution, attempt)
                if found is None:
                    continue
                if found.status == 'repaired':
                    return found
                if potential is None or found.outcome.score > potential.outcome.score:
                    potential = found
        return potential

    def _attempt(self, here: Repair, issue: str, solution: Solution,
                 attempt: int) -> Optional[Repair]:
        """One try of one solution; None if it was skipped, broke down or left the issue."""
        record: Dict[str, Any] = {'repairs': issue, 'solution': solution.name, 'try': attempt + 1,
                                  'issue': None, 'val_accuracy': None, 'epochs': 0,
                                  'seconds': 0.0}
        step = Step(self._number + 1, solution.name, attempt + 1)
        seed = self.seed * 1009 + step.number
        started = time.perf_counter()
        record['description'] = ''
        try:
            why_not = solution.applies(here.candidate, issue, attempt)
            if why_not:
                self._finish(record, status='skipped', description=why_not)
                return None
            self._number += 1
            changed, record['description'] = solution.apply(here.candidate, issue, attempt,
                                                            random.Random(seed))
            outcome = self.train(changed, step, seed)
        except RecordError:
            raise
        except Exception as error:  # an attempt that breaks down must not end the repair
            interrupts.honour()  # a second Ctrl-C may have come back as this error
            self._number = step.number
            told = error.told if isinstance(error, PastFailure) else traceback.format_exc()
            self._finish(record, number=step.number, status='error', traceback=told,
                         seconds=time.perf_counter() - started)
            return None
        left = issue in outcome.issues
        status = 'solved' if not outcome.issues else 'failed' if left else 'potential'
        if not left:
            self.keep(outcome, step)
        self._finish(record, number=step.number, status=status,
                     issue=outcome.issues[0] if outcome.issues else None,
                     val_accuracy=outcome.val_accuracy, epochs=outcome.epochs,
                     seconds=outcome.train_seconds + outcome.check_seconds)
        if left:
            return None
        path = '+'.join(filter(None, [here.solution, solution.name]))
        return Repair('improved' if outcome.issues else 'repaired',
                      changed._replace(best=outcome.best_weights), outcome, path, self.attempts)

    def _finish(self, record: Dict[str, Any], **fields: Any) -> None:
        record.update(fields)
        LOGGER.info('%s %d: %s (%s)', record['solution'], record['try'], record['status'],
                    record['description'])
        self.attempts.append(record)
        self.record(record)
