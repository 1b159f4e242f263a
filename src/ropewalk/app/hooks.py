"""How start and stop hooks are called, and what happens if one fails while the app stops."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import DeferredList
from twisted.logger import Logger

from ropewalk.calling import call_hook, start
from ropewalk.errors import named
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Waiter

log = Logger(namespace="ropewalk.app")

Hook = Callable[[], Any]
HookCaller = Callable[[Hook], Awaitable[None]]
"""A function that calls one hook and waits for it."""


def call_together(hooks: Sequence[Hook], call: HookCaller = call_hook) -> Waiter[None]:
    """Call hooks at the same time. Returns an awaitable that fires when all have finished.

    Cancelling it cancels the running hooks.
    """
    calls = DeferredList([start(call_logged(hook, call)) for hook in hooks], consumeErrors=True)
    through: Waiter[None] = Waiter(lambda _: calls.cancel())
    calls.addCallback(lambda _: through.callback(None))
    return through


async def call_logged(hook: Hook, call: HookCaller = call_hook) -> None:
    """Call a hook while the app stops. A failure is logged and not raised."""
    try:
        await call(hook)
    except Exception as error:  # noqa: BLE001 - the other hooks must be called, and the app stopped
        log.failure("RW208 {hook} failed while the app was stopping.", shown_failure(error), hook=named(hook))
