"""Windows of steps, which stand for epochs where a training has but one of these, or a few."""

import re
from typing import NamedTuple, Optional

WINDOWS = 50
"""Windows that a training is divided into: a verdict can come at every fiftieth of it, and the
judgment point (three tenths) stands behind the first 15, which are enough for a trend."""

LEAST_STEPS = 10
"""Steps of a window at the least: the mean of ten batches scatters a third as much as one, which is
what the rules for swings and spikes take for granted of the mean of an epoch."""


class Windows(NamedTuple):
    """How the steps of a training are divided.

    Attributes:
        steps: of one window; the last one also has what is left over.
        total: planned steps.
    """

    steps: int
    total: int

    @property
    def planned(self) -> int:
        """Planned windows."""
        return max(1, self.total // self.steps)

    def ended_by(self, step: int) -> bool:
        """Whether a window ends with a step.

        Args:
            step: its number, 1-based.
        """
        if step >= self.total:  # steps beyond the plan are judged too
            return (step - self.total) % self.steps == 0
        return step % self.steps == 0 and step // self.steps < self.planned


def windows_of(total: int, asked: Optional[int] = None) -> Windows:
    """How a training is divided into windows.

    Args:
        total: planned steps.
        asked: steps of a window; None for a fiftieth of the training, and at least 10 steps.
    """
    return Windows(min(max(1, total), asked or max(LEAST_STEPS, total // WINDOWS)), max(1, total))


_EPOCHS = re.compile(r'(?<!in each )\bepoch(s?)\b(?! of \d+ rows)')
_NUMBERED = re.compile(r'\bepoch (\d+)')
"""The word, but for where the plan of the training is told, whose epochs are what they are."""


def in_windows(sentence: str, steps: int) -> str:
    """A sentence on epochs as one on windows.

    Args:
        sentence: of a reason or a note.
        steps: of a window; 0 where epochs are epochs.
    """
    if not steps:
        return sentence
    sentence = sentence.replace('from epoch to epoch',
                                'from one window of %d steps to the next' % steps)
    said, numbered = _NUMBERED.subn(
        lambda found: 'window %s (steps %d to %d)' % (
            found.group(1), (int(found.group(1)) - 1) * steps + 1, int(found.group(1)) * steps),
        sentence)
    if not numbered:
        said = _EPOCHS.sub(r'window\1 of %d steps' % steps, said, count=1)
    return _EPOCHS.sub(r'window\1', said)
