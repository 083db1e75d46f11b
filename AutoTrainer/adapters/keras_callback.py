"""``LossHistory``: Keras's hooks → a session. The door by which a Keras training is watched."""

import logging
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .. import keras_bridge
from ..errors import UserError
from ..intake.config import check_count, check_seed
from ..judge import recovery, schedule
from ..judge.facts import Verdict
from ..judge.history import JUDGMENT_EPOCHS
from ..judge.losses import loss_name
from ..judge.session import Plan, Session, Subject
from ..judge.watcher import Watcher
from ..record.folder import Recorder, RunFolder, write_json
from ..report.observers import observers_of
from ..settings import Watching, on_issue_of
from ..utils.compute_gradient import all_labels, probe_batch
from ..utils.logger import LOGGER
from ..utils.monitor import IssueMonitor
from .by_hand import Numbers
from .keras_keeper import Keeper
from .keras_source import Source, subject_of


class LossHistory(keras_bridge.keras.callbacks.Callback):
    """Watches a training, says which problem it has, and stops it.

    Every argument is optional: what can be found out from the training itself is. The training is
    not changed by being watched: with the same seed its losses are the same to the last bit.

    Args:
        training_data: where the probe's batch is drawn from: ``(x, y)`` or a mapping with ``x`` and
            ``y``; or what ``fit`` takes instead, if it can be begun twice (``tf.data.Dataset``
            that does not shuffle anew, ``PyDataset``, ``Sequence``, ``DataLoader``), of which the
            first batch is looked at. Without it only the history is judged, no gradient.
        model: upstream's argument; Keras tells the callback.
        batch_size: rows of the probe's batch (kept between 32 and 512); default 32.
        total_epoch: planned epochs; default those that ``fit`` was called with. With it, several
            ``fit`` of one model are one training until so many epochs are done; without it they
            are where ``initial_epoch`` says so.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        determine_threshold: see :class:`~AutoTrainer.settings.Watching`, as the others without
            words here.
        satisfied_acc: accuracy from which a run counts as converged.
        checktype: when to look: ``'dynamic'`` (default), ``'adaptive'`` or ``'epoch_N'``.
        satisfied_count: stop, content, after so many epochs in a row at ``satisfied_acc``.
        retrain: whether this is a repair attempt; noted in the events.
        pkl_dir: folder that gets ``issue_history.json`` when an issue is found (upstream wrote
            pickles there).
        solution: name of the solution that is being tried; noted in the events.
        params: thresholds.
        stop: True for ``on_issue='stop'``, False for ``on_issue='continue'``.
        seed: for drawing the probe's batch.
        optional_issues: which of ``'overfit'``, ``'collapse'`` to judge; default ``'collapse'``
            under ``'adaptive'``, none otherwise.
        overhead_budget: share of the training time for probes under ``'adaptive'``.
        recorder: where to write instead of ``save_dir``.
        on_epoch: called with this callback after every epoch (a progress line).
        rules: what counts as sound, see :class:`~AutoTrainer.settings.Watching`.
        validation_data: ``(x, y)`` as ``fit`` has it; read under ``rules='skill'``.
        on_issue: what to do with a training that has an issue: ``'stop'`` (default), ``'continue'``
            or ``'restore'`` (``docs/guide/watch.md``).
        progress: whether to show a live line: epoch, skill, what is being suspected.
        tensorboard: folder for what TensorBoard shows of the training.

    Attributes:
        session: the :class:`~AutoTrainer.judge.session.Session` of the training: its ``checks``
            and ``probes`` (checks that looked at gradients), who ``ended`` it.

    Raises:
        UserError: for a wrong argument or data that cannot be trained on, at once; for class
            numbers beyond the model's outputs before the first step.

    Example:
        >>> watch = LossHistory(training_data=(x, y))  # doctest: +SKIP
        >>> model.fit(x, y, epochs=50, callbacks=[watch])  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, training_data: Any = None, model: Any = None,
                 batch_size: Optional[int] = None, total_epoch: Optional[int] = None,
                 save_dir: Optional[str] = None, determine_threshold: int = 5,
                 satisfied_acc: float = 0.7, checktype: str = schedule.DEFAULT_CHECKTYPE,
                 satisfied_count: Optional[int] = None, retrain: bool = False,
                 pkl_dir: Optional[str] = None, solution: Optional[str] = None,
                 params: Optional[Mapping[str, float]] = None, stop: Optional[bool] = None,
                 seed: int = 0,
                 optional_issues: Optional[Sequence[str]] = None,
                 overhead_budget: Optional[float] = 0.01, recorder: Optional[Recorder] = None,
                 on_epoch: Optional[Callable[['LossHistory'], None]] = None,
                 rules: Optional[str] = None, validation_data: Any = None,
                 on_issue: str = 'stop', progress: bool = False,
                 tensorboard: Optional[str] = None) -> None:
        super().__init__()
        self.watching = Watching(checktype, satisfied_acc, satisfied_count, determine_threshold,
                                 params, optional_issues, overhead_budget,
                                 on_issue_of(on_issue, stop), rules)
        for name, count in (('batch_size', batch_size), ('total_epoch', total_epoch)):
            if count is not None:
                check_count(name, count)
        self.total_epoch = total_epoch
        self.solution = solution
        self.pkl_dir = pkl_dir
        self.on_epoch = on_epoch
        self._facts = {'retrain': retrain, 'solution': solution}
        self._batch = probe_batch(training_data, batch_size, check_seed(seed))
        self._labels = all_labels(training_data)
        self._source = Source(training_data, validation_data, seed)
        self._save_dir = save_dir
        self._recorder = recorder
        self._observers = observers_of(progress, tensorboard)
        self._is_alone = recorder is None  # in a fit() of the user's own
        self._watched: Any = None
        self._numbers: Optional[Numbers] = None  # of a loop by hand
        self._short_fits = 0  # in a row, of one model
        self._keeper: Optional[Keeper] = None
        self._begin(0)

    @property
    def history(self) -> Dict[str, List[Optional[float]]]:
        """``loss``, ``acc``, ``val_loss``, ``val_acc``: one number per epoch, or None."""
        return self.session.history

    @property
    def verdict(self) -> Verdict:
        """Issues, epoch and reasons."""
        return self.session.verdict

    @property
    def issue_list(self) -> List[str]:
        """Names of the issues found, the one to be repaired first in front."""
        return list(self.verdict.issues)

    @property
    def monitor(self) -> IssueMonitor:
        """The recognizer of the session."""
        return self.session.monitor

    @property
    def watcher(self) -> Watcher:
        """The checks of the session."""
        return self.session.watcher

    # ------------------------------------------------------------------------------ Keras's hooks

    def set_model(self, model: Any = None) -> None:
        """Keras says which model is trained."""
        if model is None:  # called on the class: 'self' is the model
            raise UserError('callbacks has the class LossHistory; give an object of it, '
                            'LossHistory(...)')
        super().set_model(model)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Start anew, unless this ``fit`` goes on with a training that is not over."""
        self._first_epoch: Optional[int] = None
        self._last_epoch: Optional[int] = None
        goes_on = self._is_unfinished()
        self._open_recorder()
        if goes_on:
            if self._recorder is not None:
                self._recorder.restore(self.history, [])
                self.session.recorder = self._recorder
            return
        self._earlier = self.session if self._watched is self.model else None
        if self._earlier is None:
            self._short_fits = 0
        self._watched = self.model
        self._begin(0)

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """See whether ``initial_epoch`` says that the training began before this ``fit``."""
        self._announce()
        if self._first_epoch is not None:
            return
        self._first_epoch = epoch
        if epoch > 0 and not self.session.epochs:
            earlier = self._earlier
            if earlier is not None and earlier.plan.before + earlier.epochs == epoch:
                self._begin(earlier.plan.before)
                self.session.go_on_from(earlier)
                if self._recorder is not None:
                    self._recorder.restore(self.history, [])
            else:
                self._begin(epoch)
        if self._keeper is None and self.watching.on_issue == 'restore':
            self._keeper = Keeper(self.model)
            self._keeper.keep(self.session.plan.before + self.session.epochs)
        if self.session.begin():
            self.model.stop_training = True
        self._announce()

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Take in the epoch, and stop the run if there is a reason."""
        self._last_epoch = epoch
        self._take_in(keras_bridge.epoch_values(logs or {}))
        if self.on_epoch is not None:
            self.on_epoch(self)

    def _take_in(self, values: Mapping[str, Optional[float]]) -> bool:
        """Hand an epoch to the session, and do what it asks for: is the training to stop?"""
        self._source.ended(self.model)
        stop = self.session.epoch(values)
        if self._keeper is not None and self.session.restore_due:
            factor = recovery.FACTOR if self.session.goes_on else None
            stop = self.session.restored(self._keeper.put_back(factor))
        elif self._keeper is not None and self.session.is_best:
            self._keeper.keep(self.session.plan.before + self.session.epochs)
        if stop:
            self.model.stop_training = True
        if (self.session.epochs == 1 and self.history['acc'][0] is None
                and not self.monitor.by_skill):
            LOGGER.warning('%s', self._no_accuracy())
        return stop

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Judge a training that was ended early, and close what was opened here."""
        ran_to_its_end = self._last_epoch is not None and (
            self._last_epoch + 1 == self._told_by_fit('epochs'))
        if not (ran_to_its_end and self._is_unfinished()):
            self.session.end()
            self._say_if_too_short()
        self._announce()
        self._close_recorder()

    # --------------------------------------------------------------------------- a loop by hand

    def begin(self, model: Any, epochs: Optional[int] = None) -> bool:
        """Begin to watch a training that is no ``fit``, before its first step.

        Args:
            model: compiled model.
            epochs: planned epochs, unless the callback was made with them.

        Returns:
            Whether not to begin it: its set-up contradicts itself for certain.

        Raises:
            UserError: without a number of epochs; for data that do not go into the model.
        """
        if epochs is None and self.total_epoch is None:
            raise UserError('watch.begin has no number of epochs; give epochs=N, those that the '
                            'loop is to run')
        self._numbers, self._watched = Numbers(), None
        self.set_params({'epochs': self.total_epoch if epochs is None
                         else check_count('epochs', epochs), 'steps': None})
        self.set_model(model)
        self.on_train_begin()
        self.on_epoch_begin(0)
        return self.session.is_to_stop

    def epoch(self, loss: Any = None, accuracy: Any = None, val_loss: Any = None,
              val_accuracy: Any = None, **others: Any) -> bool:
        """Take in an epoch of a loop by hand; what was not measured is left out.

        Args:
            loss: mean of the epoch: a number, or an array or tensor of one number.
            accuracy: likewise, a share from 0 to 1.
            val_loss: on validation rows.
            val_accuracy: likewise.
            others: numbers of no use here, which are passed over with a word.

        Returns:
            Whether the training should stop.

        Raises:
            UserError: if :meth:`begin` was not called.
        """
        if self._numbers is None:
            raise UserError('watch.epoch was called before watch.begin; call '
                            'watch.begin(model, epochs=N) before the first step')
        self._last_epoch = self.session.plan.before + self.session.epochs
        stop = self._take_in(self._numbers.read(dict(
            others, loss=loss, accuracy=accuracy, val_loss=val_loss, val_accuracy=val_accuracy)))
        self._announce()
        return stop

    def end(self) -> None:
        """The loop by hand is over: judge it, if it was ended early, and close what is open."""
        if self._numbers is not None:
            self.on_train_end()
            self._numbers = None

    # ------------------------------------------------------------------------- one session or more

    def _told_by_fit(self, name: str) -> Optional[int]:
        """What ``fit`` says of the training (``epochs``, ``steps``); None before it runs."""
        return (getattr(self, 'params', None) or {}).get(name)

    def _is_unfinished(self) -> bool:
        """Whether the next ``fit`` of the same model belongs to the training watched so far."""
        done = self.session.plan.before + self.session.epochs
        return (self.total_epoch is not None and self._watched is self.model
                and 0 < self.session.epochs and done < self.total_epoch)

    def _begin(self, before: int) -> None:
        """A new session, for a training that was trained for some epochs before."""
        planned = self._told_by_fit('epochs') or 1
        if self._numbers is None and self.total_epoch is not None:
            planned = self.total_epoch
        plan = Plan(max(1, planned - before), self._told_by_fit('steps'), before)
        self.session = Session(self.watching, plan, self._subject(plan), self._recorder,
                               self._facts, observers=self._observers)
        self._keeper = None
        self._announced = False
        self._announced_restorations = 0

    def _subject(self, plan: Plan) -> Subject:
        """What can be told of the model; nothing before there is one, or without data."""
        if self._watched is None or self._batch is None:
            return Subject()
        return subject_of(self._watched, self._batch, self._labels, self._source,
                          self.watching.by_skill, plan)

    # ---------------------------------------------------------------------------- words and files

    def _no_accuracy(self) -> str:
        """What to do where there is no accuracy to judge."""
        said = 'no accuracy among the metrics: little can be judged; '
        if self._numbers is not None:
            return said + 'give watch.epoch(accuracy=…) too'
        if self._labels is None:
            return said + ("compile with metrics=['accuracy'] or give LossHistory arrays as "
                           'training_data')
        return said + ("compile with metrics=['accuracy'], or with a loss of Keras's: of the "
                       'loss %s with these labels the best constant prediction is not known, '
                       'against which a training without accuracy is judged'
                       % (loss_name(getattr(self.model, 'loss', None)) or 'given'))

    def _say_if_too_short(self) -> None:
        """Say of a training of one epoch or two that it was one, and why that may be."""
        done = self.session.epochs
        if not (self._is_alone and 0 < done < JUDGMENT_EPOCHS):
            self._short_fits = 0
            return
        self._short_fits += 1
        if self._short_fits == 1 and not self.monitor.judged and not self.issue_list:
            LOGGER.warning('%s', self.verdict.reason)
        elif self._short_fits == 2:
            LOGGER.warning('fit() has been called again for %d epoch%s, which is judged as a '
                           'training of its own, too short for a verdict; give epochs=N, all '
                           'epochs of the loop, to have it judged as one (LossHistory: '
                           'total_epoch=N)', done, '' if done == 1 else 's')

    def _announce(self) -> None:
        """Say what was found: once, and where Keras's progress bar has ended its line."""
        level = logging.WARNING if self._is_alone else logging.INFO
        for one in self.session.restorations[self._announced_restorations:]:
            LOGGER.log(level, '%s; %s', one.reason, recovery.in_words([one]))
        self._announced_restorations = len(self.session.restorations)
        verdict = self.verdict
        if self._announced or not verdict.issues:
            return
        self._announced = True
        stopped = self.session.is_to_stop and self.session.ended == 'verdict'
        LOGGER.log(level, 'epoch %s: %s%s', verdict.epoch, verdict.reason,
                   '; the training is stopped (%s(..., %s) lets it run on)' % (
                       type(self).__name__, 'stop=False' if self.watching.on_issue == 'stop'
                       else "on_issue='continue'") if stopped and self._is_alone else '')
        if self.pkl_dir is not None:
            os.makedirs(self.pkl_dir, exist_ok=True)
            write_json(os.path.join(self.pkl_dir, 'issue_history.json'),
                       dict(verdict.as_dict(), history=self.history))

    def _open_recorder(self) -> None:
        if self._save_dir is not None:
            self._close_recorder()  # that of a training which was interrupted
            self._recorder = Recorder(RunFolder(self._save_dir))

    def _close_recorder(self) -> None:
        if self._save_dir is not None and self._recorder is not None:
            self._recorder.close()
            self._recorder.run.close()
            self._recorder = None
