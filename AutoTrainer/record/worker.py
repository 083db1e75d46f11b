"""A process that trains legs for another one, which it hears on standard input.

It ends with whoever began it, in the middle of a leg if need be: nobody else may write into the
folder that a resumed race goes on with.
"""

import os
import queue
import signal
import sys
import threading
import traceback
from typing import IO


def main() -> None:
    """Answer every leg that is sent, until nobody sends any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever began the race
    answers = os.fdopen(os.dup(sys.stdout.fileno()), 'wb')
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a framework prints is no answer
    asked: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_hear, args=(sys.stdin.buffer, asked), daemon=True).start()
    from .runners import answer_of, trainer_of, write_frame
    trainer = trainer_of(asked.get())
    while True:
        write_frame(answers, answer_of(trainer, asked.get()))


def _hear(stream: IO[bytes], asked: 'queue.Queue[bytes]') -> None:
    from .runners import read_frame
    try:
        while True:
            asked.put(read_frame(stream))
    except EOFError:
        os._exit(0)  # from a thread, while another is within a framework's code
    except BaseException:  # or the leg would be waited for that was never heard
        traceback.print_exc()
        os._exit(1)


if __name__ == '__main__':
    main()
