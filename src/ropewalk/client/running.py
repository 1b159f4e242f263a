"""`RunningCalls`: the calls of a client that have not ended."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.python.failure import Failure

from ropewalk.calling import start
from ropewalk.client.timer import Timer
from ropewalk.waiting import Waiter


def run(coroutine: Coroutine[Any, Any, Any]) -> Waiter[Any]:
    """Run a coroutine. Returns a Waiter for its result. Cancelling the Waiter cancels the coroutine."""
    cancelled = False

    def cancel(_: object) -> None:
        nonlocal cancelled
        cancelled = True
        running.cancel()

    waiter: Waiter[Any] = Waiter(cancel)
    running = start(coroutine)
    running.addCallbacks(
        lambda result: None if cancelled else waiter.callback(result),
        lambda failure: None if cancelled else waiter.errback(failure),
    )
    return waiter


class RunningCalls:
    """The calls of a client that have not ended. Each can be ended with an error."""

    def __init__(self) -> None:
        self._ends: dict[int, Callable[[Exception], None]] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._ends)

    def run(
        self,
        coroutine: Coroutine[Any, Any, Any],
        seconds: float | None,
        make_timeout: Callable[[], Exception],
        drop: Callable[[Any], Coroutine[Any, Any, None]],
    ) -> Waiter[Any]:
        """Run the coroutine of a call. Returns a Waiter for its result. Cancelling the Waiter ends the call.

        After some seconds, the call ends with the error that `make_timeout` makes. `drop` closes a result that no code
        waits for any longer.
        """
        self._number += 1
        number = self._number
        reason: Exception | None = None
        cancelled = False

        async def run_and_drop() -> Any:
            result = await coroutine
            if cancelled:
                await drop(result)
            return result

        def end(error: Exception) -> None:
            nonlocal reason, cancelled
            reason = error
            cancelled = True
            running.cancel()

        def cancel(_: object) -> None:
            nonlocal cancelled
            cancelled = True
            running.cancel()

        waiter: Waiter[Any] = Waiter(cancel).begun_here()

        def forget() -> None:
            self._ends.pop(number, None)
            timer.cancel()

        def succeed(result: Any) -> None:
            forget()
            if reason is not None:
                waiter.errback(reason)
            elif not cancelled:
                waiter.callback(result)

        def fail(failure: Failure) -> None:
            nonlocal waiter
            forget()
            if reason is not None:
                waiter.errback(reason)
            elif not cancelled:  # otherwise the Waiter fails with Twisted's CancelledError itself
                waiter.errback(failure)
            del waiter  # so that a failure that no code awaits is reported

        timer = Timer(seconds, lambda: end(make_timeout()), real=False)
        self._ends[number] = end
        running = start(run_and_drop())
        made = waiter
        running.addCallbacks(succeed, fail)
        try:
            return made
        finally:
            del made  # since Python 3.12, the traceback of an app in this process keeps this frame, and so the Waiter

    def end_all(self, make: Callable[[], Exception]) -> None:
        """End all calls with an error."""
        for end in tuple(self._ends.values()):
            end(make())
