"""The hooks of a stop: each has its time, the log names one that takes long, and what follows waits for its end."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from ropewalk.calling.task import call_hook, start
from ropewalk.errors import named
from ropewalk.tracebacks import shown_failure

log = Logger(namespace="ropewalk.server")

QUIET: Final = 1.0
"""Seconds after which the log says what a stop waits for."""

PATIENCE: Final = 1.0
"""Seconds for a hook to end once it was cancelled."""

LEAST: Final = 5.0
"""Seconds that a stop hook has at least: a short drain cuts requests off, but a database is still to be closed."""

Hook = Callable[[], Any]


class StopHooks:
    """The hooks of one stop. `call_later(seconds, function)` is the reactor's; `seconds` are those of a drain."""

    def __init__(self, call_later: Callable[..., Any], seconds: float) -> None:
        self._call_later = call_later
        self._seconds = seconds
        self._running: set[_Call] = set()

    async def call_stopping(self, hook: Hook) -> None:
        """Call a hook that is called when a stop begins: it is cancelled when the drain is cut off."""
        await self._call("on_stopping", hook, self._seconds)

    async def call_stop(self, hook: Hook) -> None:
        """Call a hook that is called after the drain, and has its time for itself."""
        await self._call("stop", hook, max(self._seconds, LEAST))

    def cancel(self) -> None:
        """Cancel those that run."""
        for call in tuple(self._running):
            call.cancel("")

    async def _call(self, kind: str, hook: Hook, seconds: float) -> None:
        call = _Call(f"The {kind} hook {named(hook)}", hook, self._call_later, seconds)
        self._running.add(call)
        try:
            await call.run()
        finally:
            self._running.discard(call)


class _Call:
    """A hook that is called."""

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
        """Come back when the hook has ended, which may be later than the cancellation, or when it is given up."""
        self._task = start(self._tell())
        self._task.addErrback(lambda _: None)  # it was cancelled: what the hook makes of that is told by `_tell`
        if not self._ended.called:
            if self._seconds > QUIET:
                self._after(QUIET, self._remark)
            self._after(self._seconds, self.cancel, f" after {self._seconds:g} s")
        try:
            await self._ended
        finally:
            for timer in self._timers:
                if timer.active():
                    timer.cancel()

    def cancel(self, when: str) -> None:
        """Cancel the hook, once, and give it up where it goes on nevertheless."""
        if self._cancelled or self._ended.called or self._task is None:
            return
        self._cancelled = True
        log.warn("{who} was cancelled{when}.", who=self._who, when=when)
        self._after(PATIENCE, self._give_up)
        self._task.cancel()

    async def _tell(self) -> None:
        """Call the hook, and tell of its end."""
        try:
            await call_hook(self._hook)
        except (asyncio.CancelledError, CancelledError):
            if not self._cancelled:
                log.warn("{who} was cancelled.", who=self._who)
        except Exception as error:  # noqa: BLE001 - the waiter reports it
            if self._ended.called:
                log.failure("RW208 {who} failed after all.", shown_failure(error), who=self._who)
            else:
                self._ended.errback(error)
            return
        if not self._ended.called:
            self._ended.callback(None)

    def _remark(self) -> None:
        if not self._cancelled:
            left = self._seconds - QUIET
            log.info("Stopping: {who} still runs, up to {left:g} s more.", who=_within(self._who), left=left)

    def _give_up(self) -> None:
        if not self._ended.called:
            log.warn("{who} does not end when it is cancelled: it is not waited for.", who=self._who)
            self._ended.callback(None)

    def _after(self, seconds: float, call: Callable[..., None], *args: Any) -> None:
        self._timers.append(self._call_later(seconds, call, *args))


def _within(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
