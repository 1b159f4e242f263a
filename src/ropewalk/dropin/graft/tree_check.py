"""Apps and resources of ours that a program has put into a tree of twisted.web without `graft` (RW758)."""

from collections.abc import Iterable
from typing import Any, Final

from ropewalk.app import App
from ropewalk.errors import TreeError, full_name, shown
from ropewalk.resource import Resource, is_twisted

_ASKED: Final = frozenset(("isLeaf", "getChildWithDefault", "render"))
"""What twisted.web asks of a resource, and ours may not have."""


def check_child(child: Any, where: str) -> None:
    """Raises TreeError (RW758) for what is ours."""
    if is_ours(child):
        raise _error(child, where)


def check_tree(root: Any) -> None:
    """Raises TreeError (RW758) where something of ours is the root of a tree of twisted.web, or a static child."""
    seen = {id(root)}
    waiting = [(root, "")]
    while waiting:
        resource, path = waiting.pop()
        check_child(resource, f"at {path or '/'}")
        for name, child in _children(resource).items():
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append((child, f"{path}/{_text(name)}"))


def explained(error: BaseException, root: Any, path: Iterable[bytes]) -> BaseException:
    """What to log for a request that failed: RW758 in place of an error that comes of something of ours on its path."""
    way = ""
    for name in path:
        if is_ours(root):
            break
        root = _children(root).get(name)
        way += f"/{_text(name)}"
    if is_ours(root):
        told = _error(root, f"at {way or '/'}")
    elif isinstance(error, AttributeError) and error.name in _ASKED and is_ours(error.obj):
        told = _error(error.obj, "made by a `getChild`")
    else:
        return error
    told.__cause__ = error
    return told


def is_ours(thing: Any) -> bool:
    """Whether this is an App or a resource of ours, and not of twisted.web too."""
    return isinstance(thing, App | Resource) and not is_twisted(thing)


def _children(resource: Any) -> dict[Any, Any]:
    children = getattr(resource, "children", None)
    return children if isinstance(children, dict) else {}


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else f"{name}"


def _error(thing: Any, where: str) -> TreeError:
    what = f"{shown(thing)}, of type {full_name(type(thing))}, is in a tree of twisted.web, {where}"
    return TreeError("RW758", f"{what}, where only resources of twisted.web can be.")
