"""Ctrl-C (SIGINT) and SIGTERM, noted when they arrive and raised where it is safe.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be. That can be in Python
code which a framework calls from its own, and from there it may come back as another error, or not
at all. So within :func:`held` a signal is only noted; :func:`honour` raises it between two batches
(:mod:`AutoTrainer.keras_bridge.interruption`), before a training, and at the end of :func:`held`.
A second signal raises at once, for what does not come to such a place.
"""

import contextlib
import signal
import threading
from typing import Any, Dict, Iterator, List

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_noted: List[int] = []
"""Signals that have arrived within the outermost :func:`held`, in order."""
_handlers: Dict[int, Any] = {}
"""What was done about each signal before; empty outside of :func:`held`."""


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Within, a first SIGINT or SIGTERM is only noted; also a decorator.

    It does nothing in any thread but the main one, which alone gets signals, and leaves alone a
    signal that is ignored or that somebody has set a handler of his own for. Within another
    :func:`held` it only honours what was noted before.

    Raises:
        KeyboardInterrupt: at the end, if a signal has arrived, whatever else went wrong by then;
            :class:`Terminated` for SIGTERM.
    """
    if _handlers or not _in_main_thread():
        honour()
        yield
        return
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            _handlers[number] = signal.signal(number, _note)
    try:
        yield
    except KeyboardInterrupt:
        del _noted[:]  # what was asked for is on its way
        raise
    finally:
        while _handlers:
            signal.signal(*_handlers.popitem())
        if _noted:
            first = _noted[0]
            del _noted[:]
            raise _interrupt(first)


def honour() -> None:
    """Raise what was noted, if anything was; in the main thread only.

    Raises:
        KeyboardInterrupt: for SIGINT; :class:`Terminated` for SIGTERM.
    """
    if _noted and _in_main_thread():
        raise _interrupt(_noted[0])


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """The exit code of a process that was interrupted: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def ignore() -> None:
    """From now on signals do nothing: for a process that has only its exit code left to give."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _note(number: int, frame: Any) -> None:
    """The handler of the signals."""
    _noted.append(number)
    if len(_noted) > 1:
        raise _interrupt(number)


def _interrupt(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
