"""Finding and reading published data files, without running any code that they may carry.

Several of these files hold pickles, and unpickling as NumPy and Keras traditionally do it runs
whatever the file says. Here the pickles go through an unpickler that knows plain Python values and
arrays only; for arrays it has stand-ins of its own, so that not even NumPy is called by the file.
"""

import contextlib
import io
import os
import pickle
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .common import DatasetError, RawData


def search_folders() -> List[Path]:
    """Return the folders in which data files are looked for, in this order.

    ``$AUTOTRAINER_DATA`` if it is set, then the cache of Keras (``$KERAS_HOME/datasets``, by
    default ``~/.keras/datasets``).
    """
    folders = []
    if os.environ.get('AUTOTRAINER_DATA'):
        folders.append(Path(os.environ['AUTOTRAINER_DATA']).expanduser())
    keras_home = os.environ.get('KERAS_HOME') or os.path.join('~', '.keras')
    folders.append(Path(keras_home).expanduser() / 'datasets')
    return folders


def find(names: Sequence[str]) -> Optional[Path]:
    """Return the first of the files that exists, folder by folder, or None."""
    for folder in search_folders():
        for name in names:
            if (folder / name).exists():
                return folder / name
    return None


def load(dataset: str, names: Sequence[str], read: Callable[[Path], RawData],
         **keras_arguments: Any) -> RawData:
    """Read a data set from a file at hand, or else let Keras download it.

    Args:
        dataset: name of the data set, also of its module in ``keras.datasets``.
        names: names that its file (or folder) may have, the published one first.
        read: turns the path of such a file into the data.
        **keras_arguments: arguments of ``load_data`` in Keras that give the same as ``read``.

    Returns:
        The data, as ``read`` or Keras gives it.

    Raises:
        DatasetError: if the file is damaged or another one, or if there is none and the download
            fails; the message says where to put it.
    """
    path = find(names)
    if path is not None:
        try:
            return read(path)
        except Exception as error:  # a damaged file can make its reader raise nearly anything
            raise DatasetError(
                'data set %r: %r is damaged or another file (%s); replace it by the published %s, '
                'or remove it to have it downloaded'
                % (dataset, str(path), _summary(error), names[0])) from error
    # Imported here, because reading a file needs no Keras and importing Keras takes seconds.
    from ..keras_bridge import load_keras_dataset
    try:
        # Keras reports its progress on standard output, which belongs to results here.
        with contextlib.redirect_stdout(sys.stderr):
            return load_keras_dataset(dataset, **keras_arguments)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        folders = ' or '.join(repr(str(folder)) for folder in search_folders())
        raise DatasetError(
            'data set %r is not on this machine and cannot be downloaded (%s); put %s into %s, or '
            'name another folder in $AUTOTRAINER_DATA'
            % (dataset, _summary(error), names[0], folders)) from error


def _summary(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].strip() if lines else type(error).__name__


def read_npz(path: Path, keys: Sequence[str]) -> Dict[str, Any]:
    """Read arrays from an ``.npz`` file.

    Args:
        path: the file.
        keys: the arrays that it has to hold.

    Returns:
        For each key a numeric array, or a list where the file holds an array of Python objects.

    Raises:
        Exception: of many kinds, if the file is damaged, lacks a key or tries to run code.
    """
    with zipfile.ZipFile(str(path)) as archive:
        absent = sorted(set(keys) - {name[:-len('.npy')] for name in archive.namelist()})
        if absent:
            raise ValueError('it holds no %s' % ' and no '.join(absent))
        # Read whole, so that the checksum of every member is compared.
        return {key: _read_npy(io.BytesIO(archive.read(key + '.npy'))) for key in keys}


def _read_npy(stream: io.BytesIO) -> Any:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError('unknown .npy version %s' % (version,))
    read_header = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                   else np.lib.format.read_array_header_2_0)
    dtype = read_header(stream)[2]
    if dtype.hasobject:
        return read_pickle(stream)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def read_pickle(stream: BinaryIO) -> Any:
    """Read a pickle that holds only plain Python values and NumPy arrays.

    Text from Python 2 comes back as bytes, as in the published CIFAR files.

    Args:
        stream: a binary stream at the start of the pickle.

    Returns:
        The value; arrays of numbers as arrays, arrays of Python objects as lists. Arrays may be
        the value itself or values of a dict that is the value.

    Raises:
        Exception: of many kinds, if the pickle is damaged or asks for anything else.
    """
    value = _DataUnpickler(stream, encoding='bytes').load()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return _plain(value)


class _PickledDtype:
    """Takes what a pickle says about the type of an array's entries."""

    def __init__(self, code: Any, *_: Any):
        self.code = code.decode('ascii') if isinstance(code, bytes) else code
        self.order = '|'

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        order = state[1]
        self.order = order.decode('ascii') if isinstance(order, bytes) else order


class _PickledArray:
    """Takes what a pickle says about an array."""

    def __init__(self, *_: Any):
        self.state: Tuple[Any, ...] = ()

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        self.state = state

    def value(self) -> Any:
        """Return an array for numbers, nested lists for Python objects."""
        _, shape, dtype, is_fortran, data = self.state
        order: Any = 'F' if is_fortran else 'C'
        if dtype.code in ('O', 'O4', 'O8'):
            entries = np.empty(len(data), dtype=object)
            for index, entry in enumerate(data):
                entries[index] = entry
            return entries.reshape(shape, order=order).tolist()
        if not re.match(r'[biuf][1248]$', dtype.code):
            raise pickle.UnpicklingError('it holds an array of type %r' % (dtype.code,))
        numbers = np.frombuffer(data, dtype=np.dtype(dtype.order + dtype.code))
        return numbers.reshape(shape, order=order).astype(dtype.code)


def _plain(value: Any) -> Any:
    return value.value() if isinstance(value, _PickledArray) else value


def _encode(text: str, encoding: str) -> bytes:
    """Undo how Python 3 writes bytes into the older pickle formats."""
    return text.encode('latin-1')


_ARRAY_PARTS: Dict[Tuple[str, str], Any] = {
    ('numpy', 'ndarray'): _PickledArray,
    ('numpy', 'dtype'): _PickledDtype,
    ('numpy.core.multiarray', '_reconstruct'): _PickledArray,
    ('numpy._core.multiarray', '_reconstruct'): _PickledArray,
    ('_codecs', 'encode'): _encode,
}


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ARRAY_PARTS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                'it asks for %s.%s, which no data file needs' % (module, name)) from None
