"""`Scheme`: how a client authenticates. All schemes derive from it, also those of programs."""

from typing import Any

from ropewalk.auth.challenges import Challenge, check_realm
from ropewalk.auth.identity import Identity
from ropewalk.auth.refusals import Refused
from ropewalk.errors import HandlerError, full_name
from ropewalk.request import Request


class Scheme:
    """A way to authenticate. `name` is that in the description of the API."""

    def __init__(self, name: str, realm: str) -> None:
        self.name = name
        self.realm = check_realm(realm)

    def challenge(self) -> Challenge:
        """What a client without credentials is sent in WWW-Authenticate."""
        raise NotImplementedError

    def challenges(self) -> tuple[Challenge, ...]:
        """All that such a client is sent, the best first."""
        return (self.challenge(),)

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the client; None if the request has no credentials of this scheme.

        Raises Refused for credentials that are invalid.
        """
        raise NotImplementedError

    def openapi(self) -> dict[str, Any]:
        """The Security Scheme Object of OpenAPI 3.1.

        Descriptions of the API show it, and `idempotency` tells users without an id apart by the field, the cookie or
        the parameter that it names. There is no default, which could name what all users have in common. Raises
        HandlerError (RW240) if the class does not define it.
        """
        what = f"{full_name(type(self))} has no method openapi."
        remedy = 'Return its Security Scheme Object from it, such as {"type": "http", "scheme": "basic"}.'
        raise HandlerError("RW240", what, remedy)


def authorization(request: Request, scheme: str) -> bytes | None:
    """The credentials of a scheme in the Authorization field (RFC 9110, section 11.6.2); None if there are none.

    Raises Refused (400) if there are several such fields: programs before and after this one may read different ones.
    """
    lines = request.values(b"authorization")
    if not lines:
        return None
    if len(lines) > 1:
        raise Refused({"error": "invalid_request"} if scheme == "bearer" else {}, 400)
    given, _, credentials = lines[0].strip(b" \t").partition(b" ")
    return credentials.strip(b" \t") if given.lower() == scheme.encode() else None
