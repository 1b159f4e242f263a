"""Call blocking functions in threads. This works with every reactor, and in an asyncio loop without a reactor."""

from asyncio import AbstractEventLoop
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from ropewalk.waiting import Waiter, failed

Result = TypeVar("Result")


def call_in_thread(function: Callable[..., Result], *given: Any) -> Deferred[Result]:
    """Call a function in a thread. Return a Deferred for its result.

    The caller must limit the number of calls that run. The reactor's threads start only when the reactor runs, and only
    the running reactor can deliver their results. So without a running reactor, as in
    `asyncio.run(hash_password("..."))`, a Deferred from `deferToThread` would never fire. If an asyncio loop runs in
    the calling thread, each call gets its own thread, and the loop delivers the result.

    If the system cannot start a thread, the Deferred fails with RuntimeError.
    """
    loop = running_loop()
    waiter: Waiter[Result] = Waiter()
    try:
        if loop is None:
            return deferToThread(function, *given)
        Thread(target=_run, args=(loop, waiter, function, given), name="ropewalk-call", daemon=True).start()
    except RuntimeError as error:  # the system cannot start a thread
        return failed(error)
    return waiter


def _run(loop: AbstractEventLoop, waiter: Waiter[Any], function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Call the function, and deliver its result to the loop. This runs in the call's own thread."""
    try:
        result = function(*given)
    except BaseException:  # noqa: BLE001 - delivered to the caller
        result = Failure()
    try:
        loop.call_soon_threadsafe(_deliver, waiter, result)
    except RuntimeError:  # the loop is closed, so no caller waits
        return


def _deliver(waiter: Waiter[Any], result: Any) -> None:
    if not waiter.called:
        waiter.callback(result)  # a Failure makes the waiter fail
