"""A request of twisted.web's inside of one of ours.

What the program writes becomes a `Response`, so that the middleware of the app can work on it:

| when the program has returned | the handler returns |
|---|---|
| the answer is complete | a Response with the whole body |
| the head is there, and the program writes on | a Response with `BodyQueue` for its body |
| there is no head yet | a Deferred of one of these: by what is there a turn after the head |
| the connection is another protocol's | NOT_DONE_YET |

It is the engine that frames the body, and the app that answers for what fails.
"""

from collections.abc import Callable
from io import SEEK_END
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES
from twisted.web.http_headers import Headers as TwistedHeaders

from ropewalk.dropin.connection.connection_lost import end_connection, reason_for
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.twisted_attributes import ChannelAttributes
from ropewalk.dropin.mount.body_queue import BodyQueue
from ropewalk.dropin.mount.connection import MountedConnection
from ropewalk.dropin.request.headers import ReceivedHeaders, headers_of
from ropewalk.dropin.request.lazy import Lazy
from ropewalk.dropin.request.request import Request as FastRequest
from ropewalk.errors import BadBody, BeyondLength, RopewalkError
from ropewalk.headers import Headers
from ropewalk.request import BODILESS, Request
from ropewalk.resource import NOT_DONE_YET
from ropewalk.response import ExactResponse
from ropewalk.server.addresses import to_twisted_address
from ropewalk.waiting import Waiter, call_soon

log = Logger(namespace="ropewalk.dropin")


class MountedRequest(FastRequest):
    """A `twisted.web.server.Request` whose body lies in a request of ours, and whose failures are the app's."""

    channel: Any

    _rw_lazy = True

    @Lazy
    def transport(self) -> Any:
        """Few ask for it."""
        return self._rw_channel.transport

    def gotLength(self, length: int | None) -> None:
        """The body is there already."""
        if length == 0:
            super().gotLength(0)
            return
        self.content = self.channel.exchange.content
        self.content.seek(0, SEEK_END)  # where it would be after so much was written to it

    def processingFailed(self, reason: Failure) -> Failure:
        """Have the app answer, as for a handler that raised."""
        if self.finished or self._disconnected:
            self._log.failure("", failure=reason)
            return reason
        self.channel.failed(reason)
        self.finished = 1
        self._cleanup()
        return reason


