import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from AutoTrainer import demo_case, interrupts, keras_bridge
from AutoTrainer.data import get_dataset
from AutoTrainer.judge.issues import ISSUES as ALL_ISSUES
from AutoTrainer.utils.repair import STRATEGIES

# What every case is there to show; docs/evidence/cases.md has more seeds and the repairs.
ISSUES = {
    'Abnormal_Data_Case': 'abnormal_data',
    'Digits_Conv_Case': 'relu',
    'Dying_ReLU_Case': 'relu',
    'Gradient_Explode_Case': 'explode',
    'Gradient_Vanish_Case': 'vanish',
    'Improper_Activation_case': 'activation_issue',
    'Improper_Loss_Case': 'loss_issue',
    'Oscillating_Loss_Case': 'unstable',
    'Sequence_LSTM_Case': 'not_converge',
    'Slow_Convergence_Case': 'not_converge',
}
ON_EVERY_BACKEND = ('Digits_Conv_Case', 'Sequence_LSTM_Case')
"""Layers that the backends compute in ways of their own; the others run on JAX."""
SHORTENED = {'Gradient_Vanish_Case': 60, 'Oscillating_Loss_Case': 30}
"""Epochs of cases that are as bad in fewer than they are shipped with."""


def layer_kinds(name):
    return {type(layer).__name__ for layer in
            demo_case.case_model(name, keras_bridge.keras).layers}


def test_every_case_is_in_the_table():
    assert demo_case.case_names() == sorted(ISSUES)


def test_every_issue_of_the_paper_and_every_configuration_fault_has_a_case():
    assert set(ISSUES.values()) == {
        name for name, issue in ALL_ISSUES.items() if not issue.optional and not issue.by_skill}
    assert set(ISSUES.values()) <= set(STRATEGIES['balance'])


@pytest.mark.parametrize('name', sorted(ISSUES))
def test_a_case_is_a_small_folder(name):
    folder = os.path.join(demo_case.HERE, name)
    files = [file for file in os.listdir(folder) if file not in ('__pycache__', 'result')]
    assert sorted(files) == ['__init__.py', 'config.json', 'demo.py']
    with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
        assert demo_case.case_config(name) == dict(json.load(file), callbacks=())


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize('place', [Path(demo_case.HERE).parents[1],
                                   Path(demo_case.HERE, 'Slow_Convergence_Case')])
def test_a_demo_can_be_run_from_the_checkout_and_from_its_own_folder(place):
    demo = os.path.relpath(os.path.join(demo_case.HERE, 'Slow_Convergence_Case', 'demo.py'),
                           str(place))
    done = subprocess.run([sys.executable, demo, '--epochs', '0'], cwd=str(place),
                          capture_output=True, text=True, encoding='utf-8')
    assert done.returncode == 2 and done.stderr.startswith('reproduce.py: --epochs is 0')


@pytest.mark.slow
def test_convolutions_and_recurrent_layers_have_a_case():
    assert {'Conv2D', 'Flatten'} <= layer_kinds('Digits_Conv_Case')
    assert {'Embedding', 'LSTM'} <= layer_kinds('Sequence_LSTM_Case')


def test_no_case_needs_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv('AUTOTRAINER_DATA', str(tmp_path))
    monkeypatch.setenv('KERAS_HOME', str(tmp_path))
    monkeypatch.setattr(keras_bridge, 'load_keras_dataset', None)  # the way to the network
    for name in ISSUES:
        dataset = get_dataset(demo_case.case_config(name)['dataset'])
        assert len(dataset['x']) > 2 * len(dataset['x_val']) > 0


def test_upstreams_activation_demo():
    config = demo_case.case_config('Improper_Activation_case')
    assert (config['optimizer'], config['opt_kwargs'], config['batchsize'], config['epoch'],
            config['loss'], config['dataset']) == (
                'Adam', {'lr': 1e-4}, 256, 300, 'categorical_crossentropy', 'simplednn_blob')
    model = demo_case.case_model('Improper_Activation_case', keras_bridge.keras)
    dense = [layer for layer in model.layers if type(layer).__name__ == 'Dense']
    assert [layer.units for layer in dense] == [50, 50, 50, 50, 3]
    assert {layer.activation.__name__ for layer in dense} == {'relu'}
    limit = np.sqrt(6 / 50)  # he_uniform of 50 inputs
    assert all(0.9 * limit < np.abs(layer.get_weights()[0]).max() <= limit for layer in dense[1:4])


@pytest.mark.slow
@pytest.mark.parametrize('name', [
    pytest.param(name, marks=[pytest.mark.backend] if name in ON_EVERY_BACKEND else [])
    for name in sorted(ISSUES)])
def test_a_case_shows_its_issue(name, tmp_path, monkeypatch, capsys):
    """Every demo, as ``python demo.py`` runs it; no repair."""
    folder = str(tmp_path / 'run')
    monkeypatch.setattr(interrupts, 'ignore', lambda: None)  # this process does not end with it
    monkeypatch.setattr('sys.argv', ['demo.py', '--no-repair', '--json', '--seed', '1', '-rd',
                                     folder, '--epochs', str(SHORTENED.get(
                                         name, demo_case.case_config(name)['epoch']))])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(os.path.join(demo_case.HERE, name, 'demo.py'), run_name='__main__')
    shown = capsys.readouterr()
    assert ended.value.code == 0 and '%s: ' % name in shown.err
    result = json.loads(shown.out)
    assert result['initial_issue'] == ISSUES[name] and result['status'] == 'detected'
    assert 1 <= result['detected_epoch'] < result['total_epochs']
    model = keras_bridge.load_model(result['model_path'])
    assert model.layers[-1].name == 'head'
