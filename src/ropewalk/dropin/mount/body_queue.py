"""A body that a program writes, as the async iterator that a Response has for its body."""

from typing import Any, Final

from ropewalk.errors import Disconnected
from ropewalk.waiting import Waiter, call_soon

HIGH_WATER: Final = 64 * 1024
"""Bytes that may lie here before the program is asked to wait."""


class BodyQueue:
    """Takes what a program writes, and gives it to whoever sends it, as fast as that is taken."""

    __slots__ = ("_cut", "_full", "_news", "_over", "_parts", "_putting", "_size", "_unwanted", "producer")

    def __init__(self) -> None:
        self.producer: Any = None
        """Told when there is too much, and when all of that is taken; an `IPushProducer`."""
        self._cut = False
        self._full = False
        self._news: Waiter[None] | None = None
        self._over = False
        self._parts: list[bytes] = []
        self._putting = False
        """The program is in `put`."""
        self._size = 0
        self._unwanted = False

    # For the program

    def put(self, part: bytes) -> None:
        """One more part."""
        if self._unwanted:
            return
        self._parts.append(part)
        self._size += len(part)
        if self._size > HIGH_WATER and not self._full:
            self._full = True
            if self.producer is not None:
                self.producer.pauseProducing()
        putting, self._putting = self._putting, True
        try:
            self._tell()
        finally:
            self._putting = putting

    def end(self) -> None:
        """There will be no more."""
        self._over = True
        self._tell()

    @property
    def over(self) -> bool:
        """It has its end."""
        return self._over

    # For the sender

    def take(self) -> bytes:
        """All that is here."""
        parts, self._parts = self._parts, []
        self._size = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __aiter__(self) -> "BodyQueue":
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._cut:
                raise Disconnected
            if self._over:
                raise StopAsyncIteration
            if self._full:
                self._go_on()
            else:
                self._news = Waiter()
                await self._news
        return self.take()

    async def aclose(self) -> None:
        """Nobody wants the rest: it has its end here."""
        self.take()
        self._over = True
        self.drop()

    def drop(self) -> None:
        """The rest is not wanted. The program may write on. A reader finds it cut, if it is not complete."""
        if not self._unwanted:
            self._unwanted = True
            self._cut = bool(self._parts) or not self._over
        self.take()
        if self._full:
            self._go_on()
        self._tell()

    def _go_on(self) -> None:
        self._full = False
        if self._putting:
            call_soon(self._let_produce)  # no transport resumes a producer within its `write`
        else:
            self._let_produce()

    def _let_produce(self) -> None:
        if self.producer is not None and not self._full:
            self.producer.resumeProducing()

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)
