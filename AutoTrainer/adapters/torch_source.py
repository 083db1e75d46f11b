"""The rows of a PyTorch training, told as what a session asks for."""

from typing import Any, List, Optional, Tuple

import numpy as np
import torch

from ..intake import inputs
from ..intake.arrays import draw_batch, row_count
from ..intake.rows import looked_at, probe_rows
from ..judge.baseline import constant_loss
from ..judge.columns import Data, class_never_trained
from ..judge.company import mixes_rows
from ..judge.configuration import accuracy_counts
from ..judge.course import examine_course, in_force, of_later_rates
from ..judge.examine import examine, may_be_codes
from ..judge.facts import Task
from ..judge.labels import label_kind, summarise_labels
from ..judge.losses import PROVING_LOSSES
from ..judge.pairing import IN_ITS_OWN_WAY, takes_outputs_for_labels
from ..judge.preflight import Finding
from ..judge.reference import Constants, Reference, Target
from ..judge.session import Plan, Subject
from ..judge.setup import BATCH_ROWS, Setup
from .torch_anatomy import Anatomy
from .torch_course import Traveller, layers_in_lists
from .torch_cut import layers_cut_off
from .torch_probe import Learner, Probe
from .torch_rows import Rows
from .torch_setup import in_pytorchs_words, own_findings, setup_of


