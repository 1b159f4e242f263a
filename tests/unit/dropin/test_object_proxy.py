"""Attributes of Twisted's objects that applications read. The engine's replacements must have them too."""

import copy
import inspect
import pickle
import socket
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.mounts import mount
from tests.unit.dropin.world import World, world
from tests.versions import IS_24_7
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXServerEndpoint, serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.python.logfile import LogFile
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import Interface, implementer
from zope.interface.verify import verifyObject

from ropewalk import App
from ropewalk.dropin import accelerate, accelerate_port
from ropewalk.dropin.entry.endpoint_prefix import Endpoint
from ropewalk.dropin.request.access_log import make_log_safe
from ropewalk.dropin.request.rendered import Rendered
from ropewalk.dropin.request.site_log import WholeLines
from ropewalk.testing import Client

DESCRIPTIONS = (
    "tcp:8080:interface=127.0.0.1",
    r"tcp6:80:interface=\:\:1",
    "unix:/run/a.sock:mode=660",
    "haproxy:tcp:80",
)

READ_OF_TRANSPORTS = (
    *("SEND_LIMIT", "TLS", "bufferSize", "client", "connected", "disconnected", "disconnecting", "hostname"),
    "producerPaused",
)
"""Attributes that have the same values as on stock Twisted, if the connection is not upgraded."""

NOT_OF_TRANSPORTS = {
    *("dataBuffer", "offset", "_tempDataBuffer", "_tempDataLen", "_isSendBufferFull", "_maybePauseProducer"),
    *("doRead", "doWrite", "readConnectionLost", "writeConnectionLost", "writeSomeData", "_dataReceived"),
    *("_closeSocket", "_closeWriteConnection", "_postLoseConnection", "_shouldShutdown", "_aborting"),
    *("_writeDisconnected", "_writeDisconnecting", "_fromConnectedSocket", "_addressType", "_getLogPrefix", "repstr"),
    *("startTLS", "_base", "_tlsClientDefault"),  # TLS that begins within a connection of HTTP
    *("_sendmsgQueue", "_fileDescriptorBufferSize", "_writeSomeDataBase"),  # descriptors over UNIX sockets
    "_ancillaryLevelSOLSOCKETTypeSCMRIGHTS",
}
"""Private parts of Twisted's transports: their buffers, and the methods that the reactor calls."""

READ_OF_CHANNELS = (
    *("connected", "factory", "forceAbortClient", "getHost", "getPeer", "isSecure", "loseConnection", "pauseProducing"),
    *("persistent", "registerProducer", "requestDone", "requests", "resetTimeout", "resumeProducing", "setTimeout"),
    *("site", "stopProducing", "timeOut", "transport", "unregisterProducer", "write", "writeHeaders", "writeSequence"),
)


class IOwn(Interface):
    """An interface of an application's endpoint."""


@implementer(IStreamServerEndpoint, IOwn)
class Own:
    """An application's endpoint, which can be pickled."""

    def __init__(self) -> None:
        self.number = 1

    def listen(self, factory: Any) -> Any:
        raise NotImplementedError


def endpoint(wrapped: Any = None) -> Any:
    return Endpoint(None, "own", Own() if wrapped is None else wrapped, {})


@pytest.fixture
def made() -> Any:
    with world() as made:
        yield made


class TestEndpoint:
    @pytest.mark.parametrize("description", DESCRIPTIONS)
    def test_it_has_the_attributes_of_twisted_s(self, description: str) -> None:
        reactor = MemoryReactorClock()
        stock, ours = (serverFromString(reactor, f"{prefix}{description}") for prefix in ("", "ropewalk:"))
        assert set(dir(stock)) - set(dir(ours)) == set()
        plain = {name: value for name, value in vars(stock).items() if isinstance(value, str | int | None)}
        assert {name: getattr(ours, name) for name in plain} == plain

    def test_the_port(self) -> None:
        assert serverFromString(MemoryReactorClock(), "ropewalk:tcp:4001")._port == 4001

    def test_the_port_can_be_set(self) -> None:
        reactor = MemoryReactorClock()
        ours = serverFromString(reactor, "ropewalk:tcp:4001")
        ours._port = 4002
        ours.listen(Site(Resource(), reactor=reactor))
        [(port, *_)] = reactor.tcpServers
        assert port == 4002

    def test_other_attributes_are_its_own(self) -> None:
        ours = endpoint()
        ours.mine, ours.number, ours.limits = 1, 2, {"body_size": 3}
        assert (ours.mine, ours.wrapped.number, hasattr(ours.wrapped, "mine")) == (1, 2, False)
        assert not hasattr(ours.wrapped, "limits")
        del ours.mine, ours.number
        assert not hasattr(ours, "mine")
        assert not hasattr(ours.wrapped, "number")

    def test_an_attribute_that_neither_has(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'port'"):
            _ = endpoint().port

    def test_its_class_and_interfaces(self) -> None:
        reactor = MemoryReactorClock()
        ours = serverFromString(reactor, "ropewalk:tcp:4001")
        assert isinstance(ours, Endpoint)
        assert isinstance(ours, TCP4ServerEndpoint)
        assert not isinstance(ours, UNIXServerEndpoint)
        assert verifyObject(IStreamServerEndpoint, ours)
        assert verifyObject(IOwn, endpoint())

    @pytest.mark.parametrize(
        "again",
        [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))],
        ids=["copy", "deep", "pickle"],
    )
    def test_a_copy(self, again: Any) -> None:
        ours = endpoint()
        other = again(ours)
        other.number = 2
        assert type(other) is Endpoint
        assert (ours.number, other.number, other.description) == (1, 2, "own")
        assert IOwn.providedBy(other)

    def test_an_unfinished_proxy_has_no_attributes(self) -> None:
        with pytest.raises(AttributeError):
            _ = Endpoint.__new__(Endpoint).wrapped

    def test_its_repr(self) -> None:
        assert (
            repr(serverFromString(MemoryReactorClock(), "ropewalk:tcp:80:backlog=5")) == "<ropewalk:tcp:80:backlog=5>"
        )


