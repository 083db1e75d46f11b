"""The project frame: what gets installed where."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

PINNED = {
    'tensorflow-gpu==2.3.0', 'keras==2.4.3', 'numpy==1.18.5', 'pandas==1.0.5', 'matplotlib==3.3.0',
    'psutil==5.7.2', 'scikit-learn==0.23.1', 'scipy==1.4.1', 'h5py<3', 'protobuf<3.21',
}
BOTH = {'tqdm>=4.60', 'cloudpickle>=2.0', 'Jinja2>=3.0'}


def requirements(python):
    lines = [line for line in (ROOT / 'requirements.txt').read_text().splitlines()
             if line and not line.startswith('#')]
    parsed = [Requirement(line) for line in lines]  # raises on a line that pip would refuse
    return [requirement for requirement in parsed
            if requirement.marker is None
            or requirement.marker.evaluate({'python_version': python})]


@pytest.mark.parametrize('python', ['3.7', '3.8'])
def test_upstream_fault_requirements_invalid(python):
    assert {f'{requirement.name}{requirement.specifier}'
            for requirement in requirements(python)} == PINNED | BOTH


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13', '3.14'])
def test_modern_stack(python):
    names = {requirement.name: requirement.specifier for requirement in requirements(python)}
    assert 'keras' in names and 'jax' in names and 'tensorflow-gpu' not in names
    assert names['keras'].contains('3.15.1') and not names['keras'].contains('2.15.0')


def test_python_between_the_stacks_is_refused():
    # An empty selection would install nothing and say nothing.
    assert 'keras' in {requirement.name for requirement in requirements('3.9')}
    assert 'requires-python = ">=3.7, !=3.9.*"' in (ROOT / 'pyproject.toml').read_text()


def test_environment_for_a_gpu_server():
    entries = re.findall(r'^ +- (.+)$', (ROOT / 'environment.yml').read_text(), re.MULTILINE)
    assert {'python=3.7', 'cudatoolkit=10.1', 'cudnn=7.6.5', '-r requirements.txt'} <= set(entries)


@pytest.mark.parametrize('stack, variable', [
    ('modern', 'PYTHON_MODERN'), ('pinned', 'PYTHON_PINNED')])
def test_named_python_that_does_not_fit_is_refused(stack, variable):
    done = subprocess.run(
        [str(ROOT / 'scripts' / 'find_python.sh'), stack], capture_output=True, text=True,
        env={'PATH': '/usr/bin:/bin', 'HOME': '/', variable: '/no/such/python'})
    assert done.returncode == 1 and done.stdout == ''
    assert f'/no/such/python does not fit the {stack} stack' in done.stderr
