"""`Cache`: the responses that a program keeps, and how it drops them."""

from collections.abc import Iterable
from typing import Any, Final, Unpack

from twisted.logger import Logger

from ropewalk.caching.flights import Flight
from ropewalk.caching.keys import EVERYTHING, host_of, label_of_target, label_of_url, path_of, tag_label, url_label
from ropewalk.caching.layer import CachingLayer
from ropewalk.caching.options import CacheOptions
from ropewalk.caching.rules import CacheRules, Rules
from ropewalk.caching.status import CacheStatus
from ropewalk.errors import OptionError, named, shown, unknown_option
from ropewalk.middleware.chain import Next
from ropewalk.middleware.options import check_kind
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.stores import MemoryResponses, ResponseStore, StoreUnavailable

log = Logger(namespace="ropewalk.caching")

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class Cache:
    """The responses that a program keeps, so that it need not make them for each request.

        cache = Cache()

        @app.get("/rooms")
        @cache(60, tags=["rooms"])
        def rooms(): ...

        await cache.purge(tags=["rooms"])

    A cache follows RFC 9111, as a shared cache does. Several handlers and apps may share one.
    """

    def __init__(self, options: CacheOptions = CacheOptions()) -> None:  # noqa: B008 - frozen
        check_kind(options, CacheOptions)
        self.options = options
        self.store: ResponseStore = MemoryResponses() if options.store is None else options.store
        """Where the responses are kept."""
        self.status = CacheStatus(options.name)
        self.flights: dict[tuple[Any, ...], Flight] = {}
        """The responses that are being made, by layer, key and variant."""

    def __call__(self, seconds: float | None = None, /, **rules: Unpack[CacheRules]) -> CachingLayer:
        """Cache the responses of a handler: `@cache(60)` below the route decorator. The same object is a middleware for
        a route, a mount or an App: `App(middleware=[cache(60)])`.

        `seconds` is how long a response is fresh that has neither `max-age`, `s-maxage` nor Expires. None: only
        responses with a time of their own are stored. `rules` are those of `CacheRules`. Raises HandlerError: RW230 or
        RW231 for a wrong rule, RW239 if the decorator has no effect where it stands.
        """
        given: object = seconds
        if callable(given):
            what = f"The cache was used as a decorator of {named(given)} without a time."
            raise OptionError("RW239", what, "Write `@cache(60)`.")
        for name in rules:
            if name not in CacheRules.__optional_keys__:
                raise unknown_option("cache", name, CacheRules.__optional_keys__)
        return CachingLayer(self, Rules(seconds=seconds, **rules))

    async def purge(self, *, tags: Iterable[str] = (), urls: Iterable[str] = (), everything: bool = False) -> None:
        """Drop responses: those with one of these tags, those of these URLs, or all.

        A path such as "/rooms" stands for this path on every host; "https://example.com/rooms" for one host. Both stand
        for all queries. A response that is being made at the moment is not stored. Raises HandlerError (RW230) for
        something else than tags or URLs, and StoreUnavailable if the store cannot be reached.
        """
        labels = [tag_label(tag) for tag in _texts("tags", tags)]
        for url in _texts("urls", urls):
            label = label_of_url(url)
            if label is None:
                remedy = 'Give a path such as "/rooms", or a URL such as "https://example.com/rooms".'
                raise OptionError("RW230", f"purge got the URL {shown(url)}.", remedy)
            labels.append(label)
        if everything:
            labels.append(EVERYTHING)
        if not labels:
            raise OptionError("RW230", "purge was called with nothing to drop.", "Give tags, urls, or everything=True.")
        await self.store.purge(labels)

    async def invalidation(self, request: Request, next: Next) -> Response:
        """A middleware that only drops responses: after a successful POST, PUT, PATCH or DELETE, those of its URL (RFC
        9111, section 4.4). Put it around handlers that are outside of the cached ones:
        `App(middleware=[cache.invalidation])`."""
        response = await next(request)
        if request.method not in _SAFE:
            await self.invalidate(request, response)
        return response

    async def invalidate(self, request: Request, response: Response) -> None:
        """Drop the responses of a URL that a request has changed, and of the URLs in Location and Content-Location."""
        if not 200 <= response.status < 400:
            return
        labels = {url_label(host_of(request), path_of(request.raw_path))}
        for name in ("location", "content-location"):
            for target in response.headers.all(name):
                label = label_of_target(request, target)
                if label is not None:
                    labels.add(label)
        try:
            await self.store.purge(sorted(labels))
        except StoreUnavailable as error:
            log.error("RW234 Cached responses of a changed URL were not dropped: {error}", error=error)


def _texts(name: str, given: Any) -> list[str]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise OptionError("RW230", f"purge got {name}={shown(given)}.", f"Write a list: {name}=[{shown(given)}].")
    found = list(given)
    for each in found:
        if not isinstance(each, str):
            raise OptionError("RW230", f"purge got {shown(each)} in {name}.", "Give each item as a str.")
    return found
