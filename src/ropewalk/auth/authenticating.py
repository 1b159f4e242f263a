"""`authenticate`: the middleware that finds out who sends a request."""

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from twisted.logger import Logger

from ropewalk.auth.identity import Authentication
from ropewalk.auth.option_checks import type_shown
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.scheme_functions import APPS, dependents_of_schemes
from ropewalk.auth.unauthorized import Refused, not_authenticated
from ropewalk.calling import apps_around
from ropewalk.errors import OptionError
from ropewalk.logs import note_field, user_of
from ropewalk.middleware import Next
from ropewalk.request import Request
from ropewalk.tracebacks import shown_failure

log = Logger(namespace="ropewalk.auth")


def authenticate(*schemes: Scheme, optional: bool = False) -> "Authenticate":
    """Return the middleware that authenticates each request with one of several schemes.

    The schemes are tried in order, and the first that finds valid credentials is used. A request without valid
    credentials gets 401 with the challenges of all schemes. With `optional`, a request without any credentials is
    anonymous, but a request with invalid credentials still gets 401. Raises HandlerError (RW240) if an argument is not
    a scheme, or without schemes.
    """
    return Authenticate(schemes, optional=optional)


class Authenticate:
    """The middleware that `authenticate` returns. The API description (OpenAPI) reads `schemes`."""

    ropewalk_finds_user = "authenticate"

    def __init__(self, schemes: tuple[Scheme, ...], *, optional: bool) -> None:
        given: tuple[Any, ...] = schemes
        wrong = next((each for each in given if not isinstance(each, Scheme)), None)
        if wrong is not None or not schemes:
            what = "no scheme" if wrong is None else type_shown(wrong)
            raise OptionError("RW240", f"authenticate got {what}.", _remedy(wrong))
        self.schemes = schemes
        self.optional = optional
        self.ropewalk_uses_session = "authenticate" if any(each.uses_session for each in schemes) else ""
        self.ropewalk_dependents = tuple(dependents_of_schemes(schemes))

    async def __call__(self, request: Request, next: Next) -> Any:
        """Authenticate the request, then call `next`. Raises NotAuthenticated."""
        if self.ropewalk_dependents:
            around = apps_around(request)
            setattr(request.state, APPS, around[: _depth_of(self, around)])
        request.state.authentication = await self._authenticate(request)
        note_field(request, "user", user_of(request))
        return await next(request)

    async def _authenticate(self, request: Request) -> Authentication:
        refusals: dict[Scheme, Refused] = {}
        for scheme in self.schemes:
            try:
                identity = await scheme.identify(request)
            except Refused as refusal:
                refusals[scheme] = refusal
                _log_refusal(request, scheme, refusal)
                continue
            if identity is not None:
                if identity.logout is not None:
                    request.notifyFinish().addBoth(_call, identity.logout).addErrback(_log_failure)
                return Authentication(self.schemes, identity, scheme)
        if self.optional and not refusals:
            return Authentication(self.schemes, None)
        raise not_authenticated(self.schemes, refusals)


def _depth_of(middleware: object, apps: tuple[Any, ...]) -> int:
    """The number of apps around a middleware. For a middleware of a route, this is the number of all apps."""
    inside = (depth for depth, app in enumerate(apps, 1) if any(each is middleware for each in app.middlewares))
    return next(inside, len(apps))


def _remedy(wrong: object) -> str:
    name = type(wrong).__name__
    if is_dataclass(wrong) and name.endswith("Options"):
        return f"Give the options to their scheme: authenticate({name.removesuffix('Options')}({name}(...)))."
    return "Give it schemes: authenticate(BasicAuth(check))."


def _log_refusal(request: Request, scheme: Scheme, refusal: Refused) -> None:
    """Log why credentials are refused, but not the credentials.

    The client gets no reason, because it could help an attacker.
    """
    log.debug(
        "{method} {path}: the scheme {scheme} refused the credentials: {why}.",
        method=request.method,
        path=request.raw_path.decode("ascii"),
        scheme=scheme.name,
        why=refusal.why or "they are invalid",
    )


def _call(_: object, logout: Callable[[], object]) -> None:
    logout()


def _log_failure(failure: Any) -> None:
    log.failure("RW208 A logout failed.", shown_failure(failure.value))
