"""What README and the guide to Watch print is run as it stands there, for fewer epochs."""

import re
from pathlib import Path

import numpy as np
import pytest

from AutoTrainer import keras_bridge

ROOT = Path(__file__).resolve().parent.parent
keras = keras_bridge.keras
X = np.random.RandomState(0).randn(128, 2).astype('float32')
Y = (X[:, 0] > 0).astype('float32')
FEWER = {'epochs=50': 'epochs=6', 'range(50)': 'range(6)', 'iters=50': 'iters=6', '"run"': 'folder',
         'val_loss=…, val_accuracy=…': 'val_loss=loss, val_accuracy=accuracy'}
"""What is put in place of what a reader fills in, or waits for."""


def printed():
    """(where, what) of those of Keras; PyTorch's have tests of their own."""
    for page in 'README.md', 'docs/guide/watch.md':
        text = (ROOT / page).read_text(encoding='utf-8')
        for number, block in enumerate(re.findall(r'^```python\n(.*?)^```', text, re.M | re.S), 1):
            if 'adapters.' not in block:
                yield '%s, block %d' % (page, number), block


def network(classes):
    keras_bridge.set_seed(0)
    head = (2, 'softmax') if classes else (1, 'sigmoid')
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, 'relu'),
                              keras.layers.Dense(*head)])
    model.compile('adam', 'sparse_categorical_crossentropy' if classes else 'binary_crossentropy',
                  metrics=['accuracy'])
    return model


BLOCKS = dict(printed())


def test_there_are_blocks():
    assert len(BLOCKS) >= 6


@pytest.mark.slow
@pytest.mark.parametrize('where', sorted(BLOCKS))
def test_it_runs_as_it_is_printed(where, tmp_path, capsys):
    block = BLOCKS[where]
    for there, here in FEWER.items():
        block = block.replace(there, here)
    assert '50' not in block and '…' not in block
    names = {'model': network('categorical' in block), 'x': X[:96], 'y': Y[:96], 'x_val': X[96:],
             'y_val': Y[96:], 'batches': [(X[:32], Y[:32])], 'folder': str(tmp_path / 'run')}
    if 'import' not in block:  # one that goes on from the first of its page
        exec('from AutoTrainer import Watch', names)
    exec(block, names)
    if 'watch' in names:
        assert names['watch'].verdict.epoch is not None or names['watch'].history['loss']
    if 'print' in block:
        assert capsys.readouterr().out.strip()
