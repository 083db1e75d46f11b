import csv

import pytest

from Motivation import drawing

COLUMNS = ('loss', 'accuracy', 'val_loss', 'val_accuracy')


@pytest.fixture
def costs():
    """What ``benchmarks.overhead`` prints, in small."""
    return {'figures': {'ring': {
        'epochs': 100, 'none_s': {'median': 2.0},
        'epoch_3': {'overhead_percent': {'q25': 1, 'median': 2, 'q75': 3}, 'checks': 34,
                    'inside_callback_percent': {'median': 6.7}},
        'epoch_1': {'overhead_percent': {'q25': 4, 'median': 5, 'q75': 6}, 'checks': 100,
                    'inside_callback_percent': {'median': 10}},
        'dynamic': {'checks': 20}}}}


@pytest.fixture
def write_run():
    """Write a history in upstream's format; curves that are not given are unremarkable."""
    def write(path, accuracy, val_accuracy=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        val_accuracy = accuracy if val_accuracy is None else val_accuracy
        with open(str(path), 'w', newline='') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(('',) + COLUMNS)
            for epoch, (acc, val) in enumerate(zip(accuracy, val_accuracy)):
                writer.writerow((epoch, 0.5, acc, 0.25, val))
        return path
    return write


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are files of next to nothing: drawing them takes seconds."""
    def save(draw, found, folder, name, foot=0.0):
        paths = [folder / (name + ending) for ending in ('.png', '.svg')]
        for path in paths:
            path.write_bytes(b'<svg/>')
        return paths
    monkeypatch.setattr(drawing, 'save', save)
