"""`CachingLayer`: the decorator and middleware that sends stored responses, and stores new ones.

| what the store has | a GET |
|---|---|
| a fresh response | is sent |
| a stale one, within `stale_while_revalidate` | is sent, and a new one is made after that |
| a stale one, within `stale_if_error` | is sent if the handler fails |
| nothing else | the handler is called, once for all requests that come meanwhile |

A HEAD is sent the stored response of a GET. If there is none, the handler is called, and nothing is stored.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from twisted.logger import Logger

from ropewalk.caching.flights import MOST_FAILURES, Detached, Flight, Outcome
from ropewalk.caching.keys import chosen_query, host_of, labels_of, path_of, tag_label, url_key, variant_of
from ropewalk.caching.recording import drain, recorded
from ropewalk.caching.remembered_urls import RememberedURLs
from ropewalk.caching.request_directives import NO_DIRECTIVES, RequestDirectives, directives_of
from ropewalk.caching.rules import Rules
from ropewalk.caching.serving import age_of, has_conditions, prepared_value, respect_conditions, response_from
from ropewalk.caching.storing import Storable, has_credentials, has_nonce, reads_user, storable, stored_response
from ropewalk.calling import SentResponse, start
from ropewalk.clocks import CURRENT, unix_time
from ropewalk.errors import HandlerError, HTTPError, OptionError, interrupts, named, shown
from ropewalk.middleware.added_fields import add_lines
from ropewalk.middleware.at_once import SHORT_CUT
from ropewalk.middleware.chain import Next
from ropewalk.middleware.describing import MiddlewareDescription, MiddlewareResponse
from ropewalk.middleware.store_options import RETRY_SOON, call_option, refusal
from ropewalk.request import Request, octets, sends_events
from ropewalk.resource import add_middleware
from ropewalk.response import Response
from ropewalk.routing import ROUTED
from ropewalk.stores import Found, MemoryResponses, PreparedValue, StoredResponse, StoreUnavailable
from ropewalk.streaming import close_parts

if TYPE_CHECKING:
    from ropewalk.caching.cache import Cache

log = Logger(namespace="ropewalk.caching")

Function = TypeVar("Function", bound=Callable[..., Any])

_URL = tuple[bytes, str, str]
"""The target, the host and the scheme of a request."""
MOST_PREPARED: Final = 1000
"""How many responses are prepared at a time."""
PASS_TIME: Final = 10.0
"""Seconds for which requests do not wait for each other, after a response that was not stored."""
STORED_TIME: Final = 3600.0
"""Seconds for which requests wait for each other after a response that was stored, if the rule has no time."""
_SAFE: Final = frozenset(("OPTIONS", "TRACE"))
_PARTIAL: Final = ("range", "if-match", "if-unmodified-since")
"""Request fields for which a missing response is not stored, because the handler may send a part of it, or refuse."""
_NOTHING: Final = Found(None, (), -1)
"""What is known while the store cannot be reached."""
DESCRIBED: Final = MiddlewareDescription(
    methods=("GET", "HEAD"),
    headers={"ETag": "The version of the response.", "Age": "Seconds since the response was made, if it was stored."},
    responses=(MiddlewareResponse(304, "The client has this version.", {"ETag": "The version of the response."}),),
)
"""The description of a cache for the OpenAPI document."""
_AT_FIRST: Final[tuple[Any, Any, Any]] = None, None, ()
"""The state of a request before middleware runs, as in `middleware.chain`."""
_OWN: Final = "ropewalk_caching"
"""The attribute of `request.state` with the layers in which the request is."""


class CachingLayer:
    """The object that `cache(...)` returns. It is both a decorator and a middleware."""

    is_middleware = True
    ropewalk_description = DESCRIBED
    ropewalk_per_user = "a cache"
    ropewalk_stores_responses = "a cache"

    def __init__(self, cache: "Cache", rules: Rules) -> None:
        self.cache = cache
        self.rules = rules
        self._passes = RememberedURLs(PASS_TIME)
        """The URLs whose responses could not be stored."""
        self._stored = RememberedURLs(STORED_TIME)
        """The URLs whose responses were stored, if the rule has no time, so that the handler decides."""
        self._memory: MemoryResponses | None = None
        self._prepared: dict[_URL, PreparedValue] = {}
        if type(cache.store) is MemoryResponses:
            self._memory = cache.store
            if rules.vary_by is None and not rules.client_directives:
                setattr(self, SHORT_CUT, self._at_once)

    @overload
    def __call__(self, first: Function, /) -> Function: ...

    @overload
    def __call__(self, first: Request, next: Next, /) -> Awaitable[Response]: ...

    def __call__(self, first: Any, next: Next | None = None, /) -> Any:
        """Decorate a handler, or act as a middleware if called with a request and the next step."""
        return self._decorate(first) if next is None else self._handle(first, next)

    def _decorate(self, function: Function) -> Function:
        given: object = function
        if not callable(given) or not hasattr(getattr(given, "__func__", given), "__dict__"):
            raise OptionError("RW239", f"A cache was used as a decorator of {shown(given)}.", "Decorate a function.")
        if getattr(function, ROUTED, False):
            what = f"{named(function)}: @cache is above the route decorator, where it has no effect."
            raise OptionError("RW239", what, "Put it below the route decorator.")
        return add_middleware(function, self)

    # Sending a stored response without a coroutine

    def _at_once(self, otherwise: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """A function that returns the value to send for a fresh response in memory, or else that of `otherwise`.

        No middleware has run before, so there is neither a session nor a user. The checks are in one function, because
        each call costs as much as several of them.
        """
        prepared, prepare, get_clock, system_time = self._prepared.get, self._prepare, CURRENT.get, time

        def at_once(request: Request) -> Any:
            if request.method != "GET":
                return otherwise(request)
            place = request.target, request.host, request.scheme
            clock = get_clock()
            now = system_time() if clock is None else clock.unix_time()
            found = prepared(place)
            if found is None or not found.since <= now < found.until:
                try:
                    found = prepare(request, place, now)
                except Exception:  # noqa: BLE001 - the middleware raises it again, where it becomes a response
                    found = None
                if found is None:
                    return otherwise(request)
            header = request.header
            if (
                header("if-none-match") is not None
                or header("if-match") is not None
                or (not found.shared and (header("authorization") is not None or header("x-api-key") is not None))
                or (found.has_date and has_conditions(request))
                or request.has_body
            ):
                return otherwise(request)
            return found.value

        return at_once

    def _prepare(self, request: Request, place: _URL, now: float) -> PreparedValue | None:
        """Prepare a stored response for the requests that come until its Age changes."""
        if self._memory is None or request.service.app.developer is not None:
            return None
        stored = self._memory.only_variant(self._url_key(request))
        if stored is None or now >= stored.fresh_until:
            return None
        prepared = prepared_value(stored, now, self.cache.status)
        if prepared is not None:
            if len(self._prepared) >= MOST_PREPARED:
                self._prepared.clear()
            self._prepared[place] = prepared
        return prepared

    def _may_use(self, request: Request) -> bool:
        """Whether a response that was made for a client without credentials may be sent to this one."""
        return not has_credentials(request) and reads_user(request, ("cookie",)) in (None, "provider", "cookies")

    # The middleware

    async def _handle(self, request: Request, next: Next) -> Response:
        method = request.method
        if method not in ("GET", "HEAD"):
            response = await next(request)
            if method not in _SAFE:
                await self.cache.invalidate(request, response)
            return response
        if request.service.app.developer is not None or request.has_body:
            return await next(request)  # under `ropewalk dev`, a stored page would hide an edit
        wanted = directives_of(request) if self.rules.client_directives else NO_DIRECTIVES
        key = await self._key(request)
        memory = self._memory
        found = await self._find(request, key) if memory is None else memory.find_now(key, partial(variant_of, request))
        sent = self._usable(request, next, key, found, wanted)
        if sent is not None:
            return sent
        if wanted.only_if_cached:
            raise HTTPError(504, "The cache has no response to send.")
        layers = getattr(request.state, _OWN, ())
        if self in layers:
            return await next(request)  # this layer is twice around the handler
        setattr(request.state, _OWN, (*layers, self))
        why = self._why(request, found)
        if method == "HEAD" or why == "bypass" or self._is_personal(request, wanted):
            return self._noted(request, await next(request), why)
        return await self._miss(request, next, key, found, wanted)

    async def _miss(self, request: Request, next: Next, key: str, found: Found, wanted: RequestDirectives) -> Response:
        """Make the response, or wait for another request that does."""
        failures = 0
        while True:
            why = self._why(request, found)
            if self._must_pass(request, key, found):
                return await self._alone(request, next, key, found, why)
            place = self._place(request, key, found)
            flight = self.cache.flights.get(place)
            if flight is None or found.since > flight.since:
                return await self._lead(request, next, key, place, found, why)
            if len(flight) >= self.cache.options.most_waiting:
                raise refusal(503, "Too many requests wait for this response.", [RETRY_SOON])
            outcome = await flight.wait()
            if outcome.stored is not None and outcome.variant == variant_of(request, outcome.vary):
                return response_from(request, outcome.stored, unix_time(), self.cache.status, "collapsed")
            if outcome.failed:
                failures += 1
                stale, now = found.response, unix_time()
                if stale is not None and now < stale.error_until:
                    return response_from(request, stale, now, self.cache.status)
                if failures >= MOST_FAILURES:
                    raise refusal(503, "The response could not be made.", [RETRY_SOON])
            elif outcome.stored is None:
                return await self._alone(request, next, key, found, why)
            found = await self._find(request, key)
            sent = self._usable(request, next, key, found, wanted)
            if sent is not None:
                return sent
            # The other variant may not be in the store yet: do not wait for it again.
            found = found._replace(vary=tuple(sorted({*found.vary, *outcome.vary})))

    def _why(self, request: Request, found: Found) -> str:
        """Why the handler is called: a value for `fwd` of Cache-Status."""
        stored = found.response
        if stored is None:
            return "vary-miss" if found.vary else "uri-miss"
        if unix_time() >= stored.fresh_until:
            return "stale"
        return "request" if stored.shared or self._may_use(request) else "bypass"

    def _usable(
        self, request: Request, next: Next, key: str, found: Found, wanted: RequestDirectives
    ) -> Response | None:
        """The response from the store if it may be sent now."""
        stored, now = found.response, unix_time()
        if stored is None:
            return None
        if not stored.shared and not self._may_use(request):
            return None
        if wanted.refuses(age_of(stored, now), stored.fresh_until - now):
            return None
        if now < stored.fresh_until or wanted.accepts_stale(now - stored.fresh_until):
            return response_from(request, stored, now, self.cache.status)
        if now >= stored.revalidate_until:
            return None
        if request.method == "GET" and self._place(request, key, found) not in self.cache.flights:
            try:
                request.after(self._revalidate, request, next, key)
            except HTTPError:
                return None  # too many background tasks wait, so this request makes the response itself
        return response_from(request, stored, now, self.cache.status)

    async def _revalidate(self, request: Request, next: Next, key: str) -> None:
        """Make a new response after a stale one was sent, unless another request does so."""
        found = await self._find(request, key)
        place = self._place(request, key, found)
        is_fresh = found.response is not None and unix_time() < found.response.fresh_until
        if place in self.cache.flights or is_fresh:
            return
        request.settled, request.failed, request.begun = _AT_FIRST
        request.outlives_exchange = True
        try:
            flight = self._begin(request, next, key, place, found)
            outcome = await flight.wait()
            if outcome.response is not None and outcome.reason == "stream":
                await drain(outcome.response.body)  # so that it is stored
            await _close(outcome.response)
            outcome.raise_error()
        finally:
            if request.failed is not None:
                request.forget_failure()
            request.settled = None

    def _is_personal(self, request: Request, wanted: RequestDirectives) -> bool:
        """Whether no other request may use the response, so that none waits for it."""
        if wanted.no_store or any(request.header(name) is not None for name in _PARTIAL):
            return True
        if "text/event-stream" in (request.header("accept") or ""):  # the first event may come late
            return True
        return not self.rules.shared and reads_user(request, ("cookie",)) in ("session", "user")

    def _must_pass(self, request: Request, key: str, found: Found) -> bool:
        """Whether a request must not wait for others, because the response may be for one client."""
        if self.rules.seconds is None and found.response is None and self._pass_key(request, key) not in self._stored:
            return True
        return self._pass_key(request, key) in self._passes

    def _place(self, request: Request, key: str, found: Found) -> tuple[Any, ...]:
        """The place of a flight that a request may join."""
        return self, key, variant_of(request, found.vary), has_credentials(request)

    async def _alone(self, request: Request, next: Next, key: str, found: Found, why: str) -> Response:
        """Call the handler for one request, without others that wait for it, because the last response was not stored.
        This one is stored if it can be."""
        response = await next(request)
        outcome = Outcome()
        outcome.reason = await self._consider(request, response, key, found, outcome)
        if outcome.stored is None:
            return self._noted(request, response, why, f"detail={outcome.reason}")
        self._passes.remove(self._pass_key(request, key))
        if self.rules.seconds is None:
            self._stored.add(self._pass_key(request, key))
        await self._save(key, outcome, found)
        return self._finished(request, response, outcome.stored, why)

    def _pass_key(self, request: Request, key: str) -> tuple[Any, ...]:
        """Clients with credentials or cookies may get other responses, so they have keys of their own."""
        return key, has_credentials(request), request.header("cookie") is not None

    def _finished(self, request: Request, response: Response, made: StoredResponse, why: str) -> Response:
        """The response of the handler, as it was stored."""
        tag = dict(made.fields).get("etag")
        if tag is not None and "etag" not in response.headers:
            add_lines(request, response, (("etag", tag),))
        return respect_conditions(request, self._noted(request, response, why, "stored"))

    async def _lead(
        self, request: Request, next: Next, key: str, place: tuple[Any, ...], found: Found, why: str
    ) -> Response:
        """Make the response for this request and all that come meanwhile."""
        flight = self._begin(request, next, key, place, found)
        try:
            outcome = await flight.wait()
        except BaseException:
            flight.abandoned = request.outlives_exchange = True
            raise
        outcome.raise_error()
        response, stored = outcome.response, found.response
        assert response is not None
        now = unix_time()
        if outcome.failed and stored is not None and now < stored.error_until:
            return response_from(request, stored, now, self.cache.status)
        made = outcome.stored
        if made is None:
            return self._noted(request, response, why, f"detail={outcome.reason}")
        return self._finished(request, response, made, why)

    def _begin(self, request: Request, next: Next, key: str, place: tuple[Any, ...], found: Found) -> Flight:
        flight = self.cache.flights[place] = Flight(found.since)
        flight.begin(self._make(request, next, key, place, found, flight))
        return flight

    async def _make(
        self, request: Request, next: Next, key: str, place: tuple[Any, ...], found: Found, flight: Flight
    ) -> None:
        """Call the handler, end the flight, and store the response."""
        outcome = Outcome()
        flights = self.cache.flights
        try:
            try:
                response = outcome.response = await Detached(next(request))
                outcome.reason = await self._consider(request, response, key, found, outcome)
                outcome.failed = outcome.reason == "error"
            except BaseException as error:  # the request that has begun the flight raises it
                if interrupts(error):
                    raise
                outcome.error, outcome.failed = error, True
            if outcome.stored is None and flights.get(place) is flight:
                del flights[place]
            flight.end(outcome)
            if flight.abandoned:
                await _close(outcome.response)
                if request.failed is not None:
                    request.forget_failure()
            if outcome.stored is not None:
                await self._save(key, outcome, found)
            elif not outcome.failed:
                self._passes.add(self._pass_key(request, key))
        finally:
            if flights.get(place) is flight:
                del flights[place]

    async def _consider(self, request: Request, response: Response, key: str, found: Found, outcome: Outcome) -> str:
        """Set what can be stored of a response. Return why nothing can."""
        about = storable(request, response, self.rules, unix_time())
        if isinstance(about, str):
            return about
        body = response.body
        if isinstance(response, SentResponse):
            return "sent"
        if isinstance(body, bytes | str):
            if len(body) > self.cache.options.body_limit:
                return "size"
            if has_nonce(request, body):
                return "nonce"
            made = stored_response(request, response, body, about, self._labels(request))
            if len(made.body) > self.cache.options.body_limit:
                return "size"
            self._set(request, outcome, made, about, found)
            return ""
        if not hasattr(body, "__next__") and not hasattr(body, "__anext__"):
            return "file"
        if not sends_events(response.headers.lines()):
            end = partial(self._store_stream, request, response, about, key, found)
            response.body = recorded(body, self.cache.options.body_limit, end)
        return "stream"

    def _set(self, request: Request, outcome: Outcome, made: StoredResponse, about: Storable, found: Found) -> None:
        outcome.stored = made
        outcome.vary = tuple(sorted({*found.vary, *about.vary}))
        outcome.variant = variant_of(request, outcome.vary)

    def _store_stream(
        self, request: Request, response: Response, about: Storable, key: str, found: Found, parts: list[Any]
    ) -> None:
        """Store a stream after its last part."""
        body: Any = parts[0] if parts else b""
        if len(parts) > 1:
            is_text = all(isinstance(each, str) for each in parts)
            body = "".join(parts) if is_text else b"".join(map(octets, parts))
        if has_nonce(request, body):
            return
        fields = about.fields
        kind = response.headers.content_type()
        if kind is not None and "content-type" not in dict(fields):
            about = about._replace(fields=(*fields, ("content-type", kind)))
        outcome = Outcome()
        made = stored_response(request, response, body, about, self._labels(request))
        self._set(request, outcome, made, about, found)
        start(self._save(key, outcome, found)).addErrback(lambda _: None)

    async def _save(self, key: str, outcome: Outcome, found: Found) -> None:
        if found.since < 0:
            return
        assert outcome.stored is not None
        try:
            await self.cache.store.save(key, outcome.vary, outcome.variant, outcome.stored, found.since)
        except StoreUnavailable:
            return  # the store has logged it
        except Exception as error:  # noqa: BLE001 - the response was made, so the client must get it
            log.error("RW234 A response was not stored: {error}", error=error)

    # Helpers

    async def _find(self, request: Request, key: str) -> Found:
        try:
            return await self.cache.store.find(key, partial(variant_of, request))
        except StoreUnavailable:
            return _NOTHING  # the store has logged it, and the handler responds

    def _url_key(self, request: Request) -> str:
        rules = self.rules
        query = request.query_string
        if rules.query is None and not rules.without_query:
            chosen = query.decode("latin-1")
        else:
            chosen = chosen_query(query, rules.query, rules.without_query)  # type: ignore[arg-type] # tuples
        return url_key(request.scheme, host_of(request), path_of(request.raw_path), chosen)

    async def _key(self, request: Request) -> str:
        key = self._url_key(request)
        vary_by = self.rules.vary_by
        if vary_by is None:
            return key
        value = await call_option(vary_by, request)
        if not isinstance(value, str):
            raise HandlerError("RW236", f"{named(vary_by)} returned {shown(value)} to distinguish responses.")
        return f"{key}\n{value}"

    def _labels(self, request: Request) -> tuple[str, ...]:
        tags = self.rules.tags
        given: Any = tags(request) if callable(tags) else tags
        is_list = isinstance(given, Iterable) and not isinstance(given, str | bytes)
        found: list[Any] = list(given) if is_list else [None]
        if not all(isinstance(each, str) for each in found):
            raise HandlerError("RW236", f"{named(tags)} returned {shown(given)} as the tags of a response.")
        return (*labels_of(host_of(request), path_of(request.raw_path)), *map(tag_label, found))

    def _noted(self, request: Request, response: Response, why: str, *details: str) -> Response:
        """Add Cache-Status to a response of the handler."""
        lines = self.cache.status.forwarded(why, *details)
        if lines and not isinstance(response, SentResponse):
            add_lines(request, response, lines)
        return response


async def _close(response: Response | None) -> None:
    """Close the body of a response that is not sent."""
    if response is not None and not isinstance(response.body, bytes | str):
        await close_parts(response.body)
