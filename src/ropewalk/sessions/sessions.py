"""`sessions`: the middleware that gives each request its session, and saves it after the handler."""

from typing import Final

from twisted.logger import Logger

from ropewalk.errors import CATALOGUE, HandlerError
from ropewalk.middleware.added_fields import Line, add_lines, add_vary, vary_line
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import DESCRIPTION, MiddlewareDescription
from ropewalk.middleware.options import check_kind
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.sessions.cookie_names import SessionCookies, is_local
from ropewalk.sessions.csrf import CSRF_DESCRIPTION
from ropewalk.sessions.csrf_check import CSRFCheck
from ropewalk.sessions.keepers import DELETED, CookieKeeper, Keeper, StoreKeeper
from ropewalk.sessions.login_page import redirect_to_login
from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.remembering import remember_line
from ropewalk.sessions.session import Session
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import StoreUnavailable

log = Logger(namespace="ropewalk.sessions")

_VARY: Final = vary_line(("Cookie",))


def sessions(options: SessionsOptions) -> Middleware:
    """A middleware that gives each request its `request.session`.

        app = App(middleware=[sessions(SessionsOptions(store=SQLiteSessions("sessions.db")))])

    A session is saved after the handler, unless the response has a status of 500 or more; a logout is saved always. A
    response to a request that has read its session gets `Vary: Cookie`. A response that sets a cookie gets
    `Cache-Control: no-store`. A browser that opens a page of a `SessionAuth` without a login is redirected to the login
    page. Put it outside of `authenticate`.
    """
    check_kind(options, SessionsOptions)
    return _Sessions(options).handle


def _has_page(request: Request, response: Response) -> bool:
    """Whether the client sees the body of a response. With 304, it sees the same body, which it has kept."""
    status = response.status
    return request.method != "HEAD" and status not in (204, 205) and (status == 304 or not 300 <= status < 400)


class _Sessions:
    ropewalk_has_session = "sessions"

    def __init__(self, options: SessionsOptions) -> None:
        self._options = options
        self._keeper: Keeper = CookieKeeper(options) if options.store is None else StoreKeeper(options.store, options)
        self._cookies = SessionCookies(options.cookie, options.same_site, secure=True)
        self._plain_cookies = SessionCookies(options.cookie, options.same_site, secure=False)
        self._csrf = None if options.csrf is None else CSRFCheck(options.csrf)
        self._has_warned = False
        setattr(self, DESCRIPTION, CSRF_DESCRIPTION if self._csrf is not None else MiddlewareDescription())

    async def handle(self, request: Request, next: Next) -> Response:
        if request.has_session:
            what = f"{request.method} {request.path} is inside two `sessions` middlewares."
            raise HandlerError("RW250", what, "Remove one of them.")
        cookies = self._plain_cookies if self._options.insecure_localhost and is_local(request) else self._cookies
        lines = request.values(b"cookie")
        session = Session(self._keeper, cookies, cookies.session.value_in(lines))
        request.attach_session(session)
        if self._options.preload and not self._keeper.immediate:
            await session.preload()
        if self._csrf is not None and not self._csrf.is_safe(request):
            remembered = cookies.remember.value_in(lines) is not None
            await self._csrf.check(request, has_cookie=session.cookie is not None or remembered)
        response = await next(request)
        if not session.was_used:
            session.seal()  # a later change would be lost
            return response
        response = redirect_to_login(request, response)
        if _has_page(request, response):
            session.remove_shown()
        fields = await self._saved(request, session, response)
        session.seal()
        if fields:
            # A shared cache must not give the cookie of one user to others.
            if "no-store" not in response.headers.get("cache-control", ""):
                response.headers["cache-control"] = "no-store"
            add_lines(request, response, fields)
        add_vary(request, response, _VARY)
        return response

    async def _saved(self, request: Request, session: Session, response: Response) -> list[Line]:
        """Save the session. Return the Set-Cookie lines."""
        if session.failure is not None or (response.status >= 500 and not session.is_cleared):
            return []
        try:
            cookie = await self._keeper.save(session)
            remembered = await remember_line(request, session)
        except StoreUnavailable as error:
            if self._options.on_store_failure == "closed" or session.is_rotated:
                raise unavailable(error) from error
            log.error("RW234 A session was not saved: {error}", error=error)
            return []
        cookies = session.cookies
        found = []
        if cookie is not None:
            found.append(cookies.session.deleted() if cookie == DELETED else cookies.session.set_to(cookie))
            self._warn(request, cookies)
        if remembered is not None:
            found.append(remembered)
        return [("set-cookie", value) for value in found]

    def _warn(self, request: Request, cookies: SessionCookies) -> None:
        """Log RW256, once, for a Secure cookie over http."""
        if not self._has_warned and request.scheme == "http" and cookies is self._cookies:
            self._has_warned = True
            entry = CATALOGUE["RW256"]
            log.warn("RW256 {summary} {remedy}", summary=entry.summary, remedy=entry.remedy)
