"""Providers of a session that note what happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

from ropewalk import App, Depends, Request, Response
from ropewalk.testing import AsyncClient

Next = Callable[[Request], Awaitable[Response]]


class Rollback(Exception):
    """An exception of a handler."""


class Recorder:
    """Providers of a session that note what happens."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def session(self) -> Iterator["Recorder"]:
        self.events.append("open")
        try:
            yield self
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        else:
            self.events.append("commit")
        finally:
            self.events.append("closed")

    async def session_later(self) -> AsyncIterator["Recorder"]:
        self.events.append("open")
        try:
            yield self
        except BaseException as error:
            await asyncio.sleep(0)
            self.events.append(type(error).__name__)
            raise
        else:
            await asyncio.sleep(0)
            self.events.append("commit")
        finally:
            self.events.append("closed")

    def use(self) -> None:
        """Use the session: it must be open."""
        assert "closed" not in self.events
        self.events.append("used")


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


Session = Annotated[Recorder, Depends()]


def get(app: App, path: str = "/", method: str = "GET") -> Any:
    """A response, after everything was closed."""

    async def main() -> Any:
        async with AsyncClient(app, raise_errors=False) as client:
            return await client.request(method, path)

    return asyncio.run(main())


async def turns(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition holds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("It did not happen.")
