"""Threads that run jobs."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import twisted.internet
from tests.unit.wsgi.applications import client, responding

from ropewalk.testing import Client
from ropewalk.wsgi import WSGIOptions, wsgi
from ropewalk.wsgi import threads as threads_module
from ropewalk.wsgi.threads import SHARE, PoolThreads, Threads

SECONDS = 10


class Gates:
    """Jobs that report when they begin, and wait until the test lets them end."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.names: set[str] = set()

    def job(self) -> None:
        self.names.add(str(threading.get_ident()))
        self.begun.release()
        assert self.may_end.acquire(timeout=SECONDS)
        self.ended.release()

    def wait(self, semaphore: threading.Semaphore, count: int) -> None:
        for _ in range(count):
            assert semaphore.acquire(timeout=SECONDS)


@pytest.fixture
def gates() -> Iterator[Gates]:
    """Gates that are opened at the end of the test, even if it fails."""
    gates = Gates()
    yield gates
    gates.may_end.release(1000)


class Pool:
    """A pool that starts a thread for each job, as Twisted's does."""

    def __init__(self, most: int) -> None:
        self.max = most
        self.started = 0

    def callInThread(self, call: Any) -> None:
        self.started += 1
        threading.Thread(target=call, daemon=True).start()


def run_many(threads: Threads, count: int) -> list[int]:
    """Run jobs, wait for the last one, and return the order in which they were run."""
    order: list[int] = []
    done = threading.Event()

    def job(number: int) -> None:
        order.append(number)
        if len(order) == count:
            done.set()

    for number in range(count):
        threads.submit(lambda number=number: job(number))  # type: ignore[misc] # mypy cannot infer a lambda's default
    assert done.wait(SECONDS)
    return order


@pytest.mark.parametrize("threads", [Threads(1), Threads(10), PoolThreads(Pool(1)), PoolThreads(Pool(10))])
def test_every_job_is_run_once(threads: Threads) -> None:
    for count in (1, 2, 1000, 5000):
        assert sorted(run_many(threads, count)) == list(range(count))


def test_one_thread_keeps_the_order() -> None:
    assert run_many(Threads(1), 1000) == list(range(1000))


def test_jobs_that_wait_have_a_thread_each(gates: Gates) -> None:
    threads = Threads(5)
    for _ in range(5):
        threads.submit(gates.job)
    gates.wait(gates.begun, 5)
    assert threads.busy == 5
    assert len(gates.names) == 5


def test_jobs_that_come_one_by_one_too(gates: Gates) -> None:
    threads = Threads(5)
    for _ in range(5):
        threads.submit(gates.job)
        gates.wait(gates.begun, 1)
    assert len(gates.names) == 5


def test_there_are_no_more_than_the_limit(gates: Gates) -> None:
    threads = Threads(3)
    for _ in range(10):
        threads.submit(gates.job)
    gates.wait(gates.begun, 3)
    assert (threads.busy, threads.waiting) == (3, 7)
    gates.may_end.release(10)
    gates.wait(gates.ended, 10)
    assert len(gates.names) == 3


def test_a_job_that_waits_holds_up_no_other(gates: Gates) -> None:
    threads = Threads(2)
    threads.submit(gates.job)
    gates.wait(gates.begun, 1)
    assert run_many(threads, 1000) == list(range(1000))


def test_nor_where_it_comes_in_the_middle(gates: Gates) -> None:
    threads = Threads(2)
    for _ in range(100):
        threads.submit(lambda: None)
    threads.submit(gates.job)
    assert run_many(threads, 1000) == list(range(1000))
    gates.wait(gates.begun, 1)


def test_threads_end_when_there_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "IDLE", 0)
    started: list[threading.Thread] = []

    class Noted(Threads):
        def start(self, run: Any) -> None:
            started.append(threading.Thread(target=run))
            started[-1].start()

    threads = Noted(5)
    run_many(threads, 100)
    for thread in started:
        thread.join(SECONDS)
    assert [thread.is_alive() for thread in started] == [False] * len(started)
    assert threads.busy == 0
    assert run_many(threads, 100)  # new threads have replaced the old ones


def test_the_system_may_have_no_thread(gates: Gates) -> None:
    class Poor(Threads):
        poor = True

        def start(self, run: Any) -> None:
            if self.poor:
                raise RuntimeError("can't start new thread")
            super().start(run)

    threads = Poor(2)
    with pytest.raises(RuntimeError, match="can't start"):
        threads.submit(lambda: None)
    assert threads.busy == 0
    threads.poor = False
    threads.submit(gates.job)
    threads.poor = True
    gates.may_end.release()
    gates.wait(gates.ended, 1)
    threads.submit(gates.job)  # an existing thread runs the job
    gates.may_end.release()
    gates.wait(gates.ended, 1)


def test_a_pool_has_its_turn() -> None:
    pool = Pool(1)
    threads = PoolThreads(pool)
    run_many(threads, 10 * SHARE)
    assert pool.started >= 10


def test_a_pool_keeps_threads_for_others() -> None:
    pool = Pool(10)
    threads = PoolThreads(pool)
    assert (threads.limit, threads.idle_limit) == (10, 5)
    pool.max = 20
    assert threads.limit == 20


def test_idle_threads_do_not_wait_for_a_full_pool(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "IDLE", 2 * SECONDS)

    class Full(Pool):
        def callInThread(self, call: Any) -> None:
            if not self.started:
                super().callInThread(call)

    threads = PoolThreads(Full(10))
    threads.submit(gates.job)
    gates.wait(gates.begun, 1)
    threads.submit(gates.job)  # starts a second thread
    gates.may_end.release(2)
    gates.wait(gates.ended, 2)
    assert run_many(threads, 2) == [0, 1]


def test_a_job_is_let_go_of() -> None:
    import gc
    import weakref

    class Job:
        def __call__(self) -> None:
            done.set()

    done = threading.Event()
    threads = Threads(1)
    job = Job()
    gone = threading.Event()
    weakref.finalize(job, gone.set)
    threads.submit(job)
    del job
    assert done.wait(SECONDS)
    gc.collect()
    assert gone.wait(SECONDS)


class FakePool:
    max = 3
    calls = 0

    def callInThread(self, call: Callable[[], object]) -> None:
        self.calls += 1
        threading.Thread(target=call).start()


class FakeReactor:
    """A fake reactor that reports that it runs."""

    running = True

    def __init__(self) -> None:
        self.pool = FakePool()

    def getThreadPool(self) -> FakePool:
        return self.pool


class TestApplicationThreads:
    def test_the_reactors_threads_where_it_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reactor = FakeReactor()
        monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
        monkeypatch.setattr(twisted.internet, "reactor", reactor, raising=False)
        asked = client(responding(b"Hello"))
        assert asked.get("/").text == "Hello"
        assert reactor.pool.calls >= 1

    def test_threads_of_its_own_beside_a_reactor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reactor = FakeReactor()
        monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
        assert Client(wsgi(responding(b"Hello"), WSGIOptions(threads=2))).get("/").text == "Hello"
        reactor.running = False
        assert Client(wsgi(responding(b"Hello"))).get("/").text == "Hello"
        assert reactor.pool.calls == 0
