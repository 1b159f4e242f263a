"""`ConnectionThread`: a connection to SQLite, and the only thread that uses it.

The thread opens, uses and closes the connection, so that no call of SQLite waits on the reactor's thread. Calls run one
after another. If the caller stops waiting, because a client has left or a timeout has passed, its call is interrupted.
"""

from asyncio import AbstractEventLoop
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from sqlite3 import Connection, Error
from threading import Event, Lock, Thread
from typing import Any, Final, TypeVar

from twisted.logger import Logger

from ropewalk.errors import HandlerError
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Waiter, ready

Result = TypeVar("Result")
log = Logger(namespace="ropewalk.databases")

STEPS: Final = 10_000
"""After this number of SQLite instructions, which take some milliseconds, a statement checks whether its caller still
waits. `interrupt` is faster, but has no effect on a statement that is about to begin."""


class ConnectionThread:
    """A connection and its thread. At the first call, the thread starts and opens the connection with `connect`."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._has_thread = False
        self._is_closed = False
        self._lock = Lock()
        """Held while `_running` changes, and while a call is interrupted, so that an interrupt never hits the next
        call."""
        self._running: _Call | None = None

    async def call(self, function: Callable[[Connection], Result], *, interruptible: bool = True) -> Result:
        """Call a function with the connection, in the thread. Return its result.

        If the wait for the result is cancelled, the function's statement is interrupted, or the function is not called
        at all.
        """
        call = self._submit(function)
        try:
            result: Result = await call.waiter
        except BaseException:
            if interruptible and not call.has_ended:
                self._abandon(call)
            raise
        return result

    def wait(self, seconds: float) -> bool:
        """Wait for some seconds in the thread, during a call, and return False. If the caller no longer waits, return
        True at once."""
        return self._running is not None and self._running.abandoned.wait(seconds)

    def clean_up(self) -> Waiter[Any]:
        """Roll back a transaction that the previous calls have left open.

        Return a Waiter that fires when the connection may be used.
        """
        if self._is_closed or (self._connection is None and not self._has_thread):
            return ready(None)
        return self._submit(self._roll_back, opens=False).waiter

    def close(self) -> Waiter[Any]:
        """Close the connection after the previous calls, and end the thread. A later call raises HandlerError."""
        if self._is_closed or not self._has_thread:
            self._is_closed = True
            return ready(None)
        waiter = self._submit(self._close, opens=False).waiter
        self._calls.put(None)
        self._is_closed = True
        return waiter

    def _submit(self, function: Callable[[Connection], Any], *, opens: bool = True) -> "_Call":
        if self._is_closed:
            raise HandlerError("RW281", "A database was used after it was closed.")
        call = _Call(function, opens=opens)
        if not self._has_thread:
            # If the thread cannot be started, this raises RuntimeError. The call is not in the queue yet, so the thread
            # that the next call starts does not run it.
            Thread(target=self._work, name="ropewalk-sqlite", daemon=True).start()
            self._has_thread = True
        self._calls.put(call)
        return call

    def _abandon(self, call: "_Call") -> None:
        with self._lock:
            call.abandoned.set()
            if self._running is call and self._connection is not None:
                self._connection.interrupt()

    # Methods that run in the thread

    def _work(self) -> None:
        """Run calls until the queue has None."""
        while (call := self._calls.get()) is not None:
            with self._lock:
                self._running = call
            call.run(self._opened)
            with self._lock:
                self._running = None
            call.deliver()
            del call  # an idle thread must not keep the call alive

    def _opened(self, call: "_Call") -> Connection | None:
        if self._connection is None and call.opens:
            connection = self._connect()
            connection.set_progress_handler(self._is_abandoned, STEPS)
            self._connection = connection
        return self._connection

    def _is_abandoned(self) -> bool:
        return self._running is not None and self._running.abandoned.is_set()

    def _roll_back(self, connection: Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except Error as error:
            log.failure("A rollback failed. The connection is replaced.", shown_failure(error))
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._connection = None
        connection.close()


class _Call:
    """One call of a function. It is created, and its result is delivered, on the caller's thread."""

    def __init__(self, function: Callable[[Connection], Any], *, opens: bool) -> None:
        self.waiter: Waiter[Any] = Waiter()
        self.abandoned = Event()
        self.has_ended = False
        self.opens = opens
        """Whether to open a connection for the function.

        Otherwise the function is called only if a connection is open.
        """
        self._function = function
        self._loop: AbstractEventLoop | None = running_loop()
        self._context = copy_context()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, opened: "Callable[[_Call], Connection | None]") -> None:
        """Call the function, in the thread."""
        if self.abandoned.is_set():
            return
        try:
            connection = opened(self)
            if connection is not None:
                self._result = self._context.run(self._function, connection)
        except BaseException as error:  # noqa: BLE001 - delivered to the caller
            self._error = error

    def deliver(self) -> None:
        """Fire the Waiter in the caller's thread."""
        if self._loop is None:
            _reactor().callFromThread(self._fire)
            return
        try:
            self._loop.call_soon_threadsafe(self._fire)
        except RuntimeError:  # the loop is closed, so no caller waits
            return

    def _fire(self) -> None:
        self.has_ended = True
        if self.waiter.called:
            return
        if self._error is None:
            self.waiter.callback(self._result)
        else:
            self.waiter.errback(self._error)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
