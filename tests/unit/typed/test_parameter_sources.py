"""From which part of a request each parameter of a handler comes."""

import dataclasses
import datetime as dt
import enum
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from urllib.parse import quote

import attrs
import msgspec
import pydantic
import pytest
from msgspec import Meta
from tests.unit.conftest import Log

from ropewalk import App, Body, Cookie, Header, Path, Query, Request
from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.typed.markers import Computed


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Struct(msgspec.Struct):
    name: str
    tags: list[str] = []


@dataclasses.dataclass
class Data:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)


@attrs.define
class Attrs:
    name: str
    tags: list[str] = attrs.Factory(list)


class Typed(TypedDict):
    name: str
    tags: list[str]


class Named(NamedTuple):
    name: str
    tags: list[str] = []


class Model(pydantic.BaseModel):
    name: str
    tags: list[str] = []


WITH_FIELDS = [Struct, Data, Attrs, Typed, Model]


def served(path: str, handler: Callable[..., Any], method: str = "GET") -> Client:
    app = App()
    app.route(path, [method])(handler)
    return Client(app)


class TestQuery:
    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            (int, "7", 7),
            (float, "1.5", 1.5),
            (bool, "true", True),
            (bool, "0", False),
            (str, "a b", "a b"),
            (Decimal, "1.10", Decimal("1.10")),
            (uuid.UUID, "12345678123456781234567812345678", uuid.UUID(int=0x12345678123456781234567812345678)),
            (dt.date, "2026-11-30", dt.date(2026, 11, 30)),
            (dt.datetime, "2026-11-30T10:00:00Z", dt.datetime(2026, 11, 30, 10, tzinfo=dt.UTC)),
            (dt.time, "10:00:00", dt.time(10)),
            (dt.timedelta, "PT90S", dt.timedelta(seconds=90)),
            (Color, "blue", Color.BLUE),
            (Literal["a", "b"], "b", "b"),
            (int | None, "7", 7),
            (Annotated[int, Meta(ge=1)], "1", 1),
        ],
    )
    def test_types(self, kind: Any, text: str, value: Any) -> None:
        seen = []

        def handler(value: Any) -> str:
            seen.append(value)
            return ""

        handler.__annotations__["value"] = kind
        response = served("/", handler).get(f"/?value={quote(text)}")
        assert (response.status, seen) == (200, [value])

    @pytest.mark.parametrize("kind", [list[int], set[int], tuple[int, ...], frozenset[int], list[int] | None])
    def test_repeated_names(self, kind: Any) -> None:
        def handler(value: Any = (), word: str = "") -> dict[str, Any]:
            return {"value": sorted(value), "word": word}

        handler.__annotations__["value"] = kind
        client = served("/", handler)
        assert client.get("/?value=2&word=x&value=1").json() == {"value": [1, 2], "word": "x"}
        assert client.get("/").json() == {"value": [], "word": ""}

    def test_defaults_are_those_of_the_function(self) -> None:
        default = [1]

        def handler(limit: int = 20, numbers: list[int] = default) -> Any:
            return {"limit": limit, "same": numbers is default}

        assert served("/", handler).get("/?other=1").json() == {"limit": 20, "same": True}

    @pytest.mark.parametrize("kind", WITH_FIELDS)
    def test_a_type_with_fields_takes_all(self, kind: Any) -> None:
        def handler(query: Any) -> dict[str, Any]:
            return dict(query if isinstance(query, dict) else {"name": query.name, "tags": query.tags})

        handler.__annotations__["query"] = Annotated[kind, Query()]
        client = served("/", handler)
        assert client.get("/?tags=a&name=n%20m&tags=b&more=1").json() == {"name": "n m", "tags": ["a", "b"]}
        refused = client.get("/?tags=a")
        assert refused.status == 422
        assert [error["code"] for error in refused.json()["errors"]] == ["missing"]
        assert refused.json()["errors"][0]["name"] == "name"

    def test_an_alias(self) -> None:
        def handler(order: Annotated[str, Query("sort-by")] = "name") -> str:
            return order

        client = served("/", handler)
        assert client.get("/?sort-by=age&order=no").text == "age"
        assert client.get("/").text == "name"

    def test_a_value_that_is_given_twice(self) -> None:
        """A repeated value is refused, because another server may read the first one, the last one or a list."""
        response = served("/", lambda request, **_: "").get("/")
        assert response.status == 200

        def handler(limit: int) -> str:
            return str(limit)

        response = served("/", handler).get("/?limit=1&limit=2")
        assert (response.status, response.json()["errors"][0]["code"]) == (422, "repeated")

    @pytest.mark.parametrize("query", ["a=%ff", "a=%", "a", "=1", "&&", "a=" + "%41" * 1000, "a=1;b=2"])
    def test_odd_queries(self, query: str, log: Log) -> None:
        def handler(a: str = "") -> str:
            return a

        assert served("/", handler).get(f"/?{query}").status == 200
        assert log == []

    @pytest.mark.parametrize("text", ["253402300800", "253402300799.9999999", "-62135596801", "1e300", "nan"])
    @pytest.mark.parametrize("kind", [dt.datetime, dt.datetime | None, list[dt.datetime]])
    def test_times_in_seconds_that_are_out_of_range(self, kind: Any, text: str, log: Log) -> None:
        def handler(when: Any, missing: int) -> None: ...

        handler.__annotations__["when"] = kind
        response = served("/", handler).get(f"/?when={text}")
        assert response.status == 422
        assert [each["name"] for each in response.json()["errors"]] == ["when", "missing"]
        assert log == []


