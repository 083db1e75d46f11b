"""One training made up again as it was taped, and what a model is worth on its rows."""

from typing import Any, Dict, Optional

import numpy as np

from AutoTrainer import keras_bridge

from ..zoo.models import Ready, ready
from ..zoo.setups import Data, Setup
from ..zoo.tables import Table, split
from ..zoo.trainings import set_up
from ..zoo.truth import skill
from .cases import Case

RESAMPLES = 200
"""Draws of the bootstrap that gives a skill its standard error."""


class Subject:
    """A training that is to be repaired.

    Args:
        case: which one.
        table: its data set.

    Attributes:
        case, table: as given.
        setup: as it was taped.
    """

    def __init__(self, case: Case, table: Table) -> None:
        self.case, self.table = case, table
        self._parts = split(table, case.seed)
        self.setup = set_up(table, case.recipe, len(self._parts.train), case.seed)

    def ready(self, setup: Optional[Setup] = None, seed: Optional[int] = None) -> Ready:
        """The training before its first step.

        Args:
            setup: other choices than the taped ones.
            seed: of weights and order of the rows; default as taped.
        """
        return ready(self.table, setup or self.setup, self._parts,
                     self.case.seed if seed is None else seed)


def answers(data: Data, model: Any, x: Any) -> np.ndarray:
    """What a model answers, in the form of the table's labels, by what it hands out.

    A repair may have changed the head: one unit that learnt class numbers becomes one unit for each
    class, logits become shares. So the number of outputs and the model's own loss say how they are
    read, not the setup.

    Args:
        data: of the training, for the unit of its targets.
        model: a compiled model.
        x: inputs, prepared as those that it was trained on.
    """
    outputs = keras_bridge.predictor(model)(x)[0]
    return data.answers(outputs, keras_bridge.takes_logits(getattr(model, 'loss', None)))


def untouched(data: Data, model: Any) -> Dict[str, Any]:
    """What a model is worth on the rows that nobody touched.

    Returns:
        ``skill`` and ``error``, its standard error.
    """
    given = answers(data, model, data.x_test)
    return dict(skill=skill(data.table.task, data.truth, given),
                error=standard_error(data.table.task, data.truth, given))


def to_choose_by(training: Ready) -> float:
    """What a model is worth on the validation rows; on the training rows where there are none."""
    data = training.data
    x, labels = (data.x_val, data.labels_val) if training.validation else (data.x, data.labels)
    return skill(data.table.task, labels, answers(data, training.model, x))


def standard_error(task: str, truth: np.ndarray, given: np.ndarray) -> float:
    """The standard error of a skill: its spread over draws of the rows with replacement."""
    draw = np.random.RandomState(0)
    skills = []
    for _ in range(RESAMPLES):
        rows = draw.randint(0, len(truth), len(truth))
        if len(np.unique(truth[rows])) > 1:
            skills.append(skill(task, truth[rows], given[rows]))
    return float(np.std(skills))
