"""Runs stopping hooks and stop hooks with a time limit. The log names a hook that takes long."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from ropewalk.calling.task import call_hook, start
from ropewalk.errors import named
from ropewalk.tracebacks import shown_failure

log = Logger(namespace="ropewalk.server")

LOG_DELAY: Final = 1.0
"""Seconds after which the log names the hook that a stop waits for."""

CANCEL_LIMIT: Final = 1.0
"""Seconds within which a cancelled hook must end."""

STOP_MINIMUM: Final = 5.0
"""The least time limit of a stop hook, in seconds. Even after a short drain, databases have to be closed."""

Hook = Callable[[], Any]


class StopHooks:
    """Calls the hooks when an app stops. `call_later` is the reactor's method. `seconds` is the limit of the drain."""

    def __init__(self, call_later: Callable[..., Any], seconds: float) -> None:
        self._call_later = call_later
        self._seconds = seconds
        self._running: set[_HookCall] = set()

    async def call_stopping(self, hook: Hook) -> None:
        """Call a hook at the beginning of a stop. It is cancelled when the drain is cut off."""
        await self._call("on_stopping", hook, self._seconds)

    async def call_stop(self, hook: Hook) -> None:
        """Call a stop hook, after the drain. Its time limit begins with the call."""
        await self._call("stop", hook, max(self._seconds, STOP_MINIMUM))

    def cancel(self) -> None:
        """Cancel all running hooks."""
        for call in tuple(self._running):
            call.cancel("")

    async def _call(self, kind: str, hook: Hook, seconds: float) -> None:
        call = _HookCall(f"The {kind} hook {named(hook)}", hook, self._call_later, seconds)
        self._running.add(call)
        try:
            await call.run()
        finally:
            self._running.discard(call)


class _HookCall:
    """One call of a hook."""

    def __init__(self, who: str, hook: Hook, call_later: Callable[..., Any], seconds: float) -> None:
        self._who = who
        self._hook = hook
        self._call_later = call_later
        self._seconds = seconds
        self._timers: list[Any] = []
        self._cancelled = False
        self._task: Deferred[Any] | None = None
        self._ended: Deferred[None] = Deferred()

    async def run(self) -> None:
        """Return when the hook has ended. After a cancellation, wait only up to CANCEL_LIMIT."""
        self._task = start(self._run_hook())
        self._task.addErrback(lambda _: None)  # ignore a cancellation, because `_run_hook` reports how the hook ended
        if not self._ended.called:
            if self._seconds > LOG_DELAY:
                self._after(LOG_DELAY, self._log_wait)
            self._after(self._seconds, self.cancel, f" after {self._seconds:g} s")
        try:
            await self._ended
        finally:
            for timer in self._timers:
                if timer.active():
                    timer.cancel()

    def cancel(self, when: str) -> None:
        """Cancel the hook, once. If it still runs after CANCEL_LIMIT, stop waiting for it."""
        if self._cancelled or self._ended.called or self._task is None:
            return
        self._cancelled = True
        log.warn("{who} was cancelled{when}.", who=self._who, when=when)
        self._after(CANCEL_LIMIT, self._give_up)
        self._task.cancel()

    async def _run_hook(self) -> None:
        """Call the hook, and notify `run` when it ends."""
        try:
            await call_hook(self._hook)
        except (asyncio.CancelledError, CancelledError):
            if not self._cancelled:
                log.warn("{who} was cancelled.", who=self._who)
        except Exception as error:  # noqa: BLE001 - passed to the caller of `run`
            if self._ended.called:
                log.failure(
                    "RW208 {who} failed after the server had stopped waiting for it.",
                    shown_failure(error),
                    who=self._who,
                )
            else:
                self._ended.errback(error)
            return
        if not self._ended.called:
            self._ended.callback(None)

    def _log_wait(self) -> None:
        if not self._cancelled:
            left = self._seconds - LOG_DELAY
            log.info("Stopping: waiting up to {left:g} s more for {who}.", who=_uncapitalized(self._who), left=left)

    def _give_up(self) -> None:
        if not self._ended.called:
            log.warn("{who} does not end when it is cancelled. The server stops without waiting for it.", who=self._who)
            self._ended.callback(None)

    def _after(self, seconds: float, call: Callable[..., None], *args: Any) -> None:
        self._timers.append(self._call_later(seconds, call, *args))


def _uncapitalized(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
