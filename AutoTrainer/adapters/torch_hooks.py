"""Watching a loop of PyTorch that is left as it is: what happens is heard from hooks.

In each batch next to nothing is done: the loss is read where it is there already, else kept as it
is, without waiting for the device. What costs more (the rows, how many steps an epoch has) is taken
in the first epoch alone.
"""

import inspect
import weakref
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import torch
from torch import nn

from ..errors import first_line
from ..intake.arrays import Batch, row_count
from ..judge.columns import MOST_ROWS
from ..judge.setup import Setup
from ..utils.logger import LOGGER
from .torch_anatomy import to_numpy
from .torch_doubt import Doubt, Doubtful, as_it_is
from .torch_heard import Heard
from .torch_losses import loss_facts
from .torch_probe import Learner, Probe, undisturbed, unwrapped
from .torch_rows import Rows
from .torch_setup import setup_of


class StopTraining(Exception):
    """Raised in the middle of a loop that was asked to be stopped so."""


class Gathered:
    """Rows of the first epoch, as they come by."""

    def __init__(self) -> None:
        self._x: List[Any] = []
        self._y: List[Any] = []
        self._held = 0
        self.seen = 0

    def add(self, x: Any, y: Any) -> None:
        """A batch; its rows are copied."""
        rows = len(y)
        self.seen += rows
        if self._held < MOST_ROWS:
            self._held += rows
            self._x.append(_mapped(x))
            self._y.append(to_numpy(y).copy())

    def rows(self, steps: Optional[int] = None) -> Optional[Rows]:
        """What was gathered; None without a row."""
        if not self._y:
            return None
        if isinstance(self._x[0], dict):
            x: Any = {key: np.concatenate([part[key] for part in self._x]) for key in self._x[0]}
        elif isinstance(self._x[0], list):
            x = [np.concatenate(parts) for parts in zip(*self._x)]
        else:
            x = np.concatenate(self._x)
        return Rows(x, np.concatenate(self._y), self.seen, steps, len(self._y[0]))


def _mapped(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: to_numpy(value).copy() for key, value in x.items()}
    if isinstance(x, list):
        return [to_numpy(value).copy() for value in x]
    return to_numpy(x).copy()


def _nothing() -> None:
    """What a reference comes to where there is nothing left, or nothing to refer to."""


def needs_closure(optimizer: Any) -> bool:
    """Whether an optimizer computes the loss by itself, as often as it likes: LBFGS."""
    if optimizer is None:
        return False
    closure = inspect.signature(optimizer.step).parameters.get('closure')
    return closure is not None and closure.default is inspect.Parameter.empty


