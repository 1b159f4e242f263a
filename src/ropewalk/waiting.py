"""`Waiter`: the kind of Deferred that Ropewalk returns. Asyncio tasks can await it, too."""

from asyncio import AbstractEventLoop, Future, Task, current_task
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Generator
from contextvars import Context
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeGuard, TypeVar

from twisted.internet.defer import Deferred

from ropewalk.awaited_truth import is_coroutine
from ropewalk.clocks import CURRENT
from ropewalk.dropped_failures import Call, DroppedFailure, current_call
from ropewalk.errors import HandlerError

Result = TypeVar("Result")


_result_of: Final[Callable[[Any], Generator[Any, None, Any]]] = Deferred.__await__  # type: ignore[misc] # not an instance variable
"""A stored function, because `super()` would cost more than all other steps of an await that does not wait."""


_AWAIT: Final = "Await the call first: `form = await request.form()`, `response = await client.get(...)`."
_OPTIONAL: Final = ("result",)
"""The attributes that a Deferred may lack."""


class NotAwaited(HandlerError, AttributeError):
    """RW210: an attribute of a result was read before it was awaited. `hasattr` and `getattr` with a default work."""


class Waiter(Deferred[Result]):
    """A Deferred for all kinds of callers: `yield` it in inlineCallbacks, or `await` it in a handler or an asyncio
    task.

    Cancelling it ends only the wait, and the operation continues, unless the function that returns it says otherwise.
    """

    call: Call | None = None
    """The call that has begun the operation, for the report of a failure that no code awaits."""

    def __await__(self) -> Generator[Any, None, Result]:
        if (self.called and not self.paused) or not _in_asyncio_task():
            return _result_of(self)
        return _await(_Wait(self))

    def give_up(self, error: BaseException) -> None:
        """Fail, because the awaited event can no longer happen. Unlike other failures, this failure is not logged if no
        code handles it, because a caller that has stopped waiting does not need it.
        """
        self.errback(error)
        debug_info = getattr(self, "_debugInfo", None)
        if debug_info is not None:
            debug_info.failResult = None  # otherwise, the failure is logged when this object is deleted

    def begun_here(self) -> Self:
        """Record the line of the user's code that makes the current call. Returns this Waiter."""
        self.call = current_call()
        return self

    if not TYPE_CHECKING:  # Deferred declares an attribute

        @property
        def _debugInfo(self) -> Any:
            return self.__dict__.get("_dropped")

        @_debugInfo.setter
        def _debugInfo(self, info: Any) -> None:  # Deferred assigns this when it fails
            self.__dict__["_dropped"] = info if Deferred.debug else DroppedFailure(self.call or current_call())

    if not TYPE_CHECKING:  # with these methods, type checkers would not report the missing await

        def __getitem__(self, key: object) -> NoReturn:
            raise HandlerError("RW210", f"[{key!r}] was read from a Waiter, which is not the result yet.", _AWAIT)

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or name in _OPTIONAL:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            raise NotAwaited("RW210", f".{name} was read from a Waiter, which is not the result yet.", _AWAIT)

        def __bool__(self) -> NoReturn:
            what = "A Waiter, which is not the result yet, was used as true or false."
            raise HandlerError("RW210", what, "Await it: `if await request.text()`. Compare it with None by `is`.")


class _Wait(Deferred[Result]):
    """One await of a Waiter while an asyncio task runs: a Deferred for Twisted, a future for asyncio.

    Either asyncio or Twisted runs the coroutine that awaits. The current task is the same in both cases, so this object
    tells them apart later: only asyncio calls `add_done_callback`.
    """

    def __init__(self, waiter: Waiter[Result]) -> None:
        super().__init__(lambda _: waiter.cancel())
        self._asyncio_future_blocking = True  # asyncio requires this attribute of awaited objects
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
        """Whether the wait has ended. anyio calls this on the object that a task awaits."""
        return self.called if self.future is None else self.future.done()

    def cancelled(self) -> bool:
        return self.future is not None and self.future.cancelled()

    def cancel(self, msg: object = None) -> bool:  # type: ignore[override] # a future's `cancel` returns a bool
        if self.future is not None and not self.future.done():
            return self.future.cancel(msg)
        super().cancel()  # a future from `asFuture` calls this after it was cancelled
        return False

    def _fire(self, result: Any) -> None:
        if not self.called:
            self.callback(result)


def _await(wait: _Wait[Result]) -> Generator[Any, Any, Result]:
    result: Result = yield wait
    return result if wait.future is None else wait.future.result()


class Moment:
    """An event that happens once. Any number of Waiters may be made before or after the event. Threads can wait for its
    attribute `event`."""

    def __init__(self) -> None:
        self.event = Event()
        self._waiting: dict[int, Waiter[None]] = {}

    @property
    def passed(self) -> bool:
        """Whether the event has happened."""
        return self.event.is_set()

    def wait(self) -> Waiter[None]:
        """A new Waiter for the event. It fires at once if the event has already happened."""
        if self.passed:
            return ready(None)
        waiter: Waiter[None] = Waiter(self._forget)
        self._waiting[id(waiter)] = waiter
        return waiter

    def fire(self) -> None:
        """Record that the event happens, and fire every Waiter."""
        self.event.set()
        while self._waiting:
            _, waiter = self._waiting.popitem()
            waiter.callback(None)

    def _forget(self, waiter: Deferred[None]) -> None:
        self._waiting.pop(id(waiter), None)


class ReactorTurn:
    """An awaitable that lets the reactor handle other events before the coroutine continues."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def must_wait(value: object) -> TypeGuard[Any]:
    """Whether a value is a Deferred or a coroutine."""
    return isinstance(value, Deferred) or is_coroutine(value)


def ready(result: Result) -> Waiter[Result]:
    """A Waiter that has fired with a result."""
    waiter: Waiter[Result] = Waiter()
    waiter.called = True  # like `callback`, but faster; there are no callbacks yet
    waiter.result = result
    return waiter


def failed(error: BaseException) -> Waiter[Any]:
    """Return a Waiter that has failed with an error."""
    waiter: Waiter[Any] = Waiter()
    waiter.errback(error)
    return waiter


def call_soon(call: Callable[..., object], *args: Any) -> None:
    """Call a function in the next iteration of the event loop, or of the reactor if no loop runs."""
    loop = running_loop()
    if loop is not None:
        loop.call_soon(call, *args)
    else:
        from twisted.internet import reactor

        reactor.callLater(0, call, *args)


def call_later(seconds: float, call: Callable[[], object]) -> Callable[[], object]:
    """Call a function after some seconds. Return a function that cancels the call if it has not happened yet.

    In a request of a test client, the time of the client's clock is used.
    """
    clock = CURRENT.get()
    return call_later_in_real_time(seconds, call) if clock is None else clock.call_later(seconds, call)


def call_later_in_real_time(seconds: float, call: Callable[[], object]) -> Callable[[], object]:
    """Like `call_later`, but always in real time, even in a request of a test client."""
    loop = running_loop()
    if loop is not None:
        return loop.call_later(seconds, call).cancel
    from twisted.internet import reactor

    cancel: Callable[[], object] = reactor.callLater(seconds, call).cancel
    return cancel


def _in_asyncio_task() -> bool:
    loop = running_loop()
    return loop is not None and isinstance(current_task(loop), Task)
