"""A loop of PyTorch keeps the contract of all adapters: told of its epochs, and left as it is."""

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from contract import PROBLEMS, Contract  # noqa: E402
from torch_bench import HooksBench, TorchBench  # noqa: E402

pytestmark = pytest.mark.torch


class TestOwnLoop(Contract):
    bench = TorchBench()


class TestHooks(Contract):
    bench = HooksBench()


def test_measures_what_keras_measures():
    keras_bench = pytest.importorskip('keras_bench', reason='Keras is not installed here')
    found, known = [bench.gradients(PROBLEMS['sound']) for bench in (
        TorchBench(), keras_bench.KerasBench())]
    assert [norm for _, norm in found.kernels] == pytest.approx(
        [norm for _, norm in known.kernels], rel=1e-5)
    assert found.zero_share == pytest.approx(known.zero_share, abs=1e-5)
