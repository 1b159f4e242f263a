"""Objects that can be awaited, used by every kind of caller."""

import asyncio
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, inlineCallbacks
from twisted.internet.task import Clock

from ropewalk.calling import start
from ropewalk.errors import HandlerError
from ropewalk.waiting import Waiter, call_soon, failed, ready


def fired_soon(result: Any) -> Waiter[Any]:
    waiter: Waiter[Any] = Waiter()
    asyncio.get_running_loop().call_soon(waiter.callback, result)
    return waiter


class TestCallers:
    def test_an_asyncio_task(self) -> None:
        async def main() -> list[Any]:
            return [await ready("fired"), await fired_soon("late"), await asyncio.gather(fired_soon("gathered"))]

        assert asyncio.run(main()) == ["fired", "late", ["gathered"]]

    def test_wait_for(self) -> None:
        async def main() -> None:
            waiter: Waiter[None] = Waiter()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiter, 0.001)
            assert waiter.called

        asyncio.run(main())

    def test_our_task(self) -> None:
        async def handler() -> Any:
            return [await ready("fired"), await fired_soon("late")]

        async def main() -> Any:
            return await start(handler()).asFuture(asyncio.get_running_loop())

        assert asyncio.run(main()) == ["fired", "late"]

    def test_inline_callbacks(self) -> None:
        waiter: Waiter[str] = Waiter()

        @inlineCallbacks
        def caller() -> Any:
            result = yield waiter
            return result

        seen: list[str] = []
        caller().addCallback(seen.append)
        waiter.callback("late")
        assert seen == ["late"]

    def test_a_coroutine_of_twisted_that_an_asyncio_task_calls(self) -> None:
        async def inner() -> Any:
            waiter: Waiter[None] = Waiter()
            asyncio.get_running_loop().call_soon(waiter.errback, KeyError("late"))
            with pytest.raises(KeyError, match="late"):
                await waiter
            return await fired_soon("late")

        async def main() -> Any:
            return await ensureDeferred(inner()).asFuture(asyncio.get_running_loop())

        assert asyncio.run(main()) == "late"

    def test_a_coroutine_of_twisted_that_an_asyncio_task_resumes(self) -> None:
        first: Deferred[None] = Deferred()

        async def inner() -> Any:
            await first
            return await fired_soon("late")

        async def main() -> Any:
            result = ensureDeferred(inner())
            first.callback(None)
            return await result.asFuture(asyncio.get_running_loop())

        assert asyncio.run(main()) == "late"

    def test_its_cancellation(self) -> None:
        ended: list[BaseException] = []

        async def inner(waiter: Waiter[None]) -> None:
            try:
                await waiter
            except BaseException as error:
                ended.append(error)
                raise

        async def main() -> None:
            waiter: Waiter[None] = Waiter()
            result = ensureDeferred(inner(waiter))
            result.cancel()
            assert waiter.called
            with pytest.raises(CancelledError):
                await result.asFuture(asyncio.get_running_loop())

            waiter = Waiter()
            task = asyncio.create_task(inner(waiter))
            await asyncio.sleep(0)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError):
                await task
            assert waiter.called

        asyncio.run(main())
        assert [type(error) for error in ended] == [CancelledError, asyncio.CancelledError]

    def test_a_task_that_is_cancelled_when_its_wait_is_over(self) -> None:
        async def main() -> None:
            waiter: Waiter[str] = Waiter()
            task = asyncio.ensure_future(waiter)
            await asyncio.sleep(0)
            waiter.callback("late")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

    def test_failures(self) -> None:
        async def main() -> None:
            with pytest.raises(KeyError):
                await failed(KeyError("x"))
            waiter: Waiter[None] = Waiter()
            asyncio.get_running_loop().call_soon(waiter.errback, KeyError("y"))
            with pytest.raises(KeyError):
                await waiter

        asyncio.run(main())


class TestMistakes:
    def test_what_is_asked_of_a_wait_is_not_there_yet(self) -> None:
        waiter: Any = ready({"name": "Ada"})
        with pytest.raises(HandlerError, match=r"RW210 .*'name'.* Await the call first: `form = await request.form"):
            waiter["name"]

    def test_an_attribute_of_a_result(self) -> None:
        waiter: Any = ready({"name": "Ada"})
        with pytest.raises(HandlerError, match=r"RW210 \.get was read from a Waiter, .* Await the call first"):
            waiter.get("name")
        assert getattr(waiter, "json", None) is None
        assert not hasattr(waiter, "_private")
        assert not hasattr(Waiter(), "result")

    def test_a_condition(self) -> None:
        with pytest.raises(HandlerError, match=r"RW210 A Waiter, .* used as true or false. Await it"):
            bool(ready("text"))


class TestTurns:
    def test_of_the_loop(self) -> None:
        async def main() -> list[str]:
            seen: list[str] = []
            call_soon(seen.append, "called")
            assert seen == []
            await asyncio.sleep(0)
            return seen

        assert asyncio.run(main()) == ["called"]

    def test_of_the_reactor_where_there_is_no_loop(self, reactor: Clock) -> None:
        seen: list[str] = []
        call_soon(seen.append, "called")
        assert seen == []
        reactor.advance(0)
        assert seen == ["called"]
