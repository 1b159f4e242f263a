"""The warning that a handler has blocked the reactor after it had waited. Before the handler first waits, the engine
measures the time and logs the warning."""

from typing import Any, Final

from twisted.logger import Logger

from ropewalk.calling.stopped_process import has_just_continued
from ropewalk.errors import CATALOGUE, named
from ropewalk.request import Request
from ropewalk.tracebacks import PACKAGE

log = Logger(namespace="ropewalk.handlers")

BLOCKING: Final = 0.5
"""If a handler runs for more than this time in seconds without waiting, the log warns that it blocked the reactor. The
engine measures the time until the handler first waits: see `binding/src/turn/blocked_reactor.rs`."""


def warn_of_blocked_reactor(coroutine: Any, request: Request, seconds: float) -> None:
    """Log RW306, because a handler's coroutine ran for so many seconds without waiting.

    Nothing is logged if the watchdog of the server has reported this block, or if the process was stopped meanwhile."""
    if _is_reported(request) or has_just_continued():
        return
    log.warn(
        "{code} {who} blocked the reactor for {seconds:.1f} s. {remedy}",
        code="RW306",
        who=_user_code(coroutine, request),
        seconds=seconds,
        remedy=CATALOGUE["RW306"].remedy,
    )


def _is_reported(request: Request) -> bool:
    """Whether the watchdog of the server has reported that the reactor is blocked now."""
    watchdog = getattr(request.service, "watchdog", None)
    return watchdog is not None and watchdog.has_reported


def _user_code(coroutine: Any, request: Request) -> str:
    """The code that may have blocked. If the coroutine is code of this package, it has called the handler, its
    providers and middleware, and any of these may have blocked."""
    code = getattr(coroutine, "cr_code", None)
    handler = request.engine_handler
    if code is None or handler is None or not code.co_filename.startswith(PACKAGE):
        return named(coroutine)
    return f"{named(handler.call)}, or one of its providers or middleware,"
