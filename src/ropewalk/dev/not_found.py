"""The page of `ropewalk dev` for a path without a route: the routes that exist, the nearest first."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Final

from ropewalk.resource import Resource
from ropewalk.routing import walk

MOST_ROUTES: Final = 200


def routes_html(resource: Resource, method: str, path: str) -> str:
    """The routes of a tree as HTML, ordered by how near their path is to `path`."""
    rows = sorted({(each.path, each.method, each.name, each.place) for each in walk(resource)})
    near = sorted(rows, key=lambda row: -_nearness(row[0], path))
    lines = "".join(
        f"<tr><td><code>{escape(verb)}</code></td><td><code>{escape(pattern)}</code></td><td>{escape(name)}</td>"
        f"<td>{escape(place)}</td></tr>\n"
        for pattern, verb, name, place in near[:MOST_ROUTES]
    )
    more = f"<p>{len(rows) - MOST_ROUTES} more routes are left out.</p>\n" if len(rows) > MOST_ROUTES else ""
    table = f"<table>\n{lines}</table>\n" if rows else "<p>The app has no routes.</p>\n"
    return (
        f'<h1>404 Not Found</h1>\n<p class="message">No route matches {escape(method)} {escape(path)}.</p>\n'
        f'<section class="data"><h2>The routes, the nearest first</h2>\n{table}{more}</section>\n'
        '<p class="relation">This page is shown by <code>ropewalk dev</code> only.</p>\n'
    )


def _nearness(pattern: str, path: str) -> float:
    """How similar a pattern and a path are: 0 to 1, and more for equal segments at their beginning."""
    ours, theirs = _segments(pattern), _segments(path)
    equal = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other and not one.startswith("{"):
            break
        equal += 1
    return equal + SequenceMatcher(None, pattern[:200], path[:200]).ratio()


def _segments(path: str) -> Sequence[str]:
    return path.strip("/").split("/")
