"""Providers of every kind, and handlers that take their values."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

from twisted.internet.defer import Deferred, succeed

from ropewalk import Depends


def plain() -> str:
    return "value"


def generator() -> Iterator[str]:
    yield "value"


class Callables:
    """Providers that are not functions."""

    def method(self) -> str:
        return "value"

    def __call__(self) -> Iterator[str]:
        yield "value"


def handlers(provider: Callable[..., Any]) -> list[Callable[..., Any]]:
    """A handler of each kind that returns the value of a provider."""

    def returns(value: Annotated[str, Depends(provider)]) -> Any:
        return value

    def returns_deferred(value: Annotated[str, Depends(provider)]) -> Deferred[str]:
        return succeed(value)

    async def awaits(value: Annotated[str, Depends(provider)]) -> str:
        await asyncio.sleep(0)
        return value

    def streams(value: Annotated[str, Depends(provider)]) -> Iterator[str]:
        yield value[:2]
        yield value[2:]

    async def streams_later(value: Annotated[str, Depends(provider)]) -> AsyncIterator[str]:
        yield value[:2]
        await asyncio.sleep(0)
        yield value[2:]

    return [returns, returns_deferred, awaits, streams, streams_later]


def one(value: "Annotated[str, Depends(two)]") -> str:
    return value


def two(value: Annotated[str, Depends(one)]) -> str:
    return value
