"""The protocol of stores for idempotency keys and their responses."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """The state of a key that has been claimed before."""

    fingerprint: str
    """The fingerprint of the request that claimed the key."""
    response: bytes | None
    """The saved response; None while the request is being processed; b"" if the response was not kept."""


class IdempotencyStore(Protocol):
    """Stores idempotency keys. Each method is atomic, and raises StoreUnavailable if it fails.

    A key is a hash of 64 hexadecimal digits, made from the sender and the client's key. Because the user is part of the
    hash, a store need not separate the keys of different users.
    """

    async def claim(self, key: str, fingerprint: str, token: str, seconds: float, *, owner: str = "") -> Record | None:
        """Claim a key for `seconds`. Return None if the key was free; otherwise return its Record, and change nothing.

        `owner` identifies the sender of the request: a user or an address. A store may use `owner` to limit how many
        keys one client claims, or ignore it. It is not part of the key. Raises TooManyKeys if the owner has claimed too
        many keys.
        """

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """Store the response to a key's request for `seconds`, if the key is still claimed with this token."""

    async def release(self, key: str, token: str) -> None:
        """Free the key if it is still claimed with this token and has no response."""
