"""`request.json(T)`: the errors are listed as for the body of a typed handler, and T may be a model of pydantic."""

from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Body, InvalidInput, Request
from ropewalk.testing import Client, ClientResponse


class Room(msgspec.Struct):
    number: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.name == "json":
            raise msgspec.DecodeError("JSON inside is malformed")


class Model(pydantic.BaseModel):
    number: int
    name: str = ""

    @pydantic.field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        if name == "json":
            raise ValueError("JSON inside is malformed")
        return name


def ask(kind: Any, body: bytes) -> ClientResponse:
    """The response of a handler that calls `request.json`. It must equal the response of a typed handler."""
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        return repr(await request.json(kind))

    async def take(body: Any) -> str:
        return repr(body)

    take.__annotations__["body"] = Annotated[kind, Body()]
    app.post("/typed")(take)
    client = Client(app, raise_errors=False)
    response = client.post("/", body=body, headers={"content-type": "application/json"})
    typed = client.post("/typed", body=body, headers={"content-type": "application/json"})
    assert (response.status, response.text) == (typed.status, typed.text)
    return response


class TestErrors:
    @pytest.mark.parametrize("kind", [Room, Model])
    def test_every_invalid_value_is_listed(self, kind: Any, log: Log) -> None:
        response = ask(list[kind], b'[{"number": "x", "name": 5}, {}, {"number": 1, "name": "json"}]')
        assert response.status == 422
        assert response.headers["content-type"] == "application/problem+json"
        pointers = [(each["location"], each["pointer"]) for each in response.json()["errors"]]
        place = "/2/name" if kind is Model else "/2"
        assert pointers == [("body", each) for each in ("/0/number", "/0/name", "/1/number", place)]
        assert log == []

    def test_a_fault_of_the_whole_body_is_listed(self) -> None:
        (error,) = ask(set, b"[[1]]").json()["errors"]
        assert (error["location"], error["code"]) == ("body", "invalid")

    @pytest.mark.parametrize("kind", [Room, Model, list[Model]])
    @pytest.mark.parametrize("body", [b'{"number": "x"', b"\xff", b"[" * 201 + b"]" * 201, b'{"number": NaN}'])
    def test_a_syntax_error_is_no_list(self, kind: Any, body: bytes) -> None:
        response = ask(kind, body)
        assert response.status == 400
        assert "errors" not in response.json()

    def test_an_error_handler_gets_the_list(self) -> None:
        app = App()

        @app.error(InvalidInput)
        def refuse(request: Request, error: InvalidInput) -> str:
            return ", ".join(each.pointer for each in error.errors)

        @app.post("/")
        async def read(request: Request) -> None:
            await request.json(Room)

        assert Client(app).post("/", json={"number": "x", "name": 5}).text == "/number, /name"


class TestValues:
    @pytest.mark.parametrize("kind", [Room, Model])
    def test_it_becomes_the_type(self, kind: Any) -> None:
        assert ask(kind, b'{"number": 2.0}').text == repr(kind(number=2))

    @pytest.mark.parametrize("kind", [list[Model], Model | None, dict[str, Model]])
    def test_a_type_with_models(self, kind: Any) -> None:
        body = {list[Model]: b'[{"number": 2}]', dict[str, Model]: b'{"a": {"number": 2}}'}.get(kind, b'{"number": 2}')
        assert repr(Model(number=2)) in ask(kind, body).text
