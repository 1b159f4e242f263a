"""When a session expires: after `idle` seconds without a request, and `absolute` seconds after its start or login."""

from typing import Final

from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.signed_sessions import SignedSession
from ropewalk.stores import StoredSession

Found = StoredSession | SignedSession
"""A session as a store or a cookie has kept it."""
REFRESH: Final = 0.1
"""See `touched_after`: the part of `idle` for which a session that is only read is not written again."""


def is_alive(found: Found, options: SessionsOptions, now: float) -> bool:
    """Whether a stored session has not expired."""
    return now < found.touched + options.idle and now < found.created + options.absolute


def touched_after(options: SessionsOptions) -> float:
    """How many seconds after its last write a session that is only read is written again.

    Reading begins `idle` again, so the time of the last use must be written, but not in every request.
    """
    return options.idle * REFRESH


def seconds_left(created: float, options: SessionsOptions, now: float) -> float:
    """The seconds until a session expires that began at `created` and is used at `now`: more than 0."""
    return max(0.001, min(options.idle, created + options.absolute - now))
