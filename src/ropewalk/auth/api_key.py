"""`APIKey`: a secret in a header field, in the query or in a cookie."""

from collections.abc import Callable
from typing import Any, Final, Literal

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity, identity_for
from ropewalk.auth.option_checks import check_called_with
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.auth.unauthorized import Refused
from ropewalk.errors import OptionError, shown
from ropewalk.headers import TOKEN
from ropewalk.request import Request

Where = Literal["header", "query", "cookie"]

LONGEST: Final = 4096
"""The maximum length in characters of a key. A longer key is refused without a call of `check`."""


class APIKey(Scheme):
    """A secret key in the header field, query parameter or cookie named `key_name`.

    `check(key)` returns the principal, or None for an unknown key. It may be plain, return a Deferred, or be a
    coroutine function, and may have further parameters for dependencies. Look keys up by a hash, or compare them with
    `same_secret`: otherwise, the time that `check` takes could reveal a key. Prefer a header field, because every
    server on the way may log a key in the query, and browsers send a cookie with the forms of other sites too.
    """

    def __init__(
        self,
        key_name: str,
        *,
        check: Callable[..., Any],
        where: Where = "header",
        realm: str = "app",
        name: str = "api_key",
    ) -> None:
        super().__init__(name, realm)
        if where not in ("header", "query", "cookie"):
            raise OptionError(
                "RW240", f"APIKey has the invalid value where={shown(where)}.", 'Use "header", "query" or "cookie".'
            )
        given: Any = key_name
        if not isinstance(given, str) or not TOKEN.fullmatch(key_name) or key_name.lower() == "authorization":
            what = f"APIKey has the name {shown(key_name)}."
            raise OptionError("RW240", what, "Use a name such as X-API-Key. For Authorization, use another scheme.")
        self.key_name = key_name
        self.where = where
        check_called_with(self, check, "a key")
        self._check = SchemeFunction(check, 1)

    def challenge(self) -> Challenge:
        """The scheme `ApiKey`, with the place of the key.

        IANA lists no such scheme, but a 401 response must name a scheme.
        """
        return Challenge("ApiKey", (("realm", self.realm), ("in", self.where), ("name", self.key_name)))

    async def identify(self, request: Request) -> Identity | None:
        """The identity for the principal that `check` returns; None without a key.

        Raises Refused for a wrong key (the client gets 401), and for several keys (400). `unauthorized.py` makes the
        response.
        """
        given = self._given(request)
        if not given:
            return None
        if len(given) > 1:
            raise Refused(status=400, why="the request has several keys")
        key = given[0]
        principal = await self._check.principal(request, key) if key and len(key) <= LONGEST else None
        if principal is None:
            raise Refused(why=f"`check` has returned None for the key, or the key is longer than {LONGEST} characters")
        return identity_for(principal)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description: `{"type": "apiKey", "in": ..., "name": ...}`."""
        return {"type": "apiKey", "in": self.where, "name": self.key_name}

    def _given(self, request: Request) -> list[str]:
        if self.where == "header":
            return [line.decode("latin-1") for line in request.values(self.key_name.lower().encode())]
        if self.where == "query":
            return list(request.query.all(self.key_name))
        return [request.cookies[self.key_name]] if self.key_name in request.cookies else []
