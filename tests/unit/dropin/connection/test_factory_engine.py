"""The engine below a factory: its ports, its log, and its end."""

import socket
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Echo, Page, serve, site
from tests.unit.dropin.world import World
from twisted.application.internet import StreamServerEndpointService
from twisted.internet.defer import succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.python.logfile import BaseLogFile
from twisted.web import http, server
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk._engine import Limits
from ropewalk.dropin import HTTPChannel, accelerate_port


def test_the_site_s_log_has_a_line_for_each_request(there: World, way: str, tmp_path: Path) -> None:
    factory = Site(Page(lambda request: request.path), reactor=there.reactor, logPath=str(tmp_path / "access.log"))
    client = there.connect(there.listen(factory, way))
    for path in ("/1", "/2", "/3"):
        client.get(path)
    client.until(b"\r\n\r\n/3")
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split('"')[3] for line in lines] == [f"GET /{number} HTTP/1.1" for number in (1, 2, 3)]


def test_a_log_that_cannot_be_written_does_not_end_the_service(there: World, log: Any) -> None:
    class Full(BaseLogFile):
        def __init__(self) -> None:
            """Do not open a file."""

        def write(self, data: Any) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            """Do nothing. `stopFactory` calls this."""

    factory = Site(Page(lambda request: request.path), reactor=there.reactor)
    client = there.connect(there.listen(factory))
    factory._logFile = Full()
    for path in ("/1", "/2"):
        client.get(path)
        client.until(path.encode())
    assert "No space left" in log.text or "are lost" in log.text


def test_a_port_is_accelerated_once(there: World) -> None:
    port = there.listen(site(there, lambda _: b"once"))
    assert accelerate_port(port)
    client = there.connect(port)
    client.get()
    client.until(b"once")
    address = "127.0.0.1", port.getHost().port
    port.stopListening()
    there.until(lambda: not port.connected)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_sockets_of_factories_that_build_other_protocols_go_back_to_twisted(there: World) -> None:
    class Odd(http.HTTPFactory):
        def buildProtocol(self, addr: Any) -> Any:
            return Echo()

    client = there.connect(there.listen(Odd(reactor=there.reactor)))
    client.send(b"not http")
    client.until(b"NOT HTTP")


def test_factories_that_build_no_protocol(there: World) -> None:
    class Shut(http.HTTPFactory):
        def buildProtocol(self, addr: Any) -> Any:
            return None

    client = there.connect(there.listen(Shut(reactor=there.reactor)))
    assert client.rest() == b""


def test_sites_with_channels_of_their_own(there: World) -> None:
    made: list[Any] = []

    class Own(HTTPChannel):
        def connectionMade(self) -> None:
            super().connectionMade()
            made.append("made")

        def connectionLost(self, reason: Any = None) -> None:
            super().connectionLost(reason)
            made.append(reason.type)

    class OwnSite(Site):
        def buildProtocol(self, addr: Any) -> Any:
            channel = Own()
            channel.factory = channel.site = self
            channel.requestFactory = server.Request
            return channel

    factory = OwnSite(Page(lambda _: b"own"), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(factory))
    client.get()
    client.until(b"own")
    client.socket.close()
    there.until(lambda: len(made) == 2)
    assert made == ["made", ConnectionDone]


def test_timers_do_not_keep_the_context_of_a_request(there: World) -> None:
    """An asyncio reactor runs a timer in the context in which it was set. The timer may serve other requests."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    waiting: list[Any] = []

    def render(request: Any) -> Any:
        waiting.append(request)
        return NOT_DONE_YET

    client = there.connect(there.listen(site(there, render), limits=Limits(head_timeout=60, write_timeout=10)))
    client.get()
    there.until(lambda: waiting)
    seen: list[str] = []
    call_later = there.reactor.callLater

    def record(*args: Any) -> Any:
        seen.append(variable.get())
        return call_later(*args)

    there.reactor.callLater = record
    context = copy_context()
    context.run(variable.set, "of a request")
    # The socket does not accept so much, so the engine sets the timer of its write timeout.
    context.run(waiting[0].write, bytes(10_000_000))
    assert seen == ["unset"]


def test_a_service_and_the_reactor_stop_a_port(there: World) -> None:
    factory = site(there, lambda _: b"served")
    port = there.listen(factory)
    service = StreamServerEndpointService(TCP4ServerEndpoint(there.reactor, 0), factory)
    service._waitingForPort = succeed(port)
    outcomes: list[Any] = []
    there.reactor.addSystemEventTrigger("before", "shutdown", lambda: service.stopService().addBoth(outcomes.append))
    there.reactor.fireSystemEvent("shutdown")
    there.until(lambda: outcomes)
    assert not isinstance(outcomes[0], Failure)
    assert factory.numPorts == 0


def test_running_requests_are_finished_before_the_reactor_stops(there: World, way: str) -> None:
    waiting: list[Any] = []

    def render(request: Any) -> Any:
        waiting.append(request)
        return NOT_DONE_YET

    factory = site(there, render)
    port = there.listen(factory, way)
    client, idle = there.connect(port), there.connect(port)
    idle.get()
    there.until(lambda: waiting)
    waiting.pop().finish()
    idle.until(b"0\r\n\r\n")
    client.get()
    there.until(lambda: waiting)
    if way == "fed":
        pytest.skip("Twisted's own sockets are closed by Twisted")
    stopped: list[Any] = []
    there.reactor.addSystemEventTrigger("during", "shutdown", stopped.append, "stopped")
    there.reactor.fireSystemEvent("shutdown")
    assert idle.rest() == b""
    assert not stopped
    waiting[0].write(b"whole")
    waiting[0].finish()
    assert b"5\r\nwhole\r\n0\r\n\r\n" in client.rest()
    there.until(lambda: stopped)
    assert not port.connected


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_event_streams_do_not_delay_a_shutdown(there: World, kind: bytes) -> None:
    def render(request: Any) -> Any:
        request.setHeader(b"Content-Type", kind)
        request.write(b"data: 1\n\n")
        return NOT_DONE_YET

    client = serve(there, "accepted", render)
    client.get()
    client.until(b"data: 1\n\n\r\n")
    there.reactor.fireSystemEvent("shutdown")
    assert client.rest() == b""


def test_nothing_is_left_in_the_reactor_without_connections(there: World, way: str) -> None:
    factory = site(there, lambda _: b"hello")
    port = there.listen(factory, way)
    client = there.connect(port)
    client.get()
    client.until(b"hello")
    port.stopListening()
    there.until(lambda: not port.connected)
    client.get()
    client.until(b"hello")
    client.socket.close()
    there.until(lambda: there.left()[0] == set(), "a reactor without readers")
