import numpy as np

from AutoTrainer.judge.facts import GradientSummary
from AutoTrainer.judge.gradients import summarise_gradients


def test_rows_become_a_summary():
    rows = np.array([[3.0, 8, 1, 0.5, 1], [0.0, 2, 1, 2.0, 1], [4.0, 1, 1, 1.0, 1]])
    variables = [('embedding', (5, 2), True), ('bias', (2,), False), ('kernel', (2, 2), False)]
    assert summarise_gradients(variables, rows, True) == GradientSummary(
        kernels=(('embedding', 3.0), ('kernel', 4.0)), zero_share=0.5, finite=True,
        weights_finite=True, largest_weight=2.0, rectified=True, seconds=0.0,
        zero_shares=(0.8, 0.25))
    rows[2, 2] = rows[1, 4] = 0
    broken = summarise_gradients(variables, rows, True)
    assert not broken.finite and not broken.weights_finite
