"""Resolves Deferreds and coroutines that handlers return, which may again resolve to a Deferred or coroutine."""

import re
from inspect import iscoroutinefunction, unwrap
from types import CodeType, CoroutineType
from typing import Any, Final

from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, describe, named
from ropewalk.response import forget
from ropewalk.tracebacks import PACKAGE
from ropewalk.waiting import must_wait

MOST_NESTED: Final = 100
"""How many Deferreds and coroutines may be nested. Few applications nest three; more than 100 are an endless loop."""


_MAY_WAIT: Final = re.compile(r"Any|object|Awaitable|Coroutine|Deferred|Future|Task|Waiter|TypeVar|^~")
"""What a return annotation contains if it allows a value that must be awaited."""


def check_awaited(value: Any, call: Any) -> None:
    """Raises HandlerError (RW210) if the coroutine function `call` has returned a coroutine, although its return
    annotation names another type: an `await` is missing. A Deferred is allowed.

    Without this check, the coroutine would be awaited later, and its value would be sent, although nothing has compared
    this value with the annotation.
    """
    code = _code_of_annotated(call)
    if code is None or getattr(value, "cr_code", None) is code:  # the call itself
        return
    if not isinstance(value, CoroutineType) or value.cr_code.co_filename.startswith(PACKAGE):  # our own, after the call
        return
    name = describe(value)
    forget(value)
    what = f"{named(call)} returned the coroutine of {name}(...), which was not awaited."
    raise HandlerError("RW210", what, f"Write `return await {name.rpartition('.')[2]}(...)`.")


def _code_of_annotated(call: Any) -> CodeType | None:
    """The code of a coroutine function whose annotation says that it returns no awaitable; otherwise None."""
    function = unwrap(call)
    if not iscoroutinefunction(function):
        return None
    annotation = getattr(function, "__annotations__", {}).get("return", Any)
    if _MAY_WAIT.search(annotation if isinstance(annotation, str) else f"{annotation!r}"):
        return None
    code: CodeType | None = getattr(function, "__code__", None)
    return code


async def resolve(value: Any, call: Any) -> Any:
    """The value that a Deferred or coroutine finally resolves to. `call` is the function that returned it.

    Raises HandlerError: RW221 if too many are nested, and RW210 if an `await` is missing.
    """
    for _ in range(MOST_NESTED):
        if not must_wait(value):
            return value
        check_awaited(value, call)
        value = await value
    if must_wait(value):
        if isinstance(value, Deferred):
            value.addBoth(forget)
            value.cancel()
        else:
            forget(value)
        what = f"{named(call)} returned Deferreds or coroutines in one another, more than {MOST_NESTED} deep."
        raise HandlerError("RW221", what)
    return value
