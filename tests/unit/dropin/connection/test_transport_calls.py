"""Programs that use the transport while they respond send the same bytes as on Twisted, and get no exception."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.carriers import Carrier, beside, dateless
from tests.unit.dropin.connection.sites import Echo, serve, site
from tests.unit.dropin.world import WAYS, World, in_thread
from twisted.web.server import NOT_DONE_YET

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def write_between(request: Any) -> None:
    transport = request.transport
    request.write(b"one")
    transport.write(b"two")
    request.write(b"three")
    request.finish()
    transport.loseConnection()


def write_last(request: Any) -> None:
    request.setHeader(b"Content-Length", b"3")
    request.write(b"one")
    request.transport.write(b"two")
    request.channel.loseConnection()


def switch(request: Any) -> None:
    request.write(b"one")
    protocol = Echo()
    request.transport.protocol = protocol
    protocol.makeConnection(request.transport)
    request.transport.write(b"two")
    request.transport.unregisterProducer()
    request.transport.loseConnection()


@pytest.mark.parametrize("use", [write_between, write_last, switch])
@pytest.mark.parametrize("name", ["accepted", "adopted", "unix", "adopted unix"])
def test_the_transport_is_written_to_within_a_response(
    there: World, tmp_path: Path, name: str, use: Callable[[Any], None]
) -> None:
    def act(carrier: Carrier) -> bytes:
        def render(request: Any) -> int:
            use(request)
            return NOT_DONE_YET

        client = carrier.serve(site(there, render)).connect()
        client.send(GET)
        return dateless(client.rest())

    stock, ours = beside(there, name, tmp_path, act)
    assert b"one" in stock
    assert b"two" in stock
    assert ours == stock


def write(request: Any) -> None:
    request.transport.write(b"late")


def switch_late(request: Any) -> None:
    request.transport.protocol = Echo()


def close_channel(request: Any) -> None:
    request.transport.write(b"late")
    request.channel.loseConnection()


def end_request(request: Any) -> None:
    request.channel.requestDone(request)


@pytest.mark.parametrize("use", [write, switch_late, close_channel, end_request])
def test_an_aborted_transport_may_be_used(there: World, way: str, use: Callable[[Any], None]) -> None:
    raised: list[Exception] = []

    def render(request: Any) -> int:
        request.transport.abortConnection()
        try:
            use(request)
        except Exception as error:  # noqa: BLE001 - programs expect no exception of any class here
            raised.append(error)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest() == b""
    assert raised == []


@pytest.mark.parametrize("way", [way for way in WAYS if way != "fed"])  # from here, Twisted's transport does not read
def test_requests_after_a_response_on_the_transport_are_dropped(there: World, way: str, log: Any) -> None:
    transports: list[Any] = []

    def render(request: Any) -> int:
        request.transport.write(b"response")
        transports.append(request.transport)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.send(GET + GET)
    client.until(b"response")
    client.send(GET)
    there.turn()
    transports[0].write(b" and more")
    transports[0].loseConnection()
    assert client.rest() == b" and more"
    assert not client.reset
    assert "failed" not in log.text
    assert len(transports) == 1


def test_a_thread_sends_a_101(there: World, way: str) -> None:
    raised: list[Exception] = []

    def work(request: Any) -> None:
        request.setResponseCode(101)
        request.setHeader(b"Upgrade", b"echo")
        try:
            request.write(b"")
        except Exception as error:  # noqa: BLE001 - programs expect no exception of any class here
            raised.append(error)

    def render(request: Any) -> int:
        in_thread(work, request)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: raised or client.read().endswith(b"\r\n\r\n"))
    assert raised == []
    assert client.received.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
