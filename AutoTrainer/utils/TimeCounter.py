"""Where the time of a run goes."""

import time
from typing import Any, Callable


class TimeCounter:
    """Adds up the seconds spent inside ``with`` blocks.

    Args:
        clock: seconds from any start.

    Attributes:
        seconds: total so far.

    Example:
        >>> checks = TimeCounter()
        >>> with checks:
        ...     pass
        >>> checks.seconds >= 0
        True
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._started = 0.0

    def __enter__(self) -> 'TimeCounter':
        self._started = self._clock()
        return self

    def __exit__(self, *error: Any) -> None:
        self.seconds += self._clock() - self._started
