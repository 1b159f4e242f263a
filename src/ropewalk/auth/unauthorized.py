"""Exceptions for requests whose credentials are absent, invalid or insufficient."""

from ropewalk.errors import HTTPError


class Refused(Exception):
    """Raised by a scheme for invalid credentials. The client gets 401, or 400 if they are malformed.

    `parameters` are added to the scheme's challenge, such as `{"error": "invalid_token"}`. They must not reveal whether
    a user exists.
    """

    def __init__(self, parameters: dict[str, str] | None = None, status: int = 401) -> None:
        super().__init__(parameters, status)
        self.parameters = parameters or {}
        self.status = status


class NotAuthenticated(HTTPError):
    """Status 401: the request has no valid credentials. The status is 400 if they are malformed.

    `headers` contain WWW-Authenticate with the challenge of each scheme (RFC 9110, section 11.6.1).
    """


class NotAllowed(HTTPError):
    """Status 403: the credentials are valid but do not give access (RFC 9110, section 15.5.4)."""
