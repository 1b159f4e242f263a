"""`Templates`: the templates of an app."""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from ropewalk.calling import PageSource
from ropewalk.errors import HTTPError, check_options, phrase
from ropewalk.headers import Fields
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.templating.environment import make_environment
from ropewalk.templating.error_pages import ErrorPageNames
from ropewalk.templating.htmx import is_htmx, vary_by_htmx
from ropewalk.templating.options import TemplatesOptions
from ropewalk.templating.rendering import Rendering
from ropewalk.templating.responses import TemplateResponse, render

if TYPE_CHECKING:
    from jinja2 import Environment


class Templates(PageSource):
    """The templates of an app: `app = App(templates=Templates(Path(__file__).parent / "templates"))`.

    `folders` is a folder, a list of folders that are searched in order, or a loader of Jinja. Values are escaped, and
    undefined names are errors. Templates have `request`, and the functions `url_for`, `static_url`, `csp_nonce`,
    `csrf_field`, `csrf_token` and `flashes`. A mounted app without templates uses those of the app around it.

    Raises HandlerError: RW290 if Jinja is not installed, RW291 for a missing folder or a wrong option.
    """

    def __init__(self, folders: Any, options: TemplatesOptions = TemplatesOptions()) -> None:  # noqa: B008 - frozen
        check_options(options, TemplatesOptions, "RW291")
        self.options = options
        self.environment: Environment = make_environment(folders, options)
        """The environment of Jinja, for settings that the options do not have."""
        self._plain: Environment = (
            self.environment.overlay(enable_async=False) if options.enable_async else self.environment
        )
        """The environment for `render`, `text` and error pages, which are rendered without awaiting."""
        self._error_pages = ErrorPageNames(options.error_pages)

    def render(
        self,
        request: Request,
        name: str,
        /,
        *,
        status: int | None = None,
        headers: Fields = (),
        block: str | None = None,
        fragment: str | None = None,
        context: Mapping[str, Any] | None = None,
        **variables: Any,
    ) -> Response:
        """Render a page now, and return its response. The arguments are those of `ropewalk.templating.render`.

        Raises TemplateError: RW292 for a missing template or block, RW293 for an undefined name, RW294 for a syntax
        error, and RW295 if a function needs what the app does not have.
        """
        page = render(
            name, status=status, headers=headers, block=block, fragment=fragment, context=context, **variables
        )
        return page.with_body(self._rendering(page, request, self._plain).text())

    def text(self, name: str, /, *, request: Request | None = None, **variables: Any) -> str:
        """Render a template to a str, for example the text of an email. Raises TemplateError as `render`."""
        names = variables if request is None else self._names(variables, request)
        return Rendering(self._plain, name, names, request).text()

    def error_page(self, error: HTTPError, request: Request) -> str | None:
        """The page for an error, if there is a template for its status.

        It gets `status`, `title` (the reason phrase), `detail` (None if it equals the title or is not a str), and
        `error`.
        """
        self._reload(request)
        name = self._error_pages.name_for(error.status, self._plain)
        if name is None:
            return None
        title = phrase(error.status)
        detail = error.detail if isinstance(error.detail, str) and error.detail != title else None
        values = {"error": error, "status": error.status, "title": title, "detail": detail}
        return Rendering(self._plain, name, self._names(values, request), request).text()

    def check(self) -> None:
        """Compile all templates, to find syntax errors, for example in a test. Raises TemplateError (RW294)."""
        for name in self.environment.list_templates():
            Rendering(self._plain, name, {}).compile()

    # Called by TemplateResponse

    def make(self, page: TemplateResponse, request: Request) -> Response | Awaitable[Response]:
        """The response for a page that a handler has returned."""
        rendering = self._rendering(page, request, self.environment)
        asynchronous = self.options.enable_async
        if page.stream:
            return page.with_body(rendering.async_parts() if asynchronous else rendering.parts())
        return _whole(page, rendering) if asynchronous else page.with_body(rendering.text())

    def _rendering(self, page: TemplateResponse, request: Request, environment: "Environment") -> Rendering:
        self._reload(request)
        block = page.block
        if page.fragment is not None:
            vary_by_htmx(page.headers)
            if is_htmx(request):
                block = page.fragment
        return Rendering(environment, page.name, self._names(page.variables, request), request, block)

    def _names(self, variables: Mapping[str, Any], request: Request) -> dict[str, Any]:
        added = self.options.context
        if added is None:
            return {"request": request, **variables}
        return {"request": request, **added(request), **variables}

    def _reload(self, request: Request) -> None:
        if self.options.reload is None:
            self.environment.auto_reload = self._plain.auto_reload = reloads(request.service.app)


def reloads(app: Any) -> bool:
    """Whether changed templates are read again by default: with `App(debug=True)` and under `ropewalk dev`."""
    return app.debug or app.developer is not None


async def _whole(page: TemplateResponse, rendering: Rendering) -> Response:
    return page.with_body(await rendering.async_text())
