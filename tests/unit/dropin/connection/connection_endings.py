"""Connections that end in every way. Twisted and the engine must make the same calls to the application. Each way of
serving runs a `Scenario`: a request comes, something happens to its connection, and every call of the program is
recorded, in order.
"""

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import AF_UNIX, SHUT_WR, SO_LINGER, SOL_SOCKET, socket
from struct import pack
from typing import Any, Final

from tests.unit.dropin.world import Client, FedChannel, World, world
from tests.unit.server.program import write_certificate
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.protocols.policies import WrappingFactory
from twisted.web import http, resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ropewalk.dropin import HTTPChannel, accelerate_port
from ropewalk.dropin.connection.factory_engine import limits_of

Call = tuple[Any, ...]

SERVED: Final = (
    *(("tcp", "accepted"), ("tcp", "adopted"), ("tcp", "fed"), ("unix", "accepted"), ("unix", "adopted")),
    *(("tls", "fed"), ("wrapped", "fed")),
)
"""The engine's transports, each with the carrier of its bytes."""

NOTHING: Final = b""
GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST: Final = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
UPLOAD: Final = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"


@dataclass(frozen=True)
class Scenario:
    """One test: how far the application has responded to a request, how the connection then ends, and what the
    application does in a callback."""

    end: str
    """How the connection ends, as `ScenarioRun` names it."""
    phase: str
    """During the request body, before the head of the response, during its body, or after it."""
    kind: str = "none"
    """The producer: none, push or pull."""
    hook: str = ""
    """The callback in which the application acts again: stopProducing, connectionLost or errback."""
    deed: str = ""
    """The action of the application in that callback."""

    def __str__(self) -> str:
        return " ".join(part for part in (self.end, self.phase, self.kind, self.hook, self.deed) if part)


PHASES: Final = ("body", "before", "during")
KINDS: Final = ("none", "push", "pull")


class ScenarioRun:
    """A scenario that runs."""

    def __init__(self, there: World, scenario: Scenario) -> None:
        self.world = there
        self.scenario = scenario
        self.calls: list[Call] = []
        self.requests: list[Any] = []
        self.parts: int | None = None
        """How many more parts a producer may write; None if there is no limit."""
        self.limits = {"drain_timeout": 0.01}
        if scenario.end == "silence":
            self.limits["body_timeout"] = 0.1
        self.client: Any
        self.site: Any

    def record(self, *call: Any) -> None:
        self.calls.append(call)

    def do(self, hook: str, request: Any) -> None:
        """Act in a hook, the first time, and record the result."""
        if hook != self.scenario.hook or any(call[0] == "did" for call in self.calls):
            return
        self.record("did", self.scenario.deed)
        deeds: dict[str, Callable[[], object]] = {
            "unregister": request.unregisterProducer,
            "finish": request.finish,
            "write": lambda: request.write(b"more"),
            "unregister and finish": lambda: (request.unregisterProducer(), request.finish()),
            "register": lambda: request.registerProducer(Producer(self, request), True),
            "register instead": lambda: (
                request.unregisterProducer(),
                request.registerProducer(Producer(self, request), True),
            ),
            "close": request.loseConnection,
            "close transport": lambda: request.transport.loseConnection(),
            "abort": lambda: request.transport.abortConnection(),
            "register with transport": lambda: request.transport.registerProducer(Producer(self, request), True),
            "notify": lambda: self.watch(request),
        }
        try:
            deeds[self.scenario.deed]()
        except (AttributeError, RuntimeError, ValueError) as error:
            self.record("raised", type(error).__name__)

    def watch(self, request: Any) -> None:
        request.notifyFinish().addCallbacks(
            lambda _: self.record("finished"), lambda failure: self.errback(request, failure)
        )

    def errback(self, request: Any, failure: Any) -> None:
        self.record("errback", failure.type.__name__)
        self.do("errback", request)

    def begin(self, request: Any) -> None:
        """Begin to handle a request that may be incomplete."""
        self.requests.append(request)
        self.watch(request)
        if self.scenario.kind != "none":
            request.registerProducer(Producer(self, request), self.scenario.kind == "push")
        if self.scenario.end.startswith("handler: "):
            self.act(request)

    def act(self, request: Any) -> None:
        """End the connection by the program itself."""
        # Twisted's transport closes when its buffer is empty and its producer is not paused. With a producer that never
        # stops, this may take many iterations, so the number of further parts is limited.
        self.parts = 1000
        channel = request.channel
        calls: dict[str, Callable[[], object]] = {
            "channel.loseConnection": channel.loseConnection,
            "request.loseConnection": request.loseConnection,
            "transport.loseConnection": request.transport.loseConnection,
            "transport.abortConnection": request.transport.abortConnection,
            "channel.forceAbortClient": channel.forceAbortClient,
        }
        calls[self.scenario.end.rpartition(" ")[2]]()

    def serve(self, transport: str, way: str, folder: Path) -> None:
        run = self

        class OwnRequest(Request):
            def gotLength(self, length: Any) -> None:
                super().gotLength(length)
                if run.scenario.phase == "body":
                    run.begin(self)

            def connectionLost(self, reason: Any) -> None:
                run.record("connectionLost", reason.type.__name__)
                super().connectionLost(reason)
                run.do("connectionLost", self)

        class Page(resource.Resource):
            isLeaf = True

            def render_GET(self, request: Any) -> Any:
                if run.scenario.phase == "during":
                    request.write(b"part")
                run.begin(request)
                if run.scenario.phase == "after":
                    request.finish()
                if run.scenario.end == "error":
                    raise ZeroDivisionError
                return NOT_DONE_YET

        base: Any = {"stock": http.HTTPChannel, "fed": FedChannel}.get(way, HTTPChannel)

        class Channel(base):  # type: ignore[misc] # Any is what it is
            limits = run.limits

            def connectionLost(self, reason: Any) -> None:
                run.record("channel lost", reason.type.__name__)
                super().connectionLost(reason)

        site = self.site = Site(
            Page(), reactor=self.world.reactor, timeout=0.1 if self.scenario.end == "silence" else 60
        )
        site.displayTracebacks = False
        site.requestFactory = OwnRequest
        site.log = lambda request: None  # type: ignore[method-assign]
        site.protocol = lambda: http._GenericHTTPChannelProtocol(Channel())  # type: ignore[method-assign]
        port = listen(self.world, site, transport, folder)
        assert way != "accepted" or accelerate_port(port, limits=limits_of(site, self.limits))
        self.client = connect(self.world, port, transport)

    def run(self) -> None:
        scenario, client, until = self.scenario, self.client, self.world.until
        sent = {"body": UPLOAD, "idle": NOTHING}.get(scenario.phase, LAST if scenario.end == "last" else GET)
        client.send(sent * (3 if scenario.end == "pipelined" else 1))
        if scenario.phase != "idle":
            until(lambda: self.requests, "the request")
        self.world.turn(10)
        if scenario.phase in ("during", "after"):
            until(lambda: b"\r\n\r\n" in client.read() or client.ended, "the head of the response")
        match scenario.end:
            case "half-close":
                client.socket.shutdown(SHUT_WR)
            case "close" | "pipelined":
                client.read()
                client.socket.close()
            case "reset":
                client.socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
                client.socket.close()
            case "stop":
                self.world.reactor.fireSystemEvent("shutdown")
            case "stop twice":
                self.world.reactor.fireSystemEvent("shutdown")
                driver = vars(self.site).get("_ropewalk")
                if driver is not None:
                    driver._cut()
            case "error" | "last" | "silence":
                pass
            case end if end.startswith("program: "):
                self.act(self.requests[0])
        until(self.is_over, "the end")
        lost = [call[0] for call in self.calls].index("channel lost")
        self.world.turn(10)
        assert ("resumed",) not in self.calls[lost:], "a producer was called after the end"
        # With an incomplete response, the engine resets the connection at a stop.
        if client.socket.fileno() >= 0 and not scenario.end.startswith("stop"):
            until(lambda: client.read() is None or client.ended, "the end for the client")
            self.record("client", "reset" if client.reset else "end")

    def is_over(self) -> bool:
        if self.client.socket.fileno() >= 0:
            self.client.read()
        return any(call[0] == "channel lost" for call in self.calls)


