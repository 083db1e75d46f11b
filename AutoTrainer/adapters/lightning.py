"""``Watch`` for a training of Lightning: a callback."""

import math
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import torch

from ..errors import UserError, first_line, way_out
from ..intake.config import check_seed
from ..judge.facts import Verdict
from ..judge.session import Plan, Session
from ..judge.windows import Windows
from ..report.observers import observers_of
from ..utils.logger import LOGGER
from .torch_core import Core, check_loss_fn, watching_of
from .torch_found import loss_in, stand_in
from .torch_probe import Learner
from .torch_rows import Rows, rows_of, validation_rows
from .torch_windows import Feed, check_unit, plan_of

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:  # the same package under its older name
    from pytorch_lightning.callbacks import Callback

NAMES: Dict[str, Tuple[str, ...]] = {
    'loss': ('train_loss', 'loss'), 'acc': ('train_acc', 'train_accuracy', 'acc', 'accuracy'),
    'val_loss': ('val_loss', 'valid_loss'),
    'val_acc': ('val_acc', 'val_accuracy', 'valid_acc', 'valid_accuracy')}
"""What the metrics are called, where nobody says it; the first that is found."""

_ARGUMENTS = {'loss': 'loss', 'acc': 'accuracy', 'val_loss': 'val_loss', 'val_acc': 'val_accuracy'}


