"""Runs the lifespan of an ASGI application ("Lifespan" 2.0) when the served app starts and stops."""

import asyncio
from asyncio import CancelledError, Future, Queue, Task, get_running_loop
from typing import Any, Final, Literal

from twisted.logger import Logger

from ropewalk.asgi.messages import LIFESPAN, Application, Message, unfit
from ropewalk.errors import HostedError, named, shown
from ropewalk.tracebacks import shown_failure

log = Logger(namespace="ropewalk.asgi")

Mode = Literal["auto", "on", "off"]

RETURN_LIMIT: Final = 1.0
"""Seconds within which an application must return after its last message: shutdown complete, or startup failed."""


class Lifespan:
    """Runs the lifespan. Entries that an application puts into `state` are copied into the scope of every request.

    An application without a lifespan raises or returns before its startup is complete. In the mode "auto", such an
    application is served nevertheless. In the mode "on", this is an error. In the mode "off", no lifespan runs.
    """

    def __init__(self, application: Application, state: dict[str, Any], mode: Mode) -> None:
        self._application = application
        self._state = state
        self._mode = mode
        self._inbox: Queue[Message]
        self._started: Future[None]
        self._stopped: Future[None]
        self._task: Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Return when the startup is complete. Raises HostedError (RW711) if it failed."""
        if self._mode == "off":
            return
        self._state.clear()
        loop = get_running_loop()
        self._inbox = Queue()
        self._started = loop.create_future()
        self._stopped = loop.create_future()
        self._stopping = False
        self._inbox.put_nowait({"type": "lifespan.startup"})
        task = loop.create_task(self._run(), name=f"lifespan of {named(self._application)}")
        try:
            await self._started
        except HostedError:
            await _end(task)
            raise
        except CancelledError:
            task.cancel()
            raise
        self._task = task

    async def stop(self) -> None:
        """Return when the shutdown is complete or has failed. A failure is logged."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        self._stopping = True
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        try:
            await self._stopped
            await _end(task)
        finally:
            task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": LIFESPAN}, "state": self._state}
        try:
            await self._application(scope, self._inbox.get, self._send)
        except CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - `_ended` reports it
            self._ended(error)
        else:
            self._ended(None)

    async def _send(self, message: Message) -> None:
        """Take a message. Raises HostedError (RW713) if it is invalid at this time."""
        kind = message.get("type")
        if kind == "lifespan.startup.complete" and not self._started.done():
            self._started.set_result(None)
        elif kind == "lifespan.startup.failed" and not self._started.done():
            self._fail(f"did not start: {_reason(message)}")
        elif kind == "lifespan.shutdown.complete" and self._stopping and not self._stopped.done():
            self._stopped.set_result(None)
        elif kind == "lifespan.shutdown.failed" and self._stopping and not self._stopped.done():
            log.error("RW712 {who} did not stop cleanly: {why}", who=named(self._application), why=_reason(message))
            self._stopped.set_result(None)
        else:
            raise unfit(message, "at the wrong time of the lifespan")

    def _ended(self, error: BaseException | None) -> None:
        """Handle the end of the application, which has returned or has raised `error`."""
        if not self._started.done():
            what = "returned" if error is None else f"raised {shown(error)}"
            if self._mode == "on":
                self._fail(f"{what} before its startup was complete.", error)
                return
            who = named(self._application)
            log.info("{who} is served without a lifespan: it {what} when the lifespan began.", who=who, what=what)
            self._started.set_result(None)
        elif error is not None and not self._started.cancelled() and self._started.exception() is None:
            log.failure(
                "RW712 The lifespan of {who} ended with {error}.",
                shown_failure(error),
                who=named(self._application),
                error=shown(error),
            )
        if not self._stopped.done():
            self._stopped.set_result(None)

    def _fail(self, what: str, cause: BaseException | None = None) -> None:
        error = HostedError("RW711", f"{named(self._application)} {what}")
        error.__cause__ = cause
        self._started.set_exception(error)


async def _end(task: Task[None]) -> None:
    """Wait up to RETURN_LIMIT for an application to return after its last message, then cancel it."""
    await asyncio.wait({task}, timeout=RETURN_LIMIT)
    task.cancel()


def _reason(message: Message) -> str:
    """The reason that an application gives for its failure: a sentence or a traceback."""
    reason = str(message.get("message") or "it gives no reason").strip()
    return f"\n{reason}\n" if "\n" in reason else f"{reason}."
