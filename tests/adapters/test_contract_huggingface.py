"""The Trainer of Hugging Face keeps the contract of all adapters."""

import pytest

pytest.importorskip('torch', reason='PyTorch is not installed here')
pytest.importorskip('transformers', reason='transformers is not installed here')
pytest.importorskip('accelerate', reason='accelerate is not installed here')

from contract import Contract  # noqa: E402
from huggingface_bench import HuggingFaceBench  # noqa: E402

pytestmark = pytest.mark.torch


class TestHuggingFace(Contract):
    bench = HuggingFaceBench()
