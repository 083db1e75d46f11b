"""The process behind ``autotrainer``, ``python -m AutoTrainer`` and ``python reproduce.py``.

Before anything that takes its time is imported it sees to signals: Ctrl-C ends it with 130 and
SIGTERM with 143, in one line.
"""

import os
import sys
from typing import List, NoReturn, Optional

from . import interrupts


def command(argv: Optional[List[str]] = None) -> NoReturn:
    """Run the command line, and end the process.

    Args:
        argv: arguments; default those of the process.
    """
    try:
        with interrupts.held():
            from .cli import main
            code = main(argv)
    except KeyboardInterrupt as interrupt:
        given = sys.argv[1:] if argv is None else argv
        print('%s: interrupted' % ('autotrainer' if given and not given[0].startswith('-')
                                   else 'reproduce.py'), file=sys.stderr)
        code = interrupts.exit_code(interrupt)
    interrupts.ignore()  # all is said, and a backend takes its time to end
    sys.exit(code)


def run_demo(path: str) -> NoReturn:
    """Run the demo case that a file belongs to, and end the process: ``python demo.py``.

    Args:
        path: of the ``demo.py``; arguments of the process go with it.
    """
    command(['--case', os.path.basename(os.path.dirname(os.path.realpath(path)))] + sys.argv[1:])


if __name__ == '__main__':
    command()
