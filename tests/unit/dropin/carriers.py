"""Transports that carry the bytes of a site, on stock Twisted and on the engine, and clients of each."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.dropin.world import Client, FedChannel, World
from tests.unit.server.program import write_certificate
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.protocols.haproxy import proxyEndpoint
from twisted.protocols.policies import ThrottlingFactory, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web import http
from twisted.web.server import Site

from ropewalk.dropin import accelerate, accelerate_port

PROXIED = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"
WRAPPED = ("tls", "haproxy", "wrapping", "throttling")
"""Carriers on which Twisted owns the socket, and a wrapper or TLS is between the socket and the site."""
CARRIERS = ("accepted", "adopted", "fed", "unix", "adopted unix", *WRAPPED)


class Carrier:
    """Serves one site, on the engine or, if `stock`, on Twisted."""

    def __init__(self, world: World, name: str, folder: Path, *, stock: bool = False) -> None:
        self.world = world
        self.name = name
        self.stock = stock
        self._folder = folder
        self._port: Any

    def serve(self, site: Site) -> "Carrier":
        reactor = self.world.reactor
        if self.name == "fed" and not self.stock:
            vars(site)["protocol"] = lambda: http._GenericHTTPChannelProtocol(FedChannel())
        elif not self.stock:
            accelerate(site)
        if self.name == "haproxy":
            endpoint = proxyEndpoint(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
            endpoint.listen(site).addCallback(self._keep)
        elif "unix" in self.name:
            self._keep(reactor.listenUNIX(str(self._folder / "socket"), site))
        else:
            self._keep(reactor.listenTCP(0, self._wrapped(site), interface="127.0.0.1"))
        if self.name in ("accepted", "unix") and not self.stock:
            assert accelerate_port(self._port)
        return self

    def listen(self, factory: Any) -> "Carrier":
        """Serve a factory that is not a site, on Twisted."""
        reactor = self.world.reactor
        if "unix" in self.name:
            self._keep(reactor.listenUNIX(str(self._folder / "socket"), factory))
        else:
            self._keep(reactor.listenTCP(0, self._wrapped(factory), interface="127.0.0.1"))
        return self

    def connect(self) -> Client:
        """Return a client, whose connection is ready for a request."""
        if "unix" in self.name:
            plain = socket.socket(socket.AF_UNIX)
            plain.connect(self._port.getHost().name)
        else:
            plain = socket.create_connection(("127.0.0.1", self._port.getHost().port))
        client = (TLSClient if self.name == "tls" else Wire)(self.world, plain)
        self.world.keep(client)
        if self.name == "haproxy":
            client.send(PROXIED)
        return client

    def _keep(self, port: Any) -> None:
        self._port = port
        self.world.keep_port(port)

    def _wrapped(self, factory: Any) -> Any:
        if self.name == "tls":
            return TLSMemoryBIOFactory(context(self._folder), False, factory, self.world.reactor)
        if self.name in ("wrapping", "throttling"):
            return {"wrapping": WrappingFactory, "throttling": ThrottlingFactory}[self.name](factory)
        return factory


def context(folder: Path) -> Any:
    """Return the context of a TLS server."""
    if not (folder / "key.pem").exists():
        write_certificate(folder)
    return DefaultOpenSSLContextFactory(str(folder / "key.pem"), str(folder / "certificate.pem"))


class Wire(Client):
    """A client on a given socket."""

    def __init__(self, world: World, connected: Any) -> None:
        self._world = world
        self.socket: Any = connected
        self.socket.setblocking(False)
        self.received = bytearray()  # type: ignore[assignment] # to which much can be added
        self.ended = False
        self.reset = False

    def rest(self) -> bytes:
        return bytes(super().rest())


class TLSClient(Wire):
    """A client over TLS, from the start or by `start_tls`."""

    def __init__(self, world: World, connected: Any, *, at_once: bool = True) -> None:
        super().__init__(world, connected)
        if at_once:
            self.start_tls()

    def start_tls(self) -> None:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self.socket = trusting.wrap_socket(self.socket, do_handshake_on_connect=False)

        def shaken() -> bool:
            try:
                self.socket.do_handshake()
            except ssl.SSLWantReadError:
                return False
            return True

        self._world.until(shaken, "the handshake")

    def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[self.socket.send(data) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._world.turn(1)


def dateless(received: bytes) -> bytes:
    """Return a response without its Date."""
    first, *others = received.split(b"\r\nDate: ")  # a regular expression is slow for large responses
    return b"\r\nDate: D".join([first, *(b"".join(other.partition(b"\r")[1:]) for other in others)])


def beside(world: World, name: str, folder: Path, act: Callable[[Carrier], Any]) -> tuple[Any, Any]:
    """Run a function on stock Twisted and on the engine, and return both results."""
    outcomes = []
    for stock in (True, False):
        place = folder / ("stock" if stock else "engine")
        place.mkdir()
        outcomes.append(act(Carrier(world, name, place, stock=stock)))
    return outcomes[0], outcomes[1]
