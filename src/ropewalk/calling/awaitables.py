"""Resolves Deferreds and coroutines that handlers return, which may again resolve to a Deferred or coroutine."""

from typing import Any, Final

from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, named
from ropewalk.response import forget
from ropewalk.waiting import must_wait

MOST_NESTED: Final = 100
"""How many Deferreds and coroutines may be nested. Few applications nest three; more than 100 are an endless loop."""


async def resolve(value: Any, call: Any) -> Any:
    """The value that a Deferred or coroutine finally resolves to. `call` is the function that returned it.

    Raises HandlerError (RW221) if too many are nested.
    """
    for _ in range(MOST_NESTED):
        if not must_wait(value):
            return value
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
