"""Solutions that change how far and how often a training steps."""

import math
import random
from typing import Tuple

from .. import keras_bridge
from ..intake.arrays import row_count
from . import graph as model_graph
from .candidate import Candidate, NotApplicable, Solution, Training
from .training import learning_rate

Result = Tuple[Candidate, str]

WAY = 3.0
"""How far Adam may move a weight in all planned steps together: some times what a weight is drawn
from, so that it can go anywhere sensible."""
LEAST_RATE, MOST_RATE = 0.001, 0.01
"""Between these the step of Adam is fitted: its default, below which it is only slow, and what is
still a small part of a weight."""
FEW_LAYERS = 3
"""Hidden layers from which the step is made smaller in proportion: a step is made in all layers at
once, and the outputs move by as much as all of them together."""
ENOUGH_UPDATES, LEAST_BATCH = 400, 8
"""Steps that most models on tables need, and the smallest batch that is made to have them."""
_FACTORS = (1.0, 3.0, 0.3)


def planned_updates(training: Training) -> int:
    """Steps of the optimizer in the planned epochs."""
    return training.epochs * math.ceil(row_count(training.dataset['x']) / training.batch_size)


def hidden_layers(candidate: Candidate) -> int:
    """Hidden layers with a kernel; 0 where the model has no configuration."""
    config = candidate.model.config
    return 0 if config is None else len(model_graph.hidden_kernels(model_graph.read(config)))


def _step(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Adam with a step that fits the planned number of steps; then three times, a third of it."""
    if attempt >= len(_FACTORS):
        raise NotApplicable('there is no further step to try')
    updates = planned_updates(candidate.training)
    rate = min(MOST_RATE, max(LEAST_RATE, WAY / max(1, updates)))
    rate = max(LEAST_RATE, rate / max(1.0, hidden_layers(candidate) / FEW_LAYERS))
    rate = float('%.1g' % (rate * _FACTORS[attempt]))
    old = candidate.training.optimizer
    present = learning_rate(old)
    if old['class_name'] == 'Adam' and present is not None and math.isclose(
            present, rate, rel_tol=0.2):
        raise NotApplicable('the optimizer is Adam with about that step already')
    new = keras_bridge.optimizer_config('Adam', {'learning_rate': rate})
    return (candidate.trained(optimizer=new),
            'optimizer %s (%s) → Adam (step %g, for %d planned updates)' % (
                old['class_name'], 'by a schedule' if present is None else '%g' % present, rate,
                updates))


def _less_batch(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Smaller batches where the planned epochs have too few steps otherwise."""
    training = candidate.training
    rows = row_count(training.dataset['x'])
    size = training.batch_size if attempt == 0 else max(LEAST_BATCH, training.batch_size // 4)
    while size > LEAST_BATCH and training.epochs * math.ceil(rows / size) < ENOUGH_UPDATES:
        size = max(LEAST_BATCH, size // 2)
    if attempt > 1 or size >= training.batch_size:
        raise NotApplicable('%d planned updates in batches of %d are enough'
                            % (planned_updates(training), training.batch_size))
    return (candidate.trained(batch_size=size), 'batch size %d → %d (%d planned updates)' % (
        training.batch_size, size, training.epochs * math.ceil(rows / size)))


def _longer(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    if attempt > 0:
        raise NotApplicable('the training is longer already')
    epochs = candidate.training.epochs
    return (candidate.trained(epochs=2 * epochs), 'epochs %d → %d' % (epochs, 2 * epochs))


PACE_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('step', 'Trains with Adam at a step that fits the planned number of steps, then at '
             'three times, then at a third of it.', 0, _step),
    Solution('less_batch', 'Trains on smaller batches, so that the planned epochs have some '
             'hundred steps.', 0, _less_batch),
    Solution('longer', 'Trains twice as many epochs.', 0, _longer),
)
"""One entry per solution; for each, see its function."""
