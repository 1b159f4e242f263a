"""Bodies of MessagePack, and values that are sent as MessagePack."""

import random
import struct
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pydantic
import pytest
from msgspec.msgpack import decode, encode
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred

from ropewalk import App, Body
from ropewalk.errors import BadBody, HandlerError
from ropewalk.json_values import DEEPEST
from ropewalk.msgpack_values import MSGPACK, is_msgpack, read_any_msgpack, to_msgpack
from ropewalk.testing import Client, ClientResponse

JSON = "application/json"


class Room(msgspec.Struct, forbid_unknown_fields=True):
    number: str
    beds: Annotated[int, msgspec.Meta(ge=1)]
    since: datetime | None = None
    id: UUID | None = None
    picture: bytes = b""


class Loose(msgspec.Struct):
    value: Any = None


class Tree(msgspec.Struct):
    below: list["Tree"] = []


class Model(pydantic.BaseModel):
    number: str
    beds: Annotated[int, pydantic.Field(ge=1)]


def taking(kind: Any, *media_types: str) -> Client:
    def take(value: Any) -> Any:
        return value.model_dump() if isinstance(value, Model) else msgspec.to_builtins(value)

    app = App()
    take.__annotations__["value"] = Annotated[kind, Body(media_types=media_types or (JSON, MSGPACK))]
    app.post("/")(take)
    return Client(app)


def send(client: Client, body: bytes, media_type: str = MSGPACK) -> ClientResponse:
    return client.post("/", body=body, headers={"content-type": media_type})


