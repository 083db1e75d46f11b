"""Run a notebook in a folder that is thrown away: ``python scripts/notebook.py FILE [--write]``.

With ``--write`` what its cells show is stored in it, without times, paths and addresses in memory;
without, it is only seen to run.
"""

import argparse
import os
import tempfile
from typing import Any

import nbformat
from nbclient import NotebookClient


def executed(path: str) -> Any:
    """The notebook with what its cells show.

    Args:
        path: of the ``.ipynb``.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, record_timing=False,
                       resources={'metadata': {'path': folder}}).execute()
    for cell in notebook.cells:
        for output in cell.get('outputs', ()):
            if 'text/html' in output.get('data', ()):
                output['data'].pop('text/plain', None)  # an address in memory
    notebook.metadata = {'kernelspec': notebook.metadata['kernelspec'],
                         'language_info': {'name': 'python'}}
    return notebook


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file')
    parser.add_argument('--write', action='store_true', help='store what the cells show')
    arguments = parser.parse_args()
    notebook = executed(arguments.file)
    if arguments.write:
        nbformat.write(notebook, arguments.file)
        print('%s: %.0f kB' % (arguments.file, os.path.getsize(arguments.file) / 1000))


if __name__ == '__main__':
    main()
