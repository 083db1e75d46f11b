"""What a loop of somebody's own says of an epoch, read with care: it never stops the training."""

from typing import Any, Dict, Mapping, Optional, Set

from ..errors import first_line, quote, way_out
from ..utils.logger import LOGGER

NAMES = {'loss': 'loss', 'accuracy': 'acc', 'val_loss': 'val_loss', 'val_accuracy': 'val_acc'}
"""The numbers of an epoch by the names that a loop gives them, and by those of a history."""

_OTHER_SPELLINGS = {'acc': 'accuracy', 'val_acc': 'val_accuracy'}


class Numbers:
    """Reads the numbers of one epoch after another; what is wrong with them is said once."""

    def __init__(self) -> None:
        self._said: Set[str] = set()

    def read(self, given: Mapping[str, Any]) -> Dict[str, Optional[float]]:
        """The numbers of an epoch in the names of a history; None for what is not there.

        Args:
            given: by the names in ``NAMES``; numbers, or arrays and tensors of one number.
        """
        found: Dict[str, Optional[float]] = dict.fromkeys(NAMES.values())
        for name, value in given.items():
            known = _OTHER_SPELLINGS.get(name, name)
            if known not in NAMES:
                self._say(name, '%s=%s is passed over; %s' % (
                    name, quote(value), way_out(name, list(NAMES))))
            elif value is not None:
                found[NAMES[known]] = self._number(name, value)
        if found['loss'] is None and found['val_loss'] is None:
            self._say('no loss', 'no loss was given, without which little can be judged; give '
                      'loss=…, the mean of the epoch')
        return found

    def _number(self, name: str, value: Any) -> Optional[float]:
        try:
            return float(value.item() if hasattr(value, 'item') else value)
        except Exception as error:  # whatever the tensors of a library raise
            self._say(name, '%s is %s, which is no number (%s); give the mean of the epoch' % (
                name, quote(value), first_line(error)))
            return None

    def _say(self, about: str, what: str) -> None:
        if about not in self._said:
            self._said.add(about)
            LOGGER.warning('watch.epoch: %s', what)
