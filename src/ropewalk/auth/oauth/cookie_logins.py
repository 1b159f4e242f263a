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
    """Logins in a cookie that only this site gets, that scripts cannot read, and that forms of other sites do not send.

    It is signed and not encrypted, and ends when it expires: it cannot be revoked before. `secure` is false only for
    http on this machine, where browsers may not take cookies with the prefix `__Host-`.
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
        """The login in the cookie; None if that is not signed by us. `LoginScheme` checks when it expires."""
        value = self._signed.read(request.cookies.get(self.cookie))
        try:
            return msgspec.convert(value, Login)
        except msgspec.ValidationError:  # also what an older version has signed
            return None

    async def forget(self, request: Request, response: Response) -> None:
        """Delete the cookie, if the request has it: a form of another site does not send it, and logs no one out."""
        if self.cookie in request.cookies:
            response.headers.add("set-cookie", format_cookie(self.cookie, "", max_age=0, secure=self._secure))

    def description(self) -> dict[str, Any]:
        """That of a key in the cookie."""
        return {"type": "apiKey", "in": "cookie", "name": self.cookie}
