"""Responses that are shaped by the type of their body: `Response[T]`, and classes with a status."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.statuses import Conflict, Created, NoContent, NotFound, StatusResponse
from ropewalk.testing import Client


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


class Row:
    """An object of a class that msgspec does not know, such as a row of a database library."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.secret = "s"


class Refusal(msgspec.Struct):
    reason: str


class Model(pydantic.BaseModel):
    number: str


class StoredModel(Model):
    secret: str = "s"


class Locked(StatusResponse[Refusal], status=423):
    __slots__ = ()


class OfRoom(Response[Room]):
    __slots__ = ()


class Cleaned(StatusResponse[Room], status=202):
    __slots__ = ()


Value = Callable[[], Any]


def returning(value: Value, kind: Any) -> list[Callable[..., Any]]:
    """A handler of each kind that returns a value and is annotated as returning a type."""

    def plain(request: Request) -> Any:
        return value()

    async def coroutine(request: Request) -> Any:
        return value()

    def deferred(request: Request) -> "Deferred[Any]":
        return succeed(value())

    def typed(limit: int = 1) -> Any:
        return value()

    handlers: list[Callable[..., Any]] = [plain, coroutine, deferred, typed]
    for handler in handlers:
        handler.__annotations__["return"] = Deferred[kind] if handler is deferred else kind
    return handlers


SHOWN = {"number": "1"}

CASES: list[tuple[Value, Any, int, Any]] = [
    (lambda: Response(Stored("1"), 201), Response[Room], 201, SHOWN),
    (lambda: Response.json(Stored("1"), 202), Response[Room], 202, SHOWN),
    (lambda: Response[Room](Stored("1"), 201), Response[Room], 201, SHOWN),
    (lambda: Response[Room](Row("1")), Response[Room], 200, SHOWN),
    (lambda: Response[Stored](Stored("1")), Response[Room], 200, SHOWN),
    (lambda: Response[Room](Room("1")), Response[Room], 200, SHOWN),
    (lambda: Response([Stored("1")]), Response[list[Room]], 200, [SHOWN]),
    (lambda: Response({"a": Stored("1")}), Response[dict[str, Room]], 200, {"a": SHOWN}),
    (lambda: Response[Model](StoredModel(number="1"), 203), Response[Model], 203, SHOWN),
    (lambda: Response[Model](Row("1")), Response[Model], 200, SHOWN),
    (lambda: Response[list[Model]]([Row("1")]), Response[list[Model]], 200, [SHOWN]),
    (lambda: Response(Stored("1")), Response[Room | Refusal], 200, SHOWN),
    (lambda: Response(Refusal("x")), Response[Room] | Response[Refusal], 200, {"reason": "x"}),
    (lambda: Created(Stored("1")), Created[Room], 201, SHOWN),
    (lambda: Created.json(Stored("1")), Created[Room], 201, SHOWN),
    (lambda: Created[Room](Row("1")), Created[Room] | Conflict[Refusal], 201, SHOWN),
    (lambda: Conflict(Refusal("x")), Created[Room] | Conflict[Refusal], 409, {"reason": "x"}),
    (lambda: Response(Refusal("x"), 409), Created[Room] | Conflict[Refusal], 409, {"reason": "x"}),
    (lambda: Locked(Refusal("x")), Room | Locked, 423, {"reason": "x"}),
    (lambda: OfRoom(Stored("1"), 203), OfRoom, 203, SHOWN),
    (lambda: Cleaned(Stored("1")), Cleaned | NotFound[Refusal], 202, SHOWN),
    (lambda: Stored("1"), Room | NotFound[Refusal], 200, SHOWN),
    (lambda: Response(Stored("1")), Room | NotFound[Refusal], 200, SHOWN),
    (lambda: [Stored("1")], list[Room] | Created[Room] | Conflict[Refusal], 200, [SHOWN]),
    (lambda: Response(Stored("1"), 202), Created[Refusal] | Response[Room], 202, SHOWN),
    (lambda: Response(Stored("1"), 418), Created[Room] | Response, 418, {"number": "1", "secret": "s"}),
    (lambda: Stored("1"), Created[Refusal] | Response | Room, 200, SHOWN),
]


