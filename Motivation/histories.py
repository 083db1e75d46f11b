"""Recorded trainings: one folder per case, one CSV file per run.

A file has one line per epoch and at least the columns ``loss``, ``accuracy``, ``val_loss`` and
``val_accuracy`` (upstream's format, which also has an index in front). Reading is strict, because
a file that was cut off while it was written would otherwise pass for a shorter training.
"""

import csv
import math
import os
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from AutoTrainer.errors import UserError
from AutoTrainer.record.reader import read_json

COLUMNS = ('loss', 'accuracy', 'val_loss', 'val_accuracy')
"""Columns of a history, in upstream's order."""

OWN_DATA = Path(__file__).resolve().parent / 'data'
"""The small set of histories that comes with the project."""

SETTINGS_FILE = 'collection.json'
"""What the runs of a collected case have in common; cases from elsewhere have none."""

TABLES_MARK, FIGURES_MARK = 'analysis.json', 'figures.json'
"""A folder with one of these files holds what a command wrote there and is no case."""


class Run(NamedTuple):
    """One recorded training.

    Attributes:
        number: the number in the file's name.
        path: the file.
        columns: the four curves by name, one number per epoch.
    """

    number: int
    path: Path
    columns: Dict[str, List[float]]

    @property
    def epochs(self) -> int:
        """Epochs that were trained."""
        return len(self.columns['loss'])


class Case(NamedTuple):
    """All runs of one setting.

    Attributes:
        name: path of the folder relative to where the search began.
        epochs: epochs of every run.
        runs: in order of their numbers.
        steps_per_epoch: training batches in an epoch; None where the folder does not say.
    """

    name: str
    epochs: int
    runs: List[Run]
    steps_per_epoch: Optional[int] = None


