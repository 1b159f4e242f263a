"""List every handler of a resource tree, with the apps around it."""

from collections.abc import Iterator
from typing import Any

from ropewalk.methods import ANY
from ropewalk.resource.handler import Handler
from ropewalk.resource.method_lookup import handler_of
from ropewalk.resource.tree import Resource

Around = tuple[Any, ...]
"""The apps around a handler, outermost first."""


def handlers_below(root: Resource) -> Iterator[tuple[Handler, Around]]:
    """The handlers at a resource and below, each with the apps around it.

    A handler that is reached on several paths through the same apps is listed only once. Resources that `getChild`
    makes are not included. Raises HandlerError for a wrong annotation of a `render_*` function.
    """
    return _handlers(root, (), set())


def _handlers(resource: Resource, apps: Around, seen: set[tuple[int, ...]]) -> Iterator[tuple[Handler, Around]]:
    node = resource.tree_node
    if node.app is not None:
        apps = (*apps, node.app)
    key = (id(resource), *map(id, apps))
    if key in seen or len(set(apps)) < len(apps):  # an App is inside itself, so the listing would not end
        return
    seen.add(key)
    for handler in node.handlers.values():
        yield handler, apps
    kind = resource.tree_kind
    for method in (*kind.renders, *((ANY,) if kind.renders_all else ())):
        rendering = handler_of(resource, method)
        if rendering is not None:
            yield rendering, apps
    for _, child in node.known_children():
        yield from _handlers(child, apps, seen)
    if node.mounted is not None:
        yield from _handlers(node.mounted, apps, seen)
