"""What a solution is: the interface between the scheduler and the solutions."""

import random
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..intake.config import Training


class Blueprint(NamedTuple):
    """A model before training, from which any number of fresh ones can be built.

    Attributes:
        kind: ``'Sequential'``, ``'Functional'`` or ``'subclassed'``.
        config: ``get_config()``; None for a subclassed model.
        weights: initial weights by layer name, arrays in the layer's own order. Layers that are
            missing here, or whose arrays do not fit, start from their initializers. Of a
            subclassed model all weights, under the name ''.
        original: the model object itself; needed again only if it is subclassed.
    """

    kind: str
    config: Optional[Dict[str, Any]]
    weights: Dict[str, List[np.ndarray]]
    original: Any


class Candidate(NamedTuple):
    """A model and how to train it.

    Attributes:
        model: the untrained model, see :class:`Blueprint`.
        training: see :class:`~AutoTrainer.intake.config.Training`.
        best: weights, as a blueprint has them, at the best epoch of the training that is to be
            repaired; None unless it had learnt before it collapsed.
    """

    model: Blueprint
    training: Training
    best: Optional[Dict[str, List[np.ndarray]]] = None


class Solution(NamedTuple):
    """One way to repair a training.

    Attributes:
        name: key in the strategies (``'lr'`` in ``'lr_3'``).
        sufferance: how much it changes the model: 0 only how it is trained, 1 starting weights,
            what acts in training only, or what stands at its ends, 2 its hidden activations,
            3 adds layers with weights.
        memory: whether it needs much more memory.
        applies: (candidate, issue, attempt) → '' or the reason why it would change nothing or
            cannot be used.
        apply: (candidate, issue, attempt, random numbers) → (changed candidate, description).
            ``attempt`` counts the tries of this solution from 0. The candidate is not changed.
    """

    name: str
    sufferance: int
    memory: bool
    applies: Callable[[Candidate, str, int], str]
    apply: Callable[[Candidate, str, int, random.Random], Tuple[Candidate, str]]


class NotApplicable(Exception):
    """Raised by a solution that would change nothing or cannot be used; says why."""


Apply = Callable[[Candidate, str, int, random.Random], Tuple[Candidate, str]]


def solution(name: str, sufferance: int, apply: Apply, memory: bool = False) -> Solution:
    """A solution from its one function.

    Whether it applies is found out by applying it, so that the two cannot disagree: nothing is
    trained and no model is built by that.

    Args:
        name: see :class:`Solution`.
        sufferance: see :class:`Solution`.
        apply: see :class:`Solution`; raises :class:`NotApplicable` with the reason.
        memory: see :class:`Solution`.
    """
    def applies(candidate: Candidate, issue: str, attempt: int) -> str:
        try:
            apply(candidate, issue, attempt, random.Random(0))
        except NotApplicable as reason:
            return str(reason)
        return ''

    return Solution(name, sufferance, memory, applies, apply)
