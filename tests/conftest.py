"""What all tests share. Runs before any test module, hence before any of them imports Keras."""

import gc
import os
import signal
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

# One thread for each process: pytest-xdist starts as many of them as there are cores, and with
# threads of their own they only wait for each other. Processes that tests start inherit it.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
             "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")
# JAX compiles the same few functions in every process and for every model; here only once.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Compiling is most of what small models cost, and code that runs for a second needs no polish:
# half of the time goes. What must be equal to the last bit is compiled as for users, see below.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# Frameworks make many small objects that live long; looking through them all costs a tenth.
gc.set_threshold(20000, 20, 20)
# A shell that puts the tests into the background has them ignore Ctrl-C, and with them every
# process that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = ("test_one_of_each_signal", "test_killed_and_killed_again",
           "test_a_killed_race_ends_as_an_undisturbed_one")
"""Tests that come first, lest one core is left with them at the end."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.name.partition("[")[0] not in LONGEST)


@pytest.fixture(scope="session")
def shared():
    """The folder of real models, histories and data that may lie beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the checkout: its real files are not there to test on")
    return SHARED


@pytest.fixture
def compiled_for_users():
    """JAX compiles with all its optimizations for one test, as it does outside of the tests."""
    from AutoTrainer import keras_bridge  # the variable may be set, and mean nothing to Keras 2.4
    with_jax = keras_bridge.backend() == "jax"
    if with_jax:
        import jax
        jax.config.update("jax_disable_most_optimizations", False)
    yield
    if with_jax:
        jax.config.update("jax_disable_most_optimizations",
                          os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] == "1")
