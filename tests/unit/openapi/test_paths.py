"""Parameters of paths: the document says what the route accepts, and with which status it refuses the rest."""

from datetime import date
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from msgspec import Meta
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from tests.unit.openapi.described import described

from ropewalk import App
from ropewalk.testing import Client


class Colour(Enum):
    RED = "red"


ID = "0b0bdc4e-1f2a-4c5d-9e8f-0123456789ab"


@pytest.mark.parametrize(
    ("path", "kind", "sent", "status"),
    [
        ("/a/{value}", int, "1", 204),
        ("/a/{value}", int, "-1", 204),
        ("/a/{value}", int, "x", 404),
        ("/a/{value}", int, "1.5", 404),
        ("/a/{value:int}", Annotated[int, Meta(ge=1)], "x", 404),
        ("/a/{value:int}", Annotated[int, Meta(ge=1)], "0", 422),
        ("/a/{value:int}", Annotated[int, Meta(ge=1)], "1", 204),
        ("/a/{value:float}", float, "1.5", 204),
        ("/a/{value:float}", float, "x", 404),
        ("/a/{value}", UUID, ID, 204),
        ("/a/{value}", UUID, "x", 404),
        ("/a/{value}", date, "2027-01-01", 204),
        ("/a/{value}", date, "x", 422),
        ("/a/{value}", Colour, "red", 204),
        ("/a/{value}", Colour, "blue", 422),
        ("/a/{value}", str, "x", 204),
        ("/a/{value}", str, "a%20b%3Fc%25d", 204),
        ("/a/{value}", Annotated[str, Meta(max_length=2)], "x", 204),
        ("/a/{value}", Annotated[str, Meta(max_length=2)], "xyz", 422),
        ("/a/{value:path}", str, "x/y", 204),
        ("/a/{value:path}", str, "x%2Fy", 204),
        ("/größen/{größe}", str, "x", 204),
    ],
)
def test_what_is_accepted(path: str, kind: Any, sent: str, status: int) -> None:
    app = App()
    name = "größe" if "größe" in path else "value"

    def in_ascii(value: Any) -> None: ...

    def in_german(größe: Any) -> None: ...

    handler = in_ascii if name == "value" else in_german
    handler.__annotations__[name] = kind
    app.get(path)(handler)
    document = described(app)
    (item,) = document["paths"].values()
    operation = item["get"]
    prefix = "/a/" if name == "value" else "/gr%C3%B6%C3%9Fen/"
    assert Client(app).get(f"{prefix}{sent}").status == status
    assert str(status) in operation["responses"]
    assert operation["parameters"][0]["name"] == name
    plain: Any = sent.replace("%20", " ").replace("%3F", "?").replace("%25", "%").replace("%2F", "/")
    schema = {**operation["parameters"][0]["schema"], "components": document.get("components", {})}
    if operation["parameters"][0]["schema"].get("type") in ("integer", "number"):
        plain = float(plain) if plain.lstrip("-").replace(".", "").isdigit() else plain
    valid = OAS31Validator(schema, format_checker=oas31_format_checker).is_valid(plain)
    assert valid is (status == 204)


def test_the_text_before_an_encoded_slash_is_not_the_parameter() -> None:
    """A segment with an encoded slash matches only the converter `path`, so no other parameter can contain a slash."""
    app = App()

    @app.get("/a/{value}")
    def find(value: str) -> None: ...

    assert Client(app).get("/a/x%2Fy").status == 404


def test_a_template_with_reserved_characters() -> None:
    app = App()

    @app.get("/a b/{x}/c%3Fd/~!$&'()*+,;=:@")
    def find(x: str) -> None: ...

    (template,) = described(app)["paths"]
    assert Client(app).get(template.replace("{x}", "1")).status == 204
