"""Which template is the page for an error."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ropewalk.templating.content_types import TEMPLATE_ENDINGS
from ropewalk.templating.options import ErrorPages

if TYPE_CHECKING:
    from jinja2 import Environment


class ErrorPageNames:
    """Finds the templates for errors, and remembers them unless templates are reloaded."""

    def __init__(self, pages: ErrorPages) -> None:
        self._pages = pages
        self._found: dict[int, str | None] = {}

    def name_for(self, status: int, environment: "Environment") -> str | None:
        """The name of the template for a status; None if there is none."""
        pages = self._pages
        if pages is None or not isinstance(pages, str):
            return None if pages is None else pages.get(status)
        if status not in self._found or environment.auto_reload:
            self._found[status] = next((name for name in _names(pages, status) if _exists(name, environment)), None)
        return self._found[status]


def _names(folder: str, status: int) -> Iterator[str]:
    for stem in (str(status), f"{status // 100}xx"):
        for ending in ("", *TEMPLATE_ENDINGS):
            yield f"{folder}/{stem}.html{ending}" if folder else f"{stem}.html{ending}"


def _exists(name: str, environment: "Environment") -> bool:
    from jinja2 import TemplateNotFound

    assert environment.loader is not None
    try:
        environment.loader.get_source(environment, name)
    except TemplateNotFound:
        return False
    return True
