"""The 403 for a request whose credentials are valid, but do not give access."""

from ropewalk.auth.challenges import Challenge, joined
from ropewalk.errors import HTTPError


class NotAllowed(HTTPError):
    """Status 403: the credentials are valid but do not give access (RFC 9110, section 15.5.4)."""


def insufficient_scope(challenge: Challenge, scopes: tuple[str, ...]) -> NotAllowed:
    """The error for a request whose credentials lack one of these scopes.

    `challenge` is the challenge of the scheme that accepted the credentials.
    """
    if challenge.scheme != "Bearer":
        return NotAllowed(403)
    parameters = {"error": "insufficient_scope", "scope": " ".join(scopes)}  # RFC 6750, section 3.1
    written = Challenge("Bearer", challenge.parameters).extended(parameters)
    return NotAllowed(403, None, {"www-authenticate": joined([written])})
