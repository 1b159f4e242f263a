"""`WSGIOptions`: the number of threads, and how many requests may wait for a thread. `threads.py` runs the threads, and
`threads_busy.py` makes the 503 for further requests.
"""

from dataclasses import dataclass

from ropewalk.errors import KnownOptions, OptionError, is_int, shown
from ropewalk.resource import BODY_LIMIT, check_body_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class WSGIOptions(KnownOptions):
    """How the application is called. Raises HandlerError (RW271) for invalid options."""

    threads: int | None = None
    """The maximum number of threads that only this application uses. None: it uses the reactor's thread pool, which has
    10 threads unless you call `reactor.suggestThreadPoolSize`. An application that often waits for other services needs
    more threads."""
    waiting: int = 1000
    """The maximum number of requests that wait for a thread. Further requests get a 503. This bounds the memory for the
    bodies of waiting requests."""
    body_limit: int | None = BODY_LIMIT
    """The maximum size in bytes of a request body. A larger body gets a 413. None: the engine's limit. A body larger
    than `Limits.spool_size` is stored in a temporary file."""

    def __post_init__(self) -> None:
        if self.threads is not None and not (is_int(self.threads) and self.threads >= 1):
            remedy = "Give an int of at least 1, or None for the reactor's threads."
            raise OptionError("RW271", f"WSGIOptions has the invalid value threads={shown(self.threads)}.", remedy)
        if not (is_int(self.waiting) and self.waiting >= 1):
            raise OptionError(
                "RW271",
                f"WSGIOptions has the invalid value waiting={shown(self.waiting)}.",
                "Give an int of at least 1.",
            )
        check_body_limit("WSGIOptions", self.body_limit)
