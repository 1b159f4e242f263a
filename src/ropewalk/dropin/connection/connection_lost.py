"""How a program of twisted.web is notified that its connection has ended.

First its producer is stopped, then `connectionLost` is called, as Twisted's transports do. An exception of either is
logged and does not prevent the other call.

| the engine reports | the reason is |
|---|---|
| done: closed by the client, a timeout or the program | `ConnectionDone` |
| lost: reset by the client | `ConnectionLost` |
| cut: by a shutdown, or the client took nothing for too long | `ConnectionLost` |
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
    """Return Twisted's exception for the way in which a connection ended. None (unknown) counts as lost."""
    reason: BaseException = _REASONS.get(how or "lost", ConnectionLost)(*details)
    return reason


def end_connection(producer: Any, connection_lost: Callable[[Failure], object], reason: BaseException) -> None:
    """Stop a producer, if there is one, and call `connectionLost` of the protocol."""
    if producer is not None:
        stop_producer(producer)
    try:
        connection_lost(Failure(reason))
    except BaseException as error:
        if interrupts(error):
            raise
        protocol = getattr(connection_lost, "__self__", connection_lost)
        log.failure("{protocol} failed when its connection was lost.", Failure(error), protocol=protocol)