@pytest.mark.parametrize(("value", "kind", "status", "sent"), CASES)
@pytest.mark.parametrize("which", range(4), ids=["plain", "coroutine", "deferred", "with an input"])
@pytest.mark.parametrize("around", [False, True], ids=["alone", "in middleware"])
def test_the_body_is_shaped(value: Value, kind: Any, status: int, sent: Any, which: int, around: bool) -> None:
    async def passing(request: Request, next: Any) -> Any:
        return await next(request)

    app = App(middleware=[passing] if around else [])
    app.get("/")(returning(value, kind)[which])
    response = Client(app).get("/")
    assert (response.status, response.headers["content-type"]) == (status, "application/json")
    assert response.json() == sent
    assert Client(app).head("/").status == status


EMPTY: list[tuple[Value, Any, int]] = [
    (NoContent, Created[Room] | NoContent, 204),
    (lambda: Response(None, 204), Created[Room] | NoContent, 204),
    (lambda: Response(None, 304), Created[Room] | Conflict[Refusal], 304),
    (lambda: Response.redirect("/other", 303), Created[Room], 303),
    (lambda: Response(None, 202), Response[Room], 202),
    (lambda: None, Room | None | Created[Room], 204),
]


@pytest.mark.parametrize(("value", "kind", "status"), EMPTY)
@pytest.mark.parametrize("which", range(4))
def test_a_response_without_a_body(value: Value, kind: Any, status: int, which: int) -> None:
    app = App()
    app.get("/")(returning(value, kind)[which])
    response = Client(app).get("/")
    assert (response.status, response.body) == (status, b"")


WRONG: list[tuple[Value, Any, str]] = [
    (lambda: Response(Refusal("x")), Response[Room], "Room"),
    (lambda: Response("text"), Response[Room], "Room"),
    (lambda: Response(b'{"number": "1"}', content_type="application/json"), Response[Room], "Room"),
    (lambda: Response[Room](Refusal("x")), Response[Room], "Response[tests"),
    (lambda: Room("1"), Response[Room], "Room is not a Response"),
    (lambda: Room("1"), Created[Room], "Room is not a Response"),
    (lambda: None, Created[Room], "NoneType is not a Response"),
    (lambda: Response(Room("1")), Created[Room] | Conflict[Refusal], "no response of status 200"),
    (lambda: Response(Room("1"), 409), Created[Room] | Conflict[Refusal], "Refusal"),
    (lambda: NotFound(Refusal("x")), Created[Room] | Conflict[Refusal], "no response of status 404"),
    (lambda: Response("x", 303), Created[Room], "no response of status 303"),
    (NoContent, Room | NotFound[Refusal], "no response of status 204"),
    (lambda: Refusal("x"), Room | NotFound[Refusal], "Room"),
]


@pytest.mark.parametrize(("value", "kind", "named"), WRONG)
@pytest.mark.parametrize("which", range(4))
def test_a_response_that_is_not_declared(value: Value, kind: Any, named: str, which: int, log: Log) -> None:
    app = App()
    app.get("/")(returning(value, kind)[which])
    assert Client(app, raise_errors=False).get("/").status == 500
    assert "RW215" in log.text
    assert "returned a value that does not match" in log.text
    assert named in log.text


def test_headers_and_cookies_are_kept() -> None:
    app = App()

    @app.post("/")
    async def add(request: Request) -> Created[Room]:
        response = Created[Room](Stored("1"), headers={"location": "/rooms/1", "content-type": "application/hal+json"})
        response.set_cookie("a", "b")
        return response

    @app.get("/")
    def show() -> Response[Room]:
        response = Response(Stored("1"), 203, {"x-own": "1"}, reason="Mine")
        response.set_cookie("a", "b")
        return response

    response = Client(app).post("/")
    assert (response.headers["location"], response.headers["content-type"]) == ("/rooms/1", "application/hal+json")
    assert "set-cookie" in response.headers
    response = Client(app).get("/")
    assert (response.status, response.headers["x-own"], response.json()) == (203, "1", SHOWN)
    assert "set-cookie" in response.headers


