"""Forks of the process: a child inherits the engine's file descriptors, and must not use those of its parent.

`os.fork()` calls these hooks, also when `multiprocessing`, pre-fork servers or daemons call it. A child that executes
another program at once, as in `subprocess` and `spawnProcess`, inherits no descriptors of the engine.
"""

import os
from mmap import mmap
from typing import Protocol
from weakref import WeakSet


class ForkObserver(Protocol):
    """An object with an engine, or with other state that belongs to one process."""

    def after_fork_in_child(self) -> None:
        """Called before the child does anything else. It has no other threads, and must not call the reactor."""

    def after_fork_in_parent(self) -> None:
        """Called after the fork."""


class ServingChildren:
    """Whether a forked child serves on the listening sockets that it inherited. Once true, it stays true.

    A child that serves must keep the sockets when its parent stops. A helper process, such as one of `multiprocessing`,
    has copies of them and never accepts: they must close with the parent, or clients would connect and get no response.
    The parent cannot tell the two apart when it forks, so the child sets this when it runs its reactor.
    """

    def __init__(self) -> None:
        self._shared = mmap(-1, 1)
        """Memory that this process shares with its forked children."""

    def note(self) -> None:
        """Set it: this process is a child that serves."""
        self._shared[0] = 1

    def __bool__(self) -> bool:
        return self._shared[0] != 0


_observers: "WeakSet[ForkObserver]" = WeakSet()


def observe_forks(observer: ForkObserver) -> None:
    """Call the methods of an object at forks. The reference is weak."""
    _observers.add(observer)


def _after_fork_in_child() -> None:
    for observer in tuple(_observers):
        observer.after_fork_in_child()


def _after_fork_in_parent() -> None:
    for observer in tuple(_observers):
        observer.after_fork_in_parent()


os.register_at_fork(after_in_child=_after_fork_in_child, after_in_parent=_after_fork_in_parent)
