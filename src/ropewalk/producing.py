"""Types for Twisted's producers, which write the body of a response."""

from collections.abc import Callable
from typing import Protocol

from ropewalk.errors import interrupts
from ropewalk.waiting import call_soon


class PullProducer(Protocol):
    """The methods of IPullProducer: `resumeProducing` requests one part."""

    def resumeProducing(self) -> object: ...
    def stopProducing(self) -> object: ...


class Producer(PullProducer, Protocol):
    """The methods of IPushProducer: `resumeProducing` requests parts until `pauseProducing`."""

    def pauseProducing(self) -> object: ...


class PulledProducer:
    """A push producer that wraps a pull producer: it requests one part in each iteration of the event loop.

    `fail` is called with an exception that the pull producer raises.
    """

    def __init__(self, producer: PullProducer, fail: Callable[[BaseException], object]) -> None:
        self._producer = producer
        self._fail = fail
        self._wanted = False
        self._scheduled = False

    def resumeProducing(self) -> None:
        self._wanted = True
        self._schedule()

    def pauseProducing(self) -> None:
        self._wanted = False

    def stopProducing(self) -> None:
        self._wanted = False
        self._producer.stopProducing()

    def _schedule(self) -> None:
        if self._wanted and not self._scheduled:
            self._scheduled = True
            call_soon(self._pull)

    def _pull(self) -> None:
        self._scheduled = False
        if self._wanted:
            try:
                self._producer.resumeProducing()
            except BaseException as error:
                if interrupts(error):
                    raise
                self._fail(error)
            self._schedule()
