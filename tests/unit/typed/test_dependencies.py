"""Handlers that take the values of providers."""

import asyncio
import dataclasses
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Annotated, Any

import msgspec
import pytest
from tests.unit.conftest import Log
from tests.unit.typed.providers import Callables, generator, handlers, plain
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Body, Depends, Header, Query, Request, Response
from ropewalk.testing import Client


def deferred() -> Deferred[str]:
    return succeed("value")


async def coroutine() -> str:
    await asyncio.sleep(0)
    return "value"


async def async_generator() -> AsyncIterator[str]:
    await asyncio.sleep(0)
    yield "value"


PROVIDERS: list[Callable[..., Any]] = [
    plain,
    deferred,
    coroutine,
    generator,
    async_generator,
    Callables().method,
    Callables(),
    partial(generator),
]


async def passing(request: Request, next: Callable[[Request], Awaitable[Response]]) -> Response:
    return await next(request)


class TestKinds:
    @pytest.mark.parametrize("provider", PROVIDERS)
    @pytest.mark.parametrize("around", [(), (passing,)], ids=["alone", "in middleware"])
    def test_every_kind_of_provider_for_every_kind_of_handler(
        self, provider: Callable[..., Any], around: Any, log: Log
    ) -> None:
        for handler in handlers(provider):
            inner, app = App(middleware=around), App(middleware=around)
            inner.get("/", status=201)(handler)
            inner.get("/plain")(handler)
            app.mount("/inner", inner)
            client = Client(app)
            assert client.get("/inner/plain").text == "value", handler
            assert (client.get("/inner/").status, client.get("/inner/").text) == (201, "value"), handler
        assert log.text == ""

    @pytest.mark.parametrize("provider", [plain, generator])
    def test_what_does_not_wait_makes_no_coroutine(self, provider: Callable[..., Any]) -> None:
        app = App()
        returned = []

        @app.get("/")
        def handler(value: Annotated[str, Depends(provider)]) -> str:
            frame: Any = inspect.currentframe()
            while frame is not None:
                returned.append(frame.f_code.co_flags & inspect.CO_COROUTINE)
                frame = frame.f_back if "typed" in frame.f_back.f_code.co_filename else None
            return value

        assert Client(app).get("/").text == "value"
        assert len(returned) > 2
        assert not any(returned)

    def test_a_handler_without_dependencies_is_called_as_before(self) -> None:
        app = App()

        @app.get("/")
        def handler(n: int) -> int:
            return n

        (route,) = app.resource.tree_node.child("").tree_node.handlers.values()
        assert route.plan.bind is None


class TestInputs:
    def test_a_provider_has_inputs_of_its_own(self) -> None:
        class Order(msgspec.Struct):
            count: int

        def paging(request: Request, page: int = 1, size: Annotated[int, Query("n")] = 10) -> str:
            return f"{request.method} {page} {size}"

        def chosen(
            id: int, order: Order, agent: Annotated[str, Header()], paging: Annotated[str, Depends(paging)]
        ) -> str:
            return f"{id} {order.count} {agent} {paging}"

        app = App()

        @app.post("/rooms/{id}")
        async def handler(chosen: Annotated[str, Depends(chosen)], n: int) -> str:
            return f"{chosen} {n}"

        client = Client(app)
        response = client.post("/rooms/7?page=2&n=5", json={"count": 3}, headers={"agent": "a"})
        assert response.text == "7 3 a POST 2 5 5"

    def test_a_class_is_a_provider(self) -> None:
        @dataclasses.dataclass
        class Paging:
            page: int = 1
            size: Annotated[int, msgspec.Meta(le=100)] = 10

        class Search(msgspec.Struct):
            text: str
            paging: Annotated[Paging, Depends(Paging)]

        app = App()

        @app.get("/")
        def handler(search: Annotated[Search, Depends(Search)]) -> str:
            return f"{search.text} {search.paging.page} {search.paging.size}"

        client = Client(app)
        assert client.get("/?text=a&page=2").text == "a 2 10"
        assert [each["name"] for each in client.get("/?size=101").json()["errors"]] == ["size", "text"]

    def test_all_errors_are_in_one_response(self) -> None:
        called = []

        class Order(msgspec.Struct):
            count: int

        def first(page: int) -> Iterator[int]:
            called.append(page)
            yield page

        def second(page: int, agent: Annotated[str, Header()]) -> None:
            called.append(page)

        app = App()

        @app.post("/")
        def handler(
            a: Annotated[int, Depends(first)], b: Annotated[None, Depends(second)], order: Order, flag: bool
        ) -> None: ...

        response = Client(app).post("/?page=x&flag=2", json={})
        assert response.status == 422
        found = [(each["location"], each.get("name", each.get("pointer"))) for each in response.json()["errors"]]
        assert found == [("query", "page"), ("header", "agent"), ("query", "flag"), ("body", "/count")]
        assert called == []

    def test_a_provider_and_its_handler_may_read_the_same_body(self) -> None:
        def raw(body: Annotated[bytes, Body(media_types=("application/json",), body_limit=20)]) -> int:
            return len(body)

        app = App()

        @app.post("/")
        async def handler(size: Annotated[int, Depends(raw)], body: dict[str, int]) -> str:
            return f"{size} {body}"

        client = Client(app)
        assert client.post("/", json={"a": 1}).text == "7 {'a': 1}"
        assert client.post("/", json={"a" * 30: 1}).status == 413

    def test_a_named_provider_may_read_the_body_of_an_async_handler(self) -> None:
        app = App()

        def size(body: Annotated[str, Body(media_types=("text/plain",), body_limit=4)]) -> int:
            return len(body)

        app.provide("size", size)

        @app.post("/")
        async def handler(size: Annotated[int, Depends()]) -> str:
            return str(size)

        client = Client(app)
        assert client.post("/", body="abcd", headers={"content-type": "text/plain"}).text == "4"
        assert client.post("/", body="abcde", headers={"content-type": "text/plain"}).status == 413

    def test_the_plan_has_the_inputs_of_providers(self) -> None:
        def paging(page: int = 1) -> int:
            return page

        app = App()

        @app.get("/")
        def handler(paging: Annotated[int, Depends(paging)], page: int, name: str) -> None: ...

        (route,) = app.resource.tree_node.child("").tree_node.handlers.values()
        assert [(each.source, each.name) for each in route.plan.inputs] == [("query", "page"), ("query", "name")]