class Watch(Callback):
    """Watches a training of Lightning; silent while all is well.

    The training is not changed: with the same seed its losses are the same to the last bit.

    Args:
        loss: name of the training loss; without it, the mean of what ``training_step`` returns.
        val_loss: name of the validation loss, as it is logged; default ``'val_loss'``.
        accuracy: name of the training accuracy; default ``'train_acc'`` or its like.
        val_accuracy: name of the validation accuracy; default ``'val_acc'`` or its like.
        loss_fn: called with ``(output, target)``; default the one that is found in the module.
        forward: how a batch of inputs goes through the module; default its ``forward``.
        unit: ``'epochs'``, or ``'steps'`` to judge windows of training batches; None for steps
            where fewer than three epochs are planned.
        window: batches of a window; default a fiftieth of the training, at least 10.
        stop: True for ``on_issue='stop'``, False for ``on_issue='continue'``.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        seed: which rows are looked at.
        progress: whether to show a live line: epoch, skill, what is being suspected.
        tensorboard: folder for what TensorBoard shows of the training.
        settings: those of :class:`~AutoTrainer.settings.Watching` by name; ``checktype`` is
            ``'adaptive'`` unless given.

    Attributes:
        verdict: a :class:`~AutoTrainer.judge.facts.Verdict`; of windows, its ``epoch`` is the
            number of the window.

    Raises:
        UserError: for a wrong argument, at once.

    Example:
        >>> watch = Watch()  # doctest: +SKIP
        >>> Trainer(max_epochs=50, callbacks=[watch]).fit(module, loader)  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, loss: Optional[str] = None, val_loss: Optional[str] = None,
                 accuracy: Optional[str] = None, val_accuracy: Optional[str] = None, *,
                 loss_fn: Any = None, forward: Optional[Callable[[Any], Any]] = None,
                 unit: Optional[str] = None, window: Optional[int] = None,
                 stop: Optional[bool] = None, save_dir: Optional[str] = None, seed: int = 0,
                 progress: bool = False, tensorboard: Optional[str] = None,
                 **settings: Any) -> None:
        super().__init__()
        self._watching = watching_of(Watch, stop, settings)
        self._observers = observers_of(progress, tensorboard)
        self._given = {'loss': loss, 'acc': accuracy, 'val_loss': val_loss,
                       'val_acc': val_accuracy}
        for key, name in self._given.items():
            if name is not None and not isinstance(name, str):
                raise UserError('%s is a %s; give the name under which it is logged'
                                % (_ARGUMENTS[key], type(name).__name__))
        if loss_fn is not None:
            check_loss_fn(loss_fn)
        check_unit(unit, window)
        check_seed(seed)
        self._loss_fn, self._forward, self._unit, self._window = loss_fn, forward, unit, window
        self._save_dir, self._seed = save_dir, seed
        self._core: Optional[Core] = None
        self._saved: Optional[Mapping[str, Any]] = None
        self._begin()

    def _begin(self) -> None:
        self._feed = Feed()
        self._windows: Optional[Windows] = None
        self._of_steps: Tuple[str, ...] = ()  # metrics that are logged batch by batch
        self._accuracy: Optional[str] = self._given['acc']
        self._started = self._closed = self._is_tried = False

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons."""
        if self._is_tried:
            return Verdict(note='not judged: fast_dev_run only tries the program out')
        return Verdict() if self._core is None else self._core.verdict

    @property
    def session(self) -> Optional[Session]:
        """The session of the training: its history, checks and probes; None before it begins."""
        return None if self._core is None else self._core.session

    @property
    def should_stop(self) -> bool:
        """Whether the training should stop."""
        return self._core is not None and self._core.should_stop

    # ------------------------------------------------------------------------- what Lightning calls

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin a session: of the rows and the module, before the first step."""
        saved, self._saved, self._core = self._saved, None, None
        self._begin()
        self._is_tried = bool(trainer.fast_dev_run)
        if self._is_tried:
            return
        try:
            plan, self._windows = self._plan(trainer, saved is None)
        except UserError as error:
            LOGGER.warning('%s', error)
            return
        rows, held = (self._rows(trainer) if trainer.is_global_zero else None), None
        if rows is not None and trainer.val_dataloaders is not None:
            held = self._rows_from(trainer.val_dataloaders, True)
        loss_fn, unmeasured = self._loss_fn or loss_in(pl_module), ''
        if loss_fn is None and rows is not None:
            loss_fn = self._stand_in(pl_module, rows)
            if loss_fn is None:
                rows, unmeasured = None, 'the loss is not known; give Watch(loss_fn=...)'
            LOGGER.warning('the loss is not to be found in the module; give Watch(loss_fn=...) to '
                           'have %s', 'gradients and skill looked at' if loss_fn is None else
                           'its gradients looked at: until then they are those of a plain '
                           'cross-entropy')
        optimizers = trainer.optimizers
        self._core = Core(pl_module, loss_fn, self._watching, plan, rows, held,
                          optimizers[0] if len(optimizers) == 1 else None, self._forward,
                          self._save_dir, self._seed, observers=self._observers,
                          schedulers=[config.scheduler for config in trainer.lr_scheduler_configs],
                          unmeasured=unmeasured)
        if saved:
            self._core.load_state_dict(saved['core'])
            self._feed.restore(saved['feed'])
        self._heed(trainer)

    def _stand_in(self, module: Any, rows: Rows) -> Any:
        try:
            return stand_in(Learner(module, None, self._forward), rows.x, rows.y)
        except Exception as error:  # of a module that nobody foresaw
            LOGGER.debug('the module cannot be asked for classes: %s', first_line(error))
            return None

    def _plan(self, trainer: Any, anew: bool) -> Tuple[Plan, Optional[Windows]]:
        epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        batches, limit = trainer.num_training_batches, trainer.max_steps
        plan, windows = plan_of(
            self._unit, self._window, epochs,
            None if math.isinf(batches) else int(batches),
            None if limit < 0 else limit * trainer.accumulate_grad_batches)
        done = trainer.current_epoch
        if anew and done and windows is None:
            plan = plan._replace(epochs=max(1, plan.epochs - done), before=done)
        return plan, windows

    def _rows(self, trainer: Any) -> Optional[Rows]:
        return self._rows_from(trainer.train_dataloader, False)

    @staticmethod
    def _rows_from(loaders: Any, validates: bool) -> Optional[Rows]:
        """Rows of a loader; None, said, where there are several, or none that can be looked at."""
        if validates and isinstance(loaders, (list, tuple)) and len(loaders) == 1:
            loaders = loaders[0]
        try:
            return validation_rows(loaders) if validates else rows_of(loaders, name='the loader')
        except Exception as error:  # of a data set that nobody foresaw
            LOGGER.warning('the %s rows cannot be looked at (%s)%s',
                           'validation' if validates else 'training', first_line(error),
                           '' if validates else '; only the history is judged')
            return None

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any,
                           batch_idx: int) -> None:
        """Take in the loss of a step, and judge the window that ends with it."""
        if self._core is None:
            return
        loss, returned = self._returned(outputs)
        if loss is not None and pl_module.automatic_optimization and (
                trainer.accumulate_grad_batches != 1):
            loss = loss * trainer.accumulate_grad_batches
        if not self._started:
            self._started = True
            self._of_steps = tuple(trainer.callback_metrics)
        names = NAMES['acc'] if self._given['acc'] is None else (self._given['acc'],)
        accuracy = next((returned[name] for name in names if name in returned), None)
        self._feed.step(loss, accuracy, _rows_in(batch))
        windows = self._windows
        # what is validated after the last batch belongs to the last window
        if windows is not None and windows.ended_by(self._feed.steps) and (
                self._feed.steps != windows.total):
            self._close(trainer)

    @staticmethod
    def _returned(outputs: Any) -> Tuple[Any, Mapping[str, Any]]:
        if isinstance(outputs, Mapping):
            return outputs.get('loss'), outputs
        return (outputs if isinstance(outputs, torch.Tensor) else None), {}

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Note what a validation has come to, but for the one before the training."""
        if self._core is None or trainer.sanity_checking:
            return
        logged = _logged(trainer)
        held = {key: self._metric(key, logged) for key in ('val_loss', 'val_acc')}
        self._feed.hold(held)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Judge an epoch, where epochs are judged."""
        if self._core is not None and self._windows is None:
            self._close(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """The training has ended."""
        if self._core is None:
            return
        windows, feed = self._windows, self._feed
        if windows is not None and feed.steps == windows.total and feed.pending:
            self._close(trainer)
        self._core.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The training was interrupted, or broke down: nothing more is judged."""
        if self._core is not None:
            self._core.end(interrupted=True)

    def _close(self, trainer: Any) -> None:
        """An epoch, or a window of steps, has ended."""
        assert self._core is not None
        values = self._feed.values()
        logged = _logged(trainer)
        named = self._given['loss']
        if self._windows is None and (named is not None or values['loss'] is None):
            known = self._metric('loss', logged)
            values['loss'] = values['loss'] if known is None else known
        if self._windows is None and values['acc'] is None:
            values['acc'] = self._training_accuracy(logged)
        self._core.epoch(values)
        self._closed = True
        self._heed(trainer)

    def _heed(self, trainer: Any) -> None:
        if self._core is not None and self._core.should_stop:
            trainer.should_stop = True

    # ------------------------------------------------------------------------------ metrics by name

    def _training_accuracy(self, logged: Mapping[str, Any]) -> Any:
        """The accuracy over the rows of an epoch.

        Which name it has is settled at the end of the first epoch: what is logged later than this
        is always that of the epoch before.
        """
        if not self._closed and self._accuracy is None:
            self._accuracy = next((name for name in NAMES['acc'] if name in logged), '')
        name = self._accuracy
        if not name:
            return None
        assert self._core is not None
        if name in self._of_steps and name + '_epoch' not in logged:
            self._core.say('%r is logged of single steps; log it with on_epoch=True to have it '
                           'judged' % name)
            return None
        if name not in logged:
            self._missing('acc', name, logged)
            self._accuracy = ''
        return logged.get(name + '_epoch', logged.get(name))

    def _metric(self, key: str, logged: Mapping[str, Any]) -> Any:
        """A metric by the name that was given, or the first name that is logged."""
        given = self._given[key]
        names = NAMES[key] if given is None else (given,)
        for name in names:
            if name in logged:
                return logged.get(name + '_epoch', logged[name])
        if given is not None:
            self._missing(key, given, logged)
        return None

    def _missing(self, key: str, name: str, logged: Mapping[str, Any]) -> None:
        assert self._core is not None
        self._core.say('%s=%r is not logged; %s' % (
            _ARGUMENTS[key], name, way_out(name, tuple(logged)) if logged
            else 'the module logs nothing by then'))

    # ------------------------------------------------------------------------ going on after a stop

    def state_dict(self) -> Dict[str, Any]:
        """For Lightning's checkpoints: what is needed to go on."""
        return {} if self._core is None else {'core': self._core.state_dict(),
                                              'feed': self._feed.state()}

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Go on where a checkpoint was written."""
        self._saved = state_dict


def _logged(trainer: Any) -> Mapping[str, Any]:
    return dict(trainer.callback_metrics)


def _rows_in(batch: Any) -> int:
    """Rows of a batch; 1 where that cannot be told."""
    waiting: List[Any] = [batch]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, torch.Tensor):
            return len(part) if part.ndim else 1
        waiting += list(part.values() if isinstance(part, Mapping) else part) if isinstance(
            part, (Mapping, list, tuple)) else []
    return 1
