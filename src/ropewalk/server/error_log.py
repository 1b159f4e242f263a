"""Twisted's log and the start-up lines on the standard error. A thread writes them, so a slow reader blocks nothing."""

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
    """An observer of Twisted's log that writes it to a stream as text."""

    def __init__(self, stream: Any) -> None:
        super().__init__(target_of(stream), "The log on the standard error")
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    def __call__(self, event: LogEvent) -> None:
        """Log an event."""
        text = formatEventAsClassicLogText(event)
        if text:
            self.write_text(text)

    def write_text(self, text: str) -> None:
        """Write some lines."""
        self.write(text.encode(self._encoding, "backslashreplace"))


_current: Final[list[ErrorLog]] = []
"""The log that was begun last, if there is one."""


def begin_logging(level: Any) -> None:
    """Write Twisted's log to the standard error, from a level on. `print` is not redirected."""
    least = LogLevelFilterPredicate(defaultLogLevel=level)
    error_log = ErrorLog(sys.stderr)
    _current[:] = [error_log]
    globalLogBeginner.beginLoggingTo([FilteringLogObserver(error_log, [least])], redirectStandardIO=False)


def write_error(text: str) -> None:
    """Write lines to the standard error, in order with those of the log."""
    if not _current:
        _current.append(ErrorLog(sys.stderr))
    _current[0].write_text(text)


def flush_errors(seconds: float = FLUSH_TIMEOUT) -> None:
    """Wait up to `seconds` until all lines are written. It blocks."""
    for error_log in _current:
        error_log.flush(seconds)
