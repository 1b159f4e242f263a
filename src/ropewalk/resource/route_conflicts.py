"""The errors for a path that is claimed twice (RW104): by two handlers of the same method, or by two mounted
resources."""

from typing import TYPE_CHECKING

from ropewalk.errors import TreeError, place
from ropewalk.resource.handler import Handler

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource

Mount = tuple["Resource", str]
"""A mounted resource, and the file and line of the `mount` call."""


def claimed_by_two_handlers(method: str, path: str, former: Handler, handler: Handler) -> TreeError:
    """The error for a second handler with the same method and path."""
    places = f"{place(former.call)} and {place(handler.call)}"
    if former.path in ("", path):
        return TreeError("RW104", f"{method} {path} is registered twice: {places}.")
    return TreeError(
        "RW104", f"{method} {former.path} and {method} {path} are the same route, registered twice: {places}."
    )


def claimed_by_two_mounts(path: str, former: Mount, second: Mount) -> TreeError:
    """The error for a second resource that is mounted at the same path."""
    return TreeError("RW104", f"{path} is registered twice, by {_mounted(*former)} and {_mounted(*second)}.")


def _mounted(resource: "Resource", where: str) -> str:
    """The name of a mounted resource for messages. If the resource is the root of an App, this is the App's name."""
    app = resource.tree_node.app
    name = getattr(app, "layer_name", "") or type(resource if app is None else app).__qualname__
    return f"{name} (mounted at {where})"
