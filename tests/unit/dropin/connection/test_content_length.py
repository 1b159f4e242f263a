"""Bodies longer than their Content-Length: the client gets the announced length, as on stock Twisted, and no more."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.carriers import CARRIERS, Carrier, beside, dateless
from tests.unit.dropin.connection.test_producers import HIGH, site
from tests.unit.dropin.mounts import Served, mount, pass_on
from tests.unit.dropin.world import World
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.web import static
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from ropewalk import App
from ropewalk.errors import BeyondLength

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted causes this warning

LENGTH = 3 * HIGH + 10
BODY = bytes(range(256)) * (LENGTH // 256 + 1)
BODY = BODY[:LENGTH]
MORE = b"what is too much" * 10


@pytest.fixture
def refusals() -> Iterator[list[str]]:
    """The events that are logged with a BeyondLength."""
    logged: list[str] = []

    @implementer(ILogObserver)
    def look(event: Any) -> None:
        if "log_failure" in event and event["log_failure"].check(BeyondLength):
            logged.append(event["log_format"])

    globalLogPublisher.addObserver(look)
    yield logged
    globalLogPublisher.removeObserver(look)


def written(*parts: bytes) -> Callable[[Any], Any]:
    """Return a page that writes these parts."""

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"%d" % LENGTH)
        for part in parts:
            request.write(part)
        request.finish()
        return NOT_DONE_YET

    return render


PAGES = {
    "at once": written(BODY + MORE),
    "in the last part": written(BODY[:HIGH], BODY[HIGH:] + MORE),
    "after the last part": written(BODY, MORE),
    "in many parts": written(BODY[:10], *[BODY[10:] + MORE] * 20),
}


def get(carrier: Carrier) -> bytes:
    client = carrier.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    received = dateless(client.rest())
    client.socket.close()
    return received


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", CARRIERS)
def test_the_client_gets_this_length(there: World, tmp_path: Path, name: str, page: str, refusals: list[str]) -> None:
    def ask(carrier: Carrier) -> bytes:
        return get(carrier.serve(site(there, PAGES[page])))

    stock, engine = beside(there, name, tmp_path, ask)
    head, _, body = stock.partition(b"\r\n\r\n")
    assert body.startswith(BODY)
    assert len(body) > LENGTH
    assert engine == head + b"\r\n\r\n" + BODY
    assert refusals == ["{channel} drops the bytes beyond the Content-Length."]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", CARRIERS)
def test_the_connection_is_closed(there: World, tmp_path: Path, name: str, page: str, refusals: list[str]) -> None:
    """After a body that is too long, the connection is closed and not used for another response, because later writes
    of the application cannot be checked."""
    carrier = Carrier(there, name, tmp_path).serve(site(there, PAGES[page]))
    client = carrier.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
    received = client.rest()
    client.socket.close()
    assert received.partition(b"\r\n\r\n")[2] == BODY
    assert len(refusals) == 1


class Growing(static.File):
    """A file that grows after its length has been sent."""

    def makeProducer(self, request: Any, fileForReading: Any) -> Any:
        producer = super().makeProducer(request, fileForReading)
        with Path(self.path).open("ab") as file:
            file.write(MORE)
        return producer


@pytest.mark.parametrize("name", CARRIERS)
def test_file_that_grows(there: World, tmp_path: Path, name: str, refusals: list[str]) -> None:
    def ask(carrier: Carrier) -> bytes:
        file = tmp_path / "file"
        file.write_bytes(BODY)
        return get(carrier.serve(site(there, Growing(str(file)).render)))

    stock, engine = beside(there, name, tmp_path, ask)
    assert stock.endswith(BODY + MORE)
    assert engine.partition(b"\r\n\r\n")[2] == BODY
    assert len(refusals) == 1


@pytest.fixture
def serve(there: World) -> Iterator[Callable[[App], Served]]:
    """Serve apps, until the test ends."""
    served: list[Served] = []

    def serve(app: App) -> Served:
        served.append(Served(there, app))
        return served[-1]

    yield serve
    for each in served:
        each.close()


@pytest.mark.parametrize("through", [(), (pass_on,)], ids=["mounted", "with a middleware"])
@pytest.mark.parametrize("page", PAGES)
def test_mounted(serve: Callable[[App], Served], page: str, through: Any, refusals: list[str]) -> None:
    client = serve(mount(PAGES[page], middleware=through)).connect()
    client.get("/legacy", "Connection: close")
    assert client.rest().partition(b"\r\n\r\n")[2] == BODY
    assert refusals == ["{channel} drops the bytes beyond the Content-Length."]


def test_mounted_file_that_grows(serve: Callable[[App], Served], tmp_path: Path, refusals: list[str]) -> None:
    (tmp_path / "file").write_bytes(BODY)
    client = serve(mount(Growing(str(tmp_path)))).connect()
    client.get("/legacy/file")
    client.until(BODY)
    client.get("/legacy/nothing", "Connection: close")
    assert client.rest().startswith(b"HTTP/1.1 404 ")
    assert len(refusals) == 1


def test_mounted_endless_producer_is_stopped(there: World, serve: Callable[[App], Served], refusals: list[str]) -> None:
    stopped: list[bool] = []
    client = serve(mount(endless(stopped))).connect()
    client.get("/legacy")
    assert client.until(BODY)
    there.until(lambda: stopped, "the end of the producer")
    assert len(refusals) == 1


def endless(stopped: list[bool]) -> Callable[[Any], Any]:
    """Return a page with an endless producer."""

    class Endless:
        def __init__(self, request: Any) -> None:
            self.request = request

        def resumeProducing(self) -> None:
            self.request.write(BODY)

        def stopProducing(self) -> None:
            stopped.append(True)

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"%d" % LENGTH)
        request.registerProducer(Endless(request), False)
        return NOT_DONE_YET

    return render


def test_endless_producer_is_stopped(there: World, tmp_path: Path, refusals: list[str]) -> None:
    """The producer is stopped because its connection has ended."""
    stopped: list[bool] = []
    carrier = Carrier(there, "accepted", tmp_path).serve(site(there, endless(stopped)))
    client = carrier.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    received = client.rest()
    client.socket.close()
    assert received.partition(b"\r\n\r\n")[2] == BODY
    there.until(lambda: stopped, "the end of the producer")
    assert len(refusals) == 1
