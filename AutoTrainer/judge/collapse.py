"""Runs that die: ``collapse``, an issue beyond the paper's (``docs/evidence/schedules.md``).

Two ways to be dead, both read off the history alone and both without knowing the number of
classes or the loss function. A run has *fallen* if it had learnt and now stands far below its
best, with a loss that no longer moves. A run is *dead from the start* if it stands at one
constant prediction and never left it.
"""

import math
from typing import Dict, Mapping, Optional

COLLAPSE_PARAMS: Dict[str, float] = {
    'patience': 3,        # epochs in a row that it must last
    'fallen': 0.55,       # fallen: training accuracy, at most this share of its best so far
    'lost': 0.05,         # fallen: training loss, more than this share above its best so far
    'flat': 0.005,        # fallen: the loss moves by at most this share in an epoch
    'start_acc': 0.6,     # start: best training accuracy of the run, at most
    'start_gain': 0.05,   # start: spread of the training accuracy over the whole run, at most
    'start_flat': 2e-4,   # start: spread of the loss over the epochs that count, share, at most
    'start_steps': 5000,  # start: training steps that these epochs have together, at least
}
"""Thresholds of the two rules, chosen on half of the thesis's recorded runs."""


class CollapseTracker:
    """Follows a history and says whether the run is dead, at constant cost per epoch.

    *Fallen*: for ``patience`` epochs in a row the training accuracy is at most ``fallen`` of its
    best so far and the loss more than ``lost`` above its own, and in the last of them the loss
    moved by at most ``flat``. This lasts until the accuracy comes back.

    *Dead from the start*: the training accuracy has stayed within ``start_gain`` all along and
    never got beyond ``start_acc``. For ``patience`` epochs or more in a row, which have
    ``start_steps`` steps together (an epoch of six batches is no evidence), the loss stayed
    within ``start_flat`` and the validation accuracy did not change. And the training accuracy
    is that of the epoch before to the last digit: over a whole epoch not one prediction changed.
    This lasts until the accuracy leaves its band.

    An epoch without loss or training accuracy is passed over; NaN never counts as dead (NaN is
    an issue of its own).

    Args:
        steps_per_epoch: training batches per epoch; without it no run is said to be dead from
            the start.

    Attributes:
        reason: why the run counts as collapsed, in words and numbers; None while it does not.
        learnt_before: whether the run had learnt before it died; meaningful with a reason.
    """

    def __init__(self, steps_per_epoch: Optional[int] = None) -> None:
        self.reason: Optional[str] = None
        self.learnt_before = False
        self._steps_per_epoch = steps_per_epoch or 0
        self._best_acc = -math.inf
        self._worst_acc = math.inf
        self._best_loss = math.inf
        self._low_epochs = 0   # epochs in a row far below the best
        self._flat_epochs = 0  # epochs in a row within start_flat, validation accuracy unchanged
        self._flat_low = self._flat_high = math.nan  # the loss over these
        self._loss = self._acc = math.nan
        self._val_acc: Optional[float] = None

    def update(self, values: Mapping[str, Optional[float]]) -> None:
        """Take in one epoch.

        Args:
            values: ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.
        """
        loss, acc, val_acc = values.get('loss'), values.get('acc'), values.get('val_acc')
        if loss is None or acc is None:
            return
        # Written so that a NaN changes none of the three.
        self._best_acc = acc if acc > self._best_acc else self._best_acc
        self._worst_acc = acc if acc < self._worst_acc else self._worst_acc
        self._best_loss = loss if loss < self._best_loss else self._best_loss
        low = (acc <= COLLAPSE_PARAMS['fallen'] * self._best_acc
               and loss - self._best_loss > COLLAPSE_PARAMS['lost'] * abs(self._best_loss))
        self._low_epochs = self._low_epochs + 1 if low else 0
        unmoved = self._best_acc - self._worst_acc <= COLLAPSE_PARAMS['start_gain']
        self._extend_flat(loss, val_acc)
        if not (low if self.learnt_before else unmoved):
            self.reason = None
        if self.reason is None:
            if self._has_fallen(loss):
                self.learnt_before = True
                self.reason = (
                    'the training accuracy has been ≤ %g of its best %.3g for %d epochs, it is '
                    '%.3g, and the loss stands at %.4g (best %.3g)'
                    % (COLLAPSE_PARAMS['fallen'], self._best_acc, self._low_epochs, acc, loss,
                       self._best_loss))
            elif unmoved and self._is_constant(acc):
                self.learnt_before = False
                self.reason = (
                    'nothing learnt: the model has predicted the same for %d epochs of %d steps, '
                    'the loss stands at %.4g, the training accuracy at %.3g'
                    % (self._flat_epochs, self._steps_per_epoch, loss, acc))
        self._loss, self._acc = loss, acc
        self._val_acc = self._val_acc if val_acc is None else val_acc

    def _extend_flat(self, loss: float, val_acc: Optional[float]) -> None:
        """Add the epoch to the flat stretch if it fits, else begin a new one with it."""
        low, high = min(self._flat_low, loss), max(self._flat_high, loss)
        unchanged = val_acc is None or self._val_acc is None or val_acc == self._val_acc
        if (self._flat_epochs and unchanged
                and high - low <= COLLAPSE_PARAMS['start_flat'] * abs(loss)):
            self._flat_epochs += 1
            self._flat_low, self._flat_high = low, high
        else:
            self._flat_epochs = 1
            self._flat_low = self._flat_high = loss

    def _has_fallen(self, loss: float) -> bool:
        return (self._low_epochs >= COLLAPSE_PARAMS['patience']
                and abs(loss - self._loss) <= COLLAPSE_PARAMS['flat'] * abs(self._loss))

    def _is_constant(self, acc: float) -> bool:
        return (self._flat_epochs >= COLLAPSE_PARAMS['patience']
                and self._flat_epochs * self._steps_per_epoch >= COLLAPSE_PARAMS['start_steps']
                and self._best_acc <= COLLAPSE_PARAMS['start_acc'] and acc == self._acc)
