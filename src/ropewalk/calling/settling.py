"""Settles responses inside middleware: checks them, so that errors are raised there, before the head is sent.

A settled response can be sent unchanged. The response that `next` returns is settled. The response that a middleware
returns is settled again, unless it is the same object and unchanged.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

from ropewalk.open_files import OpenFile
from ropewalk.request import Request, octets, sends_events
from ropewalk.response import KNOWN_TYPES, Response, check_unicode
from ropewalk.streaming import close_parts, until_stop

Settled = tuple[Response, Any, int, list[tuple[str, str]]]
"""A settled response, and the body, status and header lines that it had then. Comparison with them detects changes."""


def settle_plain(value: Any, request: Request) -> Response | None:
    """The settled response for a str or bytes, which most handlers return. None for any other value.

    None also if the request has prepared changes to the response.
    """
    kind = type(value)
    if kind is not str and kind is not bytes:
        return None
    handler = request.engine_handler
    if handler is None or request.prepared:
        return None
    media_type = handler.text_type if kind is str else handler.bytes_type
    if media_type in KNOWN_TYPES:
        response = Response.plain(value, media_type)
        check_unicode(value)
    else:
        response = Response.of(value, handler.text_type, handler.bytes_type)
        check_unicode(value)
        response.check(request)
    request.settled = response, value, 200, response.headers.lines()
    return response


def is_settled(value: Any, request: Request) -> bool:
    """Whether a middleware returns the response of `next` unchanged."""
    settled = request.settled
    return (
        settled is not None
        and value is settled[0]
        and value.body is settled[1]
        and value.status is settled[2]
        and value.headers.has_lines(settled[3])
        and not request.prepared
    )


def remember_settled(response: Response, request: Request) -> Response:
    """Remember that a response is settled."""
    request.settled = response, response.body, response.status, response.headers.lines()
    return response


async def settle(response: Response, request: Request) -> Response:
    """Settle a response. If its body is streamed, produce the first part of the body now.

    So an exception before the first part reaches middleware, and the client gets a 500.
    """
    response = response.settle(request)
    if isinstance(response.body, bytes | str | OpenFile | BegunBody):
        return remember_settled(response, request)
    response = copy(response)
    parts = response.body
    body = response.body = BegunAsyncIterator(parts) if hasattr(parts, "__aiter__") else BegunIterator(parts)
    request.begun = [*request.begun, body]
    if request.method != "HEAD":
        try:
            if sends_events(response.headers.lines()):
                has_part = await until_stop(request, body.begin(), False)
            else:
                has_part = await body.begin()
        except BaseException:
            await close_parts(body)
            raise
        if not has_part:
            response.body = b""
            response.check(request)
    return remember_settled(response, request)


async def close_unsent(bodies: "Sequence[BegunBody]") -> list[BaseException]:
    """Close bodies that middleware has dropped. Returns the exceptions that closing raised."""
    errors: list[BaseException] = []
    for body in bodies:
        if not body.closed:
            try:
                await close_parts(body)
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the caller logs it; the other bodies must still be closed
                errors.append(error)
    return errors


class BegunBody:
    """The parts of a streamed body. The first part may have been taken already."""

    __slots__ = ("_first", "_parts", "closed")

    def __init__(self, parts: Any) -> None:
        self._first: list[Any] = []
        self._parts = parts
        self.closed = False

    async def begin(self) -> bool:
        """Take the first part of the body. Returns False if the body has no part.

        Raises HandlerError (RW201) if the part is not str or bytes.
        """
        raise NotImplementedError


class BegunIterator(BegunBody):
    __slots__ = ()

    async def begin(self) -> bool:
        for first in self._parts:
            octets(first)
            self._first.append(first)
            return True
        return False

    def __iter__(self) -> "BegunIterator":
        return self

    def __next__(self) -> Any:
        return self._first.pop() if self._first else next(self._parts)

    def close(self) -> None:
        self.closed = True
        self._first.clear()
        if hasattr(self._parts, "close"):
            self._parts.close()


class BegunAsyncIterator(BegunBody):
    __slots__ = ()

    async def begin(self) -> bool:
        parts = self._parts = aiter(self._parts)
        try:
            first = await anext(parts)
        except StopAsyncIteration:
            return False
        octets(first)
        self._first.append(first)
        return True

    def __aiter__(self) -> "BegunAsyncIterator":
        return self

    async def __anext__(self) -> Any:
        return self._first.pop() if self._first else await anext(self._parts)

    @property
    def trailers(self) -> Any:
        return getattr(self._parts, "trailers", None)

    async def aclose(self) -> None:
        self.closed = True
        self._first.clear()
        await close_parts(self._parts)
