"""What is saved of a training in mid-run, and how the training is taken up again.

A checkpoint is one ``checkpoint.npz`` in the folder of the training: arrays, and one JSON text.
No pickle. It is replaced whole or not at all, and its writing is kept to a small share of the
training time. A training that was taken up again goes on as if nothing had happened: see
``docs/guide/reliability.md`` for where that holds to the last bit.
"""

import json
import os
import time
import zipfile
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from .. import keras_bridge
from ..errors import quote
from ..intake.config import check_count, check_number
from .folder import Recorder, RecordError, written_whole

FILE = 'checkpoint.npz'
COST_SHARE = 0.02
"""Share of the training time that writing checkpoints may take, whatever the interval."""


class Interval(NamedTuple):
    """How often a checkpoint is written: at the end of an epoch, when both have passed.

    Attributes:
        epochs: epochs since the last one, at least.
        seconds: seconds since the last one, at least; 0 for every epoch whatever it costs. Above 0
            the wait is longer where writing is slow, see ``COST_SHARE``.
    """

    epochs: int = 1
    seconds: float = 30.0


def check_interval(epochs: Any, seconds: Any) -> Interval:
    """An interval from a user's two numbers.

    Raises:
        UserError: if they make none.
    """
    return Interval(check_count('checkpoint_epochs', epochs),
                    float(check_number('checkpoint_seconds', seconds, 0)))


class Saved(NamedTuple):
    """A checkpoint as it was read back.

    Attributes:
        epoch: epochs done.
        watch: state of the :class:`~AutoTrainer.utils.utils.LossHistory`.
        events: lines that the training had written into ``events.jsonl``.
        seconds: seconds of training so far, checks included.
        model: see :func:`AutoTrainer.keras_bridge.training_state`.
        callbacks: state of each further callback, in order.
    """

    epoch: int
    watch: Dict[str, Any]
    events: List[str]
    seconds: float
    model: List[np.ndarray]
    callbacks: List[Dict[str, Any]]


def callback_state(callback: Any) -> Dict[str, Any]:
    """What a callback remembers, as far as it is plain: numbers, text, and lists of arrays."""
    return {name: value for name, value in vars(callback).items() if _plain(value)}


def _plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, np.ndarray) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, np.number))


def write_checkpoint(path: str, saved: Saved) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        RecordError: if the disk refuses; the one before is intact.
    """
    arrays: Dict[str, Any] = {'model/%d' % i: array for i, array in enumerate(saved.model)}
    callbacks = []
    for number, state in enumerate(saved.callbacks):
        texts = {}
        for name, value in state.items():
            if isinstance(value, (list, tuple)):  # of arrays
                arrays.update(('callback/%d/%s/%d' % (number, name, i), array)
                              for i, array in enumerate(value))
                texts[name] = {'arrays': len(value)}
            else:
                texts[name] = value.item() if isinstance(value, np.number) else value
        callbacks.append(texts)
    text = json.dumps(dict(epoch=saved.epoch, watch=saved.watch, events=saved.events,
                           seconds=saved.seconds, model=len(saved.model), callbacks=callbacks))
    arrays['state'] = np.frombuffer(text.encode('utf-8'), np.uint8)
    # np.savez() leaves its archive open when it is interrupted
    with written_whole(path) as part, zipfile.ZipFile(part, 'w') as archive:
        for name, array in arrays.items():
            with archive.open(name + '.npy', 'w', force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read_checkpoint(folder: str) -> Optional[Saved]:
    """Read the checkpoint of a training; None if there is none.

    Raises:
        RecordError: if it is damaged.
    """
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError('it is compressed, as no checkpoint is')
        with np.load(path, allow_pickle=False) as arrays:
            state = json.loads(arrays['state'].tobytes().decode('utf-8'))
            callbacks = []
            for number, texts in enumerate(state['callbacks']):
                callbacks.append({name: [arrays['callback/%d/%s/%d' % (number, name, i)]
                                         for i in range(value['arrays'])]
                                  if isinstance(value, dict) else value
                                  for name, value in texts.items()})
            return Saved(int(state['epoch']), dict(state['watch']), list(state['events']),
                         float(state['seconds']),
                         [arrays['model/%d' % i] for i in range(state['model'])], callbacks)
    except Exception as error:  # whatever a damaged archive makes zipfile, numpy or json raise
        raise damaged(folder, quote(str(error))[1:-1]) from error


def damaged(folder: str, why: str) -> RecordError:
    """The error for a checkpoint that cannot be gone on from."""
    return RecordError('%r cannot be gone on from (%s); delete it to begin this training anew'
                       % (os.path.join(folder, FILE), why))


class SeedEpochs(keras_bridge.keras.callbacks.Callback):
    """Makes what is drawn in an epoch depend on seed and epoch alone.

    Args:
        seed: of the training.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Seed it."""
        keras_bridge.seed_epoch(self.seed, epoch)


class Checkpoint(keras_bridge.keras.callbacks.Callback):
    """Saves a training at the end of an epoch, now and then; comes last among the callbacks.

    At an epoch that ends the training nothing is saved: what follows is written by the run.

    Args:
        watch: the :class:`~AutoTrainer.utils.utils.LossHistory` of the training.
        callbacks: the further callbacks, in order.
        recorder: what the training writes; the checkpoint goes into its folder.
        epochs: planned epochs.
        interval: how often.
        saved: the checkpoint that the training goes on from, None for a new one.

    Raises:
        RecordError: in training, if the disk refuses.
    """

    def __init__(self, watch: Any, callbacks: Sequence[Any], recorder: Recorder, epochs: int,
                 interval: Interval, saved: Optional[Saved]) -> None:
        super().__init__()
        self.path = os.path.join(recorder.folder, FILE)
        self._watch = watch
        self._callbacks = callbacks
        self._recorder = recorder
        self._epochs = epochs
        self._interval = interval
        self._saved = saved
        self._last_epoch = saved.epoch if saved else 0
        self._cost = 0.0
        self._began = self._last_time = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training, those before an interruption included."""
        return time.perf_counter() - self._began + (self._saved.seconds if self._saved else 0.0)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Put back what the callbacks knew; they have forgotten it a moment ago."""
        self._began = self._last_time = time.perf_counter()
        if self._saved is not None:
            self._watch.session.restore(self._saved.watch, self._saved.seconds)
            self._recorder.restore(self._watch.history, self._saved.events)
            for callback, state in zip(self._callbacks, self._saved.callbacks):
                vars(callback).update(state)

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        """Save the training if it is time."""
        now, interval = time.perf_counter(), self._interval
        wait = max(interval.seconds, self._cost / COST_SHARE) if interval.seconds else 0.0
        done = epoch + 1
        if (done == self._epochs or self.model.stop_training or now - self._last_time < wait
                or done - self._last_epoch < interval.epochs):
            return
        write_checkpoint(self.path, Saved(
            done, self._watch.session.state(), self._recorder.events, self.seconds,
            keras_bridge.training_state(self.model),
            [callback_state(callback) for callback in self._callbacks]))
        self._last_epoch, self._last_time = done, time.perf_counter()
        self._cost = self._last_time - now
