"""The channel of a request to a mounted twisted.web resource.

The response that the program writes becomes a `Response` object, so that the app's middleware can change it:

| when the program has returned | the handler returns |
|---|---|
| the response is complete | a Response with the whole body |
| the head is written, and the program continues | a Response whose body is a `BodyQueue` |
| no head is written | an awaitable for one of these Responses, which fires one iteration after the head |
| another protocol has the connection | NOT_DONE_YET |

The engine frames the body. If the program fails, the app makes the response.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES
from twisted.web.http_headers import Headers as TwistedHeaders

from ropewalk.dropin.connection.connection_lost import end_connection, reason_for
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.twisted_attributes import ChannelAttributes
from ropewalk.dropin.connection.upgrade import switch_head
from ropewalk.dropin.mount.body_queue import BodyQueue
from ropewalk.dropin.mount.connection import MountedConnection
from ropewalk.dropin.mount.request import MountedRequest
from ropewalk.dropin.request.headers import ReceivedHeaders, headers_of
from ropewalk.dropin.request.lazy_attribute import Lazy
from ropewalk.errors import BadBody, BeyondLength, RopewalkError
from ropewalk.headers import Headers
from ropewalk.request import BODILESS, Request
from ropewalk.resource import NOT_DONE_YET
from ropewalk.response import ExactResponse
from ropewalk.server.addresses import to_twisted_address
from ropewalk.waiting import Waiter, call_soon

log = Logger(namespace="ropewalk.dropin")


class MountedChannel(ChannelAttributes):
    """A channel for one request that an app has received. It has the interface of `dropin.HTTPChannel`."""

    takes_whole_responses = True
    factory = None

    _request: Any

    def __init__(self, exchange: Request, root: Any, site: Any) -> None:
        self.exchange = exchange
        self.root = root
        """The mounted resource."""
        self.site = site
        self._body = BodyQueue()
        self._done = False
        """Whether the program has finished the request, or was notified that its connection is lost."""
        self._head: tuple[int, bytes, dict[bytes, list[bytes]]] | None = None
        self._in_program = False
        """Whether the program is being called with the request."""
        self._later: Waiter[Any] | None = None
        """The awaitable that the handler has returned, because the program returned before there was an outcome."""
        self._left: int | None = None
        """The number of body bytes still to come according to the Content-Length; None without a Content-Length."""
        self._outcome: Any = None
        """The value that the handler returns, or the exception that it raises."""
        self._raw = False
        """Whether another protocol has the connection."""
        self._has_outcome = False
        """Whether `_outcome` is set."""

    def serve(self) -> Any:
        """Pass the request to the program. Returns the handler's value, or raises the program's exception."""
        self._in_program = True
        self._give_request()
        self._in_program = False
        if isinstance(self._body.producer, PullAdapter):
            self._body.producer.startStreaming()
        self._begin()
        if not self._done and not self._raw:
            self.exchange.notifyFinish().addCallbacks(self._responded, self._lost)
        if not self._has_outcome:
            self._later = Waiter()
            return self._later
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    @Lazy
    def transport(self) -> Any:
        return MountedConnection(self.exchange, self._give_away).transport(self)

    def getPeer(self) -> Any:
        """Return the address of the client."""
        return to_twisted_address(self.exchange.client)

    def getHost(self) -> Any:
        """Return the address of the server."""
        return to_twisted_address(self.exchange.server)

    def isSecure(self) -> bool:
        """Whether the client uses TLS, even if a trusted proxy terminates it."""
        return self.exchange.isSecure()

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        """Take a whole response from the program."""
        del request
        self._head = code, reason, headers
        self._left = _content_length(headers)
        self.write(body)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Take the head of a response from the program."""
        del version
        if not isinstance(headers, TwistedHeaders):
            headers = headers_of(headers)
        lines = dict(headers.getAllRawHeaders())
        if code == b"101":
            self.transport.write(switch_head(b"HTTP/1.1", reason, lines.items()))
            return
        lines.pop(b"Transfer-Encoding", None)
        self._request.chunked = 0
        self._head = int(code), reason, lines
        self._left = _content_length(lines)
        if self._later is not None:
            call_soon(self._begin)

    def write(self, data: bytes) -> None:
        """Take a part of the body. Before a head, take raw bytes for the connection."""
        if self._head is None:
            self.transport.write(data)
        elif self._left is None or len(data) <= self._left:
            if self._left is not None:
                self._left -= len(data)
            self._body.put(bytes(data))
        elif not self._done and not self._body.over:
            self._put_up_to_length(bytes(data), self._left)

    def _put_up_to_length(self, data: bytes, left: int) -> None:
        """Cut off a body at its Content-Length, as `HTTPChannel` does."""
        error = BeyondLength(f"{len(data) - left} more bytes were written than announced.")
        log.failure("{channel} drops the bytes beyond the Content-Length.", Failure(error), channel=self)
        self._left = 0
        if left:
            self._body.put(data[:left])
        self._body.end()

    def writeSequence(self, iovec: Any) -> None:
        """Take several parts of the body at once."""
        self.write(b"".join(iovec))

    def requestDone(self, request: Any) -> None:
        """Note that the response is complete."""
        del request
        self._release_request()
        self._body.end()
        if self._raw:
            if self.transport.protocol is self:
                self.transport.loseConnection()
        elif self._head is not None:
            self._respond(self._body.take)
        elif not self._has_outcome:
            self.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register the producer of the body. Raises RuntimeError if one is registered already."""
        if self._body.producer is not None:
            raise RuntimeError(f"{producer!r} cannot be registered: {self._body.producer!r} is registered already.")
        if self._done:
            producer.stopProducing()
        elif streaming:
            self._body.producer = producer
        else:
            self._body.producer = adapter = PullAdapter(producer, self)
            if not self._in_program:
                call_soon(adapter.startStreaming)

    def unregisterProducer(self) -> None:
        """Unregister the producer, because it has written everything."""
        producer, self._body.producer = self._body.producer, None
        if isinstance(producer, PullAdapter):
            producer.stopStreaming()

    def loseConnection(self) -> None:
        """Call `abortConnection`. The response is incomplete, so its queued bytes need not be sent first."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """Close the connection now."""
        self.exchange.abort()

    forceAbortClient = abortConnection

    def failed(self, reason: Failure) -> None:
        """Handle a failure of the program: the app responds, or cuts off a response that has begun."""
        error: Any = reason.value
        self._done = True
        if self._has_outcome:
            self.exchange.service.fail(self.exchange, error)
        else:
            self._give_outcome(error)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._release_request()
        self._give_outcome(BadBody("The form is malformed."))

    @property
    def _networkProducer(self) -> Any:
        return self.transport

    def _protocolUpgradeForWebsockets(self, protocol: Any) -> None:
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    def later(self, call: Callable[[], None]) -> None:
        """Call a function in the reactor's next iteration."""
        call_soon(call)

    def _give_away(self) -> bool:
        """Let another protocol have the connection. Returns False if the response has already begun."""
        if self._has_outcome:
            return False
        self._raw = True
        self._give_outcome(NOT_DONE_YET)
        return True

    def _give_request(self) -> None:
        exchange = self.exchange
        self.transport = None  # set because `Request.__init__` reads it, which would create a transport
        request = self._request = MountedRequest(self)
        del self.transport, request.transport
        command, target, version, _, length = exchange.start_and_framing
        request.requestHeaders = ReceivedHeaders(exchange)
        request.parseCookies()
        request.gotLength(length)
        request.requestReceived(command, target, version)

    def _begin(self) -> None:
        """Give the app the response, if its head is written. The program continues to write the body."""
        if self._head is not None:
            self._respond(lambda: self._body)

    def _respond(self, body: Callable[[], Any]) -> None:
        if self._has_outcome or self._head is None:
            return
        code, reason, lines = self._head
        try:
            response = ExactResponse(status=code, reason=None if reason == RESPONSES.get(code) else reason)
            # The engine refuses fields that must not be sent.
            response.headers = Headers.received(
                (name.lower(), value) for name, values in lines.items() for value in values
            )
        except (RopewalkError, UnicodeDecodeError) as error:
            self._give_outcome(error)
            return
        response.body = b"" if code in BODILESS else body()  # a queue would delay the end until the program finishes
        self._give_outcome(response)

    def _give_outcome(self, outcome: Any) -> None:
        """Set the outcome for the app: a Response, NOT_DONE_YET or an exception."""
        self._has_outcome = True
        if self._later is None:
            self._outcome = outcome
        elif self._later.called:
            self._body.drop()  # the app has stopped waiting
        elif isinstance(outcome, BaseException):
            self._later.errback(outcome)
        else:
            self._later.callback(outcome)

    def _responded(self, _: None) -> None:
        """Handle that the app has sent a response.

        If the program has not finished its own response by then, the app has sent another one, so the program is
        notified that its connection is lost.
        """
        if self.exchange.method == "HEAD" or (self._head is not None and self._head[0] in BODILESS):
            self._body.drop()
        else:
            self._lose(ConnectionLost("The app has sent another response."))

    def _lost(self, failure: Failure) -> None:
        self._lose(reason_for(self.exchange.ending, str(failure.value)))

    def _lose(self, reason: BaseException) -> None:
        if self._done or self._raw:
            return
        producer, self._body.producer = self._body.producer, None
        self._body.drop()
        end_connection(producer, lambda failure: self._release_request().connectionLost(failure), reason)

    def _release_request(self) -> MountedRequest:
        """Return the request, and forget it, because no more calls for it follow."""
        self._done = True
        request: MountedRequest = self._request
        self._request = None
        return request


def _content_length(lines: dict[bytes, list[bytes]]) -> int | None:
    lengths = lines.get(b"Content-Length")
    return int(lengths[0]) if lengths and lengths[0].isdigit() else None
