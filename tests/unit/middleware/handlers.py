"""A middleware that leaves marks, and handlers that raise."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from ropewalk import Request, Response
from ropewalk.middleware import Next

NOTHING: dict[str, str] = {}


def marking(mark: str) -> Any:
    """A middleware that adds its mark to a header of the response."""

    async def middleware(request: Request, next: Next) -> Response:
        response = await next(request)
        response.headers.add("x-marks", mark)
        return response

    return middleware


def raising(error: BaseException) -> Any:
    def handler(request: Request) -> Any:
        raise error

    return handler


def parts_that_raise(error: Exception) -> Any:
    def handler(request: Request) -> Iterator[str]:
        raise error
        yield "never"  # type: ignore[unreachable] # makes it a generator

    return handler


def async_parts_that_raise(error: Exception) -> Any:
    async def handler(request: Request) -> AsyncIterator[str]:
        raise error
        yield "never"  # type: ignore[unreachable] # makes it a generator

    return handler
