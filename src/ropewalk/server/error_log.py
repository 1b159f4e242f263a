"""Write Twisted's log and the start-up lines to the standard error, from a separate thread, so that a slow reader of
the stream does not block the reactor."""

import sys
from typing import Any, Final

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevelFilterPredicate,
    formatEventAsClassicLogText,
    globalLogBeginner,
)
from zope.interface import implementer

from ropewalk.server.log_targets import target_of
from ropewalk.server.log_writer import FLUSH_TIMEOUT, LogWriter


@implementer(ILogObserver)
class ErrorLog(LogWriter):
    """An observer of Twisted's log that writes events to a stream as text."""

    def __init__(self, stream: Any) -> None:
        super().__init__(target_of(stream), "The log on the standard error")
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    def __call__(self, event: LogEvent) -> None:
        """Write one log event."""
        text = formatEventAsClassicLogText(event)
        if text:
            self.write_text(text)

    def write_text(self, text: str) -> None:
        """Queue lines of text to be written."""
        self.write(text.encode(self._encoding, "backslashreplace"))


_current: Final[list[ErrorLog]] = []
"""A list with the current log; empty before the first log is set up."""


def begin_logging(level: Any) -> None:
    """Write the events of Twisted's log that have at least this level to the standard error. `print` is not
    redirected."""
    least = LogLevelFilterPredicate(defaultLogLevel=level)
    error_log = ErrorLog(sys.stderr)
    _current[:] = [error_log]
    globalLogBeginner.beginLoggingTo([FilteringLogObserver(error_log, [least])], redirectStandardIO=False)


def write_error(text: str) -> None:
    """Write lines to the standard error. They are not mixed with the lines of the log."""
    if not _current:
        _current.append(ErrorLog(sys.stderr))
    _current[0].write_text(text)


def flush_errors(seconds: float = FLUSH_TIMEOUT) -> None:
    """Block until all lines are written, for up to `seconds`."""
    for error_log in _current:
        error_log.flush(seconds)
