"""Notifies a twisted.web program that its connection has ended.

Like Twisted's transports, it first stops the producer, and then calls `connectionLost`. An exception from the first
call is logged and does not prevent the second.

| the engine reports | the reason is |
|---|---|
| done: closed by the client, a timeout or the program | `ConnectionDone` |
| lost: reset by the client | `ConnectionLost` |
| cut: by a shutdown, or the client read nothing for too long | `ConnectionLost` |
| aborted: by the program | `ConnectionAborted` |
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.dropin.connection.producers import stop_producer
from ropewalk.errors import interrupts

log = Logger(namespace="ropewalk.dropin")

_REASONS: Final = {"done": ConnectionDone, "lost": ConnectionLost, "cut": ConnectionLost, "aborted": ConnectionAborted}


def reason_for(how: str | None, *details: str) -> BaseException:
    """Return Twisted's exception for the way in which a connection ended. None (unknown) stands for "lost"."""
    reason: BaseException = _REASONS.get(how or "lost", ConnectionLost)(*details)
    return reason


def end_connection(producer: Any, connection_lost: Callable[[Failure], object], reason: BaseException) -> None:
    """Stop a producer, if there is one, and call the protocol's `connectionLost`."""
    if producer is not None:
        stop_producer(producer)
    try:
        connection_lost(Failure(reason))
    except BaseException as error:
        if interrupts(error):
            raise
        protocol = getattr(connection_lost, "__self__", connection_lost)
        log.failure("{protocol} failed when its connection was lost.", Failure(error), protocol=protocol)
