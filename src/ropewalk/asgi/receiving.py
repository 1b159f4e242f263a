"""The receiving half of a call: `receive` returns the parts of the request's body, and the client's disconnect."""

from asyncio import CancelledError, Future, get_running_loop, sleep
from typing import Final

from ropewalk.asgi.call_state import CallState
from ropewalk.asgi.message_order import COMPLETE, GONE, NEW
from ropewalk.asgi.messages import Message
from ropewalk.errors import BadBody, BodyTooLarge, Disconnected, HandlerError, HTTPError

_ANYIO_MESSAGES: Final = ("Cancelled via cancel scope ", "Cancelled by cancel scope ")
"""The beginning of anyio's messages for cancellations, in current and in older versions."""


class ReceivingCall(CallState):
    """The half of a call of an ASGI application that provides `receive`."""

    __slots__ = ()

    async def receive(self) -> Message:
        """Return the next part of the body. After the last part, wait for a disconnect and return it.

        A disconnect means that the response is complete or the client has left. It is also returned if the client
        closes its sending side before the response has begun. The application may still send its response then,
        because the client may wait for it.

        If middleware holds back a response that has begun, and the client has closed its sending side, a disconnect is
        returned after a pause of `half_close_timeout`. Without middleware, the engine closes the connection after such
        a pause.

        A body over its limit gets a 413, a malformed body a 400, and a body that middleware has streamed a 500. The
        application then receives a disconnect.
        """
        if not self._body_over and self.stage < COMPLETE:
            try:
                part = await self._take()
            except (BodyTooLarge, BadBody, HTTPError, HandlerError) as error:
                self.refuse(error)
            except Disconnected:
                self.left()
            else:
                if part is not None:
                    self._body_over = not part or self.request.body_complete
                    return {"type": "http.request", "body": part, "more_body": not self._body_over}
        if self.stage < COMPLETE:
            if self._half_closed() and await self._still_waits():
                self.notified = True
                return {"type": "http.disconnect"}
            self._listen()
        while self.stage < COMPLETE and not self._half_closed():
            self._limit_held()
            await self._next_event()
        if self.stage != COMPLETE:
            self.notified = True
        return {"type": "http.disconnect"}

    def left(self, _: object = None) -> None:
        """Handle that the client has left, so that no response can be sent."""
        if self.stage < COMPLETE:
            self.over(GONE)

    def over(self, stage: int) -> None:
        """End the call in this stage.

        Nothing more is sent, and the callbacks for the client's disconnect are cancelled.
        """
        self.stage = stage
        if self._waiting is not None:
            self._wake()
            for waiter in (self._leaving, self._half_closing):
                if waiter is not None and not waiter.called:
                    waiter.cancel()  # the request may live longer, and its callbacks would keep this call alive
            if self._leaving is not None and self._held is not None:
                self._held.cancel()

    def refuse(self, error: BaseException) -> None:
        """Respond to an error without raising it in the application, which receives a disconnect instead."""
        self.left()
        self.notified = True
        self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Let the server make the response to an error."""
        self.request.service.fail(self.request, error)

    async def _take(self) -> bytes | None:
        """Return the next part of the body; b"" at its end. None if the response is complete or the client has left."""
        request = self.request
        if not request.has_body:
            return b""
        if request.finished:  # the request already has a response that the application did not send
            return None
        if request.kept_body is not None:  # middleware has read the body
            return request.kept_body
        request._refuse_streamed()  # noqa: SLF001 - a streamed body would look empty
        request.receive()
        while self.stage < COMPLETE:
            part: bytes | None = request.take()
            if part is not None:
                return part
            if not self._arriving:
                self._arriving = True
                request._readable().addBoth(self._arrived)  # noqa: SLF001 - BodyStream uses it too
            await self._next_event()
        return None

    def _arrived(self, _: object) -> None:
        self._arriving = False
        self._wake()

    def _listen(self) -> None:
        """Register a callback for the disconnect of the client."""
        if self._leaving is None:
            self._held = None
            self._overdue = False
            self._leaving = self.request.leaving()
            self._leaving.addCallbacks(self._client_left, _nothing)
            self._half_closing = self.request.half_close_wait()
            self._half_closing.addCallbacks(self._wake, _nothing)

    def _client_left(self, _: object) -> None:
        """Handle that the client has left, or that the response is complete."""
        if self.request.gone:
            self.left()
        else:  # postponed, because the code that completed the response has not called `over` yet
            get_running_loop().call_soon(self.left)

    def _half_closed(self) -> bool:
        """Whether `receive` must return a disconnect because the client has closed its sending side. After the
        application has begun its response, this is so only if middleware has held the response back for too long."""
        if self.stage == NEW:
            return self.request.half_closed
        return self._leaving is not None and self._overdue and not self.request.started

    def _limit_held(self) -> None:
        """Limit how long middleware holds back a response that has begun, after the client has closed its sending side.

        The engine enforces this limit only once the head of the response is sent.
        """
        if self._held is None and self.request.half_closed and not self.request.started:
            limit = self.request.service.engine.limits.half_close_timeout
            if limit:
                self._held = get_running_loop().call_later(limit, self._check_held, limit, self.out.bytes_sent)

    def _check_held(self, limit: float, sent: int) -> None:
        """Handle the end of the time limit.

        If the application has sent a part of the body meanwhile, start the timer again.
        """
        if self.request.started:
            self._held = None
        elif sent == self.out.bytes_sent:
            self._overdue = True
            self._wake()
        else:
            self._held = get_running_loop().call_later(limit, self._check_held, limit, self.out.bytes_sent)

    async def _still_waits(self) -> bool:
        """Whether the response has still not begun after other tasks have run.

        Starlette may call `receive` in one task while another task is about to begin a stream. Starlette's
        `is_disconnected` must not wait, so it calls `receive` inside an anyio cancel scope that is already cancelled.
        That cancellation is ignored here, so that `is_disconnected` still learns whether the client has left.
        """
        try:
            await sleep(0)
        except CancelledError as error:
            if not _is_by_cancel_scope(error):
                raise
        return self._half_closed()

    async def _next_event(self) -> None:
        """Wait for the next event of the request. Several tasks may wait, so each has a future of its own."""
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


def _is_by_cancel_scope(error: CancelledError) -> bool:
    """Whether an anyio cancel scope, and nothing else, has cancelled the task.

    anyio repeats its cancellation at every await until the scope ends, so it may be ignored here. Any other
    cancellation happens once and must be raised. If both happen in one iteration of the loop, the message is not
    anyio's, so the cancellation is raised.
    """
    message = error.args[0] if error.args else None
    return isinstance(message, str) and message.startswith(_ANYIO_MESSAGES)


def _nothing(_: object) -> None:
    """Ignore that the wait was cancelled, because the call is over."""
