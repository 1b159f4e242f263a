"""Find the handler for a method of a resource. GET's handler handles HEAD, too."""

from typing import TYPE_CHECKING

from ropewalk.charsets import is_utf_8
from ropewalk.resource.handler import Handler, added_middleware
from ropewalk.resource.rendering import rendering_of
from ropewalk.response import HTML

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource


def handler_of(resource: "Resource", method: str) -> Handler | None:
    """The handler for a method of a resource; None if there is none. GET's handler handles HEAD, too."""
    found = own_handler_of(resource, method)
    if found is None and resource.tree_kind.renders_all:
        return _rendering(resource, "render")
    return found


def own_handler_of(resource: "Resource", method: str) -> Handler | None:
    """The handler that the resource defines for this method, or for HEAD the handler of GET. None if there is none,
    even if the class defines `render`."""
    found = resource.tree_node.handlers.get(method)
    if found is not None:
        return found
    name = resource.tree_kind.renders.get(method)
    if name is not None:
        return _rendering(resource, name)
    return own_handler_of(resource, "GET") if method == "HEAD" else None


def _rendering(resource: "Resource", name: str) -> Handler:
    node = resource.tree_node
    handler = node.rendering.get(name)
    if handler is None:
        call = getattr(resource, name)
        kind = resource.content_type
        utf_8 = kind is HTML or is_utf_8(kind)
        whole_body, plan = rendering_of(call, name, kind)
        if plan is None:
            handler = Handler(
                call, whole_body, text_type=kind, bytes_type=kind, utf_8=utf_8, middleware=added_middleware(call)
            )
        else:
            plan = plan.bound_to(call)
            handler = Handler(
                plan.call,
                whole_body,
                text_type=kind,
                bytes_type=kind,
                utf_8=utf_8,
                body_limit=plan.body_limit,
                takes=frozenset(),
                user_code=call,
                plan=plan,
                resource=resource,
                middleware=added_middleware(call),
            )
        if node is not type(resource).tree_node:  # the class's node is shared, but `handler` is for this resource
            node.rendering[name] = handler
    return handler
