"""What the options of several middlewares share: checks of their values, functions that they call, and refusals."""

from collections.abc import Iterable
from typing import Any, Protocol

from ropewalk.calling import must_wait, resolve
from ropewalk.errors import HandlerError, HTTPError, is_int, phrase, shown
from ropewalk.request import Request
from ropewalk.response import PROBLEM


class RequestFunction(Protocol):
    """A function `(request)`, plain or async, that an option names."""

    def __call__(self, request: Request, /) -> Any: ...


async def call_option(function: RequestFunction, request: Request) -> Any:
    """The value of such a function, awaited if necessary."""
    value = function(request)
    return await resolve(value, function) if must_wait(value) else value


def refusal(status: int, detail: str, fields: Iterable[tuple[str, str]] = ()) -> HTTPError:
    """The error that refuses a request, with problem details (RFC 9457)."""
    problem = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    return HTTPError(status, problem, [("content-type", PROBLEM), *fields])


def wrong_option(what: str, remedy: str) -> HandlerError:
    """The error for a wrong value of an option."""
    return HandlerError("RW235", what, remedy)


def check_int(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise HandlerError (RW235) unless a value is an int in a range."""
    if not is_int(value) or value < least or (most is not None and value > most):
        bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise wrong_option(f"{name} is {shown(value)}.", f"Give an int {bounds}.")


def check_seconds(name: str, value: object) -> None:
    """Raise HandlerError (RW235) unless a value is a number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise wrong_option(f"{name} is {shown(value)}.", "Give a number of seconds above 0.")


def check_store_failure(value: object) -> None:
    """Raise HandlerError (RW235) unless a value is that of `on_store_failure`."""
    if value not in ("open", "closed"):
        raise wrong_option(f"on_store_failure is {shown(value)}.", 'Give "open" or "closed".')
