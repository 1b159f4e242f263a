"""`PageSource`: the interface of the object that makes the pages of an app. `ropewalk.templating.Templates`, in a
higher layer, implements it."""

from typing import Any

from ropewalk.errors import HTTPError, OptionError, full_name, shown
from ropewalk.request import Request


class PageSource:
    """The base class of objects that `App(templates=...)` takes."""

    def error_page(self, error: HTTPError, request: Request) -> str | None:
        """The HTML page for an error; None for the page of the app around, or the default one."""
        del error, request
        return None

    def check(self) -> None:
        """Find errors in the pages, as far as they can be found without a request. Raises HandlerError."""


def check_page_source(templates: Any) -> PageSource | None:
    """Raises HandlerError (RW291) for an object that makes no pages."""
    if templates is None or isinstance(templates, PageSource):
        return templates
    what = f"The templates of the app are {shown(templates)}, of type {full_name(type(templates))}."
    raise OptionError("RW291", what, 'Write `templates=Templates("templates")`, with Templates of ropewalk.templating.')


def apps_around(request: Request) -> tuple[Any, ...]:
    """The apps around the handler of a request, outermost first. Only the served app, if no other app affects the
    response."""
    handler = request.engine_handler
    return getattr(None if handler is None else handler.call, "ropewalk_apps", None) or (request.service.app,)
