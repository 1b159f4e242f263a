"""The directives of a client in Cache-Control (RFC 9111, section 5.2.1)."""

from dataclasses import dataclass
from typing import Final

from ropewalk.caching.directives import LONGEST, parse_directives, seconds_of
from ropewalk.request import Request


@dataclass(frozen=True, slots=True)
class RequestDirectives:
    """What a client accepts from the cache."""

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    min_fresh: int = 0
    max_stale: int | None = None

    def refuses(self, age: int, ttl: float) -> bool:
        """Whether the client does not accept a response of this age, which is fresh for `ttl` more seconds."""
        if self.no_cache or (self.max_age is not None and age > self.max_age):
            return True
        return bool(self.min_fresh) and ttl < self.min_fresh

    def accepts_stale(self, seconds: float) -> bool:
        """Whether the client accepts a response that has been stale for some seconds."""
        return self.max_stale is not None and seconds <= self.max_stale


NO_DIRECTIVES: Final = RequestDirectives()


def directives_of(request: Request) -> RequestDirectives:
    """The directives of a request. Pragma counts if there is no Cache-Control (RFC 9111, section 5.4)."""
    lines = request.headers.all("cache-control")
    if not lines:
        pragma = parse_directives(request.headers.all("pragma"))
        return RequestDirectives(no_cache=True) if "no-cache" in pragma else NO_DIRECTIVES
    found = parse_directives(lines)
    max_stale = LONGEST if found.get("max-stale") == "" else seconds_of(found, "max-stale")
    return RequestDirectives(
        no_cache="no-cache" in found,
        no_store="no-store" in found,
        only_if_cached="only-if-cached" in found,
        max_age=seconds_of(found, "max-age"),
        min_fresh=seconds_of(found, "min-fresh") or 0,
        max_stale=max_stale,
    )
