"""Shows a tree of resources as a table of routes."""

from collections.abc import Iterable
from itertools import groupby

from rich.text import Text

from ropewalk.cli.columns import columns
from ropewalk.resource import as_resource
from ropewalk.routing import Route, walk

Row = tuple[str, str, str, str]


def route_rows(servable: object) -> list[Row]:
    """The routes of an App, a Resource or a Site, ordered by path. A row has methods, path, handler and place."""
    routes = sorted(walk(as_resource(servable)), key=lambda route: (route.path, route.place, route.name, route.method))
    return [(_methods(group), *key) for key, group in groupby(routes, key=_all_but_method)]


def route_table(lines: list[Row]) -> Text:
    """The rows in aligned columns."""
    return columns(lines, ("cyan", "", "", "dim"))


def _all_but_method(route: Route) -> tuple[str, str, str]:
    return route.path, route.name.rpartition("<locals>.")[2], route.place


def _methods(routes: Iterable[Route]) -> str:
    return ",".join(route.method for route in routes)
