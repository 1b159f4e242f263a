"""Whether the process was stopped by a signal a moment ago, such as by Ctrl+Z, and continued.

The time for which a process is stopped counts as time in which a handler blocks the reactor, because the clock
continues.
"""

from time import monotonic
from typing import Final

RECENT: Final = 0.5
"""For how many seconds a continuation counts as recent: the time for which a handler must block the reactor to be
reported."""

_continued: Final[list[float]] = []
"""When the process was continued for the last time; empty if it was not."""


def note_continued(*_: object) -> None:
    """Note that the process continues. It is the handler of SIGCONT."""
    _continued[:] = [monotonic()]


def has_just_continued() -> bool:
    """Whether the process was continued less than RECENT seconds ago."""
    return bool(_continued) and monotonic() - _continued[0] < RECENT
