"""If a middleware has read the body as a stream, the application cannot read it again, because Ropewalk does not keep
the parts of a stream."""

from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, Request, Response
from ropewalk.asgi import asgi
from ropewalk.middleware import Next
from ropewalk.testing import Client


async def application(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})


async def by_stream(request: Request) -> None:
    async for _ in request.stream():
        pass


async def by_form(request: Request) -> None:
    await request.form()


@pytest.mark.parametrize("read", [by_stream, by_form])
def test_it_is_an_error_and_not_an_empty_body(read: Any, log: Log) -> None:
    async def reading(request: Request, next: Next) -> Response:
        await read(request)
        return await next(request)

    app = App(middleware=[reading])
    app.mount("/", asgi(application))
    assert Client(app, raise_errors=False).post("/", files={"a": ("a", b"x")}).status == 500
    assert "RW207" in log.text
