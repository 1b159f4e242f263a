"""Those tests of Synapse's whose requests lack the `Host` that HTTP/1.1 asks for (RFC 9112, section 3.2), with one."""

from collections.abc import Callable

from synapse.http.site import SynapseProtocol
from tests.http import test_site

LINE = b"POST / HTTP/1.1\r\n"


class RequestsWithHost(test_site.SynapseRequestTestCase):
    """The same tests."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(SynapseProtocol, "dataReceived", with_host(SynapseProtocol.dataReceived))


def with_host(receive: Callable[[SynapseProtocol, bytes], None]) -> Callable[[SynapseProtocol, bytes], None]:
    """Have a channel receive a `Host` after each request line."""

    def received(channel: SynapseProtocol, data: bytes) -> None:
        receive(channel, data.replace(LINE, LINE + b"Host: localhost\r\n"))

    return received
