"""Typed `render_*` functions of resources."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest
from tests.unit.conftest import Log
from tests.unit.openapi.described import described
from twisted.internet.defer import Deferred, succeed
from twisted.web.iweb import IRequest
from twisted.web.server import Request as TwistedRequest

from ropewalk import NOT_DONE_YET, App, Depends, Header, Path, Request, Resource, Response
from ropewalk.errors import HandlerError
from ropewalk.resource.method_lookup import handler_of
from ropewalk.statuses import Created
from ropewalk.testing import Client

if TYPE_CHECKING:
    from decimal import Decimal as Missing


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


class Rooms(Resource):
    def __init__(self, first: str) -> None:
        self.first = first

    def render_GET(self, limit: int = 1) -> list[Room]:
        return [Stored(self.first)] * limit

    async def render_POST(self, room: Room, agent: Annotated[str, Header("user-agent")] = "") -> Created[Room]:
        return Created(Stored(room.number), headers={"x-agent": agent, "location": self.first})

    def render_PUT(self, request: Request) -> Deferred[Room]:
        return succeed(Stored(request.method))

    def render_DELETE(self) -> None: ...


class Dynamic(Resource):
    """Makes a resource for each request."""

    def getChild(self, name: str, request: Request) -> Resource:
        return Rooms(name)


class Leaf(Rooms):
    isLeaf = True


def served(resource: Resource, path: str = "rooms") -> Client:
    app = App()
    app.resource.putChild(path, resource)
    return Client(app, raise_errors=False)


@pytest.mark.parametrize("made", [Rooms, Leaf, None], ids=["in the tree", "a leaf", "by getChild"])
class TestMethods:
    def client(self, made: Any) -> tuple[Client, str]:
        if made is None:
            return served(Dynamic()), "/rooms/a"
        return served(made("a")), "/rooms"

    def test_parameters_and_values(self, made: Any) -> None:
        client, path = self.client(made)
        assert client.get(path).json() == [{"number": "a"}]
        assert client.get(f"{path}?limit=2").json() == [{"number": "a"}] * 2
        assert client.head(path).status == 200
        refused = client.get(f"{path}?limit=x")
        assert (refused.status, refused.json()["errors"][0]["name"]) == (422, "limit")

    def test_a_body(self, made: Any) -> None:
        client, path = self.client(made)
        response = client.post(path, json={"number": "7"}, headers={"user-agent": "test"})
        assert (response.status, response.json()) == (201, {"number": "7"})
        assert (response.headers["x-agent"], response.headers["location"]) == ("test", "a")
        assert client.post(path, json={}).status == 422
        assert client.post(path, body=b"{", headers={"content-type": "application/json"}).status == 400
        assert client.post(path, body=b"{}").status == 415

    def test_a_deferred_and_none(self, made: Any) -> None:
        client, path = self.client(made)
        assert client.put(path).json() == {"number": "PUT"}
        assert client.delete(path).status == 204
        assert client.patch(path).status == 405


def test_resources_of_one_class_do_not_share_their_state() -> None:
    app = App()
    for name in ("a", "b"):
        app.resource.putChild(name, Rooms(name))
    client = Client(app)
    assert [client.get(f"/{name}").json()[0]["number"] for name in ("a", "b", "a")] == ["a", "b", "a"]


def test_a_subclass_may_have_other_annotations() -> None:
    class Open(Rooms):
        def render_GET(self, limit: int = 1) -> list[Stored]:  # type: ignore[override] # of other items
            return [Stored(self.first)]

    app = App()
    app.resource.putChild("open", Open("a"))
    app.resource.putChild("shut", Rooms("a"))
    assert Client(app).get("/open").json() == [{"number": "a", "secret": "s"}]
    assert Client(app).get("/shut").json() == [{"number": "a"}]


def test_render_takes_every_method() -> None:
    class Any_(Resource):
        def render(self, request: Request, room: Room | None = None) -> Room:
            return Stored(request.method if room is None else room.number)

    client = served(Any_())
    assert client.get("/rooms").json() == {"number": "GET"}
    assert client.post("/rooms", json={"number": "7"}).json() == {"number": "7"}


def test_a_parameter_of_the_path_around_it() -> None:
    class Guest(Resource):
        def render_GET(self, name: Annotated[int, Path()]) -> str:
            return f"{name + 1}"

    app = App()
    app.mount("/guests/{name}", Guest())
    assert Client(app).get("/guests/6").text == "7"
    assert Client(app).get("/guests/x").status == 404


def test_streams() -> None:
    class Lines(Resource):
        async def render_GET(self) -> AsyncIterator[Room]:
            yield Stored("1")

    class Events(Resource):
        content_type = "text/event-stream"

        def render_GET(self) -> Iterator[Room]:
            yield Stored("1")

    assert served(Lines()).get("/rooms").body == b'{"number":"1"}\n'
    events = served(Events()).get("/rooms")
    assert (events.headers["content-type"], events.body) == ("text/event-stream", b'data: {"number":"1"}\n\n')


def test_a_typed_function_may_send_the_response_itself(log: Log) -> None:
    class Own(Resource):
        def render_GET(self, request: Request, name: str = "x") -> int:
            request.write(name.encode())
            request.finish()
            return NOT_DONE_YET

    assert served(Own()).get("/rooms?name=y").body == b"y"
    assert log.text == ""


def test_text_has_the_type_of_the_class() -> None:
    class Page(Resource):
        def render_GET(self, name: str = "x") -> str:
            return f"<p>{name}"

    response = served(Page()).get("/rooms?name=y")
    assert (response.headers["content-type"], response.text) == ("text/html; charset=utf-8", "<p>y")


def test_dependencies() -> None:
    opened: list[str] = []

    def session() -> Iterator[str]:
        opened.append("open")
        yield "session"
        opened.append("closed")

    def pool() -> str:
        opened.append("pool")
        return "pool"

    class Rows(Resource):
        def __init__(self, name: str = "row") -> None:
            self.name = name

        def render_GET(
            self, session: Annotated[str, Depends(session)], pool: Annotated[str, Depends(pool, scope="app")]
        ) -> str:
            return f"{self.name} {session} {pool}"

    class Made(Resource):
        def getChild(self, name: str, request: Request) -> Resource:
            return Rows(name)

    app = App()
    app.resource.putChild("rows", Rows())
    app.resource.putChild("made", Made())
    with Client(app) as client:
        assert opened == ["pool"]
        assert client.get("/rows").text == "row session pool"
        assert client.get("/made/x").text == "x session pool"
    assert opened == ["pool", "open", "closed", "open", "closed"]


class TestUntyped:
    def test_they_are_called_as_they_are(self) -> None:
        class Plain(Resource):
            def render_GET(self, request):  # type: ignore[no-untyped-def]
                return Stored("1")

            def render_POST(self, request: IRequest) -> bytes:
                return b"interface"

            def render_PUT(self, request: TwistedRequest, extra=None) -> "bytes | int":  # type: ignore[no-untyped-def]
                return b"class"

            def render_PATCH(self, request: "TwistedRequest") -> "Response":
                return Response("text")

        resource = Plain()
        client = served(resource)
        assert client.get("/rooms").json() == {"number": "1", "secret": "s"}
        assert [client.request(method, "/rooms").body for method in ("POST", "PUT", "PATCH")] == [
            b"interface",
            b"class",
            b"text",
        ]
        for method in ("GET", "POST", "PUT", "PATCH"):
            handler = handler_of(resource, method)
            assert handler is not None
            assert handler.plan is None
            assert handler.call == getattr(resource, f"render_{method}")

    def test_they_may_send_the_response_themselves(self) -> None:
        class Own(Resource):
            def render_GET(self, request: Request) -> int:
                request.write(b"own")
                request.finish()
                return NOT_DONE_YET

        assert served(Own()).get("/rooms").body == b"own"

    def test_a_function_that_is_set_on_a_resource(self) -> None:
        resource = Rooms("a")
        resource.render_GET = lambda request: b"own"  # type: ignore[method-assign,assignment,misc] # as tests do
        assert served(resource).get("/rooms").body == b"own"
        assert served(Rooms("a")).get("/rooms").json() == [{"number": "a"}]


class Wrong(Resource):
    def render_GET(self, room: Room) -> str:
        return ""


class Unknown(Resource):
    def render_GET(self, request: Request) -> "Missing":
        raise AssertionError


@pytest.mark.parametrize(("made", "code"), [(Wrong, "RW214"), (Unknown, "RW228")])
class TestWrongAnnotations:
    def test_at_put_child_and_mount(self, made: Any, code: str) -> None:
        for add in (lambda app: app.resource.putChild("a", made()), lambda app: app.mount("/a", made())):
            with pytest.raises(HandlerError) as caught:
                add(App())
            assert caught.value.code == code
            assert f"{made.__name__}.render_GET at tests/unit/typed/test_render_methods.py:" in str(caught.value)

    def test_at_the_first_lookup(self, made: Any, code: str, log: Log) -> None:
        class Parent(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                child: Resource = made()
                return child

        assert served(Parent()).get("/rooms/a").status == 500
        assert code in log.text
        assert "test_render_methods.py:" in log.text


def test_the_description() -> None:
    app = App()
    app.resource.putChild("rooms", Rooms("a"))
    paths = described(app)["paths"]["/rooms"]
    assert [each["name"] for each in paths["get"]["parameters"]] == ["limit"]
    assert set(paths["get"]["responses"]) == {"200", "422"}
    assert set(paths["post"]["responses"]) == {"201", "400", "413", "415", "422"}
    assert paths["post"]["requestBody"]["required"] is True
