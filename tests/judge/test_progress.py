"""Where curves are going: tables of series and what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer.judge.progress import ESCAPED, LEAST_POINTS, expected_gain, leaves_plateau

NOISE = np.random.RandomState(0).randn(40)
NAN = math.nan


def line(slope, count=12, noise=0.0, start=0.1):
    return [start + slope * i + noise * NOISE[i] for i in range(count)]


@pytest.mark.parametrize('series, remaining, gain', [
    (line(0.01), 30, 0.3),
    (line(0.01), 1, 0.01),
    (line(0.01), 0, 0.0),                                   # it is over
    (line(0.01), -3, 0.0),
    (line(0.0), 30, 0.0),
    (line(-0.01), 30, 0.0),                                 # what falls promises nothing, not less
    (line(0.02, LEAST_POINTS), 10, 0.2),
    (line(0.02, LEAST_POINTS - 1), 10, 0.0),                # too short to tell
    ([], 10, 0.0), ([None] * 9, 10, 0.0), ([NAN] * 9, 10, 0.0),
    ([None, 0.1, None, 0.2, 0.3, NAN, 0.4, math.inf, 0.5], 10, 1.0),   # what is missing is left out
    (line(0.01, noise=0.002), 30, pytest.approx(0.3, rel=0.3)),
    (line(0.0, noise=0.05), 30, 0.0),                       # noise alone
    (line(0.002, noise=0.05), 30, 0.0),                     # a rise that is lost in it
    ([0.1] * 11 + [0.9], 30, 0.0),                          # one lucky epoch moves nothing
    ([0.1, 0.9] * 8, 30, 0.0),                              # saw teeth
    ([0.1, 0.3, 0.5, 0.6] + [0.6] * 8, 30, 0.0),            # it rose once: the later half counts
    ([0.5, 0.5, 0.5, 0.5] + line(0.02, 5), 10, pytest.approx(0.2, rel=0.3)),
])
def test_what_a_curve_gains_if_it_goes_on(series, remaining, gain):
    assert expected_gain(series, remaining) == pytest.approx(gain, abs=1e-9)


def test_a_curve_that_bends_up_is_given_its_own_growth():
    bending = [0.001 * 1.3 ** i for i in range(13)]
    straight = line((bending[-1] - bending[-7]) / 6, 13)
    assert expected_gain(bending, 24) > 2 * expected_gain(straight, 24)
    # but not without end
    assert expected_gain([1e-6 * 10 ** i for i in range(7)], 1000) < 1e3


def test_a_curve_that_bends_down_is_taken_for_straight():
    bending = [1 - 0.8 ** i for i in range(10)]
    rest = 1 - bending[-1]
    assert rest < expected_gain(bending, 20) < 20 * (bending[-1] - bending[-6]) / 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-10, 1)), max_size=30), st.integers(-1, 500))
def test_a_gain_is_a_finite_number_from_zero_on(series, remaining):
    gain = expected_gain(series, remaining)
    assert 0 <= gain < math.inf
    assert expected_gain([value for value in series if value is not None], remaining) == gain


# --------------------------------------------------------------------------------------- plateaus

def growing(factor, last, count=LEAST_POINTS):
    return [last / factor ** i for i in range(count)][::-1]


@pytest.mark.parametrize('spreads, remaining, leaves', [
    (growing(1.5, 0.01), 100, True),
    (growing(1.5, 0.01), 5, False),                          # too slow for what is left
    (growing(1.01, 0.01), 100, False),
    (growing(3, 1e-6), 40, True),
    (growing(1, 0.01), 100, False),                          # it stands
    (growing(0.8, 0.01), 100, False),                        # it falls
    (growing(1.5, 1.5 * ESCAPED), 100, True),                # it has just left: the curve follows
    (growing(1.5, 4 * ESCAPED), 100, False),                 # it has left
    (growing(1.5, 1.5 * ESCAPED), 0, False),                 # it is over
    ([0.1, 0.3, 0.29], 100, False),
    ([0.001, 0.01, 0.0099], 100, False),                     # not at every look
    ([0.01, 0.001, 0.01], 100, False),
    ([0.0, 0.0, 0.0], 100, False),                           # dead
    ([0.0, 0.001, 0.002], 100, True),
    ([0.001, 0.002, 0.0], 100, False),                       # it died
    ([0.001, 0.002], 100, False),                            # too short to tell
    ([], 100, False), ([0.001, 0.002, NAN], 100, False),
    (growing(1.5, 0.01), 0, False),
])
def test_whether_a_model_leaves_its_plateau(spreads, remaining, leaves):
    assert leaves_plateau(spreads, remaining) is leaves


@pytest.mark.parametrize('enough, leaves', [(0.8, False), (1.2, True)])
def test_half_of_what_remains_must_be_enough(enough, leaves):
    needed = math.log(ESCAPED / 0.01) / math.log(1.5)
    assert leaves_plateau(growing(1.5, 0.01), 2 * needed * enough) is leaves


def test_the_slowest_step_counts():
    assert leaves_plateau([0.001, 0.00105, 0.01], 30) is False
    assert leaves_plateau([0.001, 0.003, 0.01], 30) is True
