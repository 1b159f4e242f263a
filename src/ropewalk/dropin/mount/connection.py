"""The connection of a mounted twisted.web resource, which another protocol can use."""

from collections.abc import Callable
from typing import Any

from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.dropin.connection.thread_queue import Call, Chunk, ThreadQueue
from ropewalk.dropin.connection.upgrade_shutdown import close_upgraded
from ropewalk.request import Address, Request
from ropewalk.waiting import Waiter


class MountedConnection:
    """Makes a `SocketTransport` for an app's request, and acts as its engine, its connection and its channel.

    When a program wants to use the connection for raw bytes, `take` is called. `take` returns whether the program may
    use it.
    """

    begin: Any = None

    def __init__(self, exchange: Request, take: Callable[[], bool]) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.upgraded: set[SocketTransport] = set()
        self._aborted = False
        self._exchange = exchange
        self._stopping: Waiter[None]
        self._take = take
        self._thread_queue = ThreadQueue(reactor)

    def transport(self, protocol: Any) -> SocketTransport:
        """Make a `SocketTransport` for the app's request."""
        connection: Any = self
        self._transport = SocketTransport.of(connection, self._exchange.client, protocol, connection)
        self._transport.connection = connection
        return self._transport

    # The interface of a `FactoryEngine`

    def leave_if_idle(self) -> None:
        """Do nothing, because the app's service runs the engine."""

    # The interface of a connection

    @property
    def server(self) -> Address:
        """The address of the server."""
        return self._exchange.server

    def fileno(self) -> int:
        """Return -1, because the descriptor belongs to the engine."""
        return -1

    def close(self) -> None:
        """Call `abort`. The response is incomplete, so its queued bytes need not be sent first."""
        self.abort()

    def abort(self) -> None:
        """Close the connection now."""
        self._aborted = True
        self._exchange.abort()

    # The interface of a channel

    def hand_over(self) -> Request | None:
        """Return the exchange, which carries raw bytes from now on. None if the response has already begun."""
        exchange = self._exchange
        if exchange.started or exchange.finished or not self._take():
            return None
        exchange.notifyFinish().addCallbacks(self._ended, self._lost)
        exchange.registerProducer(self, True)
        self._stopping = exchange.stopping
        self._stopping.addCallbacks(self._stop, lambda _: None)
        self._listen()
        return exchange

    def close_after_handler(self) -> bool:
        """Return False, so that the transport closes the connection at once, even while the program handles the
        request."""
        return False

    def is_reactor_thread(self) -> bool:
        """Whether this is the reactor's thread. If it is, run the queued calls of other threads before returning."""
        if not self._exchange.service.engine.on_engine_thread:
            return False
        self._thread_queue.run()
        return True

    def call_in_reactor(self, call: Call | Chunk) -> None:
        """Queue a call for the reactor's thread."""
        self._thread_queue.add(call)

    def resume_body(self) -> None:
        """Do nothing, because the whole body has been received."""

    # The interface of a producer, for the transport's output

    def pauseProducing(self) -> None:
        """Do nothing, because the transport notices itself that its buffer is full."""

    def resumeProducing(self) -> None:
        """Resume the transport's producer."""
        self._transport.has_room()

    def stopProducing(self) -> None:
        """Do nothing, because the transport is notified that the connection is lost."""

    def _listen(self) -> None:
        self._exchange._readable().addCallbacks(self._read, lambda _: None)  # noqa: SLF001 - as BodyStream does

    def _read(self, _: None) -> None:
        self._listen()
        self._transport.deliver()

    def _stop(self, _: None) -> None:
        """Close the connection when the server stops, because a protocol other than HTTP may have no end."""
        close_upgraded(self._transport)

    def _ended(self, _: None) -> None:
        self.reactor.callLater(0, self._close, "done")  # later, because a call of the protocol may be running

    def _lost(self, _: Any) -> None:
        self._close("aborted" if self._aborted else self._exchange.ending or "cut")

    def _close(self, how: str) -> None:
        self._stopping.cancel()
        self._transport.closed(how)
