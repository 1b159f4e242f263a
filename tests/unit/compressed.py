"""Responses that an app has compressed, for tests."""

from typing import Any

from ropewalk import App
from ropewalk.testing import Client, ClientResponse

TEXT = "".join(f"line {number}\n" for number in range(1000))
GZIP = {"accept-encoding": "gzip"}


def served(value: Any, /, *, accepts: str = "gzip", app: App | None = None, **options: Any) -> ClientResponse:
    """The response of a handler that returns a value."""
    app = app or App(compression=True)
    app.get("/", **options)(lambda request: value() if callable(value) else value)
    return Client(app).get("/", headers={"accept-encoding": accepts})


def coding(response: ClientResponse) -> str | None:
    return response.headers.get("content-encoding")
