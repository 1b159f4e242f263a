"""The thread that runs a reactor. The server may be set up in another thread.

`Thread(target=reactor.run, args=(False,))` after `listenTCP` is a common recipe, and crochet does it for its users. So
the engine is bound to a thread when the reactor runs, not when the server is made.
"""

from collections.abc import Callable
from threading import get_ident
from typing import Any

from twisted.python import threadable


def runs_elsewhere(reactor: Any) -> bool:
    """Whether a reactor runs in another thread now."""
    io_thread: int | None = threadable.ioThread
    return bool(getattr(reactor, "running", False)) and io_thread not in (None, get_ident())


def when_running(reactor: Any, call: Callable[[], object]) -> None:
    """Call a function in the thread that runs the reactor: now if this is it, else as soon as the reactor runs."""
    if runs_elsewhere(reactor):
        reactor.callFromThread(call)
    else:
        reactor.callWhenRunning(call)
