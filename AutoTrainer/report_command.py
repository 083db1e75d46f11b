"""``autotrainer report``: a run folder as a page to look at."""

import argparse

from .report.html import FILE, write_page

NAME = 'report'
"""The word on the command line."""


def build_parser() -> argparse.ArgumentParser:
    """The arguments behind the word."""
    parser = argparse.ArgumentParser(
        prog='autotrainer report', description='Write %s into the folder of a run: what was wrong, '
        'its curves, what was tried and what mended it, in one file for a browser. Also for a run '
        'that still goes on or was interrupted.' % FILE)
    parser.add_argument('folder', metavar='DIR', help='the folder, such as '
                        'result/Gradient_Vanish_Case_seed0, or that of Watch(save_dir=...)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def run(arguments: argparse.Namespace) -> None:
    """Write the page, and say where it lies.

    Raises:
        UserError: if the folder holds no run, or cannot be written.
    """
    print(write_page(arguments.folder))
