"""The way through the replication that README.md says takes a minute, with a shorter training."""

import importlib
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.once
@pytest.mark.slow
def test_the_minute_of_the_readme(tmp_path, monkeypatch, capsys):
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    block = readme.split('\nIn a minute')[1].split('```')[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PYTHONPATH', str(ROOT))  # for the processes that train
    run = []
    for line in block.strip().splitlines():
        python, dash_m, module, *arguments = shlex.split(line, comments=True)
        assert (python, dash_m) == ('python', '-m')
        if module == 'Motivation.collect':
            arguments += ['--epochs', '3', '--runs', '1']
        assert importlib.import_module(module).main(arguments) == 0, line
        run.append(module.rpartition('.')[2])
    assert run == ['collect', 'analyse', 'analyse', 'schedules', 'figures']
    assert '| digits | 3 | 1 |' in capsys.readouterr().out
    assert (tmp_path / 'results' / 'figures' / 'fig_5-3_detection.png').exists()