class TestPort:
    def test_the_port_of_a_site_is_twisted_s(self, made: World) -> None:
        stock = made.reactor.listenTCP(0, Site(Resource(), reactor=made.reactor), interface="127.0.0.1")
        ours = made.listen(Site(Resource(), reactor=made.reactor))
        assert type(ours) is type(stock)
        assert set(dir(stock)) - set(dir(ours)) == set()
        assert (ours.port, ours.interface, ours.connected) == (stock.port, stock.interface, stock.connected)
        stock.stopListening()

    def test_the_port_of_an_app(self, made: World) -> None:
        port = App().listen(made.reactor, "tcp:0:interface=127.0.0.1")
        assert verifyObject(IListeningPort, port)
        assert (port.port, port.interface) == (port.getHost().port, "127.0.0.1")
        assert (port.reactor, port.connected) == (made.reactor, True)
        over: list[Any] = []
        port.loseConnection().addCallback(over.append)
        made.until(lambda: over)
        assert not port.connected

    def test_the_port_of_an_app_on_a_unix_socket(self, made: World, tmp_path: Path) -> None:
        port = App().listen(made.reactor, f"unix:{tmp_path}/a.sock")
        assert (port.port, port.interface) == (f"{tmp_path}/a.sock", "")
        over: list[Any] = []
        port.stopListening().addCallback(over.append)
        made.until(lambda: over)


class Recording(Resource):
    """A resource that records what a program reads of the transport."""

    isLeaf = True

    def __init__(self, read: Any) -> None:
        super().__init__()
        self.read = read
        self.values: list[Any] = []

    def render_GET(self, request: Any) -> bytes:
        self.values.append(self.read(request.transport))
        return b"read"


def observed(made: World, read: Any, *, ours: bool, unix: Path | None = None) -> Any:
    """Return what a program reads of a transport, on the engine or on stock Twisted."""
    resource = Recording(read)
    site = Site(resource, reactor=made.reactor)
    if ours:
        accelerate(site)
    if unix is None:
        port = made.reactor.listenTCP(0, site, interface="127.0.0.1")
        client = socket.create_connection(("127.0.0.1", port.getHost().port))
    else:
        port = made.reactor.listenUNIX(str(unix), site)
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(unix))
    assert accelerate_port(port) if ours else True
    with client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        made.until(lambda: resource.values)
    port.stopListening()
    made.turn()
    return resource.values[0]


def names(transport: Any) -> set[str]:
    return set(dir(transport))


def values(transport: Any) -> dict[str, Any]:
    read = {name: getattr(transport, name) for name in READ_OF_TRANSPORTS}
    host = transport.client[0]
    return read | {"client": (host, type(transport.client)), "factory": type(transport.server.factory)}


