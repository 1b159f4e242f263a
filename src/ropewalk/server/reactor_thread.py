"""The thread that runs a reactor, which may differ from the thread that sets up the server.

For example, crochet and some applications call `listenTCP`, and then start `Thread(target=reactor.run, args=(False,))`.
So the engine is bound to a thread when the reactor runs, not when the server is created.
"""

from collections.abc import Callable
from threading import get_ident
from typing import Any

from twisted.python import threadable


def runs_elsewhere(reactor: Any) -> bool:
    """Whether a reactor is running in a thread other than the current one."""
    io_thread: int | None = threadable.ioThread
    return bool(getattr(reactor, "running", False)) and io_thread not in (None, get_ident())


def when_running(reactor: Any, call: Callable[[], object]) -> None:
    """Call a function in the thread that runs the reactor: at once if the caller is in that thread, or else as soon as
    the reactor runs."""
    if runs_elsewhere(reactor):
        reactor.callFromThread(call)
    else:
        reactor.callWhenRunning(call)