class TestNull:
    """The text `null` in a request does not become None. Only an absent value does."""

    @pytest.mark.parametrize("kind", [int, float, bool, dt.date, uuid.UUID, Decimal, Color])
    def test_it_is_no_value_of_another_type(self, kind: Any) -> None:
        app = App()

        @app.get("/")
        def find(value: kind | None = None) -> str:
            return repr(value)

        client = Client(app)
        assert client.get("/").text == "None"
        for text in ("null", "NULL"):
            response = client.get(f"/?value={text}")
            assert response.status == 422
            assert [each["name"] for each in response.json()["errors"]] == ["value"]

    def test_it_is_text(self) -> None:
        app = App()

        @app.get("/")
        def find(value: str | None, values: list[str] | None = None) -> list[Any]:
            return [value, values]

        assert Client(app).get("/?value=null&values=null&values=a").json() == ["null", ["null", "a"]]

    def test_in_a_type_that_takes_the_whole_query(self) -> None:
        class Search(msgspec.Struct):
            room: int | None = None
            guests: list[int | None] = []
            name: str | None = None

        app = App()

        @app.get("/")
        def find(query: Annotated[Search, Query()]) -> Search:
            return query

        client = Client(app)
        assert client.get("/?name=null&guests=1").json() == {"room": None, "guests": [1], "name": "null"}
        assert client.get("/?room=null").json()["errors"][0]["name"] == "room"
        assert client.get("/?guests=1&guests=null").json()["errors"][0]["pointer"] == "/1"

    def test_in_header_fields_and_cookies(self) -> None:
        app = App()

        @app.get("/")
        def find(x_page: Annotated[int | None, Header()] = None, seen: Annotated[int | None, Cookie()] = None) -> str:
            return f"{x_page} {seen}"

        client = Client(app)
        assert client.get("/", headers={"x-page": "null"}).status == 422
        assert client.get("/", headers={"cookie": "seen=null"}).status == 422


class TestHeadersAndCookies:
    def test_headers(self) -> None:
        def handler(
            user_agent: Annotated[str, Header()],
            version: Annotated[int, Header("X-Version")] = 1,
            accept: Annotated[list[str], Header()] = [],  # noqa: B006 - it is not changed
        ) -> dict[str, Any]:
            return {"agent": user_agent, "version": version, "accept": accept}

        headers = [("user-agent", "me"), ("accept", "a/b, c/d"), ("accept", "e/f"), ("x-version", "3")]
        assert served("/", handler).get("/", headers=headers).json() == {
            "agent": "me",
            "version": 3,
            "accept": ["a/b", "c/d", "e/f"],
        }

    def test_a_type_with_fields(self) -> None:
        class Trace(msgspec.Struct):
            x_request_id: str
            depth: int = 0

        def handler(trace: Annotated[Trace, Header()]) -> dict[str, Any]:
            return {"id": trace.x_request_id, "depth": trace.depth}

        client = served("/", handler)
        assert client.get("/", headers={"X-Request-ID": "7", "Depth": "2"}).json() == {"id": "7", "depth": 2}
        assert client.get("/").json()["errors"][0] | {"message": ""} == {
            "location": "header",
            "name": "x-request-id",
            "code": "missing",
            "message": "",
        }

    def test_cookies(self) -> None:
        def handler(sid: Annotated[int, Cookie()], theme: Annotated[str | None, Cookie("th")] = None) -> list[Any]:
            return [sid, theme]

        client = served("/", handler)
        assert client.get("/", headers={"cookie": "sid=7; th=dark"}).json() == [7, "dark"]
        assert client.get("/", headers={"cookie": "sid=x"}).json()["errors"][0]["location"] == "cookie"


