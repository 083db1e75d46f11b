import csv

import pytest

COLUMNS = ('loss', 'accuracy', 'val_loss', 'val_accuracy')


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