def read_history(path: Path, also: Sequence[str] = ()) -> Run:
    """Read one recorded training.

    Args:
        path: a CSV file.
        also: columns beside ``COLUMNS`` that are read too; they hold finite numbers.

    Returns:
        The run. Its number is the last one in the file's name, 0 if there is none.

    Raises:
        UserError: if the file cannot be read, lacks a column, has no epoch, is cut off, or has
            an entry that cannot be what the column says; the message names the file.
    """
    try:
        with open(str(path), encoding='utf-8', newline='') as file:
            text = file.read()
        rows = list(csv.reader(text.splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError('%s cannot be read as a CSV file (%s); remove it or collect the run anew'
                        % (path, getattr(error, 'strerror', None) or error)) from error
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise UserError('%s is empty; remove it or collect the run anew' % path)
    header = [cell.strip() for cell in rows[0]]
    wanted = COLUMNS + tuple(also)
    for name in wanted:
        if header.count(name) != 1:
            raise UserError('%s has %s column %r (it has %s); a history needs each of %s once'
                            % (path, 'more than one' if name in header else 'no', name,
                               ', '.join(filter(None, header)), ', '.join(wanted)))
    if len(rows) == 1:
        raise UserError('%s has no epochs; remove it or collect the run anew' % path)
    if len(rows[-1]) < len(header) or not text.endswith('\n'):
        raise UserError('%s is cut off in line %d; remove it or collect the run anew'
                        % (path, len(rows)))
    places = {name: header.index(name) for name in wanted}
    columns: Dict[str, List[float]] = {name: [] for name in wanted}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError('%s has %d entries in line %d where its header has %d; remove it or '
                            'collect the run anew' % (path, len(row), line, len(header)))
        for name, place in places.items():
            columns[name].append(_number(path, line, name, row[place]))
    digits = re.findall(r'\d+', path.stem)
    return Run(int(digits[-1]) if digits else 0, path, columns)


def _number(path: Path, line: int, name: str, cell: str) -> float:
    """One entry: a share in 0…1 for an accuracy; for a loss any number, NaN also as ''."""
    try:
        value = float(cell or 'nan')  # pandas writes NaN as nothing
        if name.endswith('loss') or (0 <= value <= 1 if name.endswith('accuracy')
                                     else math.isfinite(value)):
            return value
    except ValueError:
        pass
    raise UserError('%s has %r as %s in line %d; %s' % (
        path, cell, name, line, 'a loss is a number' if name.endswith('loss')
        else 'an accuracy lies between 0 and 1' if name.endswith('accuracy')
        else 'it is a finite number'))


def is_output(files: Sequence[str]) -> bool:
    """Whether a folder with files of these names holds what a command wrote."""
    return TABLES_MARK in files or FIGURES_MARK in files


def is_history(name: str) -> bool:
    """Whether a file of this name in a case folder is taken for a history."""
    return name.lower().endswith('.csv') and not name.startswith('.')


def find_cases(directory: Path) -> Tuple[List[Case], List[str]]:
    """Read every case below a directory.

    A folder that holds CSV files is a case; hidden folders and what a command wrote are passed
    over. What cannot be read does not keep the rest from being read.

    Args:
        directory: a folder of case folders, or a case folder itself.

    Returns:
        (cases in order of their names, one message for each file or folder that was left out).

    Raises:
        UserError: if ``directory`` is no folder.
    """
    if not directory.is_dir():
        raise UserError('DIR is %r, which is no folder; give a folder of case folders with one '
                        'CSV file per run' % str(directory))
    cases: List[Case] = []
    problems: List[str] = []
    unreadable: List[OSError] = []
    for folder, subfolders, files in os.walk(str(directory), onerror=unreadable.append):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith('.'))
        if is_output(files):
            continue
        paths = [Path(folder, name) for name in files if is_history(name)]
        if paths:
            relative = Path(folder).relative_to(directory).as_posix()
            name = directory.resolve().name if relative == '.' else relative
            runs, wrong = _read_runs(sorted(paths))
            problems.extend(wrong)
            try:
                steps = _steps_per_epoch(Path(folder, SETTINGS_FILE))
            except UserError as error:
                problems.append(str(error))
                steps = None
            if runs:
                cases.append(Case(name, runs[0].epochs, runs, steps))
        elif not subfolders:
            problems.append('%s has no CSV files; a case folder holds one per run' % folder)
    problems.extend('%s cannot be opened (%s)' % (error.filename, error.strerror)
                    for error in unreadable)
    return sorted(cases, key=lambda case: case.name), problems


def _steps_per_epoch(path: Path) -> Optional[int]:
    """What a collection's settings say of the batches in an epoch; None if there are none."""
    if not path.exists():
        return None
    steps = read_json(str(path)).get('steps_per_epoch')
    if steps is not None and not (isinstance(steps, int) and steps > 0):
        raise UserError('%s has %r as steps_per_epoch; it is a whole number above 0'
                        % (path, steps))
    return steps


def _read_runs(paths: Sequence[Path]) -> Tuple[List[Run], List[str]]:
    """The readable runs of one folder, all of one length, and what is wrong with the others."""
    found: List[Run] = []
    problems: List[str] = []
    numbers: Dict[int, Path] = {}
    for path in paths:
        try:
            run = read_history(path)
        except UserError as error:
            problems.append(str(error))
            continue
        if run.number in numbers:
            problems.append('%s has the same run number, %d, as %s; rename one of them'
                            % (path, run.number, numbers[run.number].name))
            continue
        numbers[run.number] = path
        found.append(run)
    lengths = [run.epochs for run in found]
    usual = max(set(lengths), key=lambda n: (lengths.count(n), n)) if lengths else 0
    for run in found:
        if run.epochs != usual:
            problems.append('%s has %d epochs where most runs of the case have %d; move it to a '
                            'case of its own or collect the run anew'
                            % (run.path, run.epochs, usual))
    return sorted((run for run in found if run.epochs == usual), key=lambda r: r.number), problems
