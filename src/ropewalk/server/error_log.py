"""Write Twisted's log and the start-up lines to the standard error, from a separate thread, so that a slow reader of
the stream does not block the reactor."""

import os
import sys
from typing import Any, Final

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
)
from zope.interface import implementer

from ropewalk.logs import Formatter, LogOptions, Redaction, formatter, track_requests
from ropewalk.server.log_targets import target_of
from ropewalk.server.log_writer import FLUSH_TIMEOUT, LogWriter


@implementer(ILogObserver)
class ErrorLog(LogWriter):
    """An observer of Twisted's log that writes events to a stream, by default in the format of Twisted."""

    def __init__(self, stream: Any, form: Formatter | None = None) -> None:
        super().__init__(target_of(stream), "The log on the standard error")
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._form = form or formatter("text", Redaction())

    def __call__(self, event: LogEvent) -> None:
        """Write one log event."""
        text = self._form(event)
        if text:
            self.write_text(text)

    def write_text(self, text: str) -> None:
        """Queue lines of text to be written."""
        self.write(text.encode(self._encoding, "backslashreplace"))


_current: Final[list[ErrorLog]] = []
"""A list with the current log; empty before the first log is set up."""


def begin_logging(options: LogOptions) -> None:
    """Write the events of Twisted's log to the standard error, in the form and from the level of the options. `print`
    is not redirected."""
    least = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(options.level))
    if options.format != "text":
        track_requests()
    colours = options.format == "console" and has_colour(sys.stderr)
    error_log = ErrorLog(sys.stderr, formatter(options.format, Redaction(options.redact), colours=colours))
    _current[:] = [error_log]
    globalLogBeginner.beginLoggingTo([FilteringLogObserver(error_log, [least])], redirectStandardIO=False)


def log_has_begun() -> bool:
    """Whether the program has begun Twisted's log."""
    return globalLogBeginner._temporaryObserver is None  # noqa: SLF001 - no public attribute shows it


def begin_logging_unless_begun(options: LogOptions) -> None:
    """Write Twisted's log to the standard error, unless application code has already begun logging."""
    if not log_has_begun():
        begin_logging(options)


def has_colour(stream: Any) -> bool:
    """Whether a stream is a terminal, and the user has not switched colours off (https://no-color.org)."""
    is_off = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not is_off and stream is not None and bool(stream.isatty())


def write_error(text: str) -> None:
    """Write lines to the standard error. They are not mixed with the lines of the log."""
    if not _current:
        _current.append(ErrorLog(sys.stderr))
    _current[0].write_text(text)


def flush_errors(seconds: float = FLUSH_TIMEOUT) -> None:
    """Block until all lines are written, for up to `seconds`."""
    for error_log in _current:
        error_log.flush(seconds)
