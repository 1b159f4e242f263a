"""Applications run in tasks that asyncio and anyio accept as their own."""

import asyncio
import gc
import threading
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from tests.unit.asgi.applications import body, hosting, start
from tests.unit.conftest import Log

from ropewalk import App, Limits, Request
from ropewalk.asgi import Application, ASGIOptions, Receive, Scope, Send, asgi, call_runner
from ropewalk.asgi.sending import ASGICall
from ropewalk.testing import AsyncClient, Client

variable: ContextVar[str] = ContextVar("variable", default="unset")


def doing(work: Any) -> Application:
    """An application that responds with the result of a coroutine function."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        outcome = await work()
        await send(start())
        await send(body(repr(outcome).encode()))

    return application


def outcome(work: Any) -> Any:
    """The result of a coroutine function that is called within an application."""
    return Client(hosting(doing(work))).get("/").text


class TestTasks:
    def test_it_is_the_current_task(self) -> None:
        async def work() -> Any:
            before = asyncio.current_task()
            await asyncio.sleep(0)
            return before is asyncio.current_task() is not None

        assert outcome(work) == "True"

    def test_the_first_segment_runs_at_once(self) -> None:
        async def main() -> list[str]:
            order = []

            async def work() -> None:
                order.append("application")

            asyncio.get_running_loop().call_soon(order.append, "loop")
            await AsyncClient(hosting(doing(work))).get("/")
            return order

        assert asyncio.run(main())[0] == "application"

    def test_context_variables_may_be_reset_after_a_wait(self) -> None:
        async def work() -> list[str]:
            token = variable.set("mine")
            await asyncio.sleep(0)
            seen = [variable.get()]
            variable.reset(token)
            return [*seen, variable.get()]

        assert outcome(work) == "['mine', 'unset']"
        assert variable.get() == "unset"

    def test_each_request_has_variables_of_its_own(self) -> None:
        async def work() -> str:
            before = variable.get()
            variable.set("mine")
            return before

        client = Client(hosting(doing(work)))
        assert [client.get("/").text for _ in range(3)] == ["'unset'"] * 3

    def test_timeouts_and_task_groups_of_asyncio(self) -> None:
        async def work() -> list[str]:
            seen = []
            try:
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            except TimeoutError:
                seen.append("timeout")
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0)).add_done_callback(lambda _: seen.append("done"))
            return seen

        assert outcome(work) == "['timeout', 'done']"

    def test_an_awaitable_that_is_no_coroutine(self) -> None:
        class Application:
            def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
                self.send = send

            def __await__(self) -> Any:
                yield from self.send(start()).__await__()
                yield from asyncio.sleep(0).__await__()
                yield from self.send(body(b"awaited")).__await__()

        assert Client(hosting(Application)).get("/").text == "awaited"

    def test_nothing_of_a_call_is_left(self) -> None:
        """Each call has a task of its own with a name of its own, even if the calls never wait. When a call has ended,
        its task is done."""
        tasks: list[Any] = []

        async def work() -> str:
            task: Any = asyncio.current_task()
            name = task.get_name()
            tasks.append(task)
            return str(name)

        client = Client(hosting(doing(work)))
        names = {client.get("/").text for _ in range(3)}
        assert len(names) == 3
        assert [task.done() for task in tasks] == [True] * 3


class TestGarbage:
    @staticmethod
    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"whole"))

    @staticmethod
    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        await send(start())
        await asyncio.sleep(0)
        await send(body(b"waiting"))

    @staticmethod
    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

        async def listen() -> None:
            await receive()

        listener = asyncio.create_task(listen())
        await asyncio.sleep(0)
        await send(start())
        await send(body(b"listening"))
        await listener

    @pytest.mark.parametrize("application", [whole, waiting, listening])
    def test_there_is_none(self, application: Any) -> None:
        def count() -> int:
            return sum(isinstance(thing, ASGICall | Request) for thing in gc.get_objects())

        async def main() -> None:
            client = AsyncClient(hosting(application))
            for _ in range(3):
                await client.post("/", body=b"body")

        gc.collect()
        gc.disable()
        before = count()
        try:
            asyncio.run(main())
            assert count() == before
        finally:
            gc.enable()


class TestAnyio:
    def test_it_is_asyncio(self) -> None:
        async def work() -> bool:
            return anyio.get_cancelled_exc_class() is asyncio.CancelledError

        assert outcome(work) == "True"

    def test_task_groups_and_cancel_scopes(self) -> None:
        async def work() -> list[str]:
            seen = []
            with anyio.move_on_after(0):
                await anyio.sleep_forever()
            seen.append("moved on")
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep_forever)
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            seen.append("cancelled")
            with pytest.raises(TimeoutError), anyio.fail_after(0):
                await anyio.sleep(1)
            return seen

        assert outcome(work) == "['moved on', 'cancelled']"

    def test_threads(self) -> None:
        async def work() -> list[Any]:
            here = threading.get_ident()
            there = await anyio.to_thread.run_sync(threading.get_ident)
            back = await anyio.to_thread.run_sync(anyio.from_thread.run_sync, threading.get_ident)
            return [here != there, here == back]

        assert outcome(work) == "[True, True]"

    def test_threads_outlive_the_request_that_started_them(self) -> None:
        """anyio keeps its worker threads for later requests. Here the loop runs outside of any task, as a reactor runs
        it, so no root task ends the threads."""

        threads: list[threading.Thread] = []

        async def work() -> None:
            threads.append(await anyio.to_thread.run_sync(threading.current_thread))

        loop = asyncio.new_event_loop()

        async def main() -> None:
            async with AsyncClient(hosting(doing(work), lifespan="off")) as client:
                for _ in range(3):
                    await client.get("/")

        def stop(task: "asyncio.Task[None]") -> None:
            loop.stop()
            task.result()

        # `main` runs in a task that anyio does not regard as the root task of this loop.
        loop.call_soon(lambda: loop.create_task(main()).add_done_callback(stop))
        loop.run_forever()
        loop.close()
        assert len(threads) == 3
        assert len(set(threads)) == 1


class TestAfterTheResponse:
    """An application continues to run after its response, as background tasks of frameworks do."""

    @staticmethod
    def going_on(until: asyncio.Event, done: list[str]) -> Application:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"complete"))
            try:
                await until.wait()
                done.append("done")
            except asyncio.CancelledError:
                done.append("cancelled")
                raise

        return application

    def test_it_goes_on_when_the_client_has_left(self) -> None:
        async def main() -> list[str]:
            until, done = asyncio.Event(), list[str]()
            assert (await AsyncClient(hosting(self.going_on(until, done))).get("/")).text == "complete"
            assert done == []
            until.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return done

        assert asyncio.run(main()) == ["done"]

    def test_the_stop_waits_for_it(self, log: Log) -> None:
        async def main() -> list[str]:
            until, done = asyncio.Event(), list[str]()
            async with AsyncClient(hosting(self.going_on(until, done), lifespan="off")) as client:
                await client.get("/")
                asyncio.get_running_loop().call_soon(until.set)
            return done

        assert asyncio.run(main()) == ["done"]
        assert "RW" not in log.text

    def test_but_not_longer_than_a_drain(self, log: Log) -> None:
        async def main() -> list[str]:
            done = list[str]()
            app = App(limits=Limits(drain_timeout=0.001))
            app.mount("/", asgi(self.going_on(asyncio.Event(), done), ASGIOptions(lifespan="off")))
            async with AsyncClient(app) as client:
                await client.get("/")
                await client.get("/")
            return done

        assert asyncio.run(main()) == ["cancelled"] * 2
        assert "RW716 Cancelled 2 calls of TestAfterTheResponse.going_on.<locals>.application at " in log.text
        assert "RW208" not in log.text

    def test_several_applications_are_waited_for_at_the_same_time(self, log: Log) -> None:
        """All calls are cancelled at the same time, and stop hooks are called afterwards."""

        async def main() -> list[str]:
            done = list[str]()
            app = App()
            app.on_stop(lambda: done.append("stopped"))
            for name in ("a", "b", "c"):
                app.mount(f"/{name}", asgi(self.going_on(asyncio.Event(), done), ASGIOptions(lifespan="off")))
            client = AsyncClient(app)
            for name in ("a", "b", "c"):
                await client.get(f"/{name}")
            waits = list[float]()
            timeout = asyncio.timeout

            def noting(seconds: float) -> Any:
                waits.append(seconds)
                return timeout(seconds)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(call_runner, "timeout", noting)
                stopping = asyncio.ensure_future(app.stop())
                await asyncio.sleep(0)
                assert (waits, done) == ([30.0] * 3, [])
                app.cut_calls()
                await stopping
            return done

        assert asyncio.run(main()) == ["cancelled"] * 3 + ["stopped"]
        assert log.text.count("RW716 Cancelled 1 call") == 3

    def test_what_is_waited_for_is_logged(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(call_runner, "LOG_DELAY", 0)

        async def main() -> None:
            until, done = asyncio.Event(), list[str]()
            resource = asgi(self.going_on(until, done), ASGIOptions(lifespan="off"))
            client = AsyncClient(resource)
            await client.get("/")
            await client.get("/")
            stopping = asyncio.ensure_future(resource.finish_calls(28.7))
            while not log:
                await asyncio.sleep(0)
            until.set()
            await stopping

        asyncio.run(main())
        (line,) = log.text.splitlines()
        application = "TestAfterTheResponse.going_on.<locals>.application"
        assert line.startswith(f"Stopping: waiting up to 29 s for 2 calls of {application} at ")
        assert line.endswith(", which still run after their responses.")

    def test_a_stop_that_is_cut_short_cuts_it_off(self, log: Log) -> None:
        async def main() -> list[str]:
            done = list[str]()
            resource = asgi(self.going_on(asyncio.Event(), done), ASGIOptions(lifespan="off"))
            await AsyncClient(resource).get("/")
            stopping = asyncio.ensure_future(resource.finish_calls(None))
            await asyncio.sleep(0)
            stopping.cancel()
            await asyncio.wait({stopping})
            return done

        assert asyncio.run(main()) == ["cancelled"]
        assert "RW716 Cancelled 1 call" in log.text


def test_the_event_loop_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running event loop is looked up at most twice for each loop, and not for each request, because the lookup is
    a system call before CPython 3.12."""
    looked: list[Any] = []

    def look() -> Any:
        looked.append(asyncio.get_running_loop())
        return looked[-1]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"x"))

    async def main(app: App) -> None:
        async with AsyncClient(app) as client:
            for _ in range(3):
                assert (await client.get("/")).body == b"x"

    app = hosting(application)
    asyncio.run(main(app))
    monkeypatch.setattr(call_runner, "running_loop", look)
    for _ in range(2):
        asyncio.run(main(app))
    loops = len(looked)
    assert (len(set(looked)), loops) == (2, 2 * 2)  # in each of two loops: at the start, and at the first request
