"""Which way a training is repaired: by a race, or by the scheduler with upstream's orders."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import keras_bridge
from .judge.preflight import CERTAIN
from .racing import Ground, findings_of, prepare, solve
from .record.journal import Journal
from .record.legs import made
from .settings import Repairing
from .solutions.candidate import Candidate, Outcome, Repair, TrainingRecord
from .solutions.entrants import MENDS, Diagnosis, Limits, Offers
from .solutions.race import Standings
from .utils.modules import Repair_Module
from .utils.repair import SOLUTIONS

OnRace = Callable[[Standings, Ground], None]
_DESCRIBED = 12
"""Candidates of a race that are told without running it."""


def mend(journal: Journal, candidate: Candidate, first: Outcome, repairing: Repairing,
         on_race: Optional[OnRace] = None) -> Tuple[Repair, Dict[str, Any]]:
    """Repair a training if it has an issue and is to be repaired.

    Args:
        journal: of the run.
        candidate: the untrained model and how it was trained.
        first: what that training came to.
        repairing: how.
        on_race: called with the standings of a race after every leg.

    Returns:
        What is handed back, and what ``result.json`` has beside it.
    """
    issues = first.record.issues
    price = {'price': first.record.epochs / candidate.training.epochs} if repairing.races else {}
    if not issues or not repairing.autorepair:
        return Repair('detected' if issues else 'normal', candidate, first), price
    if repairing.races:
        return solve(journal, candidate, first, repairing, on_race or (lambda *standings: None))
    return Repair_Module(journal, repairing).solve(candidate, first), {}


def contradicted(candidate: Candidate, by_skill: bool, repairing: Repairing) -> Optional[Outcome]:
    """What a training comes to that contradicts itself for certain: nothing is trained.

    Some of these would not even begin: labels of a shape that the loss does not take, class numbers
    beyond the outputs.

    Args:
        candidate: the untrained model and how it is to be trained.
        by_skill: whether such a contradiction is a verdict, as under ``rules='skill'``.
        repairing: how it is to be repaired.

    Returns:
        Its outcome, with the untrained model; None where it can be trained, or no race would mend
        it.
    """
    if not (by_skill and repairing.races):
        return None
    reasons = {finding.issue: finding.sentence
               for finding in reversed(findings_of(candidate, repairing.seed))
               if finding.severity == CERTAIN and finding.name in MENDS}
    if not reasons:
        return None
    issues = tuple(reversed(list(reasons)))
    record = TrainingRecord(issues, {issue: reasons[issue] for issue in issues}, 0, 0, None,
                            float('-inf'), 1, 0, 0.0, 0.0, ended='verdict', converged=False)
    model = made(candidate, repairing.seed)
    is_shared = candidate.model.config is None
    return Outcome(record, model, weights=keras_bridge.all_weights(model) if is_shared else None)


def described(candidate: Candidate, issues: Sequence[str], repairing: Repairing, runner: Any
              ) -> List[Dict[str, Any]]:
    """What a repair would try, in words, without training anything.

    Args:
        candidate: the model and training that has the issues.
        issues: their names.
        repairing: how it would be repaired.
        runner: of the run.

    Returns:
        One entry per try in order: ``issue``, ``solution``, ``try`` and ``description``.
    """
    if not repairing.races:
        return Repair_Module(runner, repairing).describe(candidate, issues)
    if not issues:
        return []
    seed = repairing.seed
    diagnosis = Diagnosis(tuple(issues), findings_of(candidate, seed))
    base = prepare(candidate, diagnosis, seed).base
    offers = Offers(base, diagnosis, SOLUTIONS, Limits(
        repairing.modification_sufferance, repairing.memory_limit), seed,
        own=repairing.strategy == 'cause')
    found = []
    for _ in range(_DESCRIBED):
        entrant = offers()
        if entrant is None:
            break
        found.append({'issue': issues[0], 'solution': entrant.name, 'try': 1,
                      'description': '; '.join(entrant.words)})
    return found
