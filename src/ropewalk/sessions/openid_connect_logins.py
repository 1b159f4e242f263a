"""`SessionLogins`: keeps logins at another site, such as those of `OpenIDConnect`, in sessions."""

from typing import Any

import msgspec

from ropewalk.auth.oauth.logins import Login
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.sessions.logins import login as begin_login
from ropewalk.sessions.logins import logout
from ropewalk.sessions.values import OWN

_LOGIN = f"{OWN}login"


class SessionLogins:
    """Keeps logins in sessions: `OpenIDConnectOptions(..., store=SessionLogins())`, inside of `sessions`.

    A login gives the session a new id, and a logout ends it. The user of the session is the claim `sub`, with the
    issuer in front, because two issuers may give the same `sub` to different users. Because the session has a user,
    `log_out_everywhere` also ends such logins. `cookie` is the name of the cookie in the description of the API.
    """

    def __init__(self, *, cookie: str = "__Host-session") -> None:
        self._cookie = cookie

    async def save(self, request: Request, response: Response, login: Login) -> None:
        """Begin the session of the user."""
        del response
        await request.session.load()
        begin_login(request, f"{login.claims['iss']} {login.claims['sub']}")
        request.session.write(_LOGIN, msgspec.to_builtins(login))

    async def load(self, request: Request) -> Login | None:
        """The login in the session; None without one."""
        session = await request.session.load()
        try:
            return msgspec.convert(session.read(_LOGIN), Login)
        except (KeyError, msgspec.ValidationError):  # no login, or one in the format of an older version
            return None

    async def forget(self, request: Request, response: Response) -> None:
        """End the session, if it has a login. `sessions` has refused forms of other sites before, so they log no user
        out.
        """
        del response
        if await self.load(request) is not None:
            logout(request)

    def description(self) -> dict[str, Any]:
        """The OpenAPI description: an API key in the cookie."""
        return {"type": "apiKey", "in": "cookie", "name": self._cookie}
