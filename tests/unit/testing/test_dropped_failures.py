"""Operations that fail and that no code awaits (RW285)."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, Request
from ropewalk.client import HTTPClient
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


def app_with(drop: Callable[[Request], Any]) -> App:
    app = App()

    @app.post("/")
    async def handle(request: Request) -> str:
        await request.form() if "multipart" in (request.header("content-type") or "") else None
        drop(request)
        return "done"

    return app


async def refuse(request: Request) -> None:
    raise ValueError("refused")


def save(request: Request) -> None:
    assert request.kept_form is not None
    request.kept_form.files["a"].save("/nonexistent/b")


def form(request: Request) -> None:
    request.form()


class TestTheTestClient:
    def test_an_upload(self, log: Log) -> None:
        with pytest.raises(
            HandlerError, match=r"RW285 .*test_dropped_failures.py:\d+, in save. Write `await`"
        ) as raised:
            Client(app_with(save)).post("/", files={"a": b"x"})
        assert isinstance(raised.value.__cause__, FileNotFoundError)
        assert log.text.count("RW285") == 1
        assert "Unhandled" not in log.text

    def test_a_form(self) -> None:
        with pytest.raises(HandlerError, match=r"RW285 .*test_dropped_failures.py:\d+, in form\."):
            Client(app_with(form)).post("/", body="x", headers={"content-type": "text/plain"})

    def test_without_raise_errors(self, log: Log) -> None:
        client = Client(app_with(save), raise_errors=False)
        assert client.post("/", files={"a": b"x"}).text == "done"
        assert "RW285" in log.text

    def test_a_handled_failure(self, log: Log) -> None:
        def handle(request: Request) -> None:
            request.form().addErrback(lambda _: None)

        headers = {"content-type": "text/plain"}
        assert Client(app_with(handle)).post("/", body="x", headers=headers).text == "done"
        assert log == []


def test_a_call_of_an_http_client(log: Log) -> None:
    async def call() -> None:
        other = App()
        other.get("/")(refuse)
        http = HTTPClient(app=other)
        http.get("/", type=dict)
        while http._running:
            await asyncio.sleep(0)

    asyncio.run(call())
    gc.collect()
    assert "RW285" in log.text
    assert "test_dropped_failures.py" in log.text
    assert "in call" in log.text
    assert "Unhandled" not in log.text
