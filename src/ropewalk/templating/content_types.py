"""The Content-Type of a page, by the name of its template."""

from functools import lru_cache
from typing import Final

from ropewalk.response import HTML, file_type

TEMPLATE_ENDINGS: Final = (".jinja", ".jinja2", ".j2")
"""Endings that say only that a file is a template, not what it makes: `page.html.j2` makes HTML."""


def content_name(name: str) -> str:
    """The name of a template without an ending that only says that it is a template."""
    for ending in TEMPLATE_ENDINGS:
        name = name.removesuffix(ending)
    return name


@lru_cache(maxsize=512)
def content_type(name: str) -> str:
    """The Content-Type of what a template makes, by the ending of its name. HTML for a name without an ending."""
    name = content_name(name)
    if name.endswith((".html", ".htm")) or "." not in name.rpartition("/")[2]:
        return HTML
    return file_type(name)
