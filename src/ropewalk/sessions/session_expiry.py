"""When a session expires: after `idle` seconds without a request, and `absolute` seconds after its start or login."""

from typing import Final

from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.signed_sessions import SignedSession
from ropewalk.stores import StoredSession

Found = StoredSession | SignedSession
"""A session as it was kept."""
REFRESH: Final = 0.1
"""The part of `idle` after which a session that is only read is written, so that not every request writes."""


def is_alive(found: Found, options: SessionsOptions, now: float) -> bool:
    """Whether a stored session has not expired."""
    return now < found.touched + options.idle and now < found.created + options.absolute


def touched_after(options: SessionsOptions) -> float:
    """The seconds after which a session that is only read is written, because `idle` begins again with each request."""
    return options.idle * REFRESH


def seconds_left(created: float, options: SessionsOptions, now: float) -> float:
    """The seconds until a session expires that was created at a time and is used now. They are more than 0."""
    return max(0.001, min(options.idle, created + options.absolute - now))
