"""Adds a `Host` to the requests of Synapse's tests that lack it, which HTTP/1.1 requires (RFC 9112, section 3.2)."""

from collections.abc import Callable

from synapse.http.site import SynapseProtocol
from tests.http import test_site

LINE = b"POST / HTTP/1.1\r\n"


class RequestsWithHost(test_site.SynapseRequestTestCase):
    """The tests of `SynapseRequestTestCase`, with a Host in their requests."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(SynapseProtocol, "dataReceived", with_host(SynapseProtocol.dataReceived))


def with_host(receive: Callable[[SynapseProtocol, bytes], None]) -> Callable[[SynapseProtocol, bytes], None]:
    """Wrap `dataReceived` of a channel so that it adds a `Host` after each request line."""

    def received(channel: SynapseProtocol, data: bytes) -> None:
        receive(channel, data.replace(LINE, LINE + b"Host: localhost\r\n"))

    return received
