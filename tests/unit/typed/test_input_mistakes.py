"""Parameters that cannot come from a request are errors at registration."""

import dataclasses
from typing import Annotated, Any

import msgspec
import pytest

from ropewalk import App, Body, Cookie, Header, Query, Request
from ropewalk.errors import HandlerError


class Struct(msgspec.Struct):
    name: str
    tags: list[str] = []


@dataclasses.dataclass
class Data:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)


class Unknown:
    pass


def unmarked_bytes(data: bytes) -> None: ...


def two_bodies(a: Struct, b: Data) -> None: ...


def unknown_class(a: Unknown) -> None: ...


def a_list_of_unknown(a: list[Unknown]) -> None: ...


def two_markers(a: Annotated[int, Query(), Header()]) -> None: ...


def no_annotation(a: int, b) -> None: ...  # type: ignore[no-untyped-def]


def a_name_that_is_not_there(a: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def positional(request: Request, a: int, /) -> None: ...


class Other(msgspec.Struct):
    name: str


MISTAKES = [
    (unmarked_bytes, "data is bytes, which a query cannot carry unchanged. Mark it"),
    (two_bodies, "a and b would each take the whole body. Use one type"),
    (unknown_class, r"a is tests\.unit\.typed\.test_input_mistakes\.Unknown, which cannot be read"),
    (a_list_of_unknown, r"a is tests\.unit\.typed\.test_input_mistakes\.Unknown, which cannot be read"),
    (two_markers, "a has two markers. Keep one"),
    (no_annotation, "b has no annotation, and the path has no such parameter"),
    (a_name_that_is_not_there, "a has the annotation 'Missing', which cannot be evaluated"),
    (positional, "a can only be passed by position"),
]


class TestMistakes:
    @pytest.mark.parametrize(
        ("given", "written"), [(Query("v"), "Query"), (Header(), "Header"), (Body(), "Body"), (Cookie, "Cookie")]
    )
    def test_a_marker_as_a_default(self, given: Any, written: str) -> None:
        """Other frameworks take a marker as a default. Without this error, the handler would get the marker itself."""

        def annotated(value: int = given) -> None: ...

        def without(request: Request, value=given): ...  # type: ignore[no-untyped-def]

        for handler in (annotated, without):
            with pytest.raises(HandlerError, match=f"value has {written} in the place of its default") as error:
                App().post("/")(handler)
            assert error.value.code == "RW214"
            assert error.value.remedy == f"Write `value: Annotated[..., {written}(...)]`, and its default after that."

    @pytest.mark.parametrize(("handler", "message"), MISTAKES, ids=lambda value: getattr(value, "__name__", ""))
    def test_at_registration(self, handler: Any, message: str) -> None:
        with pytest.raises(
            HandlerError, match=rf"RW214 {handler.__name__} at tests/unit/typed/test_input_mistakes\.py:\d+: {message}"
        ):
            App().post("/")(handler)

    def test_structs_that_cannot_be_told_apart(self) -> None:
        def handler(a: Any) -> None: ...

        handler.__annotations__["a"] = Struct | Other
        with pytest.raises(
            HandlerError, match=r"RW214 .*handler at tests/unit/typed/test_input_mistakes\.py:\d+: .*Struct"
        ):
            App().post("/")(handler)

    @pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
    def test_a_body_of_a_method_without_one(self, method: str) -> None:
        def handler(thing: Struct) -> None: ...

        message = rf"thing would come from the body, which a {method} request does not have\. Mark it with Query\(\)"
        with pytest.raises(HandlerError, match=f"RW214 .*{message}"):
            App().route("/", [method])(handler)
