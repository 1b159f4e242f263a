"""What asyncio and the libraries on it read from the current task, in every place where a user's coroutine runs."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import uvloop
from tests.unit.calling.libraries import PLACES, PROBES, make_app
from tests.unit.calling.test_task import Kept, driven, later
from tests.unit.conftest import Log
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from ropewalk import App, ASGIOptions, HTTPError, Request, asgi
from ropewalk.calling import Task, start
from ropewalk.errors import HandlerError
from ropewalk.testing import AsyncClient

PROGRAM = Path(__file__).with_name("libraries.py")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def run_as_reactors_do(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine without `run_until_complete`, whose task anyio would regard as the root task."""
    ended: list[asyncio.Task[Any]] = []

    def stop(task: asyncio.Task[Any]) -> None:
        ended.append(task)
        loop.stop()

    loop.call_soon(lambda: loop.create_task(coroutine).add_done_callback(stop))
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    return ended[0].result()


class TestLibraries:
    @pytest.mark.parametrize("probe", PROBES)
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("loop", LOOPS)
    def test_in_every_place(self, loop: str, place: str, probe: str, log: Log) -> None:
        done: list[str] = []

        async def work() -> None:
            await PROBES[probe]()
            done.append(probe)

        async def main() -> str:
            client = AsyncClient(make_app(place, work))
            if not place.endswith("hook"):
                return (await client.get("/")).text
            async with client:
                return (await client.get("/")).text

        assert run_as_reactors_do(LOOPS[loop](), main()) == "well"
        assert log == []
        assert set(done) == {probe}

    @pytest.mark.slow
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("loop", LOOPS)
    def test_on_a_reactor(self, loop: str, place: str) -> None:
        """The process ends, although anyio's threads are not daemon threads."""
        command = [sys.executable, "-W", "error", str(PROGRAM), loop, place]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.stdout == "well\n", ended.stdout + ended.stderr
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr

    def test_worker_threads_of_anyio_serve_many_requests(self) -> None:
        """The threads end with the app. They are not daemon threads, so the process would wait for them."""
        threads: list[threading.Thread] = []

        async def work() -> None:
            threads.append(await anyio.to_thread.run_sync(threading.current_thread))

        async def main() -> None:
            async with AsyncClient(make_app("handler", work)) as client:
                for _ in range(3):
                    await client.get("/")

        run_as_reactors_do(asyncio.new_event_loop(), main())
        assert len(threads) == 3
        assert len(set(threads)) == 1
        threads[0].join(60)
        assert not threads[0].is_alive()


class TestInterface:
    def test_it_has_all_that_a_task_of_asyncio_has(self) -> None:
        assert set(dir(asyncio.Task)) - set(dir(Task)) <= {"__del__"}

    def test_values_in_the_course_of_its_life(self) -> None:
        async def main() -> None:
            future = asyncio.get_running_loop().create_future()

            async def handler() -> str:
                tasks.append(asyncio.current_task())
                await future
                return str(await later("result"))

            tasks: list[Any] = []
            ended = start(handler())
            (task,) = tasks
            assert task in asyncio.all_tasks()
            is_future: bool = asyncio.isfuture(task)
            assert is_future
            assert (task._state, task._fut_waiter, task._callbacks, task._exception) == ("PENDING", future, None, None)
            assert [frame.f_code.co_name for frame in task.get_stack()] == ["handler"]
            with pytest.raises(asyncio.InvalidStateError):
                task.result()
            with pytest.raises(asyncio.InvalidStateError):
                task.exception()
            with pytest.raises(RuntimeError):
                task.set_result("other")
            with pytest.raises(RuntimeError):
                task.set_exception(KeyError())
            task._log_destroy_pending = False
            task._log_traceback = False
            future.set_result(None)
            await asyncio.sleep(0)
            waiter = task._fut_waiter
            assert (waiter.done(), waiter.cancelled(), "Deferred" in repr(waiter)) == (False, False, True)
            assert await ended.asFuture(asyncio.get_running_loop()) == "result"
            assert (waiter.done(), waiter.cancel()) == (True, False)
            assert (task._state, task.result(), task._result, task.exception()) == (
                "FINISHED",
                "result",
                "result",
                None,
            )
            assert task not in asyncio.all_tasks()

        asyncio.run(main())

    def test_a_wait_for_a_deferred_can_be_cancelled(self) -> None:
        async def handler() -> str:
            task: Any = asyncio.current_task()
            asyncio.get_running_loop().call_soon(lambda: task._fut_waiter.cancel())
            await Deferred()
            return "never"

        async def main() -> None:
            with pytest.raises(CancelledError):
                await start(handler()).asFuture(asyncio.get_running_loop())

        asyncio.run(main())

    def test_weak_references_hashes_and_generic_aliases(self) -> None:
        async def handler() -> bool:
            task = asyncio.current_task()
            states = weakref.WeakKeyDictionary({task: 1})
            return states[task] == 1 and hash(task) == hash(task)

        assert driven(handler)
        generic: Any = Task
        assert generic[int].__origin__ is Task


