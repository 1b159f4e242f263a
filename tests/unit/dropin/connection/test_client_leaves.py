"""Connections whose client leaves while the application uses the transport end as on Twisted's transports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.carriers import Carrier, beside
from tests.unit.dropin.connection.sites import Echo, serve, site
from tests.unit.dropin.world import Client, World, in_thread
from tests.versions import needs_websocket
from twisted.web.server import NOT_DONE_YET

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
SOCKETS = ("accepted", "adopted")
"""Ways in which the engine gets the socket."""


class Push:
    """A push producer that writes nothing."""

    def __init__(self) -> None:
        self.paused = False
        self.stopped = False

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False

    def stopProducing(self) -> None:
        self.stopped = True


def switch(request: Any) -> None:
    request.setResponseCode(101)
    request.write(b"")


def write_raw(request: Any) -> None:
    request.channel.write(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize("use", [switch, write_raw])
@pytest.mark.parametrize("leave", ["FIN", "close"])
@pytest.mark.parametrize("more", [b"", b"more"])
def test_bytes_after_a_raw_response_do_not_hide_the_end(
    there: World, way: str, use: Callable[[Any], None], leave: str, more: bytes
) -> None:
    lost: list[Any] = []

    def render(request: Any) -> int:
        request.notifyFinish().addErrback(lost.append)
        use(request)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET + GET)
    client.until(b"\r\n\r\n")
    client.send(more)
    there.turn()
    _leave(client, leave)
    there.until(lambda: lost, "connectionLost")


@pytest.mark.parametrize("use", [switch, write_raw])
@pytest.mark.parametrize("way", SOCKETS)
def test_bytes_before_the_protocol_are_delivered_to_it(there: World, way: str, use: Callable[[Any], None]) -> None:
    requests: list[Any] = []

    def render(request: Any) -> int:
        use(request)
        requests.append(request)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET + b"one ")
    client.until(b"\r\n\r\n")
    client.send(b"two ")
    there.turn()
    request = requests[0]
    protocol = request.transport.protocol = Echo()
    protocol.makeConnection(request.transport)
    there.turn()
    client.send(b"six")
    assert client.until(b"SIX") == b"ONE TWO SIX"
    assert request.content.read() == b""


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("name", ["accepted", "adopted", "unix"])
def test_a_producer_that_is_not_paused_does_not_delay_the_close(
    there: World, tmp_path: Path, name: str, raw: bool
) -> None:
    def act(carrier: Carrier) -> tuple[bytes, bool]:
        producer = Push()

        def render(request: Any) -> int:
            transport = request.transport
            transport.unregisterProducer()
            transport.registerProducer(producer, True)
            (transport if raw else request.channel).write(b"whole")
            transport.loseConnection()
            return NOT_DONE_YET

        client = carrier.serve(site(there, render)).connect()
        client.send(GET)
        received = client.rest()
        there.until(lambda: producer.stopped, "stopProducing")
        return received, client.reset

    stock, ours = beside(there, name, tmp_path, act)
    assert ours == stock == (b"whole", False)


@pytest.mark.parametrize("way", SOCKETS)
def test_a_paused_producer_delays_the_close_until_it_is_resumed(there: World, way: str) -> None:
    producer = Push()
    paused: list[bool] = []

    def render(request: Any) -> int:
        transport = request.transport
        transport.unregisterProducer()
        transport.registerProducer(producer, True)
        transport.write(b"x" * 8_000_000)
        transport.loseConnection()
        paused.append(producer.paused)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET)
    assert len(client.rest()) == 8_000_000
    assert paused == [True]
    assert not producer.paused
    assert not client.reset


@pytest.mark.parametrize("leave", ["FIN", "close"])
def test_the_end_of_a_request_resumes_reading(there: World, way: str, leave: str) -> None:
    lost: list[Any] = []
    paths: list[bytes] = []

    def render(request: Any) -> Any:
        paths.append(request.path)
        request.notifyFinish().addErrback(lost.append)
        if request.path == b"/":
            request.transport.pauseProducing()
            return b"first"
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET + POST)
    client.until(b"first")
    client.send(b"body")
    there.until(lambda: b"/next" in paths, "the second request")
    _leave(client, leave)
    there.until(lambda: lost, "connectionLost")


@pytest.mark.parametrize("way", SOCKETS)
def test_the_end_of_a_request_resumes_another_protocol(there: World, way: str) -> None:
    protocol = Echo()

    def render(request: Any) -> int:
        transport = request.transport
        transport.pauseProducing()
        transport.protocol = protocol
        protocol.makeConnection(transport)
        request.channel.requestDone(request)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET + b"word")
    client.until(b"WORD")
    client.socket.close()
    there.until(lambda: protocol.lost, "connectionLost")


def finish(request: Any) -> None:
    request.write(b"whole")
    request.finish()


def write_whole(request: Any) -> None:
    request.setHeader(b"Content-Length", b"5")
    request.write(b"whole")


@needs_websocket
@pytest.mark.parametrize("respond", [finish, write_whole])
def test_an_upgrade_after_a_response_leaves_nothing_in_the_engine(there: World, respond: Callable[[Any], None]) -> None:
    protocol = Echo()
    engines: list[Any] = []
    raised: list[Exception] = []

    def render(request: Any) -> int:
        channel = request.channel
        engines.append(channel._factory_engine.engine)
        respond(request)
        try:
            channel._protocolUpgradeForWebsockets(protocol)
        except Exception as error:  # noqa: BLE001 - programs expect no exception of any class here
            raised.append(error)
        return NOT_DONE_YET

    client = serve(there, "fed", render)
    client.send(GET + GET)
    there.until(lambda: b"whole" in client.read(), "the response")
    there.turn()
    client.socket.close()
    there.until(lambda: protocol.lost, "connectionLost")
    assert raised == []
    assert (engines[0].running_exchanges, engines[0].connections) == (0, 0)
    assert len(engines) == 1


@needs_websocket
def test_an_upgrade_by_a_thread_leaves_nothing_in_the_engine(there: World, way: str) -> None:
    protocol = Echo()
    engines: list[Any] = []
    raised: list[Exception] = []

    def work(request: Any) -> None:
        try:
            request.channel._protocolUpgradeForWebsockets(protocol)
        except Exception as error:  # noqa: BLE001 - programs expect no exception of any class here
            raised.append(error)

    def render(request: Any) -> int:
        engines.append(request.channel._factory_engine.engine)
        in_thread(work, request)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: protocol.transport or raised, "the upgrade")
    client.send(b"word")
    client.until(b"WORD")
    client.socket.close()
    there.until(lambda: protocol.lost, "connectionLost")
    assert raised == []
    there.until(lambda: engines[0].connections == 0, "the end in the engine")
    assert engines[0].running_exchanges == 0


def _leave(client: Client, how: str) -> None:
    if how == "FIN":
        client.socket.shutdown(1)
    else:
        client.socket.close()
