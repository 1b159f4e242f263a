"""Keeps the cleanups of dependencies that still run after the response, so that a stop waits for them."""

from collections.abc import Collection, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from ropewalk.calling.error_handlers import CANCELLATIONS
from ropewalk.calling.task import start
from ropewalk.waiting import Waiter


class Cleanups:
    """The running cleanups of a served app."""

    def __init__(self) -> None:
        self._running: set[Deferred[Any]] = set()

    def __bool__(self) -> bool:
        return bool(self._running)

    def run(self, cleanup: Coroutine[Any, Any, None]) -> None:
        """Run a cleanup. It must handle all errors itself, except the cancellation when the app stops."""
        running = start(cleanup)
        if not running.called:
            self._running.add(running)
            running.addBoth(self._end, running)

    async def finish(self) -> None:
        """Wait for all running cleanups, including cleanups that begin during the wait. Cancelling the wait cancels the
        cleanups."""
        while self._running:
            await _all(self._running)

    def _end(self, result: Any, running: Deferred[Any]) -> Any:
        self._running.discard(running)
        return None if isinstance(result, Failure) and result.check(*CANCELLATIONS) else result


def _all(running: Collection[Deferred[Any]]) -> Waiter[None]:
    """Return an awaitable that fires when all cleanups have ended. Cancelling it cancels the cleanups."""
    everything = DeferredList(tuple(running))
    ended: Waiter[None] = Waiter(lambda _: everything.cancel())
    everything.addCallback(lambda _: None if ended.called else ended.callback(None))
    return ended


Cleanups.finish.__qualname__ = "cleanup of dependencies"  # the log shows this name if a stop waits for cleanups
