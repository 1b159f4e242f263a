"""Let a test client wait until the functions have ended that run after a response (`Request.after`)."""

from ropewalk.app import App
from ropewalk.calling import CallsOfRequest
from ropewalk.testing.outgoing import Outgoing
from ropewalk.testing.timeouts import ClientTimeout
from ropewalk.waiting import Waiter, call_later


async def wait_for_after(app: App, outgoing: Outgoing, seconds: float | None, *, raise_errors: bool) -> None:
    """Wait until the functions that a request has passed to `after` have ended.

    Raises ClientTimeout after `seconds`. With `raise_errors`, raises the first exception of the functions.
    """
    for calls in app.background.found(outgoing.method, outgoing.target.path.encode("latin-1")):
        if not await _end(calls, seconds):
            what = f"{outgoing.method} {outgoing.target.path}: {calls.names()} has not ended {seconds:g} s after the "
            raise ClientTimeout(f"{what}response. With wait_for_after=False, the client does not wait.")
        if raise_errors and calls.errors:
            raise calls.errors[0]


async def _end(calls: CallsOfRequest, seconds: float | None) -> bool:
    """Wait for the functions of a request, for up to `seconds`. Return whether they have ended."""
    ended: Waiter[bool] = Waiter()

    def settle(result: bool) -> None:
        if not ended.called:
            ended.callback(result)

    cancel = None if seconds is None else call_later(seconds, lambda: settle(False))
    calls.wait().addCallback(lambda _: settle(True))
    in_time = False
    try:
        in_time = await ended
    finally:
        if cancel is not None and (in_time or not ended.called):
            cancel()
    return in_time
