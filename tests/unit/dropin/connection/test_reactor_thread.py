"""A reactor whose ports another thread opens serves as on stock Twisted."""

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.unit.dropin.connection.reactor_thread_program import REACTORS
from tests.unit.dropin.world import world
from twisted.python import threadable
from twisted.web.resource import Resource
from twisted.web.server import Site

from ropewalk.errors import WrongThread
from ropewalk.server.reactor_thread import runs_elsewhere

PROGRAM = Path(__file__).with_name("reactor_thread_program.py")


@cache
def output(reactor: str, way: str, recipe: str) -> list[str]:
    """Return the output of a program whose reactor runs in another thread."""
    command = [sys.executable, "-W", "error", str(PROGRAM), reactor, way, recipe]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.parametrize("recipe", ["before", "from thread"])
@pytest.mark.parametrize("way", ["replaced", "unix", "wrapped", "accelerated", "endpoint", "mounted"])
def test_programs_of_twisted_web(way: str, recipe: str) -> None:
    assert output("epoll", way, recipe) == output("epoll", "stock", recipe)
    assert output("epoll", way, recipe) == [*["200 hello"] * 3, "stopped"]


@pytest.mark.parametrize("recipe", ["before", "from thread"])
@pytest.mark.parametrize("way", ["site", "native", "wsgi"])
def test_apps(way: str, recipe: str) -> None:
    assert output("epoll", way, recipe) == ["200 hello", "stopped"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["replaced", "native"])
@pytest.mark.parametrize("reactor", [name for name in REACTORS if name != "epoll"])
def test_other_reactors(reactor: str, way: str) -> None:
    responses = ["200 hello"] * (3 if way == "replaced" else 1)
    assert output(reactor, way, "before") == [*responses, "stopped"]


@pytest.mark.parametrize("way", ["replaced", "unix", "wrapped", "accelerated", "endpoint"])
def test_a_port_opened_in_another_thread_than_the_reactor_s(way: str) -> None:
    assert output("epoll", way, "elsewhere") == output("epoll", "stock", "elsewhere")


def test_an_app_does_not_listen_in_another_thread_than_the_reactor_s() -> None:
    assert output("epoll", "native", "elsewhere") == ["RW503", "stopped"]


def test_a_running_reactor_s_engine_belongs_to_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is bound to the thread of the reactor when the reactor starts, and not only at the first request."""
    with world() as made:
        port = made.listen(Site(Resource()))
        engine = port.factory._ropewalk.engine
        seen: list[object] = []

        def meddle() -> None:
            seen.append(engine.on_engine_thread)
            try:
                engine.rearm()
                engine.stop_listening(0)
            except WrongThread as error:
                seen.append(error.code)

        elsewhere(meddle)
        assert seen == [True], "before the reactor runs, any thread may use it"
        monkeypatch.setattr(threadable, "ioThread", threading.get_ident())
        made.reactor.fireSystemEvent("startup")
        elsewhere(meddle)
        assert seen == [True, False, "RW503"]


def elsewhere(call: Callable[[], None]) -> None:
    """Make a call in another thread."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.mark.parametrize(("running", "thread", "expected"), [(True, 0, True), (True, None, False), (False, 0, False)])
def test_where_a_reactor_runs(
    monkeypatch: pytest.MonkeyPatch, running: bool, thread: int | None, expected: bool
) -> None:
    monkeypatch.setattr(threadable, "ioThread", thread)
    assert runs_elsewhere(type("Reactor", (), {"running": running})()) is expected
    monkeypatch.setattr(threadable, "ioThread", threading.get_ident())
    assert not runs_elsewhere(type("Reactor", (), {"running": running})())
