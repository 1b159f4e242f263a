"""One flight for each key: while one request makes a response, others for the same key wait for it.

| event | the flight | the waiting requests |
|---|---|---|
| the response can be stored | ends | all get the response |
| it cannot be stored, such as a private one | ends | each calls the handler itself |
| the handler fails | ends | the first begins a new flight, the others wait for that, at most twice |
| a client leaves | continues | the others wait on |
| the last client leaves | is cancelled | |
"""

from asyncio import CancelledError
from asyncio import _get_running_loop as running_loop
from collections.abc import Coroutine, Generator
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred

from ropewalk.calling import start
from ropewalk.response import Response
from ropewalk.stores import StoredResponse
from ropewalk.waiting import Waiter

MOST_FAILURES: Final = 2
"""After so many failed flights, a waiting request is refused."""


class Outcome:
    """What a flight has brought."""

    __slots__ = ("error", "failed", "reason", "response", "stored", "variant", "vary")

    def __init__(self) -> None:
        self.response: Response | None = None
        """The response, for the request that has begun the flight."""
        self.stored: StoredResponse | None = None
        """The response for all; None if it cannot be stored."""
        self.vary: tuple[str, ...] = ()
        self.variant = ""
        """The variant of the stored response."""
        self.reason = ""
        """Why the response is not stored."""
        self.failed = False
        """Whether the handler has failed, so that a new flight may succeed."""
        self.error: BaseException | None = None
        """The exception that passes through middleware, such as a cancellation."""

    def raise_error(self) -> None:
        """Raise `error`, if there is one, and forget it, so that its traceback does not lead back to it."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error


class Flight:
    """The making of one response."""

    def __init__(self, since: int) -> None:
        self.since = since
        """The number of the last purge when the flight began. A request after a later purge must not join it."""
        self.outcome: Outcome | None = None
        self.abandoned = False
        """Whether the request that has begun the flight has left, so that its response is not sent."""
        self._waiting: dict[Waiter[Outcome], None] = {}
        self._task: Deferred[Any] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that calls `end`."""
        self._task = start(work)
        self._task.addErrback(_only_cancellations)

    def end(self, outcome: Outcome) -> None:
        """Pass the outcome to all who wait, in the order in which they have come."""
        self.outcome = outcome
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(outcome)

    async def wait(self) -> Outcome:
        """Wait for the outcome. If the last waiting request leaves, the flight is cancelled."""
        if self.outcome is not None:
            return self.outcome
        waiter: Waiter[Outcome] = Waiter()
        self._waiting[waiter] = None
        try:
            return await waiter
        finally:
            self._waiting.pop(waiter, None)
            self._cancel_if_unused()

    def _cancel_if_unused(self) -> None:
        if self.outcome is None and not self._waiting and self._task is not None:
            self._task.cancel()


class Detached:
    """Awaits a step of middleware outside of its request's task, so that a cancellation passes through middleware: on a
    reactor without asyncio, it must be Twisted's CancelledError."""

    def __init__(self, step: Any) -> None:
        self._step = step

    def __await__(self) -> Generator[Any, Any, Response]:
        driven = self._step
        try:
            awaited = driven.send(None)
            while True:
                try:
                    sent = yield awaited
                except GeneratorExit:
                    driven.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - passed to the coroutine, as `yield from` does
                    is_twisted = isinstance(error, CancelledError) and running_loop() is None
                    awaited = driven.throw(DeferredCancelled() if is_twisted else error)
                else:
                    awaited = driven.send(sent)
        except StopIteration as stop:
            found: Response = stop.value
            return found


def _only_cancellations(failure: Any) -> None:
    failure.trap(CancelledError, DeferredCancelled)
