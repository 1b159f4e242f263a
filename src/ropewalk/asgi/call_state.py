"""The state of one call of an ASGI application: how much of the response was sent, and which tasks wait."""

from asyncio import Future, TimerHandle
from typing import Any

from ropewalk.asgi.captured_response import CapturedResponse
from ropewalk.asgi.message_order import NEW
from ropewalk.request import Request
from ropewalk.streaming import QUANTUM
from ropewalk.waiting import Waiter


class CallState:
    """The state that `receive` and `send` share in one call.

    `out` is the object that takes the response; if it is None, the request takes the response.
    """

    __slots__ = (
        "_announced",
        "_arriving",
        "_body_over",
        "_dropped",
        "_gathered",
        "_gathers",
        "_half_closing",
        "_headers",
        "_held",
        "_leaving",
        "_overdue",
        "_parts",
        "_sent",
        "_share",
        "_status",
        "_trailers",
        "_waiting",
        "inline",
        "notified",
        "out",
        "request",
        "stage",
    )

    # Only `_listen` sets these attributes: most applications do not wait for the disconnect, and so do not need them
    _held: TimerHandle | None
    """The timer that limits how long middleware holds back a response that has begun."""
    _overdue: bool
    """Whether the response has paused for `half_close_timeout` after the client closed its sending side."""

    # These attributes are set with the head of the response
    _announced: int | None
    """The value of Content-Length, if `send` checks it; otherwise None."""
    _headers: list[Any]
    _sent: int
    """Bytes of the body that count against `_announced`."""
    _status: int

    # These attributes are set when the body of the response begins
    _gathered: int
    """Bytes in `_parts`."""
    _gathers: bool
    """Whether parts are kept until the event loop's next iteration, to be sent together."""
    _parts: list[bytes]

    def __init__(self, request: Request, out: CapturedResponse | None = None) -> None:
        self.request = request
        self.out: Any = request if out is None else out
        """The object that takes the response: the request itself, or an object that passes the response to
        middleware."""
        self.stage = NEW
        self.notified = False
        """Whether the application was notified that the client has left."""
        self.inline = True
        """Whether the application currently runs in the call's own task. That task sends a kept head when it waits. Any
        other task that sends a head schedules a callback that sends it."""
        self._arriving = False  # a callback for more of the body is registered
        self._body_over = False
        self._dropped = 0
        self._half_closing: Waiter[None] | None = None
        self._leaving: Waiter[None] | None = None
        self._share = QUANTUM
        self._trailers: list[Any] | None = None
        self._waiting: list[Future[None]] | None = None
