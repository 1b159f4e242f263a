"""Providers that would outlive what they need are refused."""

from collections.abc import Iterator
from typing import Annotated

import pytest

from ropewalk import App, Depends
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

Session = Annotated[str, Depends()]


def of_handler() -> Iterator[str]:
    yield "session"


@pytest.fixture
def app() -> App:
    app = App()
    app.provide("session", of_handler, scope="handler")
    return app


def test_of_the_request_and_of_the_handler() -> None:
    def outlives(session: Annotated[str, Depends(of_handler, scope="handler")]) -> Iterator[None]:
        yield

    app = App()
    with pytest.raises(HandlerError, match="outlives at .* closed after the response, and its session") as error:

        @app.get("/")
        def handler(value: Annotated[None, Depends(outlives)]) -> None: ...

    assert error.value.code == "RW218"


def test_through_a_plain_function_by_name(app: App) -> None:
    def user(session: Session) -> str:
        return "ada"

    def outlives(user: Annotated[str, Depends(user)]) -> Iterator[None]:
        yield

    @app.get("/")
    def handler(value: Annotated[None, Depends(outlives)]) -> None: ...

    with pytest.raises(HandlerError, match="its user before the response ends"):
        Client(app).__enter__()


def test_of_the_app_and_of_the_handler(app: App) -> None:
    def pool(session: Session) -> None: ...

    app.provide("pool", pool, scope="app")
    with pytest.raises(HandlerError, match="pool at"):
        Client(app).__enter__()
