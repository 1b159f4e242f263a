"""`LoginScheme`: the flow of a login, and the scheme that finds users who have logged in."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ropewalk.auth.bearer_jwt import TokenPrincipal
from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity, identity_for, words
from ropewalk.auth.oauth.authorization import authorization_url, code_of, response_parameters
from ropewalk.auth.oauth.cookie_logins import CookieLogins
from ropewalk.auth.oauth.endpoints import Endpoints
from ropewalk.auth.oauth.logins import Login, LoginStore
from ropewalk.auth.oauth.options import LoginSchemeOptions
from ropewalk.auth.oauth.pending_logins import PendingLogin, PendingLogins
from ropewalk.auth.oauth.provider import NOT_BEGUN, Provider
from ropewalk.auth.oauth.signed_values import SignedValues
from ropewalk.auth.oauth.tokens import Tokens
from ropewalk.auth.open_redirects import own_path
from ropewalk.auth.packages import optional
from ropewalk.auth.page_requests import opens_a_page
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.clocks import unix_time
from ropewalk.errors import HandlerError, HTTPError, OptionError, shown
from ropewalk.headers import TOKEN
from ropewalk.middleware import Next
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.routing import Routes

_PRIVATE: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""Header fields of redirects. They keep the callback URL, which has the code, out of caches and out of the Referer
field."""


