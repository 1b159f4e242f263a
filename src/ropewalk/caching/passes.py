"""Remembers which URLs have responses that cannot be stored, so that their requests do not wait for each other."""

from typing import Any, Final

from ropewalk.clocks import monotonic

SECONDS: Final = 10.0
"""How long a URL is remembered."""
MOST: Final = 10_000
"""How many URLs are remembered."""

Key = tuple[Any, ...]


class Passes:
    """The URLs of one layer whose responses could not be stored."""

    def __init__(self) -> None:
        self._until: dict[Key, float] = {}

    def add(self, key: Key) -> None:
        """Remember a URL."""
        self._until.pop(key, None)
        self._until[key] = monotonic() + SECONDS
        if len(self._until) > MOST:
            del self._until[next(iter(self._until))]

    def remove(self, key: Key) -> None:
        """Forget a URL, because its response was stored."""
        self._until.pop(key, None)

    def has(self, key: Key) -> bool:
        """Whether a URL is remembered."""
        until = self._until.get(key)
        if until is None:
            return False
        if monotonic() < until:
            return True
        del self._until[key]
        return False
