"""JSON that is converted to a type: the errors of the client, and those of the program."""

import collections
import dataclasses
import numbers
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
from tests.problems import problem
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import BadBody, HandlerError
from ropewalk.json_values import Unencodable, locate, read_json
from ropewalk.testing import Client

Item = TypeVar("Item")
HERE = "tests/unit/test_json_values.py:"


class Model(pydantic.BaseModel):
    name: str


class Plain:
    pass


class Guest(msgspec.Struct):
    name: str


class Page(msgspec.Struct, Generic[Item]):
    items: list[Item]
    next: "Page[Item] | None" = None


@dataclasses.dataclass
class Booking:
    guest: Model | None = None


@dataclasses.dataclass
class Dated:
    day: int = 0


class Frozen(msgspec.Struct, frozen=True):
    tags: Any = None


class Unhashable(msgspec.Struct):
    name: str = ""


class Misspelt(msgspec.Struct):
    guest: "Gast"  # type: ignore[name-defined]  # noqa: F821 - the mistake


class Checked(msgspec.Struct):
    kind: str

    def __post_init__(self) -> None:
        raise {
            "value": ValueError("too small"),
            "type": TypeError("not that"),
            "key": KeyError("table"),
            "json": msgspec.DecodeError("JSON inside is malformed"),
            "http": HTTPError(409, "There is one already."),
            "recursion": RecursionError("too deep"),
        }[self.kind]


class Answer(Enum):
    YES = "yes"


class Named(TypedDict):
    name: str


def ask(kind: Any, body: bytes) -> Any:
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        return repr(await request.json(kind))

    return Client(app, raise_errors=False).post("/", body=body, headers={"content-type": "application/json"})


UNREADABLE = {
    "a class": (Plain, "test_json_values.Plain."),
    "in a list": (list[Plain], "It contains tests.unit.test_json_values.Plain."),
    "optional": (Plain | None, "It contains tests.unit.test_json_values.Plain."),
    "a model beside a Struct": (tuple[Model, Guest], "Unable to generate pydantic-core schema"),
    "in a dataclass": (Booking, "test_json_values.Booking. It contains tests.unit.test_json_values.Model."),
    "in a generic Struct": (list[Page[Plain] | int], "It contains tests.unit.test_json_values.Plain."),
    "a number that JSON has not": (complex, "complex."),
    "a collection that msgspec does not know": (collections.deque, "collections.deque."),
    "not a type": (5, "JSON cannot become 5. TypeError: Type '5' is not supported"),
    "a list of types": ([int], "It is not a type."),
    "two Structs without tags": (Guest | Unhashable, "If a type union contains multiple Struct types"),
    "a name that is not there": (Misspelt, "NameError: name 'Gast' is not defined"),
    "a set of what has no hash": (set[Unhashable], "set[tests.unit.test_json_values.Unhashable]"),
    "a set of dataclasses without a hash": (frozenset[Dated], "unhashable type: 'Dated'"),
    "a set of lists": (set[list[int]], "unhashable type: 'list'"),
}


class TestTypesOfTheProgram:
    @pytest.mark.parametrize(("kind", "message"), UNREADABLE.values(), ids=UNREADABLE)
    def test_it_is_an_error_of_the_server(self, kind: Any, message: str, log: Log) -> None:
        body = b'[{"day": 1, "name": "Ada", "items": [{"name": "Ada"}]}]'
        if kind == set[list[int]]:
            body = b"[[1]]"
        elif kind is Booking:
            body = b'{"guest": {"name": "Ada"}}'
        response = ask(kind, body)
        assert (response.status, response.text) == (500, problem(500))
        assert len(log) == 1
        assert f"RW211 POST /: ask.<locals>.read at {HERE}" in log.text
        assert ": JSON cannot become " in log.text
        assert message in log.text
        assert "Build other types from `await request.body()`." in log.text

    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            (Model, b"not JSON", 400),
            (list[Model], b"[]", 200),
            (list[Model], b"{}", 422),
            (Model | None, b"null", 200),
            (Booking, b"{}", 200),
            (Booking, b'{"guest": null}', 200),
            (Booking, b"5", 422),
        ],
    )
    def test_where_it_does_not_matter(self, kind: Any, body: bytes, status: int, log: Log) -> None:
        """A type that JSON cannot have is allowed for a field with a default, which only the program sets."""
        assert ask(kind, body).status == status
        assert log == []

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            (object, b"[1]"),
            (numbers.Number, b"1.5"),
            (Iterable, b"[]"),
            (Any, b"{}"),
            (None, b"null"),
            (Page[Guest], b'{"items": [{"name": "Ada"}], "next": {"items": []}}'),
            (Booking, None),
            (Named, b'{"name": "Ada"}'),
            (Answer, b'"yes"'),
            (datetime, b'"2027-01-01T00:00:00Z"'),
            (set, b"[1, 1]"),
            (Annotated[int, msgspec.Meta(ge=1)], b"1"),
            (msgspec.Raw, b"[1]"),
        ],
    )
    def test_what_can_be_read(self, kind: Any, body: bytes | None, log: Log) -> None:
        if body is not None:
            assert ask(kind, body).status == 200
            assert log == []


