"""Tokens whose signature was verified: a client sends the same one with each request.

Only the work that must give the same result again is left out. The rules:

- A token is known by the digest of its exact bytes, so another signature is another token. No token itself is kept.
- Only verified tokens are kept, so that clients without one cannot fill the memory; and so many at most, the oldest of
  which goes first.
- What is kept counts for the keys that verified it. When keys are fetched again, every token is verified again: a key
  that its issuer has withdrawn verifies nothing any more.
- The times of a token are compared with the clock at each request, `load` is called at each request, and the claims
  are decoded for each request: a handler may change them.
"""

from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from ropewalk.auth.jwt_keys import Key


class VerifiedToken(NamedTuple):
    """What is kept of a token."""

    payload: bytes
    """The JSON of the claims, all of which were checked but the times."""
    begins: float
    """The later of `nbf` and `iat`; the beginning of time without them."""
    expires: float
    """`exp`; the end of time without it."""
    scopes: frozenset[str]
    roles: frozenset[str]
    keys: tuple[Key, ...]
    """All keys at the time of the verification."""

    def claims(self) -> dict[str, Any]:
        """The claims, in an object of their own."""
        found: dict[str, Any] = msgspec.json.decode(self.payload)
        return found

    def is_valid(self, now: float, leeway: float) -> bool:
        """Whether a time is between those of the token."""
        return self.begins <= now + leeway and self.expires > now - leeway


class VerifiedTokens:
    """At most so many verified tokens."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tokens: dict[bytes, VerifiedToken] = {}

    def find(self, written: bytes) -> VerifiedToken | None:
        """A token by its bytes."""
        return self._tokens.get(sha256(written).digest()) if self._tokens else None

    def add(self, written: bytes, token: VerifiedToken) -> None:
        """Keep a token."""
        if self._most:
            if len(self._tokens) >= self._most:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[sha256(written).digest()] = token

    def forget(self, written: bytes) -> None:
        """Have a token verified again."""
        self._tokens.pop(sha256(written).digest(), None)

    def __len__(self) -> int:
        return len(self._tokens)
