"""Remembers URLs for some time: those whose responses could not be stored, or could be."""

from typing import Any, Final

from ropewalk.clocks import monotonic

MOST: Final = 1000
"""How many URLs are remembered. A URL may have several KiB."""

Key = tuple[Any, ...]


class RememberedURLs:
    """The URLs of one layer that are remembered for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[Key, float] = {}

    def __contains__(self, key: Key) -> bool:
        until = self._until.get(key)
        if until is None:
            return False
        if monotonic() < until:
            return True
        del self._until[key]
        return False

    def add(self, key: Key) -> None:
        """Remember a URL."""
        self._until.pop(key, None)
        self._until[key] = monotonic() + self._seconds
        if len(self._until) > MOST:
            del self._until[next(iter(self._until))]

    def remove(self, key: Key) -> None:
        """Forget a URL."""
        self._until.pop(key, None)
