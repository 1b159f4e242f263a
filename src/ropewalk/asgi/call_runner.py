"""Runs the calls of an application: the first segment at once, where most calls end, and the rest as a task."""

import sys
from asyncio import AbstractEventLoop, CancelledError, Future, Timeout, get_running_loop, timeout
from asyncio import _get_running_loop as running_loop
from collections.abc import Awaitable
from contextlib import suppress
from contextvars import copy_context
from sys import getrefcount
from types import CoroutineType
from typing import Any, Final
from weakref import getweakrefcount

from twisted.logger import Logger

from ropewalk.asgi.call import ASGICall
from ropewalk.asgi.messages import Application, Scope
from ropewalk.asgi.receiving import COMPLETE
from ropewalk.calling.coroutine_runner import HandlerTask, enter_task, leave_task
from ropewalk.calling.task import register_task, swap_current_task
from ropewalk.errors import HostedError, interrupts, named

log = Logger(namespace="ropewalk.asgi")

PATIENCE: Final = 1.0
"""Seconds for calls that are cancelled to end."""

LOOK: Final = 0.1
"""Seconds that a stop waits for calls before it says so: most end when they hear that their client has left."""

_NOTHING: Final[Any] = None


class CallTask(HandlerTask):
    """A call that waits. Its client may leave meanwhile: that is for the application to hear, and ends nothing."""

    __slots__ = ("call", "runner")

    call: ASGICall

    def __init__(self, runner: "CallRunner") -> None:
        super().__init__(_NOTHING, _NOTHING, None)
        self.runner = runner

    def step(self, error: BaseException | None = None) -> None:
        self.call.inline = True
        super().step(error)

    def wait(self, awaited: Any) -> None:
        call = self.call
        call.inline = False
        call.flush()
        super().wait(awaited)

    def settle(self) -> None:
        error = self.error
        self.forget_frames()
        self.runner.ended(self, error)


class CallRunner:
    """Runs the calls of one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.waiting: set[CallTask] = set()
        """Calls that wait, for whatever."""
        self._spare: list[CallTask] = []
        """Tasks of calls that never waited: the next call can have one."""
        self._news: Future[None] | None = None
        """Done when no call waits any more."""
        self._patience: Timeout | None = None
        """How long `finish` waits, while it does."""
        self._loop: AbstractEventLoop | None = None
        """The event loop that called the application last."""

    def check_loop(self) -> None:
        """Raises HostedError (RW710) where no asyncio loop runs."""
        if running_loop() is None:
            raise _needs_asyncio(self.application)

    def run(self, scope: Scope, call: ASGICall) -> None:
        """Call the application for a request. Raises what it raises before there is anything to be awaited."""
        loop = self._loop
        if loop is None or not loop.is_running():
            # Not for each request: before CPython 3.12 this is a system call (getpid).
            loop = self._loop = running_loop()
            if loop is None:
                raise _needs_asyncio(self.application)
        coroutine: Any = self.application(scope, call.receive, call.send)
        if type(coroutine) is not CoroutineType:
            coroutine = _awaiting(coroutine)
        task = self._spare.pop() if self._spare else CallTask(self)
        task.coroutine = coroutine
        task.context = context = copy_context()
        task.loop = loop
        task.call = call
        failure: BaseException | None = None
        former = None
        try:
            enter_task(loop, task)
        except RuntimeError:  # a task that feeds the engine, such as a test
            former = swap_current_task(loop, task)
        try:
            awaited = context.run(coroutine.send, None)
        except StopIteration:
            pass
        except BaseException as error:
            if interrupts(error):
                raise
            failure = error
        else:
            self.waiting.add(task)
            register_task(task)
            task.wait(awaited)
            return
        finally:
            leave_task(loop, task)
            if former is not None:
                enter_task(loop, former)
        if getrefcount(task) == _ALONE and not task.marked and not getweakrefcount(task):
            task.coroutine = task.context = task.call = _NOTHING
            self._spare.append(task)
        else:
            task.error = failure
            task.finish()
            task.forget_frames()
        if failure is not None or call.stage != COMPLETE:
            try:
                call.ended(failure, self.application)
            finally:
                failure = None  # whose traceback has this frame

    def ended(self, task: CallTask, error: BaseException | None) -> None:
        """A call that has waited is over."""
        self.waiting.discard(task)
        if not self.waiting and self._news is not None and not self._news.done():
            self._news.set_result(None)
        task.call.ended(error, self.application)

    async def finish(self, seconds: float | None) -> None:
        """Wait for calls that run after their responses, at most so long (None: `drain_timeout`); then cancel them."""
        if not self.waiting:
            return
        if seconds is None:
            seconds = float(next(iter(self.waiting)).call.request.service.engine.limits.drain_timeout)
        told = get_running_loop().call_later(LOOK, self._log_wait, seconds - LOOK)
        try:
            try:
                async with timeout(seconds) as self._patience:
                    await self._idle()
            finally:
                self._patience = None
                told.cancel()
        except TimeoutError:
            await self._cut()
        except CancelledError:
            await self._cut()
            raise

    def cut(self) -> None:
        """Have `finish` wait no longer."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(0)

    def _log_wait(self, seconds: float) -> None:
        """Say what a stop waits for, and how much longer at most."""
        if not self.waiting:
            return
        one = len(self.waiting) == 1
        log.info(
            "Stopping: {calls} of {who} {run}, up to {seconds:g} s.",
            calls="1 call" if one else f"{len(self.waiting)} calls",
            who=named(self.application),
            run="runs after its response" if one else "run after their responses",
            seconds=round(seconds, 1) if seconds < 10 else round(seconds),
        )

    async def _idle(self) -> None:
        """Come back when no call waits."""
        while self.waiting:
            self._news = get_running_loop().create_future()
            await self._news

    async def _cut(self) -> None:
        who = named(self.application)
        calls = "1 call" if len(self.waiting) == 1 else f"{len(self.waiting)} calls"
        log.warn("RW716 {calls} of {who} still ran after the response; cancelled.", calls=calls, who=who)
        for task in self.waiting:
            task.cancel()
        with suppress(TimeoutError):
            async with timeout(PATIENCE):
                await self._idle()


def _needs_asyncio(application: Application) -> HostedError:
    """The error for an application without an asyncio event loop."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None or hasattr(reactor, "_asyncioEventloop"):
        return HostedError("RW710", f"{named(application)} was to run where no asyncio event loop runs.")
    what = f"on {type(reactor).__name__}, which is not asyncio's: an earlier import has chosen it"
    return HostedError("RW710", f"{named(application)} was to run {what}.")


async def _awaiting(awaitable: Awaitable[None]) -> None:
    """What an application returns may be of any kind that can be awaited."""
    await awaitable


def _references() -> int:
    lonely = object()
    return getrefcount(lonely)


_ALONE: Final = _references()
