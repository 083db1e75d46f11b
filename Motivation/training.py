"""One training of a collection, in a process of its own: ``python -m Motivation.training``.

:mod:`Motivation.collect` starts it; nobody else needs to. It is the only part of the collection
that loads Keras, so that the process which hands out the runs holds no model and no GPU.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any, Optional, Sequence

import numpy as np

from AutoTrainer import keras_bridge
from AutoTrainer.data import get_dataset
from AutoTrainer.errors import UserError
from AutoTrainer.intake import inputs
from AutoTrainer.record.folder import write_json

from .collect import Settings, read_settings, run_path
from .histories import COLUMNS, SETTINGS_FILE
from .models import DEPTHS, build_model
from .output import csv_text, write_atomically

BATCH_SIZE = 32
"""The thesis's."""

OPTIMIZER = {'class_name': 'Adam', 'config': {'learning_rate': 0.001}}
"""The thesis's."""

INITIAL_MODEL = 'initial' + keras_bridge.MODEL_SUFFIX
"""The model, with the weights that all runs of a collection start from."""


def seed_of(settings: Settings, number: Optional[int] = None) -> int:
    """The seed of one run, or of the initial weights; no two runs of two collections share one.

    Args:
        settings: of the collection; its seed is read.
        number: of the run; None for the initial weights.
    """
    words = [0 if number is None else number + 1, settings.seed]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def prepare(out: Path, settings: Settings) -> None:
    """Begin a collection: save the initial model, then the settings.

    The settings come last, so that a folder which has them has everything.

    Raises:
        UserError: if there is no such data set, or no such model, or the two do not fit.
    """
    data = get_dataset(settings.dataset)
    if settings.model in DEPTHS:
        if data['x'].ndim != 2:
            raise UserError('--dataset is %r, whose rows have shape %s; %s takes flat rows, as '
                            'those of mnist or digits'
                            % (settings.dataset, data['x'].shape[1:], settings.model))
        model = build_model(settings.model, data['x'].shape[1], data['y'].shape[-1],
                            seed_of(settings))
    else:
        model = keras_bridge.load_model(settings.model)
    inputs.check_fit(data, model.input_shape, model.output_shape, _loss(model))
    keras_bridge.save_model(model, str(out / INITIAL_MODEL))
    write_json(str(out / SETTINGS_FILE), dict(
        settings._asdict(), batch_size=BATCH_SIZE,
        steps_per_epoch=-(-len(data['x']) // BATCH_SIZE), optimizer=OPTIMIZER, loss=_loss(model),
        versions=keras_bridge.versions()))


def _loss(model: Any) -> str:
    binary = keras_bridge.output_units(model) == 1
    return 'binary_crossentropy' if binary else 'categorical_crossentropy'


def begun_model(out: Path, settings: Settings, number: int) -> Any:
    """The model of one run before its first step, compiled; ``fit`` called now is the run.

    Args:
        out: folder of the collection.
        settings: of the collection.
        number: of the run.
    """
    seed = seed_of(settings, number)
    keras_bridge.set_seed(seed)  # layers such as Dropout draw a seed when they are built
    model = keras_bridge.load_model(str(out / INITIAL_MODEL))
    if settings.init == 'fresh':
        blueprint = keras_bridge.take_blueprint(model)
        model = keras_bridge.build_model(blueprint._replace(weights={}), seed)
    keras_bridge.set_seed(seed)
    keras_bridge.compile_model(model, OPTIMIZER, _loss(model))
    return model


def train(out: Path, number: int, parent: int) -> None:
    """Train one run of a collection and write its history.

    Args:
        out: folder of the collection.
        number: of the run.
        parent: process that waits for this one; without it the training ends.

    Raises:
        UserError: if data or initial model are missing.
    """
    settings = read_settings(out)
    assert settings is not None, '%s has no settings' % out
    data = get_dataset(settings.dataset)
    model = begun_model(out, settings, number)
    history = model.fit(data['x'], data['y'], batch_size=BATCH_SIZE, epochs=settings.epochs,
                        validation_data=(data['x_val'], data['y_val']), verbose=0,
                        callbacks=[EndWithParent(parent)]).history
    write_history(run_path(out, number), list(zip(*(history[name] for name in COLUMNS))))


def write_history(path: Path, epochs: Sequence[Sequence[float]]) -> None:
    """Write the file of a run in upstream's format: for each epoch the four values in order."""
    rows = [[epoch] + [float(value) for value in values] for epoch, values in enumerate(epochs)]
    write_atomically(path, csv_text(('',) + COLUMNS, rows))


def check_parent(parent: int) -> None:
    """End this process if the one that waits for it is gone."""
    if os.getppid() != parent:
        raise SystemExit('the collection that asked for this training has ended')


class EndWithParent(keras_bridge.keras.callbacks.Callback):
    """Ends the process at the end of an epoch if the one that waits for it is gone.

    Args:
        parent: its process number.
    """

    def __init__(self, parent: int) -> None:
        super().__init__()
        self.parent = parent

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look for the parent."""
        check_parent(self.parent)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.training``; returns its exit code."""
    parser = argparse.ArgumentParser(prog='python -m Motivation.training', description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('number', type=int, nargs='?', help='of the run; without it the collection '
                        'is begun with the settings below')
    parser.add_argument('--parent', type=int, default=os.getppid())
    for name in Settings._fields:
        parser.add_argument('--' + name, type=Settings.__annotations__[name])
    args = parser.parse_args(argv)
    # Ctrl-C reaches the whole group of processes; the parent decides what happens to its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if args.number is None:
            prepare(args.out, Settings(*[getattr(args, name) for name in Settings._fields]))
        else:
            train(args.out, args.number, args.parent)
    except UserError as error:
        print('error: %s' % error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
