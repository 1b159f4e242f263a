"""Responses on their way through middleware: whatever can go wrong before the head is sent has gone wrong by then."""

from copy import copy
from typing import Any

from ropewalk.request import Request, octets, sends_events
from ropewalk.response import OpenFile, Response, close_parts, until_stop


async def settled(response: Response, request: Request) -> Response:
    """A response as `settle` has it, of whose streamed body the first part is there.

    That is for middleware, which is to see what becomes of a request: what goes wrong before a part would be 500.
    """
    response = response.settle(request)
    body = response.body
    if isinstance(body, bytes | str | OpenFile | _Begun) or request.method == "HEAD":
        return response
    settled = copy(response)
    try:
        if sends_events(response.headers.lines()):
            settled.body = await until_stop(request, _begun(body), b"")
        else:
            settled.body = await _begun(body)
    except BaseException:
        await close_parts(body)
        raise
    return settled.settle(request)


class _Begun:
    """The parts of a body of which the first is there."""

    __slots__ = ("_first", "_parts")

    def __init__(self, first: Any, parts: Any) -> None:
        self._first = [first]
        self._parts = parts


class BegunIterator(_Begun):
    def __iter__(self) -> "BegunIterator":
        return self

    def __next__(self) -> Any:
        return self._first.pop() if self._first else next(self._parts)

    def close(self) -> None:
        if hasattr(self._parts, "close"):
            self._parts.close()


class BegunAsyncIterator(_Begun):
    def __aiter__(self) -> "BegunAsyncIterator":
        return self

    async def __anext__(self) -> Any:
        return self._first.pop() if self._first else await anext(self._parts)

    @property
    def trailers(self) -> Any:
        return getattr(self._parts, "trailers", None)

    async def aclose(self) -> None:
        await close_parts(self._parts)


async def _begun(parts: Any) -> Any:
    """The same parts, once there is the first of them; b"" where there are none.

    Raises HandlerError (RW201) where the first is no part of a body.
    """
    if hasattr(parts, "__aiter__"):
        several = aiter(parts)
        try:
            first = await anext(several)
        except StopAsyncIteration:
            return b""
        octets(first)
        return BegunAsyncIterator(first, several)
    for first in parts:
        octets(first)
        return BegunIterator(first, iter(parts))
    return b""
