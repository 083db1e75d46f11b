"""``Watch`` for the Trainer of Hugging Face: a callback."""

import json
import math
import os
from typing import Any, Callable, Dict, Mapping, Optional

from transformers import TrainerCallback

from ..errors import UserError, first_line, way_out
from ..intake.config import check_seed
from ..judge.facts import Verdict
from ..judge.session import Session
from ..judge.windows import Windows
from ..report.observers import observers_of
from ..utils.logger import LOGGER
from .huggingface_model import Seen, seen_of, setup_at
from .torch_core import Core, check_loss_fn, watching_of
from .torch_probe import unwrapped
from .torch_rows import rows_of
from .torch_windows import Feed, check_unit, plan_of

STATE_FILE = 'autotrainer_watch.json'
"""What is needed to go on, in the folder of a checkpoint."""


class Watch(TrainerCallback):
    """Watches a training of the Trainer; silent while all is well.

    The training is not changed: with the same seed its losses are the same to the last bit. At the
    end of what is judged (an epoch, a window of steps), and before a checkpoint, the Trainer is
    asked to log its loss.

    Args:
        accuracy: name of the metric of an evaluation that is the share of right answers.
        loss_fn: called with ``(logits, labels)``, the classes along the second axis; default the
            one of PyTorch that comes to the same as the model's own.
        forward: how a dictionary of inputs goes through the model to its logits; default the
            model itself, and its ``logits``.
        unit: ``'epochs'``, or ``'steps'`` to judge windows of steps; None for steps where fewer
            than three epochs are planned.
        window: steps of a window; default a fiftieth of the training, at least 10.
        stop: True for ``on_issue='stop'``, False for ``on_issue='continue'``.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written but
            a small file in each of the Trainer's checkpoints.
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
        >>> Trainer(model, args, train_dataset=rows, callbacks=[watch]).train()  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, *, accuracy: str = 'eval_accuracy', loss_fn: Any = None,
                 forward: Optional[Callable[[Any], Any]] = None, unit: Optional[str] = None,
                 window: Optional[int] = None, stop: Optional[bool] = None,
                 save_dir: Optional[str] = None, seed: int = 0, progress: bool = False,
                 tensorboard: Optional[str] = None, **settings: Any) -> None:
        self._watching = watching_of(Watch, stop, settings)
        self._observers = observers_of(progress, tensorboard)
        if not isinstance(accuracy, str):
            raise UserError('accuracy is a %s; give the name of a metric, such as '
                            "'eval_accuracy'" % type(accuracy).__name__)
        if loss_fn is not None:
            check_loss_fn(loss_fn, 'logits', 'labels')
        check_unit(unit, window)
        check_seed(seed)
        self._accuracy = accuracy if accuracy.startswith('eval_') else 'eval_' + accuracy
        self._loss_fn, self._forward, self._unit, self._window = loss_fn, forward, unit, window
        self._save_dir, self._seed = save_dir, seed
        self._core: Optional[Core] = None
        self._begin()

    def _begin(self) -> None:
        self._feed = Feed()
        self._windows: Optional[Windows] = None
        self._logged_at = 0
        self._waits_for = ''  # 'log' or 'evaluation', where an epoch or window has ended

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons."""
        return Verdict() if self._core is None else self._core.verdict

    @property
    def session(self) -> Optional[Session]:
        """The session of the training: its history, checks and probes; None before it begins."""
        return None if self._core is None else self._core.session

    @property
    def should_stop(self) -> bool:
        """Whether the training should stop."""
        return self._core is not None and self._core.should_stop

    # ----------------------------------------------------------------------- what the Trainer calls

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None,
                       train_dataloader: Any = None, eval_dataloader: Any = None,
                       optimizer: Any = None, lr_scheduler: Any = None, **others: Any) -> None:
        """Begin a session: of the rows and the model, before the first step."""
        self._core = None
        self._begin()
        try:
            epochs = state.num_train_epochs
            known = 0 < epochs < 10 ** 9  # without a length it is as large as can be
            plan, self._windows = plan_of(
                self._unit, self._window, epochs if known else None,
                math.ceil(state.max_steps / epochs) if known else None, state.max_steps)
        except UserError as error:
            LOGGER.warning('%s', error)
            return
        saved = _read_state(args, state) if state.global_step else None
        if state.global_step and saved is None and self._windows is None:
            done = min(int(round(state.epoch or 0)), plan.epochs - 1)
            plan = plan._replace(epochs=plan.epochs - done, before=done)
        module, seen = unwrapped(model), Seen()
        if state.is_world_process_zero:
            seen = self._look_at(module, train_dataloader, eval_dataloader)
        optimizer = getattr(optimizer, 'optimizer', optimizer)  # inside that of accelerate
        self._core = Core(module, seen.loss_fn, self._watching, plan, seen.rows, seen.held,
                          optimizer, seen.forward, self._save_dir, self._seed,
                          setup_at(module, seen, optimizer, args.learning_rate),
                          observers=self._observers, schedulers=[
                              getattr(lr_scheduler, 'scheduler', lr_scheduler)],
                          unmeasured=seen.unmeasured)
        self._logged_at = state.global_step
        if saved is not None:
            self._core.load_state_dict(saved['core'])
            self._feed.restore(saved['feed'])
        self._heed(control)

    def _look_at(self, model: Any, train_dataloader: Any, eval_dataloader: Any) -> Seen:
        """What can be judged of model and rows; what cannot is said."""
        try:
            rows = rows_of(train_dataloader, name='train_dataset')
        except Exception as error:  # of a data set that nobody foresaw
            LOGGER.warning('the training rows cannot be looked at (%s); only the history is judged',
                           first_line(error))
            return Seen(unmeasured=first_line(error))
        held = None
        if eval_dataloader is not None:
            try:
                held = rows_of(eval_dataloader, name='eval_dataset')
            except Exception as error:  # likewise
                LOGGER.warning('the validation rows cannot be looked at (%s)', first_line(error))
        try:
            return seen_of(model, rows, held, self._loss_fn, self._forward)
        except Exception as error:  # of a model that nobody foresaw
            LOGGER.warning('the model cannot be looked at (%s); only the history is judged',
                           first_line(error))
            return Seen(unmeasured=first_line(error))

    def on_log(self, args: Any, state: Any, control: Any, logs: Optional[Mapping[str, Any]] = None,
               **others: Any) -> None:
        """Take in the mean loss since the last log."""
        loss = (logs or {}).get('loss')
        if self._core is None or loss is None:
            return
        if args.logging_nan_inf_filter and not args.fp16:
            # the Trainer replaces a loss that is no number by the mean of those before
            norm = (logs or {}).get('grad_norm')
            loss = math.nan if norm is not None and math.isnan(norm) else loss
        self._feed.add(loss, rows=max(1, state.global_step - self._logged_at))
        self._logged_at = state.global_step
        if self._waits_for == 'log':
            self._close(control)

    def on_evaluate(self, args: Any, state: Any, control: Any,
                    metrics: Optional[Mapping[str, Any]] = None, **others: Any) -> None:
        """Take in what an evaluation has come to."""
        if self._core is None or metrics is None:
            return
        held = {'val_loss': metrics.get('eval_loss'), 'val_acc': metrics.get(self._accuracy)}
        if held['val_acc'] is None and self._accuracy != 'eval_accuracy':
            self._core.say('accuracy=%r is not among the metrics; %s'
                           % (self._accuracy, way_out(self._accuracy, tuple(metrics))))
        self._feed.hold(held)
        if self._waits_for == 'evaluation':
            self._close(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Judge the window that ends with a step."""
        if control.should_save:  # the Trainer forgets what it has not logged before
            control.should_log = True
        if self._windows is not None and self._windows.ended_by(state.global_step):
            self._end(state, control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Judge an epoch, where epochs are judged."""
        if self._windows is None:
            self._end(state, control)

    def _end(self, state: Any, control: Any) -> None:
        """An epoch or window has ended; its loss is logged and evaluated only after this."""
        if self._core is None or self.should_stop and control.should_training_stop:
            return
        if control.should_evaluate:
            self._waits_for = 'evaluation'
        elif self._logged_at < state.global_step:
            self._waits_for = 'log'
        else:
            self._close(control)
        control.should_log = True

    def _close(self, control: Any) -> None:
        assert self._core is not None
        self._waits_for = ''
        self._core.epoch(self._feed.values())
        self._heed(control)

    def _heed(self, control: Any) -> None:
        if self.should_stop:
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """The training has ended."""
        if self._core is not None:
            if self._waits_for:
                self._close(control)
            self._core.end()

    # ------------------------------------------------------------------------ going on after a stop

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Leave in the checkpoint what is needed to go on."""
        path = _state_path(args, state)
        if self._core is None or not state.is_world_process_zero or not os.path.isdir(
                os.path.dirname(path)):
            return
        try:
            with open(path + '.part', 'w') as stream:
                json.dump({'core': self._core.state_dict(), 'feed': self._feed.state()}, stream)
            os.replace(path + '.part', path)
        except (OSError, TypeError, ValueError) as error:
            self._core.say('%s cannot be written (%s)' % (path, first_line(error)))


def _state_path(args: Any, state: Any) -> str:
    return os.path.join(args.output_dir, 'checkpoint-%d' % state.global_step, STATE_FILE)


def _read_state(args: Any, state: Any) -> Optional[Dict[str, Any]]:
    """What a watch left in the checkpoint that is gone on from; None, said, if it did not."""
    path = _state_path(args, state)
    try:
        with open(path) as stream:
            found = json.load(stream)
        found['core']['session'], found['feed']['steps']  # noqa: B018 - are they there?
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        LOGGER.warning('what was seen before step %d is not known (%s); it is judged from there on',
                       state.global_step, first_line(error))
        return None
