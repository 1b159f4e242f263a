"""The errors for an app that does not start, or that is already served with other settings. `ropewalk.dropin` raises
these errors, too."""

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.errors import StartError, shown
from ropewalk.tracebacks import shown_failure


def stopped_before_start() -> StartError:
    """The error for an app that was stopped before its start was complete."""
    return StartError("RW403", "It was stopped before it had started.")


def start_hook_failed(log: Logger, failure: Failure) -> StartError:
    """Log the failure of a start hook, and return the error for code that waits for the start."""
    error: Any = failure.value
    log.failure("RW403 A start hook of the app failed.", shown_failure(error))
    return StartError("RW403", f"A start hook failed: {shown(error)}.")


def served_with_other(settings: str, served: str) -> StartError:
    """The error for limits or proxies that differ from those of the first call."""
    return StartError("RW404", f"{served} is served with other {settings} already.")
