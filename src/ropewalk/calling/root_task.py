"""A task that lives as long as a server, so that anyio keeps its worker threads for that time.

anyio ends its threads when the root task ends. The root task is the task that runs the event loop, but a reactor has no
such task. So anyio would use the task of the handler that needs a thread, and each request would start its own threads.
To find the root task, anyio also looks for a done callback from uvloop's module. This task has such a callback and does
nothing else. If a future version of anyio finds the root task in another way, threads end with their requests again.
"""

from asyncio import Future, Task
from asyncio import _get_running_loop as running_loop

from ropewalk.waiting import Waiter


class RootTask:
    """Holds the root task from `start` to `stop`.

    Without an asyncio loop it holds no task, because anyio then has no threads.
    """

    def __init__(self) -> None:
        self._task: Task[None] | None = None
        self._release: Future[None]

    def start(self) -> None:
        """Start the task on the running event loop, if there is one."""
        loop = running_loop()
        if loop is None:
            return
        self._release = loop.create_future()
        self._task = loop.create_task(_wait(self._release), name="root of worker threads")
        self._task.add_done_callback(_mark)

    async def stop(self) -> None:
        """End the task, which ends the threads. They are not daemon threads, so they would keep the process alive."""
        task, self._task = self._task, None
        if task is None:
            return
        self._release.set_result(None)
        if running_loop() is not None:
            ended: Waiter[None] = Waiter()  # a coroutine that Twisted drives cannot await an asyncio task
            task.add_done_callback(lambda _: None if ended.called else ended.callback(None))
            await ended


async def _wait(release: "Future[None]") -> None:
    await release


def _mark(_: object) -> None:
    """The done callback that makes anyio take the task for the root task."""


_mark.__module__ = "uvloop.loop"
