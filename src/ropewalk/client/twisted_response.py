"""A response of Twisted's Agent, whose body is read in parts."""

from collections import deque
from typing import Any, Final

from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

from ropewalk.client.errors import CallTimeout, ConnectionBroken
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.timer import Timer
from ropewalk.errors import shown
from ropewalk.headers import TOKEN, Headers
from ropewalk.waiting import Waiter, call_soon

_IN_LINE: Final = frozenset("\0\r\n")
"""Characters that a value cannot have (RFC 9110, section 5.5)."""
_FULL: Final = 1 << 16
"""The bytes of a body that are kept before the connection is paused."""


class TwistedResponse:
    """A response whose head has arrived."""

    def __init__(self, request: OutgoingRequest, response: Any) -> None:
        self._request = request
        self.status: int = response.code
        lines = [(name.lower(), value) for name, values in response.headers.getAllRawHeaders() for value in values]
        self.headers = Headers.received(lines)
        if isinstance(response.length, int) and "content-length" not in self.headers:
            self.headers["content-length"] = str(response.length)  # the Agent removes the field
        self._body = _Body(request)
        response.deliverBody(self._body)

    def check(self) -> None:
        """Raises ConnectionBroken for a head that violates HTTP. The Agent does not check this: it accepts any status
        and any octets."""
        what = None
        if not 200 <= self.status <= 999:
            what = f"The status is {self.status}."
        for name, value in self.headers.lines():
            if not TOKEN.fullmatch(name) or not _IN_LINE.isdisjoint(value):
                what = f"The header field {shown(name)} has characters that HTTP does not allow."
        if what is not None:
            raise ConnectionBroken(what, method=self._request.method, url=str(self._request.url))

    async def read(self) -> bytes | None:
        """The next part of the body as it was sent; None at the end. Raises ClientError."""
        return await self._body.read()

    async def close(self) -> None:
        """End the exchange. If the body is not at its end, close the connection."""
        await self._body.close()


class _Body(Protocol):
    def __init__(self, request: OutgoingRequest) -> None:
        self._request = request
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._waiting: Waiter[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _FULL and not self._paused:
            self._paused = True
            self._connection.pauseProducing()
        self._notify()

    def connectionLost(self, reason: Failure = Protocol.connectionLost.__defaults__[0]) -> None:  # type: ignore[index]
        self._ended = True
        # PotentialDataLoss is the normal end of a body without a length
        if not reason.check(ResponseDone, PotentialDataLoss):
            cause: Any = reason.value
            causes = [failure.value for failure in getattr(cause, "reasons", ())]
            cause = causes[0] if causes else cause
            self._error = ConnectionBroken(
                f"The body is incomplete: {type(cause).__name__}: {shown(str(cause))}.",
                method=self._request.method,
                url=str(self._request.url),
            )
        self._notify()

    async def read(self) -> bytes | None:
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._waiting = Waiter()
            timer = Timer(self._request.timeouts.read, self._expire)
            try:
                await self._waiting
            finally:
                timer.cancel()
        part = self._parts.popleft()
        self._size -= len(part)
        if self._paused and not self._parts and not self._ended:
            self._paused = False
            self._connection.resumeProducing()
        return part

    async def close(self) -> None:
        self._parts.clear()
        if self._ended:
            return
        # The Agent may be parsing the rest of the body further up the stack, so the connection is closed later, by the
        # reactor. `lose` is scheduled, and not called after an `await`: if this method is cancelled at the `await`, the
        # connection must be closed nevertheless.
        closed: Waiter[None] = Waiter()

        def lose() -> None:
            if not self._ended:
                self._connection.loseConnection()
            if not closed.called:
                closed.callback(None)

        call_soon(lose)
        await closed

    @property
    def _connection(self) -> Any:
        return self.transport

    def _expire(self) -> None:
        request = self._request
        seconds = request.timeouts.read or 0
        self._error = CallTimeout.of("read", seconds, method=request.method, url=str(request.url))
        self._notify()

    def _notify(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)
