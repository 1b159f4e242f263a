"""How a `render_*` function of a resource is called: once for each function of a class, and not for each resource."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from ropewalk.resource.handler import is_async

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource

Planner = Callable[[Callable[..., Any], str, str], Any]
"""Takes a bound function, its name and the Content-Type of its class. Returns its Plan, or None."""


class Rendering(NamedTuple):
    """What all resources of a class have in common for one of its functions."""

    whole_body: bool
    """Whether it is called when the body has arrived, rather than at the head."""
    plan: Any
    """The Plan of a typed function, compiled for one resource; None for any other function."""


_planners: Final[list[Planner]] = []
_known: Final[WeakKeyDictionary[Any, dict[tuple[str, str], Rendering]]] = WeakKeyDictionary()
"""By function; then by its name, and the Content-Type of its class."""


def register_planner(planner: Planner) -> None:
    """Have typed functions planned. `ropewalk.typed`, a layer above, calls this when it is imported."""
    _planners[:] = [planner]


def rendering_of(call: Callable[..., Any], name: str, content_type: str) -> Rendering:
    """How a bound function is called. Raises HandlerError for a wrong annotation."""
    function = getattr(call, "__func__", None)
    if function is None:  # set on one resource
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
    """Raises HandlerError for a wrong annotation of the functions that a resource's class defines."""
    for name in resource.tree_kind.renders.values():
        rendering_of(getattr(resource, name), name, resource.content_type)
    if resource.tree_kind.renders_all:
        rendering_of(resource.render, "render", resource.content_type)
