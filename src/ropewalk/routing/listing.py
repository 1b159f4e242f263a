"""List the routes of a resource tree, for `ropewalk routes`, `App.routes` and the OpenAPI document."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ropewalk.converters import Converter
from ropewalk.errors import describe, place
from ropewalk.resource import Handler, Resource, handler_of, methods_of, own_handler_of
from ropewalk.routing.patterns import Parameter, Pattern


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an app, for listings."""

    method: str
    """The HTTP method; `*` if the resource handles any method."""
    path: str
    """The whole path, with the parameters as they are declared."""
    name: str
    """The name of the route's handler."""
    place: str
    """The file and line of the route's handler."""


@dataclass(frozen=True, slots=True)
class Served:
    """One HTTP method that a resource serves, and its handler."""

    method: str
    """The HTTP method; `*` if the resource handles any method."""
    path: Pattern
    """The path from the root of the tree. A parameter that no handler or mount names has the name ""."""
    call: Callable[..., Any]
    handler: Handler | None
    """The handler; None if `call` is the `getChild` of a resource."""
    below: bool
    """Whether the resource handles every path below its own, too."""
    apps: tuple[Any, ...]
    """The Apps on the path to the resource, outermost first."""
    tags: tuple[str, ...] = ()
    """The OpenAPI tags of the apps, the routes and the mounts on the path to the resource."""
    hidden: bool = False
    """Whether a mount on the path to the resource is hidden from the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Around:
    """Settings of the apps and mounts on a path, which apply to every handler below."""

    apps: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    hidden: bool = False


def walk(resource: Resource) -> Iterator[Route]:
    """Yield the routes at a resource and below."""
    for each in walk_handlers(resource):
        path = "".join(f"/{_written(part)}" for part in each.path)
        below = f"{path}/{{...}}" if each.below else path
        yield Route(each.method, below or "/", describe(each.call), place(each.call))


def walk_handlers(
    resource: Resource,
    path: Pattern = (),
    above: frozenset[int] = frozenset(),
    segments: tuple[str | Converter, ...] = (),
    around: Around = Around(),
) -> Iterator[Served]:
    """Yield each method and its handler, at a resource and below.

    `path` is the path to the nearest mount or the root of the tree, and `segments` the path from there to the resource.
    `above` has the ids of the resources on the way to this resource, so that the walk ends if a tree contains itself.
    """
    if id(resource) in above:
        return
    above |= {id(resource)}
    node = resource.tree_node
    if node.app is not None or node.tags:
        apps = around.apps if node.app is None else (*around.apps, node.app)
        around = replace(around, apps=apps, tags=(*around.tags, *node.tags))
    above_all = (around.apps, around.tags, around.hidden)
    dynamic = resource.tree_kind.dynamic and not resource.isLeaf
    exact = getattr(resource, "exact_methods", None)
    kind = resource.tree_kind
    any_method = kind.renders_all and exact is None and not hasattr(resource, "allowedMethods")
    if any_method:  # `*`, and the methods that have their own handlers
        methods = ["*", *(method for method in methods_of(resource) if own_handler_of(resource, method) is not None)]
    else:
        methods = methods_of(resource)
    for method in methods:
        handler = handler_of(resource, method)
        of_get = method == "HEAD" and handler is handler_of(resource, "GET")
        if handler is not None and not (of_get and exact is None):
            here = (*path, *_named(segments, handler.names))
            yield Served(method, here, handler.call, handler, resource.isLeaf or dynamic, *above_all)
    if dynamic:
        yield Served("*", (*path, *_named(segments)), resource.getChild, None, True, *above_all)
    for part, child in node.known_children():
        yield from walk_handlers(child, path, above, (*segments, part), around)
    if node.mounted is not None:
        below = (*path, *_named(segments, node.mount_names))
        inside = replace(around, tags=(*around.tags, *node.mount_tags), hidden=around.hidden or node.mount_hidden)
        yield from walk_handlers(node.mounted, below, above, (), inside)


def _named(segments: tuple[str | Converter, ...], names: tuple[str, ...] = ()) -> Iterator[str | Parameter]:
    """Yield the segments of a path, with each converter replaced by a Parameter that has the name from a handler or a
    mount."""
    left = iter(names)
    for part in segments:
        yield Parameter(next(left, ""), part) if isinstance(part, Converter) else part


def written(path: str, segments: tuple[str | Converter, ...], names: tuple[str, ...] = ()) -> str:
    """Append segments to a path. A parameter becomes `{name:converter}`, with the name from a handler or a mount."""
    return path + "".join(f"/{_written(part)}" for part in _named(segments, names))


def _written(part: str | Parameter) -> str:
    """A segment as it is written in a route's path: a parameter is `{name:converter}`."""
    if isinstance(part, str):
        return part
    kind = part.converter.name
    return f"{{{part.name}}}" if kind == "str" and part.name else f"{{{part.name}:{kind}}}"