class Hooks:
    """Hears what happens in a loop, and tells of epochs that have ended.

    An epoch ends when as many batches have been trained on as the loader has (as many rows as ``x``
    has); where neither is known, when training goes on after a validation. What is validated
    before the next training batch belongs to it. A batch counts as training where the module is in
    training mode and the loss has a gradient; in inference mode, where the weights are seen to
    change from one to the next. Where the loss is called again with the very same output, as mixed
    labels ask for, that is the same batch, and the first of its losses stands for it.

    Args:
        model: the module, as it is trained.
        loss_fn: the loss module, called once for each batch with ``(output, target)``.
        optimizer: of the training; None if it is not known.
        batches: of an epoch; None if unknown.
        rows: of an epoch; None if unknown.
        held_rows: that are validated after each epoch; None if that is only to be seen.
        gathers: whether rows are to be gathered.
        on_start: called before the first step, with the shapes of labels and outputs without rows.
        on_epoch: called with the values of an epoch, see ``Core.epoch``.
        stop_here: called where the loop can be left, before a step; may raise.
    """

    def __init__(self, model: nn.Module, loss_fn: nn.Module, optimizer: Any,
                 batches: Optional[int], rows: Optional[int], held_rows: Optional[int],
                 gathers: bool,
                 on_start: Callable[[Tuple[Any, Any]], None],
                 on_epoch: Callable[[Dict[str, Optional[float]]], None],
                 stop_here: Callable[[], None]) -> None:
        self._model, self._loss_fn, self._optimizer = model, loss_fn, optimizer
        self._batches, self._rows = batches, rows
        self._on_start, self._on_epoch, self._stop_here = on_start, on_epoch, stop_here
        facts = loss_facts(loss_fn)
        self._training, self._validation = Heard(facts), Heard(facts)
        self._mode: Any = unwrapped(model)
        self._held_rows = held_rows
        self._training.samples = not held_rows
        self._is_first = True
        self._alike = 0  # batches of an epoch up to which nothing but their loss is to be kept
        self._started = self._is_deaf = self._trains_in_eval = False
        self._outputs: Dict[bool, Any] = {}  # the last one of losses with a gradient, and without
        self._repeats = False  # whether the loss is called more than once for a batch
        self._doubt = Doubt(self._mode)
        self._given: Any = None
        self.steps = 0
        self.gathered = Gathered() if gathers else None
        self.held = Gathered() if gathers else None
        self.setup: Optional[Setup] = None
        self._removed: List[Any] = [
            loss_fn.register_forward_hook(self._after_loss, with_kwargs=True)]
        self._first: List[Any] = []
        if gathers:
            self._first.append(model.register_forward_pre_hook(self._before_model,
                                                               with_kwargs=True))
        if optimizer is not None:
            self._first.append(optimizer.register_step_post_hook(self._after_step))

    # ----------------------------------------------------------------------------------- each batch

    def _after_loss(self, module: nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any],
                    loss: torch.Tensor) -> None:
        heard = self._training
        if (heard.batches < self._alike and loss.requires_grad and self._mode.training
                and not kwargs):
            count = args[1].shape[0]
            heard.sum += loss.item() * count
            heard.rows += count
            heard.batches += 1
        else:
            self._listen(self._in_order(args, kwargs), loss)

    def _in_order(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Tuple[Any, ...]:
        """What the loss was called with, whether by place or by name."""
        if kwargs:
            bound = inspect.signature(self._loss_fn.forward).bind(*args, **kwargs)
            return tuple(bound.arguments.values())
        return args

    def _listen(self, args: Tuple[Any, ...], loss: torch.Tensor) -> None:
        """Any batch, whatever else is to be done with it."""
        if len(args) < 2:
            if not self._is_deaf:
                LOGGER.warning('the loss is called with %d value%s, not with (output, target): '
                               'its batches are not heard; call watch.epoch(loss=…) after each '
                               'epoch instead', len(args), 's' * (len(args) != 1))
            self._is_deaf = True
            return
        if self._is_repeated(args[0], loss.requires_grad):
            self._repeats, self._alike = True, 0
            return
        trains = loss.requires_grad and (self._mode.training or self._trains_in_eval
                                         or self._is_training(args, loss))
        self._hear(args, loss, trains)

    def _is_repeated(self, output: Any, graded: bool) -> bool:
        """Whether this is the output of the call before, which is kept alive by the loop alone."""
        if torch.compiler.is_compiling():
            return False
        before = self._outputs.get(graded, _nothing)()
        # weights that are given out as they are stay the same object for good
        comparable = isinstance(output, torch.Tensor) and not isinstance(output, nn.Parameter)
        self._outputs[graded] = weakref.ref(output) if comparable else _nothing
        return comparable and before is output

    def _hear(self, args: Tuple[Any, ...], loss: torch.Tensor, trains: bool) -> None:
        if trains:
            heard = self._training
            self._before_batch(args)
        else:
            heard = self._validation
            if self._is_first and self.held is not None:
                self._gather(args, self.held)
        heard.add(args[0], args[1], loss)
        if trains and self._batches is not None and not (self._is_first or self._repeats):
            self._alike = min(self._batches, heard.alike_until(args[1], loss))

    def _is_training(self, args: Tuple[Any, ...], loss: torch.Tensor) -> bool:
        """Whether a batch in inference mode is one of the training; so are those before it."""
        doubt = self._doubt
        batch = Doubtful(tuple(one.detach() if isinstance(one, torch.Tensor) else one
                               for one in args), loss.detach(), self._given,
                         as_it_is(self._validation),
                         None if self.held is None else as_it_is(self.held))
        if not doubt.is_training(batch, self._training.batches):
            return False
        LOGGER.warning('weights change while model.training is False, so that Dropout and '
                       'BatchNorm do not train as they should; call model.train() at the beginning '
                       'of each epoch')
        self._trains_in_eval = True
        given, batches = self._given, doubt.batches
        self._validation, self.held = batches[0].before, batches[0].held
        for batch in batches[:-1]:
            self._given = batch.given
            self._hear(batch.args, batch.loss, True)
        self._given = given
        doubt.forget()
        return True

    def _before_batch(self, args: Tuple[Any, ...]) -> None:
        """A training batch that may be the first of all, or of an epoch."""
        if self._training.batches and self._is_full():
            self.close()
            self._stop_here()
        if self._is_first:
            self._first_epoch(args, self.gathered)

    def _is_full(self) -> bool:
        if self._batches is not None:
            return self._training.batches >= self._batches
        if self._rows is not None:
            # a loop may leave out a last batch that is not whole
            seen, batches = self._training.rows, self._training.batches
            return seen >= self._rows or (self._validation.batches > 0
                                          and seen + seen / batches > self._rows)
        return self._validation.batches > 0

    # ------------------------------------------------------------------------------ the first epoch

    def _before_model(self, module: nn.Module, args: Tuple[Any, ...],
                      kwargs: Dict[str, Any]) -> None:
        if not kwargs and len(args) == 1:
            self._given = args[0]
        else:
            self._given = list(args) if not kwargs else None if args else dict(kwargs)

    def _after_step(self, *arguments: Any) -> None:
        self.steps += 1

    def _first_epoch(self, args: Tuple[Any, ...], gathered: Optional[Gathered]) -> None:
        if not self._started:
            self._started = True
            if gathered is not None:
                given = self._given
                self._note_setup(args)
                self._given = given  # the look at the module has gone through the hook
            shapes = [getattr(part, 'shape', None) for part in args[:2]]
            output, labels = [None if s is None else tuple(s[1:]) for s in shapes]
            self._on_start((labels, output))
            self._stop_here()
        if gathered is not None:
            self._gather(args, gathered)

    def _gather(self, args: Tuple[Any, ...], gathered: Gathered) -> None:
        try:
            if len(args) == 2 and row_count(self._given) == len(args[1]):
                gathered.add(self._given, args[1])
        except Exception as error:  # of what comes in that is no tensor
            LOGGER.debug('the rows cannot be gathered: %s', first_line(error))

    def _note_setup(self, args: Tuple[Any, ...]) -> None:
        """How the training is set up, as long as its weights are the first ones."""
        model = self._mode
        try:
            learner = Learner(model, self._loss_fn, labels=args[1])
            probe = Probe(learner, Batch(_mapped(self._given), to_numpy(args[1])), None)
            with undisturbed(model):
                self.setup = setup_of(model, probe.anatomy, self._optimizer)
        except Exception as error:  # of a module that nobody foresaw
            LOGGER.debug('how the training is set up cannot be told: %s', first_line(error))

    # ------------------------------------------------------------------------------------ its end

    @property
    def trains(self) -> bool:
        """Whether a training batch has been seen."""
        return self._started

    @property
    def is_in_doubt(self) -> bool:
        """Whether losses had a gradient in inference mode, and it cannot be told what for."""
        return bool(self._doubt.batches)

    @property
    def knows_epochs(self) -> bool:
        """Whether one epoch can be told from the next."""
        return (self._batches is not None or self._rows is not None or bool(self._held_rows)
                or self._validation.batches > 0)

    def settle(self) -> None:
        """Close an epoch of which nothing more is to come, as far as that is known."""
        if self._held_rows is not None and self._validation.rows >= self._held_rows:
            self.close()

    def close(self) -> None:
        """An epoch has ended; one that was left in its middle is not counted."""
        if not self._training.batches or not self._is_full():
            return
        values = {'loss': self._training.loss(), 'acc': self._training.accuracy(),
                  'val_loss': self._validation.loss(), 'val_acc': self._validation.accuracy()}
        self._held_rows = self._validation.rows
        # what is right of training rows is asked for where nothing else says what is learnt
        self._training.samples = not self._held_rows
        if self._is_first:
            self._is_first = False
            for hook in self._first:
                hook.remove()
            self._given = None
        self._alike = 0
        self._doubt.forget()
        self._training.clear()
        self._validation.clear()
        self._on_epoch(values)
        self.gathered = self.held = None

    def remove(self) -> None:
        """Hear nothing more."""
        for hook in self._removed + self._first:
            hook.remove()
