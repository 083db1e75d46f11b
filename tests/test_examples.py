"""The examples run as they stand, and say what they are there to say."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from AutoTrainer import keras_bridge, unregister
from AutoTrainer.judge import own

FOLDER = Path(__file__).resolve().parent.parent / 'examples'
ROOT = FOLDER.parent


class Example(NamedTuple):
    """A script: how the lines that matter begin (patterns), what it needs, on which backend."""

    file: str
    says: tuple
    needs: str = 'keras'
    backend: str = 'jax'


EXAMPLES = [
    Example('keras_script.py', (r'issues: +vanish', r'stopped after \d+ of 30 epochs')),
    Example('resume_after_kill.py', (
        'killed after epoch 8; going on:', 'epoch [89]', 'epoch 12', r'normal, accuracy 0\.\d')),
    Example('extend.py', (
        r'Problem   a loss that creeps \(creeping\), found at epoch 4 of 30',
        r'Tried     ten_times: learning rate 0.0001 → 0.001 → failed, a loss that creeps',
        r'Outcome   repaired by ten_times')),
    Example('tf_data.py', (r'ends in softmax: activation_issue', r'ends in sigmoid: sound'),
            needs='tensorflow', backend='tensorflow'),
    Example('pytorch_loop.py', (
        'With Sigmoid', r'trained [3-9] of 20 epochs', 'issues: +vanish', 'With ReLU',
        r'trained 20 of 20 epochs, validation accuracy 0\.[89]', 'issues: +none'),
            needs='torch', backend='torch'),
    Example('lightning_script.py', (
        'With a learning rate of 1e-07', r'trained [3-9] of 15 epochs', 'issues: +not_converge',
        'With a learning rate of 0.003', r'trained 15 of 15 epochs, validation accuracy 0\.9',
        'issues: +none'), needs='lightning', backend='torch'),
    Example('huggingface_trainer.py', (
        'With a learning rate of 1e-08', r'trained [3-9]0 of 300 steps',
        'judged over windows of 10 steps, 30 in all', 'issues: +not_converge',
        'With a learning rate of 0.003', 'trained 300 of 300 steps', 'issues: +none'),
            needs='transformers', backend='torch'),
]
"""Those on JAX run on the modern stack alone, those on PyTorch where its adapters are tested; the
others wherever tests marked 'backend' run."""

MARKS = {'jax': pytest.mark.once, 'torch': pytest.mark.torch}


@pytest.fixture
def nothing_registered():
    yield
    for name in list(own.RULES) + list(own.SOLUTIONS):
        unregister(name)


def shown_here(example, monkeypatch, capsys):
    """The lines that an example prints, run in this process; Keras is imported already."""
    monkeypatch.setenv('PYTHONPATH', str(ROOT))  # for a process that it starts
    monkeypatch.setattr(sys, 'argv', [example.file])
    runpy.run_path(str(FOLDER / example.file), run_name='__main__')
    return capsys.readouterr().out.splitlines()


def shown_there(example):
    """The lines that an example prints, in a process of its own: its framework sets that up."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING='utf-8')
    done = subprocess.run([sys.executable, str(FOLDER / example.file)], env=environment,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode('utf-8').splitlines()


@pytest.mark.slow
@pytest.mark.parametrize('example', [
    pytest.param(example, id=example.file, marks=MARKS.get(
        example.backend, pytest.mark.backend))
    for example in EXAMPLES])
def test_it_says_what_it_is_there_to_say(example, tmp_path, monkeypatch, capsys,
                                         nothing_registered):
    if keras_bridge.backend() != example.backend or not importlib.util.find_spec(example.needs):
        pytest.skip('it needs %s, on the backend %s' % (example.needs, example.backend))
    monkeypatch.chdir(tmp_path)
    lines = iter(shown_here(example, monkeypatch, capsys) if example.needs == 'keras'
                 else shown_there(example))
    for pattern in example.says:  # in this order
        assert any(re.match(pattern, line) for line in lines), pattern


@pytest.mark.slow
@pytest.mark.once
def test_the_notebook_runs():
    done = subprocess.run(
        [sys.executable, str(ROOT / 'scripts' / 'notebook.py'), str(FOLDER / 'story.ipynb')],
        env=dict(os.environ, PYTHONPATH=str(ROOT)), stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.once
def test_the_stored_notebook_is_small_and_shows_its_figures():
    import nbformat
    path = FOLDER / 'story.ipynb'
    assert path.stat().st_size <= 300_000
    notebook = nbformat.read(str(path), as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get('outputs', ())]
    assert sum('image/png' in output.get('data', ()) for output in outputs) == 3
    assert not [output for output in outputs if output.output_type == 'error']
    for text in [cell.source for cell in notebook.cells] + [
            str(output.get('text') or output.get('data', {}).get('text/plain', ''))
            for output in outputs]:
        assert not re.search(r'(?<![\w./:])/\w[\w.-]*/', text), 'a path of some machine'


def test_every_example_is_listed():
    listed = re.findall(r'^\| \[(.+?)\]', (FOLDER / 'README.md').read_text(encoding='utf-8'), re.M)
    there = {path.name for path in FOLDER.iterdir() if path.suffix in ('.py', '.ipynb')}
    assert set(listed) == there == {example.file for example in EXAMPLES} | {'story.ipynb'}
