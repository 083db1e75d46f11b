"""The solution scheduler: which issue, which solution, what next. Trains nothing itself."""

import random
import time
import traceback
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from .. import interrupts
from ..judge.issues import ISSUES
from ..record.folder import RecordError
from ..settings import Repairing
from ..solutions.candidate import (
    AttemptRecord,
    BrokeDown,
    Candidate,
    NotApplicable,
    Outcome,
    Repair,
    Runner,
    Solution,
    Step,
)
from .logger import LOGGER
from .repair import SOLUTIONS, read_strategy, repair_strategy

MOST_ROUNDS = 10
"""Issues that are repaired one after the other at the most (paper, Section III-C)."""


def filtered_issue(issue_list: Iterable[str], done: Iterable[str] = ()) -> List[str]:
    """The issue to repair first.

    Args:
        issue_list: names of issues.
        done: issues whose solutions have been tried already.

    Returns:
        In a list the one of highest priority that is not done; among equals the first in the order
        of diagnosis. An empty list if none is left.
    """
    left = [issue for issue in ISSUES if issue in set(issue_list) - set(done)]
    return [max(left, key=lambda issue: ISSUES[issue].priority)] if left else []


class Repair_Module:  # noqa: N801 - upstream's name
    """Tries the solutions of an issue in order until a training shows no issue any more.

    Args:
        runner: makes the trainings, and is told of every attempt.
        repairing: order of the solutions, which of them are left out, and the seed.
    """

    def __init__(self, runner: Runner, repairing: Repairing = Repairing()) -> None:  # noqa: B008
        self.runner = runner
        self.repairing = repairing
        self.order = repair_strategy(repairing.strategy)
        self._trainings = 0

    def candidates(self, issue: str) -> List[Tuple[Solution, int]]:
        """The solutions of an issue, in order, with their number of tries, filters applied."""
        found = []
        for entry in self.order.get(issue, []):
            name, tries = read_strategy(entry)
            solution = SOLUTIONS[name]
            if solution.sufferance <= self.repairing.modification_sufferance and not (
                    self.repairing.memory_limit and solution.memory):
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
                    try:
                        _, words = solution.apply(candidate, issue, attempt,
                                                  random.Random(self.repairing.seed))
                    except NotApplicable:
                        continue
                    found.append({'issue': issue, 'solution': solution.name, 'try': attempt + 1,
                                  'description': words})
        return found

    def solve(self, candidate: Candidate, outcome: Outcome) -> Repair:
        """Repair a training.

        Args:
            candidate: the untrained model and how it was trained.
            outcome: what that training came to; it has issues.

        Returns:
            The best that was found.
        """
        best = here = Repair('failed', candidate._replace(best=outcome.best_weights), outcome)
        done: List[str] = []
        for _ in range(MOST_ROUNDS):
            first = filtered_issue(here.outcome.record.issues, done)
            if not first:
                break
            issue = first[0]
            done.append(issue)
            LOGGER.info('repairing %s', issue)
            ahead: Optional[Repair] = None
            for found in self._cures(here, issue):
                if found.status == 'repaired':
                    return found
                best = _better(best, found)
                if found.outcome.record.issues:
                    ahead = found if ahead is None else _better(ahead, found)
            if ahead is None:
                break
            here = ahead
        return best

    def _cures(self, here: Repair, issue: str) -> Iterator[Repair]:
        """Try all solutions of one issue; whatever trains without it, as it is found."""
        for solution, tries in self.candidates(issue):
            for attempt in range(tries):
                found = self._attempt(here, issue, solution, attempt)
                if found is not None:
                    yield found

    def _attempt(self, here: Repair, issue: str, solution: Solution,
                 attempt: int) -> Optional[Repair]:
        """One try of one solution; None if it was skipped, broke down or left the issue."""
        step = Step(self._trainings + 1, solution.name, attempt + 1)
        seed = self.repairing.seed * 1009 + step.number
        tried = AttemptRecord(issue, solution.name, step.attempt, 'error', '', step.number)
        started = time.perf_counter()
        try:
            changed, words = solution.apply(here.candidate, issue, attempt, random.Random(seed))
            tried = tried._replace(description=words)
            outcome = self.runner.run(changed, step, seed)
        except NotApplicable as reason:
            self._tell(tried._replace(status='skipped', description=str(reason), number=None))
            return None
        except RecordError:
            raise
        except Exception as error:  # an attempt that breaks down must not end the repair
            interrupts.honour()  # a second Ctrl-C may have come back as this error
            self._trainings = step.number
            self._tell(tried._replace(
                traceback=error.told if isinstance(error, BrokeDown) else traceback.format_exc(),
                seconds=time.perf_counter() - started))
            return None
        self._trainings = step.number
        record = outcome.record
        status = _status(issue, outcome)
        self._tell(tried._replace(
            status=status, issue=record.issues[0] if record.issues else None,
            val_accuracy=record.val_accuracy, epochs=record.epochs, seconds=record.seconds,
            ended=record.ended), outcome)
        if status == 'failed':
            return None
        return Repair('repaired' if status == 'solved' else 'improved',
                      changed._replace(best=outcome.best_weights), outcome,
                      '+'.join(filter(None, [here.solution, solution.name])))

    def _tell(self, tried: AttemptRecord, outcome: Optional[Outcome] = None) -> None:
        LOGGER.info('%s %d: %s (%s)', tried.solution, tried.attempt, tried.status,
                    tried.description)
        self.runner.attempted(tried, outcome)


def _better(one: Repair, other: Repair) -> Repair:
    """The one that trained better; the first if they are equal."""
    return other if other.outcome.record.score > one.outcome.record.score else one


def _status(issue: str, outcome: Outcome) -> str:
    """What an attempt to repair an issue came to, see :class:`AttemptRecord`."""
    if issue in outcome.record.issues:
        return 'failed'
    return 'solved' if not outcome.record.issues and outcome.record.is_proven else 'potential'
