"""Find the pattern of the route that handled a request, for `request.route`, and the mounts around it, for
`request.url_for`.

`ropewalk.resource.Search` runs for every request, so it does not spend time on recording the pattern. The walk in this
module repeats the steps of the search, in the same order, and stops at the handler that was called. It does not call
`getChild` again, because the returned resource has no pattern.
"""

from collections.abc import Callable
from types import MethodType
from typing import Any

from ropewalk.converters import Converter
from ropewalk.resource import Handler, Resource, handler_of
from ropewalk.resource.search import MOST_STEPS
from ropewalk.routing.listing import written

Parts = tuple[str | Converter, ...]


def matched_route(
    resource: Resource, segments: list[str], index: int, method: str, called: Callable[..., Any]
) -> str | None:
    """The pattern, as it is written in the code, of the handler `called`. The walk begins at a resource and the segment
    `index`.

    None if the walk does not find the handler.
    """
    walk = _Walk(segments, method, called)
    found = walk.visit(resource, index, "", ())
    if found is None:
        found = walk.other
    return found if found is None else found or "/"


def mounts_on_the_way(
    resource: Resource, segments: list[str], index: int, method: str, called: Callable[..., Any]
) -> tuple[Resource, ...]:
    """The resources at which other resources are mounted, on the path to the handler `called`, outermost first."""
    walk = _Walk(segments, method, called)
    return walk.other_mounts if walk.visit(resource, index, "", ()) is None else tuple(walk.mounts)


class _Walk:
    """A walk along the path of a request."""

    __slots__ = ("_called", "_count", "_method", "_segments", "_steps", "mounts", "other", "other_mounts")

    def __init__(self, segments: list[str], method: str, called: Callable[..., Any]) -> None:
        self._called = called
        self._count = len(segments)
        self._method = method
        self._segments = segments
        self._steps = 0
        self.other: str | None = None
        """The pattern to use if the walk does not find the handler: the pattern of the path with its trailing slash
        added or removed, or of a resource with `getChild`."""
        self.mounts: list[Resource] = []
        """The resources visited on the way at which other resources are mounted."""
        self.other_mounts: tuple[Resource, ...] = ()
        """The value of `mounts` when `other` was set."""

    def visit(self, resource: Resource, index: int, path: str, parts: Parts) -> str | None:
        """The pattern of the handler, which is at a resource or below it; None if it is not found.

        `path` is the path to the nearest mount or the root of the tree, and `parts` the path from there to the
        resource.
        """
        node = resource.tree_node
        if node.app is not None:
            path, parts = written(path, parts), ()
        found = None
        if index == self._count:
            found = self._arrive(resource, path, parts)
            if found is None and "" in node.children:
                self._note(self._arrive(node.children[""], path, (*parts, "")))
        elif resource.isLeaf:
            found = self._arrive(resource, path, parts)
        elif self._steps < MOST_STEPS:
            self._steps += 1
            segment = self._segments[index]
            child = node.children.get(segment)
            if child is not None:
                found = self.visit(child, index + 1, path, (*parts, segment))
            if found is None and node.captures:
                found = self._capture(resource, index, path, parts)
            if found is None and resource.tree_kind.dynamic:
                self._note(f"{written(path, parts)}/{{...}}")
            if found is None and not segment and index + 1 == self._count:
                arrived = self._arrive(resource, path, parts)
                if index == 0:
                    found = arrived
                else:
                    self._note(arrived)
        if found is None and node.mounted is not None:
            below = path + node.mount_path if node.mount_path else written(path, parts)
            self.mounts.append(resource)
            found = self.visit(node.mounted, index, below, ())
            if found is None:
                self.mounts.pop()
        return found

    def _capture(self, resource: Resource, index: int, path: str, parts: Parts) -> str | None:
        segment = self._segments[index]
        for capture in resource.tree_node.captures:
            converter = capture.converter
            after = self._count if converter.rest else index + 1
            if "/" in segment and not converter.rest:
                continue
            try:
                converter.parse("/".join(self._segments[index:after]))
            except ValueError:
                continue
            found = self.visit(capture.child, after, path, (*parts, converter))
            if found is not None:
                return found
        return None

    def _arrive(self, resource: Resource, path: str, parts: Parts) -> str | None:
        own = resource.tree_node.handlers
        handler = own.get(self._method) or handler_of(resource, self._method)
        if handler is None or not _calls(self._called, handler):
            return None
        if handler in own.values():
            return path + handler.path
        here = written(path, parts, handler.names)
        return f"{here}/{{...}}" if resource.isLeaf or resource.tree_kind.dynamic else here

    def _note(self, pattern: str | None) -> None:
        if self.other is None and pattern is not None:
            self.other, self.other_mounts = pattern, tuple(self.mounts)


def _calls(called: Any, handler: Handler) -> bool:
    """Whether a function is the handler's function, or wraps it, for example in middleware."""
    wanted = (handler.call, handler.call_in_middleware, handler.user_code)
    while called is not None:
        if called in wanted if isinstance(called, MethodType) else any(called is each for each in wanted):
            return True
        called = getattr(called, "__wrapped__", None)
    return False
