"""Report an operation that has failed and that no code has awaited: in the log (RW285), and in the test client."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NamedTuple

from twisted.internet.defer import DebugInfo
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.clocks import CURRENT
from ropewalk.errors import CATALOGUE, HandlerError, relative
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting_places import is_users

log = Logger(namespace="ropewalk.handlers")

_SKIPPED: Final = ("ropewalk.", "twisted.internet.defer")


class Call(NamedTuple):
    """The call that has begun an operation."""

    place: str | None
    """The line of the user's code and its function, such as `app.py:12, in upload`; None if it is not known."""
    clock: Any
    """The clock of the test client whose request made the call."""


def current_call() -> Call:
    """The call that the user's code makes now. Use it only for slow operations, and for those that fail."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect` uses it, too
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(_SKIPPED):
        frame = frame.f_back
    if frame is None or not is_users(frame.f_code.co_filename):
        return Call(None, CURRENT.get())
    return Call(f"{relative(frame.f_code.co_filename, frame.f_lineno)}, in {frame.f_code.co_name}", CURRENT.get())


def begin_operation() -> Callable[[], None] | None:
    """Let the test client that sent the current request wait for an operation. Returns a function to call at its end;
    None on a server."""
    begin = getattr(CURRENT.get(), "begin_operation", None)
    return None if begin is None else begin()


class DroppedFailure(DebugInfo):
    """The failure of a Waiter. This object is deleted together with the Waiter. If no code has handled the failure by
    then, the failure is reported."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __del__(self) -> None:
        failure: Failure | None = self.failResult
        if failure is None:
            return
        where = "" if self._call.place is None else f" It was begun at {self._call.place}."
        what = f"{CATALOGUE['RW285'].summary}{where}"
        log.failure(
            "{code} {what} {remedy}",
            shown_failure(failure.value),
            code="RW285",
            what=what,
            remedy=CATALOGUE["RW285"].remedy,
        )
        note = getattr(self._call.clock, "note_dropped", None)  # only the clock of a test client has it
        if note is not None:
            error = HandlerError("RW285", what)
            error.__cause__ = failure.value
            note(error)
