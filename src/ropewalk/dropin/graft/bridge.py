"""Where a tree of ours is grafted upon one of twisted.web's, for one request."""

from collections.abc import Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from twisted.web.http import RESPONSES

from ropewalk import calling
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.graft.request import GraftedRequest
from ropewalk.errors import HTTPError, interrupts
from ropewalk.request import Endpoint

if TYPE_CHECKING:
    from ropewalk._engine import Engine
    from ropewalk.dropin.graft.grafting import GraftedApp

_LEFT_BEHIND: Final = {
    *(b"connection", b"date", b"server", b"transfer-encoding"),
    *(b"content-encoding", b"content-length", b"content-range", b"content-type"),
}
"""Fields that twisted.web sets by itself, and those that tell of a body, which is the app's."""


class AppBridge:
    """A request of twisted.web's, and the exchange below it, by which the app answers.

    To the app it is the service of the exchange. To the request it is the producer of the body, to be told when the
    transport is full; and in twisted.web's books the request is finished when the exchange is.
    """

    __slots__ = ("app", "drive", "endpoint", "engine", "exchange", "paused", "request", "shortages", "stopping")

    deliver = staticmethod(calling.deliver)
    fail = staticmethod(calling.fail)

    endpoint: Endpoint

    def __init__(self, tree: "GraftedApp", request: Any, exchange: RelayedExchange) -> None:
        self.app = tree.app
        self.drive = tree.coroutines.drive
        self.engine: Engine = exchange.service.engine
        self.paused = False
        """The transport is full."""
        self.request = request
        self.shortages = tree.shortages
        self.stopping = tree.stopping
        self.exchange = GraftedRequest.of(exchange, self)

    @property
    def prefix(self) -> str:
        """The path of the app's root."""
        return "".join(f"/{quote(segment, safe=_UNQUOTED)}" for segment in self.request.prepath)

    def serve(self) -> None:
        """Have the app answer."""
        exchange = self.exchange
        if exchange.gone:
            return
        self.request.registerProducer(self, True)
        try:
            endpoint = self._find()
            value = copy_context().run(endpoint.call, exchange, **(exchange.params if endpoint.pass_params else {}))
        except BaseException as error:  # whatever a handler raises is an answer
            if interrupts(error):
                raise
            self.fail(exchange, error)
            return
        self.deliver(exchange, value)

    def carried(self) -> Iterator[tuple[bytes, bytes]]:
        """The fields that were set on twisted.web's request: by resources on the way, or for a session."""
        request = self.request
        for name, values in request.responseHeaders.getAllRawHeaders():
            lower = name.lower()
            if lower not in _LEFT_BEHIND:
                for value in values:
                    yield lower, value
        for cookie in request.cookies:
            yield b"set-cookie", cookie

    def done(self) -> None:
        """The answer is complete: finish the request, of which nothing is written."""
        request, exchange = self.request, self.exchange
        request.unregisterProducer()
        request.code = exchange.status
        request.code_message = RESPONSES.get(request.code, b"")
        request.sentLength = 0 if request.method == b"HEAD" else exchange.bytes_sent
        request.startedWriting = 1
        request._encoder = None  # noqa: SLF001 - one that has nothing to encode
        request.finish()

    # IPushProducer

    def pauseProducing(self) -> None:
        """The transport is full."""
        self.paused = True
        self.exchange.has_no_room()

    def resumeProducing(self) -> None:
        """It has room."""
        if self.paused:
            self.paused = False
            self.exchange.has_room()

    def stopProducing(self) -> None:
        """It is gone. The exchange is told by itself."""

    def _find(self) -> Endpoint:
        request, exchange = self.request, self.exchange
        try:
            above = [segment.decode() for segment in request.prepath]
            below = [segment.decode() for segment in request.postpath]
        except UnicodeDecodeError:
            self.endpoint = self.app.refuse(HTTPError(400, "The path is not UTF-8."))
            return self.endpoint
        exchange.set_paths(above + below, [])
        self.endpoint = endpoint = self.app.resolve_below(exchange, above + below, len(above))
        if endpoint.whole_body:
            exchange.check_size(endpoint.body_limit)
        return endpoint


_UNQUOTED: Final = "!$&'()*+,;=:@~"
