"""Producers that want to be asked, on sockets of the engine's."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk.dropin.connection.connection_lost import stop_producer
from ropewalk.errors import interrupts

log = Logger(namespace="ropewalk.dropin")

AT_ONCE: Final = 16
"""How often a producer is asked before others have their turn."""


class Channel(Protocol):
    """What is there of a channel."""

    def later(self, call: Callable[[], None]) -> None: ...
    def unregisterProducer(self) -> None: ...
    def abortConnection(self) -> None: ...


@implementer(IPushProducer)
class PullAdapter:
    """Asks a pull producer for more as long as there is room."""

    def __init__(self, producer: Any, channel: Channel) -> None:
        self._producer = producer
        self._channel = channel
        self._asking = False
        self._going = False
        self._over = False

    def startStreaming(self) -> None:
        """Begin."""
        self.resumeProducing()

    def stopStreaming(self) -> None:
        """It is not registered any more."""
        self._over = True

    def pauseProducing(self) -> None:
        """There is no room."""
        self._going = False

    def resumeProducing(self) -> None:
        """There is room."""
        self._going = True
        if not self._asking:
            self._ask()

    def stopProducing(self) -> None:
        """The client has left."""
        self._over = True
        self._producer.stopProducing()

    def end(self) -> None:
        """There is no connection any more. One that was not told so is stopped, for it is never asked again."""
        if not self._over:
            stop_producer(self)

    def _ask(self) -> None:
        self._asking = True
        try:
            for _ in range(AT_ONCE):
                if self._over or not self._going:
                    return
                self._producer.resumeProducing()
        except BaseException as error:
            if interrupts(error):
                raise
            log.failure("{producer} failed; its connection is closed.", Failure(error), producer=self._producer)
            self._channel.unregisterProducer()
            self._channel.abortConnection()
            return
        finally:
            self._asking = False
        if self._going and not self._over:
            self._channel.later(self._ask_on)

    def _ask_on(self) -> None:
        if self._going and not self._over and not self._asking:
            self._ask()