class TestMistakesOfClients:
    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            (Guest, b"{}", 422),
            (Guest, b'{"name": 5}', 422),
            (Guest, b"{", 400),
            (set, b"[[1]]", 422),
            (frozenset[Any], b'[{"a": 1}]', 422),
            (Page[set[Any]], b'{"items": [[[]]]}', 422),
            (set[Frozen], b'[{"tags": []}]', 422),
            (set[tuple[Any, ...]], b"[[[]]]", 422),
            (set[Decimal], b'["sNaN"]', 422),
            (Answer, b'"no"', 422),
            (Checked, b'{"kind": "value"}', 422),
            (Checked, b'{"kind": "type"}', 422),
            (Checked, b'{"kind": "json"}', 422),
            (Checked, b'{"kind": "http"}', 409),
        ],
    )
    def test_nothing_is_logged(self, kind: Any, body: bytes, status: int, log: Log) -> None:
        assert ask(kind, body).status == status
        assert log == []

    @pytest.mark.parametrize(
        ("kind", "message"), [("key", "KeyError('table')"), ("recursion", "RecursionError('too deep')")]
    )
    def test_what_a_check_of_the_program_raises_else(self, kind: str, message: str, log: Log) -> None:
        assert ask(Checked, b'{"kind": "%b"}' % kind.encode()).status == 500
        assert f"RW208 POST /: ask.<locals>.read at {HERE}" in log.text
        assert f"raised {message}." in log.text

    def test_what_the_client_gets(self) -> None:
        with pytest.raises(HTTPError, match="422 too small"):
            read_json(b'{"kind": "value"}', Checked)
        with pytest.raises(BadBody, match="The body is not JSON: it is not UTF-8."):
            read_json(b'"\xff"', Any)


WHEN = datetime(2027, 1, 1, tzinfo=UTC)


class TestUnencodable:
    @pytest.mark.parametrize(
        ("value", "place"),
        [
            ({"a": Plain()}, "$.a"),
            ({"a": [1, {"b c": (2, Plain())}]}, "$.a[1].b c[1]"),
            ([Page([Plain()])], "$[0].items[0]"),
            ({"a": dataclasses.make_dataclass("D", ["guest"])(Plain())}, "$.a.guest"),
            ({Plain(): 1}, "$ (a key)"),
            ({1: {WHEN: Plain()}}, f"$[1][{WHEN!r}]"),
            ([{Plain()}], "$[0][0]"),
        ],
    )
    @pytest.mark.parametrize("kind", ["def", "async def", "Response", "Response.json", "HTTPError", "after a wait"])
    def test_the_value_and_its_place(self, value: Any, place: str, kind: str, log: Log) -> None:
        app = App()

        @app.get("/def")
        def plain(request: Request) -> Any:
            return value

        @app.get("/async def")
        async def coroutine(request: Request) -> Any:
            return value

        @app.get("/Response")
        def response(request: Request) -> Any:
            return Response(value)

        @app.get("/Response.json")
        def as_json(request: Request) -> Any:
            return Response.json(value)

        @app.get("/HTTPError")
        def error(request: Request) -> Any:
            raise HTTPError(409, value)

        @app.get("/after a wait")
        async def waiting(request: Request) -> Any:
            import asyncio

            await asyncio.sleep(0)
            return value

        assert Client(app, raise_errors=False).get(f"/{kind}".replace(" ", "%20")).status == 500
        assert len(log) == 1
        assert f" at {HERE}" in log.text.partition(" object")[0]
        assert f"RW212 GET /{kind.replace(' ', '%20')}: " in log.text
        assert "of type tests.unit.test_json_values.Plain, cannot be encoded as JSON; it is at `" in log.text
        assert f"`{place}`. Use types that msgspec encodes" in log.text

    def test_a_value_that_is_not_within_another(self) -> None:
        value = Plain()
        with pytest.raises(Unencodable, match="cannot be encoded as JSON; it is at `\\$`"):
            Response.json(value)

    def test_looking_for_it_ends(self) -> None:
        circle: list[Any] = [1]
        circle.append({"again": circle})
        assert locate(Plain(), circle) == ""

    def test_it_is_an_error_of_the_handler(self) -> None:
        assert issubclass(Unencodable, HandlerError)
