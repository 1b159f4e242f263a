"""Each type is examined once, however many routes use it."""

from inspect import Signature
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from msgspec import inspect as shapes

from ropewalk import App
from ropewalk.testing import Client
from ropewalk.typed.descriptions import cached_by_type, described
from ropewalk.typed.shared_parameters import signature_of_plain


class Room(Struct):
    id: int


def test_a_function_is_called_once_for_each_type() -> None:
    calls: list[Any] = []

    @cached_by_type
    def name(kind: Any) -> str:
        """The name."""
        calls.append(kind)
        return str(kind.__name__)

    assert [name(int), name(str), name(int)] == ["int", "str", "int"]
    assert calls == [int, str]
    assert (name.__name__, name.__doc__) == ("name", "The name.")


def test_types_that_cannot_be_keys_are_described_each_time() -> None:
    kind = Annotated[int, Meta(ge=1), ["a list"]]
    with pytest.raises(TypeError):
        hash(kind)
    assert described(kind) == shapes.IntType(ge=1)


def test_constraints_are_part_of_a_type() -> None:
    one, two = (described(Annotated[int, Meta(ge=least)]) for least in (1, 2))
    assert (one, two) == (shapes.IntType(ge=1), shapes.IntType(ge=2))


def test_errors_are_not_kept() -> None:
    calls: list[Any] = []

    @cached_by_type
    def fail(kind: Any) -> None:
        calls.append(kind)
        raise ValueError(kind)

    for _ in range(2):
        with pytest.raises(ValueError, match="int"):
            fail(int)
    assert calls == [int, int]


def test_the_signature_of_a_handler_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = signature_of_plain
    calls: list[Any] = []

    def signature(function: Any) -> Signature | None:
        if function in (typed, untyped):
            calls.append(function)
        return evaluate(function)

    def typed(id: int, room: Room, order: str = "name") -> Room:
        return room

    def untyped(request: Any, id: int) -> str:
        return "plain"

    monkeypatch.setattr("ropewalk.typed.annotations.signature_of_plain", signature)
    app = App()
    app.post("/typed/{id}")(typed)
    app.get("/untyped/{id}")(untyped)
    assert calls == [typed, untyped]


def test_routes_with_equal_inputs_keep_their_own_names_and_defaults() -> None:
    app = App()

    @app.get("/one/{id}")
    def one(id: int, limit: Annotated[int, Meta(ge=1)] = 1) -> str:
        return f"one {id} {limit}"

    @app.get("/two/{id}")
    def two(id: int, limit: Annotated[int, Meta(ge=1)] = 2) -> str:
        return f"two {id} {limit}"

    @app.get("/three/{id}")
    def three(id: int, limit: Annotated[int, Meta(ge=3)] = 3) -> str:
        return f"three {id} {limit}"

    client = Client(app)
    assert [client.get(f"/{name}/7").text for name in ("one", "two", "three")] == ["one 7 1", "two 7 2", "three 7 3"]
    assert [client.get(f"/{name}/7?limit=1").status for name in ("one", "two", "three")] == [200, 200, 422]
