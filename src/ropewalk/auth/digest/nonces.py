"""Nonces: signed by this server, valid for some minutes, used once with each count (RFC 7616, sections 3.3 and 5.4)."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

MOST_USED: Final = 10000
"""The largest number of used nonces to remember. A client whose nonce is forgotten gets a new one, and its user is
not asked for the password again."""
_WINDOW: Final = 64
"""How far a count may lie below the highest count. A lower count may be new, because parallel requests may arrive out
of order."""
_SIGNED: Final = 16
"""The number of signed bytes in a nonce: 8 for the time of issue, and 8 random bytes."""


class Nonces:
    """The nonces of one realm. Only used nonces are stored, so requests without credentials take no memory."""

    def __init__(self, secret: bytes, realm: str, seconds: float, clock: Callable[[], float]) -> None:
        self._key = hmac.digest(secret, b"ropewalk.auth.digest " + realm.encode(), "sha256")
        self._seconds = seconds
        self._clock = clock
        self._used: dict[str, tuple[int, int, int]] = {}
        """For each used nonce: its time of issue in milliseconds, its highest count, and the used counts as bits."""
        self._forgotten = 0
        """The latest time of issue among forgotten nonces.

        Unknown nonces that were issued up to this time are refused, because they may be forgotten ones that were used.
        """

    def issue(self) -> str:
        """Make a new nonce."""
        signed = int(self._clock() * 1000).to_bytes(8, "big") + secrets.token_bytes(8)
        return urlsafe_b64encode(signed + self._signature(signed)).decode()

    def use(self, nonce: str, count: int) -> bool:
        """Record a use. Returns whether this server issued the nonce, the nonce has not expired, and the count is
        new."""
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
        """The time in milliseconds when this server issued a nonce; None if it did not."""
        try:
            octets = urlsafe_b64decode(nonce)
        except ValueError:
            return None
        signed = octets[:_SIGNED]
        if not hmac.compare_digest(octets[_SIGNED:], self._signature(signed)):
            return None
        # Another spelling of the same nonce is refused, because its counts would be recorded separately.
        if urlsafe_b64encode(octets).decode() != nonce:
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
