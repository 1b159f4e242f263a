"""Coroutines with a result of True or False, which cannot be used as the result."""

import asyncio
import importlib
import inspect
from collections.abc import Callable, Coroutine, Iterator
from pkgutil import walk_packages
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, ensureDeferred

import ropewalk
from ropewalk import App
from ropewalk.auth import Passwords, PasswordsOptions, verify_password
from ropewalk.awaited_truth import AwaitedTruth, is_coroutine
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

CHEAP = PasswordsOptions(time_cost=1, memory_cost=8, parallelism=1)


async def wait(result: Deferred[bool] | None = None) -> bool:
    return True if result is None else await result


def truth(result: Deferred[bool] | None = None) -> AwaitedTruth:
    return AwaitedTruth(wait(result), "wait")


CONDITIONS: list[Callable[[Any], object]] = [bool, lambda value: not value, lambda value: value and 1]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_without_await(condition: Callable[[Any], object]) -> None:
    with pytest.raises(HandlerError, match=r"RW210 wait\(...\) was used .* Await it: `if await wait\(...\)`."):
        condition(truth())


def test_a_login_without_await_is_an_error(log: Log) -> None:
    app = App()

    @app.get("/")
    async def log_in() -> str:
        if not verify_password("a", "$argon2id$"):  # type: ignore[truthy-bool] # the mistake
            return "refused"
        return "welcome"

    assert Client(app, raise_errors=False).get("/").status == 500
    assert "log_in at" in log.text
    assert "verify_password(...) was used as true or false before it was awaited" in log.text


def test_asyncio_runs_it() -> None:
    assert asyncio.run(truth()) is True

    async def main() -> list[bool]:
        task = asyncio.create_task(truth())
        return [await truth(), await task, *await asyncio.gather(truth()), await asyncio.wait_for(truth(), 20)]

    assert asyncio.run(main()) == [True] * 4


def test_a_task_of_it_has_a_repr() -> None:
    async def main() -> str:
        task = asyncio.create_task(truth())
        shown = repr(task)
        await task
        return shown

    assert asyncio.run(main()).startswith("<Task pending ")


def test_a_task_of_asyncio_cancels_it() -> None:
    async def main() -> bool:
        waiting = asyncio.Event()

        async def forever() -> bool:
            waiting.set()
            await asyncio.Event().wait()
            return True

        task = asyncio.create_task(AwaitedTruth(forever(), "forever"))
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_twisted_runs_it() -> None:
    results: list[bool] = []
    waiting: Deferred[bool] = Deferred()
    running: Deferred[bool] = ensureDeferred(truth(waiting))
    running.addCallback(results.append)
    waiting.callback(False)
    assert results == [False]


def test_failures_are_thrown_into_it() -> None:
    waiting: Deferred[bool] = Deferred()
    running: Deferred[bool] = ensureDeferred(truth(waiting))
    caught: list[Any] = []
    running.addErrback(lambda failure: caught.append(failure.type))
    waiting.errback(ZeroDivisionError())
    assert caught == [ZeroDivisionError]


def test_a_handler_may_return_it() -> None:
    app = App()

    @app.get("/")
    def handler() -> bool:
        return truth()  # type: ignore[return-value] # the returned object is awaited, as a coroutine would be

    assert Client(app).get("/").json() is True


def test_it_is_a_coroutine() -> None:
    value = truth()
    assert is_coroutine(value)
    assert isinstance(value, Coroutine)
    value.close()
    assert not is_coroutine("x")


def public_functions() -> Iterator[Any]:
    for each in walk_packages(ropewalk.__path__, "ropewalk."):
        module = importlib.import_module(each.name) if not each.name.endswith("__main__") else None
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            yield value
            if isinstance(value, type) and value.__module__.startswith("ropewalk"):
                yield from (each for name, each in vars(value).items() if not name.startswith("_"))


def test_no_public_coroutine_function_returns_a_truth() -> None:
    """Functions with a result of True or False return an AwaitedTruth instead of a coroutine."""
    functions = [each for each in public_functions() if inspect.iscoroutinefunction(each)]
    assert len(functions) > 20
    assert [each for each in functions if "bool" in str(each.__annotations__["return"])] == []


@pytest.mark.parametrize("passwords", [Passwords(CHEAP)])
def test_passwords_in_an_asyncio_program_without_a_reactor(passwords: Passwords) -> None:
    hashed = asyncio.run(passwords.hash_password("x"))
    assert asyncio.run(passwords.verify_password("x", hashed))
    assert not asyncio.run(passwords.verify_password("y", hashed))
