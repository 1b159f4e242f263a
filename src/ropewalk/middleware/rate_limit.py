"""Rate limits: limit the number of requests from each client, from each user, or with the same key."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Final, Literal

from ropewalk.errors import HandlerError, KnownOptions, named, shown
from ropewalk.middleware.added_fields import add_lines
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.client_network import client_network
from ropewalk.middleware.describing import DESCRIPTION, RETRY_AFTER, MiddlewareDescription, MiddlewareResponse
from ropewalk.middleware.options import (
    check_choice,
    check_count,
    check_function,
    check_kind,
    check_seconds,
    check_switches,
    check_takes_request,
    unsafe,
    wrong,
)
from ropewalk.middleware.sender import digest, user_of
from ropewalk.middleware.store_options import RETRY_SOON, RequestFunction, call_option, refusal
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.stores import Bucket, MemoryRateLimits, RateLimitStore, StoreUnavailable, Taken

Key = Literal["client", "user"] | RequestFunction
OnStoreFailure = Literal["open", "closed"]

_FIELDS: Final = {
    "RateLimit": "How many requests are left, and the seconds until one more is allowed.",
    "RateLimit-Policy": "How many requests are allowed in how many seconds.",
}
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class RateLimit(KnownOptions):
    """`RateLimit(100, 60)` allows 100 requests in 60 seconds for each key.

    It is a token bucket: it holds at most `burst` tokens, each request takes one, and `requests` tokens are added
    evenly over `seconds`. Raises HandlerError (RW230) for an invalid value.
    """

    requests: int
    """How many requests are allowed in `seconds`, on average."""
    seconds: float
    """The time in which `requests` are allowed, in seconds."""
    key: Key = "client"
    """Which requests share a bucket.

    "client": the requests from one address, or from one IPv6 network. "user": the requests of one user (see
    `RateLimitOptions.user`); without a user, as for "client". A function `(request)`, plain or async: the requests for
    which it returns the same str. It returns None for a request to which the limit does not apply.
    """
    burst: int | None = None
    """How many requests are allowed at once. The default is `requests`."""
    name: str = ""
    """The name of this limit in header fields and in the store: letters, digits, `_`, `.` and `-`. The default is made
    from the numbers, such as "100-per-60"."""

    def __post_init__(self) -> None:
        check_count(self, "requests", least=1)
        check_seconds(self, "seconds")
        check_count(self, "burst", least=1, optional=True)
        if self.key not in ("client", "user") and not callable(self.key):
            raise wrong(self, "key", self.key, 'Give "client", "user" or a function.')
        check_takes_request(self, "key")
        if not self.name:
            object.__setattr__(self, "name", f"{self.requests}-per-{self.seconds:g}".replace("+", ""))
        _check_name(self, "name")

    @property
    def capacity(self) -> int:
        """The number of tokens in a full bucket."""
        return self.requests if self.burst is None else self.burst

    @property
    def rate(self) -> float:
        """The number of tokens added each second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitOptions(KnownOptions):
    """The options of `rate_limit`. A request must be within every limit; a refused request takes no token.

    Raises HandlerError (RW230) for an invalid value.
    """

    limits: RateLimit | Sequence[RateLimit]
    """One or more limits. The names of the limits must differ."""
    exempt: RequestFunction | None = None
    """A function `(request)`, plain or async, that returns True for a request that is not limited."""
    store: RateLimitStore | None = None
    """Where the buckets are stored. None: in the memory of this process, separately for each middleware."""
    on_store_failure: OnStoreFailure = "open"
    """What happens while the store is unavailable: "open" allows all requests, "closed" refuses them with 503."""
    namespace: str = "default"
    """A name that keeps the buckets apart from the buckets of other middleware that uses the same store."""
    ipv6_prefix: int = 64
    """The prefix length of the IPv6 networks that count as one client, from 1 to 128."""
    header_fields: bool = True
    """Whether responses have the fields `RateLimit` and `RateLimit-Policy`. Responses with status 429 always have
    `Retry-After`."""
    user: RequestFunction | None = None
    """A function `(request)`, plain or async, that returns the identity of the user as str, or None.

    By default, it is `request.state.user` (a str, an int, a UUID, or an object whose `id` is one of these), or else the
    principal of `ropewalk.auth`, identified by its class, its issuer, and its `id` or `subject`."""

    def __post_init__(self) -> None:
        given: Any = self.limits
        limits = (given,) if isinstance(given, RateLimit) else tuple(given) if isinstance(given, Iterable) else ()
        if not limits or not all(isinstance(each, RateLimit) for each in limits):
            raise wrong(self, "limits", self.limits, "Write `RateLimitOptions(limits=RateLimit(100, 60))`.")
        object.__setattr__(self, "limits", limits)
        names = [each.name for each in limits]
        if len(set(names)) < len(names):
            raise unsafe(self, f"two limits have the same name: {', '.join(names)}.", "Give each limit its own `name`.")
        check_choice(self, "on_store_failure", ("open", "closed"))
        _check_name(self, "namespace")
        check_count(self, "ipv6_prefix", least=1, most=128)
        check_switches(self, "header_fields")
        check_function(self, "exempt")
        check_function(self, "user")