class TestAwaiting:
    """Others may wait for our task: `asyncio.wait`, `gather`, `shield`, and an await."""

    def test_in_every_way(self) -> None:
        async def main() -> list[Any]:
            tasks: list[Any] = []

            async def handler() -> str:
                tasks.append(asyncio.current_task())
                await asyncio.sleep(0.001)
                return "done"

            started = [start(handler()) for _ in range(5)]
            done, _ = await asyncio.wait({tasks[0]})
            results = [
                done.pop().result(),
                *await asyncio.gather(*tasks[1:2]),
                await asyncio.shield(tasks[2]),
                await asyncio.wait_for(tasks[3], 60),
                await tasks[4],
            ]
            assert [each.result for each in started] == ["done"] * 5
            return results

        assert asyncio.run(main()) == ["done"] * 5

    def test_one_of_ours_by_another(self) -> None:
        async def handler() -> str:
            tasks: list[Any] = []

            async def other() -> str:
                tasks.append(asyncio.current_task())
                return str(await later("other"))

            start(other())
            return str(await tasks[0])

        assert driven(handler) == "other"

    def test_what_a_handler_raised(self) -> None:
        seen: list[Any] = []

        async def main() -> None:
            app = App()

            @app.get("/{when}")
            async def handler(request: Request, when: str) -> str:
                task: Any = asyncio.current_task()
                task.add_done_callback(lambda ended: seen.append((when, type(ended.exception()))))
                del task
                if when == "late":
                    await asyncio.sleep(0)
                raise HTTPError(404)

            client = AsyncClient(app, raise_errors=False)
            await client.get("/late")
            await client.get("/early")
            await asyncio.sleep(0)

        asyncio.run(main())
        assert seen == [("late", HTTPError), ("early", HTTPError)]

    @pytest.mark.parametrize("when", ["early", "late"])
    @pytest.mark.parametrize("place", ["handler", "asgi"])
    def test_what_was_raised_by_a_task_that_is_kept(self, place: str, when: str, log: Log) -> None:
        kept: list[Any] = []

        async def work() -> None:
            kept.append(asyncio.current_task())
            if when == "late":
                await asyncio.sleep(0)
            raise OSError(2, "gone", "here")

        async def handler(request: Request) -> None:
            await work()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await work()

        app = App()
        if place == "handler":
            app.get("/")(handler)
        else:
            app.mount("/", asgi(application, ASGIOptions(lifespan="off")))

        async def main() -> None:
            assert (await AsyncClient(app, raise_errors=False).get("/")).status == 500
            task = kept[0]
            assert (task.done(), task.cancelled(), task._state) == (True, False, "FINISHED")
            error = task.exception()
            assert (type(error), str(error)) == (FileNotFoundError, "[Errno 2] gone: 'here'")
            assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
            with pytest.raises(FileNotFoundError, match="gone"):
                task.result()
            with pytest.raises(FileNotFoundError, match="gone"):
                await task

        asyncio.run(main())
        assert any("log_failure" in event and "in work" in event["log_failure"].getTraceback() for event in log)

    @pytest.mark.parametrize("when", ["early", "late"])
    def test_a_task_that_has_raised_is_freed(self, when: str) -> None:
        tasks: list[Any] = []

        async def handler(request: Request) -> None:
            # If the task kept its traceback, this variable of the frame would complete a cycle.
            task = asyncio.current_task()
            tasks.append(weakref.ref(task))
            if when == "late":
                await asyncio.sleep(0)
            raise HTTPError(404)

        async def main() -> None:
            app = App()
            app.get("/")(handler)
            gc.disable()
            try:
                await AsyncClient(app, raise_errors=False).get("/")
                await asyncio.sleep(0)
                assert [task() for task in tasks] == [None]
            finally:
                gc.enable()

        asyncio.run(main())

    def test_in_the_context_of_the_caller(self) -> None:
        from tests.unit.calling.libraries import variable

        seen: list[str] = []

        async def handler() -> None:
            task: Any = asyncio.current_task()
            variable.set("asked")
            task.add_done_callback(lambda _: seen.append(variable.get()))
            variable.set("ended")

        async def main() -> None:
            await start(handler()).asFuture(asyncio.get_running_loop())
            await asyncio.sleep(0)

        asyncio.run(main())
        assert seen == ["asked"]

    def test_without_asyncio(self, reactor: Clock) -> None:
        from contextvars import copy_context

        async def handler() -> str:
            return "done"

        ended: list[Any] = []
        task = Kept(handler(), copy_context(), None)
        task.add_done_callback(ended.append)
        task.step()
        assert ended == []
        reactor.advance(0)
        assert ended == [task]

    def test_itself_and_futures_of_another_loop(self) -> None:
        other = asyncio.new_event_loop()

        async def handler() -> None:
            task: Any = asyncio.current_task()
            with pytest.raises(HandlerError, match=r"RW220 .*handler at .* awaits itself\. Await"):
                await task
            with pytest.raises(HandlerError, match=r"RW220 .*handler at .* awaits a Future of another loop\. Await"):
                await other.create_future()

        driven(handler)
        other.close()

    def test_the_end_of_asyncio_run_cancels_it(self) -> None:
        """`asyncio.run` cancels the handler's task like any other task, so none is left when it closes the loop."""
        seen: list[str] = []

        async def handler() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        async def main() -> None:
            start(handler()).addErrback(lambda _: None)

        asyncio.run(main())
        assert seen == ["cancelled"]


