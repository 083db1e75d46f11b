"""Runs of a collection trained together: ``python -m Motivation.vectorised``.

:mod:`Motivation.collect` starts it for ``--engine vectorised``; nobody else needs to. The runs have
the seeds, the initial weights and the orders of rows that :mod:`Motivation.training` gives them, so
that both engines make the same trainings, up to the rounding of another program.

As many runs as the memory holds are trained at once, see :mod:`Motivation.stacked`. They are saved
now and then, and the next call goes on from there.
"""

import argparse
import os
import signal
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from AutoTrainer.data import get_dataset
from AutoTrainer.errors import UserError
from AutoTrainer.record.folder import written_whole

from . import stacked
from .collect import Settings, duration, read_settings, run_path
from .histories import COLUMNS
from .training import BATCH_SIZE, begun_model, check_parent, seed_of, write_history

SAVE_SECONDS = 30.0
"""Least time between two savings."""

TELL_SECONDS = 10.0
"""Least time between two lines on how far it is."""

SAVED_RUNS = 'vectorised.npz'
"""File in the folder of the collection: runs that are being trained, as far as they have come."""


class Together(NamedTuple):
    """Runs that are trained at once, as far as they have come.

    Attributes:
        numbers: of the runs.
        state: of all of them, see :func:`Motivation.stacked.stack`.
        curves: (epochs done, runs, 4), columns in upstream's order.
    """

    numbers: List[int]
    state: stacked.State
    curves: np.ndarray


# ----------------------------------------------------------------------------- saved and read

def save(out: Path, runs: Together) -> None:
    """Save runs in the middle of their training, whole or not at all.

    Raises:
        UserError: if the disk refuses; what was saved before is intact.
    """
    arrays: Any = {'%d/%d' % (group, place): np.asarray(array)
              for group, found in enumerate(runs.state) for place, array in enumerate(found)}
    with written_whole(str(out / SAVED_RUNS)) as part, open(part, 'wb') as file:
        np.savez(file, numbers=np.array(runs.numbers), curves=runs.curves, **arrays)


def read_saved(out: Path) -> Optional[Together]:
    """What :func:`save` has left; None if nothing, or (told on stderr) something damaged."""
    path = out / SAVED_RUNS
    if not path.exists():
        return None
    try:
        with np.load(str(path), allow_pickle=False) as arrays:
            places = [name.split('/') for name in arrays.files if '/' in name]
            state: Any = tuple(
                [arrays['%d/%d' % (group, place)]
                 for place in range(sum(found == str(group) for found, _ in places))]
                for group in range(3))
            return Together(arrays['numbers'].tolist(), state, arrays['curves'])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print('trained from the start: %s is damaged (%s)' % (path, error), file=sys.stderr)
        return None


# --------------------------------------------------------------------------------- the training

def begin(out: Path, settings: Settings, numbers: Sequence[int]) -> Together:
    """Runs before their first epoch, with the weights and random states of the ordinary engine."""
    model = begun_model(out, settings, numbers[0])
    states = [stacked.first_state(model)]
    each = settings.init == 'fresh' or stacked.is_random(model)
    for number in numbers[1:]:
        states.append(stacked.first_state(begun_model(out, settings, number)) if each
                      else states[0])
    return Together(list(numbers), stacked.stack(states), np.zeros((0, len(numbers), 4)))


def finish(program: stacked.Program, settings: Settings, runs: Together) -> Iterator[Together]:
    """Train runs to their end.

    Args:
        program: that trains them.
        settings: of the collection.
        runs: as far as they have come.

    Yields:
        The runs after each epoch; the one before is used up then.
    """
    orders = [stacked.row_orders(seed_of(settings, number), program.rows)
              for number in runs.numbers]
    for _ in range(len(runs.curves)):
        for order in orders:
            next(order)
    following = np.stack([next(order) for order in orders])
    for _ in range(len(runs.curves), settings.epochs):
        state, values = program.epoch(runs.state, following)
        following = np.stack([next(order) for order in orders])  # while the device computes
        row = np.stack([np.asarray(values[name], np.float64) for name in COLUMNS], axis=-1)
        runs = Together(runs.numbers, state, np.concatenate([runs.curves, row[None]]))
        yield runs


def train(out: Path, numbers: Sequence[int], parent: int,
          save_seconds: float = SAVE_SECONDS) -> None:
    """Train runs of a collection, write their histories, and say on stdout which are done.

    Args:
        out: folder of the collection.
        numbers: of the runs.
        parent: process that waits for this one; without it the training ends.
        save_seconds: least time between two savings; 0 for after every epoch.

    Raises:
        UserError: if this engine cannot train them here.
    """
    stacked.check_backend()
    settings = read_settings(out)
    assert settings is not None, '%s has no settings' % out
    program = stacked.Program(begun_model(out, settings, numbers[0]),
                              get_dataset(settings.dataset), BATCH_SIZE)
    missing, runs = list(numbers), read_saved(out)
    if runs and not set(runs.numbers) & set(missing):
        runs = None
    while missing:
        if runs is None:
            parts = -(-len(missing) // program.most_runs(len(missing)))
            runs = begin(out, settings, missing[:-(-len(missing) // parts)])
        elif program.most_runs(len(runs.numbers)) < len(runs.numbers):
            raise UserError('the %d runs saved in %s no longer fit into the free memory together; '
                            'free some, or delete the file to train them again in smaller parts'
                            % (len(runs.numbers), out / SAVED_RUNS))
        print('%d runs together, from epoch %d on, in %.2g GiB'
              % (len(runs.numbers), len(runs.curves) + 1,
                 program.bytes_needed(len(runs.numbers)) / 2**30), flush=True)
        runs = _train_to_the_end(out, program, settings, runs, parent, save_seconds)
        for place, number in enumerate(runs.numbers):
            if number in missing:
                write_history(run_path(out, number), runs.curves[:, place].tolist())
                missing.remove(number)
                print('done %d' % number, flush=True)
        if (out / SAVED_RUNS).exists():
            (out / SAVED_RUNS).unlink()
        runs = None


def _train_to_the_end(out: Path, program: stacked.Program, settings: Settings, runs: Together,
                      parent: int, save_seconds: float) -> Together:
    """Train runs to their end, saving them and saying how far they are now and then."""
    begun, started = len(runs.curves), time.monotonic()
    saved = told = started
    for trained in finish(program, settings, runs):
        check_parent(parent)
        runs, done, now = trained, len(trained.curves), time.monotonic()
        if done < settings.epochs and now - saved >= save_seconds:
            save(out, runs)
            saved = time.monotonic()
        if done < settings.epochs and now - told >= TELL_SECONDS:
            told, left = now, (now - started) / (done - begun) * (settings.epochs - done)
            print('epoch %d of %d, about %s left for these'
                  % (done, settings.epochs, duration(left)), flush=True)
    return runs


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command ``python -m Motivation.vectorised``; returns its exit code."""
    parser = argparse.ArgumentParser(prog='python -m Motivation.vectorised', description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('numbers', type=int, nargs='+', help='of the runs')
    parser.add_argument('--parent', type=int, default=os.getppid())
    parser.add_argument('--save-seconds', type=float, default=SAVE_SECONDS)
    args = parser.parse_args(argv)
    # Ctrl-C reaches the whole group of processes; the parent decides what happens to its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        train(args.out, args.numbers, args.parent, args.save_seconds)
    except UserError as error:
        print('error: %s' % error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
