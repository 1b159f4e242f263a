"""The options of `SQLite`."""

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Literal, get_args

from ropewalk.errors import HandlerError, KnownOptions, is_int, shown

Synchronous = Literal["full", "normal"]


@dataclass(frozen=True, kw_only=True)
class SQLiteOptions(KnownOptions):
    """How `SQLite` opens a file, and how long requests wait for it. Raises HandlerError (RW283) for a wrong value."""

    schema: str = ""
    """SQL statements that run each time the file is opened, such as `CREATE TABLE IF NOT EXISTS ...`."""
    timeout: float = 5.0
    """The maximum number of seconds for which a request waits for other requests and for the locks of other processes.

    After that time, it gets a 503.
    """
    readers: int = 4
    """The maximum number of statements that read at the same time. Each has a connection and a thread."""
    waiting: int = 1000
    """The maximum number of requests that may wait to write, and also the maximum number that may wait to read. Further
    requests get a 503."""
    synchronous: Synchronous = "full"
    """`full` waits for the disk at each commit. `normal` waits less often: a power failure may lose the last commits,
    but does not damage the file."""
    foreign_keys: bool = True
    """Whether foreign keys are enforced."""
    prepare: Callable[[Connection], object] | None = None
    """A function that is called with each new connection, in its thread, for example to add functions or pragmas."""

    def __post_init__(self) -> None:
        seconds: Any = self.timeout
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 10**9:
            raise _wrong(f"timeout={shown(seconds)}", "Give seconds, 0 or more.")
        for name, least in (("readers", 1), ("waiting", 0)):
            number = getattr(self, name)
            if not is_int(number) or number < least:
                raise _wrong(f"{name}={shown(number)}", f"Give an int of at least {least}.")
        if self.synchronous not in get_args(Synchronous):
            raise _wrong(f"synchronous={shown(self.synchronous)}", 'Use "full" or "normal".')


def _wrong(what: str, remedy: str) -> HandlerError:
    return HandlerError("RW283", f"SQLiteOptions has {what}.", remedy)
