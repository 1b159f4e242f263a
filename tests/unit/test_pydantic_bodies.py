"""Models of pydantic as bodies, wherever a Struct may be one: they encode themselves, by their aliases."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.problems import problem
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request, Response
from ropewalk.msgpack_values import MSGPACK
from ropewalk.statuses import Created, NotFound, StatusResponse
from ropewalk.testing import Client
from ropewalk.typed import Body


class Room(pydantic.BaseModel):
    number: str = pydantic.Field(default="7", alias="no")


class Octets(pydantic.BaseModel):
    octets: bytes


class Stored(Room):
    secret: str = "s"


class Locked(StatusResponse[Room], status=423):
    pass


def created() -> Created[Room]:
    return Created(Stored())


def with_status() -> Response[Room]:
    return Response(Stored(), 203)


def one_of_two() -> Room | NotFound[Room]:
    return NotFound(Stored())


def locked() -> Locked:
    return Locked(Stored())


def created_list() -> Created[list[Room]]:
    return Created([Stored()])


def without_annotation():  # type: ignore[no-untyped-def] # the subject of the test
    return Room()


def in_a_dict():  # type: ignore[no-untyped-def] # as above
    return {"rooms": [Room()]}


def in_a_response() -> Response:
    return Response({"rooms": (Room(),)}, 201)


def at_its_address() -> Response:
    return Created(Room(), location="/rooms/7")


def as_json() -> Response:
    return Response.json(Room(), 202)


ROOM = {"no": "7"}
RETURNED: list[tuple[Callable[[], Any], int, Any]] = [
    (created, 201, ROOM),
    (with_status, 203, ROOM),
    (one_of_two, 404, ROOM),
    (locked, 423, ROOM),
    (created_list, 201, [ROOM]),
    (without_annotation, 200, ROOM),
    (in_a_dict, 200, {"rooms": [ROOM]}),
    (in_a_response, 201, {"rooms": [ROOM]}),
    (at_its_address, 201, ROOM),
    (as_json, 202, ROOM),
]


class TestBodies:
    @pytest.mark.parametrize(("handler", "status", "body"), RETURNED, ids=[each[0].__name__ for each in RETURNED])
    def test_a_handler_returns_a_model(self, handler: Callable[[], Any], status: int, body: Any) -> None:
        app = App()
        app.get("/")(handler)
        response = Client(app).get("/")
        assert (response.status, response.headers["content-type"]) == (status, "application/json")
        assert response.json() == body

    def test_a_handler_that_takes_the_request_returns_a_model(self) -> None:
        app = App()

        @app.get("/")
        def show(request: Request):  # type: ignore[no-untyped-def] # the subject of the test
            return Room()

        assert Client(app).get("/").json() == ROOM

    def test_a_model_is_sent_as_messagepack(self) -> None:
        app = App()
        app.get("/", produces=["application/json", MSGPACK])(created)
        app.get("/list", produces=[MSGPACK])(in_a_dict)
        client = Client(app)
        assert msgspec.msgpack.decode(client.get("/", headers={"accept": MSGPACK}).body) == ROOM
        assert msgspec.msgpack.decode(client.get("/list").body) == {"rooms": [ROOM]}

    def test_an_error_handler_sends_a_model(self) -> None:
        app = App()

        @app.error(404)
        def missing(request: Request, error: Exception) -> Response:
            return Response(Room(), 404)

        response = Client(app).get("/")
        assert (response.status, response.json()) == (404, ROOM)

    def test_a_model_is_the_detail_of_an_error(self) -> None:
        app = App()

        @app.get("/")
        def refuse() -> None:
            raise HTTPError(409, Room())

        response = Client(app).get("/")
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json() == msgspec.json.decode(problem(409)) | ROOM

    def test_a_client_sends_a_model(self) -> None:
        app = App()

        @app.post("/")
        def take(room: Room) -> Room:
            return room

        assert Client(app).post("/", json=Room()).json() == ROOM

    def test_a_class_is_not_a_body(self, log: Log) -> None:
        app = App()

        @app.get("/")
        def show():  # type: ignore[no-untyped-def] # as above
            return Room

        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW201" in log.text

    @pytest.mark.parametrize("annotation", [Octets, None])
    def test_bytes_that_are_not_text(self, annotation: Any, log: Log) -> None:
        """Pydantic writes bytes as UTF-8 text. A client can send bytes that are not UTF-8 as MessagePack."""

        def echo(octets: Annotated[Octets, Body(media_types=(MSGPACK,))]) -> Any:
            return octets

        if annotation is not None:
            echo.__annotations__["return"] = annotation
        app = App()
        app.post("/")(echo)
        client = Client(app, raise_errors=False)
        headers = {"content-type": MSGPACK}
        assert client.post("/", body=msgspec.msgpack.encode({"octets": b"text"}), headers=headers).json() == {
            "octets": "text"
        }
        assert client.post("/", body=msgspec.msgpack.encode({"octets": b"\xff"}), headers=headers).status == 500
        (event,) = log
        assert event["code"] == "RW212"
        assert 'it has bytes that are not UTF-8. Set `model_config = ConfigDict(ser_json_bytes="base64")`' in log.text

    def test_a_model_that_cannot_be_encoded_is_named(self, log: Log) -> None:
        app = App()

        class Holder(pydantic.BaseModel):
            value: Any

        @app.get("/")
        def show():  # type: ignore[no-untyped-def] # as above
            return {"held": Holder(value=object())}

        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW212" in log.text
        assert "it is at `$.held`" in log.text
