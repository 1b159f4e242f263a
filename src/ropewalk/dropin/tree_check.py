"""Finds apps and resources of Ropewalk that a program has put into a twisted.web tree without `graft` (RW758)."""

from collections.abc import Iterable
from typing import Any, Final

from ropewalk.app import App
from ropewalk.errors import TreeError, full_name, shown
from ropewalk.resource import Resource, is_twisted

_REQUIRED: Final = frozenset(("isLeaf", "getChildWithDefault", "render"))
"""Attributes of a resource that twisted.web reads, and that Ropewalk's resources may lack."""


def check_child(child: Any, where: str) -> None:
    """Raise TreeError (RW758) if a child is an App or a Ropewalk resource."""
    if is_ours(child):
        raise _error(child, where)


def check_tree(root: Any) -> None:
    """Raise TreeError (RW758) if the root of a twisted.web tree, or a child in `children`, belongs to Ropewalk."""
    seen = {id(root)}
    waiting = [(root, "")]
    while waiting:
        resource, path = waiting.pop()
        check_child(resource, f"at {path or '/'}")
        for name, child in _children(resource).items():
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append((child, f"{path}/{_text(name)}"))


def error_to_log(error: BaseException, root: Any, path: Iterable[bytes]) -> BaseException:
    """Return the error to log for a failed request: RW758 if the cause is an App or a Ropewalk resource on its path."""
    place = ""
    for name in path:
        if is_ours(root):
            break
        root = _children(root).get(name)
        place += f"/{_text(name)}"
    if is_ours(root):
        found = _error(root, f"at {place or '/'}")
    elif isinstance(error, AttributeError) and error.name in _REQUIRED and is_ours(error.obj):
        found = _error(error.obj, "made by a `getChild`")
    else:
        return error
    found.__cause__ = error
    return found


def is_ours(thing: Any) -> bool:
    """Whether an object is an App or a Ropewalk resource, and not also a twisted.web resource."""
    return isinstance(thing, App | Resource) and not is_twisted(thing)


def _children(resource: Any) -> dict[Any, Any]:
    children = getattr(resource, "children", None)
    return children if isinstance(children, dict) else {}


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else f"{name}"


def _error(thing: Any, where: str) -> TreeError:
    what = f"{shown(thing)}, of type {full_name(type(thing))}, is in a tree of twisted.web, {where}"
    return TreeError("RW758", f"{what}, where only resources of twisted.web can be.")
