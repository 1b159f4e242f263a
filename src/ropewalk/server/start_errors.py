"""The errors for an app that does not start, or that is already served with other settings. `ropewalk.dropin` raises
these errors, too."""

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.errors import StartError, code_place, shown
from ropewalk.tracebacks import code_that_raised, shown_failure


def stopped_before_start() -> StartError:
    """The error for an app that was stopped before its start was complete."""
    return StartError("RW403", "The app was stopped before its start was complete.")


def start_hook_failed(log: Logger, failure: Failure) -> StartError:
    """Log the failure of a start hook or of an app-scoped provider, and return the error for code that waits for the
    start."""
    error: Any = failure.value
    codes = code_that_raised(error)
    who = f"{codes[0].co_qualname} at {code_place(codes[0])}" if codes else "A start hook"
    log.failure("RW403 The app does not start, because {who} failed.", shown_failure(error), who=who)
    return StartError("RW403", f"The app does not start, because {who} raised {shown(error)}.")


def served_with_other(settings: str, served: str) -> StartError:
    """The error for limits or proxies that differ from those with which the app or factory is already served."""
    return StartError("RW404", f"{served} is already served with other {settings}.")
