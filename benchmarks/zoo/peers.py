"""Who judges the taped trainings: AutoTrainer by both of its rules, and what others use."""

import math
from typing import Callable, Dict, Optional

import numpy as np

from .replay import Said, Tape, said

PATIENCE = 5
"""Epochs without a lower validation loss after which EarlyStopping stops, as often used."""

Judge = Callable[[Tape], Said]


def stopping(tape: Tape) -> Said:
    """TerminateOnNaN with EarlyStopping.

    A stop for NaN counts as a verdict, and so does an early stop in the first half of the planned
    epochs: a later one is what EarlyStopping is for. Where there are no validation rows it watches
    the training loss.
    """
    history, epochs = tape['history'], tape['epochs']
    watched = 'val_loss' if any(v is not None for v in history['val_loss']) else 'loss'
    best, since = math.inf, 0
    for epoch, (loss, value) in enumerate(zip(history['loss'], history[watched]), 1):
        if loss is not None and not math.isfinite(loss):
            return Said(('nan',), epoch, 'the loss is not a finite number')
        since = 0 if value is not None and value < best else since + 1
        best = best if value is None or math.isnan(value) else min(best, value)
        if since >= PATIENCE:
            early = 2 * epoch < epochs
            return Said(('stopped',) if early else (), epoch if early else None,
                        'stopped at epoch %d of %d' % (epoch, epochs))
    return Said((), None, 'ran to its end')


def coin(tape: Tape) -> Said:
    """A coin, thrown once for each training, at an epoch drawn at random."""
    name = '%(table)s/%(recipe)s/%(seed)d' % tape
    draw = np.random.RandomState(list(name.encode()))
    epoch: Optional[int] = int(draw.randint(1, tape['epochs'] + 1))
    return Said(('heads',), epoch, 'heads') if draw.randint(2) else Said((), None, 'tails')


def live(tape: Tape) -> Said:
    """The verdict that was given while the training ran."""
    told = tape['live']
    blamed = tuple(issue for issue in told['issues'] if issue not in told['told'])
    return Said(blamed, told['epoch'] if blamed else None, told['reason'])


JUDGES: Dict[str, Judge] = {
    'skill': said,
    'paper': lambda tape: said(tape, checktype='dynamic', rules='paper'),
    'stopping': stopping,
    'coin': coin,
}
"""By name: ``rules='skill'`` under ``adaptive``, ``rules='paper'`` under ``dynamic``, others."""
