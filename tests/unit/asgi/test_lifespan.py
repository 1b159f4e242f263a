"""The lifespan, from the start of the app to its stop."""

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.asgi.applications import LIFE, body, hosting, lived, start
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import Reactor
from twisted.logger import formatEvent

from ropewalk import App, Resource
from ropewalk.asgi import Application, Receive, Scope, Send, asgi, lifespan
from ropewalk.errors import HostedError, StartError
from ropewalk.server import Server
from ropewalk.testing import AsyncClient, Client


def without(raised: BaseException | None = None) -> Application:
    """Make an application that does not support the lifespan."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" and raised is not None:
            raise raised
        if scope["type"] == "http":
            await send(start())
            await send(body(b"served"))

    return application


class TestLife:
    @pytest.mark.parametrize("lifespan", ["auto", "on"])
    def test_from_start_to_stop(self, lifespan: str, log: Log) -> None:
        seen: list[str] = []
        with Client(hosting(lived(*LIFE, seen=seen), lifespan=lifespan)) as client:
            assert seen == ["lifespan.startup"]
            client.get("/")
        assert seen == ["lifespan.startup", "lifespan.shutdown"]
        assert "RW" not in log.text

    def test_its_scope(self) -> None:
        scopes: list[Scope] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(dict(scope))

        with Client(hosting(application)):
            pass
        assert scopes == [{"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}]

    def test_requests_have_a_copy_of_its_state(self) -> None:
        kept: list[str] = []
        with Client(hosting(lived(*LIFE, state={"kept": kept}))) as client:
            kept.append("shared")
            assert client.get("/").text == "{'kept': ['shared']}"

    def test_off_runs_no_lifespan(self) -> None:
        seen: list[str] = []
        with Client(hosting(lived(*LIFE, seen=seen), lifespan="off")) as client:
            assert client.get("/").text == "{}"
        assert seen == []

    def test_again_and_again(self) -> None:
        seen: list[str] = []
        app = hosting(lived(*LIFE, seen=seen))
        for _ in range(2):
            with Client(app):
                pass
        assert seen == ["lifespan.startup", "lifespan.shutdown"] * 2

    def test_wherever_it_hangs_and_once(self) -> None:
        seen: list[str] = []
        resource = asgi(lived(*LIFE, seen=seen))
        root = Resource()
        root.putChild("deep", resource)
        root.putChild("again", resource)
        app, inner = App(), App()
        inner.mount("/x", root)
        app.mount("/in", inner)
        with Client(app):
            assert seen == ["lifespan.startup"]
        assert seen == ["lifespan.startup", "lifespan.shutdown"]

    def test_it_starts_after_the_hooks_of_the_app_and_stops_before_them(self) -> None:
        seen: list[str] = []
        app = hosting(lived(*LIFE, seen=seen))
        app.on_start(lambda: seen.append("start"))
        app.on_stop(lambda: seen.append("stop"))
        with Client(app):
            pass
        assert seen == ["start", "lifespan.startup", "lifespan.shutdown", "stop"]

    def test_an_application_may_receive_after_its_end(self, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
        monkeypatch.setattr(lifespan, "RETURN_LIMIT", 0)
        received = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            while True:
                message = await receive()
                received.append(message["type"])
                await send({"type": f"{message['type']}.complete"})

        with Client(hosting(application)):
            pass
        assert received == ["lifespan.startup", "lifespan.shutdown"]
        assert log == []


class TestApplicationsWithoutOne:
    @pytest.mark.parametrize("raised", [None, AssertionError("http only"), ValueError("not lifespan")])
    def test_are_served_all_the_same(self, raised: BaseException | None, log: Log) -> None:
        with Client(hosting(without(raised))) as client:
            assert client.get("/").text == "served"
        assert "RW" not in log.text
        assert "is served without a lifespan: it " in log.text
        assert log.text.count("\n") == 0

    @pytest.mark.parametrize(
        ("raised", "what"),
        [(None, "returned before its startup was complete"), (ValueError("no"), r"raised ValueError\('no'\) before")],
    )
    def test_are_not_where_it_is_on(self, raised: BaseException | None, what: str) -> None:
        with (
            pytest.raises(HostedError, match=f"RW711 without.<locals>.application at .*test_lifespan.py:.* {what}"),
            Client(hosting(without(raised), lifespan="on")),
        ):
            pass


class TestFailures:
    def test_a_startup_that_fails_stops_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lifespan, "RETURN_LIMIT", 0)
        seen: list[str] = []
        app = hosting(lived("lifespan.startup.failed", "lifespan.shutdown.complete", seen=seen))
        with (
            pytest.raises(HostedError, match="RW711 lived.<locals>.application at .* did not start: because"),
            Client(app),
        ):
            pass
        assert seen == ["lifespan.startup"]

    def test_a_later_exception_is_not_logged_again(self, log: Log) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "because"})
            raise ValueError("because")

        with pytest.raises(HostedError, match="did not start: because"), Client(hosting(application)):
            pass
        assert log.text == ""

    def test_a_shutdown_that_fails(self, log: Log) -> None:
        with Client(hosting(lived("lifespan.startup.complete", "lifespan.shutdown.failed"))):
            pass
        assert "RW712 lived.<locals>.application at " in log.text
        assert "did not stop cleanly: because" in log.text

    @pytest.mark.parametrize("late", [False, True])
    def test_one_that_breaks_off(self, late: bool, log: Log) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                if late:
                    await receive()
                raise ValueError("broken")
            await send(start())
            await send(body(b"served"))

        with Client(hosting(application)) as client:
            assert client.get("/").text == "served"
        assert "RW712 " in log.text
        assert "ended with ValueError('broken')" in log.text

    def test_one_that_returns_early_has_said_all(self, log: Log) -> None:
        with Client(hosting(lived("lifespan.startup.complete"))) as client:
            assert client.get("/").status == 200
        assert log.text == ""

    @pytest.mark.parametrize(
        "messages",
        [
            ["lifespan.shutdown.complete"],
            ["http.response.start"],
            ["lifespan.startup.complete", "lifespan.startup.complete"],
            ["lifespan.startup.complete", "lifespan.startup.failed"],
        ],
    )
    def test_messages_at_the_wrong_time(self, messages: list[str]) -> None:
        raised: list[BaseException] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                for message in messages:
                    await send({"type": message})
            except HostedError as error:
                raised.append(error)

        with Client(hosting(application)):
            pass
        assert f"RW713 {messages[-1]} was sent at the wrong time of the lifespan." in str(raised[0])


class TestCancellation:
    """The start and the stop of an app may be cancelled."""

    @staticmethod
    def cut(hook: Callable[[App], Any], application: Application) -> None:
        async def main() -> None:
            app = hosting(application)
            if hook is not App.start:
                await app.start()
            running = asyncio.ensure_future(hook(app))
            for _ in range(3):
                await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait({running})
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert [task for task in others if "lifespan" in task.get_name()] == []

        asyncio.run(main())

    def test_of_the_start(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.Event().wait()

        self.cut(App.start, application)

    def test_of_the_stop(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "lifespan.startup.complete"})
            await asyncio.Event().wait()

        self.cut(lambda app: app.resource.tree_node.mounted.stop_hooks[0](), application)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (None, "needs an asyncio event loop, and none runs"),
        (
            type("PollReactor", (), {})(),
            "needs an asyncio reactor, but the reactor is PollReactor, which an earlier import has installed",
        ),
        (type("AsyncioReactor", (), {"_asyncioEventloop": None})(), "needs an asyncio event loop, and none runs"),
    ],
    ids=["none", "poll", "asyncio"],
)
def test_on_a_reactor_that_is_not_asyncios(monkeypatch: pytest.MonkeyPatch, installed: Any, said: str) -> None:
    monkeypatch.delitem(sys.modules, "twisted.internet.reactor", raising=False)
    if installed is not None:
        monkeypatch.setitem(sys.modules, "twisted.internet.reactor", installed)
    starting = hosting(lived(*LIFE)).start()
    with pytest.raises(HostedError, match=r"RW710 lived.<locals>.application at ") as caught:
        starting.send(None)
    assert f" {said}. Call `ropewalk.install_reactor()` before " in str(caught.value)


def test_several_at_once() -> None:
    async def main() -> str:
        seen: list[str] = []
        app = App()
        for name in ("a", "b"):
            app.mount(f"/{name}", asgi(lived(*LIFE, seen=seen, state={"name": name})))
        async with AsyncClient(app) as client:
            responses = [(await client.get(path)).text for path in ("/a", "/b")]
        assert seen == ["lifespan.startup"] * 2 + ["lifespan.shutdown"] * 2
        return " ".join(responses)

    assert asyncio.run(main()) == "{'name': 'a'} {'name': 'b'}"


def test_what_is_said_of_a_start_that_failed(log: Log) -> None:
    """The log of a server has the reason that the application gives, without a traceback of Ropewalk."""

    async def main() -> str:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "lifespan.startup.failed", "message": "Traceback\n  database.py\nNo database\n"})

        started = Server(hosting(application), Reactor()).started()
        with pytest.raises(StartError) as caught:
            await started.asFuture(asyncio.get_running_loop())
        return str(caught.value)

    assert asyncio.run(main()) == "RW403 A start hook failed with RW711. The log says what to do."
    (line,) = [formatEvent(event) for event in log]
    assert re.fullmatch(r"RW711 .* did not start: \nTraceback\n  database.py\nNo database\n Fix .*\nMore: .*", line)
