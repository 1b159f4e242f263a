"""CORS: allow scripts of other origins to call the app (the Fetch standard, section 3.3)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ropewalk.errors import KnownOptions
from ropewalk.middleware.added_fields import Line, add_lines, add_vary, vary_line
from ropewalk.middleware.chain import PREFLIGHT, Middleware, Next
from ropewalk.middleware.options import check_count, check_kind, check_switches, malformed, strings, tokens, unsafe
from ropewalk.request import Request
from ropewalk.response import Response

LONGEST_ORIGIN: Final = 300
"""The maximum length in characters of an origin. A host name has at most 253 characters (RFC 1035)."""

_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(\*\.)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_LABELS: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_SAFELISTED: Final = frozenset(("accept", "accept-language", "content-language", "content-type", "range"))
"""CORS-safelisted fields. A browser lists such a field in a preflight only if its value is not safelisted."""
_SAFE_METHODS: Final = frozenset(("GET", "HEAD", "POST"))
_SHORT: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PREFIX: Final = "access-control-"
_WRITE: Final = 'Write it as "https://app.example.com" or "https://*.example.com", without a path or a default port.'


@dataclass(frozen=True, slots=True, kw_only=True)
class CORSOptions(KnownOptions):
    """Which other origins may call the app, and how.

    Raises HandlerError: RW230 for an invalid value, RW231 for `credentials` with `*` or "null", RW233 for a malformed
    origin.
    """

    origins: Iterable[str]
    """The allowed origins: "https://app.example.com", "http://localhost:3000", `https://*.example.com` for all
    subdomains (not for example.com itself), or `*` for all. "null" is the origin of sandboxed frames and local files.
    Any page can create a sandboxed frame, so "null" allows every page."""
    methods: Iterable[str] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    """The methods that a preflight allows, or `*`. Browsers may send GET, HEAD and POST without a preflight."""
    headers: Iterable[str] = ()
    """The request fields that are allowed in addition to the safelisted fields; `*` for all except Authorization."""
    expose: Iterable[str] = ()
    """The response fields that scripts may read in addition to the safelisted fields; `*` for all."""
    credentials: bool = False
    """Whether scripts may send requests with cookies, HTTP authentication or client certificates."""
    max_age: int | None = 600
    """Seconds for which a browser may keep the response to a preflight; None: the browser's default (5)."""
    private_network: bool = False
    """Whether pages from public networks may call an app in a private network
    (Access-Control-Allow-Private-Network)."""

    def __post_init__(self) -> None:
        origins = tuple(each.lower() for each in strings(self, "origins"))
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "methods", tokens(self, "methods"))
        for name in ("headers", "expose"):
            object.__setattr__(self, name, tuple(each.lower() for each in tokens(self, name)))
        check_switches(self, "credentials", "private_network")
        check_count(self, "max_age", optional=True)
        for origin in origins:
            if origin not in ("*", "null"):
                _check_origin(self, origin)
        if self.credentials:
            everything = {"origins": origins, "methods": self.methods, "headers": self.headers, "expose": self.expose}
            for name, given in everything.items():
                if "*" in given or "null" in given:
                    what = f'credentials=True and {name} with "*" or "null" would let any page act as the user.'
                    raise unsafe(self, what, f"List the {name}, or set credentials=False.")


def cors(options: CORSOptions) -> Middleware:
    """A middleware for CORS.

    Add it before other middleware, so that preflights need no login and scripts can read error responses.

    It responds to preflights (OPTIONS with Origin and Access-Control-Request-Method) itself: with 204, or with 403 if
    the announced request is not allowed. It replaces Access-Control fields that the handler sets, because browsers
    reject duplicates.
    """
    check_kind(options, CORSOptions)
    allows = _matcher(tuple(options.origins))
    any_origin = "*" in options.origins
    preflight = _preflight(options)
    fixed: list[Line] = [("access-control-allow-credentials", "true")] if options.credentials else []
    if options.expose:
        fixed.append(("access-control-expose-headers", ", ".join(options.expose)))
    for_any = (("access-control-allow-origin", "*"), *fixed)
    vary = vary_line(["Origin"])
    only_vary = (vary,)
    known: dict[str, tuple[Line, ...]] = {
        each: (("access-control-allow-origin", each), *fixed) for each in options.origins if "*" not in each
    }

    async def cors(request: Request, next: Next) -> Response:
        origin = request.header("origin")
        if origin is not None and request.method == "OPTIONS":
            method = request.header("access-control-request-method")
            if method is not None:
                return preflight(request, method, any_origin or allows(origin), "*" if any_origin else origin)
        response = await next(request)
        present = not response.is_plain() and any(
            name == "vary" or name.startswith(_PREFIX) for name, _ in response.headers.lines()
        )
        if present:
            _drop(response)
        if any_origin:
            add_lines(request, response, for_any)
            return response
        if origin is None and not present:
            add_lines(request, response, only_vary)
            return response
        lines: tuple[Line, ...] = ()
        if origin is not None:
            lines = known.get(origin, ())
            if not lines and allows(origin):
                lines = (("access-control-allow-origin", origin), *fixed)
        if present:
            add_vary(request, response, vary)
            add_lines(request, response, lines)
        else:
            add_lines(request, response, (*lines, vary))
        return response

    setattr(cors, PREFLIGHT, True)
    return cors


