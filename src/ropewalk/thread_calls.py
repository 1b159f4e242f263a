"""Calls of blocking functions in threads, on every reactor and in an asyncio loop without a reactor."""

from asyncio import AbstractEventLoop
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from ropewalk.waiting import Waiter

Result = TypeVar("Result")


def call_in_thread(function: Callable[..., Result], *given: Any) -> Deferred[Result]:
    """Call a function in a thread. Return a Deferred for its result. The caller limits how many calls run.

    The reactor's threads start only when it runs, and only it can deliver their results. So in an asyncio program
    without a running reactor, such as `asyncio.run(hash_password("..."))`, a Deferred of theirs would never fire. If a
    loop runs in the calling thread, each call has a thread of its own, and the loop delivers the result.
    """
    loop = running_loop()
    if loop is None:
        return deferToThread(function, *given)
    waiter: Waiter[Result] = Waiter()
    Thread(target=_run, args=(loop, waiter, function, given), name="ropewalk-call", daemon=True).start()
    return waiter


def _run(loop: AbstractEventLoop, waiter: Waiter[Any], function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Call the function, in its thread."""
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
