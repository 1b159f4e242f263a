"""The field Cache-Status (RFC 9211): how the cache has handled a request."""

from math import floor

Lines = tuple[tuple[str, str], ...]


class CacheStatus:
    """Makes the lines of the field for one cache."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def hit(self, ttl: float, *details: str) -> Lines:
        """The line for a stored response, which is fresh for `ttl` more seconds."""
        return self._line("hit", f"ttl={floor(ttl)}", *details)

    def forwarded(self, why: str, *details: str) -> Lines:
        """The line for a response of the handler."""
        return self._line(f"fwd={why}", *details)

    def _line(self, *parts: str) -> Lines:
        return () if self._name is None else (("cache-status", "; ".join((self._name, *parts))),)
