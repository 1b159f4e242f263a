"""The files of UNIX sockets: each way to listen removes its own file, and no file that replaced it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.endpoints import serverFromString
from twisted.internet.pollreactor import PollReactor
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site as TwistedSite

from ropewalk import App, Site
from ropewalk.dropin import accelerate_port
from ropewalk.dropin.entry.monkeypatch import replace
from ropewalk.errors import EngineError
from ropewalk.server.socket_files import remove_only_own_file


@pytest.fixture
def reactor() -> Iterator[Any]:
    """A real reactor that is not installed, and reports that it is running."""
    reactor = PollReactor()
    reactor.startRunning(installSignalHandlers=False)
    yield reactor
    reactor.fireSystemEvent("shutdown")
    turn(reactor)
    for reader in [*reactor.removeAll(), *reactor._internalReaders]:
        reader.connectionLost(Failure(Exception("The test is over.")))


def turn(reactor: Any) -> None:
    for _ in range(5):
        reactor.iterate()


def native(reactor: Any, path: str) -> Any:
    return App().listen(reactor, f"unix:{path}")


def by_site(reactor: Any, path: str) -> Any:
    return reactor.listenUNIX(path, Site(App(), reactor=reactor))


def by_site_with_lock(reactor: Any, path: str) -> Any:
    return reactor.listenUNIX(path, Site(App(), reactor=reactor), wantPID=True)


def by_prefix_for_ours(reactor: Any, path: str) -> Any:
    return reached(serverFromString(reactor, f"ropewalk:unix:{path}").listen(Site(App(), reactor=reactor)))


def by_prefix(reactor: Any, path: str) -> Any:
    return reached(serverFromString(reactor, f"ropewalk:unix:{path}").listen(TwistedSite(Resource(), reactor=reactor)))


def accelerated_port(reactor: Any, path: str) -> Any:
    port = reactor.listenUNIX(path, TwistedSite(Resource(), reactor=reactor))
    assert accelerate_port(port)
    return port


def by_exec(reactor: Any, path: str) -> Any:
    with replace():
        return reactor.listenUNIX(path, TwistedSite(Resource(), reactor=reactor))


def reached(deferred: Any) -> Any:
    ports: list[Any] = []
    deferred.addCallback(ports.append)
    return ports[0]


WAYS = [native, by_site, by_site_with_lock, by_prefix_for_ours, by_prefix, accelerated_port, by_exec]

Listen = Callable[[Any, str], Any]


@pytest.fixture(params=WAYS)
def listen(request: pytest.FixtureRequest) -> Listen:
    way: Listen = request.param
    return way


def stop(reactor: Any, port: Any) -> None:
    """Stop a port, and check that it is closed."""
    closed: list[Any] = []
    stopping = port.stopListening()
    turn(reactor)
    if stopping is not None:
        stopping.addBoth(closed.append)
        assert closed == [None]


class TestAnyWay:
    def test_its_own_file_is_removed(self, reactor: Any, listen: Listen, tmp_path: Path) -> None:
        port = listen(reactor, str(tmp_path / "a.sock"))
        turn(reactor)
        stop(reactor, port)
        assert list(tmp_path.iterdir()) == []

    def test_the_file_of_a_successor_stays(self, reactor: Any, listen: Listen, tmp_path: Path) -> None:
        path = tmp_path / "a.sock"
        port = listen(reactor, str(path))
        turn(reactor)
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
            successor.listen()
            stop(reactor, port)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))

    def test_a_link_stays(self, reactor: Any, listen: Listen, tmp_path: Path) -> None:
        path = tmp_path / "a.sock"
        port = listen(reactor, str(path))
        turn(reactor)
        path.rename(tmp_path / "moved")
        path.symlink_to("moved")
        stop(reactor, port)
        assert path.is_symlink()

    def test_it_closes_even_without_its_file(self, reactor: Any, listen: Listen, tmp_path: Path) -> None:
        path = tmp_path / "a.sock"
        port = listen(reactor, str(path))
        turn(reactor)
        path.unlink()
        stop(reactor, port)

    def test_a_relative_path_after_a_change_of_the_working_directory(
        self, reactor: Any, listen: Listen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        first.mkdir()
        second.mkdir()
        monkeypatch.chdir(first)
        port = listen(reactor, "a.sock")
        turn(reactor)
        monkeypatch.chdir(second)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind("a.sock")
            stop(reactor, port)
        assert not (first / "a.sock").exists()
        assert (second / "a.sock").exists()


class TestPortsOfTwisted:
    def test_a_port_that_listens_again_removes_its_second_file(self, reactor: Any, tmp_path: Path) -> None:
        path = tmp_path / "a.sock"
        port = by_site(reactor, str(path))
        turn(reactor)
        stop(reactor, port)
        port.startListening()
        turn(reactor)
        assert path.exists()
        stop(reactor, port)
        assert not path.exists()

    def test_a_name_in_the_abstract_namespace_is_left_to_twisted(self, reactor: Any) -> None:
        port = by_site(reactor, f"\0ropewalk-{os.getpid()}")
        turn(reactor)
        assert "connectionLost" not in vars(port)
        stop(reactor, port)

    @pytest.mark.parametrize("how", ["exec", "prefix"])
    @pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET])
    def test_an_inherited_socket_goes_on_listening(
        self, reactor: Any, tmp_path: Path, family: socket.AddressFamily, how: str
    ) -> None:
        """An inherited socket continues to listen when the port stops, because it may belong to a systemd unit."""
        site = TwistedSite(Resource(), reactor=reactor)
        with socket.socket(family) as unit:
            unit.bind(str(tmp_path / "a.sock") if family == socket.AF_UNIX else ("127.0.0.1", 0))
            unit.listen()
            if how == "exec":
                with replace():
                    port = reactor.adoptStreamPort(unit.fileno(), family, site)
            else:
                port = reached(serverFromString(reactor, f"ropewalk:fd:{unit.fileno()}").listen(site))
            stop(reactor, port)
            with socket.socket(family) as client:
                client.connect(unit.getsockname())

    def test_ports_of_tcp_are_left_alone(self, reactor: Any) -> None:
        port = reactor.listenTCP(0, ServerFactory(), interface="127.0.0.1")
        remove_only_own_file(port)
        assert "connectionLost" not in vars(port)
        stop(reactor, port)


class TestTheEngine:
    def test_a_live_server_is_not_replaced(self, reactor: Any, tmp_path: Path) -> None:
        path = str(tmp_path / "a.sock")
        port = native(reactor, path)
        with pytest.raises(EngineError, match="RW502 .* in use. Stop the program that listens there"):
            native(reactor, path)
        assert Path(path).is_socket()
        stop(reactor, port)

    def test_the_abstract_namespace(self, reactor: Any) -> None:
        name = f"ropewalk-{os.getpid()}"
        port = App().listen(reactor, f"unix:\0{name}")
        assert str(port) == f"unix:@{name}"
        assert port.getHost().name == f"\0{name}".encode()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"\0{name}")
        with pytest.raises(EngineError, match="no mode"):
            App().listen(reactor, f"unix:\0{name}-other:mode=600")
        stop(reactor, port)

    @pytest.mark.parametrize("way", ["native", "by_site"])
    def test_the_end_of_a_forked_child_is_not_the_end_of_the_server(self, tmp_path: Path, way: str) -> None:
        program = (
            "import os, sys\n"
            "from twisted.internet.pollreactor import PollReactor\n"
            f"from tests.unit.server.test_socket_files import {way}, stop, turn\n"
            "reactor = PollReactor()\n"
            "reactor.startRunning(installSignalHandlers=False)\n"
            f"port = {way}(reactor, sys.argv[1])\n"
            "turn(reactor)\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    port.server.engine.close() if hasattr(port, 'server') else port.connectionLost(None)\n"
            "    os._exit(0)\n"
            "assert os.waitpid(child, 0)[1] == 0\n"
            "assert os.path.exists(sys.argv[1])\n"
            "stop(reactor, port)\n"
            "assert not os.path.exists(sys.argv[1])\n"
        )
        subprocess.run([sys.executable, "-c", program, tmp_path / "a.sock"], check=True, timeout=60)
