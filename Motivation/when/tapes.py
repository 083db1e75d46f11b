"""What is kept of a run: its history and, per epoch, what the probe says of its gradients.

A tape is a history as the other commands read it, with four columns more; a case folder
``FAMILY/EPOCHS`` holds one for each seed.
"""

import sys
from pathlib import Path
from typing import List, Sequence, Tuple

from AutoTrainer.errors import UserError
from AutoTrainer.judge.facts import GradientSummary

from ..histories import COLUMNS, Run, read_history
from ..output import csv_text, write_atomically

PROBED = ('first_norm', 'last_norm', 'zero_share', 'finite')
"""Of the gradients on the probe's batch: norm of the first and last kernel's, share of exact
zeros, 1 if gradients and weights are finite numbers (else 0, and the norms are 0)."""


def case_path(out: Path, family: str, epochs: int) -> Path:
    """Folder of the runs of one family and length."""
    return out / family / ('%d_epochs' % epochs)


def tape_path(out: Path, family: str, epochs: int, number: int) -> Path:
    """File of one run."""
    return case_path(out, family, epochs) / ('run_%03d.csv' % number)


def probed(summary: GradientSummary) -> List[float]:
    """The entries of ``PROBED`` for one epoch."""
    finite = summary.finite and summary.weights_finite
    norms = [summary.kernels[place][1] if finite else 0.0 for place in (0, -1)]
    return norms + [summary.zero_share, float(finite)]


def write_tape(path: Path, rows: Sequence[Sequence[float]]) -> None:
    """Write a run whole or not at all; rows are ``COLUMNS`` and ``PROBED``."""
    write_atomically(path, csv_text(('',) + COLUMNS + PROBED,
                                    [[epoch] + list(row) for epoch, row in enumerate(rows)]))


def read_tape(path: Path) -> Run:
    """A run with the columns of ``COLUMNS`` and ``PROBED``.

    Raises:
        UserError: see :func:`Motivation.histories.read_history`.
    """
    return read_history(path, PROBED)


def missing(out: Path, family: str, lengths: Sequence[int], seeds: int) -> List[Tuple[int, int]]:
    """(epochs, number) of each run of a family whose tape is not there, whole."""
    lacking = []
    for epochs in lengths:
        for number in range(seeds):
            path = tape_path(out, family, epochs, number)
            try:
                if path.exists() and read_tape(path).epochs == epochs:
                    continue
            except UserError as error:
                print('trained again: %s' % error, file=sys.stderr)
            lacking.append((epochs, number))
    return lacking


def summaries(run: Run, rectified: bool) -> List[GradientSummary]:
    """What the probe said, epoch by epoch, as far as the symptoms read it.

    Args:
        run: see :func:`read_tape`.
        rectified: whether the model has units that can die.
    """
    return [GradientSummary((('first', first), ('last', last)), zeros, bool(finite), bool(finite),
                            rectified=rectified)
            for first, last, zeros, finite in zip(*[run.columns[name] for name in PROBED])]
