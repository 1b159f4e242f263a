"""When the start and stop hooks of apps are called."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import succeed

from ropewalk import App
from ropewalk.testing import Client


class TestLifecycle:
    def test_hooks_are_called_in_order_and_stop_hooks_in_reverse(self) -> None:
        calls: list[str] = []

        def hook(name: str) -> Any:
            async def call() -> None:
                calls.append(await succeed(name))

            return call

        inner, app = App(), App()
        app.mount("/inner", inner)
        app.on_start(hook("start 1"))
        app.on_start(lambda: calls.append("start 2"))
        inner.on_start(hook("start inner"))
        app.on_stop(hook("stop 1"))
        app.on_stop(lambda: calls.append("stop 2"))
        inner.on_stop(hook("stop inner"))
        with Client(app) as client:
            assert calls == ["start 1", "start 2", "start inner"]
            client.get("/")
        assert calls[3:] == ["stop inner", "stop 2", "stop 1"]

    def test_an_app_mounted_twice_starts_once(self) -> None:
        calls: list[str] = []
        inner, app = App(), App()
        inner.on_start(lambda: calls.append("inner"))
        app.mount("/a", inner)
        app.mount("/b", inner)
        with Client(app):
            assert calls == ["inner"]

    def test_a_stop_hook_that_fails_does_not_stop_the_others(self, log: Log) -> None:
        calls: list[str] = []
        app = App()
        app.on_stop(lambda: calls.append("first"))
        app.on_stop(lambda: 1 // 0)
        with Client(app):
            pass
        assert calls == ["first"]
        assert "while the app was stopping" in log.text

    def test_a_start_hook_that_fails(self) -> None:
        app = App()
        app.on_start(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError), Client(app):
            pass

    def test_apps_that_have_started_stop_when_another_fails(self) -> None:
        calls: list[str] = []
        app, inner = App(), App()
        app.mount("/inner", inner)
        app.on_start(lambda: calls.append("started"))
        app.on_stop(lambda: calls.append("stopped"))
        inner.on_start(lambda: 1 // 0)
        inner.on_stop(lambda: calls.append("inner stopped"))
        with pytest.raises(ZeroDivisionError), Client(app):
            pass
        assert calls == ["started", "stopped"]
