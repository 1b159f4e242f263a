"""Applications that close the transport themselves. As on twisted.web, no later request is served."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.carriers import CARRIERS, Carrier, beside, dateless
from tests.unit.dropin.world import World
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

REQUESTS = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(3))
UPLOADS = b"".join(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" % number for number in range(3))


class Closing(Resource):
    """Closes the transport at the second request."""

    isLeaf = True

    def __init__(self, close: Callable[[Any], Any]) -> None:
        super().__init__()
        self._close = close
        self.served: list[bytes] = []

    def render(self, request: Any) -> Any:
        self.served.append(request.path)
        return self._close(request) if request.path == b"/1" else request.path


def then_respond(request: Any) -> bytes:
    request.transport.loseConnection()
    return b"last"


def then_write(request: Any) -> int:
    request.write(b"la")
    request.transport.loseConnection()
    request.write(b"st")
    request.finish()
    return NOT_DONE_YET


@pytest.mark.parametrize("said", [REQUESTS, UPLOADS], ids=["requests", "uploads"])
@pytest.mark.parametrize("close", [then_respond, then_write])
# No comparison for TLS, because stock Twisted never closes it in these cases.
@pytest.mark.parametrize("name", [name for name in CARRIERS if name != "tls"])
def test_later_pipelined_requests_are_not_served(
    there: World, tmp_path: Path, name: str, close: Callable[[Any], Any], said: bytes
) -> None:
    def act(carrier: Carrier) -> Any:
        page = Closing(close)
        site = Site(page, reactor=there.reactor)
        site.log = lambda request: None  # type: ignore[method-assign]
        client = carrier.serve(site).connect()
        client.send(said)
        return dateless(client.rest()), page.served

    stock, ours = beside(there, name, tmp_path, act)
    assert stock[1] == [b"/0", b"/1"]
    assert ours == stock
