"""Objects that `wsgi()` accepts and refuses."""

from collections.abc import Iterable
from typing import Any

import flask
import pytest
from tests.unit.wsgi.applications import TEXT

from ropewalk.errors import HostedError
from ropewalk.testing import Client
from ropewalk.wsgi import Environ, StartResponse, wsgi


def function(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    return [b"Hello"]


def with_more(environ: Environ, start_response: StartResponse, more: str = "") -> Iterable[bytes]:
    return function(environ, start_response)


class Class:
    """In PEP 3333, an application may be a class, whose instance is the body."""

    def __init__(self, environ: Environ, start_response: StartResponse) -> None:
        self.parts = function(environ, start_response)

    def __iter__(self) -> Any:
        return iter(self.parts)


class Callable_:
    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return function(environ, start_response)

    def method(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return function(environ, start_response)


def make_flask() -> flask.Flask:
    application = flask.Flask(__name__)
    application.get("/")(lambda: "Hello")
    return application


@pytest.mark.parametrize("application", [function, with_more, Class, Callable_(), Callable_().method, make_flask()])
def test_applications(application: Any) -> None:
    assert Client(wsgi(application)).get("/").text == "Hello"


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (7, "7 cannot be called. Give a callable such as `def application(environ, start_response)`."),
        ("hello:app", "'hello:app' cannot be called."),
        (asgi, "takes three arguments. That is ASGI: serve it by ropewalk.asgi."),
        (
            make_flask,
            "takes no arguments. If it makes the application, call it: wsgi(make_app()).",
        ),
        (lambda request: "", "takes one argument. If it is a handler of Ropewalk, give it a route: @app.get(...)."),
        (lambda a, b, c, d: "", "does not take an environ and start_response."),
    ],
)
def test_everything_else(thing: Any, said: str) -> None:
    with pytest.raises(HostedError) as caught:
        wsgi(thing)
    assert str(caught.value).startswith("RW707 ")
    assert said in str(caught.value)


def test_what_does_not_tell_what_it_takes() -> None:
    wsgi(dict)
