"""How one method of one resource is called."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ropewalk.response import BYTES, TEXT


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """What answers one method of one resource, and how it is called."""

    call: Callable[..., Any]
    whole_body: bool = True
    """Whether it is called when the body has arrived, rather than at the head."""
    pass_params: bool = False
    """Whether it takes the path's parameters as keywords."""
    text_type: str = TEXT
    bytes_type: str = BYTES
    utf_8: bool = True
    """Whether `text_type` names UTF-8, or no charset: the engine sends str in that by itself."""
    body_limit: int | None = None
    """In bytes; None for the engine's."""
    half_close: Literal["cancel", "respond", "finish"] = "cancel"
    """What becomes of a request whose client closes its sending side before it has its response: one that waits is
    cancelled, is told and goes on, or goes on as if nothing had happened."""
    call_in_middleware: Callable[..., Any] | None = None
    """Called in its place where there is middleware around it."""
    names: tuple[str, ...] = ()
    """What the parameters of its path are called, in order, from the root of the routes to which it belongs."""
    takes: frozenset[str] | None = None
    """The keywords that it takes; None for any."""
    path: str = ""
    """Its path as it is written, for messages."""


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call gives a coroutine or an async generator."""
    call = function if hasattr(function, "__code__") or hasattr(function, "func") else type(function).__call__
    return any(
        check(candidate)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for candidate in (function, call)
    )
