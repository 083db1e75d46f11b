"""Lightning keeps the contract of all adapters."""

import pytest

pytest.importorskip('torch', reason='PyTorch is not installed here')
if not any(__import__('importlib').util.find_spec(name) for name in (
        'lightning', 'pytorch_lightning')):
    pytest.skip('Lightning is not installed here', allow_module_level=True)

from contract import Contract  # noqa: E402
from lightning_bench import LightningBench  # noqa: E402

pytestmark = pytest.mark.torch


class TestLightning(Contract):
    bench = LightningBench()
