"""What a recipe is, and the list of all; each draws the details of every training anew."""

from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from .setups import Setup
from .tables import Table

Change = Callable[[Setup, Table, int, Any], None]
"""(setup to change, table, training rows, RandomState)."""


class Recipe(NamedTuple):
    """A way to set up a training.

    Attributes:
        name: its name.
        spoilt: the way of spoiling, '' where it is well set.
        change: what it changes of the usual setup.
    """

    name: str
    spoilt: str
    change: Change


RECIPES: Dict[str, Recipe] = {}
"""Every recipe by name."""


def recipe(spoilt: str = '') -> Callable[[Change], Change]:
    """Put a function among the recipes, under its own name."""
    def add(change: Change) -> Change:
        RECIPES[change.__name__] = Recipe(change.__name__, spoilt, change)
        return change
    return add


def between(draw: Any, low: float, high: float) -> float:
    """A number between two, all orders of size alike; two digits of it."""
    return float('%.2g' % np.exp(draw.uniform(np.log(low), np.log(high))))


def layers(draw: Any, low: int, high: int, *units: int) -> Tuple[int, ...]:
    """Some hidden layers of one width."""
    return (int(draw.choice(units)),) * int(draw.randint(low, high + 1))
