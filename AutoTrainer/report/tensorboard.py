"""What TensorBoard shows of a watched training, written by tensorboardX: no framework is needed.

Nothing is measured for it. The curves have a point per epoch; norms and shares of zeros one for
each check that looked at gradients.
"""

import os
from typing import Any, Optional

from ..errors import UserError
from ..judge import recovery
from ..judge.on_record import evenly
from ..judge.session import Observer, Session

_HISTORY = {'loss': 'history/loss', 'acc': 'history/accuracy', 'val_loss': 'history/val_loss',
            'val_acc': 'history/val_accuracy'}


class Writer(Observer):
    """Writes the events of one session after another: the second goes to a folder of its own.

    Args:
        folder: for TensorBoard's ``--logdir``.

    Raises:
        UserError: if tensorboardX is not installed.
    """

    def __init__(self, folder: str) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise UserError('tensorboard=%r needs tensorboardX, which is not installed; pip '
                            'install dynamic-autotrainer[tensorboard]' % (folder,)) from error
        self._make = SummaryWriter
        self._folder = os.fspath(folder)
        self._session: Optional[Session] = None
        self._trainings = 0
        self._restorations = 0
        self._out: Any = None

    def epoch(self, session: Session) -> None:
        """Write an epoch and, where one was made, its check."""
        out = self._open(session)
        step = session.plan.before + session.epochs
        for key, tag in _HISTORY.items():
            self._scalar(tag, session.history[key][-1], step)
        skill, yardstick, _ = session.monitor.in_numbers()
        self._scalar('skill/skill', skill, step)
        self._scalar('skill/yardstick', yardstick, step)
        self._scalar('checks/checks', session.checks, step)
        self._scalar('checks/probes', session.probes, step)
        check = session.last_check
        if check is not None and check.epoch == step:
            gradients = check.gradients
            if gradients is not None:
                for i in evenly(len(gradients.kernels)):
                    name, norm = gradients.kernels[i]
                    self._scalar('gradient_norm/' + name, norm, step)
                    if gradients.zero_shares:
                        self._scalar('zero_share/' + name, gradients.zero_shares[i], step)
            if check.judgment.reasons:
                out.add_text('verdict', session.verdict.reason, step)
        self._restored(session, step)

    def end(self, session: Session) -> None:
        """Write the verdict, and close the file: nothing else empties the writer's queue."""
        if session.epochs:
            step = session.plan.before + session.epochs
            self._restored(session, step)
            self._open(session).add_text('verdict', session.verdict.reason, step)
            self._out.close()
            self._out = None

    def _open(self, session: Session) -> Any:
        if session is not self._session:
            if self._out is not None:
                self._out.close()
                self._out = None
            self._session, self._restorations = session, 0
            self._trainings += 1
        if self._out is None:
            self._out = self._make(self._folder if self._trainings == 1 else os.path.join(
                self._folder, 'training_%d' % self._trainings))
        return self._out

    def _restored(self, session: Session, step: int) -> None:
        for one in session.restorations[self._restorations:]:
            self._out.add_text('restored', recovery.in_words([one]), step)
        self._restorations = len(session.restorations)

    def _scalar(self, tag: str, value: Optional[float], step: int) -> None:
        if value is not None:
            self._out.add_scalar(tag, value, step)
