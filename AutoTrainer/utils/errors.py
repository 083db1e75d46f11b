"""The error that a user can cause and mend."""

import reprlib
from typing import Any


class UserError(ValueError):
    """One sentence that names the argument, quotes the wrong value and says the way out.

    The command line prints it without a traceback and ends with exit code 2.
    """


class _Short(reprlib.Repr):
    """Shows any value in little space, however large, deep or hostile it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = 160

    def repr_int(self, x: int, level: int) -> str:
        # the digits of a huge number take quadratic time
        return repr(x) if x.bit_length() < 128 else 'a number of %d bits' % x.bit_length()


def quote(value: Any) -> str:
    """A wrong value for an error message: one line, shortened where it is long."""
    return ' '.join(_Short().repr(value).split())