class Producer:
    """Writes a part in each call, and records its other calls."""

    def __init__(self, run: ScenarioRun, request: Any) -> None:
        self._run, self._request = run, request

    def resumeProducing(self) -> None:
        run = self._run
        run.record("resumed")
        if run.scenario.phase == "during" and run.parts != 0:
            run.parts = None if run.parts is None else run.parts - 1
            self._request.write(b"x" * 100)

    def pauseProducing(self) -> None:
        """Do nothing. The parts are written in `resumeProducing`."""

    def stopProducing(self) -> None:
        request = self._request
        self._run.record("stopProducing", request.channel is not None, request._disconnected)
        self._run.do("stopProducing", request)


class TLSClient(Client):
    """A client over TLS, after the handshake."""

    socket: Any

    def __init__(self, there: World, port: Any) -> None:
        super().__init__(there, port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, do_handshake_on_connect=False)
        there.until(self._shakes_hands, "the handshake")

    def _shakes_hands(self) -> bool:
        try:
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    def read(self) -> bytes:
        try:
            return super().read()
        except ssl.SSLWantReadError:
            return self.received
        except ssl.SSLError:  # an end without close_notify
            self.ended = True
            return self.received


class UNIXClient(Client):
    """A client over a UNIX socket."""

    def __init__(self, there: World, port: Any) -> None:
        self._world = there
        self.socket = socket(AF_UNIX)
        self.socket.connect(port.getHost().name)
        self.socket.setblocking(False)
        self.received = b""
        self.ended = self.reset = False


def listen(there: World, site: Site, transport: str, folder: Path) -> Any:
    """Return a listening Twisted port."""
    match transport:
        case "unix":
            port = there.reactor.listenUNIX(f"{folder}/socket", site)
        case "tls":
            write_certificate(folder)
            context = DefaultOpenSSLContextFactory(f"{folder}/key.pem", f"{folder}/certificate.pem")
            port = there.reactor.listenSSL(0, site, context, interface="127.0.0.1")
        case _:
            factory = WrappingFactory(site) if transport == "wrapped" else site
            port = there.reactor.listenTCP(0, factory, interface="127.0.0.1")
    there._ports.append(port)
    return port


def connect(there: World, port: Any, transport: str) -> Client:
    kinds: dict[str, Callable[..., Client]] = {"unix": UNIXClient, "tls": TLSClient}
    made = (
        kinds[transport](there, port)
        if transport == "unix"
        else kinds.get(transport, Client)(there, port.getHost().port)
    )
    there._clients.append(made)
    return made


def calls_in(scenario: Scenario, transport: str, way: str) -> list[Call]:
    """Return the calls of the program in a scenario, without repeated `resumeProducing`."""
    with tempfile.TemporaryDirectory() as folder, world() as there:
        run = ScenarioRun(there, scenario)
        run.serve(transport, way, Path(folder))
        run.run()
        return [call for call in run.calls if call != ("resumed",)]


@cache
def calls_of_twisted(scenario: Scenario, transport: str) -> tuple[Call, ...]:
    return tuple(calls_in(scenario, transport, "stock"))
