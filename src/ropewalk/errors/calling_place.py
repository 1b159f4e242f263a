"""Find the line of the user's code that called this package. Errors about wrong options name this line."""

import sys
from typing import Final

from ropewalk.errors.naming import relative

_PACKAGE: Final = __name__.partition(".")[0]


def calling_place() -> str:
    """The innermost line outside of this package on the current stack, such as `users.py:12`.

    Call this only when an error is raised, because walking the stack is slow.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - `inspect` uses it, too
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return relative(frame.f_code.co_filename, frame.f_lineno)


def with_place(message: str) -> str:
    """Insert the place of the call before the full stop of a message that has one sentence."""
    return f"{message.removesuffix('.')} ({calling_place()})."
