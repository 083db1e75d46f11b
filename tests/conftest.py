"""What all tests share. Runs before any test module, hence before any of them imports Keras."""

import os
import sys
from pathlib import Path

import pytest

# Keras 3 reads its backend once, when it is imported. JAX is this project's default.
if sys.version_info >= (3, 10):
    os.environ.setdefault("KERAS_BACKEND", "jax")
# TensorFlow reports every missing GPU library at length; failures still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of real models, histories and data that may lie beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the checkout: its real files are not there to test on")
    return SHARED
