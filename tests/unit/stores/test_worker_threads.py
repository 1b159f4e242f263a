"""The threads on which stores make blocking calls."""

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import ref

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock

from ropewalk.stores import StoreUnavailable
from ropewalk.stores.worker_threads import WorkerThreads

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def workers() -> WorkerThreads:
    return WorkerThreads("The store", threads=2, waiting=3, timeout=20)


async def turn_until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_results_and_errors(workers: WorkerThreads, run: Run) -> None:
    async def calls() -> None:
        assert await workers.run(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)
        assert await workers.run(threading.get_ident) != threading.get_ident()

    run(calls())


def test_calls_that_wait_are_bounded(workers: WorkerThreads, run: Run) -> None:
    leave = threading.Event()

    async def calls() -> None:
        waits = [workers.run(lambda: leave.wait(20)) for _ in range(5)]
        with pytest.raises(StoreUnavailable, match="The store is too slow: 5 calls wait for it"):
            await workers.run(lambda: 5)
        leave.set()
        assert [await each for each in waits] == [True] * 5
        await turn_until(lambda: not workers._running)
        assert await workers.run(lambda: 5) == 5

    run(calls())


def test_a_call_takes_a_limited_time(run: Run) -> None:
    workers = WorkerThreads("The store", threads=1, waiting=3, timeout=0.2)
    leave = threading.Event()
    ran: list[int] = []

    async def calls() -> None:
        with pytest.raises(StoreUnavailable, match="The store did not respond within 0.2 s"):
            await workers.run(lambda: leave.wait(20))
        with pytest.raises(StoreUnavailable):
            await workers.run(lambda: ran.append(1))
        leave.set()
        await turn_until(lambda: not workers._running)

    run(calls())
    assert ran == []  # its caller had given up before the thread was free


def test_a_late_result(workers: WorkerThreads, run: Run) -> None:
    entered, leave = threading.Event(), threading.Event()
    late: list[int] = []

    def call() -> int:
        entered.set()
        leave.wait(20)
        return 5

    async def calls() -> None:
        wait = workers.run(call, late.append)
        await turn_until(entered.is_set)
        wait.cancel()
        with pytest.raises(CancelledError):
            await wait
        leave.set()
        await turn_until(lambda: not workers._running)

    run(calls())
    assert late == [5]


def test_a_loop_that_is_closed_before_the_result(workers: WorkerThreads, run: Run) -> None:
    leave = threading.Event()

    async def call() -> None:
        workers.run(lambda: leave.wait(20)).addErrback(lambda _: None)

    async def later() -> None:
        leave.set()
        await turn_until(lambda: not workers._running)
        assert await workers.run(lambda: 5) == 5

    run(call())
    run(later())


def test_on_a_reactor_that_is_not_asyncios(workers: WorkerThreads, reactor: Clock, monkeypatch: Any) -> None:
    arrived = threading.Event()
    posted: list[Any] = []

    def call_from_thread(call: Any) -> None:
        posted.append(call)
        arrived.set()

    monkeypatch.setattr(reactor, "callFromThread", call_from_thread, raising=False)
    wait = workers.run(lambda: 5)
    assert arrived.wait(20)
    assert not wait.called
    posted[0]()
    assert wait.result == 5
    assert reactor.getDelayedCalls() == []


def test_threads_end_with_their_object(run: Run) -> None:
    workers = WorkerThreads("The store", threads=1, waiting=3, timeout=20)
    thread = run(_thread_of(workers))
    gone = ref(workers)
    del workers
    gc.collect()
    assert gone() is None
    thread.join(20)
    assert not thread.is_alive()


def test_a_fork_forgets_the_threads_of_the_parent(workers: WorkerThreads, run: Run) -> None:
    thread = run(_thread_of(workers))
    workers.after_fork_in_child()
    assert run(_thread_of(workers)) is not thread


def test_a_thread_that_cannot_start(workers: WorkerThreads, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def calls() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            for _ in range(6):  # more than may run and wait
                with pytest.raises(StoreUnavailable, match="The store needs a thread, and none can be started: can't"):
                    await workers.run(lambda: 5)
        leave = threading.Event()
        first = workers.run(lambda: leave.wait(20))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            second = workers.run(lambda: 5)  # waits for the thread that runs
        leave.set()
        assert await first
        assert await second == 5

    run(calls())


async def _thread_of(workers: WorkerThreads) -> threading.Thread:
    return await workers.run(threading.current_thread)
