"""The media types of a handler, chosen by the Accept field: `produces=`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from msgspec.msgpack import decode
from tests.unit.conftest import Log
from tests.unit.openapi.described import described
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Depends, HTTPError, Query, Request, Response, Routes
from ropewalk.errors import HandlerError
from ropewalk.msgpack_values import MSGPACK
from ropewalk.routing import get
from ropewalk.statuses import Created, NotFound
from ropewalk.testing import Client, ClientResponse
from ropewalk.typed.model_narrowing import narrowed_model

JSON = "application/json"
HTML = "text/html; charset=utf-8"


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


class Model(pydantic.BaseModel):
    number: str


class StoredModel(Model):
    secret: str = "s"


class Refusal(msgspec.Struct):
    reason: str


def page(room: Any) -> str:
    return f"<p>{room.number}"


def csv(rooms: Any) -> bytes:
    return ",".join(room.number for room in rooms).encode()


BOTH = [JSON, MSGPACK]


def generated() -> Iterator[int]:
    yield 1


def kinds_of_handler(value: Any, kind: Any) -> list[Callable[..., Any]]:
    def plain(request: Request) -> Any:
        return value

    async def coroutine(request: Request) -> Any:
        return value

    def deferred(request: Request) -> "Deferred[Any]":
        return succeed(value)

    def awaitable(request: Request) -> Awaitable[Any]:
        return coroutine(request)

    def needing(one: Annotated[int, Depends(lambda: 1)]) -> Any:
        return value

    async def needing_later(one: Annotated[int, Depends(generated)]) -> Any:
        return value

    found: list[Callable[..., Any]] = [plain, coroutine, deferred, awaitable, needing, needing_later]
    for handler in found:
        handler.__annotations__["return"] = Deferred[kind] if handler is deferred else kind
    return found


def serve(handler: Callable[..., Any], produces: Any, **options: Any) -> Client:
    app = App()
    app.get("/", produces=produces, **options)(handler)
    return Client(app, raise_errors=False)


def ask(client: Client, accept: str | None = None, method: str = "GET") -> ClientResponse:
    return client.request(method, "/", headers={} if accept is None else {"accept": accept})


@pytest.mark.parametrize("which", range(6))
class TestEveryKindOfHandler:
    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            (None, JSON),
            ("*/*", JSON),
            ("application/*", JSON),
            (JSON, JSON),
            (f"{JSON}; charset=utf-8", JSON),
            (MSGPACK, MSGPACK),
            (f"{JSON};q=0.1, {MSGPACK};q=0.2", MSGPACK),
            (f"{JSON};q=0, */*", MSGPACK),
            (f"{MSGPACK}, {JSON}", JSON),
            ("text/html, */*;q=0.1", JSON),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_the_client_chooses(self, which: int, accept: str | None, kind: str, method: str) -> None:
        client = serve(kinds_of_handler(Stored("1"), Room)[which], BOTH)
        response = ask(client, accept, method)
        assert (response.status, response.headers["content-type"]) == (200, kind)
        assert response.headers["vary"] == "Accept"
        if method == "GET":
            assert (decode(response.body) if kind == MSGPACK else response.json()) == {"number": "1"}

    @pytest.mark.parametrize("accept", ["text/html", "image/*", "*/*;q=0", f"{JSON};q=0", "application/xml"])
    def test_nothing_fits(self, which: int, accept: str) -> None:
        response = ask(serve(kinds_of_handler(Stored("1"), Room)[which], [JSON]), accept)
        assert (response.status, response.headers["vary"]) == (406, "Accept")
        if accept == "application/xml":
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"] == f"This resource can be sent as {JSON}."

    def test_the_status_of_the_route(self, which: int) -> None:
        client = serve(kinds_of_handler(Stored("1"), Room)[which], BOTH, status=203)
        assert (ask(client, MSGPACK).status, decode(ask(client, MSGPACK).body)) == (203, {"number": "1"})

    def test_none(self, which: int) -> None:
        response = ask(serve(kinds_of_handler(None, Room | None)[which], BOTH), MSGPACK)
        assert (response.status, response.body, response.headers["vary"]) == (204, b"", "Accept")

    def test_a_typed_response(self, which: int) -> None:
        value = Response(Stored("1"), 202, {"x-own": "1", "vary": "Origin"})
        client = serve(kinds_of_handler(value, Response[Room])[which], BOTH)
        for _ in range(2):
            response = ask(client, MSGPACK)
            assert (response.status, response.headers["content-type"]) == (202, MSGPACK)
            assert (response.headers["x-own"], response.headers["vary"]) == ("1", "Origin, Accept")
            assert decode(response.body) == {"number": "1"}
            assert ask(client).json() == {"number": "1"}

    def test_models_of_pydantic(self, which: int) -> None:
        model = StoredModel(number="1")
        for value, kind in (
            (model, Model),
            ([model], list[Model]),
            ([model], list[Model | Room]),
            (Created[Model](model), Created[Model]),
        ):
            client = serve(kinds_of_handler(value, kind)[which], BOTH)
            assert decode(ask(client, MSGPACK).body) == ask(client, JSON).json()
            assert "secret" not in ask(client, JSON).text

    def test_a_function_makes_a_representation(self, which: int) -> None:
        for kind in (Room, Model):
            client = serve(kinds_of_handler(Stored("1"), kind)[which], {JSON: None, "text/html": page})
            response = ask(client, "text/html")
            assert (response.headers["content-type"], response.text) == (HTML, "<p>1")
            assert ask(client, "text/html; charset=UTF-8").text == "<p>1"
            assert ask(client, "*/*").json() == {"number": "1"}


class Hotel(pydantic.BaseModel):
    rooms: list[Model]
    by_number: dict[str, Model | None] = {}
    best: tuple[Model, int] | None = None
    floors: tuple[Model, ...] = ()
    alias: Annotated[Model | None, pydantic.Field(serialization_alias="other")] = None
    _note: str = "own"


class StoredHotel(Hotel):
    secret: str = "s"
    _hidden: str = "secret"


def test_a_function_gets_models_without_other_fields() -> None:
    """Pydantic drops additional fields when it makes JSON. A user's function might write all fields of its argument, so
    they are dropped before it is called.
    """
    room = StoredModel(number="1")
    hotel = StoredHotel(rooms=[room], by_number={"1": room, "2": None}, best=(room, 1), floors=(room,), alias=room)
    for value, kind in (
        (room, Model),
        ([room], list[Model]),
        (hotel, Hotel),
        (Hotel(rooms=[room]), Hotel),
        ([hotel, None], list[Hotel | None]),
        ({"a": room}, dict[str, Model]),
        (Created[Model](room), Created[Model]),
    ):
        text = ask(serve(kinds_of_handler(value, kind)[0], {"text/plain": repr})).text
        assert "number='1'" in text
        assert "secret" not in text
    assert hotel.secret == "s"


def test_a_narrowed_model_is_a_whole_one() -> None:
    room, own = StoredModel(number="1"), Model(number="2")
    hotel = StoredHotel(rooms=[room, own], by_number={"1": room}, best=(room, 1), alias=room)
    made = narrowed_model(hotel, Hotel)
    assert type(made) is Hotel
    assert made._note == "own"
    assert made == Hotel.model_validate_json(hotel.model_dump_json(include=set(Hotel.model_fields)))
    assert made.model_fields_set == {"rooms", "by_number", "best", "alias"}
    assert made.rooms[1] is own
    for exact, kind in ((own, Model), ([own, own], list[Model]), (Hotel(rooms=[own], best=(own, 1)), Hotel)):
        assert narrowed_model(exact, kind) is exact


def test_bytes_of_a_function() -> None:
    for kind in (list[Room], list[Model]):
        client = serve(kinds_of_handler([Stored("1"), Stored("2")], kind)[0], {"text/csv": csv, JSON: None})
        response = ask(client)
        assert (response.headers["content-type"], response.body) == ("text/csv; charset=utf-8", b"1,2")


def test_text_of_a_str() -> None:
    client = serve(kinds_of_handler("<b>", str)[0], ["text/html", "text/plain", JSON, MSGPACK])
    assert [(ask(client, kind).headers["content-type"], ask(client, kind).body) for kind in ("*/*", "text/plain")] == [
        (HTML, b"<b>"),
        ("text/plain; charset=utf-8", b"<b>"),
    ]
    assert (ask(client, JSON).json(), decode(ask(client, MSGPACK).body)) == ("<b>", "<b>")


def test_what_has_a_type_of_its_own_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    values: list[Any] = [
        file,
        Response("x", content_type="text/css"),
        Response(b"x", content_type=JSON),
        Response({"a": 1}, content_type="application/hal+json"),
        iter([b"x"]),
    ]
    for value in values:
        client = serve(kinds_of_handler(value, Any)[0], BOTH)
        response = ask(client, MSGPACK)
        assert response.status == 200
        assert response.headers.get("content-type") != MSGPACK
        assert response.body in (b"x", b'{"a":1}')


def test_the_handler_is_not_called_if_nothing_fits() -> None:
    called = []
    app = App()

    @app.post("/", produces=BOTH)
    def change(room: Room, limit: Annotated[int, Query()]) -> Room:
        called.append(room)
        return room

    assert Client(app).post("/", json={"x": 1}, headers={"accept": "text/html"}).status == 406
    assert Client(app).post("/?limit=1", json={"number": "1"}, headers={"accept": JSON}).status == 200
    assert called == [Room("1")]


def test_errors_have_the_form_of_errors() -> None:
    app = App()

    @app.get("/", produces=BOTH)
    def missing(request: Request) -> Room:
        raise HTTPError(404)

    response = ask(Client(app), MSGPACK)
    assert (response.status, response.headers["content-type"]) == (404, "application/problem+json")


def test_several_statuses() -> None:
    app = App()

    @app.get("/", produces=BOTH)
    def either(found: bool = True) -> Room | NotFound[Refusal]:
        return Stored("1") if found else NotFound(Refusal("gone"))

    client = Client(app)
    refused = client.get("/?found=false", headers={"accept": MSGPACK})
    assert (refused.status, decode(refused.body)) == (404, {"reason": "gone"})
    assert decode(client.get("/", headers={"accept": MSGPACK}).body) == {"number": "1"}


class TestDefaults:
    def test_without_produces_nothing_is_negotiated(self) -> None:
        app = App()
        app.get("/")(kinds_of_handler(Room("1"), Room)[0])
        response = ask(Client(app), "text/html")
        assert (response.status, response.headers["content-type"]) == (200, JSON)
        assert "vary" not in response.headers

    def test_those_of_the_app_count_for_data(self) -> None:
        app = App(produces=BOTH)
        kinds: dict[str, tuple[Any, Any]] = {
            "/room": (Stored("1"), Room),
            "/created": (Created(Stored("1")), Created[Room]),
            "/text": ("x", str),
            "/any": ({"number": "1"}, Any),
            "/response": (Response({"number": "1"}), Response),
            "/file": (Path(__file__), Path),
            "/none": (None, None),
            "/either": (Response("x"), Room | Response),
        }
        for path, (value, kind) in kinds.items():
            app.get(path)(kinds_of_handler(value, kind)[0])

        @app.get("/stream")
        def stream() -> Iterator[Room]:
            yield Stored("1")

        client = Client(app)
        negotiated = set()
        for path in (*kinds, "/stream"):
            response = client.get(path, headers={"accept": MSGPACK})
            if response.headers.get("content-type") == MSGPACK:
                negotiated.add(path)
                assert decode(response.body) == {"number": "1"}
            else:
                assert response.status in (200, 204)
                assert "vary" not in response.headers
        assert negotiated == {"/room", "/created"}

    def test_a_route_replaces_those_of_its_app(self) -> None:
        app = App(produces=BOTH)
        app.get("/", produces=[JSON])(kinds_of_handler(Room("1"), Room)[0])
        app.get("/none", produces=())(kinds_of_handler(Room("1"), Room)[0])
        assert ask(Client(app), MSGPACK).status == 406
        response = Client(app).get("/none", headers={"accept": MSGPACK})
        assert (response.status, response.headers["content-type"]) == (200, JSON)

    def test_a_class_of_routes(self) -> None:
        class Rooms(Routes):
            produces = (JSON, MSGPACK)

            @get("/")
            def show(self) -> Room:
                return Stored("1")

        app = App()
        app.mount("/rooms", Rooms())
        assert decode(Client(app).get("/rooms/", headers={"accept": MSGPACK}).body) == {"number": "1"}


WRONG: list[tuple[Any, Any, str]] = [
    (JSON, Room, "is 'application/json'"),
    (3, Room, "is 3"),
    (["json"], Room, "'json', which is not a media type"),
    (["*/*"], Room, "which is not a media type"),
    ([3], Room, "which is not a media type"),
    (["text/csv"], Room, "text/csv, and no function that makes it"),
    ({"text/csv": 3}, Room, "has 3 for text/csv"),
    (["text/html"], Room, "text/html for values that are not a str"),
    ([JSON], Iterator[Room], "is given for a stream"),
    ([JSON], AsyncIterator[bytes], "is given for a stream"),
]


@pytest.mark.parametrize(("produces", "kind", "what"), WRONG)
def test_what_is_refused_at_registration(produces: Any, kind: Any, what: str) -> None:
    with pytest.raises(HandlerError) as caught:
        serve(kinds_of_handler(None, kind)[0], produces)
    assert caught.value.code == "RW229"
    assert what in str(caught.value)
    assert "test_representations.py:" in str(caught.value)


def test_what_an_app_refuses() -> None:
    with pytest.raises(HandlerError, match="RW229 App: produces= is 'application/json'"):
        App(produces=JSON)


@pytest.mark.parametrize(
    ("value", "produces", "code"),
    [
        ({"a": 1}, ["text/plain"], "RW229"),
        (Room("1"), {"text/plain": lambda room: 3}, "RW229"),
        ({"a": object()}, [MSGPACK], "RW212"),
        (Room("1"), {"text/plain": lambda room: room.missing}, "RW208"),
    ],
)
def test_mistakes_of_the_program_are_logged(value: Any, produces: Any, code: str, log: Log) -> None:
    assert ask(serve(kinds_of_handler(value, Any)[0], produces)).status == 500
    assert code in log.text


def test_the_description() -> None:
    app = App()

    @app.get("/rooms", produces={JSON: None, MSGPACK: None, "text/html": page})
    def rooms() -> Room | NotFound[Refusal]:
        return Room("1")

    responses = described(app)["paths"]["/rooms"]["get"]["responses"]
    room = {"schema": {"$ref": "#/components/schemas/Room"}}
    refusal = {"schema": {"$ref": "#/components/schemas/Refusal"}}
    text = {"schema": {"type": "string"}}
    assert responses["200"]["content"] == {JSON: room, MSGPACK: room, "text/html": text}
    assert responses["404"]["content"] == {JSON: refusal, MSGPACK: refusal, "text/html": text}
    assert set(responses) == {"200", "404", "406"}
