"""`Service`: the methods that the engine calls to serve an app."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from ropewalk import calling
from ropewalk._engine import Engine, Limits
from ropewalk.app import App
from ropewalk.compression import compression_of, set_compression
from ropewalk.errors import CATALOGUE, StartError
from ropewalk.json_values import EncodedJSON
from ropewalk.logs import LogOptions, Redaction, log_value, set_current_request, tracks_requests
from ropewalk.proxies import TrustedProxies
from ropewalk.request import EngineHandler, Request
from ropewalk.resource import node_of
from ropewalk.response import Response, encode_json
from ropewalk.server.access_log_format import set_access_log
from ropewalk.server.access_log_writer import AccessLog
from ropewalk.server.watchdog import Watchdog
from ropewalk.waiting import Moment

FLUSH_INTERVAL: Final = 1.0
"""Seconds between two transfers of the access log's lines from the engine to the writer."""

log = Logger(namespace="ropewalk.engine")

LEVELS: Final = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "error": LogLevel.error,
}


class Cancellable(Protocol):
    """A scheduled call that can be cancelled."""

    def cancel(self) -> None: ...


class Service:
    """Serves an app with an engine. `call_later(seconds, function)` is a method of the reactor or event loop.

    Raises StartError (RW404) if a mounted app trusts proxies and the served app trusts none.
    """

    request: type[Request] = Request
    encode_json = staticmethod(encode_json)
    json_types: tuple[type, ...] = (msgspec.Struct, EncodedJSON)
    response = Response
    send_value = staticmethod(calling.send_value)
    fail = staticmethod(calling.fail)

    def __init__(
        self,
        app: App,
        call_later: Callable[..., Cancellable],
        limits: Limits | None = None,
        proxies: TrustedProxies | None = None,
    ) -> None:
        self.app = app
        self.proxies = proxies or app.proxies
        if self.proxies is None:
            _check_mounted(app)
        self.coroutines = calling.CoroutineRunner()
        self.drive: Callable[..., object] = self.coroutines
        self.shortages = calling.ShortageLog()
        self.stopping = Moment()
        """Fires when the server begins to stop."""
        self.access_log: AccessLog | None = None
        self.watchdog: Watchdog | None = None
        """The watchdog of the reactor; None without one. A block that it has reported is not logged again by other
        code."""
        self.access_fields: tuple[str, ...] = ()
        """The fields of the access log that handlers and middleware set."""
        self.redaction = Redaction()
        """The names of secrets, which no log line shows."""
        self._call_later = call_later
        self._timer: Cancellable | None = None
        self._flusher: Cancellable | None = None
        self._flush_interval = FLUSH_INTERVAL
        self._closed = False
        self._draining: Deferred[int] | None = None
        self.engine = Engine(self, limits or app.limits)
        self.engine.set_debug(app.debug)
        set_compression(self.engine, compression_of(app.compression))
        if self.proxies is not None:
            self.engine.trust_proxies(
                list(self.proxies.addresses),
                headers=self.proxies.headers,
                host=self.proxies.host,
                protocol=self.proxies.proxy_protocol,
            )
        if tracks_requests():
            self.engine.note_requests(set_current_request)
        app.watch(self)
        self._admit_methods()

    def drain(self, seconds: float | None = None) -> "Deferred[int]":
        """Stop accepting and let running exchanges finish.

        Return a Deferred that fires with the number of exchanges that were cut off at the deadline.
        """
        draining: Deferred[int] = Deferred()
        self._draining = draining
        self.engine.drain(seconds)
        return draining

    def close(self) -> None:
        """Abort every connection and cancel the timers."""
        self.engine.close()
        self._closed = True
        self._disarm()
        if self._flusher is not None:
            self._flusher.cancel()
            self.access_log_ready()
        if self.access_log is not None:
            self.access_log.finish()  # unlike `close`, it does not block until the thread ends
            self.access_log = None

    def log_access(
        self,
        style: str,
        access_log: AccessLog,
        options: LogOptions = LogOptions(),  # noqa: B008 - frozen
        *,
        interval: float = FLUSH_INTERVAL,
    ) -> None:
        """Write to the access log a line in the style "combined", "timed" or "json" for every response, within about
        `interval` seconds. A template or fields in the options replace the style.

        The caller must close `access_log` after it has closed the service. Raises StartError (RW331) for a wrong
        template or wrong fields.
        """
        self.access_log = access_log
        access_log.on_lost = self.engine.count_lost_log_lines
        self.redaction = Redaction(options.redact)
        self.access_fields = set_access_log(self.engine, style, options)
        if "route" in self.access_fields:
            self.engine.note_requests(_note_with_route)
        self._flush_interval = interval
        self._flusher = self._call_later(interval, self._flush)

    # The following method is called by the resource tree.

    def changed(self, seen: set[int]) -> None:
        """Have the engine find the handler of every path again, because the resource tree has changed."""
        del seen
        self.engine.forget_handlers()
        self._admit_methods()

    # The following methods are called by the engine.

    def resolve(self, request: Request, /) -> EngineHandler:
        return self.app.resolve(request)

    def arm(self, seconds: float, /) -> None:
        self._disarm()
        if not self._closed:
            self._timer = self._call_later(seconds, self._tick)

    def drained(self, cut: int, /) -> None:
        draining, self._draining = self._draining, None
        if draining is not None:
            draining.callback(cut)

    def report(self, level: str, code: str, message: str, /) -> None:
        if code == "RW306" and (
            (self.watchdog is not None and self.watchdog.has_reported) or calling.has_just_continued()
        ):
            return
        if code == "RW306":  # the engine's message has no remedy
            message = f"{message} {CATALOGUE[code].remedy}"
        log.emit(LEVELS[level], "{code} {message}", code=code, message=message)

    def access_log_ready(self) -> None:
        if self.access_log is not None:
            self.access_log.write(self.engine.take_access_log())

    def _admit_methods(self) -> None:
        """Have the engine accept non-standard methods if a resource in the tree may serve one."""
        if node_of(self.app.resource).extra:
            self.engine.allow_unregistered_methods()

    def _flush(self) -> None:
        self.access_log_ready()
        self._flusher = self._call_later(self._flush_interval, self._flush)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self.engine.tick()


def _note_with_route(request: Request) -> None:
    """Set the current request, and the route in its line of the access log."""
    set_current_request(request)
    request.set_log_field("route", log_value(request.route))


def _check_mounted(app: App) -> None:
    """Raises StartError (RW404) if a mounted app trusts proxies, because only the proxies of the served app are used,
    and that app trusts none."""
    if any(mounted.proxies is not None for mounted in app.family()):
        raise StartError("RW404", "An app that trusts proxies is mounted in one that trusts none.")
