"""The live lines on standard error while a run trains."""

import contextlib
import sys
from typing import Any, Iterator, List, Optional

from ..judge.history import last_accuracy
from ..judge.session import Observer, Session
from ..judge.suspicion import suspected


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


LINES = 10
"""Plain lines of a training of which nothing is suspected, about."""


def standing(session: Session) -> str:
    """How a training stands after an epoch, in one line; nothing is measured for it."""
    last = {key: series[-1] for key, series in session.history.items()}
    accuracy = last_accuracy(last)
    loss = last['loss'] if last['val_loss'] is None else last['val_loss']
    skill, yardstick, _ = session.monitor.in_numbers()
    told = [] if loss is None else ['loss %.4g' % loss]
    if skill is not None:
        told.append('skill %.2f%s' % (skill, '' if yardstick is None else ' of %.2f' % yardstick))
    elif accuracy is not None:
        told.append('accuracy %.3f' % accuracy)
    return ', '.join(told + [opinion(session)])


def opinion(session: Session) -> str:
    """What is held of a training: the verdict, what is being suspected, or nothing bad."""
    found = session.watcher.found
    if found is not None:
        return 'verdict: %s' % ', '.join(found.judgment.reasons)
    names = suspected(session.monitor, session.last_check)
    said = 'suspected: %s' % ', '.join(names) if names else 'nothing suspected'
    times = len(session.restorations)
    return said + (' (put back %d time%s)' % (times, '' if times == 1 else 's') if times else '')


class Live(Observer):
    """A line for each watched training that nobody else shows.

    On a terminal a bar that moves; elsewhere plain lines: the first epoch and the last, whenever
    what is held of the training changes, and after each tenth of its epochs.
    """

    def __init__(self) -> None:
        self._session: Optional[Session] = None
        self._bar: Any = None
        self._told = ''
        self._line = 0  # epoch of the last one

    def epoch(self, session: Session) -> None:
        """Show an epoch."""
        if session is not self._session:
            self.end(session)
            self._session, self._told, self._line = session, '', 0
        done, planned = session.epochs, session.plan.epochs
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm
                self._bar = tqdm(file=sys.stderr, dynamic_ncols=True, total=planned, desc='watch',
                                 unit='epoch')
            self._bar.set_postfix_str(standing(session), refresh=False)
            self._bar.update(done - self._bar.n)
            return
        held = opinion(session)
        if (held != self._told or done in (1, planned)
                or done - self._line >= max(1, planned // LINES)):
            self._told, self._line = held, done
            sys.stderr.write('epoch %d/%d: %s\n' % (
                session.plan.before + done, session.plan.before + planned, standing(session)))

    def end(self, session: Session) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()
            self._bar = None


@contextlib.contextmanager
def progress_line() -> Iterator[Progress]:
    """Live lines until the end of the block."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.close()
