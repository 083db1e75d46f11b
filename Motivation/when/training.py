"""Trains what is missing of one family, in a process of its own: ``… -m Motivation.when.training``.

:mod:`Motivation.when` starts it; nobody else needs to. The model is compiled once; each run then
starts from weights, optimizer and learning rate of its own.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from AutoTrainer import keras_bridge
from AutoTrainer.data import get_dataset
from AutoTrainer.demo_case import case_config, case_model
from AutoTrainer.record.folder import write_json
from AutoTrainer.utils.compute_gradient import Probe, probe_batch

from ..histories import SETTINGS_FILE
from ..training import EndWithParent
from .families import FAMILIES, Family, rate_of, seed_of
from .tapes import case_path, missing, probed, tape_path, write_tape

keras: Any = keras_bridge.keras


def build(family: Family) -> Any:
    """The family's model with weights drawn anew, not compiled."""
    if family.demo:
        return case_model(family.demo, keras)
    stack = family.stack
    assert stack is not None
    return keras.Sequential(
        [keras.Input((64,))]
        + [keras.layers.Dense(stack.units, activation=stack.activation,
                              kernel_initializer=stack.initial) for _ in range(stack.depth)]
        + [keras.layers.Dense(10, activation=stack.head)])


class Trainer:
    """Trains the runs of one family, one after the other.

    Args:
        name: of the family.
        parent: process that waits for this one; without it the training ends.
    """

    def __init__(self, name: str, parent: int) -> None:
        self.name, self.family = name, FAMILIES[name]
        family, self._parent = self.family, parent
        data = get_dataset(family.dataset)
        rows = family.rows
        self._x, self._y = data['x'][:rows], data['y'][:rows]
        self._validation = (data['x_val'][:rows // 2], data['y_val'][:rows // 2])
        keras_bridge.set_seed(0)
        self.model = build(family)
        optimizer = dict(family.settings, learning_rate=family.rates[0])
        keras_bridge.compile_model(
            self.model, keras_bridge.optimizer_config(family.optimizer, optimizer),
            family.stack.loss if family.stack else case_config(family.demo)['loss'])
        self._start = keras_bridge.training_state(self.model)
        batch = probe_batch((self._x, self._y), family.batch, 0)
        assert batch is not None
        self._probe = Probe(self.model, batch)
        self.rectified = keras_bridge.has_rectifiers(self.model)
        # Keras draws random numbers while it builds what the first fit needs: here, so that the
        # rows of the first run come in the same order as if others had been trained before it
        self.train(1, 0)

    def train(self, epochs: int, number: int) -> List[List[float]]:
        """Train one run.

        Args:
            epochs: planned, and trained.
            number: of the run.

        Returns:
            One row per epoch, see :func:`tapes.write_tape`.
        """
        seed = seed_of(self.name, epochs, number)
        keras_bridge.set_seed(seed)
        drawn = build(self.family).get_weights()
        keras_bridge.restore_training(self.model, self._start)
        self.model.set_weights(drawn)
        self.model.optimizer.learning_rate = rate_of(self.name, seed)
        keras_bridge.set_seed(seed)
        taper = _Taper(self._probe)
        self.model.fit(self._x, self._y, batch_size=self.family.batch, epochs=epochs, verbose=0,
                       validation_data=self._validation,
                       callbacks=[taper, EndWithParent(self._parent)])
        return taper.rows


class _Taper(keras_bridge.keras.callbacks.Callback):
    """Notes each epoch: the history's four numbers, and what the probe says."""

    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self._probe = probe
        self.rows: List[List[float]] = []

    def on_epoch_end(self, epoch: int, logs: Optional[Dict[str, Any]] = None) -> None:
        """Note one epoch."""
        values = keras_bridge.epoch_values(logs or {})
        self.rows.append([float(values[name] or 0.0)
                          for name in ('loss', 'acc', 'val_loss', 'val_acc')]
                         + probed(self._probe.gradients()))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Train what is missing of one family; returns the exit code."""
    parser = argparse.ArgumentParser(prog='python -m Motivation.when.training', description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('family', choices=list(FAMILIES))
    parser.add_argument('seeds', type=int)
    parser.add_argument('lengths', type=int, nargs='+')
    parser.add_argument('--parent', type=int, default=os.getppid())
    args = parser.parse_args(argv)
    # Ctrl-C reaches the whole group of processes; the parent decides what happens to its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lacking = missing(args.out, args.family, args.lengths, args.seeds)
    if not lacking:
        return 0
    trainer = Trainer(args.family, args.parent)
    for epochs in args.lengths:
        folder = case_path(args.out, args.family, epochs)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(str(folder / SETTINGS_FILE), dict(
            FAMILIES[args.family]._asdict(), epochs=epochs, rectified=trainer.rectified,
            steps_per_epoch=FAMILIES[args.family].steps, versions=keras_bridge.versions()))
    for epochs, number in lacking:
        write_tape(tape_path(args.out, args.family, epochs, number), trainer.train(epochs, number))
    return 0


if __name__ == '__main__':
    sys.exit(main())