class MountedChannel(ChannelAttributes):
    """What such a request has for its channel: the face of `dropin.HTTPChannel`, and a request of ours below."""

    responds = True
    factory = None

    _request: Any

    def __init__(self, exchange: Request, root: Any, site: Any) -> None:
        self.exchange = exchange
        self.root = root
        """The resource that is mounted."""
        self.site = site
        self._done = False
        """The program is through with its request."""
        self._head: tuple[int, bytes, dict[bytes, list[bytes]]] | None = None
        self._left: int | None = None
        """How much of the body is still to come, by its Content-Length."""
        self._later: Waiter[Any] | None = None
        """What the handler has returned where there was no outcome yet."""
        self._outcome: Any = None
        self._parts = BodyQueue()
        self._raw = False
        """The connection is another protocol's."""
        self._running = False
        """The program is in the call that gives it the request."""
        self._settled = False
        """There is an outcome."""

    def serve(self) -> Any:
        """Give the request to the program, and return what a handler does. Raises what the program fails with."""
        self._running = True
        self._give()
        self._running = False
        if isinstance(self._parts.producer, PullAdapter):
            self._parts.producer.startStreaming()
        self._begin()
        if not self._done and not self._raw:
            self.exchange.notifyFinish().addCallbacks(self._answered, self._lost)
        if not self._settled:
            self._later = Waiter()
            return self._later
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    @Lazy
    def transport(self) -> Any:
        """Few ask for it."""
        return MountedConnection(self.exchange, self._give_away).transport(self)

    # From the request

    def getPeer(self) -> Any:
        """The client."""
        return to_twisted_address(self.exchange.client)

    def getHost(self) -> Any:
        """Our end of the connection."""
        return to_twisted_address(self.exchange.server)

    def isSecure(self) -> bool:
        """Whether the client came by TLS, which a trusted proxy may have undone."""
        return self.exchange.isSecure()

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        """Take a whole answer."""
        del request
        self._head = code, reason, headers
        self._left = _announced(headers)
        self.write(body)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Take the head of an answer."""
        del version
        if not isinstance(headers, TwistedHeaders):
            headers = headers_of(headers)
        lines = dict(headers.getAllRawHeaders())
        if code == b"101":
            self._switch(reason, lines)
            return
        lines.pop(b"Transfer-Encoding", None)
        self._request.chunked = 0
        self._head = int(code), reason, lines
        self._left = _announced(lines)
        if self._later is not None:
            call_soon(self._begin)

    def write(self, data: bytes) -> None:
        """Take a part of the body; before any head, whatever the program says itself."""
        if self._head is None:
            self.transport.write(data)
        elif self._left is None or len(data) <= self._left:
            if self._left is not None:
                self._left -= len(data)
            self._parts.put(bytes(data))
        elif not self._done and not self._parts.over:
            self._put_what_fits(bytes(data), self._left)

    def _put_what_fits(self, data: bytes, left: int) -> None:
        """End a body that goes beyond its Content-Length there, as the channel does with one that is not mounted."""
        error = BeyondLength(f"{len(data) - left} bytes more were written than were announced.")
        log.failure("{channel} drops what is beyond the Content-Length.", Failure(error), channel=self)
        self._left = 0
        if left:
            self._parts.put(data[:left])
        self._parts.end()

    def writeSequence(self, iovec: Any) -> None:
        """Take several at once."""
        self.write(b"".join(iovec))

    def requestDone(self, request: Any) -> None:
        """The answer is complete."""
        del request
        self._through()
        self._parts.end()
        if self._raw:
            if self.transport.protocol is self:
                self.transport.loseConnection()
        elif self._head is not None:
            self._answer(self._parts.take)
        elif not self._settled:
            self.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have what writes the body told when to wait, or asked for more. Raises RuntimeError where there is one."""
        if self._parts.producer is not None:
            raise RuntimeError(f"{self._parts.producer!r} is registered already; {producer!r} cannot be too.")
        if self._done:
            producer.stopProducing()
        elif streaming:
            self._parts.producer = producer
        else:
            self._parts.producer = pulled = PullAdapter(producer, self)
            if not self._running:
                call_soon(pulled.startStreaming)

    def unregisterProducer(self) -> None:
        """It has written all it has."""
        producer, self._parts.producer = self._parts.producer, None
        if isinstance(producer, PullAdapter):
            producer.stopStreaming()

    def loseConnection(self) -> None:
        """As `abortConnection`: an answer that is cut off is cut off somewhere."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """Close the connection now."""
        self.exchange.abort()

    forceAbortClient = abortConnection

    def failed(self, reason: Failure) -> None:
        """The program has failed: the app answers, or what has begun is cut off."""
        error: Any = reason.value
        self._done = True
        if self._settled:
            self.exchange.service.fail(self.exchange, error)
        else:
            self._settle(error)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._through()
        self._settle(BadBody("The form is malformed."))

    # From the transport, and what works on it

    @property
    def _networkProducer(self) -> Any:
        return self.transport

    def _protocolUpgradeForWebsockets(self, protocol: Any) -> None:
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    def later(self, call: Callable[[], None]) -> None:
        """Call something when others have had their turn."""
        call_soon(call)

    def _switch(self, reason: bytes, lines: dict[bytes, list[bytes]]) -> None:
        """What is said behind this head is not HTTP."""
        head = [b"HTTP/1.1 101 " + reason]
        for name, values in lines.items():
            if name not in (b"Content-Length", b"Transfer-Encoding"):  # a 1xx has none (RFC 9112, section 6.1)
                head += [name + b": " + value for value in values]
        self.transport.write(b"\r\n".join([*head, b"", b""]))

    def _give_away(self) -> bool:
        if self._settled:
            return False
        self._raw = True
        self._settle(NOT_DONE_YET)
        return True

    # The outcome

    def _give(self) -> None:
        exchange = self.exchange
        self.transport = None  # so that none is made for the request to keep
        request = self._request = MountedRequest(self)
        del self.transport, request.transport
        command, target, version, _, length = exchange.start_and_framing
        request.requestHeaders = ReceivedHeaders(exchange)
        request.parseCookies()
        request.gotLength(length)
        request.requestReceived(command, target, version)

    def _begin(self) -> None:
        """There is the head of an answer whose program goes on."""
        if self._head is not None:
            self._answer(lambda: self._parts)

    def _answer(self, body: Callable[[], Any]) -> None:
        if self._settled or self._head is None:
            return
        code, reason, lines = self._head
        try:
            response = ExactResponse(status=code, reason=None if reason == RESPONSES.get(code) else reason)
            # What must not reach the wire is refused by the engine.
            response.headers = Headers.received(
                (name.lower(), value) for name, values in lines.items() for value in values
            )
        except (RopewalkError, UnicodeDecodeError) as error:
            self._settle(error)
            return
        response.body = b"" if code in BODILESS else body()  # the program may go on, and write nothing
        self._settle(response)

    def _settle(self, outcome: Any) -> None:
        """This is what the app has for an answer."""
        self._settled = True
        if self._later is None:
            self._outcome = outcome
        elif self._later.called:
            self._parts.drop()  # nobody waits any more
        elif isinstance(outcome, BaseException):
            self._later.errback(outcome)
        else:
            self._later.callback(outcome)

    def _answered(self, _: None) -> None:
        """The app has answered. Where it was not by what the program writes, that is told so."""
        if self.exchange.method == "HEAD" or (self._head is not None and self._head[0] in BODILESS):
            self._parts.drop()
        else:
            self._lose(ConnectionLost("The app has given another answer."))

    def _lost(self, failure: Failure) -> None:
        self._lose(reason_for(self.exchange.ending, str(failure.value)))

    def _lose(self, reason: BaseException) -> None:
        if self._done or self._raw:
            return
        producer, self._parts.producer = self._parts.producer, None
        self._parts.drop()
        end_connection(producer, lambda failure: self._through().connectionLost(failure), reason)

    def _through(self) -> MountedRequest:
        """The request, which needs nothing any more."""
        self._done = True
        request: MountedRequest = self._request
        self._request = None
        return request


def _announced(lines: dict[bytes, list[bytes]]) -> int | None:
    lengths = lines.get(b"Content-Length")
    return int(lengths[0]) if lengths and lengths[0].isdigit() else None
