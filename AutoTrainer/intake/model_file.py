"""What a model file says of itself, read before Keras is let loose on it; knows no Keras.

The reading is done by a process of its own: on a damaged HDF5 file the library behind h5py can go
round in circles or die, and no Python can catch either. That process runs this file as a script,
so it imports nothing of the project.
"""

import sys

if __name__ == '__main__':
    del sys.path[0]  # this folder, whose modules must not stand in for others of their names

import json
import os
import subprocess
import zipfile
from typing import Any, Tuple

EXPANSION = 200
"""What a model file may grow to when it is unpacked, times its size."""

SMALL = 1 << 20
"""What any file may grow to."""

_SECONDS, _BYTES_PER_SECOND = 10.0, 2e7


def read_model_file(path: str) -> Tuple[Any, int]:
    """Read the configuration of a ``.h5`` or ``.keras`` model.

    Args:
        path: of the file.

    Returns:
        The configuration (None if there is none), and how many numbers the file stores.

    Raises:
        ValueError: if the file is damaged, would unpack to much more than it is, or reaches for
            other files.
    """
    try:
        done = subprocess.run(
            [sys.executable, os.path.abspath(__file__), path], capture_output=True,
            start_new_session=True,  # Ctrl-C in a terminal goes to all processes of a session
            timeout=_SECONDS + os.path.getsize(path) / _BYTES_PER_SECOND)
    except subprocess.TimeoutExpired as error:
        raise ValueError('reading it takes for ever') from error
    if done.returncode:
        told = done.stderr.decode('utf-8', 'replace').strip().splitlines()
        raise ValueError(told[-1] if told else 'reading it kills the process that tries')
    config, stored = json.loads(done.stdout.decode('utf-8'))
    return config, int(stored)


def look(path: str) -> Tuple[Any, int]:
    """:func:`read_model_file`, in this process.

    Raises:
        ValueError: see there.
        Exception: of many kinds if the file is damaged.
    """
    import h5py
    size = os.path.getsize(path)
    if not zipfile.is_zipfile(path):
        with h5py.File(path, 'r') as file:
            config = file.attrs.get('model_config')
            return config and json.loads(config), _read_all(file, size)
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > EXPANSION * size + SMALL:
            raise ValueError('it would unpack to more than %d times its size' % EXPANSION)
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError('its part %s is damaged' % damaged)
        config = json.loads(archive.read('config.json').decode('utf-8'))
        with archive.open('model.weights.h5') as packed, h5py.File(packed, 'r') as file:
            return config, _read_all(file, EXPANSION * size)


def _read_all(file: Any, size: int) -> int:
    """Read every array and attribute of an HDF5 file.

    Returns:
        Numbers in all arrays.

    Raises:
        ValueError: if arrays are larger than the file can hold, or lie outside of it.
        Exception: of many kinds if the file is damaged.
    """
    import h5py
    total, waiting, seen = 0, [file], set()
    while waiting:
        group = waiting.pop()
        for attribute in group.attrs:
            group.attrs[attribute]
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError('%s is a link to elsewhere' % name)
            found = group[name]
            if isinstance(found, h5py.Group):
                if found.id not in seen:  # hard links may go in circles
                    seen.add(found.id)
                    waiting.append(found)
            elif isinstance(found, h5py.Dataset):
                if found.external or getattr(found, 'is_virtual', False):
                    raise ValueError('%s lies in another file' % name)
                total += found.size
                if 4 * total > EXPANSION * size + SMALL:
                    raise ValueError('it would unpack to more than %d times its size' % EXPANSION)
                found[()]
    return int(total)


if __name__ == '__main__':
    try:
        answer = json.dumps(look(sys.argv[1]))
    except Exception as failure:  # the process that asked tells it
        sys.exit(('%s' % failure).strip() or type(failure).__name__)
    print(answer)
