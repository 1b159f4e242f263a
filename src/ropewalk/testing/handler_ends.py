"""Let a test client wait, for a limited time, for handlers whose client has disconnected."""

from asyncio import _get_running_loop as running_loop
from typing import Any, Final

from ropewalk.calling import HandlerTask
from ropewalk.testing.idle_reactor import installed
from ropewalk.waiting import Waiter

_END_TIMEOUT: Final = 1.0
"""The maximum number of seconds to wait until such handlers have ended."""


async def end_of(tasks: set[HandlerTask]) -> set[HandlerTask]:
    """Wait up to `_END_TIMEOUT` for tasks to end. Return the tasks that are still running."""
    running = {task for task in tasks if not task.finished}
    if not running:
        return running
    ended: Waiter[None] = Waiter()

    def task_ended(task: Any = None) -> None:
        running.discard(task)
        if (task is None or not running) and not ended.called:
            ended.callback(None)

    for task in tuple(running):
        task.add_done_callback(task_ended)
    runner: Any = running_loop() or running_reactor()
    timer = (getattr(runner, "call_later", None) or runner.callLater)(_END_TIMEOUT, task_ended)
    await ended
    if not running:
        timer.cancel()
    return running


def running_reactor() -> Any:
    """The installed reactor. Raises RuntimeError if there is none."""
    reactor = installed()
    if reactor is None:
        raise RuntimeError("AsyncClient is for coroutines that asyncio or a reactor runs. Use Client in a plain test.")
    return reactor
