"""Let a stop of the app wait, for a limited time, for calls on threads, because a thread cannot be cancelled."""

from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from ropewalk.errors import CATALOGUE
from ropewalk.waiting import Waiter

STOP_LIMIT: Final = 5.0
"""The maximum number of seconds for which a stop waits for calls that are still running after every response is
complete or cut off."""
STOP_MINIMUM: Final = 1.0
"""The minimum number of seconds for which a stop waits, even after its deadline, because a thread needs time to notice
the stop."""
CHECK: Final = 0.02
"""Seconds between two checks for running calls."""

log = Logger(namespace="ropewalk.wsgi")


async def wait_for_calls(
    who: str, seconds: float | None, running: Callable[[], int], is_over: Callable[[], bool]
) -> None:
    """Wait until no call is running, or until `is_over` returns True.

    `who` names the application in the log. `seconds` is the time left until the deadline of the stop, or None.
    """
    limit = STOP_LIMIT if seconds is None else min(STOP_LIMIT, max(seconds, STOP_MINIMUM))
    for turn in range(round(limit / CHECK)):
        busy = running()
        if not busy:
            return
        calls = f"1 call of {who} still runs" if busy == 1 else f"{busy} calls of {who} still run"
        if is_over():
            break
        if turn == 1:
            log.info("Stopping: {calls}. Waiting up to {seconds:g} s.", calls=calls, seconds=round(limit, 1))
        await _pause(CHECK)
    log.warn("RW706 {calls}. {remedy}", calls=calls, remedy=CATALOGUE["RW706"].remedy)


def _pause(seconds: float) -> Waiter[None]:
    """Return a Waiter that fires after `seconds`, by a timer of the event loop, or of the reactor if no loop runs."""
    pause: Waiter[None] = Waiter()

    def end() -> None:
        if not pause.called:
            pause.callback(None)

    loop = running_loop()
    if loop is not None:
        loop.call_later(seconds, end)
    else:
        from twisted.internet import reactor

        reactor.callLater(seconds, end)
    return pause
