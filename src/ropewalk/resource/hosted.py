"""Resources that start and stop with the app that is served."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import full_name, is_int, shown
from ropewalk.resource.tree import Resource

BODY_LIMIT: Final = 100 << 20
"""The most bytes of a request's body to a hosted application, by default."""


class Hosted(Resource):
    """A resource that responds on all paths below its place, and starts and stops with the app above it.

    A subclass calls `__init__`, and adds functions without parameters, plain or async, as `App.on_start` takes them.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.start_hooks: list[Callable[[], Any]] = []
        """Called in order, after the app's own."""
        self.stopping_hooks: list[Callable[[], Any]] = []
        """Called when a stop begins, before the running requests are finished."""
        self.stop_hooks: list[Callable[[], Any]] = []
        """Called in reverse order, before the app's own."""

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait for calls that run after their responses, for at most `seconds` (None: a default), then cancel them.

        It is called when no request runs any more, before all stop hooks, for all hosted applications at once.
        """

    def cut_calls(self) -> None:
        """End the wait of `finish_calls` now: the operator does not want to wait."""


def hosted_below(resource: Resource) -> list[Hosted]:
    """Yield every Hosted at a resource and below, each once."""
    found: list[Hosted] = []
    _gather(resource, found, set())
    return found


def _gather(resource: Resource, found: list[Hosted], seen: set[int]) -> None:
    if id(resource) in seen:
        return
    seen.add(id(resource))
    if isinstance(resource, Hosted):
        found.append(resource)
    node = resource.tree_node
    for _, child in node.known_children():
        _gather(child, found, seen)
    if node.mounted is not None:
        _gather(node.mounted, found, seen)


def check_options(options: object, kind: type) -> None:
    """Raises TypeError for options that are not of the class that a hosted application takes."""
    if not isinstance(options, kind):
        given = f"{shown(options)}, of type {full_name(type(options))}"
        raise TypeError(f"The options of the application are {given}. Give them as {kind.__name__}(...).")


def check_body_limit(limit: object) -> None:
    """Raises ValueError unless the limit is a number of bytes or None."""
    if limit is not None and not (is_int(limit) and limit >= 0):
        raise ValueError(f"body_limit must be a number of bytes, or None for the engine's limit, got {shown(limit)}.")
