"""The error that a user can cause and mend."""

import difflib
import os
import reprlib
import traceback
from typing import Any, Iterable, Sequence


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


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """A question for an error message: the nearest known name; '' if none is near."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(quote(value)[:80].strip('\'"').lower(), lower, 1)
    return 'did you mean %s? ' % lower[near[0]] if near else ''


def way_out(value: Any, known: Sequence[str]) -> str:
    """What an error message says of a name that is not among the known ones."""
    return '%sknown are %s' % (did_you_mean(value, known), ', '.join(known))


def first_line(error: BaseException) -> str:
    """What an error from elsewhere says, in one line; its class, and where, if it says nothing."""
    text = str(error).strip()
    if text:
        return quote(text.splitlines()[0])[1:-1]
    places = traceback.extract_tb(error.__traceback__)[-1:]
    return type(error).__name__ + ''.join(' in line %d of %s' % (
        place.lineno or 0, os.path.basename(place.filename)) for place in places)
