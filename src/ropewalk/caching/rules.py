"""`CacheRules`: what a cache does with the responses of a handler, or of everything inside a middleware."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, TypedDict

from ropewalk.errors import KnownOptions, is_int
from ropewalk.middleware.options import (
    check_function,
    check_seconds,
    check_switches,
    check_takes_request,
    strings,
    unsafe,
    wrong,
)
from ropewalk.middleware.store_options import RequestFunction
from ropewalk.request import Request

Tags = Iterable[str] | Callable[[Request], Iterable[str]]

STATUSES: Final = frozenset((200, 203, 204, 300, 301, 308, 404, 410))
"""Statuses whose responses are stored for the time of the rule (RFC 9110, section 15.1)."""
UNSTORABLE: Final = frozenset((206, 304, 401, 407, 408, 409, 412, 416, 417, 421, 425, 426, 428, 429, 431))
"""Statuses below 500 whose responses concern one request or one client only."""


class CacheRules(TypedDict, total=False):
    """The options of `cache(seconds, ...)`. All are optional."""

    tags: Tags
    """Tags by which `Cache.purge` finds the responses: a list, or a plain function `(request)` that returns a list. The
    function is called after the handler."""
    vary_by: RequestFunction | None
    """A function `(request)`, plain or async, that returns a str. Requests with different results have different
    responses, even if their URL is the same."""
    query: Iterable[str] | None
    """The names of the query parameters that distinguish responses, in any order; others are ignored. None: the whole
    query distinguishes them, as it is written."""
    without_query: Iterable[str]
    """The names of query parameters that do not distinguish responses, such as "utm_source"."""
    stale_while_revalidate: float
    """Seconds for which a stale response is sent at once, while a new one is made (RFC 5861, section 3)."""
    stale_if_error: float
    """Seconds for which a stale response is sent if the handler fails (RFC 5861, section 4)."""
    statuses: Collection[int]
    """The statuses whose responses are stored without a time of their own."""
    shared: bool
    """Whether the responses are the same for all users, or `vary_by` distinguishes the users. Without it, nothing is
    stored if the request has credentials, or if code has read the session, the cookies or the user."""
    client_directives: bool
    """Whether the Cache-Control of requests is obeyed. Each client can then make the handler run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(KnownOptions):
    """The checked rules. Their meaning is that in `CacheRules`. Raises HandlerError (RW230, RW231)."""

    seconds: float | None = None
    """How long a response without a time of its own is fresh. None: it is not stored."""
    tags: Tags = ()
    vary_by: RequestFunction | None = None
    query: Iterable[str] | None = None
    without_query: Iterable[str] = ()
    stale_while_revalidate: float = 0
    stale_if_error: float = 0
    statuses: Collection[int] = STATUSES
    shared: bool = False
    client_directives: bool = False

    def __post_init__(self) -> None:
        if self.seconds is not None:
            check_seconds(self, "seconds")
        if callable(self.tags):
            check_takes_request(self, "tags")
        else:
            strings(self, "tags")
        check_function(self, "vary_by")
        if self.query is not None:
            strings(self, "query")
        if strings(self, "without_query") and self.query is not None:
            raise unsafe(self, "both query and without_query are given.", "Give one of them.")
        for name in ("stale_while_revalidate", "stale_if_error"):
            if getattr(self, name) != 0 or isinstance(getattr(self, name), bool):
                check_seconds(self, name)
        check_switches(self, "shared", "client_directives")
        given: object = self.statuses
        if isinstance(given, str | bytes) or not isinstance(given, Collection):
            raise wrong(self, "statuses", given, "Write a list: statuses=[200, 404].")
        for status in given:
            if not is_int(status) or not 200 <= status < 500 or status in UNSTORABLE:
                raise wrong(self, "statuses", status, "Give statuses such as 200, 301 or 404.")
