"""Values that a handler has returned without awaiting them."""

from typing import Any

from ropewalk.awaited_truth import is_coroutine
from ropewalk.errors import HandlerError, describe


def not_awaited(value: Any, form: str) -> HandlerError:
    """The error (RW210) for a Deferred or another awaitable in a value that is sent as `form`, such as JSON."""
    forget(value)
    if is_coroutine(value):
        name = describe(value)
        what = f"The coroutine of {name}(...) cannot be encoded as {form}: it was not awaited."
        return HandlerError("RW210", what, f"Write `await {name.rpartition('.')[2]}(...)`.")
    what = f"A {type(value).__qualname__} cannot be encoded as {form}: it was not awaited."
    return HandlerError("RW210", what, "Write `await` in front of the call that returned it.")


def forget(value: Any) -> None:
    """Close a coroutine that will not run, so that Python does not warn that it was never awaited."""
    if is_coroutine(value):
        value.close()
