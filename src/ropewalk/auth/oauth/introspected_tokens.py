"""Keeps what a provider has reported about tokens, with limits on their number and memory.

Tokens that are not active are kept apart, because any client can invent them: they must not push out the tokens of
users. In each of the two groups, the oldest tokens are dropped first, because they also expire first.
"""

from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

MOST_ACTIVE: Final = 10_000
"""The maximum number of active tokens whose claims are kept."""
MOST_INACTIVE: Final = 1_000
"""The maximum number of inactive tokens that are remembered."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""The maximum memory for claims: a provider may send 64 KiB for each token."""


class _Kept(NamedTuple):
    ends: float
    payload: bytes
    """The claims as JSON, because a handler may change the decoded claims."""


class IntrospectedTokens:
    """The claims of tokens, each for `keep_time` seconds. The key is a hash, so no token is kept."""

    def __init__(self, keep_time: float) -> None:
        self._keep_time = keep_time
        self._active: dict[bytes, _Kept] = {}
        self._inactive: dict[bytes, _Kept] = {}
        self._size = 0

    def find(self, token: bytes, now: float) -> dict[str, Any] | None:
        """The claims of a token, as a new object; None if they are not kept."""
        key = sha256(token).digest()
        known = self._active.get(key) or self._inactive.get(key)
        if known is None or now >= known.ends:
            return None
        claims: dict[str, Any] = msgspec.json.decode(known.payload)
        return claims

    def add(self, token: bytes, claims: dict[str, Any], now: float) -> None:
        """Keep the claims of a token. They replace older claims of the same token."""
        key = sha256(token).digest()
        for kind in (self._active, self._inactive):
            if key in kind:
                self._drop(kind, key)
        if self._keep_time <= 0:
            return
        if claims.get("active") is not True:
            self._insert(self._inactive, MOST_INACTIVE, key, b'{"active":false}', now)
        else:
            self._insert(self._active, MOST_ACTIVE, key, msgspec.json.encode(claims), now)

    def __len__(self) -> int:
        return len(self._active) + len(self._inactive)

    def _insert(self, kind: dict[bytes, _Kept], most: int, key: bytes, payload: bytes, now: float) -> None:
        self._size += len(payload)
        kind[key] = _Kept(now + self._keep_time, payload)
        while kind and (len(kind) > most or next(iter(kind.values())).ends <= now):
            self._drop(kind, next(iter(kind)))
        while self._size > MOST_BYTES and self._active:
            self._drop(self._active, next(iter(self._active)))

    def _drop(self, kind: dict[bytes, _Kept], key: bytes) -> None:
        self._size -= len(kind.pop(key).payload)
