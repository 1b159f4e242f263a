"""Passes the records of the module `logging` to Twisted's log, until the program configures `logging` itself."""

import logging
from collections.abc import Callable
from threading import local
from typing import Any, Final

from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from ropewalk.logs.options import LEVEL_NUMBERS

_LEVELS: Final = (
    (logging.CRITICAL, LogLevel.critical),
    (logging.ERROR, LogLevel.error),
    (logging.WARNING, LogLevel.warn),
    (logging.INFO, LogLevel.info),
)
_STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}
"""The attributes that every record has. Other attributes are the `extra` of the program."""


class _Level(int):
    """The level that Ropewalk has set. If the program calls `setLevel`, an int replaces it, even one that is equal. So
    Ropewalk can tell whose level it is."""


class TwistedHandler(logging.Handler):
    """A handler that emits each record as an event of Twisted's log, with its `extra` as fields."""

    def __init__(self, publish: Callable[[dict[str, Any]], object] = globalLogPublisher) -> None:
        super().__init__()
        self._publish = publish
        self._active = local()

    def emit(self, record: logging.LogRecord) -> None:
        """Emit the event. Records that an observer of Twisted's log makes from events are dropped, because each would
        be passed to Twisted's log again, without end."""
        if getattr(self._active, "on", False) or type(record.msg).__module__ == "twisted.logger._stdlib":
            return
        self._active.on = True
        try:
            self._publish(event_of(record))
        except Exception:  # noqa: BLE001 - as every handler of `logging` does
            self.handleError(record)
        finally:
            self._active.on = False


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """The event of Twisted's log for a record."""
    given = vars(record)
    extra = {name: given[name] for name in given if name not in _STANDARD and not name.startswith("log_")}
    event: dict[str, Any] = extra | {
        "log_level": next((level for number, level in _LEVELS if record.levelno >= number), LogLevel.debug),
        "log_namespace": record.name,
        "log_time": record.created,
        "log_format": "{log_text}",
        "log_text": _message(record),
    }
    if record.stack_info:
        event["log_stack"] = record.stack_info
    if record.exc_info and record.exc_info[1] is not None:
        kind, error, trace = record.exc_info
        event["log_failure"] = Failure(error, kind, trace)
    return event


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError) as error:
        what = f"{type(error).__name__}: {error}"
        return f"{record.msg} (the arguments {record.args!r} do not fit: {what}, {record.pathname}:{record.lineno})"


def forward_logging(level: str, handler: logging.Handler | None = None) -> Callable[[], None]:
    """Pass the records of `logging` from a level on to Twisted's log. Return the function that ends this.

    If the root logger has a handler, the program has configured `logging`, and nothing changes. As soon as the program
    adds a handler to the root logger, also with `basicConfig` or `dictConfig`, this ends.
    """
    root = logging.getLogger()
    if root.handlers:
        return lambda: None
    handler = handler or TwistedHandler()
    original, former, basic_config = root.addHandler, root.level, logging.basicConfig
    ours = _Level(LEVEL_NUMBERS[level])

    def end() -> None:
        vars(root).pop("addHandler", None)
        if logging.basicConfig is configure:
            logging.basicConfig = basic_config
        root.removeHandler(handler)
        if root.level is ours:
            root.setLevel(former)

    def add(added: logging.Handler) -> None:
        end()
        root.addHandler(added)

    def configure(**options: Any) -> None:
        """Do basic configuration for the logging system. See `logging.basicConfig`."""
        end()
        basic_config(**options)

    original(handler)
    root.setLevel(ours)
    vars(root)["addHandler"] = add
    logging.basicConfig = configure
    return end
