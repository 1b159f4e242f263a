"""The messages for what a client got wrong: they say what to send."""

import datetime as dt
from typing import Annotated, Any

import pydantic
import pytest

from ropewalk import App, Header, Request
from ropewalk.testing import Client


class Model(pydantic.BaseModel):
    name: str

    @pydantic.field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        if name == "a":
            raise AssertionError("is not a name")  # not `assert`, because pytest adds text to its error
        if name == "b":
            raise AssertionError
        raise ValueError("must be longer")


def message_of(query: str, kind: Any) -> str:
    app = App()

    def show(value: Any) -> None: ...

    show.__annotations__["value"] = kind
    app.get("/")(show)
    (error,) = Client(app).get(f"/?{query}").json()["errors"]
    return str(error["message"])


@pytest.mark.parametrize(
    ("query", "kind", "message"),
    [
        ("value=maybe", bool, "Expected true or false"),
        ("value=maybe", bool | None, "Expected true or false"),
        ("value=true&value=maybe", list[bool], "Expected true or false"),
        ("value=x", int, "Expected a whole number"),
        ("value=x", float, "Expected a number"),
        ("value=", bool, "The value is empty."),
        ("value=", dt.date, "The value is empty."),
        ("value=", dt.datetime | None, "The value is empty."),
        ("value=1&value=", list[int], "The value is empty."),
        ("value=x", dt.date, "Invalid RFC3339 encoded date"),
    ],
)
def test_text_of_a_query(query: str, kind: Any, message: str) -> None:
    assert message_of(query, kind) == message


def test_text_of_a_header_field() -> None:
    app = App()

    @app.get("/")
    def show(x_dry: Annotated[bool, Header()]) -> None: ...

    (error,) = Client(app).get("/", headers={"x-dry": "maybe"}).json()["errors"]
    assert error["message"] == "Expected true or false"


@pytest.mark.parametrize(
    ("name", "message"),
    [("x", "must be longer"), ("a", "is not a name"), ("b", "The program's own check refused the value.")],
)
def test_a_check_of_a_model(name: str, message: str) -> None:
    app = App()

    @app.post("/")
    def take(model: Model) -> None: ...

    (error,) = Client(app).post("/", json={"name": name}).json()["errors"]
    assert error["message"] == message


@pytest.mark.parametrize("kind", [Any, dict[str, str], Model])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (rb'{"name": "\ud800"}', r"a string has half of a surrogate pair (\ud800 to \udfff)"),
        (rb'{"name": "\ud800x"}', r"a string has half of a surrogate pair (\ud800 to \udfff)"),
        (rb'{"name": "\ud8', "Input data was truncated"),
        (b'{"name": "x', "Input data was truncated"),
    ],
)
def test_what_is_not_json(kind: Any, body: bytes, message: str) -> None:
    app = App()

    @app.post("/")
    async def take(request: Request) -> None:
        await request.json(kind)

    response = Client(app).post("/", body=body, headers={"content-type": "application/json"})
    assert (response.status, response.json()["detail"]) == (400, f"The body is not JSON: {message}.")
