"""The ids of sessions: when a session gets a new one, how it is made, and the key in the store that belongs to it."""

from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from ropewalk.sessions.session import Session

LONGEST_ID: Final = 64
"""The maximum length in characters of an id in a cookie. Longer values are not looked up."""


def needs_new_id(session: Session) -> bool:
    """Whether a session is saved under a new id: it has none, a user has logged in or out, or `rotate` was called.

    An id that others knew before a login gives them no access after it (session fixation).
    """
    return session.found is None or session.cookie is None or session.is_rotated


def new_id() -> str:
    """A random id for a cookie: 256 bits."""
    return token_urlsafe(32)


def key_of(value: str, purpose: str = "session") -> str:
    """The key in the store for an id in a cookie. The id cannot be computed from it."""
    return sha256(f"ropewalk {purpose} {value}".encode("utf-8", "surrogatepass")).hexdigest()
