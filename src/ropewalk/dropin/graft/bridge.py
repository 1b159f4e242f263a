"""Connects a twisted.web request with the grafted app that responds to it."""

from collections.abc import Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from twisted.web.http import RESPONSES

from ropewalk import calling
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.graft.request import GraftedRequest
from ropewalk.errors import HTTPError, interrupts
from ropewalk.request import EngineHandler

if TYPE_CHECKING:
    from ropewalk._engine import Engine
    from ropewalk.dropin.graft.grafting import GraftedApp

_NOT_CARRIED: Final = {
    *(b"connection", b"date", b"server", b"transfer-encoding"),
    *(b"content-encoding", b"content-length", b"content-range", b"content-type"),
}
"""Fields that the app's response does not take from the twisted.web request.

twisted.web sets some of them itself. The others describe a body, and the app sends the body."""


class AppBridge:
    """Connects a twisted.web request with the exchange that the app uses to respond.

    For the app, the bridge is the service of the exchange. For the request, it is the producer of the body, which is
    paused when the transport is full. It finishes the request when the exchange is finished.
    """

    __slots__ = ("app", "drive", "engine", "engine_handler", "exchange", "paused", "request", "shortages", "stopping")

    send_value = staticmethod(calling.send_value)
    fail = staticmethod(calling.fail)

    engine_handler: EngineHandler

    def __init__(self, tree: "GraftedApp", request: Any, exchange: RelayedExchange) -> None:
        self.app = tree.app
        self.drive = tree.coroutines
        self.engine: Engine = exchange.service.engine
        self.paused = False
        """Whether the transport is full."""
        self.request = request
        self.shortages = tree.shortages
        self.stopping = tree.stopping
        self.exchange = GraftedRequest.of(exchange, self)

    @property
    def prefix(self) -> str:
        """The path at which the app is grafted, percent-encoded."""
        return "".join(f"/{quote(segment, safe=_UNQUOTED)}" for segment in self.request.prepath)

    @property
    def route(self) -> str | None:
        """The pattern of the route that matched, with the path at which the app is grafted. None if none matched."""
        above, below = self._segments()
        pattern = self.app.route_of(self.exchange, above + below, len(above))
        return None if pattern is None else self.prefix + pattern

    def url_for(self, name: str, params: dict[str, Any]) -> str:
        """The path of a named route, below the path of the app in the program's tree."""
        above, below = self._segments()
        return self.app.url_for_request(self.exchange, name, params, above + below, len(above))

    def serve(self) -> None:
        """Let the app respond to the request."""
        exchange = self.exchange
        if exchange.gone:
            return
        self.request.registerProducer(self, True)
        try:
            handler = self._find()
            value = copy_context().run(handler.call, exchange, **(exchange.params if handler.pass_params else {}))
        except BaseException as error:  # the app makes a response for every exception
            if interrupts(error):
                raise
            self.fail(exchange, error)
            return
        self.send_value(exchange, value)

    def carried_fields(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the header fields that resources above the app, or a session, have set on the twisted.web request."""
        request = self.request
        for name, values in request.responseHeaders.getAllRawHeaders():
            lower = name.lower()
            if lower not in _NOT_CARRIED:
                for value in values:
                    yield lower, value
        for cookie in request.cookies:
            yield b"set-cookie", cookie

    def done(self) -> None:
        """Finish the twisted.web request without writing anything, because the exchange has sent the whole response."""
        request, exchange = self.request, self.exchange
        request.unregisterProducer()
        request.code = exchange.status
        request.code_message = RESPONSES.get(request.code, b"")
        request.sentLength = 0 if request.method == b"HEAD" else exchange.bytes_sent
        request.startedWriting = 1
        request._encoder = None  # noqa: SLF001 - otherwise `finish` writes the encoder's end
        request.finish()

    # IPushProducer

    def pauseProducing(self) -> None:
        """Pause the body, because the transport is full."""
        self.paused = True
        self.exchange.transport_is_full()

    def resumeProducing(self) -> None:
        """Resume the body, because the transport has room again."""
        if self.paused:
            self.paused = False
            self.exchange.transport_has_room()

    def stopProducing(self) -> None:
        """Do nothing, because the engine itself notifies the exchange when the connection ends."""

    def _segments(self) -> tuple[list[str], list[str]]:
        """The path segments above the app, and the segments below it.

        Raises UnicodeDecodeError if a segment is not UTF-8.
        """
        request = self.request
        return [segment.decode() for segment in request.prepath], [segment.decode() for segment in request.postpath]

    def _find(self) -> EngineHandler:
        exchange = self.exchange
        try:
            above, below = self._segments()
        except UnicodeDecodeError:
            self.engine_handler = self.app.refuse(HTTPError(400, "The path is not UTF-8."))
            return self.engine_handler
        exchange.set_paths(above + below, [])
        self.engine_handler = handler = self.app.resolve_below(exchange, above + below, len(above))
        if handler.whole_body:
            exchange.check_size(handler.body_limit)
        return handler


_UNQUOTED: Final = "!$&'()*+,;=:@~"
