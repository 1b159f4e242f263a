"""What is done when the process forks: a child inherits the engine's descriptors, and must not use the parent's.

`os.fork()` calls this, and so does whatever is made of it: `multiprocessing`, pre-fork recipes, daemons. A child that
starts another program at once, as `subprocess` and `spawnProcess` do, has none of the descriptors.
"""

import os
from mmap import mmap
from typing import Protocol
from weakref import WeakSet


class Follower(Protocol):
    """What has an engine, or something else that is one process's own."""

    def forked(self) -> None:
        """In the child, before anything else there. Other threads are gone; the reactor may be told nothing."""

    def has_forked(self) -> None:
        """In the parent."""


class ServingChildren:
    """Whether a forked child serves on the listening sockets that it has inherited. True from then on.

    A child that serves has to keep the sockets when its parent stops. A helper, as of `multiprocessing`, has copies of
    them too and never accepts: they must end with the parent, or clients would connect and get no response. The parent
    cannot tell them apart when it forks, so the child notes it when it runs its reactor.
    """

    def __init__(self) -> None:
        self._shared = mmap(-1, 1)
        """Memory of this process and those that are forked from it."""

    def note(self) -> None:
        """This process is a child, and serves."""
        self._shared[0] = 1

    def __bool__(self) -> bool:
        return self._shared[0] != 0


_followers: "WeakSet[Follower]" = WeakSet()


def follow_forks(follower: Follower) -> None:
    """Have something told of forks, as long as there is another reference to it."""
    _followers.add(follower)


def _in_child() -> None:
    for follower in tuple(_followers):
        follower.forked()


def _in_parent() -> None:
    for follower in tuple(_followers):
        follower.has_forked()


os.register_at_fork(after_in_child=_in_child, after_in_parent=_in_parent)
