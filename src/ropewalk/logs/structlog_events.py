"""structlog on Twisted's log: `configure_structlog`."""

import sys
from typing import Any, Final

from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from ropewalk.errors import optional_package
from ropewalk.logs.options import LEVEL_NUMBERS
from ropewalk.logs.tracking import track_requests

_LEVELS: Final = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "msg": LogLevel.info,
    "warn": LogLevel.warn,
    "warning": LogLevel.warn,
    "error": LogLevel.error,
    "err": LogLevel.error,
    "exception": LogLevel.error,
    "failure": LogLevel.error,
    "critical": LogLevel.critical,
    "fatal": LogLevel.critical,
}

_STACK: Final = "Stack (most recent call last):\n"
"""The beginning of what structlog's `StackInfoRenderer` adds to an event as `stack`."""


def configure_structlog(level: str = "info") -> bool:
    """Make loggers of structlog emit events of Twisted's log, with their fields. Call it before you use a logger.

    Return False, and change nothing, if the program has configured structlog already. `ropewalk run` and `App.run` call
    it for a program that imports structlog. Raises MissingPackage (RW333) without structlog.
    """
    structlog = optional_package("structlog", "structlog", "configure_structlog", extra="logs", code="RW333")
    if structlog.is_configured():
        return False
    track_requests()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.StackInfoRenderer(),
            event_fields,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVEL_NUMBERS[level]),
        logger_factory=TwistedLogger,
        cache_logger_on_first_use=False,
    )
    return True


def configure_imported_structlog(level: str) -> None:
    """Configure structlog if the program has imported it, and has not configured it."""
    if "structlog" in sys.modules:
        configure_structlog(level)


def event_fields(_: object, method: str, fields: dict[str, Any]) -> tuple[tuple[LogEvent], dict[str, Any]]:
    """A processor of structlog, the last one: makes an event of Twisted's log. Use it in your own configuration, with
    `TwistedLogger` as `logger_factory`."""
    text = fields.pop("event", "")
    event: LogEvent = {name: value for name, value in fields.items() if not name.startswith("log_")}
    for name in ("exc_info", "level", "timestamp"):
        event.pop(name, None)
    stack = event.get("stack")
    if isinstance(stack, str) and stack.startswith(_STACK):
        event["log_stack"] = event.pop("stack")
    failure = _failure(fields.get("exc_info"))
    if failure is not None:
        event["log_failure"] = failure
    event |= {"log_level": _LEVELS.get(method, LogLevel.info), "log_format": "{log_text}", "log_text": f"{text}"}
    return (event,), {}


class TwistedLogger:
    """The logger that structlog wraps. It passes events to Twisted's log."""

    def __init__(self, name: object = None, *_: object) -> None:
        self._name = name if isinstance(name, str) else _module_of_caller()

    def msg(self, event: LogEvent) -> None:
        """Emit an event."""
        from time import time

        globalLogPublisher({"log_time": time(), "log_namespace": self._name, **event})

    debug = info = warn = warning = error = err = exception = failure = critical = fatal = log = msg


def _module_of_caller() -> str:
    frame = sys._getframe(2)  # noqa: SLF001 - as `twisted.logger.Logger` finds its namespace
    while frame.f_back is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] != "structlog":
            return name
        frame = frame.f_back
    return "structlog"


def _failure(exc_info: Any) -> Failure | None:
    if isinstance(exc_info, BaseException):
        return Failure(exc_info, type(exc_info), exc_info.__traceback__)
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and exc_info[1] is not None:
        return Failure(exc_info[1], exc_info[0], exc_info[2])
    if exc_info and sys.exc_info()[1] is not None:
        return Failure()
    return None
