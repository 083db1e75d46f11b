"""How a training is set up, as far as that is known: facts, in the words of no framework."""

import math
from typing import NamedTuple, Optional, Tuple

from .facts import Task
from .labels import LabelSummary

BATCH_ROWS = 32
"""Rows per step where nothing is said; Keras's own."""


class Kernel(NamedTuple):
    """A kernel, as it stands before the training.

    Attributes:
        layer: name of its layer.
        activation: what the outputs of the layer go through; '' if that is not known.
        spread: standard deviation times the square root of the mean of fan-in and fan-out: 1 as
            Glorot draws them, 1.4 as He does.
        constant: whether all its numbers are the same.
        zero: whether they and the biases of the layer are 0.
        trainable: whether the training changes it.
    """

    layer: str
    activation: str = ''
    spread: float = math.nan
    constant: bool = False
    zero: bool = False
    trainable: bool = True


class Dropout(NamedTuple):
    """What a layer leaves out at random.

    Attributes:
        layer: its name.
        rate: share that is left out.
        units: of how many numbers per row or step; 0 if that is not known.
    """

    layer: str
    rate: float
    units: int = 0


class Lookup(NamedTuple):
    """Whole numbers that an Embedding looks up as they come in.

    Attributes:
        layer: its name.
        size: for how many numbers, from 0 on, it has a row.
        highest: the largest of the training rows.
        lenient: whether a number beyond may be taken for zeros (TensorFlow on a GPU); else it is
            an error, or NaN.
    """

    layer: str
    size: int
    highest: int
    lenient: bool = False


class Output(NamedTuple):
    """One of several outputs.

    Attributes:
        name: of the output.
        task: its loss, head and units.
        labels: of its training rows.
    """

    name: str
    task: Task
    labels: LabelSummary


class Setup(NamedTuple):
    """How a training is set up. What is not known has its default, and no rule looks at it.

    Attributes:
        task: loss, head and outputs.
        labels: of the training rows.
        optimizer: name of its class.
        learning_rate: of its first step; NaN if that is not known.
        scheduled: whether the rate changes by a schedule.
        highest_rate: the largest that is known of a schedule; NaN if none is.
        momentum: share of the last step that is taken again.
        decay: what an L2 penalty adds to the gradient of a weight, as a share of the weight: the
            least of all kernels.
        shrinks: share of the weights, times the rate, that each step takes off (AdamW).
        kernels: of layers that multiply by them, in layer order; embeddings are left out.
        trainable: whether there is anything that the training changes.
        dropouts: in layer order.
        outputs: where there are several; ``task`` and ``labels`` say nothing then.
        unpaired: whether the loss, one of the user's own, compares each output with every label.
        lookups: of embeddings that the inputs reach unchanged.
        mixes_rows: whether the outputs of a row change with the other rows of its batch.
        chain: whether each layer takes the outputs of the one before and nothing else.
        normalises: whether there are layers inside that bring their inputs to one scale.
        rows: training rows.
        epochs: planned epochs.
        batch_size: rows per step.
    """

    task: Task = Task()
    labels: LabelSummary = LabelSummary()
    optimizer: str = ''
    learning_rate: float = math.nan
    scheduled: bool = False
    highest_rate: float = math.nan
    momentum: float = 0.0
    decay: float = 0.0
    shrinks: float = 0.0
    kernels: Tuple[Kernel, ...] = ()
    trainable: bool = True
    dropouts: Tuple[Dropout, ...] = ()
    outputs: Tuple[Output, ...] = ()
    unpaired: bool = False
    lookups: Tuple[Lookup, ...] = ()
    mixes_rows: bool = False
    chain: bool = False
    normalises: bool = False
    rows: int = 0
    epochs: Optional[int] = None
    batch_size: int = BATCH_ROWS

    @property
    def updates(self) -> float:
        """Planned steps of the optimizer; infinite where they are not known."""
        if self.epochs is None or not self.rows:
            return math.inf
        return self.epochs * math.ceil(self.rows / self.batch_size)
