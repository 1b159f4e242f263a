"""Remembers verified tokens, because a client sends the same token with each request.

Only work whose result cannot have changed is left out. The rules:

- An entry is found by the hash of the token's exact bytes, so a token with another signature is not found. The token
  itself is not kept.
- Only verified tokens are remembered, so that clients without a valid token cannot fill the memory. The number of
  entries is limited; the oldest entry is dropped first.
- An entry is valid only for the keys that verified the token. After keys are fetched again, every token is verified
  again, because its issuer may have withdrawn the key.
- For each request, the times of the token are compared with the clock, and `load` is called. The claims are decoded for
  each request too, because a handler may change them.
"""

from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from ropewalk.auth.jwt_keys import Key


class VerifiedToken(NamedTuple):
    """The remembered data of a verified token."""

    payload: bytes
    """The claims as JSON."""
    begins: float
    """The later of the claims `nbf` and `iat`; minus infinity without them."""
    expires: float
    """The claim `exp`; infinity without it."""
    scopes: frozenset[str]
    roles: frozenset[str]
    keys: tuple[Key, ...]
    """All keys of the scheme when the token was verified."""

    def claims(self) -> dict[str, Any]:
        """Decode the claims, as a new object for each call."""
        found: dict[str, Any] = msgspec.json.decode(self.payload)
        return found

    def is_valid(self, now: float, leeway: float) -> bool:
        """Whether the token is valid at a time. The leeway extends the time of the token at both ends."""
        return self.begins <= now + leeway and self.expires > now - leeway


class VerifiedTokens:
    """Remembers at most `most` verified tokens."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tokens: dict[bytes, VerifiedToken] = {}

    def find(self, written: bytes) -> VerifiedToken | None:
        """The entry for the bytes of a token; None if they are not remembered."""
        return self._tokens.get(sha256(written).digest()) if self._tokens else None

    def add(self, written: bytes, token: VerifiedToken) -> None:
        """Remember a token."""
        if self._most:
            if len(self._tokens) >= self._most:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[sha256(written).digest()] = token

    def forget(self, written: bytes) -> None:
        """Forget a token, so that it is verified again."""
        self._tokens.pop(sha256(written).digest(), None)

    def __len__(self) -> int:
        return len(self._tokens)
