"""Start and stop of servers, on a reactor that is never shut down, as under trial."""

import resource
import socket
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet import unix
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IProtocolNegotiationFactory
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ropewalk import App, Limits, Request, Resource, Site, TrustedProxies
from ropewalk.errors import EngineError, StartError
from ropewalk.server import AppListeningPort, app_of


class Reactor(MemoryReactorClock):
    """Twisted's reactor for tests, which is running as under trial."""

    def callWhenRunning(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        callable(*args, **kw)

    def callFromThread(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        callable(*args, **kw)

    def fire_shutdown(self) -> Any:
        """The results of the triggers before the shutdown."""
        return [call(*args, **options) for call, args, options in self.triggers["before"]["shutdown"]]


class ContextReactor(Reactor):
    """Runs each delayed call in the context in which it was created, as an asyncio reactor does."""

    def callLater(self, delay: float, callable: Any, *args: Any, **kw: Any) -> Any:  # noqa: A002 - as Twisted calls it
        return super().callLater(delay, copy_context().run, callable, *args, **kw)


variable: ContextVar[str] = ContextVar("variable", default="unset")

LONG_TURNS = Limits(turn_time=60)
"""A turn handles all events, however slow the machine is."""

HELLO = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(port: AppListeningPort) -> socket.socket:
    """A client that has requested "/"."""
    client = socket.create_connection(("127.0.0.1", port.getHost().port), 10)
    client.sendall(HELLO)
    return client


def turn(reactor: Reactor) -> None:
    """Run the engine as one iteration of a reactor does."""
    for reader in reactor.getReaders():
        reader.doRead()
    reactor.advance(0.001)


def serve(reactor: Reactor, client: socket.socket) -> bytes:
    """Run the engine until a client has a response."""
    client.setblocking(False)
    while True:
        turn(reactor)
        try:
            return client.recv(1000)
        except BlockingIOError:
            pass


def make() -> App:
    app = App(limits=Limits(turn_time=60))  # a turn does not end early: some reactors run no other
    app.get("/")(lambda request: "Hello")
    return app


class TestListen:
    def test_it_is_a_listening_port(self) -> None:
        reactor = Reactor()
        port = make().listen(reactor, "tcp:0:interface=127.0.0.1")
        assert verifyObject(IListeningPort, port)
        assert isinstance(port.getHost(), IPv4Address)
        assert str(port) == f"http://127.0.0.1:{port.getHost().port}"
        port.stopListening()

    def test_addresses(self, tmp_path: Any) -> None:
        reactor, app = Reactor(), make()
        six = app.listen(reactor, r"tcp6:0:interface=\:\:1")
        unix = app.listen(reactor, f"unix:{tmp_path}/app.sock")
        assert isinstance(six.getHost(), IPv6Address)
        assert str(six).startswith("http://[::1]:")
        assert unix.getHost() == UNIXAddress(f"{tmp_path}/app.sock".encode())
        assert str(unix) == f"unix:{tmp_path}/app.sock"
        six.stopListening()
        unix.stopListening()

    def test_one_engine_for_an_app(self) -> None:
        reactor, app = Reactor(), make()
        one = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        two = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        assert one.server is two.server
        stopped: list[None] = []
        one.stopListening()
        assert reactor.getReaders()
        two.stopListening().addCallback(stopped.append)
        assert stopped == [None]
        assert not reactor.getReaders()
        assert not reactor.getDelayedCalls()
        three = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        assert three.server is not one.server
        three.stopListening()

    def test_an_address_in_use(self) -> None:
        reactor, app = Reactor(), make()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        number = port.getHost().port
        with pytest.raises(
            EngineError, match=rf"RW502 tcp:{number}:interface=127.0.0.1 cannot be listened on: Address"
        ):
            App().listen(reactor, f"tcp:{number}:interface=127.0.0.1")
        port.stopListening()

    def test_a_start_hook_is_called_before_the_first_request(self) -> None:
        reactor, app = Reactor(), make()
        hook: Deferred[None] = Deferred()
        app.on_start(lambda: hook)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        started: list[None] = []
        port.started().addCallback(started.append)
        assert not reactor.getReaders()
        hook.callback(None)
        assert reactor.getReaders()
        assert started == [None]
        port.stopListening()

    @pytest.mark.parametrize("waits", [False, True])
    def test_handlers_see_the_context_variables_of_start_hooks(self, waits: bool) -> None:
        reactor, app = Reactor(), App()
        hook: Deferred[None] = Deferred()

        @app.on_start
        async def begin() -> None:
            if waits:
                await hook
            variable.set("of the start hook")

        app.get("/")(lambda request: variable.get())
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        hook.callback(None)
        with connect(port) as client:
            assert serve(reactor, client).endswith(b"of the start hook")
        port.stopListening()

    def test_a_timer_does_not_keep_the_context_of_a_request(self) -> None:
        """The timer's turn may serve requests of other clients."""
        reactor, app = ContextReactor(), App(limits=Limits(idle_timeout=1, head_timeout=60))
        waiting: list[Deferred[str]] = []

        @app.get("/wait")
        async def wait(request: Request) -> str:
            variable.set("of a request")
            waiting.append(Deferred())
            return await waiting[0]

        app.get("/")(lambda request: variable.get())
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        address = ("127.0.0.1", port.getHost().port)
        with socket.create_connection(address, 10) as first, socket.create_connection(address, 10) as second:
            first.sendall(HELLO.replace(b"/", b"/wait", 1))
            while not waiting or port.server.engine.connections < 2:
                turn(reactor)
            waiting[0].callback("text")
            second.sendall(HELLO)
            reactor.advance(60)  # the timer runs the engine before the reactor reads
            assert second.recv(1000).endswith(b"unset")
        port.stopListening()

    def test_a_start_hook_whose_exception_has_no_repr(self, log: Log) -> None:
        """The error is still reported, because `App.run` waits for it."""

        class Odd(Exception):
            def __repr__(self) -> str:
                raise ValueError("odd")

        def hook() -> None:
            raise Odd

        reactor, app = Reactor(), make()
        app.on_start(hook)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        failures: list[Any] = []
        port.started().addErrback(failures.append)
        assert "RW403 A start hook failed: <" in str(failures[0].value)
        assert "Odd that has no repr>" in str(failures[0].value)
        port.stopListening()

    def test_a_start_hook_that_fails(self, log: Log) -> None:
        reactor, app = Reactor(), make()
        app.on_start(lambda: 1 // 0)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        failures: list[Any] = []
        port.started().addErrback(failures.append)
        assert "RW403" in log.text
        assert "ZeroDivisionError" in failures[0].getErrorMessage()
        assert not reactor.getReaders()
        port.stopListening()

    def test_the_shutdown_of_the_reactor_stops_it(self) -> None:
        reactor, app = Reactor(), make()
        calls: list[str] = []
        app.on_stop(lambda: calls.append("stopped"))
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        assert isinstance(port, AppListeningPort)
        (stopped,) = reactor.fire_shutdown()
        assert stopped.called
        assert calls == ["stopped"]
        assert not reactor.getReaders()

    def test_a_stop_while_it_starts(self) -> None:
        reactor, app = Reactor(), make()
        calls: list[str] = []
        hook: Deferred[None] = Deferred(lambda _: calls.append("cancelled"))
        app.on_start(lambda: hook)
        app.on_stop(lambda: calls.append("stopped"))
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        stopped = port.stopListening()
        assert stopped.called
        assert calls == ["cancelled"]
        assert not reactor.getReaders()

    def test_no_request_is_served_before_the_app_has_started(self) -> None:
        reactor, app = Reactor(), make()
        app.on_start(Deferred)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        with connect(port) as client:
            assert port.stopListening().called
            with pytest.raises(ConnectionResetError):
                client.recv(1)

    def test_clients_in_the_backlog_are_served_before_the_last_port_closes(self) -> None:
        port = make().listen(Reactor(), "tcp:0:interface=127.0.0.1", limits=LONG_TURNS)
        with connect(port) as client:
            stopped = port.stopListening()
            assert client.recv(1000).endswith(b"Hello")
        assert stopped.called

    def test_a_port_may_listen_again(self) -> None:
        reactor = Reactor()
        port = make().listen(reactor, "tcp:0:interface=127.0.0.1", limits=Limits(head_size=1024))
        former = port.server
        port.stopListening()
        port.startListening()
        assert port.server is not former
        assert port.server.engine.limits.head_size == 1024
        with connect(port) as client:
            turn(reactor)
            turn(reactor)
            assert client.recv(1000).endswith(b"Hello")
        port.stopListening()
        assert not reactor.getReaders()

    @pytest.mark.parametrize(
        "others",
        [
            {"limits": Limits(head_size=2048)},
            {"proxies": TrustedProxies("::1", headers="forwarded")},
            {"proxies": TrustedProxies("127.0.0.1", headers="x-forwarded")},
        ],
    )
    def test_a_second_port_cannot_have_other_limits_or_proxies(self, others: Any) -> None:
        first: dict[str, Any] = {
            "limits": Limits(head_size=1024),
            "proxies": TrustedProxies("127.0.0.1", headers="forwarded"),
        }
        reactor, app = Reactor(), make()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1", **first)
        same = app.listen(reactor, "tcp:0:interface=127.0.0.1", **first)
        silent = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        with pytest.raises(StartError, match="^RW404 The app is served with other (limits|proxies) already. Give them"):
            app.listen(reactor, "tcp:0:interface=127.0.0.1", **others)
        for each in (port, same, silent):
            each.stopListening()
        again = app.listen(reactor, "tcp:0:interface=127.0.0.1", **others)
        again.stopListening()
        assert not reactor.getReaders()

    def test_proxies_are_not_trusted_later(self) -> None:
        reactor, app = Reactor(), make()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        with pytest.raises(StartError, match="^RW404 The app is served with other proxies already"):
            app.listen(reactor, "tcp:0:interface=127.0.0.1", proxies=TrustedProxies("unix", headers="forwarded"))
        port.stopListening()

    def test_proxies_that_only_a_mounted_app_trusts(self) -> None:
        proxies = TrustedProxies("127.0.0.1", headers="forwarded")
        inner, reactor = App(proxies=proxies), Reactor()
        outer = App()
        outer.mount("/inner", inner)
        with pytest.raises(StartError, match="^RW404 An app that trusts proxies is mounted in one that trusts none"):
            outer.listen(reactor, "tcp:0:interface=127.0.0.1")
        port = outer.listen(reactor, "tcp:0:interface=127.0.0.1", proxies=proxies)
        port.stopListening()

    def test_abort_cancels_running_requests_before_the_app_stops(self, log: Log) -> None:
        reactor, app = Reactor(), App()
        ends: list[str] = []

        @app.get("/")
        async def wait(request: Request) -> None:
            try:
                await Deferred()
            finally:
                ends.append("request")

        app.on_stop(lambda: ends.append("app"))
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1", limits=Limits(turn_events=4))
        with ExitStack() as clients:
            for _ in range(20):
                clients.enter_context(connect(port))
            while port.server.engine.running_exchanges < 20:
                turn(reactor)
            stopped = port.stopListening()
            port.server.abort()
            while not stopped.called:
                turn(reactor)
        assert ends == ["request"] * 20 + ["app"]
        assert "20 requests were cut off before the deadline of the drain." in log.text

    def test_a_stop_that_fails_still_finishes(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        reactor, app = Reactor(), make()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        close = port.server.service.close
        monkeypatch.setattr(port.server.service, "close", lambda: 1 // 0)
        assert port.stopListening().called
        assert "The app failed to stop cleanly" in log.text
        assert not reactor.getReaders()
        close()


class TestSite:
    def make(self) -> tuple[Reactor, Site, StringTransport, Any]:
        reactor = Reactor()
        site = Site(make(), limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        return reactor, site, transport, protocol

    def test_it_is_a_factory(self) -> None:
        site = Site(Resource())
        assert verifyObject(IProtocolFactory, site)
        assert verifyObject(IProtocolNegotiationFactory, site)
        assert site.acceptableProtocols() == [b"http/1.1"]

    def test_over_a_transport_that_is_not_a_socket(self) -> None:
        reactor, site, transport, protocol = self.make()
        protocol.dataReceived(HELLO)
        assert transport.value().startswith(b"HTTP/1.1 200 OK\r\n")
        assert transport.value().endswith(b"\r\n\r\nHello")
        assert transport.producer is not None
        protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()
        assert not reactor.getReaders()

    def test_a_full_transport_is_not_written_to(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.pauseProducing()
        protocol.dataReceived(HELLO)
        assert transport.value() == b""
        protocol.resumeProducing()
        assert transport.value().endswith(b"Hello")
        protocol.connectionLost(None)
        site.doStop()

    def test_bad_input_closes(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.dataReceived(b"nonsense\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 400 ")
        protocol.readConnectionLost()
        assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()

    @pytest.mark.parametrize("half_close", [False, True])
    def test_a_client_that_stops_sending(self, half_close: bool) -> None:
        waiting: Deferred[str] = Deferred(lambda _: None)
        app = make()
        app.get("/waiting")(lambda request: waiting)
        site = Site(app, limits=LONG_TURNS, reactor=Reactor(), half_close=half_close)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /waiting HTTP/1.1\r\nHost: localhost\r\n\r\n")
        protocol.readConnectionLost()
        assert (transport.disconnecting, waiting.called) == (not half_close, not half_close)
        if half_close:
            waiting.callback("late")
            site._running().engine.turn()
            assert transport.value().endswith(b"\r\n\r\nlate")
            assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()

    def test_a_client_that_does_not_read_the_last_bytes_is_cut_off(self) -> None:
        reactor, site, transport, protocol = self.make()
        protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (transport.disconnecting, transport.disconnected) == (True, False)
        reactor.advance(Limits().write_timeout)
        assert transport.disconnected
        protocol.connectionLost(None)
        site.doStop()

    def test_a_complete_response_before_one_that_is_cut_off_is_sent(self) -> None:
        reactor = Reactor()
        app = make()
        app.get("/cut")(lambda request: request.abort())
        site = Site(app, limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        protocol.dataReceived(HELLO + b"GET /cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert transport.value().endswith(b"\r\n\r\nHello")
        assert (transport.disconnecting, transport.disconnected) == (True, False)
        protocol.connectionLost(None)
        site.doStop()

    def test_calls_after_the_end_do_nothing(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.connectionLost(None)
        protocol.dataReceived(HELLO)
        protocol.pauseProducing()
        protocol.resumeProducing()
        protocol.readConnectionLost()
        assert transport.value() == b""
        site.doStop()

    def test_a_transport_that_is_lost_is_left_alone(self) -> None:
        """That of TLS has no connection any more, and raises AttributeError."""
        reactor, site, _transport, protocol = self.make()
        protocol.connectionLost(None)
        protocol._transport = None
        timers = reactor.getDelayedCalls()
        protocol.write(b"late")
        protocol.pause_reading()
        protocol.resume_reading()
        protocol.end_writing()
        protocol.close()
        protocol.abort()
        assert reactor.getDelayedCalls() == timers
        site.doStop()

    def test_nothing_is_read_before_the_app_has_started(self) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, protocol = self.make_starting(hook)
        assert transport.producerState == "paused"
        hook.callback(None)
        assert transport.producerState == "producing"
        protocol.dataReceived(HELLO)
        assert transport.value().endswith(b"Hello")
        protocol.connectionLost(None)
        site.doStop()

    def test_connections_to_an_app_that_does_not_start_are_aborted(self, log: Log) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, _ = self.make_starting(hook)
        hook.errback(ZeroDivisionError())
        assert transport.disconnecting
        assert "RW403" in log.text
        site.doStop()

    def test_a_client_that_leaves_while_the_app_starts(self) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, protocol = self.make_starting(hook)
        protocol.connectionLost(None)
        hook.callback(None)
        assert transport.producer is None
        site.doStop()

    def make_starting(self, hook: Deferred[None]) -> tuple[Site, StringTransport, Any]:
        app = make()
        app.on_start(lambda: hook)
        site = Site(app, limits=LONG_TURNS, reactor=Reactor())
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(None)
        protocol.makeConnection(transport)
        return site, transport, protocol

    def test_a_socket_that_cannot_be_adopted_without_a_free_descriptor(self) -> None:
        reactor = Reactor()
        site = Site(make(), limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        protocol = site.buildProtocol(None)
        ours, client = socket.socketpair()
        transport = unix.Server(ours, protocol, None, None, 0, reactor)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            protocol.makeConnection(transport)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with client:
            client.sendall(HELLO)
            transport.doRead()
            transport.doWrite()
            assert client.recv(1000).endswith(b"Hello")
        transport.connectionLost(Failure(ConnectionDone()))
        site.doStop()

    def test_it_may_listen_again(self) -> None:
        reactor, site, _, protocol = self.make()
        protocol.connectionLost(None)
        site.doStop()
        site.doStart()
        assert reactor.getReaders()
        site.doStop()
        assert not reactor.getReaders()


class TestAppOf:
    def test_apps_sites_and_resources(self) -> None:
        app = App()
        assert app_of(app) is app
        assert app_of(Site(app)) is app
        root = Resource()
        assert app_of(root).resource.tree_node.mounted is root
