"""Add Cache-Control to responses whose handlers do not set it (RFC 9111, section 5.2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from ropewalk.errors import KnownOptions
from ropewalk.middleware.added_fields import add_lines, add_vary, vary_line
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.options import check_choice, check_count, check_kind, check_switches, tokens, unsafe
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.typed.request_reads import reads_for

_CREDENTIALS: Final = ("authorization", "x-api-key")
_CACHED: Final = frozenset((200, 203, 206, 300, 301, 304, 308))
"""Statuses of responses that caches may keep (RFC 9110, section 15.1), without error statuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHeadersOptions(KnownOptions):
    """Which caches may keep a response, and for how long. By default, none may. Raises HandlerError (RW230, RW231)."""

    max_age: int | None = None
    """Seconds for which a cache may use a response without revalidation; 0: the cache must revalidate each time; None:
    no cache may keep the response."""
    visibility: Literal["private", "public"] = "private"
    """"private": only the user's browser may keep a response. "public": shared caches, such as a CDN, may keep it,
    too."""
    shared_max_age: int | None = None
    """Seconds for which shared caches may use a response, instead of `max_age`."""
    stale_while_revalidate: int | None = None
    """Seconds for which a stale response may be used while the cache fetches a new response (RFC 5861)."""
    stale_if_error: int | None = None
    """Seconds for which a stale response may be used if the server fails (RFC 5861)."""
    immutable: bool = False
    """Whether the response never changes, for example because its URL contains a version or a hash (RFC 8246)."""
    vary: Iterable[str] = ()
    """Request fields on which the responses depend, such as "Accept-Language"."""

    def __post_init__(self) -> None:
        for name in ("max_age", "shared_max_age", "stale_while_revalidate", "stale_if_error"):
            check_count(self, name, optional=True)
        check_choice(self, "visibility", ("private", "public"))
        check_switches(self, "immutable")
        object.__setattr__(self, "vary", tokens(self, "vary"))
        others = (self.shared_max_age, self.stale_while_revalidate, self.stale_if_error)
        kept = self.immutable or self.visibility == "public" or any(each is not None for each in others)
        if self.max_age is None and kept:
            raise unsafe(
                self, "without max_age, caches must not keep the response.", "Set max_age to a number of seconds."
            )
        if self.shared_max_age is not None and self.visibility != "public":
            raise unsafe(self, "shared caches must not keep private responses.", 'Set visibility="public".')


def cache_headers(options: CacheHeadersOptions = CacheHeadersOptions()) -> Middleware:
    """A middleware that adds Cache-Control to responses that have neither Cache-Control nor Expires.

    Caches may keep only successful responses and redirects, and only if the method is GET or HEAD. Any other response
    gets "no-store". A response is never public if it sets a cookie, if the request has Authorization or `X-API-Key`, or
    if the request has a user (a principal of `ropewalk.auth`, or `request.state.user`). The same applies if application
    code may have identified a user: if cookies were read, if the handler or a provider takes a header field that the
    request has and `vary` lacks, if a provider takes the request itself, or if a marker of your application reads the
    request. If such a response is the same for all users, let the handler set Cache-Control.
    """
    check_kind(options, CacheHeadersOptions)
    public = ("cache-control", _value(options, options.visibility))
    private = ("cache-control", _value(options, "private"))
    never = ("cache-control", "no-store")
    vary = vary_line(tuple(options.vary))
    shared = options.visibility == "public"
    varying = frozenset(each.lower() for each in options.vary)

    async def cache_headers(request: Request, next: Next) -> Response:
        response = await next(request)
        present = {name for name, _ in response.headers.lines()}
        if "cache-control" not in present and "expires" not in present:
            if response.status not in _CACHED or request.method not in ("GET", "HEAD"):
                line = never
            elif shared and ("set-cookie" in present or _may_be_of_user(request, varying)):
                line = private
            else:
                line = public
            add_lines(request, response, (line,))
        if vary[1]:
            add_vary(request, response, vary)
        return response

    return cache_headers


def _may_be_of_user(request: Request, varying: frozenset[str]) -> bool:
    """Whether the response may depend on the user: a middleware has found a user, or code has read a part of the
    request that may distinguish users. `varying` has the request fields on which the response is known to depend."""
    if any(request.header(name) is not None for name in _CREDENTIALS):
        return True
    state = request.state
    if getattr(state, "user", None) is not None:
        return True
    if getattr(getattr(state, "authentication", None), "identity", None) is not None:
        return True
    reads = reads_for(request)
    if reads.anything or request.has_read_cookies:
        return True
    return any(request.header(name) is not None for name in reads.fields - varying)


def _value(options: CacheHeadersOptions, visibility: str) -> str:
    if options.max_age is None:
        return "no-store"
    parts = [visibility, f"max-age={options.max_age}"]
    if options.shared_max_age is not None and visibility == "public":
        parts.append(f"s-maxage={options.shared_max_age}")
    if not options.max_age:
        parts.append("no-cache")
    if options.stale_while_revalidate is not None:
        parts.append(f"stale-while-revalidate={options.stale_while_revalidate}")
    if options.stale_if_error is not None:
        parts.append(f"stale-if-error={options.stale_if_error}")
    if options.immutable:
        parts.append("immutable")
    return ", ".join(parts)
