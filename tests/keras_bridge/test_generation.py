import os
import subprocess
import sys

import pytest

from AutoTrainer import keras_bridge as bridge


@pytest.mark.slow
@pytest.mark.skipif(bridge.LEGACY, reason='TF 2.3 has only one backend')
@pytest.mark.parametrize('name', ['nonsense', 'numpy'])
def test_backends_that_cannot_train_are_told_with_those_that_can(name):
    done = subprocess.run([sys.executable, '-c', 'import AutoTrainer.keras_bridge'],
                          env=dict(os.environ, KERAS_BACKEND=name), stderr=subprocess.PIPE,
                          text=True)
    assert done.stderr.strip().splitlines()[-1] == (
        "AutoTrainer.errors.UserError: Keras is set to the backend '%s'; "
        'set KERAS_BACKEND, known are jax, tensorflow, torch' % name)
