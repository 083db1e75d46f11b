"""``Watch`` and ``check`` for a training loop of PyTorch."""

from typing import Any, Dict, List, Mapping, Optional

from torch import nn

from ..errors import UserError, first_line
from ..intake.config import check_count, check_seed
from ..judge.facts import Verdict
from ..judge.preflight import CERTAIN, Finding
from ..judge.session import Plan, Session
from ..judge.setup import Setup
from ..judge.windows import Windows
from ..report.observers import observers_of
from ..utils.logger import LOGGER
from .torch_core import Core, check_loss_fn, steps_of, watching_of
from .torch_hooks import Hooks, StopTraining, needs_closure
from .torch_probe import Learner, unwrapped
from .torch_rows import STREAM, Rows, is_stream, rows_of, validation_rows
from .torch_source import Source, probe_of
from .torch_windows import Feed, check_unit, plan_of

_OF_STREAMS = ('leave x out where the loop is left as it is (its rows are seen as they come by), '
               'or give some rows as x and y where the loop calls watch.epoch()')


class Watch:
    """Watches a training loop of PyTorch; silent while all is well.

    The training is not changed: with the same seed its losses are the same to the last bit.

    Args:
        model: the module that is trained; also compiled, or wrapped for data parallelism.
        loss_fn: called with ``(output, target)``: a module, or a function.
        x: inputs: tensors or arrays of all rows, or the DataLoader or Dataset that gives inputs and
            labels. Without them only the history is judged, by the paper's rules.
        y: labels; None where ``x`` gives both.
        epochs: planned epochs.
        validation_data: ``(x, y)``, or a DataLoader.
        optimizer: of the training; without it nothing is said of its learning rate.
        batch_size: rows of a step, where no loader says it.
        unit: ``'epochs'``, or ``'steps'`` to judge windows of steps: for trainings of one epoch, or
            a few. :meth:`step` is called after each step then, and the ``epoch`` of a verdict is
            the number of a window.
        steps: planned steps, where no loader and ``epochs`` say it.
        window: steps of a window; default a fiftieth of the training, at least 10.
        stop: True for ``on_issue='stop'``, False for ``on_issue='continue'``.
        raise_on_issue: whether the form with hooks ends the ``with`` block where the training
            should stop; otherwise it only sets ``should_stop``.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        seed: which rows are looked at.
        progress: whether to show a live line: epoch, skill, what is being suspected.
        tensorboard: folder for what TensorBoard shows of the training.
        settings: those of :class:`~AutoTrainer.settings.Watching` by name; ``checktype`` is
            ``'adaptive'`` unless given.

    Attributes:
        verdict: a :class:`~AutoTrainer.judge.facts.Verdict`.
        should_stop: whether the training should stop.

    Raises:
        UserError: for a wrong argument, or data that cannot be trained on, at once.

    Example:
        >>> watch = Watch(model, loss_fn, x, y, epochs=50, optimizer=opt)  # doctest: +SKIP
        >>> for epoch in range(50):  # doctest: +SKIP
        ...     loss = train_one_epoch()
        ...     if watch.epoch(loss=loss):
        ...         break
        >>> watch.end()  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, model: Any, loss_fn: Any, x: Any = None, y: Any = None, *,
                 epochs: Optional[int] = None, validation_data: Any = None, optimizer: Any = None,
                 batch_size: Optional[int] = None, unit: str = 'epochs',
                 steps: Optional[int] = None, window: Optional[int] = None,
                 stop: Optional[bool] = None, raise_on_issue: bool = False,
                 save_dir: Optional[str] = None, seed: int = 0, progress: bool = False,
                 tensorboard: Optional[str] = None, **settings: Any) -> None:
        self._watching = watching_of(Watch, stop, settings)
        self._observers = observers_of(progress, tensorboard)
        _check_model(model, loss_fn)
        check_unit(unit, window)
        for name, count in (('epochs', epochs), ('batch_size', batch_size), ('steps', steps)):
            if count is not None:
                check_count(name, count)
        if unit == 'epochs' and epochs is None:
            raise UserError('epochs is missing; give the number of planned epochs%s' % (
                '' if steps is None else ", or unit='steps' to judge windows of steps"))
        check_seed(seed)
        self._model, self._loss_fn, self._optimizer = model, loss_fn, optimizer
        self._epochs, self._save_dir, self._seed = epochs, save_dir, seed
        self._unit, self._steps, self._window = unit, steps, window
        self._feed = Feed()
        self._raises = raise_on_issue
        self._core: Optional[Core] = None
        self._hooks: Optional[Hooks] = None
        self._rows: Optional[Rows] = None
        self._held_rows: Optional[int] = None
        self._saved: Optional[Mapping[str, Any]] = None
        self._windows: Optional[Windows] = None
        if x is None:
            self._plan(None)
        else:
            if y is None and is_stream(x):
                raise UserError(STREAM % 'x' + '; ' + _OF_STREAMS)
            self._rows = rows_of(x, y)
            if batch_size is not None:
                self._rows = self._rows._replace(batch_size=batch_size)
            held = validation_rows(validation_data)
            self._held_rows = 0 if held is None else held.total
            self._make(self._rows, held)

    def _make(self, rows: Optional[Rows], held: Optional[Rows] = None,
              setup: Optional[Setup] = None) -> Core:
        """Begin the session: of what is known of the rows, before the first step or after."""
        plan = self._plan(rows)
        self._core = Core(self._model, self._loss_fn, self._watching, plan, rows, held,
                          self._optimizer, save_dir=self._save_dir, seed=self._seed, setup=setup,
                          observers=self._observers,
                          unmeasured='Watch has no rows' if rows is None else '')
        if self._saved is not None:
            self._go_on_from(self._saved)
        return self._core

    def _plan(self, rows: Optional[Rows]) -> Plan:
        """How long the training is to be, in epochs or in windows of steps."""
        known = None if rows is None else steps_of(rows)
        # rows that were gathered in a window say nothing of an epoch
        limited = self._unit == 'steps' and self._steps is not None
        plan, self._windows = plan_of(self._unit, self._window, None if limited else self._epochs,
                                      known, self._steps if limited else None)
        return plan

    @property
    def core(self) -> Core:
        """What judges; without any rows it begins when it is first asked for."""
        if self._core is None:
            LOGGER.warning('Watch has no rows: only the history is judged, by the rules of the '
                           'paper; give x and y, or a DataLoader, to have skill measured')
            self._make(None)
        assert self._core is not None
        return self._core

    @property
    def session(self) -> Session:
        """The session of the training: its history, checks and probes, who ended it.

        Raises:
            UserError: where its rows are still to be gathered.
        """
        if self._core is None and self._hooks is not None:
            raise UserError('there is no session yet: without x the rows of the first epoch are '
                            'gathered, and it begins where that ends')
        return self.core.session

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons."""
        return Verdict() if self._core is None else self._core.verdict

    @property
    def should_stop(self) -> bool:
        """Whether the training should stop."""
        if self._hooks is not None:
            self._hooks.settle()
        return self._core is not None and self._core.should_stop

    def epoch(self, loss: Any = None, accuracy: Any = None, val_loss: Any = None,
              val_accuracy: Any = None, **others: Any) -> bool:
        """An epoch has ended.

        Args:
            loss: mean over its training rows: a number, or a tensor of one.
            accuracy: share of right answers among them, from 0 to 1.
            val_loss: likewise on validation rows.
            val_accuracy: likewise.
            others: ``acc`` and ``val_acc`` are other names of the accuracies; what has any other
                name is not judged, which is said once.

        Returns:
            Whether the training should stop.
        """
        self._speaks_itself()
        if self._windows is not None:
            self._feed.hold({'val_loss': val_loss, 'val_acc': others.get('val_acc', val_accuracy)})
            return self.should_stop
        known = self._feed.values()
        return self.core.epoch(dict(
            others, loss=known['loss'] if loss is None else loss, val_loss=val_loss,
            accuracy=known['acc'] if accuracy is None else accuracy, val_accuracy=val_accuracy))

    def step(self, loss: Any = None, accuracy: Any = None, val_loss: Any = None,
             val_accuracy: Any = None, rows: int = 1) -> bool:
        """A step has been made; nothing is asked of the device before its window, or epoch, ends.

        Args:
            loss: of its batch; under ``unit='epochs'`` the mean of these is what :meth:`epoch` is
                not told.
            accuracy: likewise.
            val_loss: of a validation that was made after this step.
            val_accuracy: likewise.
            rows: of the batch, where batches differ in size.

        Returns:
            Whether the training should stop.
        """
        self._speaks_itself()
        self._feed.step(loss, accuracy, rows)
        self._feed.hold({'val_loss': val_loss, 'val_acc': val_accuracy})
        if self._windows is not None and self._windows.ended_by(self._feed.steps):
            return self.core.epoch(self._feed.values())
        return self.should_stop

    def _speaks_itself(self) -> None:
        """This loop says itself what happens: nothing has to be heard from hooks."""
        if self._hooks is not None:
            self._hooks.remove()
            self._hooks = None

    def end(self) -> None:
        """The training has ended; if before its planned end, it is judged as it stands."""
        self._end(interrupted=False)

    def _end(self, interrupted: bool) -> None:
        if self._hooks is not None:
            self._hooks.remove()
            self._hooks.close()
            self._hooks = None
        if self._core is not None:
            self._core.end(interrupted)

    def state_dict(self) -> Dict[str, Any]:
        """What :meth:`load_state_dict` needs, in plain values, for a checkpoint of one's own."""
        return {} if self._core is None else dict(self._core.state_dict(),
                                                  feed=self._feed.state())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with a training that was watched before, where its checkpoint was written."""
        self._saved = state or None
        if self._saved is not None and self._core is not None:
            self._go_on_from(state)

    def _go_on_from(self, state: Mapping[str, Any]) -> None:
        assert self._core is not None
        self._core.load_state_dict(state)
        self._feed.restore(state['feed'])

    # ------------------------------------------------------------------------ the loop as it is

    def __enter__(self) -> 'Watch':
        if not isinstance(self._loss_fn, nn.Module):
            LOGGER.warning('loss_fn is a function, which has no hooks: nothing is heard unless '
                           'watch.epoch(loss=...) is called at the end of each epoch; or give the '
                           'loss as a module')
            return self
        if needs_closure(self._optimizer):
            raise UserError('%s computes the loss several times for one step, so that batches '
                            'cannot be counted from hooks; leave `with` out and call '
                            'watch.epoch(loss=...) after each epoch'
                            % type(self._optimizer).__name__)
        rows, windows = self._rows, self._windows
        batches = None if rows is None else rows.steps
        self._hooks = Hooks(self._model, self._loss_fn, self._optimizer,
                            batches if windows is None else windows.steps,
                            None if rows is None else rows.total,
                            self._held_rows if windows is None else 0, rows is None, self._starts,
                            self._ends_epoch, self._stop_here)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        unheard = self._unheard()
        self._end(interrupted=kind is not None)
        if kind is None and unheard:
            LOGGER.warning('no epoch was seen: %s', unheard)
        return isinstance(error, StopTraining) and error.args[:1] == (self,)

    def _unheard(self) -> str:
        """Why no epoch has been seen in a loop that is left as it is; '' if one has, or will be."""
        hooks = self._hooks
        if self._core is not None and (self._core.session.epochs or self._core.should_stop):
            return ''
        if hooks is None or hooks.trains and hooks.knows_epochs:
            return ''
        if not hooks.trains and hooks.is_in_doubt:
            return ('the loss had a gradient only where model.training was False; call '
                    'model.train() at the beginning of each epoch')
        if not hooks.trains:
            return 'the loss module that was given was called in no training step'
        return ('where one ends cannot be told from the loop; give x, the DataLoader of the '
                'training rows')

    def _starts(self, shapes: Any) -> None:
        """The first step is about to be made; labels and outputs have been seen."""
        if self._watching.on_issue == 'restore':
            raise UserError("on_issue='restore' would put weights back between the outputs of a "
                            'batch and its step; call watch.epoch() at the end of each epoch')
        if self._core is not None:
            self._core.starts(shapes)

    def _ends_epoch(self, values: Mapping[str, Optional[float]]) -> None:
        hooks = self._hooks
        if self._core is None and hooks is not None and hooks.gathered is not None:
            held = None if hooks.held is None else hooks.held.rows()
            rows = hooks.gathered.rows(hooks.steps or None)
            self._make(rows, held, hooks.setup)
        self.core.epoch(values)
        if self._windows is None and self.session.epochs > self.session.plan.epochs:
            self.core.say('more epochs were heard than the %d that are planned; if the loop makes '
                          'no more, its validation counts as training: make it after model.eval() '
                          'and under torch.no_grad()' % self.session.plan.epochs)

    def _stop_here(self) -> None:
        if self._raises and self._core is not None and self._core.should_stop:
            raise StopTraining(self)


def _check_model(model: Any, loss_fn: Any) -> None:
    if not isinstance(model, nn.Module):
        raise UserError('model is a %s; give a torch.nn.Module' % type(model).__name__)
    if isinstance(model, nn.modules.loss._Loss):
        raise UserError('model is a %s, which is a loss; give the model first, then the loss'
                        % type(model).__name__)
    check_loss_fn(loss_fn)


def check(model: Any, loss_fn: Any, x: Any, y: Any = None, optimizer: Any = None,
          validation_data: Any = None, epochs: Optional[int] = None,
          batch_size: Optional[int] = None) -> List[Finding]:
    """What is wrong with a training, found without a single step of it.

    Module, optimizer and random states stay as they are.

    Args:
        model: the module.
        loss_fn: called with ``(output, target)``.
        x: see :class:`Watch`.
        y: likewise.
        optimizer: of the training; without it nothing is said of its learning rate.
        validation_data: ``(x, y)``, or a DataLoader.
        epochs: planned epochs; without them nothing is said of how long the training is.
        batch_size: rows per step, where no loader says it; default 32.

    Returns:
        The findings of :func:`AutoTrainer.check`, in PyTorch's words, the surest in front.

    Raises:
        UserError: for a wrong argument, or data that does not go into the module.
    """
    _check_model(model, loss_fn)
    for name, count in (('epochs', epochs), ('batch_size', batch_size)):
        if count is not None:
            check_count(name, count)
    if y is None and is_stream(x):
        raise UserError(STREAM % 'x' + '; give some of its rows as x and y')
    rows = rows_of(x, y)
    if batch_size is not None:
        rows = rows._replace(batch_size=batch_size)
    module = unwrapped(model)
    if not any(True for _ in module.parameters()):
        raise UserError('the module has no parameters: there is nothing to train')
    source = Source(rows, validation_rows(validation_data), optimizer)
    probe = probe_of(Learner(module, loss_fn, labels=rows.y), source)
    try:
        source.begin(probe, epochs, rows.steps)
    except Exception as error:  # of a module that cannot take these rows
        raise UserError('the rows cannot be sent through the module: %s'
                        % first_line(error)) from error
    found = source.findings(probe, thorough=True)
    if not any(finding.severity == CERTAIN for finding in found):  # which says why it fails
        probe.try_loss()
    return found
