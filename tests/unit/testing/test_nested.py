"""Clients inside handlers: of the same app and of another, on the loop and in threads."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from ropewalk import App, Request
from ropewalk.testing import AsyncClient, Client, ReactorInUse, WouldBlock


def make(kind: str) -> App:
    """An app whose handler asks a second app, or the app itself."""
    app, other = App(), App()

    for each in (app, other):

        @each.get("/hello")
        async def hello(request: Request) -> str:
            return await deferToThread(str, "hello")

        @each.get("/plain")
        def plain(request: Request) -> str:
            return "hello"

    @app.get("/")
    async def handler(request: Request) -> Any:
        return await HANDLERS[kind](app if kind.endswith("itself") else other)

    return app


async def with_async_client(app: App) -> str:
    async with AsyncClient(app) as client:
        return (await client.get("/hello")).text


async def with_two(app: App) -> str:
    client = AsyncClient(app)
    first, second = await asyncio.gather(client.get("/hello"), client.get("/plain"))
    assert first.text == second.text
    return first.text


async def with_client(app: App) -> str:
    return Client(app).get("/plain").text


async def with_client_in_a_thread(app: App) -> str:
    return await deferToThread(lambda: Client(app).get("/plain").text)


async def in_threads_in_turn(app: App) -> str:
    """A thread waits for a call in the reactor's thread, and this call waits for another thread."""
    from twisted.internet import reactor as installed
    from twisted.internet.threads import blockingCallFromThread

    reactor: Any = installed

    def in_the_first() -> str:
        call: Any = blockingCallFromThread
        waited = call(reactor, lambda: deferToThread(str, "hello"))
        return str(waited)

    return await deferToThread(in_the_first)


HANDLERS: dict[str, Callable[[App], Any]] = {
    "an AsyncClient": with_async_client,
    "an AsyncClient of itself": with_async_client,
    "two requests": with_two,
    "two requests of itself": with_two,
    "a Client": with_client,
    "a Client in a thread": with_client_in_a_thread,
    "threads": in_threads_in_turn,
}

ERRORS = {"a Client": (WouldBlock, "RW225"), "a Client in a thread": (ReactorInUse, "RW223")}


def check(kind: str, get: Callable[[], str]) -> None:
    if kind not in ERRORS:
        assert get() == "hello"
        return
    error, code = ERRORS[kind]
    with pytest.raises(error, match=code):
        get()


@pytest.mark.parametrize("kind", HANDLERS)
def test_of_a_client(kind: str) -> None:
    check(kind, lambda: Client(make(kind)).get("/").text)


@pytest.mark.parametrize("kind", HANDLERS)
def test_of_an_async_client(kind: str) -> None:
    async def main() -> str:
        async with AsyncClient(make(kind)) as client:
            return (await client.get("/")).text

    check(kind, lambda: asyncio.run(main()))
