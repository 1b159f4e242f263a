"""Requests that are pipelined before an upgrade, in one segment: their responses come before the 101."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.carriers import CARRIERS, Carrier
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.connection.test_upgrade import GET, HEAD, UPGRADE, Shouting, by_websocket
from tests.unit.dropin.world import World
from tests.versions import with_websocket
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import accelerate

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted causes this warning


def give(transport: Any, protocol: Shouting) -> None:
    """Upgrade like Autobahn."""
    setattr(transport, "wrappedProtocol" if isinstance(transport, ProtocolWrapper) else "protocol", protocol)
    protocol.makeConnection(transport)


def by_channel(request: Any, protocol: Shouting) -> None:
    transport, request.channel.transport = request.channel.transport, None
    give(transport, protocol)
    transport.write(HEAD)


def by_request(request: Any, protocol: Shouting) -> None:
    transport, request.transport = request.transport, None
    give(transport, protocol)
    transport.write(HEAD)
    request.channel._networkProducer.resumeProducing()


def by_response(request: Any, protocol: Shouting) -> None:
    request.setResponseCode(101)
    request.setHeader(b"Upgrade", b"shouting")
    request.write(b"")
    transport, request.transport = request.transport, None
    give(transport, protocol)
    request._cleanup()


STYLES = (by_channel, by_request, by_response, with_websocket(by_websocket))


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CARRIERS)
def test_responses_come_before_the_101(
    there: World, tmp_path: Path, name: str, style: Callable[..., None], before: int
) -> None:
    protocol = Shouting()

    def render(request: Any) -> Any:
        if request.path != b"/up":
            return b"a page"
        style(request, protocol)
        return NOT_DONE_YET

    site = Site(Page(render), reactor=there.reactor)
    site.log = lambda request: None  # type: ignore[method-assign]
    client = Carrier(there, name, tmp_path).serve(site).connect()
    client.send(GET * before + UPGRADE)
    there.until(lambda: b" 101 " in client.read() and client.received.endswith(b"\r\n\r\n"), "the upgrade")
    pages, _, head = bytes(client.received).partition(b"HTTP/1.1 101 ")
    assert pages.count(b"HTTP/1.1 200 OK\r\n") == pages.count(b"\r\n\r\na page") == before
    assert b"a page" not in head
    client.received = b""
    client.send(b"word")
    client.until(b"[WORD]")


def test_a_response_that_is_finished_later(there: World, tmp_path: Path) -> None:
    waiting: list[Any] = []
    protocol = Shouting()

    def render(request: Any) -> Any:
        if request.path != b"/up":
            waiting.append(request)
        else:
            STYLES[0](request, protocol)
        return NOT_DONE_YET

    site = accelerate(Site(Page(render), reactor=there.reactor))
    site.log = lambda request: None  # type: ignore[method-assign]
    client = Carrier(there, "tls", tmp_path).serve(site).connect()
    client.send(GET + UPGRADE)
    there.until(lambda: waiting, "the first request")
    waiting[0].write(b"a page")
    waiting[0].finish()
    there.until(lambda: b" 101 " in client.read(), "the upgrade")
    assert client.received.index(b"a page") < client.received.index(b" 101 ")
