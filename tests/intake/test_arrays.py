import numpy as np

from AutoTrainer.intake.arrays import draw_batch


def test_upstream_fault_first_batch_only():
    """A decision: the batch is drawn from all of the data, so sorted data shows every class."""
    y = np.repeat(np.arange(3), 100)
    drawn = draw_batch(y[:, None], y, 32, 0)
    assert set(drawn.y) == {0, 1, 2} and len(drawn.x) == 32
    again = draw_batch(y[:, None], y, 32, 0)
    np.testing.assert_array_equal(drawn.x, again.x)
    assert len(draw_batch(y[:, None], y, 1000, 0).x) == 300
