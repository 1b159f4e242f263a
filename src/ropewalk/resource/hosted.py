"""Resources that begin and end with the app that is served."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import full_name, is_int, shown
from ropewalk.resource.tree import Resource

BODY_LIMIT: Final = 100 << 20
"""Bytes that the body of a request to a hosted application may have, where its options say nothing else."""


class Hosted(Resource):
    """What answers for all paths below its place, and starts and stops with the app, wherever it hangs in the tree.

    A subclass calls `__init__`, and adds functions without parameters, plain or async, as `App.on_start` takes them.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.start_hooks: list[Callable[[], Any]] = []
        """Called in order, behind the app's own."""
        self.stopping_hooks: list[Callable[[], Any]] = []
        """Called when a stop begins, before what runs is finished."""
        self.stop_hooks: list[Callable[[], Any]] = []
        """Called before the app's own, the last first."""

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait for calls that run after their responses, at most so long, then cut them as far as that can be done.

        It is called when no request runs any more, before all stop hooks, for everything hosted at the same time. None
        stands for a default.
        """

    def cut_calls(self) -> None:
        """End the wait of `finish_calls` now: the operator does not want to wait."""


def hosted_below(resource: Resource) -> list[Hosted]:
    """Every Hosted at a resource and below, each once."""
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
    """Raises TypeError for options that are of another kind than a hosted application takes."""
    if not isinstance(options, kind):
        given = f"{shown(options)}, of type {full_name(type(options))}"
        raise TypeError(f"The options of the application are {given}. Give them as {kind.__name__}(...).")


def check_body_limit(limit: object) -> None:
    """Raises ValueError for what is neither a number of bytes nor None."""
    if limit is not None and not (is_int(limit) and limit >= 0):
        raise ValueError(f"The body_limit is a number of bytes, or None for the engine's limit, not {shown(limit)}.")
