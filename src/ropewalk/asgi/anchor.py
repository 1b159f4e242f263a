"""A task that lives as long as the applications of a loop, for anyio to tie its worker threads to.

anyio ends its threads with the task that runs the loop. Under a reactor there is none, and it would take the call that
asked for a thread instead: each request would start threads of its own. It knows the task that runs uvloop by the
module of a callback; here is such a callback, on a task that is there for nothing else. Where anyio comes to look for
another sign, threads are as short-lived as their requests, and that is all.
"""

from asyncio import Future, Task, get_running_loop
from asyncio import _get_running_loop as running_loop

from ropewalk.asgi.messages import Application
from ropewalk.asgi.running import needs_asyncio


class Anchor:
    """The task, from start to stop."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._task: Task[None] | None = None
        self._release: Future[None]

    def start(self) -> None:
        """Raises HostedError (RW710) where no asyncio loop runs."""
        if running_loop() is None:
            raise needs_asyncio(self._application)
        loop = get_running_loop()
        self._release = loop.create_future()
        self._task = loop.create_task(_wait(self._release), name="anchor of ASGI applications")
        self._task.add_done_callback(_sign)

    async def stop(self) -> None:
        """Let go of the threads."""
        task, self._task = self._task, None
        if task is not None:
            self._release.set_result(None)
            await task


async def _wait(release: "Future[None]") -> None:
    await release


def _sign(_: object) -> None:
    """What the task is known by."""


_sign.__module__ = "uvloop.loop"
