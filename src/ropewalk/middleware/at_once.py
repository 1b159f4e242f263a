"""The parts of a middleware that do not wait. If a handler does not wait either, and has no other middleware around it,
no coroutine runs: the engine sends the value of the handler, with the fields that the middleware adds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from ropewalk.middleware.added_fields import Line
from ropewalk.request import Request

AT_ONCE: Final = "ropewalk_at_once"
"""The name of the attribute that holds the AtOnce of a middleware. If the middleware is a method, its object has the
attribute."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A middleware in parts: `begin`, and after the handler either `fields` or `finish`."""

    begin: Callable[[Request], bool]
    """Do what comes before the handler, and return True. If this may wait or fail, do nothing and return False: then
    the whole middleware is called as a coroutine function."""
    fields: Callable[[Request], tuple[Line, ...] | None]
    """Return the fields to add to a response with status 200 and no field but Content-Type. None if making the fields
    may wait or fail: then `finish` is called."""
    finish: Callable[[Request, Callable[[Request], Awaitable[Any]]], Awaitable[Any]]
    """The rest of the middleware, to call after `begin`."""


def at_once_of(middleware: Any) -> AtOnce | None:
    """The AtOnce of a middleware; None if it has none."""
    found = getattr(getattr(middleware, "__self__", middleware), AT_ONCE, None)
    return found if isinstance(found, AtOnce) else None


SHORT_CUT: Final = "ropewalk_short_cut"
"""The name of the attribute that holds the short cut of a middleware: a function that takes the step for a request and
returns another. This returns a value to send without the handler, or calls the step. If the middleware is the
outermost, no coroutine runs for such a value."""

Outermost = Callable[[Request], Any]


def short_cut_of(middleware: Any) -> Callable[[Outermost], Outermost] | None:
    """The short cut of a middleware; None if it has none."""
    return getattr(middleware, SHORT_CUT, None)