class TestCache:
    def test_a_provider_is_called_once_for_a_request(self) -> None:
        calls: list[None] = []

        def counted() -> int:
            calls.append(None)
            return len(calls)

        def other(count: Annotated[int, Depends(counted)]) -> int:
            return count

        app = App()

        @app.get("/")
        def handler(
            a: Annotated[int, Depends(counted)],
            b: Annotated[int, Depends(other)],
            c: Annotated[int, Depends(counted, cached=False)],
        ) -> str:
            return f"{a} {b} {c}"

        client = Client(app)
        assert client.get("/").text == "1 1 2"
        assert client.get("/").text == "3 3 4"

    def test_a_name_that_is_not_cached(self) -> None:
        app = App()
        numbers = iter(range(10))
        app.provide("n", lambda: next(numbers), cached=False)

        @app.get("/")
        def handler(n: Annotated[int, Depends()], other: Annotated[int, Depends("n")]) -> str:
            return f"{n} {other}"

        assert Client(app).get("/").text == "0 1"


class TestNames:
    def test_the_innermost_provider_wins(self) -> None:
        inner, app = App(), App()

        @inner.get("/own", provide={"who": lambda: "route"})
        @inner.get("/")
        def handler(who: Annotated[str, Depends()]) -> str:
            return who

        app.mount("/inner", inner)
        client = Client(app, raise_errors=False)
        assert client.get("/inner/").status == 500
        app.provide("who", lambda: "app")
        assert client.get("/inner/").text == "app"
        other = App()
        other.provide("who", lambda: "app")
        other.mount("/inner", inner, provide={"who": Depends(lambda: "mount")})
        assert Client(other, raise_errors=False).get("/inner/").text == "mount"
        inner.provide("who", lambda: "inner")
        assert client.get("/inner/").text == "inner"
        assert Client(other, raise_errors=False).get("/inner/").text == "inner"
        assert client.get("/inner/own").text == "route"

    def test_a_default_holds_if_nothing_provides_it(self) -> None:
        app = App()

        @app.get("/")
        def handler(who: Annotated[str, Depends()] = "default") -> str:
            return who

        client = Client(app)
        assert client.get("/").text == "default"
        app.provide("who", lambda: "given")
        assert client.get("/").text == "given"

    def test_providers_take_named_values_too(self) -> None:
        app = App()

        def greeting(who: Annotated[str, Depends()]) -> str:
            return f"Hello, {who}"

        app.provide("who", lambda: "you")
        app.provide("greeting", greeting)

        @app.get("/")
        def handler(greeting: Annotated[str, Depends]) -> str:
            return greeting

        assert Client(app).get("/").text == "Hello, you"


class TestOverride:
    def test_a_provider_is_replaced_for_a_while(self) -> None:
        inner, app = App(), App()
        app.mount("/inner", inner)
        app.provide("named", plain)

        @inner.get("/")
        def handler(value: Annotated[str, Depends(coroutine)], named: Annotated[str, Depends()]) -> str:
            return f"{value} {named}"

        async def other(n: int = 0) -> AsyncIterator[str]:
            yield f"other {n}"

        client = Client(app)
        assert client.get("/inner/").text == "value value"
        with app.override(coroutine, other):
            assert client.get("/inner/?n=4").text == "other 4 value"
            with app.override("named", lambda: "n"), inner.override(coroutine, lambda: "innermost"):
                assert client.get("/inner/").text == "innermost n"
            with pytest.raises(LookupError), app.override(coroutine, plain):
                raise LookupError
            assert client.get("/inner/").text == "other 0 value"
        assert client.get("/inner/").text == "value value"
