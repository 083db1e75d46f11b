"""The trainings of the zoo: each takes the usual setup of a table, and a recipe changes it.

What a training is worth is not read from its recipe: a spoilt one that trains well anyway is a good
training (:mod:`benchmarks.zoo.truth`).
"""

import numpy as np

from . import spoilt, well_set  # noqa: F401 - they fill the list of recipes
from .recipes import RECIPES
from .setups import Setup, usual
from .tables import Table


def set_up(table: Table, recipe: str, rows: int, seed: int) -> Setup:
    """The setup of one training; the same arguments give the same.

    Args:
        table: the data set.
        recipe: name of the recipe.
        rows: training rows.
        seed: of everything drawn.
    """
    draw = np.random.RandomState([seed % 2**32, *(table.name + '/' + recipe).encode()])
    setup = usual(table, rows, draw)
    RECIPES[recipe].change(setup, table, rows, draw)
    return setup