class TestBodies:
    def test_both_are_read_where_both_are_declared(self) -> None:
        client = taking(Room)
        assert send(client, encode({"number": "1", "beds": 2})).json()["beds"] == 2
        assert send(client, b'{"number": "1", "beds": 2}', JSON).json()["beds"] == 2
        assert send(client, encode({"number": "1", "beds": 2}), f"{MSGPACK.upper()}; x=y").status == 200

    def test_types_that_json_lacks(self) -> None:
        value = {
            "number": "1",
            "beds": 2,
            "since": datetime(2026, 1, 2, tzinfo=UTC),
            "id": bytes(16),
            "picture": b"\xff",
        }
        sent = send(taking(Room), encode(value)).json()
        assert (sent["since"], sent["picture"]) == ("2026-01-02T00:00:00Z", "/w==")
        assert sent["id"] == str(UUID(int=0))

    @pytest.mark.parametrize(
        ("declared", "given", "status"),
        [
            ((JSON,), MSGPACK, 415),
            ((MSGPACK,), JSON, 415),
            ((MSGPACK,), "application/msgpack", 415),
            ((MSGPACK, "application/x-msgpack"), "application/x-msgpack", 200),
            (("application/vnd.hotel+msgpack",), "application/vnd.hotel+msgpack", 200),
        ],
    )
    def test_other_types_are_refused(self, declared: tuple[str, ...], given: str, status: int) -> None:
        response = send(taking(Room, *declared), encode({"number": "1", "beds": 2}), given)
        assert response.status == status
        if status == 415:
            assert response.headers["accept"] == ", ".join(declared)

    @pytest.mark.parametrize("kind", [Room, Model])
    def test_every_fault_is_listed(self, kind: Any) -> None:
        refused = send(taking(kind), encode({"number": 1, "beds": 0}))
        assert refused.status == 422
        assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [
            ("/number", "type"),
            ("/beds", "range"),
        ]

    @pytest.mark.parametrize("kind", [Room, Model, Any, Tree, dict[str, Any]])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xc1",
            b"{}",
            b"\x82\xa1a",
            b"\xdd\xff\xff\xff\xff",
            b"\x91" * 5000 + b"\x01",
            b"\x81\xa5below\x91" * 400 + b"\x80",
            b"\x81" + b"\x91" * 300 + b"\x01\x01",
            encode({"number": "1", "beds": 1}) + b"\x00",
            b"\xc7\x0c\xff" + b"\xff" * 12,
        ],
        ids=repr,
    )
    def test_what_is_malformed_is_refused(self, kind: Any, body: bytes, log: Log) -> None:
        assert send(taking(kind), body).status in (400, 422)
        assert log.text == ""

    @pytest.mark.parametrize("kind", [Any, dict[str, Any], Room])
    def test_extension_types(self, kind: Any, log: Log) -> None:
        """JSON has no extension types, so a handler could not send such a value as JSON."""
        response = send(taking(kind), bytes.fromhex("81a161d40161"))
        assert response.status in (400, 422)
        assert kind is Room or "extension type 1" in response.json()["detail"]
        assert log.text == ""

    @pytest.mark.parametrize("kind", [Any, dict[str, Any], list[Any], Loose, dict, dict[Any, int], object])
    @pytest.mark.parametrize("key", [None, True, (1, 2), ()])
    def test_keys_that_json_lacks(self, kind: Any, key: Any, log: Log) -> None:
        """A handler could not send such a map as JSON either, so the client would get 500."""
        inner = {key: 1}
        value = inner if kind in (dict, dict[Any, int]) else [inner] if kind == list[Any] else {"value": {"a": [inner]}}
        response = send(taking(kind), encode(value))
        assert response.status == 400
        assert "a key that JSON cannot have" in response.json()["detail"]
        assert log.text == ""

    @pytest.mark.parametrize("key", [1, 1.5, b"a", datetime(2026, 1, 2, tzinfo=UTC), "a"])
    @pytest.mark.parametrize("kind", [Any, dict[str, Any], Loose])
    def test_other_keys(self, kind: Any, key: Any, log: Log) -> None:
        app = App()

        def echo(value: Any) -> Any:
            return value

        echo.__annotations__["value"] = Annotated[kind, Body(media_types=(MSGPACK,))]
        app.post("/")(echo)
        assert send(Client(app), encode({"value": {key: 1}})).status == 200
        assert log.text == ""

    def test_keys_that_the_program_names(self) -> None:
        app = App()

        @app.post("/")
        def take(value: Annotated[dict[tuple[int, int] | None, Any], Body(media_types=(MSGPACK,))]) -> str:
            return repr(value)

        assert send(Client(app), encode({(1, 2): 3, None: 4})).text == "{(1, 2): 3, None: 4}"

    def test_depth(self) -> None:
        client = taking(Any, MSGPACK)
        assert send(client, b"\x91" * DEEPEST + b"\x01").status == 200
        assert send(client, b"\x91" * (DEEPEST + 1) + b"\x01").status == 400
        assert send(client, encode(list(range(0x80, 0x90)) * 100)).status == 200

    def test_random_bytes(self, log: Log) -> None:
        source = random.Random(7)
        clients = [taking(kind) for kind in (Room, Tree, Model, dict[int, list[str]], set[str])]
        for _ in range(300):
            body = bytes(source.choices(range(256), k=source.randrange(1, 30)))
            assert {send(client, body).status for client in clients} <= {200, 400, 422}
        assert log.text == ""

    def test_an_optional_body(self) -> None:
        app = App()

        @app.post("/")
        def take(room: Annotated[Room | None, Body(media_types=(MSGPACK,))] = None) -> str:
            return "none" if room is None else room.number

        assert Client(app).post("/").text == "none"


class TestValues:
    def test_parts_that_cannot_be_encoded_are_named(self) -> None:
        with pytest.raises(HandlerError, match=r"RW212 .*cannot be encoded as MessagePack; it is at `\$\.a\[1\]`"):
            to_msgpack({"a": [1, object()]})

    def test_what_was_not_awaited(self) -> None:
        async def later() -> None: ...

        values: list[Any] = [Deferred(), later()]
        for value in values:
            with pytest.raises(HandlerError, match=r"RW210 .* MessagePack: .* Write `await"):
                to_msgpack([value])

    def test_a_value(self) -> None:
        assert decode(to_msgpack(Room("1", 2))) == {
            "number": "1",
            "beds": 2,
            "since": None,
            "id": None,
            "picture": b"",
        }

    def test_media_types(self) -> None:
        assert [is_msgpack(each) for each in (MSGPACK, "application/msgpack", "application/json", "a/b+msgpack")] == [
            True,
            True,
            False,
            True,
        ]

    def test_a_time_out_of_range(self) -> None:
        with pytest.raises(BadBody):
            read_any_msgpack(b"\xd7\xff" + struct.pack(">Q", 0xFFFFFFFFFFFFFFFF))
