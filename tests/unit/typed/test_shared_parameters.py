"""What handlers with the same parameters and annotations share, and what stays their own."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred, succeed

from ropewalk import App
from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.typed import Depends, Query, plan_for, shared_parameters
from ropewalk.typed.markers import Computed
from ropewalk.typed.parameter_sources import inputs_of
from ropewalk.typed.shared_parameters import key_of, signature_of_plain


class Room(Struct):
    id: int


class Suite(Struct):
    id: int


def plain(id: int, room: Room, order: str = "name", *, limit: Annotated[int, Meta(ge=1)] = 20) -> Room:
    return room


def bare(request, id):  # type: ignore[no-untyped-def]
    return id


def nothing() -> None:
    return


async def coroutine(id: int = 1, *, only: str) -> list[Room]:
    return []


def as_text(id: "int", suites: "list['Suite']", order: "str" = "name") -> "Room | None":
    return None


@pytest.mark.parametrize("function", [plain, bare, nothing, coroutine, as_text])
def test_the_signature_of_a_plain_function(function: Callable[..., Any]) -> None:
    assert signature_of_plain(function) == inspect.signature(function, eval_str=True)


@wraps(plain)
def wrapping(*arguments: Any, **options: Any) -> Any:
    return plain(*arguments, **options)


def several(*ids: int) -> None:
    return


def by_position(id: int, /) -> None:
    return


@pytest.mark.parametrize("function", [wrapping, partial(plain, 1), several, by_position, Room])
def test_other_callables_are_left_to_inspect(function: Callable[..., Any]) -> None:
    assert signature_of_plain(function) is None


def test_handlers_with_the_same_parameters_share_inputs_and_readers() -> None:
    def one(id: int, tags: list[str], limit: int | None = None) -> None: ...
    def two(id: int, tags: list[str], limit: int | None = None) -> None: ...

    first, second = (plan_for(each, ("id",), ("GET",)) for each in (one, two))
    assert all(own is other for own, other in zip(first.inputs, second.inputs, strict=True))
    assert all(own is other for own, other in zip(first.readers, second.readers, strict=True))


def test_a_parameter_in_the_path_is_another_input() -> None:
    def read(id: int) -> None: ...

    assert [each.source for names in (("id",), ()) for each in inputs_of(read, names, ("GET",))] == ["path", "query"]


def test_equal_annotations_that_are_not_interchangeable() -> None:
    one, two = Annotated[str, Query(example=1)], Annotated[str, Query(example=True)]
    assert key_of(int | str) != key_of(str | int)
    assert key_of(one) != key_of(two) or one is two
    assert key_of(list[int | None]) == key_of(list[int | None])
    assert key_of(list[int]) != key_of(set[int])
    assert key_of(dict[str, Room]) != key_of(dict[str, Suite])


class Shown(Computed):
    def compute(self, request: Any, kind: Any, default: Any) -> str:
        return repr(default)


def test_equal_defaults_of_different_types() -> None:
    app = App()
    defaults: list[Any] = [0, False, 0.0, -0.0]
    for index, default in enumerate(defaults):

        @app.get(f"/{index}")
        def read(value: Annotated[Any, Shown()] = default) -> str:
            return str(value)

    with Client(app) as client:
        assert [client.get(f"/{index}").text for index in range(4)] == ["0", "False", "0.0", "-0.0"]


def test_more_parameters_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_parameters, "MOST", 1)
    app = App()
    for index in range(3):

        @app.get(f"/{index}")
        def read(a: int = index, b: str = str(index)) -> str:
            return f"{a} {b}"

    with Client(app) as client:
        assert [client.get(f"/{index}").text for index in range(3)] == ["0 0", "1 1", "2 2"]


def test_a_refused_parameter_is_refused_in_each_handler() -> None:
    class Foreign: ...

    def one(foreign: Foreign) -> None: ...
    def two(foreign: Foreign) -> None: ...

    for function in (one, two):
        with pytest.raises(HandlerError, match=rf"RW214 .*{function.__name__} at .*: foreign is .*Foreign"):
            inputs_of(function, (), ("POST",))


def opened() -> Iterator[int]:
    yield 1


def handlers(wrong: Any) -> list[Callable[..., Any]]:
    """Handlers of every kind that return a wrong value for the same annotation."""

    def plainly(id: int) -> Room:
        return wrong  # type: ignore[no-any-return]

    def with_request(request: Any, id: int) -> Room:
        return wrong  # type: ignore[no-any-return]

    async def by_coroutine(id: int) -> Room:
        return wrong  # type: ignore[no-any-return]

    def by_deferred(id: int) -> Deferred[Room]:
        return succeed(wrong)

    def with_provider(id: int, value: Annotated[int, Depends(lambda: 1)]) -> Room:
        return wrong  # type: ignore[no-any-return]

    async def in_scope(id: int, value: Annotated[int, Depends(opened)]) -> Room:
        return wrong  # type: ignore[no-any-return]

    return [plainly, with_request, by_coroutine, by_deferred, with_provider, in_scope]


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize("status", [None, 201])
def test_a_wrong_value_names_its_own_handler(index: int, status: int | None) -> None:
    app = App()
    for name, function in (("other", handlers("wrong")[(index + 1) % 6]), ("own", handlers("wrong")[index])):
        app.get(f"/{name}/{{id}}", status=status)(function)
    expected = f"{handlers(None)[index].__name__} at tests/unit/typed/test_shared_parameters.py:"
    with Client(app) as client, pytest.raises(HandlerError, match="RW215") as caught:
        client.get("/own/1")
    assert expected in str(caught.value)
