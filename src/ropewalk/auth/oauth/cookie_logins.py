"""`CookieLogins`: a login in a signed cookie, without a store on the server."""

from collections.abc import Callable
from typing import Any

import msgspec

from ropewalk.auth.oauth.logins import Login
from ropewalk.auth.oauth.signed_values import SignedValues
from ropewalk.clocks import unix_time
from ropewalk.cookies import LARGEST_COOKIE, format_cookie
from ropewalk.errors import HandlerError
from ropewalk.request import Request
from ropewalk.response import Response


class CookieLogins:
    """Keeps logins in a cookie. Only this site gets it, scripts cannot read it, and other sites' forms do not send it.

    The cookie is signed but not encrypted. A login lasts until the cookie expires, and cannot be revoked earlier.
    `secure` is false only for http on this machine, where browsers may refuse cookies with the prefix `__Host-`.
    """

    def __init__(
        self, signed: SignedValues, name: str, *, secure: bool, clock: Callable[[], float] = unix_time
    ) -> None:
        self.cookie = f"__Host-{name}" if secure else name
        self._signed = signed
        self._secure = secure
        self._clock = clock

    async def save(self, request: Request, response: Response, login: Login) -> None:
        """Set the cookie. Raises HandlerError (RW247) if it would be too large for browsers."""
        del request
        text = self._signed.write(msgspec.to_builtins(login))
        if len(self.cookie) + len(text) > LARGEST_COOKIE:
            raise HandlerError("RW247", f"The claims {', '.join(login.claims)} take {len(text)} bytes in a cookie.")
        seconds = max(1, int(login.expires - self._clock()))
        response.headers.add("set-cookie", format_cookie(self.cookie, text, max_age=seconds, secure=self._secure))

    async def load(self, request: Request) -> Login | None:
        """The login in the cookie; None without a valid signature. `LoginScheme` checks whether it has expired."""
        value = self._signed.read(request.cookies.get(self.cookie))
        try:
            return msgspec.convert(value, Login)
        except msgspec.ValidationError:  # for example a login that an older version has signed
            return None

    async def forget(self, request: Request, response: Response) -> None:
        """Delete the cookie, if the request has it. A form of another site does not send the cookie, so such a form
        cannot log a user out."""
        if self.cookie in request.cookies:
            response.headers.add("set-cookie", format_cookie(self.cookie, "", max_age=0, secure=self._secure))

    def description(self) -> dict[str, Any]:
        """The OpenAPI description: an API key in the cookie."""
        return {"type": "apiKey", "in": "cookie", "name": self.cookie}
