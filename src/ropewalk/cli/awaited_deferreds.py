"""Runs coroutines that await Deferreds in a task of asyncio, which by itself can only await futures."""

from asyncio import AbstractEventLoop, Future
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

from twisted.internet.defer import Deferred


@coroutine
def with_deferreds(inner: Coroutine[Any, Any, Any], loop: AbstractEventLoop) -> Generator[Any, Any, Any]:
    """Await a coroutine that may await Deferreds. If the task is cancelled, the Deferred is cancelled, too."""
    error: BaseException | None = None
    while True:
        try:
            awaited = inner.send(None) if error is None else inner.throw(error)
        except StopIteration as end:
            return end.value
        error = None
        try:
            if isinstance(awaited, Deferred):
                yield from _fired(awaited, loop)
            else:
                yield awaited
        except BaseException as raised:  # noqa: BLE001 - the inner coroutine gets it
            error = raised
            if isinstance(awaited, Deferred):
                awaited.addErrback(lambda _: None)  # nothing waits for it any more
                awaited.cancel()


def _fired(deferred: Deferred[Any], loop: AbstractEventLoop) -> Future[None]:
    """A future that is done when a Deferred has its result. The Deferred keeps its result, because the coroutine reads
    it from there."""
    future: Future[None] = loop.create_future()

    def end(result: Any) -> Any:
        if not future.done():
            future.set_result(None)
        return result

    deferred.addBoth(end)
    return future
