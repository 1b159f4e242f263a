"""A task that lives as long as a server, for anyio to tie its worker threads to.

anyio ends its threads with the task that runs the loop. Under a reactor there is none, and it would take the handler
that asked for a thread instead: each request would start threads of its own. It knows the task that runs uvloop by the
module of a callback; here is such a callback, on a task that is there for nothing else. Where anyio comes to look for
another sign, threads are as short-lived as their requests, and that is all.
"""

from asyncio import Future, Task
from asyncio import _get_running_loop as running_loop


class Anchor:
    """The task, from start to stop. Without an asyncio loop there is none, as anyio has no threads there."""

    def __init__(self) -> None:
        self._task: Task[None] | None = None
        self._release: Future[None]

    def start(self) -> None:
        loop = running_loop()
        if loop is None:
            return
        self._release = loop.create_future()
        self._task = loop.create_task(_wait(self._release), name="anchor of worker threads")
        self._task.add_done_callback(_sign)

    async def stop(self) -> None:
        """Let go of the threads. They are no daemons: a process does not exit before they have ended."""
        task, self._task = self._task, None
        if task is None:
            return
        self._release.set_result(None)
        if running_loop() is not None:
            await task


async def _wait(release: "Future[None]") -> None:
    await release


def _sign(_: object) -> None:
    """What the task is known by."""


_sign.__module__ = "uvloop.loop"
