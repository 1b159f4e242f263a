"""Helpers for middleware with a store: call the functions in its options, and refuse requests."""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from ropewalk.calling import resolve
from ropewalk.errors import HTTPError, phrase
from ropewalk.request import Request
from ropewalk.response import PROBLEM
from ropewalk.waiting import must_wait

RETRY_SOON: Final = ("retry-after", "1")


class RequestFunction(Protocol):
    """The type of an option that is a function `(request)`, plain or async."""

    def __call__(self, request: Request, /) -> Any: ...


async def call_option(function: RequestFunction, request: Request) -> Any:
    """Call the function in an option, and return its result. A coroutine is awaited."""
    value = function(request)
    return await resolve(value, function) if must_wait(value) else value


def refusal(status: int, detail: str, fields: Iterable[tuple[str, str]] = ()) -> HTTPError:
    """The HTTPError to raise for a refused request, with problem details (RFC 9457)."""
    problem = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    return HTTPError(status, problem, [("content-type", PROBLEM), *fields])
