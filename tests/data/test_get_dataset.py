import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from AutoTrainer.data import DATASETS, DatasetError, get_dataset

ROOT = Path(__file__).resolve().parents[2]

NO_FILE_NEEDED = {
    # name: (shapes of x, y, x_val, y_val)
    'simplednn_circle': ((700, 2), (700, 1), (300, 2), (300, 1)),
    'simplednn_blob': ((700, 2), (700, 3), (300, 2), (300, 3)),
    'simplednn_reg': ((700, 20), (700, 1), (300, 20), (300, 1)),
    'simplednn_relu': ((700, 2), (700, 1), (300, 2), (300, 1)),
    'digits': ((1437, 64), (1437, 10), (360, 64), (360, 10)),
    'digits_image': ((1437, 8, 8, 1), (1437, 10), (360, 8, 8, 1), (360, 10)),
}


@pytest.mark.parametrize('name', NO_FILE_NEEDED)
def test_shapes_and_types(name):
    dataset = get_dataset(name)
    assert sorted(dataset) == ['x', 'x_val', 'y', 'y_val']
    assert tuple(dataset[key].shape for key in ('x', 'y', 'x_val', 'y_val')) == NO_FILE_NEEDED[name]
    assert all(array.dtype == np.float32 for array in dataset.values())
    assert all(np.isfinite(array).all() for array in dataset.values())


@pytest.mark.parametrize('name', NO_FILE_NEEDED)
def test_what_a_caller_does_to_the_arrays_does_not_reach_the_next_load(name):
    first = get_dataset(name)
    kept = {key: array.copy() for key, array in first.items()}
    for array in first.values():
        array[...] = -7
    for key, array in get_dataset(name).items():
        np.testing.assert_array_equal(array, kept[key])


def test_the_readme_names_every_data_set_and_those_that_need_a_file(monkeypatch):
    def offline(name, **_):
        raise Exception('no network')
    monkeypatch.setattr('AutoTrainer.keras_bridge.load_keras_dataset', offline)
    needs_file = set()
    for name in DATASETS:
        try:
            get_dataset(name)
        except DatasetError:
            needs_file.add(name)
    said = re.search(r'`dataset` is one of (.+?);(.+?)need their file',
                     (ROOT / 'README.md').read_text(encoding='utf-8'), re.DOTALL)
    listed, listed_with_file = (re.findall('`(.+?)`', part) for part in said.groups())
    assert listed == sorted(DATASETS) and set(listed_with_file) == needs_file


@pytest.mark.parametrize('name, suggestion', [
    ('minst', "did you mean mnist?"),
    ('MNIST', "did you mean mnist?"),
    ('simplednn_circel', "did you mean simplednn_circle?"),
    ('xyz', ''), ('', ''), (None, ''), (3, ''), (['mnist'], ''),
])
def test_unknown_name(name, suggestion):
    with pytest.raises(ValueError) as error:
        get_dataset(name)
    message = str(error.value)
    assert message.startswith(f'dataset is {name!r}; ')
    assert suggestion in message
    assert all(known in message for known in DATASETS)


def test_importing_the_room_imports_neither_keras_nor_scikit_learn():
    check = ('import sys, AutoTrainer.data; '
             'print([name for name in ("keras", "tensorflow", "sklearn") if name in sys.modules])')
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    printed = subprocess.run([sys.executable, '-c', check], stdout=subprocess.PIPE,
                             env=environment, check=True, text=True).stdout
    assert printed.strip() == '[]'
