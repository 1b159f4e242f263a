"""The 401 for a request without valid credentials, with a challenge for each scheme.

A scheme raises `Refused` for invalid credentials. Malformed credentials get 400.
"""

from typing import TYPE_CHECKING

from ropewalk.auth.challenges import joined
from ropewalk.errors import HTTPError

if TYPE_CHECKING:
    from ropewalk.auth.scheme import Scheme


class Refused(Exception):
    """Raised by a scheme for invalid credentials. The client gets 401, or 400 if they are malformed.

    `parameters` are added to the scheme's challenge, such as `{"error": "invalid_token"}`. They must not reveal whether
    a user exists. `why` is one sentence without a full stop for the log, at the level debug; the client never sees it.
    """

    def __init__(self, parameters: dict[str, str] | None = None, status: int = 401, why: str | None = None) -> None:
        super().__init__(parameters, status, why)
        self.parameters = parameters or {}
        self.status = status
        self.why = why


class NotAuthenticated(HTTPError):
    """Status 401: the request has no valid credentials. The status is 400 if they are malformed.

    `headers` contain WWW-Authenticate with the challenge of each scheme (RFC 9110, section 11.6.1).
    """


def not_authenticated(
    schemes: "tuple[Scheme, ...]", refusals: "dict[Scheme, Refused] | None" = None
) -> NotAuthenticated:
    """The error for a request without valid credentials. `refusals` has an entry for each scheme that refused
    credentials."""
    refusals = refusals or {}
    status = next((refusal.status for refusal in refusals.values()), 401)
    challenges = []
    for scheme in schemes:
        refusal = refusals.get(scheme)
        parameters = {} if refusal is None else refusal.parameters
        challenges += [each.extended(parameters) for each in scheme.challenges()]
    described = (each.parameters.get("error_description") for each in refusals.values())
    detail = next((f"{text}." for text in described if text), None)
    return NotAuthenticated(status, detail, {"www-authenticate": joined(challenges)})
