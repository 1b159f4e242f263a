"""Responses that middleware leaves as they are: the engine sends their values without `Response.send`."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from ropewalk import App, Request, Response
from ropewalk.middleware import Next
from ropewalk.testing import Client


class Room(Struct):
    number: int


VALUES: list[tuple[Any, str, bytes]] = [
    ("text \xe9", "text/plain; charset=utf-8", "text \xe9".encode()),
    (b"bytes", "application/octet-stream", b"bytes"),
    ({"a": 1}, "application/json", b'{"a":1}'),
    ([1, 2], "application/json", b"[1,2]"),
    (Room(7), "application/json", b'{"number":7}'),
]


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def app_of(value: Any, *middleware: Any, waiting: bool = False, **options: Any) -> App:
    app = App(middleware=middleware)

    def handler(request: Request) -> Any:
        return value

    async def coroutine(request: Request) -> Any:
        return value

    app.get("/", **options)(coroutine if waiting else handler)
    return app


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Response]:
    """The responses that Python code has sent."""
    responses: list[Response] = []
    send = Response.send

    def noted(self: Response, request: Request) -> Any:
        responses.append(self)
        return send(self, request)

    monkeypatch.setattr(Response, "send", noted)
    return responses


class TestUnchanged:
    @pytest.mark.parametrize("depth", [1, 3])
    @pytest.mark.parametrize("waiting", [False, True])
    @pytest.mark.parametrize(("value", "kind", "body"), VALUES)
    def test_the_engine_sends_it(
        self, value: Any, kind: str, body: bytes, waiting: bool, depth: int, sent: list[Response]
    ) -> None:
        client = Client(app_of(value, *[passing] * depth, waiting=waiting))
        for _ in range(2):
            response = client.get("/")
            assert (response.status, response.headers["content-type"], response.body) == (200, kind, body)
        assert sent == []

    def test_fields_that_are_only_read(self, sent: list[Response]) -> None:
        async def reading(request: Request, next: Next) -> Response:
            response = await next(request)
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            return response

        response = Client(app_of("text", passing, reading, passing)).get("/")
        assert (response.status, response.text) == (200, "text")

    def test_a_head_request(self) -> None:
        response = Client(app_of("text", passing)).request("HEAD", "/")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "4")

    def test_the_value_is_encoded_before_middleware_sees_it(self) -> None:
        async def changing(request: Request, next: Next) -> Response:
            response = await next(request)
            response.value["a"] = 2
            return response

        assert Client(app_of({"a": 1}, changing)).get("/").body == b'{"a":1}'


def _reason(request: Request, response: Response) -> None:
    response.reason = "Fine"


CHANGES: dict[str, tuple[Callable[[Request, Response], object], Callable[[Any], bool]]] = {
    "status": (lambda _, response: setattr(response, "status", 202), lambda got: got.status == 202),
    "body": (lambda _, response: setattr(response, "body", "other"), lambda got: got.text == "other"),
    "equal body": (lambda _, response: setattr(response, "body", b"text"), lambda got: got.text == "text"),
    "reason": (_reason, lambda got: got.reason == "Fine"),
    "added field": (lambda _, response: response.headers.add("x-a", "1"), lambda got: got.headers["x-a"] == "1"),
    "cookie": (lambda _, response: response.set_cookie("a", "1"), lambda got: "a=1" in got.headers["set-cookie"]),
    "other type": (
        lambda _, response: response.headers.__setitem__("content-type", "text/html"),
        lambda got: got.headers["content-type"] == "text/html",
    ),
    "no type": (lambda _, response: response.headers.clear(), lambda got: "content-type" not in got.headers),
    "field of the request": (
        lambda request, _: request.setHeader("x-a", "1"),
        lambda got: got.headers["x-a"] == "1" and got.headers["content-type"] == "text/plain; charset=utf-8",
    ),
    "status of the request": (lambda request, _: request.setResponseCode(202), lambda got: got.status == 202),
}


class TestChanged:
    @pytest.mark.parametrize(("change", "is_there"), CHANGES.values(), ids=CHANGES)
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_changes_are_sent(
        self, change: Callable[[Request, Response], object], is_there: Callable[[Any], bool], place: int
    ) -> None:
        async def changing(request: Request, next: Next) -> Response:
            response = await next(request)
            change(request, response)
            return response

        middleware = [passing, passing, passing]
        middleware[place] = changing
        app = app_of("text", *middleware)
        app.get("/plain")(lambda request: "plain")
        client = Client(app)
        for _ in range(2):
            assert is_there(client.get("/"))

    def test_a_response_of_another_request(self) -> None:
        """A response that a middleware keeps from one request and returns for another is sent with its own value."""
        kept: list[Response] = []

        async def keeping(request: Request, next: Next) -> Response:
            kept.append(await next(request))
            return kept[0]

        app = App(middleware=[passing, keeping])
        app.get("/{name}")(lambda request, name: name)
        client = Client(app)
        assert [client.get(path).text for path in ("/a", "/b")] == ["a", "a"]

    def test_outer_middleware_sees_a_field_that_was_set_on_the_request(self) -> None:
        seen: list[tuple[int, str | None]] = []

        async def seeing(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append((response.status, response.headers.get("x-a")))
            return response

        async def setting(request: Request, next: Next) -> Response:
            response = await next(request)
            request.setHeader("x-a", "1")
            request.setResponseCode(202)
            return response

        Client(app_of("text", seeing, setting)).get("/")
        assert seen == [(202, "1")]
