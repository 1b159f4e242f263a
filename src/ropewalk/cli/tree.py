"""A tree of resources as a table: what answers what, and where it is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

import ropewalk
from ropewalk.cli.columns import columns
from ropewalk.errors import describe, place
from ropewalk.resource import Handler, Resource, as_resource

OURS = str(Path(ropewalk.__file__).parent)


@dataclass(frozen=True, slots=True)
class Row:
    """One handler at one place."""

    methods: tuple[str, ...]
    """Those that it answers; `*` for any. HEAD and OPTIONS only where somebody wrote them."""
    path: str
    """A pattern; `*` at its end stands for everything below."""
    handler: str
    """The qualified name."""
    place: str
    """The file and line, empty for what comes with Ropewalk."""


def walk(servable: object) -> list[Row]:
    """The rows of an App, a Resource or a Site, in the order in which a request would try them."""
    return list(_visit(as_resource(servable), "", ()))


def table(rows: Iterable[Row]) -> Text:
    """The rows, aligned."""
    return columns(((",".join(row.methods), row.path, row.handler, row.place) for row in rows), ("cyan", "", "", "dim"))


def _visit(node: Resource, path: str, above: tuple[Resource, ...]) -> Iterator[Row]:
    if node in above:
        return
    for handler, methods in _handlers(node).items():
        below = "/*" if node.isLeaf else ""
        yield Row(methods, f"{path}{below}" or "/", describe(handler.call), _place(handler))
    for name, child in node.children():
        yield from _visit(child, f"{path}/{name}", (*above, node))
    if type(node).getChild is not Resource.getChild:
        make = node.getChild
        yield Row(("*",), f"{path}/*", describe(make), place(make))
    if node.mounted is not None:
        yield from _visit(node.mounted, path, (*above, node))


def _handlers(node: Resource) -> dict[Handler, tuple[str, ...]]:
    """Each handler with its methods. One that was not written for HEAD or OPTIONS does not show there."""
    found: dict[Handler, tuple[str, ...]] = {}
    for method in node.methods():
        handler = node.handler(method)
        if handler is None or (method == "HEAD" and handler is node.handler("GET")):
            continue
        found[handler] = (*found.get(handler, ()), method)
    return found


def _place(handler: Handler) -> str:
    code = getattr(handler.call, "__code__", None)
    return "" if code is not None and code.co_filename.startswith(OURS) else place(handler.call)