def rate_limit(options: RateLimitOptions) -> Middleware:
    """A middleware that refuses requests over a limit with 429 and `Retry-After` (RFC 6585, section 4).

        app.middleware(rate_limit(RateLimitOptions(limits=RateLimit(100, 60))))

    Responses have `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
    """
    check_kind(options, RateLimitOptions)
    return _RateLimiter(options).limit


class _RateLimiter:
    def __init__(self, options: RateLimitOptions) -> None:
        self._options = options
        self._store: RateLimitStore = MemoryRateLimits() if options.store is None else options.store
        assert not isinstance(options.limits, RateLimit)  # `RateLimitOptions` has converted it to a tuple
        self._limits = tuple(options.limits)
        setattr(self, DESCRIPTION, _description(options))
        by_user = options.user is None and any(limit.key == "user" for limit in self._limits)
        self.ropewalk_per_user = "rate_limit" if by_user else ""

    async def limit(self, request: Request, next: Next) -> Response:
        options = self._options
        if options.exempt is not None and await call_option(options.exempt, request):
            return await next(request)
        applied = [(limit, key) for limit in self._limits if (key := await self._key(limit, request)) is not None]
        if not applied:
            return await next(request)
        limits = [limit for limit, _ in applied]
        buckets = [
            Bucket(f"{options.namespace}:{limit.name}", digest(key)[:32], limit.capacity, limit.rate)
            for limit, key in applied
        ]
        try:
            taken = await self._store.take(buckets)
        except StoreUnavailable as error:
            if options.on_store_failure == "closed":
                raise refusal(503, "The rate of requests cannot be checked at the moment.", [RETRY_SOON]) from error
            return await next(request)
        fields = header_fields(limits, taken) if options.header_fields else []
        if not taken.allowed:
            wait = max(
                seconds_to_next(limit, left) for limit, left in zip(limits, taken.tokens, strict=True) if left < 1
            )
            raise refusal(429, "Too many requests were sent.", [("retry-after", str(wait)), *fields])
        response = await next(request)
        add_lines(request, response, fields)  # both fields are lists, so nested limits can add values
        return response

    async def _key(self, limit: RateLimit, request: Request) -> str | None:
        """The key of a request for a limit; None if the limit does not apply.

        The key begins with a word such as "user" or "client", so that a user and an address never have the same key.
        """
        key = limit.key
        if callable(key):
            value = await _text(key, request)
            return None if value is None else f"function {value}"
        user = await _text(self._options.user or user_of, request) if key == "user" else None
        if user is not None:
            return f"user {user}"
        return f"client {client_network(request, self._options.ipv6_prefix)}"


def _description(options: RateLimitOptions) -> MiddlewareDescription:
    """Describe the middleware for the OpenAPI document."""
    fields = dict(_FIELDS) if options.header_fields else {}
    responses = [MiddlewareResponse(429, "Too many requests were sent.", {**fields, **RETRY_AFTER})]
    if options.on_store_failure == "closed":
        responses.append(MiddlewareResponse(503, "The rate of requests cannot be checked at the moment.", RETRY_AFTER))
    return MiddlewareDescription(responses=responses, headers=fields, headers_on_errors=True)


def header_fields(limits: Sequence[RateLimit], taken: Taken) -> list[tuple[str, str]]:
    """`RateLimit-Policy` and `RateLimit`: lists of strings with parameters (RFC 9651).

    `q` is the number of requests allowed at once, and `w` the seconds after which that number is allowed again. `r` is
    the number of requests left, and `t` the seconds until one more is allowed.
    """
    policies, states = [], []
    for limit, left in zip(limits, taken.tokens, strict=True):
        policies.append(f'"{limit.name}";q={limit.capacity};w={max(1, ceil(limit.capacity / limit.rate))}')
        state = f'"{limit.name}";r={max(0, floor(left + 0.001))}'
        states.append(state if left >= limit.capacity else f"{state};t={seconds_to_next(limit, left)}")
    return [("ratelimit-policy", ", ".join(policies)), ("ratelimit", ", ".join(states))]


def seconds_to_next(limit: RateLimit, tokens: float) -> int:
    """The seconds until a bucket that has `tokens` has one more whole token: rounded up, and at least 1."""
    missing = floor(tokens + 0.001) + 1 - tokens
    return max(1, ceil(missing / limit.rate - 0.001))


async def _text(function: RequestFunction, request: Request) -> str | None:
    value = await call_option(function, request)
    if value is not None and not isinstance(value, str):
        raise HandlerError("RW236", f"{named(function)} returned {shown(value)} as a key.")
    return value


def _check_name(owner: object, option: str) -> None:
    name = getattr(owner, option)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong(owner, option, name, "Use letters, digits, `_`, `.` and `-`.")
