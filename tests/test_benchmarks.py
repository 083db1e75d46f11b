"""The benchmarks run in their short form; what they measure is not tested."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import _common

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.once, pytest.mark.slow]


def check(printed, name, parts):
    document = json.loads(printed)
    assert document['benchmark'] == name and set(document['figures']) == parts
    assert {'machine', 'versions'} <= set(document)


@pytest.mark.parametrize('name, parts', [
    ('check_cost', {'circle', 'mnist_20_layers'}), ('overhead', {'circle', 'mnist_5_layers'}),
    ('delay', {'Gradient_Vanish_Case'}), ('checkpoint', {'data', 'default', 'every_epoch'}),
    ('scaling', {'depth', 'parameters', 'history'}),
    ('collection', {'device', 'data', 'rows', 'weights', 'vectorised', 'ordinary', 'times_as_fast',
                    'minutes_for_100_runs_of_50_epochs', 'minutes_for_the_thesis'}),
])
def test_each_prints_one_document(name, parts, monkeypatch, capsys):
    """In this process, which has loaded Keras already, and with models that soon compile."""
    benchmark = importlib.import_module('benchmarks.' + name)
    for small, how in (('deep_mlp', lambda bridge, depth=2, width=8: _common.deep_mlp(
                            bridge, min(depth, 2), min(width, 8))),
                       ('mnist_rows', lambda rows: _common.mnist_rows(192)),
                       ('SCHEDULES', ('adaptive',))):
        if hasattr(benchmark, small):
            monkeypatch.setattr(benchmark, small, how)
    options = ['--schedules', 'adaptive'] if name == 'overhead' else []
    monkeypatch.setattr(sys, 'argv', [name, '--quick'] + options)
    benchmark.main()
    check(capsys.readouterr().out, name, parts)


def test_one_is_a_command():
    done = subprocess.run([sys.executable, '-m', 'benchmarks.page', '--quick'], cwd=str(ROOT),
                          capture_output=True, text=True, encoding='utf-8')
    assert done.returncode == 0, done.stderr
    check(done.stdout, 'page', {'pages'})


@pytest.mark.torch
def test_watching_a_loop_of_pytorch(monkeypatch, capsys):
    pytest.importorskip('torch', reason='PyTorch is not installed here')
    monkeypatch.setattr(sys, 'argv', ['overhead', '--quick', '--framework', 'torch'])
    importlib.import_module('benchmarks.overhead').main()
    check(capsys.readouterr().out, 'overhead', {'circle', 'mnist_20_layers'})
