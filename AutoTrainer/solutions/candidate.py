"""The terms of a repair: what is trained, what came of it, what a solution is, who trains.

Everything that the scheduler, the solutions and the record of a run hand to each other. Knows no
Keras: a model is here what describes it, or an object that nobody looks into.
"""

import random
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from ..judge.facts import joined
from ..judge.issues import ISSUES
from ..judge.session import ENDINGS

Weights = Dict[str, List[np.ndarray]]
"""Arrays by layer name, in the layer's own order; of a subclassed model all under the name ''."""


# --------------------------------------------------------------------------------- what is trained

class Blueprint(NamedTuple):
    """A model before training, from which any number of fresh ones can be built.

    Attributes:
        kind: ``'Sequential'``, ``'Functional'`` or ``'subclassed'``.
        config: ``get_config()``; None for a subclassed model.
        weights: initial weights by layer name, arrays in the layer's own order. Layers that are
            missing here, or whose arrays do not fit, start from their initializers. Of a
            subclassed model all weights, under the name ''.
        original: the model object itself; needed again only if it is subclassed.
    """

    kind: str
    config: Optional[Dict[str, Any]]
    weights: Weights
    original: Any


class Training(NamedTuple):
    """How a model is trained.

    Attributes:
        optimizer: ``{'class_name': str, 'config': dict}``.
        loss: name, function or object, as for ``model.compile``.
        batch_size: rows per step.
        epochs: planned epochs.
        callbacks: ``'estop'``, ``'ReduceLR'`` or Keras callbacks, in the order they are called.
        dataset: ``x``, ``y``, ``x_val``, ``y_val``; the last two may be None.
        metrics: as for ``model.compile``; the accuracy is in it.
        shuffle: whether the rows come in another order in every epoch.
        class_weight: what the rows of a class count, by its number; None for all alike.
        loss_weights: what the losses of several outputs count, as for ``model.compile``.
    """

    optimizer: Dict[str, Any]
    loss: Any
    batch_size: int
    epochs: int
    callbacks: Tuple[Any, ...]
    dataset: Dict[str, Any]
    metrics: Tuple[Any, ...] = ('accuracy',)
    shuffle: bool = True
    class_weight: Optional[Mapping[int, float]] = None
    loss_weights: Any = None


class TargetScale(NamedTuple):
    """The scale on which a model is trained that gives its answers in the units of the labels.

    Attributes:
        offset: what is taken off, output by output.
        scale: what is then divided by.
        logarithm: whether log(1 + label) stands in for the label before that.
    """

    offset: Tuple[float, ...]
    scale: Tuple[float, ...]
    logarithm: bool = False

    def of_labels(self, y: Any) -> np.ndarray:
        """Labels as the model is trained on them; their shape stays."""
        values = np.asarray(y, dtype=np.float64)
        values = np.log1p(np.maximum(values, 0)) if self.logarithm else values
        shape = values.shape if values.ndim > 1 else (-1, 1)
        return ((values.reshape(shape) - self.offset) / self.scale).reshape(
            values.shape).astype(np.float32)

    def of_outputs(self, outputs: Any) -> np.ndarray:
        """Outputs in the units of the labels."""
        values = np.asarray(outputs, dtype=np.float64) * self.scale + self.offset
        with np.errstate(over='ignore'):
            return np.asarray(np.expm1(values) if self.logarithm else values)


class Candidate(NamedTuple):
    """A model and how to train it.

    Attributes:
        model: the untrained model.
        training: how it is trained.
        best: weights at the best epoch of the training that is to be repaired; None unless it had
            learnt before it collapsed.
        targets: the scale on which it is trained; None for that of the labels.
        labels: what was made of the labels: ``'zero-one'`` (of two numbers) or ``'class numbers'``
            (of such as had been divided by a number); '' where they are as they came.
        split: whether training and validation rows were put together and divided anew.
    """

    model: Blueprint
    training: Training
    best: Optional[Weights] = None
    targets: Optional[TargetScale] = None
    labels: str = ''
    split: bool = False

    def trained(self, **changes: Any) -> 'Candidate':
        """The same, trained otherwise: ``changes`` are of :class:`Training`."""
        return self._replace(training=self.training._replace(**changes))


# ----------------------------------------------------------------------------------- what a try is

class NotApplicable(Exception):
    """Raised by a solution that would change nothing or cannot be used; says why."""


