"""Who trains the legs of a race: this process, several processes, or a Dask cluster."""

import contextlib
from typing import Any, Callable, Iterator, List

from ..solutions.race import Leg
from .legs import Course, Stretch, Trainer

Train = Callable[[List[Stretch]], Iterator[Leg]]


@contextlib.contextmanager
def runner_of(course: Course, jobs: int = 1, engine: Any = None) -> Iterator[Train]:
    """Whoever trains the legs of a race, until the end of the block."""
    yield _alone(course)


def _alone(course: Course) -> Train:
    trainer = Trainer(course)

    def train(stretches: List[Stretch]) -> Iterator[Leg]:
        for stretch in stretches:
            yield trainer(stretch)
    return train
