"""A race that is killed at random moments comes to what an undisturbed one comes to.

Here at few; killed_race.py itself kills as often as it is told.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('killed_race.py')
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize('jobs, kinds', [
    (1, ['epoch', 'write', 'handing back']),
    pytest.param(2, ['unrecorded'], marks=pytest.mark.once)])  # processes die alike everywhere
def test_a_killed_race_ends_as_an_undisturbed_one(tmp_path, jobs, kinds):
    """Result, events and the weights of the model are equal, times aside; no process is left."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), '--kills', str(len(kinds)), '--seed', '1',
         '--jobs', str(jobs), '--place', str(tmp_path)],
        env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')[-3000:]
    told = json.loads(done.stdout.decode('utf-8').splitlines()[-1])
    assert told['kills'] == len(kinds) and told['finished'] >= 1
    assert {kind for kind, count in told['kinds'].items() if count} == set(kinds)
    assert told['candidates'] >= 3 and told['legs'] >= 8