class TestTransport:
    @pytest.mark.parametrize("way", ["tcp", "unix"])
    def test_it_has_the_attributes_that_programs_read(self, made: World, way: str, tmp_path: Path) -> None:
        path = tmp_path / "a.sock" if way == "unix" else None
        stock = observed(made, names, ours=False, unix=path)
        ours = observed(made, names, ours=True, unix=path)
        assert stock - ours - NOT_OF_TRANSPORTS == set()

    @pytest.mark.parametrize("way", ["tcp", "unix"])
    def test_the_values_are_the_same(self, made: World, way: str, tmp_path: Path) -> None:
        path = tmp_path / "a.sock" if way == "unix" else None
        assert observed(made, values, ours=True, unix=path) == observed(made, values, ours=False, unix=path)

    def test_the_socket_takes_options(self, made: World) -> None:
        def set_option(transport: Any) -> int:
            transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return int(transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

        assert observed(made, set_option, ours=True) == observed(made, set_option, ours=False) == 1

    @pytest.mark.parametrize("option", ["TcpNoDelay", "TcpKeepAlive"])
    @pytest.mark.parametrize("way", ["tcp", "unix"])
    def test_options_by_their_methods(self, made: World, way: str, option: str, tmp_path: Path) -> None:
        if IS_24_7 and (way, option) == ("unix", "TcpNoDelay"):
            pytest.skip("This Twisted raises where a newer one, and Ropewalk, ignore the error of the system")

        def set_option(transport: Any) -> object:
            try:
                getattr(transport, f"set{option}")(True)
                return getattr(transport, f"get{option}")()
            except OSError as error:  # setting TCP_NODELAY on a UNIX socket raises
                return error.errno

        path = tmp_path / "a.sock" if way == "unix" else None
        assert observed(made, set_option, ours=True, unix=path) == observed(made, set_option, ours=False, unix=path)

    def test_a_connection_that_twisted_has_accepted_has_no_port(self, made: World) -> None:
        resource = Recording(lambda transport: transport.server)
        port = made.listen(Site(resource, reactor=made.reactor), "adopted")
        client = made.connect(port)
        client.get()
        client.until(b"read")
        assert resource.values == [None]


class TestMounted:
    def test_the_channel_has_the_attributes_that_programs_read(self) -> None:
        missing: list[str] = []

        class Reads(Resource):
            isLeaf = True

            def render_GET(self, request: Any) -> bytes:
                channel = request.channel
                missing.extend(name for name in READ_OF_CHANNELS if not hasattr(channel, name))
                assert channel.setTimeout(None) is None
                channel.resetTimeout()
                return f"{channel.requests == [request]}".encode()

        channel = Site(Resource()).buildProtocol(None)._channel
        assert {name for name in READ_OF_CHANNELS if not hasattr(channel, name)} == set()
        assert Client(mount(Reads())).get("/legacy").text == "True"
        assert missing == []


def raw_file(folder: Path) -> Any:
    """Return the raw file of a Twisted log file."""
    return LogFile("a.log", str(folder))._file


class TestLog:
    def test_a_method_of_the_factory(self) -> None:
        stock, ours = Site(Resource()), Site(Resource())
        make_log_safe(ours)
        log: Any = ours.log
        assert type(log).__name__ == "SafeLog"
        assert set(dir(stock.log)) - set(dir(log)) == set()
        assert inspect.ismethod(ours.log)
        assert log.__self__ is ours
        assert (log.__name__, log.__func__) == (stock.log.__name__, http.HTTPFactory.log)

    def test_a_file(self, tmp_path: Path) -> None:
        with raw_file(tmp_path) as raw:
            ours: Any = WholeLines(raw)
            assert set(dir(raw)) - set(dir(ours)) == set()
            assert isinstance(ours, FileIO)
            assert (ours.name, ours.mode, ours.closed) == (raw.name, raw.mode, False)
            with ours as entered:
                entered.write(b"one\ntwo\n")
                entered.seek(0)
                assert [*entered] == [b"one\n", b"two\n"]
            assert raw.closed

    def test_a_proxy_of_an_object_that_cannot_be_copied_fails_in_the_same_way(self, tmp_path: Path) -> None:
        with raw_file(tmp_path) as raw, pytest.raises(TypeError, match="cannot pickle"):
            copy.copy(WholeLines(raw))


class TestOthers:
    def test_a_copy_of_a_site_is_independent(self, made: World) -> None:
        first = Recording(lambda _: None)
        site = Site(first, reactor=made.reactor)
        made.listen(site)
        other: Any = copy.copy(site)
        other.resource = second = Recording(lambda _: None)
        client = made.connect(made.listen(other))
        client.get()
        client.until(b"read")
        assert (first.values, second.values) == ([], [None])

    def test_protocol_factories(self) -> None:
        stock, ours = Site(Resource()), accelerate(Site(Resource()))
        assert ours.protocol.__name__ == stock.protocol.__name__
        assert ours.protocol.__doc__ == stock.protocol.__doc__

    def test_a_resource_that_has_been_rendered(self) -> None:
        resource = Resource()
        rendered: Any = Rendered(resource, b"")
        read = {name for name in dir(resource) if not name.startswith("__")}
        assert {name for name in read if not hasattr(rendered, name)} == set()
        assert rendered.children is resource.children
        assert copy.copy(rendered).children is resource.children
