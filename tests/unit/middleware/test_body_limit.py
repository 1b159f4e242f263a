"""A limit for bodies, however they are read."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.every_response import asgi_application, wsgi_application

from ropewalk import App, Request, asgi, wsgi
from ropewalk.errors import HandlerError
from ropewalk.middleware import BodyLimitOptions, body_limit
from ropewalk.testing import Client

LIMIT = body_limit(BodyLimitOptions(body_limit=10))


def plain(request: Request) -> str:
    return request.content.read().decode()


async def coroutine(request: Request) -> bytes:
    return await request.body()


async def with_own_limit(request: Request) -> bytes:
    return await request.body(100)


async def stream(request: Request) -> bytes:
    return b"".join([part async for part in request.stream()])


def typed(body: dict[str, int]) -> dict[str, int]:
    return body


HANDLERS = [plain, coroutine, with_own_limit, stream]


def served(handler: Any, **options: Any) -> Client:
    app = App(middleware=[LIMIT])
    app.post("/", **options)(handler)
    return Client(app)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("chunked", [False, True])
def test_it_limits_every_way_to_read(handler: Any, chunked: bool, log: Log) -> None:
    client = served(handler)
    most, more = b"a" * 10, b"a" * 11
    assert client.post("/", body=[most] if chunked else most).body == most
    assert client.post("/", body=[more[:5], more[5:]] if chunked else more).status == 413
    assert log.text == ""


def test_a_typed_handler() -> None:
    client = served(typed)
    assert client.post("/", json={"a": 1}).json() == {"a": 1}
    assert client.post("/", json={"a": 10**9}).status == 413


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("application", [asgi(asgi_application), wsgi(wsgi_application)], ids=["asgi", "wsgi"])
def test_mounted_applications(application: Any, chunked: bool) -> None:
    app = App(middleware=[LIMIT])
    app.mount("/", application)
    client = Client(app)
    most, more = b"a" * 10, b"a" * 11
    assert client.post("/", body=[most] if chunked else most).body.endswith(b" " + most)
    assert client.post("/", body=[more] if chunked else more).status == 413


def test_nothing_inside_runs_for_a_length_over_the_limit() -> None:
    calls = []

    async def handler(request: Request) -> str:
        calls.append(request)
        return ""

    assert served(handler).post("/", body=b"a" * 11).status == 413
    assert calls == []


class TestSeveralLimits:
    def test_the_routes_is_smaller(self) -> None:
        client = served(plain, body_limit=5)
        assert client.post("/", body=b"a" * 5).status == 200
        assert client.post("/", body=[b"a" * 6]).status == 413

    def test_the_routes_is_larger(self) -> None:
        assert served(plain, body_limit=50).post("/", body=[b"a" * 11]).status == 413

    @pytest.mark.parametrize(("outer", "inner"), [(5, 10), (10, 5)])
    def test_two_middlewares(self, outer: int, inner: int) -> None:
        app = App(middleware=[body_limit(BodyLimitOptions(body_limit=outer))])
        app.post("/", middleware=[body_limit(BodyLimitOptions(body_limit=inner))])(plain)
        client = Client(app)
        assert client.post("/", body=[b"a" * 5]).status == 200
        assert client.post("/", body=[b"a" * 6]).status == 413


@pytest.mark.parametrize("size", [-1, 1.5, "10", None, True])
def test_wrong_options(size: Any) -> None:
    with pytest.raises(HandlerError, match="RW230 BodyLimitOptions: body_limit cannot be"):
        BodyLimitOptions(body_limit=size)