class Solution(NamedTuple):
    """One way to repair a training.

    Attributes:
        name: key in the strategies (``'lr'`` in ``'lr_3'``).
        words: what it does, in one sentence.
        sufferance: how much it changes the model: 0 only how it is trained, 1 starting weights,
            what acts in training only, or what stands at its ends, 2 its hidden activations,
            3 adds layers with weights.
        apply: (candidate, issue, attempt, random numbers) → (changed candidate, description).
            ``attempt`` counts the tries of this solution from 0. The candidate is not changed;
            nothing is trained and no model is built. Raises :class:`NotApplicable`.
        memory: whether it needs much more memory.
    """

    name: str
    words: str
    sufferance: int
    apply: Callable[[Candidate, str, int, random.Random], Tuple[Candidate, str]]
    memory: bool = False


class Step(NamedTuple):
    """One training that a repair asks for.

    Attributes:
        number: counts the trainings of a repair from 1.
        solution: name of the solution.
        attempt: which try of it, from 1.
    """

    number: int
    solution: str
    attempt: int


class AttemptRecord(NamedTuple):
    """One try of a solution, as it goes on record.

    Attributes:
        repairs: the issue that it was to repair.
        solution: name of the solution.
        attempt: which try of it, from 1.
        status: ``'solved'`` (no issue is left), ``'potential'`` (the issue is gone, but another has
            come up, or a callback ended the training before it had converged), ``'failed'`` (the
            issue is left), ``'skipped'`` (it would have changed nothing) or ``'error'`` (it broke
            down).
        description: what was changed; of a skipped one why it was skipped.
        number: of its training; None for a skipped one.
        issue: the issue to be repaired next; None without any.
        val_accuracy: see :class:`TrainingRecord`.
        epochs: see :class:`TrainingRecord`.
        seconds: of training and checks; of one that broke down, until it did.
        ended: see :class:`TrainingRecord`; None where no training has ended.
        traceback: of an error.
    """

    repairs: str
    solution: str
    attempt: int
    status: str
    description: str
    number: Optional[int] = None
    issue: Optional[str] = None
    val_accuracy: Optional[float] = None
    epochs: int = 0
    seconds: float = 0.0
    ended: Optional[str] = None
    traceback: Optional[str] = None

    def to_json(self) -> Dict[str, Any]:
        """The attempt as it stands in ``result.json`` and ``events.jsonl``."""
        # Python has no field called 'try'
        return {'try' if name == 'attempt' else name: value
                for name, value in self._asdict().items()
                if value is not None or name not in ('number', 'ended', 'traceback')}


# -------------------------------------------------------------------------------- what came of it

class TrainingRecord(NamedTuple):
    """What one training came to, in plain values: all of it goes into ``events.jsonl``.

    Attributes:
        issues: issues found, the one to be repaired first in front; empty for a normal run.
        reasons: for each issue why, in words.
        epoch: epoch (1-based) of the check that found them; None for a normal run.
        epochs: epochs trained.
        val_accuracy: validation accuracy at the end (training accuracy without validation data);
            None without any accuracy.
        score: what attempts are compared by, higher is better: the accuracy, or minus the loss
            where there is none; minus infinity for a run without a finite number.
        checks: checks made.
        probes: checks that looked at gradients.
        train_seconds: seconds of training, checks left out.
        check_seconds: seconds of checks.
        ended: who ended it, see :data:`AutoTrainer.judge.session.ENDINGS`.
        converged: whether it had reached Theta by then (without any accuracy: True).
        note: where no issue was found, what that means: sound, or not judged and why; also what is
            only told.
        skill: what the model has learnt at the end, on validation rows (training rows without
            any), see :mod:`AutoTrainer.judge.skill`; None where that cannot be measured.
        skill_error: its standard error.
        skill_form: its form.
        yardstick: what a classical learner gets from the same rows, where that was asked for.
    """

    issues: Tuple[str, ...]
    reasons: Mapping[str, str]
    epoch: Optional[int]
    epochs: int
    val_accuracy: Optional[float]
    score: float
    checks: int
    probes: int
    train_seconds: float
    check_seconds: float
    ended: str = 'planned'
    converged: bool = True
    note: str = ''
    skill: Optional[float] = None
    skill_error: Optional[float] = None
    skill_form: str = ''
    yardstick: Optional[float] = None

    @property
    def reason(self) -> str:
        """The reasons in one line of text; '' for a normal run."""
        return joined(self.reasons)

    @property
    def seconds(self) -> float:
        """Seconds of training and checks."""
        return self.train_seconds + self.check_seconds

    @property
    def is_proven(self) -> bool:
        """Whether "no issue was found" says that the training is sound.

        Not where a callback ended it before it had converged: the symptoms that show later, and
        that its accuracy stays low, could then not be seen.
        """
        return self.ended in ('planned', 'satisfied') or self.converged

    def to_json(self) -> Dict[str, Any]:
        """The record as it stands in ``events.jsonl``."""
        return dict(self._asdict(), reason=self.reason)

    @classmethod
    def from_json(cls, told: Any) -> 'TrainingRecord':
        """Read what :meth:`to_json` gave, through JSON.

        Args:
            told: the record. Runs of earlier versions have neither ``reasons`` (only the text) nor
                ``ended`` and ``converged``: their trainings count as run to the planned end.

        Raises:
            ValueError: if an entry is missing or of a wrong kind.
            Exception: of other kinds if it is no record at all.
        """
        fields = dict(_LATER, **{name: told[name] for name in _KINDS
                                 if name in told or name not in _LATER})
        for name, kinds in _KINDS.items():
            if not isinstance(fields[name], kinds):
                raise ValueError(name)
        issues = tuple(fields['issues'])
        text, reasons = fields.pop('reason'), fields.pop('reasons')
        if reasons is None:  # the text holds those of all issues; it is not taken apart
            reasons = {name: text[len(name + ': '):] if text.startswith(name + ': ') else text
                       for name in issues[:1]}
        if not set(issues) <= set(ISSUES) or not set(reasons) <= set(issues):
            raise ValueError('issues')
        if fields['ended'] not in ENDINGS:
            raise ValueError('ended')
        if fields['score'] is None:  # JSON has no minus infinity
            fields['score'] = float('-inf')
        return cls(**dict(fields, issues=issues, reasons=reasons))


