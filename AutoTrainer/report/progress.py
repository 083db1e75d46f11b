"""The live lines on standard error while a run trains."""

import contextlib
import sys
from typing import Any, Iterator, List

from ..judge.history import last_accuracy


class Progress:
    """A line for the training that runs, and one for a race.

    The output of a terminal is a bar that moves; of anything else plain lines, now and then.
    """

    def __init__(self) -> None:
        self._bars: List[Any] = []
        self._watched: Any = None

    def epoch(self, watch: Any) -> None:
        """Show an epoch of a watched training: epoch, accuracy, checks, verdict.

        Args:
            watch: its callback.
        """
        done = len(watch.history['loss'])
        if self._watched is not watch:  # a new training begins: a new line
            self._watched = watch
            self._new(total=watch.monitor.total_epoch, desc=watch.solution or 'training',
                      unit='epoch')
        bar = self._bars[0]
        bar.update(done - bar.n)
        accuracy = last_accuracy({key: series[-1] for key, series in watch.history.items()})
        told = dict(checks=watch.watcher.checks, verdict=','.join(watch.issue_list) or 'ok')
        if accuracy is not None:
            told = dict(acc='%.3f' % accuracy, **told)
        bar.set_postfix(told, refresh=bool(watch.issue_list) or done == watch.monitor.total_epoch)

    def race(self, standings: Any, ground: Any) -> None:
        """Show how a race stands: who is left, best skill beside the yardstick, price so far.

        Args:
            standings: see :class:`~AutoTrainer.solutions.race.Standings`.
            ground: see :class:`~AutoTrainer.racing.Ground`.
        """
        if self._watched is not ground:
            self._watched = ground
            self._new(desc='race', unit='leg')
        bar = self._bars[0]
        bar.update(1)
        leader = standings.leader
        told = {'racing': standings.running, 'price': '%.2f' % standings.price}
        if leader is not None and leader.best is not None:
            told.update(best='%.2f' % leader.best.skill, by=leader.entrant.name)
        if ground.yardstick is not None:
            told['yardstick'] = '%.2f' % ground.yardstick.value
        bar.set_postfix(told, refresh=True)

    def _new(self, **how: Any) -> None:
        from tqdm import tqdm
        self.close()
        self._bars[:] = [tqdm(file=sys.stderr, dynamic_ncols=True,
                              mininterval=0.2 if sys.stderr.isatty() else 10, **how)]

    def close(self) -> None:
        """End the line."""
        for bar in self._bars:
            bar.close()
        del self._bars[:]


@contextlib.contextmanager
def progress_line() -> Iterator[Progress]:
    """Live lines until the end of the block."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.close()
