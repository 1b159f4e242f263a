"""The receiving half of a call: the parts of the request's body, and the client's leaving."""

from asyncio import CancelledError, Future, get_running_loop, sleep
from typing import Final

from ropewalk.asgi.call_state import COMPLETE, GONE, NEW, CallState
from ropewalk.asgi.messages import Message
from ropewalk.errors import BadBody, BodyTooLarge, Disconnected

_OF_SCOPE: Final = ("Cancelled via cancel scope ", "Cancelled by cancel scope ")
"""How the message of a cancellation by anyio begins, in current versions and in older ones."""


class ReceivingCall(CallState):
    """The receiving half of a call."""

    __slots__ = ()

    async def receive(self) -> Message:
        """The next part of the body; behind it, that the answer is complete or the client has left, once it is so.

        To an application that has not begun its response, a client that closes its sending side has left. A response is
        still sent: an application that does not listen cannot be cancelled, and the client may wait for it. The same
        goes for a response that is begun, and kept back by middleware, when nothing of it came for
        `half_close_timeout`: on the wire such a pause is the client's end.

        A body over its limit or malformed is answered by 413 or 400; to the application the client has left then.
        """
        if not self._body_over and self.stage < COMPLETE:
            try:
                part = await self._take()
            except (BodyTooLarge, BadBody) as error:
                self.refuse(error)
            except Disconnected:
                self.left()
            else:
                if part is not None:
                    self._body_over = not part or self.request.body_complete
                    return {"type": "http.request", "body": part, "more_body": not self._body_over}
        if self.stage < COMPLETE:
            if self._half_closed() and await self._still_waits():
                self.told = True
                return {"type": "http.disconnect"}
            self._listen()
        while self.stage < COMPLETE and not self._half_closed():
            self._watch_held()
            await self._news()
        if self.stage != COMPLETE:
            self.told = True
        return {"type": "http.disconnect"}

    def left(self, _: object = None) -> None:
        """There is nobody any more who could be answered."""
        if self.stage < COMPLETE:
            self.over(GONE)

    def over(self, stage: int) -> None:
        """Nothing more will be sent, and nobody need be told that the client has left."""
        self.stage = stage
        if self._waiting is not None:
            self._wake()
            for waiter in (self._leaving, self._half_closing):
                if waiter is not None and not waiter.called:
                    waiter.cancel()  # the request may live on, and would hold us
            if self._leaving is not None and self._held is not None:
                self._held.cancel()

    def refuse(self, error: BaseException) -> None:
        """Answer for an error that the application does not get to see."""
        self.left()
        self.told = True
        self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Hand an error to what makes the response."""
        self.request.service.fail(self.request, error)

    async def _take(self) -> bytes | None:
        """A part of the body, empty at its end; None where nobody wants it any more."""
        request = self.request
        if not request.has_body:
            return b""
        if request.finished:  # another party has responded
            return None
        request.receive()
        while self.stage < COMPLETE:
            part: bytes | None = request.take()
            if part is not None:
                return part
            if not self._arriving:
                self._arriving = True
                request._readable().addBoth(self._arrived)  # noqa: SLF001 - as BodyStream has it
            await self._news()
        return None

    def _arrived(self, _: object) -> None:
        self._arriving = False
        self._wake()

    def _listen(self) -> None:
        """Be told when the client leaves."""
        if self._leaving is None:
            self._held = None
            self._overdue = False
            self._leaving = self.request.leaving()
            self._leaving.addCallbacks(self._unwanted, _nothing)
            self._half_closing = self.request.half_close_wait()
            self._half_closing.addCallbacks(self._wake, _nothing)

    def _unwanted(self, _: object) -> None:
        """The client has left, or the answer is complete: if it is this one, `over` is told of that in a moment."""
        if self.request.gone:
            self.left()
        else:
            get_running_loop().call_soon(self.left)

    def _half_closed(self) -> bool:
        """Whether the client has closed its sending side, and nothing is begun that it may wait for."""
        if self.stage == NEW:
            return self.request.half_closed
        return self._leaving is not None and self._overdue and not self.request.started

    def _watch_held(self) -> None:
        """Where middleware keeps back what is begun, see to it that this has an end when the client has closed.

        The engine does so for what has begun on the wire.
        """
        if self._held is None and self.request.half_closed and not self.request.started:
            limit = self.request.service.engine.limits.half_close_timeout
            if limit:
                self._held = get_running_loop().call_later(limit, self._look_at_held, limit, self.out.bytes_sent)

    def _look_at_held(self, limit: float, sent: int) -> None:
        """The time for a part is over: the application has sent none, or it has the same time for the next one."""
        if self.request.started:
            self._held = None
        elif sent == self.out.bytes_sent:
            self._overdue = True
            self._wake()
        else:
            self._held = get_running_loop().call_later(limit, self._look_at_held, limit, self.out.bytes_sent)

    async def _still_waits(self) -> bool:
        """Whether the response has not begun when other tasks have had their turn.

        Starlette listens beside a task that is about to begin a stream. Its `is_disconnected` asks within a scope of
        anyio that is cancelled already, because it wants to know at once: that is no reason to tell nothing.
        """
        try:
            await sleep(0)
        except CancelledError as error:
            if not _is_of_scope(error):
                raise
        return self._half_closed()

    async def _news(self) -> None:
        """Wait for something to happen. Several tasks may do so, and be cancelled each by itself."""
        future: Future[None] = get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(future)
        try:
            await future
        finally:
            self._waiting.remove(future)

    def _wake(self, _: object = None) -> None:
        for future in self._waiting or ():
            if not future.done():
                future.set_result(None)


def _is_of_scope(error: CancelledError) -> bool:
    """Whether a cancel scope of anyio, and it alone, has cancelled the task.

    anyio then cancels again at every await until the scope ends, where it calls `Task.uncancel` as often. Any other
    cancellation comes once and must be raised. Where both come in one turn, the message is not anyio's.
    """
    message = error.args[0] if error.args else None
    return isinstance(message, str) and message.startswith(_OF_SCOPE)


def _nothing(_: object) -> None:
    """Nobody need be told any more."""
