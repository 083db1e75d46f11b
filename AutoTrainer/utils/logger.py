"""The project's one logger; nothing is configured at import.

So warnings go to standard error, unless the program that uses it has set up its own logging.
"""

import logging
import os
from typing import Optional

LOGGER = logging.getLogger('AutoTrainer')


def log_to_folder(path: Optional[str]) -> Optional[logging.Handler]:
    """Also write the log to a file.

    Args:
        path: folder of the file ``monitor_repair.log``, to which is appended; None for none.

    Returns:
        The handler, to be handed to :func:`stop_logging`; None without a path.
    """
    if path is None:
        return None
    os.makedirs(path, exist_ok=True)
    handler = logging.FileHandler(os.path.join(path, 'monitor_repair.log'), encoding='utf-8',
                                  delay=True)
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    return handler


def stop_logging(handler: Optional[logging.Handler]) -> None:
    """Undo :func:`log_to_folder`."""
    if handler is not None:
        LOGGER.removeHandler(handler)
        handler.close()
