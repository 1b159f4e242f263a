"""The place in the user's code that calls this package, for errors of options, which are raised far from a handler."""

import sys
from typing import Final

from ropewalk.errors.naming import relative

_PACKAGE: Final = __name__.partition(".")[0]


def calling_place() -> str:
    """The innermost line outside of this package on the current stack, such as `users.py:12`.

    It walks the stack, so call it only for an error, and not for each route.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - `inspect` uses it, too
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return relative(frame.f_code.co_filename, frame.f_lineno)


def with_place(message: str) -> str:
    """A message of one sentence, with the place of the call in front of its full stop."""
    return f"{message.removesuffix('.')} ({calling_place()})."
