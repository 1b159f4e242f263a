"""Let a test client wait until the functions that run after a response (`Request.after`) have ended."""

from ropewalk.calling import CallsOfRequest
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.outgoing import Outgoing
from ropewalk.testing.timeouts import ClientTimeout
from ropewalk.waiting import Waiter, call_later


async def wait_for_after(
    background: list[CallsOfRequest], outgoing: Outgoing, seconds: float | None, *, raise_errors: bool
) -> None:
    """Wait until the functions that a request has passed to `after` have ended.

    Raises ClientTimeout after `seconds`. With `raise_errors`, raises the first exception of the functions, also of
    those that ended before this call.
    """
    for calls in background:  # a function may itself call `after`, which appends to this list
        if not await _end(calls.wait(), seconds):
            what = f"{outgoing.method} {outgoing.target.path}: {calls.names()} has not ended {seconds:g} s after the "
            raise ClientTimeout(f"{what}response. With wait_for_after=False, the client does not wait.")
        if raise_errors and calls.errors:
            raise calls.errors[0]


async def raise_dropped(clock: ClientClock, seconds: float | None, *, raise_errors: bool) -> None:
    """Wait up to `seconds` for operations that no code awaits. With `raise_errors`, raise the first error of such an
    operation (RW285)."""
    await _end(clock.operations_ended(), seconds)
    if clock.dropped:
        error = clock.dropped[0]
        clock.dropped.clear()
        if raise_errors:
            raise error


async def _end(waiting: Waiter[None], seconds: float | None) -> bool:
    """Wait for some event, for up to `seconds`. Return whether it has happened."""
    ended: Waiter[bool] = Waiter()

    def settle(result: bool) -> None:
        if not ended.called:
            ended.callback(result)

    cancel = None if seconds is None else call_later(seconds, lambda: settle(False))
    waiting.addCallback(lambda _: settle(True))
    in_time = False
    try:
        in_time = await ended
    finally:
        if cancel is not None and (in_time or not ended.called):
            cancel()
    return in_time