class Source:
    """The rows of a training, for whoever has to look at more than the probe's batch.

    Args:
        rows: training rows.
        held: validation rows; None without any.
        optimizer: of PyTorch; None if it is not known.
        seed: which rows are drawn.
        setup: how the training was set up, noted before it changed the weights; None where it has
            not begun.

    Attributes:
        shapes: labels and outputs as the loss has been seen to get them, see
            :func:`~AutoTrainer.adapters.torch_setup.own_findings`; None if it has not.
    """

    def __init__(self, rows: Rows, held: Optional[Rows] = None, optimizer: Any = None,
                 seed: int = 0, setup: Optional[Setup] = None) -> None:
        self.rows, self.held = rows, held
        self._optimizer, self._seed, self._earlier = optimizer, seed, setup
        self.shapes: Optional[Tuple[Any, Any]] = None
        self._reference: Optional[Reference] = None
        self._setup: Optional[Setup] = None
        self._traveller: Optional[Traveller] = None

    @property
    def labels(self) -> Optional[np.ndarray]:
        """The training labels, if they are one array of numbers."""
        y = self.rows.y
        return y if isinstance(y, np.ndarray) and y.dtype.kind in 'biuf' else None

    def task(self, learner: Learner, anatomy: Anatomy) -> Task:
        """What the training is set to do, as far as no measurement is needed."""
        shape = anatomy.output_shape
        return Task(loss=learner.loss.name, head=anatomy.head,
                    units=int(shape[-1]) if shape and len(shape) > 1 else 1 if shape else 0,
                    labels=self._kind(learner, anatomy), logits=learner.loss.logits,
                    called=learner.loss.kind)

    def _kind(self, learner: Learner, anatomy: Anatomy) -> str:
        if self.labels is None or anatomy.output_shape is None:
            return ''
        return label_kind(_without(self.labels, learner.loss.ignored), anatomy.output_shape)

    def reference(self, learner: Learner, anatomy: Anatomy) -> Reference:
        """What a training on these rows is held against."""
        if self._reference is None:
            task, held, y = self.task(learner, anatomy), self.held, self.rows.y
            # of rows in parts of which a class is left out nothing can be measured row by row
            ignored = learner.loss.ignored
            parts = isinstance(y, np.ndarray) and ignored is not None and bool(
                np.any(y == ignored))
            target = Target(y, None if held is None else held.y, '' if parts else task.labels,
                            task.units, task.logits)
            self._reference = Reference(self.rows.x, [target], None if held is None else held.x,
                                        anatomy.tokens, anatomy.narrowest, self._seed)
        return self._reference

    def begin(self, probe: Probe, epochs: Optional[int], steps: Optional[int] = None) -> None:
        """Note how the training is set up, before it changes the weights.

        Args:
            probe: of the training.
            epochs: planned epochs; None if unknown.
            steps: steps of the optimizer in one of them; None for one for each batch.
        """
        learner, rows, shape = probe.learner, self.rows, probe.anatomy.output_shape
        count = rows.total or row_count(rows.y)
        batch = rows.batch_size or BATCH_ROWS
        if steps is not None and -(-count // batch) != steps:
            batch = -(-count // steps)
        known = self._earlier or setup_of(learner.model, probe.anatomy, self._optimizer)
        self._setup = known._replace(
            task=self.task(learner, probe.anatomy), rows=count, epochs=epochs,
            labels=summarise_labels(rows.y, shape, learner.loss.ignored), batch_size=batch)
        self._traveller = Traveller(probe.anatomy, self._optimizer)

    def ended(self, epoch: int, planned: int) -> None:
        """An epoch has ended, of so many."""
        if self._traveller is not None:
            self._traveller.ended(epoch, planned)

    def findings(self, probe: Probe, thorough: bool) -> List[Finding]:
        """What is wrong with how the training is set up.

        Args:
            probe: of the training.
            thorough: whether to look at the rows too.
        """
        noted, rows, held = self._setup, self.rows, self.held
        if noted is None:
            return []
        setup = noted
        loss, model = probe.learner.loss, probe.learner.model
        y_val = None if held is None else held.y
        own: List[Optional[Finding]] = []
        if thorough and self._traveller is not None:
            course = self._traveller.course()
            own = [*examine_course(setup, course), layers_in_lists(
                probe.learner, probe.few, self._optimizer), layers_cut_off(probe, course)]
            setup = in_force(setup, course)
        if thorough:
            setup = setup._replace(mixes_rows=mixes_rows(probe.learner.predict, probe.batch.x))
        if thorough or may_be_codes(setup):
            found = examine(setup, looked_at(
                rows.x, rows.y, None if held is None else held.x, y_val, probe.anatomy.tokens,
                probe.arriving))
        else:
            never = class_never_trained(Data(y=_array(rows.y), y_val=_array(y_val)),
                                        setup.labels, setup.task.units)
            found = ([] if never is None else [never]) + examine(setup, Data())
        if setup.learning_rate > noted.learning_rate:
            found = of_later_rates(found)
        frozen = not any(parameter.requires_grad for parameter in model.parameters())
        own += own_findings(setup.task, loss, setup, self._optimizer, self._shapes_of(probe),
                            self.shapes is not None, frozen)
        return in_pytorchs_words([one for one in own if one is not None] + [
            one for one in found if frozen or one.name != 'all_frozen'], loss)

    def _shapes_of(self, probe: Probe) -> Tuple[Any, Any]:
        if self.shapes is not None:
            return self.shapes
        shape = probe.anatomy.output_shape
        return (None if self.labels is None else self.labels.shape[1:],
                None if shape is None else shape[1:])

    @staticmethod
    def constant_loss(learner: Learner, labels: Optional[np.ndarray],
                      shape: Any) -> Optional[float]:
        """The loss of the best constant answer for these labels."""
        facts = learner.loss
        if labels is None or not facts.plain:
            return None

        def loss(y: np.ndarray, guess: np.ndarray) -> float:
            with torch.no_grad():
                return float(learner.loss_of(learner.tensors(guess), y))
        if facts.kind == 'KLDivLoss':  # of logarithms
            return None
        return constant_loss(labels, facts.name, loss, shape, facts.logits, facts.ignored)


def _array(y: Any) -> Optional[np.ndarray]:
    return y if isinstance(y, np.ndarray) else None


def _without(labels: np.ndarray, ignored: Optional[int]) -> np.ndarray:
    """Labels without a class number that the loss leaves out; in its place stands class 0."""
    return labels if ignored is None else np.where(labels == ignored, 0, labels)


def probe_of(learner: Learner, source: Source, batch_size: Optional[int] = None,
             seed: int = 0) -> Probe:
    """The probe of a training, with a batch of its rows.

    Args:
        learner: the module with its loss.
        source: the rows.
        batch_size: the training's; the probe's batch has 32 to 512 rows.
        seed: which rows are in it.
    """
    rows = source.rows
    return Probe(learner, draw_batch(rows.x, rows.y, probe_rows(batch_size or rows.batch_size),
                                     seed), source)


def subject_of(learner: Learner, source: Source, plan: Plan, by_skill: bool,
               batch_size: Optional[int] = None, seed: int = 0) -> Subject:
    """What can be told of a module in training.

    Args:
        learner: the module with its loss.
        source: the rows.
        plan: how long the training is to be.
        by_skill: whether skill will be asked for.
        batch_size: the training's; the probe's batch has 32 to 512 rows.
        seed: which rows are in it.

    Raises:
        UserError: for class numbers beyond the module's outputs, or a loss that needs more than
            outputs and labels.
    """
    probe = probe_of(learner, source, batch_size, seed)
    task, shape = source.task(learner, probe.anatomy), probe.anatomy.output_shape
    if source.labels is not None:
        inputs.check_classes(source.labels, task.loss, task.units, learner.loss.ignored)
    probe.try_loss()
    constants: Tuple[Constants, Optional[Constants]] = (Constants(0), None)
    if by_skill:
        source.begin(probe, plan.epochs, plan.steps)
        there = source.reference(learner, probe.anatomy)
        constants = _counted(there.training, source.rows), there.validation
    return Subject(probe, accuracy_counts(task),
                   lambda: source.constant_loss(learner, source.labels, shape), constants,
                   task.loss in PROVING_LOSSES,
                   _unmeasured(learner, source, task, shape, probe) if by_skill else '',
                   is_told=True, held_loss=lambda: None if source.held is None or not by_skill
                   else source.constant_loss(learner, _array(source.held.y), shape))


def _unmeasured(learner: Learner, source: Source, task: Task, shape: Any, probe: Probe) -> str:
    """Why outputs say nothing of what is learnt: a loss of one's own takes them for something."""
    def loss(y: np.ndarray, outputs: np.ndarray) -> float:
        with torch.no_grad():
            return float(learner.loss_of(learner.tensors(outputs), y))
    return '' if learner.loss.kind or source.labels is None or takes_outputs_for_labels(
        loss, probe.batch.y, task.labels, shape) else IN_ITS_OWN_WAY


def _counted(constants: Constants, rows: Rows) -> Constants:
    """Constants of the rows at hand, counted for all of them."""
    return constants._replace(rows=rows.total or constants.rows)
