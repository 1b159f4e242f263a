"""The search for the handler of one request."""

from typing import Any, Final, NamedTuple

from ropewalk.request import Request
from ropewalk.resource.allowed_methods import methods_of
from ropewalk.resource.handler import Handler
from ropewalk.resource.method_lookup import handler_of
from ropewalk.resource.tree import Node, Resource, as_resource

MOST_STEPS: Final = 200
"""The maximum number of segments that one search looks up, counting all branches. Only a search in a tree that contains
itself reaches this limit."""


class Found(NamedTuple):
    """A handler, and how the search found it."""

    handler: Handler
    params: dict[str, Any]
    apps: tuple[Any, ...]
    """The Apps on the path, outermost first."""
    static: bool
    """Whether this handler handles every request with this path and method."""
    lasting: bool
    """Whether the resource belongs to the tree. False if it was made for this request."""


class Search:
    """A search for a handler in one resource tree. `visit` returns the handler; the attributes have the other
    results."""

    __slots__ = (
        "_bound",
        "_count",
        "_method",
        "_request",
        "_segments",
        "_steps",
        "_values",
        "allowed",
        "apps",
        "lasting",
        "params",
        "slash",
        "static",
    )

    def __init__(self, request: Request, segments: list[str], method: str | None = None) -> None:
        """Prepare a search. `method` is the method of the wanted handler; None for the method of the request."""
        self._request = request
        self._method = request.method if method is None else method
        self._segments = segments
        self._count = len(segments)
        self._steps = 0
        self._bound: dict[str, Any] = {}
        """The parameters in the paths of the mounts visited so far, by name."""
        self._values: tuple[Any, ...] = ()
        """The values captured since the last mount that was visited."""
        self.params: dict[str, Any] = {}
        self.apps: tuple[Any, ...] = ()
        """The Apps on the path to the handler. If there is no handler, the Apps down to the innermost App that was
        reached."""
        self.static = True
        self.lasting = True
        """`params`, `apps`, `static` and `lasting` have the meaning of the attributes of `Found`."""
        self.allowed: set[str] | None = None
        """The methods that the path allows, if it has no handler for the wanted method; None if no resource has this
        path."""
        self.slash: Found | None = None
        """The handler for the path with its trailing slash added or removed; None if there is none."""

    def visit(
        self, resource: Resource, index: int = 0, apps: tuple[Any, ...] = (), static: bool = True, lasting: bool = True
    ) -> Handler | None:
        """Find the handler for the segments from `index` on, at a resource or below it. None if there is none."""
        node = resource.tree_node
        if node.app is not None:
            apps = (*apps, node.app)
            if len(apps) > len(self.apps):
                self.apps = apps
        handler = None
        if index == self._count:
            handler = self._arrive(resource, apps, static, lasting)
            if handler is None and "" in node.children:
                self._note_slash(node.children[""], apps, static, lasting)
        elif resource.isLeaf:
            self._request.set_paths(self._segments[:index], self._segments[index:])
            handler = self._arrive(resource, apps, False, lasting)
        elif self._steps < MOST_STEPS:
            self._steps += 1
            segment = self._segments[index]
            child = node.children.get(segment)
            if child is not None:
                handler = self.visit(child, index + 1, apps, static, lasting)
            if handler is None and node.captures:
                handler = self._capture(node, index, apps, lasting)
            if handler is None and resource.tree_kind.dynamic:
                handler = self._visit_dynamic(resource, index, apps)
            if handler is None and not segment and index + 1 == self._count:
                if index == 0:
                    handler = self._arrive(resource, apps, static, lasting)
                else:
                    self._note_slash(resource, apps, static, lasting)
        if handler is None and node.mounted is not None:
            return self._visit_mounted(node, node.mounted, index, apps, static, lasting)
        return handler

    def _visit_mounted(
        self, node: Node, mounted: Resource, index: int, apps: tuple[Any, ...], static: bool, lasting: bool
    ) -> Handler | None:
        """Visit a mounted resource. The parameters in the path of the mount get the values captured before it."""
        bound, values = self._bound, self._values
        if values:
            self._bound = {**bound, **dict(zip(node.mount_names, values, strict=False))}
            self._values = ()
        handler = self.visit(mounted, index, apps, static, lasting)
        self._bound, self._values = bound, values
        return handler

    def _params(self, handler: Handler) -> dict[str, Any]:
        """All path parameters by name: the parameters in the handler's own path, and in the paths of the mounts around
        it."""
        if not self._values:
            return self._bound
        return {**self._bound, **dict(zip(handler.names, self._values, strict=False))}

    def _capture(self, node: Node, index: int, apps: tuple[Any, ...], lasting: bool) -> Handler | None:
        segment = self._segments[index]
        above = self._values
        for capture in node.captures:
            converter = capture.converter
            try:
                if converter.rest:
                    after, value = self._count, converter.parse("/".join(self._segments[index:]))
                elif "/" in segment:  # an encoded slash could let a client escape from the folder that a handler serves
                    continue
                else:
                    after, value = index + 1, converter.parse(segment)
            except ValueError:
                continue
            self._values = (*above, value)
            handler = self.visit(capture.child, after, apps, False, lasting)
            self._values = above
            if handler is not None:
                return handler
        return None

    def _visit_dynamic(self, resource: Resource, index: int, apps: tuple[Any, ...]) -> Handler | None:
        self._request.set_paths(self._segments[: index + 1], self._segments[index + 1 :])
        child = resource.getChild(self._segments[index], self._request)
        return None if child is None else self.visit(as_resource(child), index + 1, apps, False, False)

    def _arrive(self, resource: Resource, apps: tuple[Any, ...], static: bool, lasting: bool) -> Handler | None:
        handler = resource.tree_node.handlers.get(self._method) or handler_of(resource, self._method)
        if handler is not None:
            self.params = self._params(handler) if self._values else self._bound
            self.apps = apps
            self.static = static
            self.lasting = lasting
        elif self.allowed is None:
            self.allowed = set(methods_of(resource))
        else:
            self.allowed.update(methods_of(resource))
        return handler

    def _note_slash(self, resource: Resource, apps: tuple[Any, ...], static: bool, lasting: bool) -> None:
        handler = handler_of(resource, self._method)
        if handler is not None and self.slash is None:
            self.slash = Found(handler, self._params(handler), apps, static, lasting)
