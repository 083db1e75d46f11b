"""The examples for PyTorch run as they stand: what is broken is named, what is mended trains."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = {
    'pytorch_loop.py': ('torch', (
        'With Sigmoid', r'trained [3-9] of 20 epochs', 'issues: +vanish', 'With ReLU',
        r'trained 20 of 20 epochs, validation accuracy 0\.[89]', 'issues: +none')),
    'lightning_script.py': ('lightning', (
        'With a learning rate of 1e-07', r'trained [3-9] of 15 epochs', 'issues: +not_converge',
        'With a learning rate of 0.003', r'trained 15 of 15 epochs, validation accuracy 0\.9',
        'issues: +none')),
    'huggingface_trainer.py': ('transformers', (
        'With a learning rate of 1e-08', r'trained [3-9]0 of 300 steps',
        'judged over windows of 10 steps, 30 in all', 'issues: +not_converge',
        'With a learning rate of 0.003', 'trained 300 of 300 steps', 'issues: +none')),
}
"""Of each example the package that it needs, and how the lines that matter begin, in order."""


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize('name', EXAMPLES)
def test_it_says_what_it_is_there_to_say(name, tmp_path):
    needs, patterns = EXAMPLES[name]
    for package in ('torch', needs):
        if importlib.util.find_spec(package) is None:
            pytest.skip('%s is not installed here' % package)
    done = subprocess.run(
        [sys.executable, str(ROOT / 'examples' / name)], cwd=str(tmp_path), timeout=300,
        env=dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING='utf-8', OMP_NUM_THREADS='1'),
        capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    lines = iter(done.stdout.decode('utf-8').splitlines())
    for pattern in patterns:
        assert any(re.match(pattern, line) for line in lines), (pattern, done.stdout.decode())
    assert not list(tmp_path.iterdir())  # it writes nothing where it is started
