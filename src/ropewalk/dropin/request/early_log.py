"""Twisted's log before a program begins to observe it.

Until then an event of a level below "critical" does nothing but push the oldest one out of a short history, which is
replayed when an observer comes. On its way there Twisted asks a filter that lets nothing pass; that costs more than all
the rest of the event.
"""

from typing import Any, Final

from twisted.logger import LogLevel, globalLogBeginner, globalLogPublisher


def _early_observers() -> tuple[Any, Any]:
    """The only observer of Twisted's log before logging begins, and the history in it; else two times None."""
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
    """Give an event of this level to an observer, as a Logger does."""
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
