"""Which trainings of the zoo are repaired, and what they were worth before."""

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from ..zoo.peers import live
from ..zoo.truth import best_of, outcome, usual_of

GROUPS = ('bad', 'flagged', 'sound')
"""Bad trainings; good ones that were flagged; good ones that were not."""

SOUND_EVERY = 4
"""Of the sound trainings only every so many-th is taken: they are many and alike."""


class Case(NamedTuple):
    """A taped training.

    Attributes:
        table: name of its table.
        recipe: name of its recipe.
        seed: of everything.
        task: of the table.
        spoilt: the way of spoiling, ``''`` where it is well set.
        half: of the zoo.
        group: one of ``GROUPS``.
        before: its skill on the untouched rows.
        reference: the best skill of a well-set training of the table there.
        epochs: planned.
        usual: what a well-set training usually reaches on the very rows that this one is measured
            on: the median of those of the same table and seed (of none, the reference).
    """

    table: str
    recipe: str
    seed: int
    task: str
    spoilt: str
    half: str
    group: str
    before: float
    reference: float
    epochs: int
    usual: float

    @property
    def name(self) -> str:
        """What its files are called by."""
        return '%s-%s-%d' % (self.table, self.recipe, self.seed)

    @property
    def way(self) -> str:
        """The way in which it was spoilt."""
        return self.spoilt or 'well set'


def cases(tapes: Iterable[Mapping[str, Any]]) -> List[Case]:
    """The bad and the good trainings among the taped ones; those between them are left out.

    Args:
        tapes: all that are there, lest the reference depends on which trainings are repaired.
    """
    tapes = list(tapes)
    best, usual = best_of(tapes), usual_of(tapes)
    found = []
    for tape in tapes:
        reference = best.get(tape['table'])
        group: Optional[str] = outcome(tape['skill'], reference)
        if group is None or reference is None:
            continue
        if group == 'good':
            group = 'flagged' if live(tape).issues else 'sound'
        found.append(Case(
            tape['table'], tape['recipe'], tape['seed'], tape['task'], tape['spoilt'],
            tape['half'], group, tape['skill'], reference, tape['epochs'],
            usual.get((tape['table'], tape['seed']), reference)))
    return found


def chosen(found: Sequence[Case], every: int = 1) -> List[Case]:
    """Every so many-th case, in an order drawn by lot that is always the same.

    Args:
        found: all cases.
        every: 1 for all bad ones and every ``SOUND_EVERY``-th sound one. The good ones that were
            flagged are few and are all taken.
    """
    steps = {'bad': every, 'flagged': 1, 'sound': every * SOUND_EVERY}
    kept: List[Case] = []
    for group in GROUPS:
        those = sorted(case for case in found if case.group == group)
        order = np.random.RandomState(0).permutation(len(those))
        kept += [those[i] for i in order[::steps[group]]]
    return kept
