"""Nonces: each is ours, lasts for some minutes, and is used once with each count (RFC 7616, sections 3.3 and 5.4)."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

MOST_USED: Final = 10000
"""Nonces in use that are remembered. Clients with one that is forgotten get a new one, without a prompt."""
_WINDOW: Final = 64
"""Counts below the highest one that may still arrive: parallel requests overtake each other."""
_SIGNED: Final = 16
"""Bytes: the time of issue, and random ones."""


class Nonces:
    """The nonces of one realm. Only used ones take memory, so that requests without credentials take none."""

    def __init__(self, secret: bytes, realm: str, seconds: float, clock: Callable[[], float]) -> None:
        self._key = hmac.digest(secret, b"ropewalk.auth.digest " + realm.encode(), "sha256")
        self._seconds = seconds
        self._clock = clock
        self._used: dict[str, tuple[int, int, int]] = {}
        """The time of issue in milliseconds, the highest count, and the counts below it as bits, by nonce."""
        self._forgotten = 0
        """The latest time of issue of the nonces that were forgotten."""

    def issue(self) -> str:
        """A new nonce."""
        signed = int(self._clock() * 1000).to_bytes(8, "big") + secrets.token_bytes(8)
        return urlsafe_b64encode(signed + self._signature(signed)).decode()

    def use(self, nonce: str, count: int) -> bool:
        """Whether a nonce is ours, has not expired, and is used with this count for the first time."""
        issued = self._issued(nonce)
        if issued is None or count < 1 or not 0 <= self._clock() * 1000 - issued <= self._seconds * 1000:
            return False
        known = self._used.get(nonce)
        if known is None:
            if issued <= self._forgotten:
                return False
            self._forget_some()
            self._used[nonce] = (issued, count, 1)
            return True
        _, highest, seen = known
        if count > highest:
            distance = count - highest
            seen = 1 if distance >= _WINDOW else (seen << distance | 1) & (1 << _WINDOW) - 1
            self._used[nonce] = (issued, count, seen)
            return True
        bit = 1 << (highest - count) if highest - count < _WINDOW else seen
        if seen & bit:
            return False
        self._used[nonce] = (issued, highest, seen | bit)
        return True

    def _issued(self, nonce: str) -> int | None:
        """When we have issued a nonce; None if we have not."""
        try:
            octets = urlsafe_b64decode(nonce)
        except ValueError:
            return None
        signed = octets[:_SIGNED]
        if not hmac.compare_digest(octets[_SIGNED:], self._signature(signed)):
            return None
        if urlsafe_b64encode(octets).decode() != nonce:  # another spelling of a used one
            return None
        return int.from_bytes(signed[:8], "big")

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")[:_SIGNED]

    def _forget_some(self) -> None:
        oldest_valid = (self._clock() - self._seconds) * 1000
        while self._used:
            nonce = next(iter(self._used))
            issued = self._used[nonce][0]
            if issued >= oldest_valid and len(self._used) < MOST_USED:
                return
            del self._used[nonce]
            self._forgotten = max(self._forgotten, issued)
