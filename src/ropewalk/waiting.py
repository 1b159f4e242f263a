"""Waiter, the Deferred that Ropewalk returns: an asyncio task can await it too."""

from asyncio import AbstractEventLoop, Future, Task, current_task
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Generator
from contextvars import Context
from inspect import iscoroutine
from threading import Event
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, TypeVar

from twisted.internet.defer import Deferred

from ropewalk.clocks import CURRENT
from ropewalk.errors import HandlerError

Result = TypeVar("Result")


class Waiter(Deferred[Result]):
    """A Deferred for every kind of caller: `yield` it in inlineCallbacks, `await` it in a handler or an asyncio task.

    Cancelling it ends only the wait; the operation continues.
    """

    def __await__(self) -> Generator[Any, None, Result]:
        if (self.called and not self.paused) or not _in_asyncio_task():
            return super().__await__()
        return _await(_Wait(self))

    def give_up(self, error: BaseException) -> None:
        """Fail because what it waits for cannot happen any more.

        A caller that has stopped waiting misses nothing: unlike other failures, this one is not logged if nothing
        handles it.
        """
        self.errback(error)
        debug_info = getattr(self, "_debugInfo", None)
        if debug_info is not None:
            debug_info.failResult = None  # what Deferred logs when it is collected as garbage

    if not TYPE_CHECKING:  # type checkers report this mistake by themselves

        def __getitem__(self, key: object) -> NoReturn:
            raise HandlerError("RW210", f"[{key!r}] was read from a Waiter, which is not the result yet.")


class _Wait(Deferred[Result]):
    """One await of a Waiter while an asyncio task runs: a Deferred for Twisted, a future for asyncio.

    The task may await it, or may have called a coroutine that Twisted runs. The current task is the same in both cases,
    so the caller decides: only asyncio calls `add_done_callback`.
    """

    def __init__(self, waiter: Waiter[Result]) -> None:
        super().__init__(lambda _: waiter.cancel())
        self._asyncio_future_blocking = True  # asyncio's protocol between tasks and what they await
        self.future: Future[Result] | None = None
        waiter.addBoth(self._fire)

    def get_loop(self) -> AbstractEventLoop:
        loop = running_loop()
        assert loop is not None
        return loop

    def add_done_callback(self, callback: "Callable[[Future[Result]], object]", *, context: Context) -> None:
        self.future = self.asFuture(self.get_loop())
        self.future.add_done_callback(callback, context=context)

    def done(self) -> bool:
        """For anyio, which calls this on the object that a task awaits."""
        return self.called if self.future is None else self.future.done()

    def cancelled(self) -> bool:
        return self.future is not None and self.future.cancelled()

    def cancel(self, msg: object = None) -> bool:  # type: ignore[override] # that of a future returns whether it is cancelled
        if self.future is not None and not self.future.done():
            return self.future.cancel(msg)
        super().cancel()  # the future calls this after its cancellation
        return False

    def _fire(self, result: Any) -> None:
        if not self.called:
            self.callback(result)


def _await(wait: _Wait[Result]) -> Generator[Any, Any, Result]:
    result: Result = yield wait
    return result if wait.future is None else wait.future.result()


class Moment:
    """An event that happens once. Any number of waits may begin before or after it; threads wait for `event`."""

    def __init__(self) -> None:
        self.event = Event()
        self._waiting: dict[int, Waiter[None]] = {}

    @property
    def passed(self) -> bool:
        """Whether it has happened."""
        return self.event.is_set()

    def wait(self) -> Waiter[None]:
        """A new wait for it. It fires at once if the event has happened."""
        if self.passed:
            return ready(None)
        waiter: Waiter[None] = Waiter(self._forget)
        self._waiting[id(waiter)] = waiter
        return waiter

    def fire(self) -> None:
        """Let it happen: fire every wait."""
        self.event.set()
        while self._waiting:
            _, waiter = self._waiting.popitem()
            waiter.callback(None)

    def _forget(self, waiter: Deferred[None]) -> None:
        self._waiting.pop(id(waiter), None)


class ReactorTurn:
    """Lets the reactor run once, when a coroutine awaits it."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def must_wait(value: object) -> TypeGuard[Any]:
    """Whether a value is a Deferred or a coroutine."""
    return isinstance(value, Deferred) or iscoroutine(value)


def ready(result: Result) -> Waiter[Result]:
    """A Waiter that has its result."""
    waiter: Waiter[Result] = Waiter()
    waiter.called = True  # the same as `callback`, but faster; there are no callbacks yet
    waiter.result = result
    return waiter


def failed(error: BaseException) -> Waiter[Any]:
    """A Waiter that has failed."""
    waiter: Waiter[Any] = Waiter()
    waiter.errback(error)
    return waiter


def call_soon(call: Callable[..., object], *args: Any) -> None:
    """Call in the next turn of the event loop, or of the reactor if no loop runs."""
    loop = running_loop()
    if loop is not None:
        loop.call_soon(call, *args)
    else:
        from twisted.internet import reactor

        reactor.callLater(0, call, *args)


def call_later(seconds: float, call: Callable[[], object]) -> Callable[[], object]:
    """Call after some seconds. Returns the function that cancels the call, for as long as it has not happened.

    In a request of a test client, the seconds are those of its clock.
    """
    clock = CURRENT.get()
    return call_later_in_real_time(seconds, call) if clock is None else clock.call_later(seconds, call)


def call_later_in_real_time(seconds: float, call: Callable[[], object]) -> Callable[[], object]:
    """As `call_later`, whatever a test client does."""
    loop = running_loop()
    if loop is not None:
        return loop.call_later(seconds, call).cancel
    from twisted.internet import reactor

    cancel: Callable[[], object] = reactor.callLater(seconds, call).cancel
    return cancel


def _in_asyncio_task() -> bool:
    loop = running_loop()
    return loop is not None and isinstance(current_task(loop), Task)
