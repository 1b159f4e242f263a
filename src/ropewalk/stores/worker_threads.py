"""A few threads that run a store's blocking calls, with a bounded queue and a time limit for each call.

This works with every reactor, and in an asyncio loop without a reactor: if an asyncio loop runs in the calling thread,
it delivers the result; otherwise the reactor does.
"""

from asyncio import AbstractEventLoop
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar
from weakref import finalize

from ropewalk.forks import observe_forks
from ropewalk.stores.unavailable import StoreUnavailable
from ropewalk.waiting import Waiter, failed

Result = TypeVar("Result")


class WorkerThreads:
    """Runs functions on threads. The threads start when they are needed, and end when this object is deleted.

    `name` is the store's name for messages, such as "Redis at 127.0.0.1:6379". A call takes at most `timeout` seconds,
    including its wait for a thread. Each thread runs one call at a time, and at most `waiting` more calls wait.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, timeout: float) -> None:
        self._name = name
        self._most_threads = threads
        self._most_calls = threads + waiting
        self._timeout = timeout
        self._reset()
        observe_forks(self)

    def _reset(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads = 0
        self._running: set[_Call] = set()
        """The calls that have not finished, including calls for whose results the caller no longer waits."""
        self._finalizer = finalize(self, _end, self._calls, self._most_threads)

    def after_fork_in_child(self) -> None:
        """In a forked child: forget the threads and the calls, because they belong to the parent."""
        self._finalizer.detach()
        self._reset()

    def after_fork_in_parent(self) -> None:
        """In the parent: do nothing. The interface of fork observers requires this method."""

    def run(self, function: Callable[[], Result], late: Callable[[Result], object] | None = None) -> Waiter[Result]:
        """Call a function on a thread.

        Return a Waiter, which fails with StoreUnavailable after the time limit, if too many calls wait, or if no thread
        runs and the system cannot start one.

        The time limit, or cancelling the Waiter, ends only the wait: a function that is already running continues, and
        a function that has not started is dropped. If the function succeeds after the wait has ended, `late` is called
        with its result, on the thread that has called `run`.
        """
        if len(self._running) >= self._most_calls:
            message = f"{self._name} is too slow: {len(self._running)} calls wait for it."
            return failed(StoreUnavailable(message))
        if len(self._running) >= self._threads < self._most_threads:
            try:
                Thread(target=_work, args=(self._calls,), name="ropewalk-store", daemon=True).start()
                self._threads += 1
            except RuntimeError as error:
                if not self._threads:  # otherwise, the call waits for one of the running threads
                    unavailable = StoreUnavailable(f"{self._name} needs a thread, and none can be started: {error}.")
                    unavailable.__cause__ = error
                    return failed(unavailable)
        call = _Call(function, late, self._running, monotonic() + self._timeout)
        self._running.add(call)
        call.limit(self._timeout, f"{self._name} did not respond within {self._timeout:g} s.")
        self._calls.put(call)
        return call.waiter

    def close(self) -> None:
        """End the threads after all previous calls. A later call starts new threads."""
        self._finalizer()
        self._reset()


class _Call:
    """One call of a function. It is created and finished on the caller's thread."""

    def __init__(
        self,
        function: Callable[[], Any],
        late: Callable[[Any], object] | None,
        running: "set[_Call]",
        deadline: float,
    ) -> None:
        self.waiter: Waiter[Any] = Waiter()
        self._function = function
        self._late = late
        self._running = running
        self._deadline = deadline
        self._loop: AbstractEventLoop | None = running_loop()
        self._context = copy_context()
        self._timer: Any = None
        self._result: Any = None
        self._error: BaseException | None = None

    def limit(self, seconds: float, message: str) -> None:
        """Fail the Waiter of this call after `seconds`."""
        later = _reactor().callLater if self._loop is None else self._loop.call_later
        self._timer = later(seconds, self._expire, message)

    def run(self) -> None:
        """Run the function. A worker thread calls this."""
        try:
            if self.waiter.called or monotonic() > self._deadline:
                self._error = StoreUnavailable("The call waited too long for a thread.")
            else:
                self._result = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - passed to the caller
            self._error = error
        if self._loop is None:
            _reactor().callFromThread(self._finish)
            return
        try:
            self._loop.call_soon_threadsafe(self._finish)
        except RuntimeError:  # the loop is closed, so the caller no longer waits
            self._running.discard(self)

    def _expire(self, message: str) -> None:
        self._timer = None
        if not self.waiter.called:
            self.waiter.errback(StoreUnavailable(message))

    def _finish(self) -> None:
        self._running.discard(self)
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if self.waiter.called:
            if self._error is None and self._late is not None:
                self._late(self._result)
            return
        if self._error is not None:
            self.waiter.errback(self._error)
        else:
            self.waiter.callback(self._result)


def _work(calls: "SimpleQueue[_Call | None]") -> None:
    """Run calls from the queue until it contains None. Each worker thread runs this function."""
    while (call := calls.get()) is not None:
        call.run()
        del call  # an idle thread must not keep the call alive


def _end(calls: "SimpleQueue[_Call | None]", threads: int) -> None:
    for _ in range(threads):
        calls.put(None)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