def _preflight(options: CORSOptions) -> Callable[[Request, str, bool, str], Response]:
    """Return a function that makes the response to a preflight."""
    methods, headers = frozenset(options.methods), frozenset(options.headers) | _SAFELISTED
    fixed: list[Line] = []
    if methods:
        fixed.append(("access-control-allow-methods", ", ".join(options.methods)))
    if options.headers:
        fixed.append(("access-control-allow-headers", ", ".join(options.headers)))
    if options.credentials:
        fixed.append(("access-control-allow-credentials", "true"))
    if options.max_age is not None:
        fixed.append(("access-control-max-age", str(options.max_age)))
    vary = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
    if options.private_network:
        vary.append("Access-Control-Request-Private-Network")
    about = vary_line(vary)

    def preflight(request: Request, method: str, allowed: bool, origin: str) -> Response:
        if not allowed:
            return _refuse("The origin is not allowed.", about)
        if method not in methods and method not in _SAFE_METHODS and "*" not in methods:
            return _refuse(_named("method", method), about)
        wrong = _not_allowed(request.header("access-control-request-headers"), headers)
        if wrong is not None:
            return _refuse(_named("header", wrong), about)
        response = Response(None, 204)
        response.headers.add_checked((("access-control-allow-origin", origin), *fixed, about))
        if options.private_network and request.header("access-control-request-private-network") == "true":
            response.headers.add_checked((("access-control-allow-private-network", "true"),))
        return response

    return preflight


def _not_allowed(asked: str | None, allowed: frozenset[str]) -> str | None:
    """The first field that a preflight names and that is not allowed; None if all are allowed."""
    names = [name for each in (asked or "").split(",") if (name := each.strip().lower())]
    if "*" in allowed:
        return "authorization" if "authorization" in names and "authorization" not in allowed else None
    return next((name for name in names if name not in allowed), None)


def _named(part: str, name: str) -> str:
    """The reason for a refusal. It contains the name of the method or header if the name is short and has no special
    characters."""
    return f"The {part} {name} is not allowed." if _SHORT.fullmatch(name) else f"The {part} is not allowed."


def _refuse(reason: str, vary: Line) -> Response:
    response = Response(f"CORS: {reason}\n", 403)
    response.headers.add_checked((vary,))
    return response


def _drop(response: Response) -> None:
    """Remove the CORS fields that the handler or a mounted application has set."""
    for name in list(response.headers):
        if name.startswith(_PREFIX):
            del response.headers[name]


def _matcher(origins: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a function that tests whether an origin is in the list or matches a pattern.

    The comparison is exact, because browsers send origins in lower case.
    """
    exact = frozenset(each for each in origins if "*" not in each)
    patterns = []
    for origin in origins:
        scheme, star, domain = origin.partition("://*")
        if star:
            patterns.append((f"{scheme}://", domain))

    def allows(origin: str) -> bool:
        if origin in exact:
            return True
        if not patterns or len(origin) > LONGEST_ORIGIN:
            return False
        return any(
            origin.startswith(start)
            and origin.endswith(end)
            and _LABELS.fullmatch(origin, len(start), len(origin) - len(end)) is not None
            for start, end in patterns
        )

    return allows


def _check_origin(options: Any, origin: str) -> None:
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        raise malformed(options, origin, _WRITE)
    scheme, star, host, port = found.groups()
    if port is not None and (port == _DEFAULT_PORTS.get(scheme) or int(port[1:]) > 65535):
        raise malformed(options, origin, f"{_WRITE} Browsers leave out {port}.")
    if star and ("." not in host and host != "localhost"):
        raise malformed(
            options, origin, "Name at least two labels after the star: all of a top-level domain is unsafe."
        )
