"""Let a handler wait for events of its exchange: the client disconnects, the response is complete, or the send queue
has room."""

from typing import Any, Final, cast

from ropewalk._engine import Exchange
from ropewalk.errors import Disconnected, ResponseEnded, RopewalkError
from ropewalk.waiting import Waiter, failed, ready

UNWANTED: Final = "The response is complete; nothing more can be written."


class WaitableExchange(Exchange):
    """An exchange with events for which its handler can wait. The slots for Waiters start unset, so that an unused
    event costs nothing.
    """

    __slots__ = ("_endings", "_half_close_waits", "_half_closed", "_leaving", "_space")

    _endings: list[Waiter[None]]
    _half_close_waits: list[Waiter[None]]
    _half_closed: bool
    _leaving: list[Waiter[None]]
    _space: list[Waiter[None]]

    @property
    def disconnected(self) -> Waiter[None]:
        """A new Waiter for the end of this exchange. It fires if the client disconnects, if the connection is aborted,
        or when the response is complete. It fires at once if the exchange has already ended. Afterwards, `gone` is
        False only if the response was complete. The Waiter never fails.
        """
        self.notify_done = True
        return self.leaving()

    @property
    def stopping(self) -> Waiter[None]:
        """A new Waiter that fires when a graceful shutdown begins. Running requests can then finish until a deadline.

        The server ends responses of type `text/event-stream` by itself.
        """
        return cast("Waiter[None]", self.service.stopping.wait())

    def notifyFinish(self) -> Waiter[None]:
        """Return a Waiter that fires with None when the response is complete, or fails with Disconnected if the client
        disconnects before. If the exchange has already ended, it fires or fails at once.
        """
        if self.gone:
            return failed(Disconnected())
        if self.finished:
            return ready(None)
        self.notify_done = True
        return self.add_wait("_endings")

    def writable(self) -> Waiter[None]:
        """Return a Waiter that fires when the send queue has room.

        If `write` returned False, it fires when the queue has drained; otherwise it fires at once.

        Fails with Disconnected if the client disconnects, and with ResponseEnded if the response is complete.
        """
        if self.finished:
            return failed(self.end_error(UNWANTED))
        if not self.pressure:
            return ready(None)
        self.notify_done = True
        return self.add_wait("_space")

    def leaving(self) -> Waiter[None]:
        """Like `disconnected`, but the Waiter fires for a complete response only if `notify_done` is set."""
        return ready(None) if self.finished else self.add_wait("_leaving")

    @property
    def half_closed(self) -> bool:
        """Whether the client closed its sending side before the head of the response was sent.

        For handlers with `half_close="respond"`.
        """
        return getattr(self, "_half_closed", False)

    def half_close_wait(self) -> Waiter[None]:
        """A new Waiter, which fires when the client closes its sending side."""
        return self.add_wait("_half_close_waits")

    def end_error(self, message: str) -> RopewalkError:
        """The error with which a Waiter fails if the exchange has already ended."""
        return Disconnected() if self.gone else ResponseEnded(message)

    def add_wait(self, slot: str) -> Waiter[None]:
        """Return a new Waiter that is added to the list in a slot. Waiters that have fired or were cancelled are
        dropped from the list."""
        waiter: Waiter[None] = Waiter()
        setattr(self, slot, [*(other for other in getattr(self, slot, ()) if not other.called), waiter])
        return waiter


def take(exchange: Exchange, slot: str) -> Any:
    """Unset a slot and return its value; None if it is unset."""
    value = getattr(exchange, slot, None)
    if value is not None:
        delattr(exchange, slot)
    return value


def fire(exchange: Exchange, slot: str, result: RopewalkError | None) -> None:
    """Fire the Waiter in a slot, if there is one, with None or with an error."""
    waiter = take(exchange, slot)
    if waiter is not None:
        _fire(waiter, result)


def fire_all(exchange: Exchange, slot: str, result: RopewalkError | None) -> None:
    """Fire every Waiter in a slot with None or with an error."""
    for waiter in take(exchange, slot) or ():
        _fire(waiter, result)


def _fire(waiter: Waiter[None], result: RopewalkError | None) -> None:
    if waiter.called:
        return
    if result is None:
        waiter.callback(None)
    else:
        waiter.give_up(result)
