"""`Scheme`: the base class of all authentication schemes, including your own."""

from typing import Any

from ropewalk.auth.challenges import Challenge, check_realm
from ropewalk.auth.identity import Identity
from ropewalk.auth.unauthorized import Refused
from ropewalk.errors import HandlerError, full_name
from ropewalk.request import Request


class Scheme:
    """An authentication scheme. `name` is its name in the API description."""

    uses_session = False
    """Whether `identify` reads `request.session`, so that `authenticate` must be inside of `sessions`."""

    def __init__(self, name: str, realm: str) -> None:
        self.name = name
        self.realm = check_realm(realm)

    def challenge(self) -> Challenge:
        """The challenge that a client without credentials gets in WWW-Authenticate."""
        raise NotImplementedError

    def challenges(self) -> tuple[Challenge, ...]:
        """All challenges that a client without credentials gets, the best first."""
        return (self.challenge(),)

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the client; None if the request has no credentials for this scheme.

        Raises Refused for invalid credentials.
        """
        raise NotImplementedError

    def openapi(self) -> dict[str, Any]:
        """The Security Scheme Object of OpenAPI 3.1.

        API descriptions show it. If users have no id, `idempotency` tells them apart by the header field, cookie or
        query parameter that this object names. There is no default, because a default could name a field that is equal
        for all users. Raises HandlerError (RW240) if the class does not define it.
        """
        what = f"{full_name(type(self))} has no method openapi."
        remedy = 'Define it, and return a Security Scheme Object, such as {"type": "http", "scheme": "basic"}.'
        raise HandlerError("RW240", what, remedy)


def authorization(request: Request, scheme: str) -> bytes | None:
    """The credentials for a scheme in the Authorization field (RFC 9110, section 11.6.2); None if there are none.

    Raises Refused (400) for several Authorization fields, because a proxy in front of this server may use a different
    one.
    """
    lines = request.values(b"authorization")
    if not lines:
        return None
    if len(lines) > 1:
        parameters = {"error": "invalid_request"} if scheme == "bearer" else {}
        raise Refused(parameters, 400, "the request has several Authorization fields")
    given, _, credentials = lines[0].strip(b" \t").partition(b" ")
    return credentials.strip(b" \t") if given.lower() == scheme.encode() else None