class LoginScheme(Scheme):
    """A login at another site: the routes that browsers visit to log in, and the scheme that finds logged-in users.

    A request without a login, or with an expired login, is anonymous, so that its browser can log in again.
    """

    routes: Routes
    """The routes to mount: `GET login` (`next` is a path on this site to return to), `GET` for the callback, and
    `POST logout`."""

    def __init__(
        self,
        options: LoginSchemeOptions,
        *,
        realm: str = "app",
        name: str = "login",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        super().__init__(name, realm)
        optional("authlib.oauth2.auth", "Authlib", type(self).__name__, extra="oauth")
        if not TOKEN.fullmatch(name):
            what = f"{type(self).__name__} has the name {shown(name)}."
            raise OptionError("RW240", what, "Use letters and digits, because the cookies have this name too.")
        self._clock = clock
        self._settings = options
        secure = options.redirect_uri.startswith("https:")
        signed = (options.secret, name, options.provider, options.client_id)
        self._pending = PendingLogins(
            SignedValues(*signed, "pending"), name, options.pending_time, secure=secure, clock=clock
        )
        self._store: LoginStore = options.store or CookieLogins(
            SignedValues(*signed, "login"), name, secure=secure, clock=clock
        )
        self._provider = Provider(options)
        self._load = None if options.load is None else SchemeFunction(options.load, 1)
        self._on_login = None if options.on_login is None else SchemeFunction(options.on_login, 2)
        folder, _, callback = urlsplit(options.redirect_uri).path.rpartition("/")
        self._folder = folder
        self.routes = Routes()
        self.routes.get("/login", name="login", hidden=True)(self._begin)
        self.routes.get(f"/{callback}", name="callback", hidden=True)(self._complete)
        self.routes.post("/logout", name="logout", hidden=True)(self._logout)

    @property
    def login_path(self) -> str:
        """The path that begins a login."""
        return f"{self._folder}/login"

    def challenge(self) -> Challenge:
        """The scheme `Cookie`, with the path that begins a login.

        IANA lists no such scheme, but a 401 response must name a scheme.
        """
        return Challenge("Cookie", (("realm", self.realm), ("form-action", self.login_path)))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description that the login store returns; by default an API key in a cookie."""
        return self._store.description()

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the user who has logged in; None without a login."""
        login = await self._store.load(request)
        if login is None or login.expires <= self._clock():
            return None
        identity = await self._identity(request, login)
        return None if identity.principal is None else identity

    async def redirect_to_login(self, request: Request, next: Next) -> Any:
        """A middleware that redirects a browser to the login instead of a 401. Put it outside `authenticate`.

        It redirects only requests that open a page. Scripts, and requests with an Authorization field, get the 401.
        """
        response = await next(request)
        if response.status != 401 or not opens_a_page(request):
            return response
        if request.raw_path == self.login_path.encode():
            what = f"The route {self.login_path} needs a login itself."
            raise HandlerError("RW240", what, "Write authenticate(login, optional=True), and @requires() where needed.")
        raw = request.raw_path + (b"?" + request.query_string if request.query_string else b"")
        here = raw.decode("ascii", "replace")
        query = "" if own_path(here) is None else f"?next={quote(here, safe='/')}"
        return Response.redirect(f"{self.login_path}{query}", 302, {"cache-control": "no-store"})

    async def _begin(self, request: Request) -> Response:
        endpoints = await self._endpoints()
        return_to = own_path(request.query.get("next")) or self._settings.after_login
        login, cookie = self._pending.begin(request, return_to)
        url = authorization_url(endpoints, self._settings, login, nonce=self._takes_nonce)
        return Response.redirect(url, 302, [*_PRIVATE.items(), ("set-cookie", cookie)])

    async def _complete(self, request: Request) -> Response:
        if request.method != "GET":  # a HEAD, such as a link checker's, would use up the code
            raise HTTPError(405, None, {"allow": "GET"})
        parameters = response_parameters(request)
        pending, cookie = self._pending.complete(request, parameters["state"])
        fields = [*_PRIVATE.items(), ("set-cookie", cookie)]
        try:
            if pending is None:
                raise HTTPError(400, NOT_BEGUN)
            endpoints = await self._endpoints()
            code = code_of(parameters, endpoints)
            tokens = await self._provider.exchange(endpoints, code, pending.verifier)
            claims = await self._claims(request, endpoints, tokens, pending)
            response = Response.redirect(pending.return_to, 303, fields)
            await self._log_in(request, response, claims, tokens)
        except HTTPError as error:
            error.headers = (*error.headers, *fields)
            raise
        return response

    async def _log_in(self, request: Request, response: Response, claims: dict[str, Any], tokens: Tokens) -> None:
        settings = self._settings
        kept = {*settings.claims, settings.roles_claim, "sub", "iss"}
        login = Login(
            claims={name: value for name, value in claims.items() if name in kept},
            scopes=tuple(sorted(tokens.scopes)),
            expires=self._clock() + settings.login_time,
        )
        identity = await self._identity(request, login)
        if identity.principal is None:
            raise HTTPError(403, "This user has no access to this site.")
        if self._on_login is not None:
            await self._on_login.call(request, identity.principal, tokens)
        await self._store.save(request, response, login)

    async def _logout(self, request: Request) -> Response:
        response = Response.redirect(self._settings.after_logout, 303, _PRIVATE)
        login = await self._store.load(request)
        await self._store.forget(request, response)
        url = None if login is None else await self._logout_url()
        if url is not None:
            response.headers["location"] = url
        return response

    async def _identity(self, request: Request, login: Login) -> Identity:
        """The identity of a login. Its principal is None if `load` refuses."""
        settings, claims = self._settings, login.claims
        if self._load is not None:
            return identity_for(await self._load.principal(request, claims))
        scopes, roles = frozenset(login.scopes), words(claims.get(settings.roles_claim))
        return Identity(TokenPrincipal(str(claims["sub"]), claims, scopes, roles), scopes, roles)

    _takes_nonce = False

    async def _endpoints(self) -> Endpoints:
        raise NotImplementedError

    async def _claims(
        self, request: Request, endpoints: Endpoints, tokens: Tokens, pending: PendingLogin
    ) -> dict[str, Any]:
        """The claims about the user, with `sub` and `iss`."""
        raise NotImplementedError

    async def _logout_url(self) -> str | None:
        """The provider's URL to which a logout redirects; None to stay on this site."""
        return None
