"""The process behind ``autotrainer``, ``python -m AutoTrainer`` and ``python reproduce.py``.

Before anything that takes its time is imported it sees to signals: Ctrl-C ends it with 130 and
SIGTERM with 143, in one line.
"""

import sys
from typing import NoReturn

from . import interrupts


def command() -> NoReturn:
    """Run the command line, and end the process."""
    try:
        with interrupts.held():
            from .cli import main
            code = main()
    except KeyboardInterrupt as interrupt:
        print('reproduce.py: interrupted', file=sys.stderr)
        code = interrupts.exit_code(interrupt)
    interrupts.ignore()  # all is said, and a backend takes its time to end
    sys.exit(code)


if __name__ == '__main__':
    command()
