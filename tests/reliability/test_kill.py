"""A repair that is killed at random moments comes to what an undisturbed one comes to.

Here at a few; killed_repair.py itself kills as often as it is told.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('killed_repair.py')
ROOT = Path(__file__).resolve().parents[2]
KILLS = 2


@pytest.mark.slow
def test_killed_and_killed_again(tmp_path):
    """Result, events, histories and list of files are equal, times aside."""
    cache = str(tmp_path / 'compiled')  # of its own: the killed leave half of what they write
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), str(KILLS), '1'],
                          env=dict(os.environ, PYTHONPATH=str(ROOT),
                                   JAX_COMPILATION_CACHE_DIR=cache), capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')[-3000:]
    told = json.loads(done.stdout.decode('utf-8').splitlines()[-1])
    assert told['kills'] == KILLS and told['finished'] >= 1
    assert len(told['attempts']) >= 3 and 'potential' in told['attempts']
