"""Shared by the tests of `request.after`: apps with and without middleware, and functions that record when they run."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Request, Response

Next = Callable[[Request], Awaitable[Response]]


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


@pytest.fixture(params=["alone", "in middleware"])
def app(request: Any) -> App:
    return App(middleware=() if request.param == "alone" else (passing,))


class Work:
    """Functions that record when they run. Functions that wait end when the test lets them."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.waiting: list[Deferred[None]] = []

    def note(self, event: Any) -> None:
        self.events.append(event)

    async def note_later(self, event: Any) -> None:
        await asyncio.sleep(0)
        self.events.append(event)

    def deferred(self, event: Any) -> "Deferred[None]":
        return succeed(event).addCallback(self.note)

    async def wait(self, event: Any) -> None:
        self.events.append(f"{event} begins")
        waiting: Deferred[None] = Deferred()
        self.waiting.append(waiting)
        try:
            await waiting
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        self.events.append(f"{event} ends")


@pytest.fixture
def work() -> Work:
    return Work()