_KINDS: Dict[str, Tuple[type, ...]] = {
    'issues': (list,), 'reason': (str,), 'reasons': (dict, type(None)),
    'epoch': (int, type(None)), 'epochs': (int,),
    'val_accuracy': (int, float, type(None)), 'score': (int, float, type(None)), 'checks': (int,),
    'probes': (int,), 'train_seconds': (int, float), 'check_seconds': (int, float),
    'ended': (str,), 'converged': (bool,), 'note': (str,),
    'skill': (int, float, type(None)), 'skill_error': (int, float, type(None)),
    'skill_form': (str,), 'yardstick': (int, float, type(None))}
_LATER: Dict[str, Any] = {'reasons': None, 'ended': 'planned', 'converged': True, 'note': '',
                          'skill': None, 'skill_error': None, 'skill_form': '', 'yardstick': None}
"""Entries that the first runs had not yet, and what stands in for them."""


class Outcome(NamedTuple):
    """What one training came to: the plain record, and what hangs on it.

    Attributes:
        record: see :class:`TrainingRecord`.
        model: the trained model; None where it was taken from the record of an interrupted run.
        model_path: file of the model where ``model`` is None.
        best_weights: weights at the best epoch; None unless the training had learnt before it
            collapsed.
        weights: of ``model`` at the end, where every training is of this same object (a subclassed
            model), which the next one changes; else None.
    """

    record: TrainingRecord
    model: Any
    model_path: str = ''
    best_weights: Optional[Weights] = None
    weights: Optional[List[Any]] = None


class Repair(NamedTuple):
    """What a repair came to.

    Attributes:
        status: ``'repaired'`` (a training without an issue), ``'improved'`` (it trains better than
            before, but an issue is left, or a callback ended it before it had converged) or
            ``'failed'``; of a training that was not repaired ``'normal'`` or ``'detected'``.
        candidate: the model and training of the best outcome.
        outcome: the best outcome; the one to be repaired if nothing was better.
        solution: the solutions that led there, joined by ``+``; '' for none.
    """

    status: str
    candidate: Candidate
    outcome: Outcome
    solution: str = ''


# -------------------------------------------------------------------------------------- who trains

class BrokeDown(Exception):
    """A training that broke down before the run was interrupted, and does so again by its record.

    Args:
        told: the traceback of that time.
    """

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class Runner:
    """Makes the trainings that a repair asks for, and is told what came of each attempt.

    The scheduler knows nothing else of the world. To race candidates, to train elsewhere or to
    make trainings up in a test is another runner.

    Attributes:
        attempts: all attempts so far, in the order in which they ended.
    """

    def __init__(self) -> None:
        self.attempts: List[AttemptRecord] = []

    def run(self, candidate: Candidate, step: Step, seed: int) -> Outcome:
        """Train a candidate under the monitor, or say what came of it when it was trained before.

        Args:
            candidate: what to train, and how.
            step: which training of the repair it is.
            seed: for everything random in it.

        Raises:
            Exception: whatever a training can raise: the attempt has broken down. Only a
                :class:`~AutoTrainer.record.folder.RecordError` ends the repair.
        """
        raise NotImplementedError

    def attempted(self, attempt: AttemptRecord, outcome: Optional[Outcome]) -> None:
        """Take note of an attempt that has ended.

        Args:
            attempt: what came of it.
            outcome: of its training; None if it was skipped or broke down.
        """
        self.attempts.append(attempt)