class TestPath:
    def test_types_without_a_converter(self) -> None:
        def handler(day: dt.date, color: Color) -> str:
            return f"{day.day} {color.name}"

        client = served("/{day}/{color}", handler)
        assert client.get("/2026-11-30/red").text == "30 RED"
        refused = client.get("/2026-11-31/pink")
        assert refused.status == 422
        assert [(each["location"], each["name"]) for each in refused.json()["errors"]] == [
            ("path", "day"),
            ("path", "color"),
        ]

    def test_constraints(self) -> None:
        async def handler(room: Annotated[int, Meta(ge=1)]) -> int | str:
            return f"{room + 1}"

        client = served("/{room}", handler)
        assert client.get("/7").text == "8"
        assert client.get("/0").status == 422
        assert client.get("/x").status == 404, "as without the constraint: no route matches"

    def test_a_parameter_of_a_mount(self) -> None:
        inner, outer = App(), App()

        @inner.get("/{room:int}")
        def show(hotel: Annotated[str, Path()], room: int, floor: int = 0) -> str:
            return f"{hotel} {room} {floor}"

        outer.mount("/{hotel}", inner)
        assert Client(outer).get("/ritz/7?floor=2").text == "ritz 7 2"


class TestBody:
    @pytest.mark.parametrize("kind", WITH_FIELDS)
    @pytest.mark.parametrize("is_async", [False, True])
    def test_types_with_fields(self, kind: Any, is_async: bool) -> None:
        def handler(thing: Any) -> Any:
            return dict(thing if isinstance(thing, dict) else {"name": thing.name, "tags": thing.tags})

        async def async_handler(thing: Any) -> Any:
            return handler(thing)

        function = async_handler if is_async else handler
        function.__annotations__["thing"] = kind
        client = served("/", function, "POST")
        assert client.post("/", json={"name": "n", "tags": ["a"]}).json() == {"name": "n", "tags": ["a"]}
        refused = client.post("/", json={"name": 1, "tags": ["a", 2]})
        assert refused.status == 422
        assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [
            ("/name", "type"),
            ("/tags/1", "type"),
        ]
        assert client.post("/", body=b"{", headers={"content-type": "application/json"}).status == 400
        assert client.post("/", body=b"{}").status == 415

    def test_lists(self) -> None:
        def handler(things: list[Struct]) -> int | str:
            return str(len(things))

        client = served("/", handler, "POST")
        assert client.post("/", json=[{"name": "a"}, {"name": "b"}]).text == "2"
        errors = client.post("/", json=[{"name": "a"}, {"name": 1}, {}]).json()["errors"]
        assert [each["pointer"] for each in errors] == ["/1/name", "/2/name"]

    def test_a_named_tuple(self) -> None:
        """A named tuple is read from a JSON array with the same number of items."""

        def handler(thing: Named) -> str:
            return f"{thing.name} {thing.tags}"

        client = served("/", handler, "POST")
        assert client.post("/", json=["n", ["a"]]).text == "n ['a']"
        assert client.post("/", json=["n", ["a", 1], 2]).status == 422

    def test_bytes_and_text(self) -> None:
        app = App()

        @app.put("/bytes")
        def put_bytes(data: Annotated[bytes, Body(media_types=("application/octet-stream", "image/png"))]) -> bytes:
            return data[::-1]

        @app.put("/text")
        def put_text(data: Annotated[str, Body(media_types=("text/plain",))]) -> str:
            return data.upper()

        client = Client(app)
        assert client.put("/bytes", body=b"abc", headers={"content-type": "image/png"}).body == b"cba"
        refused = client.put("/bytes", body=b"abc", headers={"content-type": "text/plain"})
        assert (refused.status, refused.headers["accept"]) == (415, "application/octet-stream, image/png")
        latin = {"content-type": "text/plain; charset=latin-1"}
        assert client.put("/text", body=b"\xe9", headers=latin).text == "É"

    def test_a_body_that_may_be_absent(self) -> None:
        def handler(thing: Struct | None = None) -> str:
            return "none" if thing is None else thing.name

        client = served("/", handler, "POST")
        assert client.post("/").text == "none"
        assert client.post("/", json={"name": "n"}).text == "n"

    def test_its_limit(self) -> None:
        async def handler(thing: Annotated[Struct, Body(body_limit=20)]) -> str:
            return thing.name

        client = served("/", handler, "POST")
        assert client.post("/", json={"name": "n"}).text == "n"
        assert client.post("/", json={"name": "n" * 20}).status == 413

    def test_inside_middleware(self) -> None:
        async def passing(request: Request, next: Any) -> Any:
            return await next(request)

        app = App(middleware=[passing])

        @app.post("/")
        async def handler(thing: Struct) -> str:
            return thing.name

        assert Client(app).post("/", json={"name": "n"}).text == "n"
        assert Client(app).post("/", json={}).json()["errors"][0]["code"] == "missing"


