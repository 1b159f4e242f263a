"""A task that lives as long as a server, for anyio to tie its worker threads to.

anyio ends its threads with the root task, the one that runs the loop. Under a reactor there is none, and it would take
the handler that asked for a thread instead: each request would start threads of its own. It knows the task that runs
uvloop by the module of a callback; here is such a callback, on a task that does nothing else. If anyio looks for
another sign one day, threads end with their requests, and nothing else changes.
"""

from asyncio import Future, Task
from asyncio import _get_running_loop as running_loop

from ropewalk.waiting import Waiter


class RootTask:
    """The task, from start to stop. Without an asyncio loop there is none, as anyio has no threads there."""

    def __init__(self) -> None:
        self._task: Task[None] | None = None
        self._release: Future[None]

    def start(self) -> None:
        """Begin the task on the running loop."""
        loop = running_loop()
        if loop is None:
            return
        self._release = loop.create_future()
        self._task = loop.create_task(_wait(self._release), name="root of worker threads")
        self._task.add_done_callback(_mark)

    async def stop(self) -> None:
        """End the task, and so the threads. They are no daemons: a process does not exit before they have ended."""
        task, self._task = self._task, None
        if task is None:
            return
        self._release.set_result(None)
        if running_loop() is not None:
            ended: Waiter[None] = Waiter()  # a coroutine that Twisted drives cannot await a task of asyncio's
            task.add_done_callback(lambda _: None if ended.called else ended.callback(None))
            await ended


async def _wait(release: "Future[None]") -> None:
    await release


def _mark(_: object) -> None:
    """What anyio knows the task by."""


_mark.__module__ = "uvloop.loop"
