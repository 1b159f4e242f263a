"""Turns the response body that a twisted.web program writes into an async iterator, for the body of a Response."""

from typing import Any, Final

from ropewalk.errors import Disconnected
from ropewalk.waiting import Waiter, call_soon

HIGH_WATER: Final = 64 * 1024
"""The number of queued bytes above which the producer is paused."""


class BodyQueue:
    """A bounded queue between the program, which writes chunks, and the sender, which iterates over them."""

    __slots__ = ("_chunks", "_cut", "_full", "_in_put", "_over", "_size", "_unwanted", "_waiter", "producer")

    def __init__(self) -> None:
        self.producer: Any = None
        """An `IPushProducer`, which is paused when the queue is full, and resumed when the queue is empty.

        None if the program has no producer.
        """
        self._chunks: list[bytes] = []
        self._cut = False
        """Whether `drop` was called before the end of the body."""
        self._full = False
        self._in_put = False
        """Whether a call of `put` is running."""
        self._over = False
        self._size = 0
        self._unwanted = False
        self._waiter: Waiter[None] | None = None
        """The awaitable that the sender waits for; None if the sender does not wait."""

    # Called by the program

    def put(self, chunk: bytes) -> None:
        """Add a chunk to the queue. After `drop`, the chunk is discarded."""
        if self._unwanted:
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > HIGH_WATER and not self._full:
            self._full = True
            if self.producer is not None:
                self.producer.pauseProducing()
        in_put, self._in_put = self._in_put, True
        try:
            self._wake_sender()
        finally:
            self._in_put = in_put

    def end(self) -> None:
        """Mark the end of the body."""
        self._over = True
        self._wake_sender()

    @property
    def over(self) -> bool:
        """Whether the end of the body is marked."""
        return self._over

    # Called by the sender

    def take(self) -> bytes:
        """Remove all queued chunks, and return them joined."""
        chunks, self._chunks = self._chunks, []
        self._size = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def __aiter__(self) -> "BodyQueue":
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._cut:
                raise Disconnected
            if self._over:
                raise StopAsyncIteration
            if self._full:
                self._resume()
            else:
                self._waiter = Waiter()
                await self._waiter
        return self.take()

    async def aclose(self) -> None:
        """Discard the rest of the body. This is called when the iteration over this queue ends early."""
        self.take()
        self._over = True
        self.drop()

    def drop(self) -> None:
        """Discard the rest of the body.

        The program may still write. If the body is incomplete, the sender gets Disconnected.
        """
        if not self._unwanted:
            self._unwanted = True
            self._cut = bool(self._chunks) or not self._over
        self.take()
        if self._full:
            self._resume()
        self._wake_sender()

    def _resume(self) -> None:
        self._full = False
        if self._in_put:
            call_soon(self._resume_producer)  # later, as in Twisted: no transport resumes a producer inside `write`
        else:
            self._resume_producer()

    def _resume_producer(self) -> None:
        if self.producer is not None and not self._full:
            self.producer.resumeProducing()

    def _wake_sender(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)
