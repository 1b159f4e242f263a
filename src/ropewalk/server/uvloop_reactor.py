"""The asyncio reactor on uvloop, which also notices that a connection was reset while unread bytes are left.

When the system reports an error of a socket, uvloop calls the callbacks of the socket once and then forgets it (its
`UVPoll` closes the handle). Twisted's transport reads at most 64 KiB in one call. So Twisted would neither read the
rest nor find the error, and the connection would never end.
"""

import select
from typing import Any

from twisted.internet import asyncioreactor
from twisted.internet.tcp import Connection
from twisted.python.log import callWithLogger


class AsyncioSelectorReactor(asyncioreactor.AsyncioSelectorReactor):
    """Twisted's asyncio reactor, which watches a socket again after an error that its transport has not found yet.

    It has the name of its base class, because programs and logs show the name of the reactor.
    """

    def _readOrWrite(self, selectable: Any, read: Any) -> None:
        # This comes first, because reading may clear the error. Only Twisted's connections need the check, not the
        # engine's descriptor.
        failed = isinstance(selectable, Connection) and _has_error(selectable.fileno())
        super()._readOrWrite(selectable, read)  # type: ignore[no-untyped-call]
        if failed:
            self._watch_again(selectable)

    def _watch_again(self, selectable: Any) -> None:
        """Replace uvloop's handle with a new one, which watches the selectable for the same events as before."""
        loop: Any = self._asyncioEventloop
        reading, writing = self._readers.get(selectable), self._writers.get(selectable)
        if reading is not None:
            loop.remove_reader(reading)
        if writing is not None:
            loop.remove_writer(writing)
        if reading is not None:
            loop.add_reader(reading, callWithLogger, selectable, self._readOrWrite, selectable, True)
        if writing is not None:
            loop.add_writer(writing, callWithLogger, selectable, self._readOrWrite, selectable, False)


def _has_error(descriptor: int) -> bool:
    """Whether the system reports an error of a descriptor."""
    if descriptor < 0:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are always reported
    return any(events & select.POLLERR for _, events in poll.poll(0))
