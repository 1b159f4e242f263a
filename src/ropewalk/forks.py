"""Handle forks of the process: a child inherits the engine's file descriptors, and must not use the parent's
connections.

`os.fork()` calls the hooks in this module, also if `multiprocessing`, a pre-fork server or a daemon forks. A child
process that executes another program at once, as in `subprocess` and `spawnProcess`, does not inherit the engine's
descriptors.
"""

import os
from mmap import mmap
from typing import Protocol
from weakref import WeakSet


class ForkObserver(Protocol):
    """An object that has an engine, or other state that belongs to only one process."""

    def after_fork_in_child(self) -> None:
        """Called in the child before any other code. The child has no other threads.

        This method must not use the reactor.
        """

    def after_fork_in_parent(self) -> None:
        """Called in the parent after the fork."""


class ServingChildren:
    """Whether a forked child serves on the listening sockets that it has inherited. Once this is true, it stays true.

    A child that serves must keep the sockets when its parent stops. A helper process, for example of `multiprocessing`,
    has copies of the sockets but never accepts on them. They must be closed together with the parent, because clients
    would otherwise connect and get no response. The parent cannot distinguish these two cases when it forks, so the
    child records that it serves when it runs its reactor.
    """

    def __init__(self) -> None:
        self._shared = mmap(-1, 1)
        """Memory that this process shares with its forked children."""

    def note(self) -> None:
        """Record that this process is a child that serves."""
        self._shared[0] = 1

    def __bool__(self) -> bool:
        return self._shared[0] != 0


_observers: "WeakSet[ForkObserver]" = WeakSet()


def observe_forks(observer: ForkObserver) -> None:
    """Call the methods of an observer at every fork. Only a weak reference to the observer is kept."""
    _observers.add(observer)


def _after_fork_in_child() -> None:
    for observer in tuple(_observers):
        observer.after_fork_in_child()


def _after_fork_in_parent() -> None:
    for observer in tuple(_observers):
        observer.after_fork_in_parent()


os.register_at_fork(after_in_child=_after_fork_in_child, after_in_parent=_after_fork_in_parent)
