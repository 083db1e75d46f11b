"""The way through the replication that README.md says takes a minute, with a shorter training."""

import importlib
import os
import shlex
from pathlib import Path

import pytest

from Motivation import collect, training

ROOT = Path(__file__).resolve().parents[2]


def begin_here(out, number, settings, alone):
    """What ``collect`` has a process do, in this one."""
    training.prepare(out, settings)
    return collect.Ended(-1, 0, '')


def train_here(out, numbers, settings, jobs):
    """What ``collect`` has a process for each run do, in this one."""
    for number in numbers:
        training.train(out, number, os.getppid())
        yield collect.Ended(number, 0, '')


@pytest.mark.once
@pytest.mark.slow
def test_the_minute_of_the_readme(tmp_path, monkeypatch, capsys):
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    block = readme.split('\nIn a minute')[1].split('```')[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collect, 'train_one', begin_here)
    monkeypatch.setattr(collect, 'train_locally', train_here)
    run = []
    for line in block.strip().splitlines():
        python, dash_m, module, *arguments = shlex.split(line, comments=True)
        assert (python, dash_m) == ('python', '-m')
        if module == 'Motivation.collect':
            arguments += ['--epochs', '3', '--runs', '1']
        assert importlib.import_module(module).main(arguments) == 0, line
        run.append(module.rpartition('.')[2])
    assert run == ['collect', 'analyse', 'analyse', 'schedules', 'figures']
    said = capsys.readouterr()
    assert '| digits | 3 | 1 |' in said.out
    figures = tmp_path / 'results' / 'figures'
    assert (figures / 'fig_5-3_detection.png').exists() and (figures / 'erratum.svg').exists()
    assert 'left out: Figure 4-1' in said.err
    assert not (figures / 'fig_4-1_overhead.svg').exists()
