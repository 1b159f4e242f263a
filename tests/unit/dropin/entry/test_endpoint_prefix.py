"""The endpoint prefix `ropewalk:`."""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.server.program import write_certificate
from tests.versions import collect_unbound_sockets
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import _SystemdParser, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.internet.protocol import ServerFactory
from twisted.internet.testing import MemoryReactorClock
from twisted.plugin import getPlugins
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from twisted.python.systemd import ListenFDs
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface.verify import verifyObject

import ropewalk
from ropewalk import Limits
from ropewalk.dropin.entry.endpoint_prefix import Endpoint, MalformedEndpoint
from ropewalk.errors import StartError

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world"

LOCAL = "tcp:0:interface=127.0.0.1"


class TwistedPage(Resource):
    """A resource of twisted.web that responds with the module of its channel."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return type(request.channel).__module__.encode()

    def render_POST(self, request: Any) -> bytes:
        return b"%d" % len(request.content.read())


class RopewalkPage(ropewalk.Resource):
    def render_GET(self, request: ropewalk.Request) -> str:
        return "ours"

    def render_POST(self, request: ropewalk.Request) -> str:
        return f"{len(request.content.read())}"


@pytest.fixture
def site(reactor: Any) -> Site:
    return Site(TwistedPage(), reactor=reactor)


@pytest.fixture
def ask(reactor: Any) -> Iterator[Callable[..., bytes]]:
    """Sends bytes on a new connection to a port, and returns everything that the server sends."""
    with ExitStack() as clients:

        def ask(port: Any, request: bytes = GET) -> bytes:
            client = clients.enter_context(connect(port.getHost()))
            client.sendall(request)
            return b"".join(received(reactor, client))

        yield ask


def connect(host: Any) -> socket.socket:
    if isinstance(host, UNIXAddress):
        assert host.name
        client = socket.socket(socket.AF_UNIX)
        client.connect(host.name)
        return client
    return socket.create_connection((host.host, host.port))


def received(reactor: Any, client: socket.socket) -> Iterator[bytes]:
    client.setblocking(False)
    while True:
        reactor.iterate(0.01)
        try:
            data = client.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            continue
        if not data:
            return
        yield data


def result_of(deferred: "Deferred[Any]") -> Any:
    """Return the result of a Deferred that has fired; raise its failure."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def listen(reactor: Any, description: str, factory: Any) -> Any:
    port = result_of(serverFromString(reactor, description).listen(factory))
    assert verifyObject(IListeningPort, port)
    return port


