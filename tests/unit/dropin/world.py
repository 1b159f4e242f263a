"""A reactor for a test, ports that serve factories of twisted.web, and clients on real sockets."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from twisted.internet import _producer_helpers, epollreactor
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Cooperator
from twisted.web import http
from twisted.web.server import Site

from ropewalk._engine import Limits
from ropewalk.dropin import HTTPChannel, accelerate, accelerate_port

PATIENCE = 30.0
"""The timeout of a test, in seconds."""


class FedChannel(HTTPChannel):
    """A channel that leaves the socket to Twisted's transport, which feeds it."""

    adopts_sockets = False


WAYS = ("accepted", "adopted", "fed")
"""Whether the engine accepts the socket, adopts it from a port of Twisted, or is fed by a transport of Twisted."""


class World:
    """A reactor whose iterations the test runs."""

    def __init__(self) -> None:
        self.reactor: Any = epollreactor.EPollReactor()
        self._clients: list[Client] = []
        self._ports: list[Any] = []
        self._first = set(self.reactor.getReaders())
        self._own = Cooperator(scheduler=lambda call: self.reactor.callLater(0, call))
        # Twisted calls its pull producers in the global reactor, which does not run here.
        self._cooperate = vars(_producer_helpers)["cooperate"]
        vars(_producer_helpers)["cooperate"] = self._own.cooperate

    def listen(self, factory: Any, way: str = "accepted", limits: Limits | None = None) -> Any:
        """Return a port on which a factory is served."""
        if way == "stock":
            pass
        elif way == "fed":
            factory.protocol = lambda: http._GenericHTTPChannelProtocol(FedChannel())
        elif type(factory).buildProtocol in (http.HTTPFactory.buildProtocol, Site.buildProtocol):
            accelerate(factory, limits=limits)
        port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        if way == "accepted":
            assert accelerate_port(port, limits=limits)
        self._ports.append(port)
        return port

    def connect(self, port: Any) -> "Client":
        """Return a client of a port."""
        client = Client(self, port.getHost().port)
        self.keep(client)
        return client

    def keep(self, client: "Client") -> None:
        """Close a client at the end."""
        self._clients.append(client)

    def keep_port(self, port: Any) -> None:
        """Close a port at the end."""
        self._ports.append(port)

    def until(self, done: Callable[[], object], what: str = "it") -> None:
        """Run the reactor until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, f"{what} did not happen"
            self.reactor.runUntilCurrent()
            if not done():  # a delayed call may have made the condition true
                due = self.reactor.timeout()
                self.reactor.doIteration(0.01 if due is None else min(due, 0.01))

    def turn(self, times: int = 5) -> None:
        """Run some iterations of the reactor."""
        for _ in range(times):
            self.reactor.runUntilCurrent()
            self.reactor.doIteration(0)

    def left(self) -> tuple[set[Any], list[IDelayedCall]]:
        """Return the readers and delayed calls that were added to the reactor."""
        return set(self.reactor.getReaders()) - self._first, list(self.reactor.getDelayedCalls())

    def end(self) -> None:
        """Close everything, and check that nothing is left."""
        vars(_producer_helpers)["cooperate"] = self._cooperate
        for client in self._clients:
            client.socket.close()
            client.received = b""
        self._clients.clear()
        for port in self._ports:
            if port.connected:
                port.stopListening()
        self.until(lambda: self.left() == (set(), []), "an empty reactor")
        self.reactor.removeAll()
        for reader in self._first:
            reader.connectionLost(None)
        self.reactor._poller.close()


class Client:
    """One connection to a port."""

    def __init__(self, world: World, port: int) -> None:
        self._world = world
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.received = b""
        self.ended = False
        self.reset = False

    def send(self, data: bytes) -> None:
        """Send all of the data."""
        while data:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                self._world.turn(1)

    def get(self, path: str = "/", *fields: str) -> None:
        """Send a GET request."""
        lines = [f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]
        self.send("\r\n".join(lines).encode())

    def read(self) -> bytes:
        """Return all bytes that have arrived."""
        while not self.ended:
            try:
                data = self.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            except ConnectionResetError:
                self.ended = self.reset = True
                break
            self.received += data
            self.ended = not data
        return self.received

    def until(self, ending: bytes) -> bytes:
        """Wait until the received bytes end like this, and return and remove them."""
        self._world.until(lambda: self.read().endswith(ending), f"{ending!r} at the end of {self.received[-200:]!r}")
        received, self.received = self.received, b""
        return received

    def rest(self) -> bytes:
        """Return the bytes until the connection was closed."""

        def over() -> bool:
            self.read()
            return self.ended

        self._world.until(over, f"the end, after {self.received[-200:]!r},")
        return self.received


def in_thread(call: Callable[..., object], *arguments: Any) -> None:
    """Call a function in a thread, and wait until the thread ends."""
    thread = Thread(target=call, args=arguments)
    thread.start()
    thread.join()


@contextmanager
def world() -> Iterator[World]:
    """Return a world that is closed at the end of the test."""
    made = World()
    try:
        yield made
    finally:
        made.end()
