"""Find out how to call a resource's `render_*` methods: once for each function, not for each resource."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from ropewalk.resource.handler import is_async

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource

Planner = Callable[[Callable[..., Any], str, str], Any]
"""A function that takes a bound method, its name and the `content_type` of its class, and returns its Plan or None."""


class Rendering(NamedTuple):
    """How to call one method of a resource class. This is the same for all resources of the class."""

    whole_body: bool
    """Whether the method is called when the whole body has arrived, instead of after the head."""
    plan: Any
    """The Plan of a typed method; None for any other method. It is compiled for one resource, and its `bound_to`
    makes a plan for another."""


_planners: Final[list[Planner]] = []
_known: Final[WeakKeyDictionary[Any, dict[tuple[str, str], Rendering]]] = WeakKeyDictionary()
"""The Renderings by function, and then by the method's name and the `content_type` of the class."""


def register_planner(planner: Planner) -> None:
    """Set the function that makes the Plans of typed methods. `ropewalk.typed`, a higher layer, calls this when it is
    imported."""
    _planners[:] = [planner]


def rendering_of(call: Callable[..., Any], name: str, content_type: str) -> Rendering:
    """How to call a bound method of a resource. Raises HandlerError for a wrong annotation."""
    function = getattr(call, "__func__", None)
    if function is None:  # not a bound method, so no other resource can use the result
        return _made(call, name, content_type)
    found = _known.setdefault(function, {})
    key = (name, content_type)
    if key not in found:
        found[key] = _made(call, name, content_type)
    return found[key]


def _made(call: Callable[..., Any], name: str, content_type: str) -> Rendering:
    plan = _planners[0](call, name, content_type) if _planners else None
    return Rendering(not is_async(call), None) if plan is None else Rendering(plan.whole_body, plan)


def check_renderings(resource: "Resource") -> None:
    """Raises HandlerError for a wrong annotation in the `render` methods of a resource's class."""
    for name in resource.tree_kind.renders.values():
        rendering_of(getattr(resource, name), name, resource.content_type)
    if resource.tree_kind.renders_all:
        rendering_of(resource.render, "render", resource.content_type)
