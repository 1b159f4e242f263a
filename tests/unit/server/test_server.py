"""Start and stop of servers, on a reactor that is never shut down, as under trial."""

import re
import socket
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import HELLO, LONG_TURNS, Reactor, make
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from zope.interface.verify import verifyObject

from ropewalk import App, Limits, Request, TrustedProxies
from ropewalk.errors import EngineError, StartError
from ropewalk.server import AppListeningPort


class ContextReactor(Reactor):
    """Runs each delayed call in the context in which it was created, as an asyncio reactor does."""

    def callLater(self, delay: float, callable: Any, *args: Any, **kw: Any) -> Any:  # noqa: A002 - as Twisted calls it
        return super().callLater(delay, copy_context().run, callable, *args, **kw)


variable: ContextVar[str] = ContextVar("variable", default="unset")


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
        """A turn that the timer runs may serve requests of other clients."""
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
        """`App.run` waits for the error of the hook, so it is reported although its repr raises."""

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
        here = r"tests/unit/server/test_server\.py:\d+"
        assert re.match(rf"RW403 .*, because \S+\.hook at {here} raised <", str(failures[0].value))
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
        with pytest.raises(StartError, match="^RW404 The app is already served with other (limits|proxies). Give them"):
            app.listen(reactor, "tcp:0:interface=127.0.0.1", **others)
        for each in (port, same, silent):
            each.stopListening()
        again = app.listen(reactor, "tcp:0:interface=127.0.0.1", **others)
        again.stopListening()
        assert not reactor.getReaders()

    def test_proxies_are_not_trusted_later(self) -> None:
        reactor, app = Reactor(), make()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        with pytest.raises(StartError, match="^RW404 The app is already served with other proxies"):
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
