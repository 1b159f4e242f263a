"""`sessions`: the middleware that gives each request its session, and saves it after the handler."""

from typing import Final

from twisted.logger import Logger

from ropewalk.errors import CATALOGUE, HandlerError
from ropewalk.middleware.added_fields import Line, add_lines, add_vary, vary_line
from ropewalk.middleware.at_once import AT_ONCE, AtOnce
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import DESCRIPTION, MiddlewareDescription
from ropewalk.middleware.options import check_kind
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.sessions.csrf import CSRF_DESCRIPTION
from ropewalk.sessions.csrf_check import SAFE, CSRFCheck
from ropewalk.sessions.keepers import DELETED, CookieKeeper, Keeper, StoreKeeper
from ropewalk.sessions.login_page import redirect_to_login
from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.remember_me import remember_line
from ropewalk.sessions.session import Session
from ropewalk.sessions.session_cookies import SessionCookies, is_local
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import StoreUnavailable

log = Logger(namespace="ropewalk.sessions")

_NO_STORE: Final = ("cache-control", "no-store")
_VARY: Final = vary_line(("Cookie",))
_READ: Final = (_VARY,)
"""The fields for a session that was only read."""


def sessions(options: SessionsOptions) -> Middleware:
    """A middleware that gives each request its `request.session`.

    app = App(middleware=[sessions(SessionsOptions(store=SQLiteSessions("sessions.db")))])

    A session is saved after the handler, unless the response has a status of 500 or more; a logout is saved always. A
    response to a request that has read its session gets `Vary: Cookie`. A response that sets a cookie gets
    `Cache-Control: no-store`. A browser that opens a page of a `SessionAuth` without a login is redirected to the login
    page. Put `sessions` outside of `authenticate`.
    """
    check_kind(options, SessionsOptions)
    return _Sessions(options).handle


def _has_page(request: Request, response: Response) -> bool:
    """Whether the client sees the body of a response. After a 304, the client shows the body that it has kept."""
    status = response.status
    return request.method != "HEAD" and status not in (204, 205) and (status == 304 or not 300 <= status < 400)


class _LateSessions:
    """Makes the sessions that are first read after the response has begun. They refuse changes, which could not be
    saved.
    """

    def __init__(self, sessions: "_Sessions") -> None:
        self._sessions = sessions

    def session_of(self, request: Request) -> Session:
        """See SessionSource."""
        session = self._sessions.session_of(request)
        session.is_sealed = True
        return session


class _Sessions:
    ropewalk_has_session = "sessions"

    def __init__(self, options: SessionsOptions) -> None:
        self._options = options
        self._keeper: Keeper = CookieKeeper(options) if options.store is None else StoreKeeper(options.store, options)
        self._cookies = SessionCookies(options.cookie, options.same_site, secure=True)
        self._plain_cookies = SessionCookies(options.cookie, options.same_site, secure=False)
        self._csrf = None if options.csrf is None else CSRFCheck(options.csrf)
        self._allows_plain = options.insecure_localhost
        self._has_warned = False
        self._late = _LateSessions(self)
        if self._keeper.immediate or not options.preload:
            setattr(self, AT_ONCE, AtOnce(self._begin, self._fields, self._finish))
        setattr(self, DESCRIPTION, CSRF_DESCRIPTION if self._csrf is not None else MiddlewareDescription())

    async def handle(self, request: Request, next: Next) -> Response:
        if request.has_session:
            what = f"{request.method} {request.path} is inside two `sessions` middlewares."
            raise HandlerError("RW250", what, "Remove one of them.")
        request.attach_sessions(self)
        if self._options.preload and not self._keeper.immediate:
            session = request.kept_session = self.session_of(request)
            await session.preload()
        if self._csrf is not None and request.method not in SAFE:
            cookies = self._cookies_of(request)
            has_cookie = cookies.session.value_in(request) is not None or cookies.remember.value_in(request) is not None
            await self._csrf.check(request, has_cookie=has_cookie)
        return await self._finish(request, next)

    def _begin(self, request: Request) -> bool:
        """`AtOnce.begin`"""
        if self._csrf is not None and request.method not in SAFE:
            return False
        request.session_source, request.kept_session = self, None
        return True

    def session_of(self, request: Request) -> Session:
        """See SessionSource."""
        cookies = self._cookies
        if self._allows_plain or request.service.app.developer is not None:
            cookies = self._cookies_of(request)
        return Session(self._keeper, cookies, request.only_cookie(cookies.sent_name))

    def _cookies_of(self, request: Request) -> SessionCookies:
        relaxed = self._allows_plain or request.service.app.developer is not None
        return self._plain_cookies if relaxed and is_local(request) else self._cookies

    def _fields(self, request: Request) -> tuple[Line, ...] | None:
        """`AtOnce.fields`"""
        session = request.kept_session
        if session is None:
            request.session_source = self._late
            return ()
        if not session.was_used:
            session.is_sealed = True  # a later change would be lost
            return ()
        if session.shown and request.method != "HEAD":
            session.remove_shown()
        if not session.needs_save():
            session.is_sealed = True
            return _READ
        if session.remember is not None or session.recalled is not None or type(self._keeper) is not CookieKeeper:
            return None
        try:
            cookie = self._keeper.save_now(session)
        except HandlerError:
            return None  # then `_finish` runs, and raises the error again inside the middleware
        session.is_sealed = True
        return _READ if cookie is None else (_NO_STORE, self._cookie_line(request, session, cookie), _VARY)

    async def _finish(self, request: Request, next: Next) -> Response:
        response = await next(request)
        session = request.kept_session
        if session is None:
            request.session_source = self._late
            return response
        if not session.was_used:
            session.is_sealed = True
            return response
        if response.error is not None:
            response = redirect_to_login(request, response)
        if session.shown and _has_page(request, response):
            session.remove_shown()
        fields = await self._saved(request, session, response) if session.needs_save() else ()
        session.is_sealed = True
        if fields:
            # A shared cache must not give the cookie of one user to others.
            if response.is_plain():
                add_lines(request, response, [_NO_STORE, *fields, _VARY])
                return response
            if "cache-control" not in response.headers:
                fields = [_NO_STORE, *fields]
            elif "no-store" not in response.headers["cache-control"]:
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
            replaces = session.remember is not None or session.recalled is not None
            remembered = await remember_line(request, session) if replaces else None
        except StoreUnavailable as error:
            if self._options.on_store_failure == "closed" or session.is_rotated:
                raise unavailable(error) from error
            log.error("RW234 A session was not saved: {error}", error=error)
            return []
        found = [] if cookie is None else [self._cookie_line(request, session, cookie)]
        if remembered is not None:
            found.append(("set-cookie", remembered))
        return found

    def _cookie_line(self, request: Request, session: Session, cookie: str) -> Line:
        """The field line for the result of `Keeper.save`."""
        if not self._has_warned:
            self._warn(request, session.cookies)
        of_session = session.cookies.session
        return "set-cookie", of_session.deleted() if cookie == DELETED else of_session.set_to(cookie)

    def _warn(self, request: Request, cookies: SessionCookies) -> None:
        """Log RW256, once, for a Secure cookie over http."""
        if request.scheme == "http" and cookies is self._cookies:
            self._has_warned = True
            entry = CATALOGUE["RW256"]
            log.warn("RW256 {summary} {remedy}", summary=entry.summary, remedy=entry.remedy)
