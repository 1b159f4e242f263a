"""Calls the producers of programs: adapts pull producers to the engine's sockets, and handles exceptions."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk.errors import interrupts

log = Logger(namespace="ropewalk.dropin")

MAX_CALLS: Final = 16
"""The maximum number of calls of a pull producer in sequence, before other connections are served."""


class Consumer(Protocol):
    """The consumer of a pull producer: a channel or a transport."""

    def later(self, call: Callable[[], None]) -> None: ...
    def unregisterProducer(self) -> None: ...
    def abortConnection(self) -> None: ...


@implementer(IPushProducer)
class PullAdapter:
    """A push producer that calls a pull producer as long as there is space."""

    def __init__(self, producer: Any, consumer: Consumer) -> None:
        self._producer = producer
        self._consumer = consumer
        self._calling = False
        self._going = False
        self._over = False

    def startStreaming(self) -> None:
        """Start to call the producer."""
        self.resumeProducing()

    def stopStreaming(self) -> None:
        """Stop calling the producer, because it was unregistered."""
        self._over = True

    def pauseProducing(self) -> None:
        """Stop calling the producer for now, because there is not enough space."""
        self._going = False

    def resumeProducing(self) -> None:
        """Continue to call the producer, because there is space."""
        self._going = True
        if not self._calling:
            self._call_producer()

    def stopProducing(self) -> None:
        """Stop the producer, because the connection has ended."""
        self._over = True
        self._producer.stopProducing()

    def end(self) -> None:
        """Stop the producer at the end of the connection, unless it is stopped already. It is never called again."""
        if not self._over:
            stop_producer(self)

    def _call_producer(self) -> None:
        self._calling = True
        try:
            for _ in range(MAX_CALLS):
                if self._over or not self._going:
                    return
                self._producer.resumeProducing()
        except BaseException as error:
            if interrupts(error):
                raise
            log.failure("{producer} failed; its connection is closed.", Failure(error), producer=self._producer)
            self._consumer.unregisterProducer()
            self._consumer.abortConnection()
            return
        finally:
            self._calling = False
        if self._going and not self._over:
            self._consumer.later(self._continue)

    def _continue(self) -> None:
        if self._going and not self._over and not self._calling:
            self._call_producer()


def stop_producer(producer: Any) -> None:
    """Stop a producer. Any exception is logged, including the exception for a missing `stopProducing`."""
    try:
        producer.stopProducing()
    except BaseException as error:
        if interrupts(error):
            raise
        log.failure("{producer} failed when it was stopped.", Failure(error), producer=producer)


def resume_producer(producer: Any, close: Callable[[BaseException], object]) -> None:
    """Resume a producer. An exception is logged and closes the connection, as with Twisted's transports."""
    try:
        producer.resumeProducing()
    except BaseException as error:
        if interrupts(error):
            raise
        log.failure("{producer} failed; its connection is closed.", Failure(error), producer=producer)
        close(error)
