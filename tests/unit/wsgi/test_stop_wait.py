"""The wait of a stop for calls that run on threads."""

import asyncio
import threading

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import SECONDS, TEXT, Parts, client, plain, returning

from ropewalk import App
from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import Waiter, ready
from ropewalk.wsgi import stop_wait, wsgi


class TestEnd:
    def test_the_stop_waits_for_calls_after_their_responses(self) -> None:
        going = threading.Event()
        ended: list[str] = []

        def close() -> None:
            assert going.wait(SECONDS)
            ended.append("call")

        app = App()
        app.on_stop(lambda: ended.append("app"))
        body = Parts([b"Hello"], close)
        app.mount("/", wsgi(returning(body, headers=[TEXT, ("Content-Length", "5")])))

        async def run() -> None:
            assert (await AsyncClient(app).get("/")).text == "Hello"
            stopping = asyncio.ensure_future(app.stop())
            await asyncio.sleep(0)
            assert ended == []
            going.set()
            await stopping

        asyncio.run(run())
        assert ended == ["call", "app"]

    def test_but_not_for_ever(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stop_wait, "STOP_LIMIT", 0.05)
        going = threading.Event()
        body = Parts([b"Hello"], lambda: going.wait(SECONDS))
        asked = client(returning(body, headers=[TEXT, ("Content-Length", "5")]), wrap=plain)
        with asked:
            assert asked.get("/").text == "Hello"
        going.set()
        assert "RW706 1 call of returning.<locals>.application at tests/unit/wsgi/applications.py" in log.text
        body.wait()

    @pytest.mark.parametrize(("seconds", "wait"), [(None, "5"), (30, "5"), (2.5, "2.5"), (0, "1")])
    def test_it_waits_no_longer_than_the_deadline_of_the_stop(
        self, seconds: float | None, wait: str, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []

        def pause(seconds: float) -> Waiter[None]:
            pauses.append(seconds)
            return ready(None)

        monkeypatch.setattr(stop_wait, "_pause", pause)
        going = threading.Event()
        body = Parts([b"Hello"], lambda: going.wait(SECONDS))
        resource = wsgi(plain(returning(body, headers=[TEXT, ("Content-Length", "5")])))
        assert Client(resource).get("/").text == "Hello"
        asyncio.run(resource.finish_calls(seconds))
        assert sum(pauses) == pytest.approx(float(wait))
        notified, warned = log.text.splitlines()
        assert notified.startswith("Stopping: 1 call of returning.<locals>.application at ")
        assert notified.endswith(f" still runs. Waiting up to {wait} s.")
        assert warned.startswith("RW706 1 call of returning.<locals>.application at ")
        going.set()
        body.wait()

    def test_it_waits_no_longer_when_that_is_cut_short(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        going = threading.Event()
        body = Parts([b"Hello"], lambda: going.wait(SECONDS))
        resource = wsgi(plain(returning(body, headers=[TEXT, ("Content-Length", "5")])))

        def pause(seconds: float) -> Waiter[None]:
            resource.cut_calls()
            return ready(None)

        monkeypatch.setattr(stop_wait, "_pause", pause)
        assert Client(resource).get("/").text == "Hello"
        asyncio.run(resource.finish_calls(30))
        assert log.text.startswith("RW706 1 call of ")
        going.set()
        body.wait()
