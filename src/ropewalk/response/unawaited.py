"""Values that a handler has returned without awaiting them."""

from typing import Any

from ropewalk.awaited_truth import is_coroutine


def forget(value: Any) -> None:
    """Close a coroutine that will not run, so that Python does not warn that it was never awaited."""
    if is_coroutine(value):
        value.close()
