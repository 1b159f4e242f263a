"""Settles responses inside middleware: checks them, so that errors are raised inside middleware, before the head is
sent.

A settled response can be sent unchanged. The response that `next` returns is settled. The response that a middleware
returns is settled again, unless it is the same object and unchanged.
"""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Final

from msgspec import Struct

from ropewalk.calling.value_to_response import to_response
from ropewalk.open_files import OpenFile
from ropewalk.request import Request, octets, sends_events
from ropewalk.response import KNOWN_TYPES, LateResponse, Response, check_unicode
from ropewalk.streaming import close_parts, until_stop

_plain: Final = Response.plain
_CHECKED: Final = frozenset(("content-length", "content-type", "transfer-encoding"))
"""The fields that `Response.check` reads."""


def known_types(text_type: str, bytes_type: str) -> dict[type, str]:
    """Map str and bytes to their Content-Types. Leave out a Content-Type that `settle_known` does not support."""
    return {kind: name for kind, name in ((str, text_type), (bytes, bytes_type)) if name in KNOWN_TYPES}


def settle_known(value: str | bytes, content_type: str) -> Response:
    """The settled response for a str or bytes. `content_type` is the value of `known_types` for its type.

    Raises UnicodeEncodeError for text that UTF-8 cannot encode.
    """
    if type(value) is str and not value.isascii():
        value.encode()  # raises UnicodeEncodeError here, before the head is sent
    return _plain(value, content_type)


def settle_plain(value: Any, request: Request, call: Callable[..., Any]) -> Response | None:
    """The settled response for a str, bytes, dict, list or Struct that `call` returned. None for any other value.

    Also returns None if the request has prepared changes to the response.
    """
    kind = type(value)
    of_json = kind is dict or kind is list or isinstance(value, Struct)
    handler = request.engine_handler
    if handler is None or request.prepared or not (of_json or kind is str or kind is bytes):
        return None
    media_type = handler.text_type if kind is str else handler.bytes_type
    if of_json:
        response = to_response(value, call, request)  # its Content-Type is right, so there is nothing to check
    elif media_type in KNOWN_TYPES:
        response = settle_known(value, media_type)
    else:
        response = Response.of(value, handler.text_type, handler.bytes_type)
        check_unicode(value)
        response.check(request)
        response.mark_settled()
    request.settled = response
    return response


def settle_added(value: Any, request: Request) -> bool:
    """Settle the response of `next` again if middleware has only added fields that `Response.check` does not read.

    Returns whether it is settled.
    """
    settled = request.settled
    if settled is None or value is not settled or not settled.adds_to_settled(_CHECKED):
        return False
    settled.mark_settled()
    return True


def remember_settled(response: Response, request: Request) -> Response:
    """Remember that a response is settled."""
    response.mark_settled()
    # If `setHeader` was called meanwhile, for example for the first part of a stream, the response lacks these fields,
    # so it is not settled yet.
    request.settled = None if request.prepared else response
    return response


async def settle(response: Response, request: Request) -> Response:
    """Settle a response. If its body is streamed, produce the first part of the body now.

    So an exception before the first part reaches middleware, and the client gets a 500.
    """
    if isinstance(response, LateResponse):
        made = response.made(request)
        response = made if isinstance(made, Response) else await made
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
