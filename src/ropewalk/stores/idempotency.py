"""The store of idempotency keys: who processes a key, and the response, and how they are kept in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from time import monotonic
from typing import Final, Protocol

from ropewalk.errors import HandlerError, shown
from ropewalk.stores.unavailable import StoreUnavailable

SPARE: Final = 64
"""Outdated entries of the heap that are always allowed."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about a key that was claimed before."""

    fingerprint: str
    """That of the request which claimed it."""
    response: bytes | None
    """What was saved; None while the request is processed; empty if the store no longer has it."""


class IdempotencyStore(Protocol):
    """Keeps idempotency keys. Each method is one atomic step, and raises StoreUnavailable if it cannot be done.

    A key is a hash of 64 hexadecimal digits, which contains the scope. Neither a key nor a saved response reveals
    anything to another key, so a store needs no other separation.
    """

    async def claim(self, key: str, fingerprint: str, token: str, seconds: float) -> Record | None:
        """Claim a key for so many seconds. Returns None if it was free; else what is known about it, unchanged."""

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """Keep the response for so many seconds, if the key is still claimed with this token."""

    async def release(self, key: str, token: str) -> None:
        """Make the key free again, if it is still claimed with this token and has no response."""


class _Kept:
    """A key in memory."""

    __slots__ = ("expires", "fingerprint", "response", "token")

    def __init__(self, fingerprint: str, token: str, expires: float) -> None:
        self.fingerprint = fingerprint
        self.token = token
        self.expires = expires
        self.response: bytes | None = None


class MemoryIdempotency:
    """Keys in the memory of this process. A restart forgets them. `clock` returns seconds, for tests.

    At most `most_bytes` of responses are kept: beyond it, the oldest responses are dropped, but their keys stay, so a
    duplicate is refused and never processed again. At most `most_keys` are kept: beyond it, new ones are refused with
    StoreUnavailable until others expire.
    """

    def __init__(
        self,
        *,
        most_keys: int = 100_000,
        most_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if most_keys < 1 or most_bytes < 0:
            what = f"most_keys is {shown(most_keys)}, and most_bytes {shown(most_bytes)}."
            raise HandlerError("RW235", what, "Give 1 or more keys, and 0 bytes or more.")
        self._most_keys = most_keys
        self._most_bytes = most_bytes
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._expiry: list[tuple[float, str]] = []
        """A heap with an entry for each claim and each response."""
        self._saved: dict[str, None] = {}
        """The keys with a response that is kept, the oldest first."""
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def claim(self, key: str, fingerprint: str, token: str, seconds: float) -> Record | None:
        """See IdempotencyStore."""
        now = self._clock()
        self._forget_expired(now)
        kept = self._kept.get(key)
        if kept is not None:
            return Record(kept.fingerprint, kept.response)
        if len(self._kept) >= self._most_keys:
            raise StoreUnavailable(f"{self._most_keys} idempotency keys are kept already.", "Raise most_keys.")
        self._kept[key] = _Kept(fingerprint, token, now + seconds)
        self._note_expiry(now + seconds, key)
        return None

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """See IdempotencyStore."""
        now = self._clock()
        self._forget_expired(now)
        kept = self._kept.get(key)
        if kept is None or kept.token != token or kept.response is not None:
            return
        kept.response = response
        kept.expires = now + seconds
        self._note_expiry(kept.expires, key)
        self._saved[key] = None
        self._bytes += len(response)
        while self._bytes > self._most_bytes:
            self._drop_response(next(iter(self._saved)))

    async def release(self, key: str, token: str) -> None:
        """See IdempotencyStore."""
        kept = self._kept.get(key)
        if kept is not None and kept.token == token and kept.response is None:
            del self._kept[key]

    def _note_expiry(self, expires: float, key: str) -> None:
        heappush(self._expiry, (expires, key))
        if len(self._expiry) > 2 * len(self._kept) + SPARE:  # the entries of keys that were released
            self._expiry = [(kept.expires, key) for key, kept in self._kept.items()]
            heapify(self._expiry)

    def _forget_expired(self, now: float) -> None:
        while self._expiry and self._expiry[0][0] <= now:
            _, key = heappop(self._expiry)
            kept = self._kept.get(key)
            if kept is not None and kept.expires <= now:
                self._drop_response(key)
                del self._kept[key]

    def _drop_response(self, key: str) -> None:
        if key in self._saved:
            del self._saved[key]
            self._bytes -= len(self._kept[key].response or b"")
            self._kept[key].response = b""