def test_a_shared_response_is_not_changed() -> None:
    shared = Response(Stored("1"), headers={"x-own": "1"})
    app = App()
    app.get("/shaped")(returning(lambda: shared, Response[Room])[0])
    app.get("/")(returning(lambda: shared, Any)[0])
    client = Client(app)
    for _ in range(2):
        assert client.get("/shaped").json() == SHOWN
        assert client.get("/").json() == {"number": "1", "secret": "s"}


def test_a_replaced_body_is_shaped() -> None:
    app = App()

    @app.get("/")
    def show() -> Response[Room]:
        response = Response({"x": 1})
        response.body = Stored("1")
        return response

    assert Client(app).get("/").json() == SHOWN


def test_items_of_a_stream_in_a_response() -> None:
    app = App()

    @app.get("/")
    def rooms() -> Response[Iterator[Room]]:
        return Response(iter([Stored("1")]), headers={"x-own": "1"})

    @app.get("/async")
    def later() -> Response[AsyncIterator[Room]]:
        async def make() -> AsyncIterator[Room]:
            yield Stored("1")

        return Response(make())

    response = Client(app).get("/")
    assert (response.headers["content-type"], response.headers["x-own"]) == ("application/jsonl", "1")
    assert response.body == b'{"number":"1"}\n'
    assert Client(app).get("/async").body == b'{"number":"1"}\n'


class TestMakingResponses:
    def test_the_value_is_shaped_where_no_annotation_does(self) -> None:
        app = App()

        async def guard(request: Request, next: Any) -> Any:
            return Response[Room](Row("1"), 203) if request.query.get("guarded") else await next(request)

        @app.error(404)
        def missing(request: Request, error: HTTPError) -> Any:
            return NotFound[Room](Stored("1"))

        app.middleware(guard)
        app.get("/")(lambda request: Created[Room](Row("1")))
        client = Client(app)
        assert (client.get("/").status, client.get("/").json()) == (201, SHOWN)
        assert (client.get("/?guarded=1").status, client.get("/?guarded=1").json()) == (203, SHOWN)
        assert (client.get("/none").status, client.get("/none").json()) == (404, SHOWN)

    def test_a_value_that_does_not_match(self) -> None:
        with pytest.raises(HandlerError, match="Response") as caught:
            Response[Room](Refusal("x"))
        assert caught.value.code == "RW215"

    def test_a_type_by_which_nothing_is_shaped(self) -> None:
        assert Response[Any]({"a": 1}).body == b'{"a":1}'
        assert Response[dict[str, Any]]({"a": 1}).body == b'{"a":1}'
        assert Response[str]("x").body == "x"
        assert Response[Annotated[Room, ["a note"]]](Row("1")).body == b'{"number":"1"}'
        assert Response[Room](None, 204).body == b""

    def test_the_status_of_a_class_is_fixed(self) -> None:
        assert Created(Room("1"), 201).status == 201
        with pytest.raises(ValueError, match="The status of Created is 201, not 202"):
            Created(Room("1"), 202)
        with pytest.raises(ValueError, match="is not the status of a response"):
            type("Wrong", (StatusResponse,), {}, status=99)

    def test_the_value_before_it_was_encoded(self) -> None:
        room = Room("1")
        assert Response(room).value is room
        replaced = Response(room)
        replaced.body = b"x"
        assert replaced.value == b"x"
        assert Response("x").value == "x"
        assert Response.json([room]).value == [room]


def test_an_awaitable_response() -> None:
    app = App()

    async def later() -> Response[Room]:
        return Response(Stored("1"), 203)

    @app.get("/")
    def show(request: Request) -> Awaitable[Response[Room]]:
        return later()

    response = Client(app).get("/")
    assert (response.status, response.json()) == (203, SHOWN)
