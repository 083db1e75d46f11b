"""What is kept of the batches of an epoch that are heard by hooks: next to nothing for each."""

import operator
import sys
from typing import Any, List, Optional, Tuple

import torch

from .torch_losses import LossFacts

_FOLDED = 512
"""Losses of batches that are kept one by one before they become one."""
_SAMPLED = 16
"""Batches, evenly spread over the epoch, that accuracies are measured on: so many to twice as
many."""
_KEPT = 100000
"""Numbers of outputs that are kept until the epoch ends; of more, only what they come to."""


class Heard:
    """Batches of one kind, training or validation, of an epoch.

    Args:
        facts: what is known of the loss.

    Attributes:
        batches: how many.
        rows: of all of them.
        sum: of the losses of their rows, as far as they have been read.
        samples: whether some are kept to measure the accuracy on.
    """

    def __init__(self, facts: LossFacts) -> None:
        self._facts = facts
        self.samples = True
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.batches = self.rows = 0
        self._losses: List[torch.Tensor] = []  # those that would have to be waited for
        self._counts: List[int] = []
        self.sum = 0.0
        self._sample: List[Tuple[Any, Any]] = []
        self._every = 1

    def add(self, output: Any, target: Any, loss: torch.Tensor) -> None:
        """A batch; nothing is computed that is waited for."""
        if self.samples and self.batches % self._every == 0:
            self._keep(output, target)
        try:
            count = target.shape[0]  # len() of a tensor takes three times as long
        except AttributeError:
            count = len(target)
        self.batches += 1
        self.rows += count
        if _is_there(loss):
            self.sum += loss.item() * count
        else:
            self._defer(loss, count)

    def alike_until(self, target: Any, loss: torch.Tensor) -> int:
        """Up to how many batches like the last one nothing but their loss is kept.

        Args:
            target: of the last batch.
            loss: of the last batch.
        """
        if not isinstance(target, torch.Tensor) or not _is_there(loss):
            return 0
        return -(-self.batches // self._every) * self._every if self.samples else sys.maxsize

    def _defer(self, loss: torch.Tensor, count: int) -> None:
        """Keep a loss on its device."""
        self._losses.append(loss.detach())
        self._counts.append(count)
        if len(self._losses) >= _FOLDED:
            self._fold()

    def _fold(self) -> None:
        losses, counts = self._losses, self._counts
        if losses[0].ndim:
            losses = [loss.mean() for loss in losses]
        self.sum += sum(map(operator.mul, torch.stack(losses).tolist(), counts))
        self._losses, self._counts = [], []

    def loss(self) -> Optional[float]:
        """The mean loss of a row; None without a batch."""
        if self._losses:
            self._fold()
        return self.sum / self.rows if self.rows else None

    def _keep(self, output: Any, target: Any) -> None:
        if not (isinstance(output, torch.Tensor) and isinstance(target, torch.Tensor)):
            return
        kept = output.detach()
        self._sample.append((kept, target) if kept.numel() <= _KEPT
                            else (None, right_answers(kept, target, self._facts)))
        if len(self._sample) >= 2 * _SAMPLED:
            self._sample, self._every = self._sample[::2], 2 * self._every

    def accuracy(self) -> Optional[float]:
        """Share of right answers in a sample of the batches; None where there are no such."""
        if not self._sample:
            return None
        together: List[Tuple[torch.Tensor, torch.Tensor]] = [
            pair for pair in self._sample if pair[0] is not None]
        found = [answers for kept, answers in self._sample if kept is None]
        if len(together) > 1 and len({(a.shape[1:], b.shape[1:]) for a, b in together}) == 1:
            together = [(torch.cat([a for a, _ in together]), torch.cat([b for _, b in together]))]
        found += [right_answers(output, target, self._facts) for output, target in together]
        if any(answers is None for answers in found):
            return None
        counted = sum(int(count) for _, count in found)
        return sum(int(right) for right, _ in found) / counted if counted else None


def _is_there(loss: torch.Tensor) -> bool:
    """Whether a loss is one number that nothing has to be waited for.

    In a step that is being compiled no number is there: to ask for it would break it up.
    """
    return loss.is_cpu and not loss.ndim and not torch.compiler.is_compiling()


def right_answers(output: torch.Tensor, target: torch.Tensor, facts: LossFacts
                  ) -> Optional[Tuple[torch.Tensor, Any]]:
    """How many answers of a batch are right, and of how many.

    Returns:
        None for a regression, or where it cannot be told what an answer is.
    """
    target = target.to(output.device)
    if facts.name == 'binary_crossentropy':
        if output.shape != target.shape:
            return None
        right = (output > (0 if facts.logits else 0.5)) == (target > 0.5)
        return torch.count_nonzero(right), right.numel()
    if output.ndim < 2 or output.shape[1] < 2 or not (
            facts.of_classes or not facts.kind and not target.is_floating_point()):
        return None
    answers = target.argmax(1) if target.shape == output.shape else target
    if answers.shape != output.shape[:1] + output.shape[2:]:
        return None
    right = output.argmax(1) == answers
    if facts.ignored is None or not facts.of_classes:
        return torch.count_nonzero(right), right.numel()
    return torch.count_nonzero(right), torch.count_nonzero(answers != facts.ignored)
