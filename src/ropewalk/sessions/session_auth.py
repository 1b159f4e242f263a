"""`SessionAuth`: the authentication scheme for users who have logged in with `login`."""

from collections.abc import Callable
from typing import Any

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity, identity_for
from ropewalk.auth.open_redirects import own_path
from ropewalk.auth.option_checks import check_called_with
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.errors import OptionError, shown
from ropewalk.request import Request
from ropewalk.sessions.login_page import LOGIN_PAGE
from ropewalk.sessions.remember_me import recall


class SessionAuth(Scheme):
    """The user of the session: `App(middleware=[sessions(...), authenticate(SessionAuth(), optional=True)])`.

    `load(user_id)` returns the principal, or None if the user no longer exists. It may be plain, return a Deferred, or
    be a coroutine function, and may take dependencies besides. Without `load`, the principal is the id of the user, a
    str. A browser that opens a page which needs a user is redirected to `login_page`, with the path of the page as
    `next`. A browser that sends a form, for example after its session has ended, is redirected with the path of the
    form's page. Other requests get 401. With `login_page=None`, all get 401. `login_page` is a path of the whole site,
    also if the app is mounted: "/in/login". `cookie` is the name of the cookie in the description of the API. Raises
    HandlerError (RW240) for a wrong argument.
    """

    uses_session = True

    def __init__(
        self,
        *,
        load: Callable[..., Any] | None = None,
        login_page: str | None = "/login",
        cookie: str = "__Host-session",
        realm: str = "app",
        name: str = "session",
    ) -> None:
        super().__init__(name, realm)
        if login_page is not None and own_path(login_page) != login_page:
            what = f"SessionAuth has login_page={shown(login_page)}."
            raise OptionError("RW240", what, 'Give a path on this site, such as "/login".')
        self._login_page = login_page
        self._cookie = cookie
        check_called_with(self, load, "the id of a user")
        self._load = None if load is None else SchemeFunction(load, 1)

    def challenge(self) -> Challenge:
        """The scheme `Cookie`, with the login page. It is not a registered scheme, but a 401 response must name one."""
        page = () if self._login_page is None else (("form-action", self._login_page),)
        return Challenge("Cookie", (("realm", self.realm), *page))

    def openapi(self) -> dict[str, Any]:
        """An API key in a cookie."""
        return {"type": "apiKey", "in": "cookie", "name": self._cookie}

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the session's user, or of the user whom the browser's cookie remembers; otherwise None."""
        session = await request.session.load()
        if self._login_page is not None:
            setattr(request.state, LOGIN_PAGE, self._login_page)
        user = session.user
        if user is None:
            user = await recall(request)
        if user is None:
            return None
        if self._load is None:
            return identity_for(user)
        principal = await self._load.principal(request, user)
        return None if principal is None else identity_for(principal)
