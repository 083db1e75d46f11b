"""Keras keeps the contract of all adapters, on whichever backend runs."""

import pytest
from contract import Contract
from keras_bench import KerasBench

pytestmark = [pytest.mark.backend, pytest.mark.slow]


class TestKeras(Contract):
    bench = KerasBench()