class TestRequest:
    def test_it_is_optional_and_may_stand_anywhere(self) -> None:
        app = App()

        @app.get("/{a}")
        def any_place(a: str, b: int, request: Request) -> str:
            return f"{a} {b} {request.method}"

        @app.get("/none/{a}")
        def no_place(a: str) -> str:
            return a

        assert Client(app).get("/x?b=2").text == "x 2 GET"
        assert Client(app).get("/none/x").text == "x"

    def test_unmarked_parameters_with_defaults_are_left_alone(self) -> None:
        def handler(request: Request, limit: int = 5, helper=len) -> str:  # type: ignore[no-untyped-def]
            return f"{limit} {helper('abc')}"

        assert served("/", handler).get("/?helper=1&limit=6").text == "6 3"


def test_errors_of_all_parts_come_together() -> None:
    def handler(
        day: dt.date, limit: int, x_by: Annotated[int, Header()], sid: Annotated[int, Cookie()], thing: Struct
    ) -> str:
        return ""

    refused = served("/{day}", handler, "POST").post("/x?limit=y", json={}, headers={"x-by": "z", "cookie": "sid=q"})
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert {**problem, "errors": None} == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "5 values are invalid.",
        "errors": None,
    }
    assert [(each["location"], each.get("name") or each.get("pointer")) for each in problem["errors"]] == [
        ("path", "day"),
        ("query", "limit"),
        ("header", "x-by"),
        ("cookie", "sid"),
        ("body", "/name"),
    ]


def test_an_error_handler_gets_them() -> None:
    from ropewalk import InvalidInput

    app = App()

    @app.error(InvalidInput)
    def refuse(request: Request, error: InvalidInput) -> dict[str, Any]:
        return {"wrong": [each.name for each in error.errors]}

    @app.get("/")
    def handler(a: int, b: int) -> str:
        return ""

    response = Client(app).get("/?a=x")
    assert (response.status, response.json()) == (422, {"wrong": ["a", "b"]})


def test_a_parameter_of_the_path_without_an_annotation() -> None:
    app = App()

    @app.get("/{id:int}/{name}")
    def handler(id, name, page: int = 1):  # type: ignore[no-untyped-def]
        return [id, name, page]

    assert Client(app).get("/7/ada?page=2").json() == [7, "ada", 2]


def test_a_value_that_a_marker_computes() -> None:
    class Host(Computed):
        __slots__ = ()

        def compute(self, request: Request, kind: Any, default: Any) -> Any:
            return kind(request.host)

    app = App()

    @app.get("/")
    def handler(host: Annotated[str, Host], page: int = 1) -> str:
        return f"{host} {page}"

    assert Client(app).get("/?page=2", headers={"Host": "example.org"}).text == "example.org 2"


def test_one_media_type_outside_a_tuple() -> None:
    with pytest.raises(HandlerError, match=r"RW214 Body has the invalid value media_types='text/csv'\. Give a tuple"):
        Body(media_types="text/csv")  # type: ignore[arg-type] # the mistake
