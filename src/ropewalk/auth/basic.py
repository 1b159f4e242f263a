"""`BasicAuth`: a name and a password (RFC 7617)."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity, identity_for
from ropewalk.auth.option_checks import check_called_with
from ropewalk.auth.scheme import Scheme, authorization
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.auth.unauthorized import Refused
from ropewalk.request import Request

_MALFORMED: Final = "they are not a name, a colon and a password in base64"


class BasicAuth(Scheme):
    """A name and a password in the Authorization field (RFC 7617), in UTF-8.

    `check(name, password)` returns the principal, or None for a wrong name or password. It may be plain, return a
    Deferred, or be a coroutine function, and may have further parameters for dependencies. For a name that does not
    exist, let it call `verify_password(password, None)`, which takes as long as for an existing name: otherwise the
    time would show which names exist. Use BasicAuth only over TLS, because passwords are sent in clear text.
    """

    def __init__(self, check: Callable[..., Any], *, realm: str = "app", name: str = "basic") -> None:
        super().__init__(name, realm)
        check_called_with(self, check, "a name", "a password")
        self._check = SchemeFunction(check, 2)

    def challenge(self) -> Challenge:
        """The challenge `Basic`, with the realm and the charset."""
        return Challenge("Basic", (("realm", self.realm), ("charset", "UTF-8")))

    async def identify(self, request: Request) -> Identity | None:
        """The identity for the principal that `check` returns; None without credentials.

        Raises Refused for wrong credentials.
        """
        given = name_and_password(request)
        if given is None:
            return None
        principal = await self._check.principal(request, *given)
        if principal is None:
            raise Refused(why="`check` has returned None for the name and the password")
        return identity_for(principal)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description: `{"type": "http", "scheme": "basic"}`."""
        return {"type": "http", "scheme": "basic"}


def name_and_password(request: Request) -> tuple[str, str] | None:
    """The name and the password of a request; None if it has none. Raises Refused for malformed credentials."""
    credentials = authorization(request, "basic")
    if credentials is None:
        return None
    try:
        text = b64decode(credentials, validate=True).decode("utf-8")
    except ValueError:
        raise Refused(why=_MALFORMED) from None
    name, colon, password = text.partition(":")
    if not colon or any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Refused(why=_MALFORMED)
    return name, password
