"""A repair that is killed at 20 random moments comes to what an undisturbed one comes to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('killed_repair.py')
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_killed_twenty_times(tmp_path):
    """Result, events, histories and list of files are equal, times aside."""
    cache = str(tmp_path / 'compiled')  # of its own: the killed leave half of what they write
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), '20', '1'],
                          env=dict(os.environ, PYTHONPATH=str(ROOT),
                                   JAX_COMPILATION_CACHE_DIR=cache), capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')[-3000:]
    told = json.loads(done.stdout.decode('utf-8').splitlines()[-1])
    assert told['kills'] == 20 and told['finished'] >= 1
    assert len(told['attempts']) >= 3 and 'potential' in told['attempts']
