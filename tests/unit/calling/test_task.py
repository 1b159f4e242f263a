"""Our task compared with asyncio's: what libraries need from the current task."""

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

import anyio
import pytest
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.task import Clock

from ropewalk.calling import Task, start
from ropewalk.errors import HandlerError


def later(result: Any = None, seconds: float = 0.005) -> Deferred[Any]:
    """A Deferred that fires soon. Cancelling it also cancels its timer."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    deferred: Deferred[Any] = Deferred(lambda _: timer.cancel())
    timer = loop.call_later(seconds, deferred.callback, result)
    return deferred


def driven(function: Any) -> Any:
    """The outcome of a coroutine that our task runs on an asyncio loop."""

    async def main() -> Any:
        return await start(function()).asFuture(asyncio.get_running_loop())

    return asyncio.run(main())


variable: ContextVar[str] = ContextVar("variable", default="unset")


class TestAwaiting:
    def test_both_worlds_one_after_the_other(self) -> None:
        async def handler() -> list[Any]:
            return [
                await later("deferred"),
                await asyncio.sleep(0.005, "asyncio"),
                await succeed("fired"),
                await asyncio.sleep(0, "turn"),
                await later("again"),
            ]

        assert driven(handler) == ["deferred", "asyncio", "fired", "turn", "again"]

    def test_failures_are_raised_at_the_await(self) -> None:
        async def handler() -> list[str]:
            seen = []
            broken: Deferred[None] = Deferred()
            asyncio.get_running_loop().call_soon(broken.errback, KeyError("late"))
            for awaitable in (fail(KeyError("fired")), broken):
                try:
                    await awaitable
                except KeyError as error:
                    seen.append(error.args[0])
            future = asyncio.get_running_loop().create_future()
            future.set_exception(KeyError("future"))
            try:
                await future
            except KeyError as error:
                seen.append(error.args[0])
            return seen

        assert driven(handler) == ["fired", "late", "future"]

    def test_a_deferred_keeps_its_result(self) -> None:
        async def handler() -> list[str]:
            deferred = later("kept")
            return [await deferred, await deferred]

        assert driven(handler) == ["kept", "kept"]

    def test_resumed_where_the_deferred_fires(self) -> None:
        order = []

        async def handler() -> None:
            deferred: Deferred[None] = Deferred()

            def fire() -> None:
                deferred.callback(None)
                order.append("fired")

            asyncio.get_running_loop().call_soon(fire)
            await deferred
            order.append("resumed")

        driven(handler)
        assert order == ["resumed", "fired"]

    def test_context_variables(self) -> None:
        async def handler() -> list[str]:
            variable.set("mine")
            seen = []
            for awaitable in (later(), asyncio.sleep(0.001), asyncio.sleep(0), succeed(None)):
                await awaitable
                seen.append(variable.get())
            return seen

        assert driven(handler) == ["mine"] * 4
        assert variable.get() == "unset"

    def test_what_is_neither(self) -> None:
        class Odd:
            def __await__(self) -> Any:
                yield 5

        async def handler() -> str:
            with pytest.raises(HandlerError, match=r"RW204 .*handler at tests/unit/calling/test_task.py:\d+ awaits a"):
                await Odd()
            return "went on"

        assert driven(handler) == "went on"

    def test_on_another_reactor_the_first_segment_needs_no_loop(self) -> None:
        async def handler() -> str:
            return await succeed("fired")

        seen: list[str] = []
        start(handler()).addCallback(seen.append)
        assert seen == ["fired"]


class TestCurrentTask:
    def test_it_is_the_current_task_throughout(self) -> None:
        async def handler() -> bool:
            tasks: list[Any] = [asyncio.current_task()]
            await later()
            tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())
            return isinstance(tasks[0], Task) and len(set(tasks)) == 1

        assert driven(handler)

    def test_it_is_so_inside_of_another_task_too(self) -> None:
        async def main() -> bool:
            mine = asyncio.current_task()

            async def inner() -> Any:
                return asyncio.current_task()

            theirs = await start(inner()).asFuture(asyncio.get_running_loop())
            return theirs is not mine and asyncio.current_task() is mine

        assert asyncio.run(main())

    def test_names_and_coroutine(self) -> None:
        async def handler() -> list[Any]:
            task: Any = asyncio.current_task()
            name = task.get_name()
            task.set_name("mine")
            return [name.startswith("Ropewalk-"), task.get_name(), task.get_coro().__name__, task.get_stack(limit=0)]

        assert driven(handler) == [True, "mine", "handler", []]


class TestCancellation:
    def test_at_a_deferred_and_at_a_future(self) -> None:
        async def main() -> list[str]:
            seen: list[str] = []

            def tell(failure: Any) -> None:
                seen.append(failure.type.__name__)

            async def handler(awaitable: Any) -> None:
                try:
                    await awaitable
                except asyncio.CancelledError:
                    seen.append("cancelled")
                    raise

            for make in (
                lambda: later(seconds=60),
                lambda: asyncio.sleep(60),
                asyncio.get_running_loop().create_future,
            ):
                deferred = start(handler(make()))
                deferred.addErrback(tell)
                deferred.cancel()
                await asyncio.sleep(0.001)
            return seen

        # `Deferred.cancel` fires the outer Deferred at once, so its errback is called first. The coroutine is resumed
        # in the next iteration of the loop.
        assert asyncio.run(main()) == ["CancelledError", "cancelled"] * 3

    def test_the_deferred_itself_is_cancelled(self) -> None:
        async def main() -> list[str]:
            seen: list[str] = []
            waited: Deferred[None] = Deferred(lambda _: seen.append("canceller"))

            async def handler() -> None:
                await waited

            start(handler()).addErrback(lambda _: None).cancel()
            await asyncio.sleep(0)
            return seen

        assert asyncio.run(main()) == ["canceller"]

    def test_a_deferred_that_ends_well_all_the_same(self) -> None:
        async def handler() -> str:
            waited: Deferred[str] = Deferred(lambda deferred: deferred.callback("well"))
            task: Any = asyncio.current_task()
            asyncio.get_running_loop().call_soon(task.cancel)
            return await waited

        assert driven(handler) == "well"

    def test_a_coroutine_may_refuse(self) -> None:
        async def handler() -> str:
            task: Any = asyncio.current_task()
            asyncio.get_running_loop().call_soon(task.cancel)
            try:
                await later(seconds=60)
            except asyncio.CancelledError:
                assert task.cancelling() == 1
                assert task.uncancel() == 0
            return str(await later("went on"))

        assert driven(handler) == "went on"

    def test_by_asyncio_run_whose_loop_does_not_run_at_that_time(self) -> None:
        ended: list[str] = []

        async def work() -> None:
            try:
                await Deferred()
            finally:
                ended.append("ended")

        async def main() -> None:
            start(work()).addErrback(lambda failure: failure.trap(asyncio.CancelledError))

        asyncio.run(main())
        assert ended == ["ended"]

    def test_of_itself_before_it_waits(self) -> None:
        async def handler() -> list[str]:
            seen = []
            task: Any = asyncio.current_task()
            for awaitable in (later(seconds=60), asyncio.sleep(60), asyncio.sleep(0)):
                task.cancel("why")
                try:
                    await awaitable
                except asyncio.CancelledError:
                    seen.append("cancelled")
                task.uncancel()
            return seen

        assert driven(handler) == ["cancelled"] * 3


class Kept(Task):
    """A task that is not registered with a call."""

    __slots__ = ()

    def handle_outcome(self) -> None: ...


class TestOnAnotherReactor:
    def test_cancelled_before_it_waits(self, reactor: Clock) -> None:
        seen: list[str] = []

        async def handler() -> str:
            task.cancel()
            try:
                await Deferred()
            except asyncio.CancelledError:
                seen.append("cancelled")
            await Deferred()
            return "never"

        context = copy_context()
        task = Kept(handler(), context, None)
        context.run(task.step)
        assert seen == []
        reactor.advance(0)
        assert seen == ["cancelled"]
        task.cancel()
        assert task.cancelled()

    def test_cancelled_while_it_waits(self) -> None:
        seen: list[str] = []

        async def handler() -> None:
            try:
                await Deferred()
            finally:
                seen.append("cleaned up")

        start(handler()).addErrback(lambda _: None).cancel()
        assert seen == ["cleaned up"]


class TestLibraries:
    def test_asyncio_timeout_around_both(self) -> None:
        async def handler() -> list[str]:
            seen = []
            for make in (lambda: later(seconds=60), lambda: asyncio.sleep(60)):
                try:
                    async with asyncio.timeout(0.005):
                        await make()
                except TimeoutError:
                    seen.append("timeout")
            async with asyncio.timeout(60):
                seen.append(await later("in time"))
            return seen

        assert driven(handler) == ["timeout", "timeout", "in time"]

    def test_asyncio_task_group(self) -> None:
        async def handler() -> list[Any]:
            async with asyncio.TaskGroup() as group:
                one = group.create_task(asyncio.sleep(0.001, "one"))
                two = await later("two")
            return [one.result(), two]

        assert driven(handler) == ["one", "two"]

    def test_a_task_group_that_fails_cancels_a_wait_for_a_deferred(self) -> None:
        async def broken() -> None:
            raise KeyError("broken")

        async def handler() -> str:
            outcome = "never"
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(broken())
                    await later(seconds=60)
            except* KeyError:
                outcome = "failed"
            return outcome

        assert driven(handler) == "failed"

    def test_wait_for_and_gather(self) -> None:
        async def handler() -> list[Any]:
            loop = asyncio.get_running_loop()
            first = await asyncio.wait_for(later("first").asFuture(loop), 1)
            return [first, *await asyncio.gather(asyncio.sleep(0.001, "second"), later("third").asFuture(loop))]

        assert driven(handler) == ["first", "second", "third"]

    def test_anyio(self) -> None:
        async def handler() -> list[str]:
            seen = []
            with anyio.move_on_after(0.005):
                await anyio.sleep(60)
                seen.append("never")
            with anyio.move_on_after(0.005) as scope:
                await later(seconds=60)
            seen.append(str(scope.cancelled_caught))
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0.001)
                seen.append(await later("inside"))
            return seen

        assert driven(handler) == ["True", "inside"]

    def test_inline_callbacks_may_wait_for_it(self) -> None:
        async def handler() -> str:
            return str(await later("inner"))

        @inlineCallbacks
        def outer() -> Any:
            result = yield start(handler())
            return f"outer {result}"

        async def main() -> Any:
            return await outer().asFuture(asyncio.get_running_loop())

        assert asyncio.run(main()) == "outer inner"
