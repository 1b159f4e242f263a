"""Detects that a client has left while nothing is read from its connection.

A transport of Twisted notices this only when it reads or writes. The engine stops reading while a handler does not take
the body. Without this check, the handler of a client that has left would not be cancelled. The engine's own sockets
need no such check.
"""

import select
from typing import Any, Final, Protocol

INTERVAL: Final = 1.0
"""Seconds between two checks. One system call checks all watched connections."""

_LEFT: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL
"""The connection was reset, or is closed in both directions. poll() reports these events even if they are not
requested."""
_END_OF_INPUT: Final = getattr(select, "POLLRDHUP", 0)
"""The client has closed its sending side. Only Linux reports it."""


class Leaver(Protocol):
    """A connection that can be watched."""

    def client_left(self) -> None:
        """Close the connection."""


class Departures:
    """The connections of one server from which nothing is read at present. `reactor` has the timer."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._watched: dict[Leaver, tuple[int, int]] = {}
        """The descriptor of each connection, and the events to look for."""
        self._timer: Any = None

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, connection: Leaver, transport: Any, *, half_close: bool) -> None:
        """Watch a connection until `forget`. With `half_close`, the end of its input does not mean that the client has
        left. A transport without a descriptor is not watched."""
        descriptor = _descriptor_of(transport)
        if descriptor < 0:
            return
        self._watched[connection] = descriptor, 0 if half_close else _END_OF_INPUT
        if self._timer is None:
            self._timer = self._reactor.callLater(INTERVAL, self._check)

    def forget(self, connection: Leaver) -> None:
        """Stop watching a connection."""
        self._watched.pop(connection, None)
        if not self._watched and self._timer is not None:
            timer, self._timer = self._timer, None
            timer.cancel()

    def after_fork_in_child(self) -> None:
        """Forget all connections, because they are the parent's."""
        for each in list(self._watched):
            self.forget(each)

    def _check(self) -> None:
        self._timer = self._reactor.callLater(INTERVAL, self._check)
        poller = select.poll()
        connections = {}
        for connection, (descriptor, events) in self._watched.items():
            connections[descriptor] = connection
            poller.register(descriptor, events)
        for descriptor, events in poller.poll(0):
            connection = connections[descriptor]
            if events & (_LEFT | _END_OF_INPUT) and connection in self._watched:
                self.forget(connection)
                connection.client_left()


def _descriptor_of(transport: Any) -> int:
    """The descriptor of the socket below a transport and its wrappers; -1 if there is none."""
    try:
        descriptor = transport.fileno()
    except AttributeError:
        return -1
    return descriptor if isinstance(descriptor, int) else -1
