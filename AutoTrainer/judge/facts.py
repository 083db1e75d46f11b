"""What is measured of a training, and what is said of it: plain records, no judgement."""

import math
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from .reference import Measured
from .yardstick import Yardstick

History = Mapping[str, Sequence[Optional[float]]]
"""``loss``, ``acc``, ``val_loss``, ``val_acc``: one number per epoch, None where not measured."""

HISTORY_KEYS = ('loss', 'acc', 'val_loss', 'val_acc')
"""The series of a history; names as upstream has them."""


class GradientSummary(NamedTuple):
    """What the probe says of the gradients on one batch, before any clipping.

    Attributes:
        kernels: (name, norm) of every kernel's gradient (arrays of two or more dimensions;
            biases are left out), in layer order.
        zero_share: share of exact zeros among all gradient entries, embeddings left out.
        finite: whether every gradient entry is a finite number.
        weights_finite: whether every weight is a finite number.
        largest_weight: largest absolute weight.
        rectified: whether the model has units that can die (ReLU and its kin).
        seconds: what taking the summary cost; 0 where it was not measured.
        zero_shares: share of exact zeros in the gradient of each of ``kernels``; empty where it
            was not measured.
    """

    kernels: Tuple[Tuple[str, float], ...]
    zero_share: float
    finite: bool = True
    weights_finite: bool = True
    largest_weight: float = 0.0
    rectified: bool = True
    seconds: float = 0.0
    zero_shares: Tuple[float, ...] = ()


class OutputSummary(NamedTuple):
    """What the probe says of the layer outputs on one batch.

    Attributes:
        layers: (layer name, mean absolute output) in layer order.
        lowest: smallest value of the model's output.
        highest: largest value of the model's output.
        largest_sum: largest sum over the outputs of one row (over the last axis).
    """

    layers: Tuple[Tuple[str, float], ...]
    lowest: float
    highest: float
    largest_sum: float


class Task(NamedTuple):
    """What a training is set to do: facts that do not change while it runs.

    Attributes:
        loss: name of the compiled loss (``'categorical_crossentropy'``), '' if it has none.
        head: name of the activation that the model ends in (``'softmax'``), '' if unknown.
        units: size of the output's last axis.
        labels: ``'one_hot'`` (rows with a single 1), ``'multi_hot'`` (0/1 rows), ``'binary'``
            (one column of 0/1), ``'integer'`` (class numbers), ``'real'`` or '' if unknown.
        input_scale: mean absolute value of what reaches the first layer with a kernel; NaN
            where that says nothing (token numbers, a model that normalises by itself).
        logits: whether the loss applies softmax or sigmoid to the outputs by itself.
        called: what the loss is called where the training is written; '' for the same.
    """

    loss: str = ''
    head: str = ''
    units: int = 0
    labels: str = ''
    input_scale: float = math.nan
    logits: bool = False
    called: str = ''

    @property
    def loss_in_words(self) -> str:
        """The name of the loss, for a reader."""
        return self.called or self.loss


class Probe:
    """What a session asks of a framework: the numbers that only a look at the model can give.

    Each adapter has its own (:class:`AutoTrainer.utils.compute_gradient.Probe` for Keras). None of
    the methods may change the training; each may raise whatever the framework raises, after which
    the session judges the history alone.
    """

    def gradients(self) -> GradientSummary:
        """The gradients of the loss on one fixed batch, as the weights stand now."""
        raise NotImplementedError

    def outputs(self) -> OutputSummary:
        """The layer outputs on the same batch."""
        raise NotImplementedError

    def task(self) -> Task:
        """What the training is set to do."""
        raise NotImplementedError

    def findings(self, thorough: bool) -> Sequence[Any]:
        """What is wrong with how the training is set up (``preflight.Finding``).

        Args:
            thorough: whether to look at the data and the model too; else only at what is known
                without a measurement.
        """
        return ()

    def skills(self) -> Optional[Measured]:
        """What the model's predictions are worth now, in inference mode; None if unknown."""
        return None

    def yardsticks(self) -> Tuple[Yardstick, ...]:
        """What classical learners reach on the same rows, output by output; () if unknown."""
        return ()


class Measure(NamedTuple):
    """What the series ``acc`` and ``val_acc`` hold, in the words of a reason.

    Attributes:
        noun: what is measured.
        gain: how far it rises in one epoch.
    """

    noun: str
    gain: str


ACCURACY = Measure('accuracy', 'accuracy gain of an epoch')
LOSS_SHARE = Measure("share of the best constant prediction's loss that is gone",
                     "gain of an epoch in the share of the best constant prediction's loss that "
                     'is gone')
"""Stands in for the accuracy where there is none (:mod:`AutoTrainer.judge.baseline`)."""


SOUND = 'sound'
"""How the note of a training begins that was judged to its end and has no issue."""

ONE_LABEL = 'all training rows have the same label: there is nothing to learn'


class Verdict(NamedTuple):
    """What is said of a training.

    Attributes:
        issues: issue names, the one to be repaired first in front; empty if none was found.
        epoch: epoch (1-based) of the check that found them, 0 before the first step; None if none
            was found.
        reasons: for each issue why, in words and with the numbers, in the same order.
        note: where no issue was found, what that means: sound, or not judged and why.
        told: those of ``issues`` that are only said and stop nothing.
        skill: what the model has learnt of what is there (0 the best constant answer, 1 all of
            it), where it was measured.
        yardstick: what a classical learner gets from the same rows, where that was asked for.
        standing: the two in words; '' where nothing was measured.
        advice: what to change, in words; '' without an issue and under the paper's rules.
        restored: when the best weights were put back before (``on_issue='restore'``), in words; ''.
    """

    issues: Tuple[str, ...] = ()
    epoch: Optional[int] = None
    reasons: Dict[str, str] = {}  # never changed: every verdict brings its own
    note: str = 'not judged: no check has been made yet'
    told: Tuple[str, ...] = ()
    skill: Optional[float] = None
    yardstick: Optional[float] = None
    standing: str = ''
    advice: str = ''
    restored: str = ''

    @property
    def reason(self) -> str:
        """In one line what is learnt, why no more, and what to try; without an issue the note."""
        said = joined(self.reasons) or self.note
        if self.standing:
            said = '%s; %s%s' % (self.standing, 'likely cause: ' if self.is_blamed else '', said)
        said = '; '.join(filter(None, (said, self.restored)))
        return '%s; try: %s' % (said, self.advice) if self.advice else said

    @property
    def is_blamed(self) -> bool:
        """Whether there is an issue that is more than said."""
        return len(self.told) < len(self.issues)

    def as_dict(self) -> Dict[str, Any]:
        """For a record: ``issues``, ``epoch``, ``reason``, ``reasons``."""
        return {'issues': list(self.issues), 'epoch': self.epoch, 'reason': self.reason,
                'reasons': dict(self.reasons)}


class Judgment(NamedTuple):
    """What the recognizer says of a training as it stands.

    Attributes:
        reasons: for each issue found why, in words; the one to be repaired first in front.
        features: the symptoms by upstream's names, True or False; not every symptom is an issue.
        told: issues, with the reasons, that are said at the end but are no reason to stop.
    """

    reasons: Dict[str, str]
    features: Dict[str, bool]
    told: Dict[str, str] = {}  # never changed: every judgment brings its own


def joined(reasons: Mapping[str, str]) -> str:
    """Reasons by issue in one line of text, for a log; it is never taken apart again."""
    return '; '.join('%s: %s' % entry for entry in reasons.items())
