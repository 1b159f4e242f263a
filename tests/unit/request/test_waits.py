"""Waits for the client, the response and the send queue."""

import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.request.reading import read_in_handler
from tests.unit.turns import run_turns
from twisted.internet.defer import ensureDeferred

from ropewalk import App, Request
from ropewalk.errors import Disconnected, ResponseEnded
from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import Waiter


class TestWaiters:
    def test_several_wait_to_write(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            resumed: list[str] = []
            app = App()

            async def write(request: Request, name: str) -> None:
                await request.writable()
                resumed.append(name)

            @app.get("/")
            async def handler(request: Request) -> None:
                while request.write(bytes(10_000)):
                    pass
                async with asyncio.TaskGroup() as group:
                    group.create_task(write(request, "one"))
                    group.create_task(write(request, "two"))
                request.finish()

            response = await AsyncClient(app, raise_errors=False).stream("GET", "/")
            async for _ in response:
                pass
            return resumed

        assert sorted(run(main())) == ["one", "two"]

    def test_a_wait_after_the_client_has_taken_all(self) -> None:
        """If the client has taken everything before the wait begins, no event follows. The wait must still end."""
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:

            room = request.write(bytes(1_000_000))
            await run_turns()
            if not room:
                await request.writable()
            request.finish()

        assert len(Client(app, raise_errors=False).get("/").body) == 1_000_000

    def test_all_hear_of_a_client_that_leaves(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            from ropewalk.errors import Disconnected

            heard: list[str] = []
            paused = asyncio.Event()
            app = App()

            @app.get("/")
            async def handler(request: Request) -> None:
                request.write("begun")
                await paused.wait()
                while request.write(bytes(10_000)):
                    pass
                for waiter in (request.writable(), request.writable()):
                    waiter.addErrback(lambda failure: heard.append(failure.trap(Disconnected).__name__))
                paused.clear()
                await request.notifyFinish()

            response = await AsyncClient(app).stream("GET", "/")
            response.pause()
            paused.set()
            while paused.is_set():
                await asyncio.sleep(0)
            response.close()
            await asyncio.sleep(0)
            return heard

        assert run(main()) == ["Disconnected", "Disconnected"]

    @pytest.mark.parametrize("wait", [lambda r: r.disconnected, lambda r: r.notifyFinish()])
    def test_waits_that_are_given_up_leave_nothing(self, wait: Any) -> None:
        def count(request: Request) -> int:
            for _ in range(50):
                wait(request).addErrback(lambda _: None).cancel()
            return len(getattr(request, "_leaving", ()) or request._endings)

        assert read_in_handler(count) == 1


def outcome(waiter: Any) -> list[Any]:
    """Return a list that gets the result or the exception type of a wait. It is empty while the wait lasts."""
    results: list[Any] = []
    waiter.addCallbacks(results.append, lambda failure: results.append(failure.type))
    return results


AS_JSON = {"content-type": "application/json"}


WAITS: dict[str, Callable[[Request], Any]] = {
    "disconnected": lambda request: request.disconnected,
    "notifyFinish": lambda request: request.notifyFinish(),
    "writable": lambda request: request.writable(),
    "body": lambda request: request.body(),
    "text": lambda request: request.text(),
    "json": lambda request: request.json(),
    "stream": lambda request: ensureDeferred(anext(request.stream())),
}


COMPLETE = {
    "disconnected": None,
    "notifyFinish": None,
    **dict.fromkeys(("writable", "body", "text", "json", "stream"), ResponseEnded),
}


GONE = {"disconnected": None, **dict.fromkeys(WAITS.keys() - {"disconnected"}, Disconnected)}


class TestWaitsForWhatIsOver:
    @pytest.mark.parametrize("name", WAITS)
    def test_before_the_end_of_the_response(self, name: str) -> None:
        """Each wait lasts while the request body is incomplete and the send queue is full. It ends when the response
        does."""
        seen: list[Any] = []
        app = App()

        @app.post("/")
        async def handler(request: Request) -> None:
            assert not request.write(bytes(1_000_000))
            results = outcome(WAITS[name](request))
            assert results == []
            request.finish()
            seen.extend(results)

        assert len(Client(app, raise_errors=False).post("/", body=b"[]", headers=AS_JSON).body) == 1_000_000
        assert seen == [COMPLETE[name]]

    @pytest.mark.parametrize("name", WAITS)
    def test_after_the_end_of_the_response(self, name: str) -> None:
        seen: list[Any] = []
        app = App()

        @app.post("/")
        async def handler(request: Request) -> None:
            request.write("all")
            request.finish()
            try:
                seen.extend(outcome(WAITS[name](request)))
            except ResponseEnded as error:
                seen.append(type(error))

        Client(app, raise_errors=False).post("/", body=b"[]", headers=AS_JSON)
        assert seen == [COMPLETE[name]]

    @pytest.mark.parametrize("name", WAITS)
    def test_after_the_client_has_left(self, name: str, run: Any) -> None:
        async def main() -> list[Any]:
            import asyncio

            seen: list[Any] = []
            begun = asyncio.Event()
            app = App()

            @app.post("/")
            async def handler(request: Request) -> None:
                begun.set()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    try:
                        seen.extend(outcome(WAITS[name](request)))
                    except Disconnected as error:
                        seen.append(type(error))

            async def parts() -> AsyncIterator[bytes]:
                yield b"half"
                await asyncio.get_running_loop().create_future()

            asking = asyncio.ensure_future(AsyncClient(app).post("/", body=parts(), headers=AS_JSON))
            await begun.wait()
            asking.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
            return seen

        assert run(main()) == [GONE[name]]

    def test_a_producer_is_stopped(self) -> None:
        stopped: list[bool] = []

        class Late:
            def resumeProducing(self) -> None: ...
            def pauseProducing(self) -> None: ...
            def stopProducing(self) -> None:
                stopped.append(True)

        def handler(request: Request) -> str:
            request.finish()
            request.registerProducer(Late(), True)
            request.registerProducer(Late(), False)
            return ""

        app = App()
        app.get("/")(handler)
        Client(app, raise_errors=False).get("/")
        assert stopped == [True, True]


class TestDisconnect:
    def test_disconnected_may_be_awaited(self, run: Any) -> None:
        async def main() -> None:
            import asyncio

            left = asyncio.Event()
            app = App()

            @app.get("/")
            async def handler(request: Request) -> AsyncIterator[str]:
                request.disconnected.addCallback(lambda _: left.set())
                yield "begun"
                await asyncio.sleep(60)

            response = await AsyncClient(app).stream("GET", "/")
            assert await anext(response) == b"begun"
            assert not left.is_set()
            response.close()
            await asyncio.wait_for(left.wait(), 5)

        run(main())

    def test_in_the_middle_of_an_upload(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            seen: list[str] = []
            begun, ended = asyncio.Event(), asyncio.Event()
            app = App()

            @app.post("/")
            async def handler(request: Request) -> None:
                try:
                    async for part in request.stream():
                        seen.append(part.decode())
                        begun.set()
                except asyncio.CancelledError:
                    seen.append("cancelled")
                    raise
                finally:
                    ended.set()

            async def parts() -> AsyncIterator[bytes]:
                yield b"half"
                await asyncio.sleep(60)

            asking = asyncio.ensure_future(AsyncClient(app).post("/", body=parts(), headers=AS_JSON))
            await asyncio.wait_for(begun.wait(), 5)
            asking.cancel()
            await asyncio.wait_for(ended.wait(), 5)
            return seen

        assert run(main()) == ["half", "cancelled"]

    def test_it_may_be_awaited_by_an_asyncio_task(self, run: Any) -> None:
        async def main() -> None:
            import asyncio

            tasks: list[asyncio.Task[Any]] = []
            app = App()

            @app.get("/")
            async def handler(request: Request) -> AsyncIterator[str]:
                async def watch() -> str:
                    await request.disconnected
                    return "seen"

                tasks.append(asyncio.create_task(watch()))
                yield "begun"
                await asyncio.sleep(60)

            response = await AsyncClient(app).stream("GET", "/")
            await anext(response)
            response.close()
            assert await asyncio.wait_for(tasks[0], 5) == "seen"

        run(main())

    def test_notify_finish(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            from ropewalk import NOT_DONE_YET, Resource
            from ropewalk.errors import Disconnected

            seen: list[str] = []

            class Slow(Resource):
                def render_GET(self, request: Request) -> int:
                    request.notifyFinish().addCallbacks(
                        lambda _: seen.append("finished"), lambda failure: seen.append(failure.type.__name__)
                    )
                    request.write("begun")
                    if request.query.get("finish"):
                        asyncio.get_running_loop().call_soon(request.finish)
                    return NOT_DONE_YET

            client = AsyncClient(Slow())
            await client.get("/?finish=1")
            response = await client.stream("GET", "/")
            await anext(response)
            response.close()
            await asyncio.sleep(0)
            assert Disconnected.__name__ == "Disconnected"
            return seen

        assert run(main()) == ["finished", "Disconnected"]


class TestWaitsThatNobodyNeeds:
    """A wait that fails after the program has dropped it is not an error of the program."""

    @pytest.mark.parametrize("name", ["body", "text"])
    def test_they_are_not_logged(self, name: str, log: Log) -> None:
        app = App()

        @app.post("/")
        async def handler(request: Request) -> str:
            WAITS[name](request)
            return "done"

        assert Client(app).post("/", body=iter([b"x" * 1000] * 100)).text == "done"
        gc.collect()
        assert log == []

    def test_one_that_is_awaited_after_all_raises(self) -> None:
        async def main() -> None:
            waiter: Waiter[None] = Waiter()
            waiter.give_up(ResponseEnded("over"))
            await waiter

        failed: list[Any] = []
        ensureDeferred(main()).addErrback(failed.append)
        assert [failure.type for failure in failed] == [ResponseEnded]
