"""How a program of twisted.web's is told that its connection is over.

First the producer is stopped, then `connectionLost` is called, as Twisted's transports do. What either raises is logged
and keeps nothing from the other.

| the engine says | the reason is |
|---|---|
| done: closed by the client, a timeout or the program | `ConnectionDone` |
| lost: reset by the client | `ConnectionLost` |
| cut: by a stop, or the client took nothing for too long | `ConnectionLost` |
| aborted: by the program | `ConnectionAborted` |
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.errors import interrupts

log = Logger(namespace="ropewalk.dropin")

_REASONS: Final = {"done": ConnectionDone, "lost": ConnectionLost, "cut": ConnectionLost, "aborted": ConnectionAborted}


def reason_for(how: str | None, *details: str) -> BaseException:
    """Return the exception that Twisted has for an end. Where it is not known which, the connection is lost."""
    reason: BaseException = _REASONS.get(how or "lost", ConnectionLost)(*details)
    return reason


def end_connection(producer: Any, connection_lost: Callable[[Failure], object], reason: BaseException) -> None:
    """Stop a producer, if there is one, and call `connectionLost` of what has the connection."""
    if producer is not None:
        stop_producer(producer)
    try:
        connection_lost(Failure(reason))
    except BaseException as error:
        if interrupts(error):
            raise
        whom = getattr(connection_lost, "__self__", connection_lost)
        log.failure("{whom} failed when its connection was lost.", Failure(error), whom=whom)


def stop_producer(producer: Any) -> None:
    """Stop a producer. What it raises is logged, and so is that it has no `stopProducing`."""
    try:
        producer.stopProducing()
    except BaseException as error:
        if interrupts(error):
            raise
        log.failure("{whom} failed when it was stopped.", Failure(error), whom=producer)


def resume_producer(producer: Any, close: Callable[[BaseException], object]) -> None:
    """Let a producer go on. What it raises is logged and closes its connection, as with Twisted's transports."""
    try:
        producer.resumeProducing()
    except BaseException as error:
        if interrupts(error):
            raise
        log.failure("{producer} failed; its connection is closed.", Failure(error), producer=producer)
        close(error)
