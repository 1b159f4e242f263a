"""Shows Twisted's log on standard error."""

from typing import Final

from twisted.logger import LogLevel

from ropewalk.server import begin_logging

LEVELS: Final = ("debug", "info", "warn", "error", "critical")


def start_logging(level: str) -> None:
    """Show log events of at least this level. The output of `print` in handlers is unchanged."""
    begin_logging(LogLevel.levelWithName(level))
