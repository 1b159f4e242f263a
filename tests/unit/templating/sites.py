"""Apps with templates, for the tests of this folder."""

from typing import Any

from jinja2 import DictLoader

from ropewalk import App, Request
from ropewalk.templating import Templates, TemplatesOptions, render
from ropewalk.testing import Client

DEFAULT = TemplatesOptions()


def templates(options: TemplatesOptions = DEFAULT, /, **pages: str) -> Templates:
    """Templates by name, without their ending `.html`."""
    return Templates(DictLoader({f"{name}.html": text for name, text in pages.items()}), options)


def site(given: Templates, *, middleware: Any = (), raise_errors: bool = True, debug: bool = False) -> Client:
    """An app whose path `/name` renders the template `name.html` with the variables of the query."""
    app = App(templates=given, middleware=middleware, debug=debug)

    @app.get("/{name}", name="page")
    def page(request: Request, name: str) -> Any:
        return render(f"{name}.html", context=dict(request.query))

    return Client(app, raise_errors=raise_errors)
