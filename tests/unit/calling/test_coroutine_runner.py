"""`CoroutineRunner`: the first segment of a coroutine, and the task that stands for it."""

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ropewalk.calling import CoroutineRunner
from ropewalk.calling import HandlerTask as Base
from ropewalk.request import PENDING


class Waiting(Base):
    """A task that records what its coroutine awaits."""

    __slots__ = ("seen",)

    seen: tuple[Any, Any]

    def begin_wait(self, request: Any, awaited: Any) -> None:
        self.seen = request, awaited


async def returning(value: Any) -> Any:
    return value


def in_loop(call: Callable[[], Any]) -> Any:
    """The value of a function that a running loop calls outside of any task."""
    outcome: list[Any] = []

    async def main() -> None:
        done = asyncio.get_running_loop().create_future()

        def run() -> None:
            try:
                outcome.append(call())
            except BaseException as error:  # noqa: BLE001 - raised below
                done.set_exception(error)
            else:
                done.set_result(None)

        asyncio.get_running_loop().call_soon(run)
        await done

    asyncio.run(main())
    return outcome[0]


def run(runner: CoroutineRunner, coroutine: Coroutine[Any, Any, Any], *loop: Any) -> Any:
    return runner("request", coroutine, copy_context(), *loop)


class TestValues:
    @pytest.mark.parametrize("value", [None, "text", (1, 2), (), ValueError("returned"), StopIteration(5), PENDING])
    def test_any_value_is_returned(self, value: Any) -> None:
        runner = CoroutineRunner()
        assert run(runner, returning(value)) is value
        assert len(runner.spare) == 1

    def test_an_exception_is_raised_with_its_traceback(self) -> None:
        tasks: list[Any] = []

        async def failing() -> None:
            tasks.append(asyncio.current_task())
            raise LookupError("lost")

        runner = CoroutineRunner()
        with pytest.raises(LookupError, match="lost") as caught:
            in_loop(lambda: run(runner, failing()))
        assert caught.traceback[-1].name == "failing"
        assert (tasks[0].done(), repr(tasks[0].exception())) == (True, "LookupError('lost')")
        assert runner.spare == []

    def test_a_coroutine_that_waits(self) -> None:
        made: list[Waiting] = []

        def make(*arguments: Any) -> Waiting:
            made.append(Waiting(*arguments))
            return made[-1]

        async def handler() -> None:
            await deferred

        deferred: Deferred[None] = Deferred()
        runner = CoroutineRunner(make)
        coroutine = handler()
        assert run(runner, coroutine) is PENDING
        assert made[0].seen == ("request", deferred)
        assert (made[0].coroutine, runner.spare) == (coroutine, [])
        coroutine.close()


class TestTasks:
    def test_it_is_the_current_one_and_is_used_again(self) -> None:
        async def handler() -> tuple[int, bool, Any]:
            task: Any = asyncio.current_task()
            return id(task), task.get_loop() is asyncio.get_running_loop(), task.get_context()

        def both() -> None:
            first, second = run(runner, handler()), run(runner, handler())
            assert first[:2] == second[:2]
            assert first[1]
            assert first[2] is not second[2]
            assert asyncio.current_task() is None

        runner = CoroutineRunner()
        in_loop(both)
        (spare,) = runner.spare
        assert (spare.coroutine, spare.context, spare.loop) == (None, None, None)

    @pytest.mark.parametrize("keep", [lambda task: task, weakref.ref, lambda task: task.set_name("kept")])
    def test_one_that_other_code_knows_is_not_used_again(self, keep: Callable[[Any], Any]) -> None:
        kept = []

        async def handler() -> str:
            kept.append(keep(asyncio.current_task()))
            return "value"

        runner = CoroutineRunner()
        assert in_loop(lambda: run(runner, handler())) == "value"
        assert runner.spare == []

    def test_one_that_is_kept_has_the_value(self) -> None:
        tasks: list[Any] = []

        async def handler() -> str:
            tasks.append(asyncio.current_task())
            return "value"

        in_loop(lambda: run(CoroutineRunner(), handler()))
        assert (tasks[0].done(), tasks[0].result()) == (True, "value")

    def test_inside_of_another_task(self) -> None:
        async def handler() -> Any:
            return asyncio.current_task()

        async def main() -> None:
            outer = asyncio.current_task()
            assert run(runner, handler()) is not outer
            assert asyncio.current_task() is outer
            with pytest.raises(ZeroDivisionError):
                run(runner, failing())
            assert asyncio.current_task() is outer

        async def failing() -> float:
            return 1 / 0

        runner = CoroutineRunner()
        asyncio.run(main())

    def test_one_runner_on_several_loops(self) -> None:
        async def handler() -> Any:
            return asyncio.get_running_loop() is asyncio.current_task().get_loop()  # type: ignore[union-attr]

        runner = CoroutineRunner()
        assert in_loop(lambda: run(runner, handler())) is True
        assert run(runner, returning("without")) == "without"
        assert in_loop(lambda: run(runner, handler())) is True

    def test_a_loop_that_the_caller_knows(self) -> None:
        async def handler() -> Any:
            return asyncio.current_task() is not None

        runner = CoroutineRunner()
        assert in_loop(lambda: run(runner, handler(), asyncio.get_running_loop())) is True
