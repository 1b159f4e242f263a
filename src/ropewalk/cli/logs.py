"""Twisted's log on the standard error."""

import sys
from typing import Final

from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

LEVELS: Final = ("debug", "info", "warn", "error", "critical")


def start_logging(level: str) -> None:
    """Show events of at least this level. What a handler prints is left alone."""
    least = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(level))
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [least])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
