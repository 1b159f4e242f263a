"""The thread that runs a reactor, which may be another one than the thread that sets the server up.

`Thread(target=reactor.run, args=(False,))` after `listenTCP` is a common recipe, and crochet does it for its users. So
what belongs to the reactor's thread is bound to it when the reactor runs, not when the server is made.
"""

from collections.abc import Callable
from threading import get_ident
from typing import Any

from twisted.python import threadable


def runs_elsewhere(reactor: Any) -> bool:
    """Whether a reactor runs now, in another thread than this one."""
    io_thread: int | None = threadable.ioThread
    return bool(getattr(reactor, "running", False)) and io_thread not in (None, get_ident())


def when_running(reactor: Any, call: Callable[[], object]) -> None:
    """Make a call in the thread that runs the reactor: now, if this is it, or as soon as the reactor runs."""
    if runs_elsewhere(reactor):
        reactor.callFromThread(call)
    else:
        reactor.callWhenRunning(call)