class TestIdentity:
    def test_across_waits_of_every_kind_and_other_handlers(self) -> None:
        """Handlers that are resumed alternately each see their own task. Between them, there is no current task."""

        async def handler(number: int) -> None:
            task = asyncio.current_task()
            for _ in range(3):
                await later(seconds=0.001)
                assert asyncio.current_task() is task
                await asyncio.sleep(0)
                assert asyncio.current_task() is task

        async def main() -> None:
            mine = asyncio.current_task()
            loop = asyncio.get_running_loop()
            between: list[Any] = []
            loop.call_soon(lambda: between.append(asyncio.current_task()))
            await asyncio.gather(*(start(handler(number)).asFuture(loop) for number in range(5)))
            assert asyncio.current_task() is mine
            assert between == [None]

        asyncio.run(main())

    def test_a_task_that_has_waited_is_freed(self) -> None:
        async def main() -> None:
            tasks: list[Any] = []

            async def handler(request: Request) -> str:
                tasks.append(weakref.ref(asyncio.current_task()))
                await asyncio.sleep(0)
                return ""

            app = App()
            app.get("/")(handler)
            gc.disable()
            try:
                await AsyncClient(app, raise_errors=False).get("/")
                await asyncio.sleep(0)
                assert [task() for task in tasks] == [None]
            finally:
                gc.enable()

        asyncio.run(main())
