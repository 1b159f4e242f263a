"""Resources that start and stop together with the app."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import OptionError, is_int, shown
from ropewalk.resource.tree import Resource

BODY_LIMIT: Final = 100 << 20
"""The default limit of request bodies to a hosted application, in bytes."""


class Hosted(Resource):
    """A resource that handles all paths below its own, and starts and stops together with the app that contains it.

    A subclass calls `__init__`, and appends functions to the lists of hooks. As for `App.on_start`, these functions
    take no parameters, and are plain or async.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.start_hooks: list[Callable[[], Any]] = []
        """Called in order, after the app's own start hooks."""
        self.stopping_hooks: list[Callable[[], Any]] = []
        """Called when the app begins to stop, while requests are still running."""
        self.stop_hooks: list[Callable[[], Any]] = []
        """Called in reverse order, before the app's own stop hooks."""

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait at most `seconds` (None: a default) for calls that continue after their responses. Then cancel the rest.

        This is called for all hosted applications at once, after the last request has ended and before the stop hooks.
        """

    def cut_calls(self) -> None:
        """End the wait of `finish_calls` now, because the operator has forced the stop."""


def hosted_below(resource: Resource) -> list[Hosted]:
    """List every Hosted resource at and below a resource, each once."""
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


def check_body_limit(owner: str, limit: object) -> None:
    """Raises HandlerError (RW271) unless the limit is a number of bytes or None."""
    if limit is not None and not (is_int(limit) and limit >= 0):
        remedy = "Give a number of bytes, 0 or more, or None for the engine's limit."
        raise OptionError("RW271", f"{owner} has the invalid value body_limit={shown(limit)}.", remedy)
