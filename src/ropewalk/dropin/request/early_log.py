"""Publishes events to Twisted's log, and does so faster than Twisted as long as the program has added no observer.

Before the first observer is added, an event below the level "critical" is only added to a short history, which is
replayed to the first observer. Twisted also passes each event to a filter, which rejects it and takes most of the time.
This module leaves out the filter.
"""

from typing import Any, Final

from twisted.logger import LogLevel, globalLogBeginner, globalLogPublisher


def _early_observers() -> tuple[Any, Any]:
    """Return the only observer of Twisted's log before logging begins, and its history. None and None if not found."""
    only = getattr(globalLogBeginner, "_temporaryObserver", None)
    history = getattr(globalLogBeginner, "_initialBuffer", None)
    inside: Any = getattr(only, "_observers", ())
    if len(inside) == 2 and inside[0] is history and type(inside[1]).__name__ == "FilteringLogObserver":
        return only, history
    return None, None


_ONLY, _HISTORY = _early_observers()
_OBSERVERS: Final[list[Any]] = getattr(globalLogPublisher, "_observers", [])
_CRITICAL: Final = LogLevel.critical


def publish(observer: Any, level: Any, event: dict[str, Any]) -> None:
    """Pass an event to an observer, as a Logger does. Before logging begins, only add it to the history."""
    if (
        observer is globalLogPublisher
        and len(_OBSERVERS) == 1
        and _OBSERVERS[0] is _ONLY
        and level is not _CRITICAL
        and _ONLY is not None
    ):
        _HISTORY(event)
    else:
        observer(event)
