"""What the commands of this package print and write: tables, files, errors."""

import argparse
import csv
import io
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple

from AutoTrainer.errors import UserError

from .histories import OWN_DATA, Case, find_cases, is_history, is_output


def show(value: Any) -> str:
    """A cell of a table: None as a dash, a float with three digits that count."""
    if value is None:
        return '–'
    if isinstance(value, float):
        return '%.3g' % value if abs(value) < 1000 else '%.0f' % value
    return str(value)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers are shown as :func:`show` does."""
    lines = [list(header), ['---'] * len(header)] + [[show(cell) for cell in row] for row in rows]
    return ''.join('| %s |\n' % ' | '.join(line) for line in lines)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The text of a CSV file; numbers are written in full, None as nothing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def write_atomically(path: Path, text: str) -> None:
    """Write a text file at once or not at all.

    Args:
        path: the file; an older one of that name is replaced.
        text: its new content, written as UTF-8.

    Raises:
        UserError: if the disk refuses; what was there before is intact.
    """
    part = path.with_name('.%s.%d.part' % (path.name, os.getpid()))
    try:
        with open(str(part), 'w', encoding='utf-8', newline='') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(str(part), str(path))
    except OSError as error:
        if part.exists():
            part.unlink()
        raise UserError('%s cannot be written (%s); free some space or choose another folder'
                        % (path, error.strerror)) from error


def make_folder(argument: str, path: str) -> Path:
    """Create a folder that a user asked for.

    Raises:
        UserError: if it cannot be created or written to; the message names the argument.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError('%s is %r, which cannot be created (%s); give a folder that you may write '
                        'to' % (argument, path, error.strerror)) from error
    if not os.access(str(folder), os.W_OK):
        raise UserError('%s is %r, which cannot be written to; give a folder that you may write to'
                        % (argument, path))
    return folder


def make_output_folder(path: str) -> Path:
    """Create the folder for what a command writes (``--out``).

    Raises:
        UserError: if it cannot be made, or holds histories, which would be taken for results then.
    """
    folder = make_folder('--out', path)
    files = os.listdir(str(folder))
    if not is_output(files) and any(map(is_history, files)):
        raise UserError('--out is %r, which holds histories; give a folder of its own' % path)
    return folder


def share(text: str) -> float:
    """Type of a command-line argument that lies between 0 and 1, ends excluded."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError('%r is not between 0 and 1' % text)
    return value


def positive(text: str) -> float:
    """Type of a command-line argument that is a number above 0."""
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError('%r is not a number above 0' % text)
    return value


def reading_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """The arguments that all commands on recorded histories share: DIR and ``--debug``."""
    parser = argparse.ArgumentParser(prog='python -m Motivation.' + prog, description=description)
    parser.add_argument('directory', metavar='DIR', nargs='?', default=str(OWN_DATA),
                        help='folder of case folders with one CSV file per run (default: the '
                             'histories that come with the project)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def read_cases(directory: str) -> Tuple[List[Case], int]:
    """Read all cases below a directory and say on stderr what is left out.

    Returns:
        (cases, exit code): 0, or 1 if anything was left out.

    Raises:
        UserError: if there is nothing to read.
    """
    cases, problems = find_cases(Path(directory))
    for problem in problems:
        print('left out: %s' % problem, file=sys.stderr)
    if not cases:
        raise UserError('DIR is %r, which has no history that can be read; give a folder of case '
                        'folders with one CSV file per run' % directory)
    return cases, 1 if problems else 0


def run_command(body: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser,
                argv: Optional[Sequence[str]]) -> int:
    """Run a command; what its user can mend ends in one sentence and exit code 2.

    Args:
        body: does the work and returns the exit code.
        parser: has a ``--debug`` flag, under which errors keep their traceback.
        argv: the arguments; None for those of the process.
    """
    args = parser.parse_args(argv)
    try:
        return body(args)
    except UserError as error:
        if args.debug:
            raise
        print('error: %s' % error, file=sys.stderr)
        return 2
