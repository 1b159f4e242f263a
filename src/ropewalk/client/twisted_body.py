"""The body of a request, as a producer for Twisted's Agent."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface import implementer

from ropewalk.calling import start
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.phases import PhaseTimer
from ropewalk.waiting import Waiter


@implementer(IBodyProducer)
class BodyProducer:
    """Writes the parts of a body. While the connection accepts no more, the phase "write" is timed."""

    def __init__(self, request: OutgoingRequest, timer: PhaseTimer) -> None:
        self.length: Any = UNKNOWN_LENGTH if request.length is None else request.length
        self._request = request
        self._timer = timer
        self._resumed: Waiter[None] | None = None
        """Fires when the connection accepts more. None if the connection accepts more already."""
        self._done: Deferred[None] = Deferred()
        self._writing: Deferred[Any] | None = None
        self._stopped = False

    def startProducing(self, consumer: Any) -> Deferred[None]:
        self._timer.stop()
        self._writing = start(self._write(consumer))
        self._writing.addCallbacks(self._written, self._failed)
        return self._done

    def pauseProducing(self) -> None:
        if self._resumed is None:
            self._resumed = Waiter()
            self._timer.start("write")

    def resumeProducing(self) -> None:
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            self._timer.stop()
            if not resumed.called:
                resumed.callback(None)

    def stopProducing(self) -> None:
        self._stopped = True
        if self._writing is not None:
            self._writing.cancel()

    async def _write(self, consumer: Any) -> None:
        async for part in self._request.parts():
            while self._resumed is not None:
                await self._resumed
            if self._stopped:
                return
            consumer.write(part)

    def _written(self, _: object) -> None:
        if not self._stopped:
            self._timer.start("read")
            self._done.callback(None)

    def _failed(self, failure: Failure) -> None:
        if not self._stopped:  # after `stopProducing`, the Agent expects no result
            self._done.errback(failure)
