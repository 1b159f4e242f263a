"""A function for tests that read a request within a handler."""

from typing import Any

from ropewalk import App, Request
from ropewalk.testing import Client


def read_in_handler(read: Any, path: str = "/", method: str = "GET", **options: Any) -> Any:
    """The result of `read(request)` for one request."""
    seen = []
    app = App()

    @app.route("/{rest:path}", [method])
    def handler(request: Request) -> None:
        seen.append(read(request))

    assert Client(app).request(method, path, **options).status == 204
    return seen[0]
