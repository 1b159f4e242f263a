"""Runs the calls of an ASGI application, and waits for them when the server stops."""

import sys
from asyncio import AbstractEventLoop, CancelledError, Future, Timeout, get_running_loop, timeout
from asyncio import _get_running_loop as running_loop
from collections.abc import Awaitable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from types import CoroutineType
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.asgi.message_order import COMPLETE
from ropewalk.asgi.messages import Application, Scope
from ropewalk.asgi.sending import ASGICall
from ropewalk.calling.coroutine_runner import CoroutineRunner, HandlerTask
from ropewalk.calling.task import register_task
from ropewalk.errors import HostedError, interrupts, named
from ropewalk.request import PENDING

log = Logger(namespace="ropewalk.asgi")

CANCEL_LIMIT: Final = 1.0
"""Seconds within which cancelled calls must end."""

LOG_DELAY: Final = 0.1
"""Seconds for which a stop waits for calls before it logs the wait.

The delay keeps short waits out of the log. Most calls end sooner, because `receive` has returned a disconnect to them.
"""


class CallTask(HandlerTask):
    """The task of a call whose coroutine waits.

    If the client leaves, the application is not cancelled: it is notified, and may continue or end.
    """

    __slots__ = ("call", "runner")

    call: ASGICall

    def __init__(self, runner: "CallRunner", coroutine: Any, context: Context, loop: AbstractEventLoop) -> None:
        super().__init__(coroutine, context, loop)
        self.runner = runner

    def begin_wait(self, request: ASGICall, awaited: Any) -> None:
        self.call = request
        self.runner.waiting.add(self)
        register_task(self)
        self.wait(awaited)

    def step(self, error: BaseException | None = None) -> None:
        self.call.inline = True
        super().step(error)

    def wait(self, awaited: Any) -> None:
        call = self.call
        call.inline = False
        call.flush()
        super().wait(awaited)

    def handle_outcome(self) -> None:
        error = self.error
        self.forget_frames()
        self.runner.ended(self, error)


class CallRunner:
    """Runs the calls of one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.waiting: set[CallTask] = set()
        """The calls whose coroutines wait, for any reason."""
        self._drive = CoroutineRunner(partial(CallTask, self))
        self._idle_future: Future[None] | None = None
        """A future that is done when no call waits any more."""
        self._timeout: Timeout | None = None
        """The timer that limits `finish`."""
        self._loop: AbstractEventLoop | None = None
        """The event loop that ran the last call."""

    def check_loop(self) -> None:
        """Raises HostedError (RW710) if no asyncio loop runs."""
        if running_loop() is None:
            raise _needs_asyncio(self.application)

    def run(self, scope: Scope, call: ASGICall) -> None:
        """Call the application for a request.

        If the application raises an exception before it returns an awaitable, this method raises that exception.
        """
        loop = self._loop
        if loop is None or not loop.is_running():
            # `running_loop` is not called for each request, because it makes a system call (getpid) before CPython
            # 3.12.
            loop = self._loop = running_loop()
            if loop is None:
                raise _needs_asyncio(self.application)
        coroutine: Any = self.application(scope, call.receive, call.send)
        if type(coroutine) is not CoroutineType:
            coroutine = _awaiting(coroutine)
        context = copy_context()
        failure: BaseException | None = None
        try:
            if context.run(self._drive, call, coroutine, context, loop) is PENDING:
                return
        except BaseException as error:
            if interrupts(error):
                raise
            failure = error
        if failure is not None or call.stage != COMPLETE:
            try:
                call.ended(failure, self.application)
            finally:
                failure = None  # otherwise the failure's traceback and this frame would refer to each other

    def ended(self, task: CallTask, error: BaseException | None) -> None:
        """Handle the end of a call that has waited."""
        self.waiting.discard(task)
        if not self.waiting and self._idle_future is not None and not self._idle_future.done():
            self._idle_future.set_result(None)
        task.call.ended(error, self.application)

    async def finish(self, seconds: float | None) -> None:
        """Wait up to `seconds` for calls that run after their responses, then cancel them.

        None stands for the limit `drain_timeout`.
        """
        if not self.waiting:
            return
        if seconds is None:
            seconds = float(next(iter(self.waiting)).call.request.service.engine.limits.drain_timeout)
        log_timer = get_running_loop().call_later(LOG_DELAY, self._log_wait, seconds - LOG_DELAY)
        try:
            try:
                async with timeout(seconds) as self._timeout:
                    await self._idle()
            finally:
                self._timeout = None
                log_timer.cancel()
        except TimeoutError:
            await self._cut()
        except CancelledError:
            await self._cut()
            raise

    def cut(self) -> None:
        """Make `finish` cancel the calls now."""
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(0)

    def _log_wait(self, seconds: float) -> None:
        """Log which calls a stop waits for, and the longest time that it will wait."""
        if not self.waiting:
            return
        one = len(self.waiting) == 1
        log.info(
            "Stopping: waiting up to {seconds:g} s for {calls} of {who}, which {run}.",
            calls="1 call" if one else f"{len(self.waiting)} calls",
            who=named(self.application),
            run="still runs after its response" if one else "still run after their responses",
            seconds=round(seconds, 1) if seconds < 10 else round(seconds),
        )

    async def _idle(self) -> None:
        """Return when no call waits."""
        while self.waiting:
            self._idle_future = get_running_loop().create_future()
            await self._idle_future

    async def _cut(self) -> None:
        who = named(self.application)
        calls = "1 call" if len(self.waiting) == 1 else f"{len(self.waiting)} calls"
        log.warn("RW716 Cancelled {calls} of {who}, still running after the response.", calls=calls, who=who)
        for task in self.waiting:
            task.cancel()
        with suppress(TimeoutError):
            async with timeout(CANCEL_LIMIT):
                await self._idle()


def _needs_asyncio(application: Application) -> HostedError:
    """The error for an application that has no asyncio event loop to run in."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None or hasattr(reactor, "_asyncioEventloop"):
        return HostedError("RW710", f"{named(application)} needs an asyncio event loop, and none runs.")
    what = f"the reactor is {type(reactor).__name__}, which an earlier import has installed"
    return HostedError("RW710", f"{named(application)} needs an asyncio reactor, but {what}.")


async def _awaiting(awaitable: Awaitable[None]) -> None:
    """Turn any awaitable that an application returns into a coroutine."""
    await awaitable
