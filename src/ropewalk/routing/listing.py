"""The routes of a tree, for `ropewalk routes` and `App.routes`."""

from collections.abc import Iterator
from dataclasses import dataclass

from ropewalk.converters import Converter
from ropewalk.errors import describe, place
from ropewalk.resource import Resource, handler_of, methods_of
from ropewalk.resource.tree import own_handler_of


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an app, for listings."""

    method: str
    """`*` if the resource takes any method."""
    path: str
    """The whole path, with the parameters as they were declared."""
    name: str
    """The name of its handler."""
    place: str
    """The file and line of its handler."""


def walk(
    resource: Resource, path: str = "", above: frozenset[int] = frozenset(), segments: tuple[str | Converter, ...] = ()
) -> Iterator[Route]:
    """The routes at a resource and below.

    `path` leads to the root of the routes that are walked, and `segments` from there to the resource. `above` are the
    ids of the resources on the path.
    """
    if id(resource) in above:
        return
    above |= {id(resource)}
    dynamic = resource.tree_kind.dynamic and not resource.isLeaf
    exact = getattr(resource, "exact_methods", None)
    kind = resource.tree_kind
    any_method = kind.renders_all and exact is None and not hasattr(resource, "allowedMethods")
    if any_method:  # and those that have handlers of their own
        methods = ["*", *(method for method in methods_of(resource) if own_handler_of(resource, method) is not None)]
    else:
        methods = methods_of(resource)
    for method in methods:
        handler = handler_of(resource, method)
        of_get = method == "HEAD" and handler is handler_of(resource, "GET")
        if handler is not None and not (of_get and exact is None):
            here = _written(path, segments, handler.names)
            below = f"{here}/{{...}}" if resource.isLeaf or dynamic else here
            yield Route(method, below or "/", describe(handler.call), place(handler.call))
    if dynamic:
        yield Route("*", f"{_written(path, segments)}/{{...}}", describe(resource.getChild), place(resource.getChild))
    node = resource.tree_node
    for part, child in node.known_children():
        yield from walk(child, path, above, (*segments, part))
    if node.mounted is not None:
        yield from walk(node.mounted, _written(path, segments, node.mount_names), above)


def _written(path: str, segments: tuple[str | Converter, ...], names: tuple[str, ...] = ()) -> str:
    """A path with the parameters of a handler or a mount, as `{name:converter}`."""
    left = iter(names)
    for part in segments:
        if isinstance(part, Converter):
            name = next(left, "")
            part = f"{{{name}}}" if part.name == "str" and name else f"{{{name}:{part.name}}}"
        path = f"{path}/{part}"
    return path