class TestParse:
    @pytest.mark.parametrize(
        ("description", "wrapped", "limits"),
        [
            ("ropewalk:tcp:8080", "tcp:8080", {}),
            ("ropewalk:tcp:8080:interface=127.0.0.1", "tcp:8080:interface=127.0.0.1", {}),
            (r"ropewalk:tcp6:80:interface=\:\:1", r"tcp6:80:interface=\:\:1", {}),
            ("ropewalk:unix:/run/a.sock:mode=660", "unix:/run/a.sock:mode=660", {}),
            (r"ropewalk:unix:/run/a\:b\=c\\d.sock", r"unix:/run/a\:b\=c\\d.sock", {}),
            (r"ropewalk:unix:address=/run/a\:b\\c=d.sock", r"unix:address=/run/a\:b\\c=d.sock", {}),
            ("ropewalk:tcp:port=80:backlog=9", "tcp:port=80:backlog=9", {}),
            ("ropewalk:idle_timeout=30:tcp:80", "tcp:80", {"idle_timeout": 30}),
            (
                "ropewalk:head_timeout=2.5:tcp:80:body_size=1e6:backlog=9",
                "tcp:80:backlog=9",
                {"head_timeout": 2.5, "body_size": 1e6},
            ),
            ("ropewalk:haproxy:tcp:80", "haproxy:tcp:80", {}),
        ],
    )
    def test_well_formed_descriptions(self, description: str, wrapped: str, limits: dict[str, float]) -> None:
        endpoint = serverFromString(MemoryReactorClock(), description)
        assert verifyObject(IStreamServerEndpoint, endpoint)
        assert (endpoint.description, endpoint.limits) == (wrapped, limits)

    def test_arguments_reach_the_endpoint(self) -> None:
        reactor = MemoryReactorClock()
        site = Site(TwistedPage(), reactor=reactor)
        for description in (r"tcp6:80:interface=\:\:1:backlog=7", r"unix:/run/a\:b\=c\\d.sock:mode=660:lockfile=0"):
            serverFromString(reactor, f"ropewalk:head_size=9000:{description}").listen(site)
        assert reactor.tcpServers == [(80, site, 7, "::1")]
        assert reactor.unixServers == [("/run/a:b=c\\d.sock", site, 50, 0o660, False)]

    @pytest.mark.parametrize(
        ("description", "message"),
        [
            ("ropewalk:", "RW720 ropewalk: is malformed: Unknown endpoint type: ''."),
            ("ropewalk", "RW720 ropewalk: is malformed: Unknown endpoint type: ''."),
            ("ropewalk:8080", "RW720 ropewalk:8080 is malformed: Unknown endpoint type: '8080'."),
            ("ropewalk:tpc:80", "RW720 ropewalk:tpc:80 is malformed: Unknown endpoint type: 'tpc'."),
            ("ropewalk:tcp:eighty", "RW720 ropewalk:tcp:eighty is malformed: 'eighty' is not a number."),
            ("ropewalk:tcp:80:1:2:3:4", "RW720 ropewalk:tcp:80:1:2:3:4 is malformed: it has an argument too many"),
            ("ropewalk:tcp", "RW720 ropewalk:tcp is malformed: it lacks the port."),
            ("ropewalk:unix", "RW720 ropewalk:unix is malformed: it lacks the address."),
            ("ropewalk:unix:a:mode=9", "RW720 ropewalk:unix:a:mode=9 is malformed: '9' is not an octal number."),
            ("ropewalk:ropewalk:tcp", "RW720 ropewalk:tcp is malformed: it lacks the port."),
            ("ropewalk:tcp:80:interfce=a", "is malformed: tcp has no option interfce. Did you mean interface?"),
            (
                "ropewalk:systemd:INET:index=0",
                "RW720 ropewalk:systemd:INET:index=0 is malformed: systemd has passed no",
            ),
            (
                "ropewalk:idle_timout=30:tcp:80",
                "RW720 ropewalk:idle_timout=30:tcp:80 is malformed: tcp has no option idle_timout. Did you mean idle",
            ),
            (
                "ropewalk:idle_timeout=soon:tcp:80",
                "RW720 ropewalk:idle_timeout=soon:tcp:80 is malformed: the limit idle_timeout must be a number, not ",
            ),
            (
                "ropewalk:idle_timeout=-1:tcp:80",
                'RW720 ropewalk:idle_timeout=-1:tcp:80 is malformed: The limit "idle_timeout" cannot be -1.',
            ),
            (
                "ropewalk:halfClose=maybe:tcp:80",
                "RW720 ropewalk:halfClose=maybe:tcp:80 is malformed: halfClose must be yes or no, not 'maybe'.",
            ),
            (
                "ropewalk:halfclose=yes:tcp:80:interface=a",
                "RW720 ropewalk:halfclose=yes:tcp:80:interface=a is malformed: tcp has no option halfclose. Did you",
            ),
            ("ropewalk:fd:three", "RW720 ropewalk:fd:three is malformed: 'three' is not a number."),
            ("ropewalk:fd:99999", "RW720 ropewalk:fd:99999 is malformed: there is no descriptor 99999."),
            ("ropewalk:fd", "RW720 ropewalk:fd is malformed: it lacks the descriptor."),
            ("ropewalk:fd:3:mode=6", "RW720 ropewalk:fd:3:mode=6 is malformed: fd has no option mode."),
        ],
    )
    def test_malformed_descriptions(self, description: str, message: str) -> None:
        with pytest.raises(MalformedEndpoint, match=re.escape(message)) as caught:
            serverFromString(MemoryReactorClock(), description)
        assert isinstance(caught.value, StartError)
        assert isinstance(caught.value, ValueError)
        assert 'Write it as "ropewalk:tcp:8080"' in str(caught.value)

    def test_twisted_finds_the_plugin(self) -> None:
        [plugin] = [each for each in getPlugins(IStreamServerEndpointStringParser) if each.prefix == "ropewalk"]
        assert verifyObject(IStreamServerEndpointStringParser, plugin)

    def test_a_search_for_plugins_does_not_import_ropewalk(self) -> None:
        program = (
            "import sys\nfrom twisted.plugin import getPlugins\n"
            "from twisted.internet.interfaces import IStreamServerEndpointStringParser\n"
            "list(getPlugins(IStreamServerEndpointStringParser))\n"
            "assert 'twisted.plugins.ropewalk_dropin' in sys.modules\n"
            "print([name for name in sys.modules if name.startswith('ropewalk')])\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ended.stdout == "[]\n"


class TestListen:
    @pytest.mark.parametrize("description", [LOCAL, r"tcp6:0:interface=\:\:1", "unix:{folder}/a.sock", "fd", "systemd"])
    def test_the_engine_accepts(
        self,
        reactor: Any,
        site: Site,
        ask: Callable[..., bytes],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        description: str,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as inherited:
            if description == "fd":
                description = f"fd:{inherited.fileno()}"
            elif description == "systemd":
                monkeypatch.setattr(_SystemdParser, "_sddaemon", ListenFDs([os.dup(inherited.fileno())]))
                description = "systemd:domain=INET:index=0"
            port = listen(reactor, f"ropewalk:{description.format(folder=tmp_path)}", site)
            assert port not in reactor.getReaders()
            assert site.numPorts == 1
            assert ask(port).endswith(b"\r\n\r\nropewalk.dropin.connection.channel")
            port.stopListening()
            reactor.iterate(0)
            assert site.numPorts == 0

    def test_twisted_accepts_for_a_factory_that_wraps_the_site(
        self, reactor: Any, site: Site, ask: Callable[..., bytes]
    ) -> None:
        port = listen(reactor, f"ropewalk:{LOCAL}", WrappingFactory(site))
        assert port in reactor.getReaders()
        assert ask(port).endswith(b"\r\n\r\nropewalk.dropin.connection.channel")
        port.stopListening()

    def test_combined_with_other_prefixes(self, reactor: Any, site: Site, ask: Callable[..., bytes]) -> None:
        proxied = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"
        for prefixes in ("ropewalk:haproxy", "haproxy:ropewalk", "ropewalk:ropewalk"):
            port = listen(reactor, f"{prefixes}:{LOCAL}", site)
            response = ask(port, proxied + GET if "haproxy" in prefixes else GET)
            assert response.endswith(b"\r\n\r\nropewalk.dropin.connection.channel")
            port.stopListening()

    @pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted causes this warning
    def test_tls(self, reactor: Any, site: Site, tmp_path: Path) -> None:
        write_certificate(tmp_path)
        pem = f"privateKey={tmp_path}/key.pem:certKey={tmp_path}/certificate.pem"
        port = listen(reactor, f"ropewalk:ssl:0:interface=127.0.0.1:{pem}", site)
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        with connect(port.getHost()) as plain:
            plain.setblocking(False)
            with trusting.wrap_socket(plain, do_handshake_on_connect=False) as client:
                while client.version() is None:
                    reactor.iterate(0.01)
                    try:
                        client.do_handshake()
                    except ssl.SSLWantReadError:
                        continue
                client.sendall(GET)
                assert b"".join(received(reactor, client)).endswith(b"\r\n\r\nropewalk.dropin.connection.channel")
        port.stopListening()

    def test_a_site_of_ropewalk(self, reactor: Any, ask: Callable[..., bytes]) -> None:
        for wrap in (lambda site: site, WrappingFactory):
            site = ropewalk.Site(RopewalkPage(), reactor=reactor)
            port = listen(reactor, f"ropewalk:body_size=10:{LOCAL}", wrap(site))
            reactor.fireSystemEvent("startup")
            assert ask(port).endswith(b"\r\n\r\nours")
            assert ask(port, POST).startswith(b"HTTP/1.1 413 ")
            port.stopListening()

    def test_limits(self, reactor: Any, site: Site, ask: Callable[..., bytes]) -> None:
        free = listen(reactor, f"ropewalk:{LOCAL}", Site(TwistedPage(), reactor=reactor))
        assert ask(free, POST).endswith(b"\r\n\r\n11")
        port = listen(reactor, f"ropewalk:idle_timeout=7:body_size=10:{LOCAL}", site)
        assert ask(port, POST).startswith(b"HTTP/1.1 413 ")
        assert site.timeOut == 7
        listen(reactor, f"ropewalk:idle_timeout=0:{LOCAL}", another := Site(TwistedPage(), reactor=reactor))
        assert another.timeOut is None

    def test_limits_that_differ_from_those_in_effect(self, reactor: Any, site: Site) -> None:
        listen(reactor, f"ropewalk:body_size=10:{LOCAL}", site)
        with pytest.raises(StartError, match="RW404 .* already served with other limits"):
            listen(reactor, f"ropewalk:body_size=20:{LOCAL}", site)
        ours = ropewalk.Site(RopewalkPage(), reactor=reactor, limits=Limits(body_size=10))
        listen(reactor, LOCAL, ours)
        with pytest.raises(StartError, match="RW404 .* already served with other limits"):
            listen(reactor, f"ropewalk:body_size=20:{LOCAL}", WrappingFactory(ours))
        listen(reactor, f"ropewalk:body_size=10:{LOCAL}", WrappingFactory(ours))

    def test_a_factory_that_does_not_serve_http(self, reactor: Any) -> None:
        message = "RW721 ropewalk:tcp:0 was given twisted.internet.protocol.ServerFactory to serve."
        with pytest.raises(StartError, match=re.escape(message)):
            listen(reactor, "ropewalk:tcp:0", WrappingFactory(ServerFactory()))

    def test_an_address_in_use_is_twisteds_error(self, reactor: Any, site: Site) -> None:
        port = listen(reactor, f"ropewalk:{LOCAL}", site)
        with pytest.raises(CannotListenError):
            listen(reactor, f"ropewalk:tcp:{port.getHost().port}:interface=127.0.0.1", site)
        collect_unbound_sockets()

    def test_an_endpoint_that_is_made_directly(self, reactor: Any, site: Site, ask: Callable[..., bytes]) -> None:
        endpoint = Endpoint(reactor, LOCAL, serverFromString(reactor, LOCAL), {"body_size": 10})
        port = result_of(endpoint.listen(site))
        assert ask(port, POST).startswith(b"HTTP/1.1 413 ")
