"""One process at a time in a run folder."""

import os
from typing import Any, Dict, List

from ..errors import UserError
from ..utils.logger import LOGGER

fcntl: Any = None
try:
    import fcntl
except ImportError:  # Windows has no such locks; there nothing is locked
    pass

_held: Dict[str, List[int]] = {}
"""Lock files of this process: real path → file descriptor, uses."""
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_held.clear)  # a child does not inherit the locks


class FolderLock:
    """Keeps other processes out of a folder while it is held.

    The kernel keeps the lock and drops it when its owner dies, however that happens, so no lock is
    left behind by a crash; the file ``lock`` itself stays. The owner may take it again (a callback
    that was interrupted in a notebook and starts anew).

    Args:
        folder: the folder; it exists.

    Raises:
        UserError: if another process holds the lock; the message names its number.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(os.path.realpath(folder), 'lock')
        if self._path not in _held:
            _held[self._path] = [_take(self._path, folder), 0]
        _held[self._path][1] += 1

    def release(self) -> None:
        """Let others in; releasing twice is allowed."""
        if self._path in _held:
            _held[self._path][1] -= 1
            if not _held[self._path][1]:
                os.close(_held.pop(self._path)[0])
        self._path = ''


def _take(path: str, folder: str) -> int:
    """Open and lock the file; its content names the owner."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError('result_dir is %r, which is not writable (%s); give another'
                        % (folder, error.strerror)) from error
    if fcntl is None:
        return descriptor
    try:
        # Not flock(): a child that was forked to load data would inherit that and outlive us.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        owner = os.read(descriptor, 20).decode('ascii', 'replace').strip()
        os.close(descriptor)
        raise UserError('result_dir is %r, which process %s is writing to; wait for it or give '
                        'another folder' % (folder, owner or '(unknown)')) from error
    except OSError as error:  # a file system that knows no locks
        LOGGER.warning('%s cannot be locked (%s)', folder, error.strerror)
        return descriptor
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b'%d\n' % os.getpid())
    except OSError:  # a full disk: the lock holds all the same, it only does not say whose it is
        pass
    return descriptor
