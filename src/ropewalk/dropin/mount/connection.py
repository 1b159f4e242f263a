"""A transport where there is only a request of ours."""

from collections.abc import Callable
from typing import Any

from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.dropin.connection.thread_queue import Call, Chunk, ThreadQueue
from ropewalk.dropin.connection.upgrade import close_upgraded
from ropewalk.request import Address, Request
from ropewalk.waiting import Waiter


class MountedConnection:
    """What a `SocketTransport` else has for its driver, its connection and its channel.

    `may_take` is asked when a program wants the connection for raw bytes, and told thereby that it has it.
    """

    begin: Any = None

    def __init__(self, exchange: Request, may_take: Callable[[], bool]) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.upgraded: set[SocketTransport] = set()
        self._aborted = False
        self._exchange = exchange
        self._may_take = may_take
        self._stopping: Waiter[None]
        self._thread_calls = ThreadQueue(reactor)

    def transport(self, protocol: Any) -> SocketTransport:
        """The transport."""
        line: Any = self
        self._transport = SocketTransport.of(line, self._exchange.client, protocol, line)
        self._transport.connection = line
        return self._transport

    # As a driver

    def rest(self) -> None:
        """The connection is over."""

    # As a connection

    @property
    def server(self) -> Address:
        """Our end."""
        return self._exchange.server

    def fileno(self) -> int:
        """The engine keeps the descriptor."""
        return -1

    def close(self) -> None:
        """An answer that is cut off is cut off somewhere."""
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._aborted = True
        self._exchange.abort()

    # As a channel

    def hand_over(self) -> Request | None:
        """The request, which carries raw bytes from now on; None where it is being answered."""
        exchange = self._exchange
        if exchange.started or exchange.finished or not self._may_take():
            return None
        exchange.notifyFinish().addCallbacks(self._ended, self._lost)
        exchange.registerProducer(self, True)
        self._stopping = exchange.stopping
        self._stopping.addCallbacks(self._stop, lambda _: None)
        self._listen()
        return exchange

    def is_reactor_thread(self) -> bool:
        """Whether this is the reactor's thread. If so, the calls that wait are made first."""
        if not self._exchange.service.engine.on_engine_thread:
            return False
        self._thread_calls.make()
        return True

    def call_in_reactor(self, call: Call | Chunk) -> None:
        """Have the reactor's thread make a call."""
        self._thread_calls.add(call)

    def resume_body(self) -> None:
        """The body is all there."""

    # As the producer of what is written

    def pauseProducing(self) -> None:
        """The transport sees that by itself."""

    def resumeProducing(self) -> None:
        """There is room again."""
        self._transport.has_room()

    def stopProducing(self) -> None:
        """The connection is lost, of which the transport is told."""

    def _listen(self) -> None:
        self._exchange._readable().addCallbacks(self._read, lambda _: None)  # noqa: SLF001 - as BodyStream does

    def _read(self, _: None) -> None:
        self._listen()
        self._transport.deliver()

    def _stop(self, _: None) -> None:
        """What is no HTTP any more would never end by itself."""
        close_upgraded(self._transport)

    def _ended(self, _: None) -> None:
        # Not at once: that may be within a call of the protocol's.
        self.reactor.callLater(0, self._close, "done")

    def _lost(self, _: Any) -> None:
        self._close("aborted" if self._aborted else self._exchange.ending or "cut")

    def _close(self, how: str) -> None:
        self._stopping.cancel()
        self._transport.closed(how)
