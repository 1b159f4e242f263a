"""WSGI applications, and clients for them."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast
from wsgiref.validate import validator

from ropewalk import App
from ropewalk.testing import Client
from ropewalk.wsgi import Application, Environ, StartResponse, wsgi

SECONDS = 20
"""The timeout of a test that waits for a thread."""

TEXT = ("Content-Type", "text/plain")

Wrap = Callable[[Application], Application]


def validated(application: Application) -> Application:
    """An application in the validator of the standard library, which checks the application and the server."""
    checked: Any = validator(application)
    return cast("Application", checked)


def plain(application: Application) -> Application:
    """The application itself, without a validator."""
    return application


def responding(
    *parts: Any, status: str = "200 OK", headers: Iterable[tuple[str, str]] = (TEXT,), lazily: bool = False
) -> Application:
    """An application with one response: a list of parts, or a generator of them."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[Any]:
        start_response(status, list(headers))
        return iter(parts) if lazily else list(parts)

    return application


class Recorder:
    """An application that records its environ."""

    def __init__(self) -> None:
        self.environ: Environ = {}
        self.body = b""

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        self.environ = environ
        self.body = environ["wsgi.input"].read(-1)
        start_response("200 OK", [TEXT])
        return [b""]


class Parts:
    """A body that records when it is closed."""

    def __init__(self, parts: Iterable[Any], on_close: Callable[[], object] = lambda: None) -> None:
        self._parts = iter(parts)
        self._on_close = on_close
        self.count = 0
        """The number of parts that were read."""
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.count += 1
        return next(self._parts)

    def close(self) -> None:
        self._on_close()
        self.closed.set()

    def wait(self) -> None:
        """Wait until it is closed, which happens after the response."""
        assert self.closed.wait(SECONDS)


def returning(body: Any, status: str = "200 OK", headers: Iterable[tuple[str, str]] = (TEXT,)) -> Application:
    """An application that returns an object without changing it."""

    def application(environ: Environ, start_response: StartResponse) -> Any:
        start_response(status, list(headers))
        return body

    return application


def client(application: Any, path: str = "/", *, wrap: Wrap = validated, **more: Any) -> Client:
    """A client of an app in which the application is mounted."""
    app = App()
    app.mount(path, wsgi(wrap(application)))
    return Client(app, raise_errors=False, **more)
