"""What clients get whose credentials are absent, invalid or not sufficient."""

from ropewalk.errors import HTTPError


class Refused(Exception):
    """A scheme raises it for credentials that are invalid. The client gets 401, or 400 if they are malformed.

    `parameters` are added to the challenge of the scheme, such as `{"error": "invalid_token"}`. They must not reveal
    whether a user exists.
    """

    def __init__(self, parameters: dict[str, str] | None = None, status: int = 401) -> None:
        super().__init__(parameters, status)
        self.parameters = parameters or {}
        self.status = status


class NotAuthenticated(HTTPError):
    """401: the request has no credentials, or none that are valid; 400 if they are malformed.

    Its `headers` have WWW-Authenticate, with the challenge of each scheme (RFC 9110, section 11.6.1).
    """


class NotAllowed(HTTPError):
    """403: the credentials are valid, and do not give access (RFC 9110, section 15.5.4)."""
