"""Refuse requests for unknown hosts. This prevents DNS rebinding, and links made from a forged Host field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from ropewalk.errors import HTTPError, KnownOptions
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.hosts import split_host
from ropewalk.middleware.options import check_choice, check_kind, malformed, strings, wrong
from ropewalk.request import Request
from ropewalk.response import Response

_WRITE: Final = 'Write it as "example.com", "*.example.com", "localhost:8080" or "[::1]", without a scheme or a path.'
_REFUSALS: Final = {400: "The Host is malformed or wrong.", 421: "The server does not serve this host."}


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHostsOptions(KnownOptions):
    """The hosts that an app serves.

    Raises HandlerError: RW230 for an invalid value or no host, RW233 for a malformed host.
    """

    hosts: Iterable[str]
    """The allowed hosts, such as "example.com", `*.example.com` for all subdomains (not for example.com itself), or
    "[::1]". "example.com:8080" allows only that port; "example.com" allows any port."""
    status: Literal[400, 421] = 421
    """The status for any other host: 421, which lets HTTP/2 clients open another connection (RFC 9110, section
    15.5.20), or 400."""

    def __post_init__(self) -> None:
        if not strings(self, "hosts"):
            raise wrong(self, "hosts", (), "Name at least one host.")
        check_choice(self, "status", (400, 421))
        for host in self.hosts:
            _parse(self, host)


def allowed_hosts(options: AllowedHostsOptions) -> Middleware:
    """A middleware that refuses requests for other hosts. It checks `request.host`.

    That is the host in the request target or in the Host field, or the host that a trusted proxy reports (see
    `TrustedProxies`). A malformed or missing host gets a 400.
    """
    check_kind(options, AllowedHostsOptions)
    patterns = [_parse(options, each) for each in options.hosts]
    exact = frozenset((name, port) for star, name, port in patterns if not star)
    endings = tuple((f".{name}", port) for star, name, port in patterns if star)
    plain = frozenset(name for name, port in exact if not port and not name.startswith("["))

    def allows(name: str, port: str) -> bool:
        if (name, "") in exact or (name, port) in exact:
            return True
        return any(name.endswith(ending) and wanted in ("", port) for ending, wanted in endings)

    statuses = dict.fromkeys((400, options.status))
    responses = [MiddlewareResponse(each, _REFUSALS[each]) for each in statuses]

    @describes(MiddlewareDescription(responses=responses))
    async def allowed_hosts(request: Request, next: Next) -> Response:
        host = request.host
        if host in plain:
            return await next(request)
        parts = split_host(host)
        if parts is None:
            raise HTTPError(400, "The Host is malformed.")
        if not allows(*parts):
            raise HTTPError(options.status, "This server does not serve this host.")
        return await next(request)

    return allowed_hosts


def _parse(options: AllowedHostsOptions, pattern: str) -> tuple[bool, str, str]:
    """Parse a pattern. Return whether it stands for subdomains, its host name, and its port ("" for any port)."""
    star = pattern.startswith("*.")
    parts = split_host(pattern.removeprefix("*."))
    if parts is None or (star and parts[0].startswith("[")):
        raise malformed(options, pattern, _WRITE)
    if star and "." not in parts[0] and parts[0] != "localhost":
        raise malformed(options, pattern, "Name at least two labels after the star.")
    return star, *parts
