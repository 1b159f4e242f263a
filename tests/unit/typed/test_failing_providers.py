"""The log names the provider that raises an exception, and not only the handler."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import Reactor

from ropewalk import App, Depends
from ropewalk.testing import Client

HERE = r"tests/unit/typed/test_failing_providers\.py"


class Failed(Exception):
    """Raised by each provider."""


def fail() -> None:
    raise Failed


def plain() -> int:
    raise Failed


async def coroutine() -> int:
    await asyncio.sleep(0)
    raise Failed


def generator() -> Iterator[int]:
    fail()
    yield 1


async def async_generator() -> AsyncIterator[int]:
    fail()
    yield 1


def at_the_end() -> Iterator[int]:
    yield 1
    raise Failed


def handler_of(provider: Callable[..., Any], scope: Any = "handler") -> App:
    app = App()

    @app.get("/")
    def handler(value: Annotated[int, Depends(provider, scope=scope)]) -> int:
        return value

    return app


@pytest.mark.parametrize("provider", [plain, coroutine, generator, async_generator, at_the_end])
def test_in_a_request(provider: Callable[..., Any], log: Log) -> None:
    assert Client(handler_of(provider), raise_errors=False).get("/").status == 500
    line = provider.__code__.co_firstlineno
    said = (
        rf"RW208 GET /: {provider.__name__} at {HERE}:{line} raised Failed\(\)\. The handler is "
        rf"handler_of\.<locals>\.handler at {HERE}:\d+\. Fix the cause"
    )
    assert re.match(said, log.text)


def test_a_function_that_the_handler_calls_is_its_own_affair(log: Log) -> None:
    app = App()
    app.get("/")(lambda request: plain())
    assert Client(app, raise_errors=False).get("/").status == 500
    assert re.match(rf"RW208 GET /: \S+<lambda> at {HERE}:\d+ raised Failed\(\)\. Fix", log.text)


@pytest.mark.parametrize("provider", [plain, generator, async_generator])
def test_at_the_start(provider: Callable[..., Any], log: Log) -> None:
    port = handler_of(provider, "app").listen(Reactor(), "tcp:0:interface=127.0.0.1")
    failures: list[Any] = []
    port.started().addErrback(failures.append)
    who = rf"{provider.__name__} at {HERE}:{provider.__code__.co_firstlineno}"
    said = rf"RW403 The app does not start, because {who} raised Failed\(\)\."
    assert re.match(said, failures[0].getErrorMessage())
    assert re.search(rf"RW403 The app does not start, because {who} failed\.", log.text)
    port.stopListening()
