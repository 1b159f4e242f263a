"""Start hooks and providers that need asyncio while no asyncio loop runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred

from ropewalk import App
from ropewalk.errors import HandlerError


async def asks_for_the_loop() -> None:
    asyncio.get_running_loop()


async def waits_for_a_future() -> None:
    await asyncio.sleep(1)


async def is_of_a_library() -> AsyncIterator[None]:
    if asyncio.events._get_running_loop() is None:
        raise RuntimeError("AsyncConnectionPool open with no running loop")  # as psycopg_pool does
    yield


def failure(app: App) -> BaseException:
    failed: Deferred[Any] = ensureDeferred(app.start())
    found: list[BaseException] = []
    failed.addErrback(lambda failure: found.append(failure.value))  # type: ignore[call-overload] # None is a result
    return found[0]


@pytest.mark.parametrize("call", [asks_for_the_loop, waits_for_a_future, is_of_a_library])
def test_a_provider(call: Callable[[], Any]) -> None:
    app = App()
    app.provide("value", call, scope="app")
    error = failure(app)
    assert isinstance(error, HandlerError)
    assert error.code == "RW203"
    assert call.__name__ in error.message
    assert "install_reactor" in str(error)


@pytest.mark.parametrize("call", [asks_for_the_loop, waits_for_a_future])
def test_a_start_hook(call: Callable[[], Any]) -> None:
    app = App()
    app.on_start(call)
    error = failure(app)
    assert isinstance(error, HandlerError)
    assert (error.code, call.__name__ in error.message) == ("RW203", True)


def test_other_errors_stay_as_they_are() -> None:
    app = App()
    raised = RuntimeError("no running water")

    async def fail() -> None:
        raise raised

    app.on_start(fail)
    assert failure(app) is raised


def test_where_a_loop_runs_it_is_an_error_of_other_code() -> None:
    app = App()
    raised = RuntimeError("no running event loop")  # as other code raises it, for example in another thread

    async def fail() -> None:
        raise raised

    app.on_start(fail)

    async def main() -> None:
        with pytest.raises(RuntimeError) as error:
            await app.start()
        assert error.value is raised

    asyncio.run(main())
