"""Functions of the application are refused when they are registered if they cannot be called with the arguments that
Ropewalk will pass."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated, Any

import pytest

from ropewalk import App, Depends, Request
from ropewalk.auth import BasicAuth
from ropewalk.errors import HandlerError, misfit
from ropewalk.middleware import IdempotencyOptions, RateLimit, RateLimitOptions


def database() -> dict[str, str]:
    return {}


Database = Annotated[dict[str, str], Depends(database)]


def with_one(first: Any, database: Database) -> Any:
    """A function such as a check of an API key: one argument, and a dependency."""


def with_two(first: Any, second: Any, database: Database) -> Any:
    """A function such as a check of a name and a password: two arguments, and a dependency."""


async def with_request(request: Request, next: Any, database: Database) -> Any:
    """A middleware with a dependency."""


one: Any = with_one
two: Any = with_two
middleware: Any = with_request


class Users:
    def find(self, name: str, password: str) -> None: ...


@pytest.mark.parametrize(
    ("code", "register"),
    [
        ("RW230", lambda: RateLimit(1, 60, key=one)),
        ("RW230", lambda: RateLimitOptions(limits=RateLimit(1, 60), exempt=one)),
        ("RW230", lambda: RateLimitOptions(limits=RateLimit(1, 60), user=one)),
        ("RW230", lambda: IdempotencyOptions(sender=one)),
        ("RW230", lambda: IdempotencyOptions(required=one)),
        ("RW205", lambda: App(middleware=[middleware])),
        ("RW205", lambda: App().middleware(middleware)),
        ("RW205", lambda: App().get("/", middleware=[middleware])),
    ],
)
def test_where_dependencies_do_not_reach(code: str, register: Callable[[], object]) -> None:
    with pytest.raises(HandlerError, match=rf"{code} .*missing a required argument: 'database'.* Dependencies do not"):
        register()


def wrapper(*given: Any) -> None: ...


@wraps(two)
def adding(*given: Any) -> Any:
    return two(*given, database())


@pytest.mark.parametrize(
    "function",
    [
        lambda name, password: None,
        lambda name, password, realm="app": None,
        Users().find,
        partial(two, database={}),
        wrapper,
        adding,
    ],
)
def test_what_fits(function: Any) -> None:
    BasicAuth(function)
    assert misfit(function, "ada", "s3cret") is None


def test_a_function_without_a_signature() -> None:
    assert misfit(print, "ada") is None
    assert misfit(max, "ada") is None


def test_too_few_parameters() -> None:
    with pytest.raises(HandlerError, match="RW240 BasicAuth has .* too many positional arguments"):
        BasicAuth(lambda name: None)
