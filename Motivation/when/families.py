"""The trainings of the study: two families for each problem, and one of sound trainings.

A family is one model on one data set. What a run draws, from a seed of its own, are its first
weights, the order of its rows and its learning rate. The demo cases have their problem from the
first step on; in the families beside them it has to come while they train, or depends on the rate
(they are made as the recipes of ``benchmarks/zoo`` that are named with them).
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

PROBLEMS = ('vanish', 'explode', 'relu', 'unstable', 'not_converge')
"""The five problems of Table I by their names in :mod:`AutoTrainer.judge.issues`."""

LENGTHS = (50, 100, 200)
"""Planned epochs."""


class Stack(NamedTuple):
    """A stack of Dense layers of one width.

    Attributes:
        depth: hidden layers.
        units: of each.
        activation: of each.
        initial: of their weights, by Keras's name.
        head: activation of the ten outputs.
        loss: that the training minimises.
    """

    depth: int
    units: int
    activation: str
    initial: str = 'glorot_uniform'
    head: str = 'softmax'
    loss: str = 'categorical_crossentropy'


class Family(NamedTuple):
    """What the runs of a family have in common.

    Attributes:
        problem: that it is made to show; None for the sound one.
        demo: demo case whose model it trains; '' where ``stack`` says the model.
        dataset: see :func:`AutoTrainer.data.get_dataset`.
        rows: training rows, the first so many of the data set; half as many are validated on.
        batch: rows per step.
        optimizer: name.
        rates: between which the learning rate is drawn, evenly by its logarithm.
        settings: further settings of the optimizer.
        stack: of a model that is no demo case's.
    """

    problem: Optional[str]
    demo: str
    dataset: str
    rows: int
    batch: int
    optimizer: str
    rates: Tuple[float, float]
    settings: Dict[str, Any] = {}  # never changed
    stack: Optional[Stack] = None

    @property
    def steps(self) -> int:
        """Training batches in an epoch."""
        return -(-self.rows // self.batch)


FAMILIES: Dict[str, Family] = {
    'vanish_demo': Family('vanish', 'Gradient_Vanish_Case', 'simplednn_circle', 256, 64, 'Adam',
                          (3e-4, 3e-3)),
    # the same on more classes, with rates at which some runs begin to learn
    'vanish_deep': Family('vanish', '', 'digits', 256, 64, 'Adam', (3e-4, 1e-2),
                          stack=Stack(8, 16, 'sigmoid')),
    'explode_demo': Family('explode', 'Gradient_Explode_Case', 'digits', 256, 128, 'Adam',
                           (3e-4, 3e-3)),
    # recipe rate_high_sgd: steps far too large
    'explode_rate': Family('explode', '', 'digits', 256, 64, 'SGD', (0.02, 0.5),
                           stack=Stack(6, 32, 'linear', head='linear',
                                       loss='mean_squared_error')),
    'relu_demo': Family('relu', 'Dying_ReLU_Case', 'digits', 256, 64, 'Adam', (3e-4, 3e-3)),
    # recipe rate_high_adam: units that are alive, and steps that kill them
    'relu_rate': Family('relu', '', 'digits', 256, 64, 'Adam', (0.01, 0.3),
                        stack=Stack(6, 32, 'relu', 'he_uniform')),
    # the demo case takes rows one by one; here, to be quicker, by fours and at four times its rate
    'unstable_demo': Family('unstable', 'Oscillating_Loss_Case', 'simplednn_blob', 64, 4, 'SGD',
                            (0.02, 0.08), dict(momentum=0.9)),
    # steps too large for layers that saturate, a little and by far
    'unstable_rate': Family('unstable', '', 'digits', 256, 16, 'Adam', (0.05, 0.3),
                            stack=Stack(2, 32, 'tanh')),
    'slow_demo': Family('not_converge', 'Slow_Convergence_Case', 'digits', 256, 32, 'SGD',
                        (3e-5, 3e-4)),
    # recipe rate_low_adam
    'slow_adam': Family('not_converge', '', 'digits', 256, 32, 'Adam', (1e-6, 1e-4),
                        stack=Stack(2, 32, 'relu')),
    'sound': Family(None, '', 'digits', 256, 32, 'Adam', (1e-3, 5e-3), stack=Stack(2, 32, 'relu')),
}
"""The families by name."""


def seed_of(family: str, epochs: int, number: int) -> int:
    """The seed of one run; no two runs share one, nor do those of two lengths."""
    return int(np.random.SeedSequence([number, epochs, list(FAMILIES).index(family)])
               .generate_state(1)[0])


def rate_of(family: str, seed: int) -> float:
    """The learning rate of the run with this seed."""
    low, high = np.log(FAMILIES[family].rates)
    return float(np.exp(np.random.RandomState(seed).uniform(low, high)))


def families_of(problem: Optional[str]) -> List[str]:
    """Names of the families made to show a problem."""
    return [name for name, family in FAMILIES.items() if family.problem == problem]
