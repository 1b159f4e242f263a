"""The protocol of stores for sessions."""

from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as a store keeps it."""

    values: Mapping[str, bytes] = field(default_factory=dict)
    """The values by name, each encoded as JSON."""
    user: str | None = None
    """The id of the user who has logged in; None without a user."""
    created: float = 0.0
    """When the session began: a Unix time in seconds."""
    touched: float = 0.0
    """When the session was last written: a Unix time in seconds."""


class SessionStore(Protocol):
    """Stores sessions. Each method is atomic, and raises StoreUnavailable if it fails.

    A key is a hash of 64 hexadecimal digits, made from the id in the client's cookie. So a copy of the store does not
    give access to the sessions in it.

    Each user has a generation, a number that `end_sessions` increases. A session belongs to the generation in which it
    was created. For all methods, a session of an earlier generation does not exist any more.
    """

    async def load(self, key: str) -> StoredSession | None:
        """The session with a key; None if there is none, or if it has expired."""

    def create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        *,
        replaced: str | None = None,
        required: str | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """Store a new session for `seconds`, in the user's current generation. Delete the session `replaced`.

        Return False, and change nothing, if the session `required` does not exist any more.
        """

    def update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> Coroutine[Any, Any, bool]:
        """Set and remove single values of a session, and keep it for `seconds` from now. Other values stay.

        Return False, and store nothing, if the session does not exist any more.
        """

    async def delete(self, key: str) -> None:
        """Delete a session, if it exists."""

    async def end_sessions(self, user: str, seconds: float) -> None:
        """End all sessions of a user, by a new generation. The store must remember this generation for `seconds`: no
        earlier session lasts longer.
        """


def next_generation(last: int, now: float) -> int:
    """The generation after `last`.

    Its number is at least the time in microseconds. Stores forget the generation of a user after all sessions of
    earlier generations have expired. Without the time, the next generation could then get a number that was used
    before.
    """
    return max(last + 1, int(now * 1_000_000))
