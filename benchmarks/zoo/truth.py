"""What a training is worth, by its outcome on rows that nobody touched: no code of the judge's.

Skill is 0 for the best constant answer and 1 for perfection. Each training is held against the best
well-set training of its table, of any seed: *bad* with at most half of that skill, *good* with at
least 0.85 of it; between the two it counts for neither. A table on which nothing learns has no
truth.
"""

import math
import statistics
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

import numpy as np

BAD, GOOD, LEAST_BEST = 0.5, 0.85, 0.1


def skill(task: str, truth: Any, answers: Any) -> float:
    """How much of what can be known the answers show.

    Args:
        task: of the table, see :class:`benchmarks.zoo.tables.Table`.
        truth: the labels of some rows.
        answers: likewise; NaN for an answer that is no number.

    Returns:
        For classes the larger of the skill by accuracy and by balanced accuracy; for labels that
        are yes or no likewise, over all of them; for measured numbers R². Never below -1.
    """
    truth, answers = np.asarray(truth), np.asarray(answers, dtype='float64')
    found = {'regression': _of_numbers, 'multilabel': _of_labels}.get(task, _of_classes)(
        truth, answers)
    return max(-1.0, float(found)) if math.isfinite(found) else -1.0


def _of_numbers(truth: np.ndarray, answers: np.ndarray) -> float:
    from sklearn.metrics import r2_score
    if not np.isfinite(answers).all():
        return -1.0
    return float(r2_score(truth.astype('float64'), np.clip(answers, -1e30, 1e30)))


def _of_classes(truth: np.ndarray, answers: np.ndarray) -> float:
    from sklearn.metrics import accuracy_score, recall_score
    if not np.isfinite(answers).all():
        return -1.0
    answers = answers.astype('int64')
    classes, counts = np.unique(truth, return_counts=True)
    share, chance = counts.max() / counts.sum(), 1 / len(classes)
    balanced = recall_score(truth, answers, labels=classes, average='macro', zero_division=0)
    return max((accuracy_score(truth, answers) - share) / (1 - share),
               (balanced - chance) / (1 - chance))


def _of_labels(truth: np.ndarray, answers: np.ndarray) -> float:
    if not np.isfinite(answers).all():
        return -1.0
    share = np.maximum(truth.mean(axis=0), 1 - truth.mean(axis=0)).mean()
    by_label = [_balanced(t, a) for t, a in zip(truth.T, answers.T) if 0 < t.mean() < 1]
    return max((np.mean(truth == answers) - share) / (1 - share), float(np.mean(by_label)))


def _balanced(truth: np.ndarray, answers: np.ndarray) -> float:
    from sklearn.metrics import recall_score
    return 2 * float(recall_score(truth, answers, labels=[0, 1], average='macro',
                                  zero_division=0)) - 1


def best_of(tapes: Iterable[Mapping[str, Any]]) -> Dict[str, float]:
    """By table the best skill of all its well-set trainings."""
    best: Dict[str, float] = {}
    for tape in tapes:
        if not tape['spoilt']:
            best[tape['table']] = max(tape['skill'], best.get(tape['table'], -1.0))
    return best


def usual_of(tapes: Iterable[Mapping[str, Any]]) -> Dict[Tuple[str, int], float]:
    """By table and seed, which is by its untouched rows, the median of its well-set trainings."""
    found: Dict[Tuple[str, int], List[float]] = {}
    for tape in tapes:
        if not tape['spoilt']:
            found.setdefault((tape['table'], tape['seed']), []).append(tape['skill'])
    return {rows: statistics.median(skills) for rows, skills in found.items()}


def outcome(found: float, best: Optional[float]) -> Optional[str]:
    """What a training is: ``'bad'``, ``'good'``, or None for neither.

    Args:
        found: its skill.
        best: the best skill of a well-set training of the same table; None if there is none.
    """
    if best is None or best < LEAST_BEST:
        return None
    return 'bad' if found <= BAD * best else 'good' if found >= GOOD * best else None
