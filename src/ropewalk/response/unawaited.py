"""Values that a handler has returned without awaiting them."""

from inspect import iscoroutine
from typing import Any


def forget(value: Any) -> None:
    """Close a coroutine that will not run, so that Python does not warn that it was never awaited."""
    if iscoroutine(value):
        value.close()
