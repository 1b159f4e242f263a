"""Objects that are refused because they are not ASGI applications."""

import functools
from typing import Any

import pytest

from ropewalk.asgi import ASGIOptions, Receive, Scope, Send, asgi
from ropewalk.errors import HandlerError, HostedError


async def application(scope: Scope, receive: Receive, send: Send) -> None: ...


HERE = "tests/unit/asgi/test_application_check.py"


def wsgi(environ: Any, start_response: Any) -> None: ...


def factory() -> None: ...


class Legacy:
    def __init__(self, scope: Scope) -> None: ...
    async def __call__(self, receive: Receive, send: Send) -> None: ...


class Called:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@pytest.mark.parametrize("fit", [application, Called(), functools.partial(application), dict])
def test_fit(fit: Any) -> None:
    """An object that is not written in Python may have no signature to check, and is accepted."""
    assert asgi(fit).application is fit


@pytest.mark.parametrize(
    ("unfit", "complaint"),
    [
        ("main:app", "RW715 'main:app' cannot be called. Give a callable such as `async def application("),
        (wsgi, f"RW715 wsgi at {HERE}:.* takes two arguments. That is WSGI: serve it by ropewalk.wsgi."),
        (factory, "takes no arguments. If it makes the application, call it: asgi(make_app())."),
        (Legacy, "RW715 Legacy at .* takes only the scope. That is ASGI 2: wrap it in asgiref.compat"),
        (lambda scope: None, "does not take a scope, receive and send. Give a callable such as"),
    ],
)
def test_unfit(unfit: Any, complaint: str) -> None:
    with pytest.raises(HostedError, match=complaint.replace("(", r"\(").replace(")", r"\)")):
        asgi(unfit)


def test_a_lifespan_of_another_kind() -> None:
    with pytest.raises(
        HandlerError,
        match=r"RW271 ASGIOptions has the invalid value lifespan='maybe' \(.*\)\. Give 'auto' or 'on' or 'off'\.",
    ):
        ASGIOptions(lifespan="maybe")  # type: ignore[arg-type]
