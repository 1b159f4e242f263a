"""A store of idempotency keys in the memory of this process, with limits for its size."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

from ropewalk.clocks import monotonic
from ropewalk.errors import OptionError, shown
from ropewalk.stores.idempotency import Record
from ropewalk.stores.unavailable import StoreUnavailable, TooManyKeys

SPARE: Final = 64
"""How many outdated entries the heap may have, besides one for each key, before they are removed."""


class _Kept:
    """The state of one key in memory."""

    __slots__ = ("expires", "fingerprint", "owner", "response", "token")

    def __init__(self, owner: str, fingerprint: str, token: str, expires: float) -> None:
        self.owner = owner
        self.fingerprint = fingerprint
        self.token = token
        self.expires = expires
        self.response: bytes | None = None


class _Owned:
    """The keys that one owner has in memory, and the number of bytes of their responses."""

    __slots__ = ("bytes", "keys", "saved")

    def __init__(self) -> None:
        self.keys = 0
        self.bytes = 0
        self.saved: dict[str, None] = {}
        """The keys that have a stored response, the oldest first."""


class MemoryIdempotency:
    """Idempotency keys in the memory of this process. They are lost when the process ends. `clock` returns seconds;
    replace it in tests.

    At most `most_bytes` of responses are kept. If there are more, the oldest responses are dropped. Their keys stay, so
    a repeated request is refused and not processed again. At most `most_keys` keys are kept. If there are more, new
    keys are refused with StoreUnavailable until others expire. One owner (a user, or without a user an address) may use
    at most the fraction `share` of `most_keys` and of `most_bytes`, so that one client cannot fill the store. A new key
    beyond the owner's share is refused with TooManyKeys. If an owner's responses exceed the share, the owner's oldest
    responses are dropped. A share of 1 sets no such limit.
    """

    def __init__(
        self,
        *,
        most_keys: int = 100_000,
        most_bytes: int = 64 * 1024 * 1024,
        share: float = 0.1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if most_keys < 1 or most_bytes < 0:
            what = f"most_keys is {shown(most_keys)}, and most_bytes {shown(most_bytes)}."
            raise OptionError("RW235", what, "Set most_keys to 1 or more, and most_bytes to 0 or more.")
        part: object = share
        if isinstance(part, bool) or not isinstance(part, int | float) or not 0 < part <= 1:
            raise OptionError("RW235", f"share is {shown(share)}.", "Give a number above 0, at most 1.")
        self._most_keys = most_keys
        self._most_bytes = most_bytes
        self._most_owned_keys = max(1, int(most_keys * share))
        self._most_owned_bytes = int(most_bytes * share)
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._expiry: list[tuple[float, str]] = []
        """A heap of expiry times and keys. A claim and a response each add an entry; the earlier entry of a key is then
        outdated.
        """
        self._saved: dict[str, None] = {}
        """The keys that have a stored response, the oldest first."""
        self._bytes = 0
        self._owned: dict[str, _Owned] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all keys and responses. Call it between tests."""
        self._kept.clear()
        self._expiry.clear()
        self._saved.clear()
        self._owned.clear()
        self._bytes = 0

    async def claim(self, key: str, fingerprint: str, token: str, seconds: float, *, owner: str = "") -> Record | None:
        """Claim a key: see `IdempotencyStore.claim`."""
        now = self._clock()
        self._forget_expired(now)
        kept = self._kept.get(key)
        if kept is not None:
            return Record(kept.fingerprint, kept.response)
        owned = self._owned.get(owner)
        if owned is not None and owned.keys >= self._most_owned_keys and owner:
            raise TooManyKeys(f"{owned.keys} idempotency keys of one client are kept already.")
        if len(self._kept) >= self._most_keys:
            raise StoreUnavailable(f"{self._most_keys} idempotency keys are kept already.", "Raise most_keys.")
        if owned is None:
            owned = self._owned[owner] = _Owned()
        owned.keys += 1
        self._kept[key] = _Kept(owner, fingerprint, token, now + seconds)
        self._note_expiry(now + seconds, key)
        return None

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """Store a response: see `IdempotencyStore.save`."""
        now = self._clock()
        self._forget_expired(now)
        kept = self._kept.get(key)
        if kept is None or kept.token != token or kept.response is not None:
            return
        kept.response = response
        kept.expires = now + seconds
        self._note_expiry(kept.expires, key)
        owned = self._owned[kept.owner]
        self._saved[key] = owned.saved[key] = None
        self._bytes += len(response)
        owned.bytes += len(response)
        while owned.bytes > self._most_owned_bytes and kept.owner:
            self._drop_response(next(iter(owned.saved)))
        while self._bytes > self._most_bytes:
            self._drop_response(next(iter(self._saved)))

    async def release(self, key: str, token: str) -> None:
        """Free a key: see `IdempotencyStore.release`."""
        kept = self._kept.get(key)
        if kept is not None and kept.token == token and kept.response is None:
            self._forget(key)

    def _note_expiry(self, expires: float, key: str) -> None:
        heappush(self._expiry, (expires, key))
        if len(self._expiry) > 2 * len(self._kept) + SPARE:  # most entries are outdated
            self._expiry = [(kept.expires, key) for key, kept in self._kept.items()]
            heapify(self._expiry)

    def _forget_expired(self, now: float) -> None:
        while self._expiry and self._expiry[0][0] <= now:
            _, key = heappop(self._expiry)
            kept = self._kept.get(key)
            if kept is not None and kept.expires <= now:
                self._drop_response(key)
                self._forget(key)

    def _forget(self, key: str) -> None:
        owner = self._kept.pop(key).owner
        owned = self._owned[owner]
        owned.keys -= 1
        if not owned.keys:
            del self._owned[owner]

    def _drop_response(self, key: str) -> None:
        if key in self._saved:
            kept = self._kept[key]
            owned = self._owned[kept.owner]
            del self._saved[key], owned.saved[key]
            size = len(kept.response or b"")
            self._bytes -= size
            owned.bytes -= size
            kept.response = b""
