"""The client of websockets, one call after the other.

Its own client for threads reads in one while it writes in another, and over TLS it hangs now and then.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect

T = TypeVar("T")
SECONDS = 30
"""Enough for every call."""


class Talker:
    """One WebSocket, a context manager that closes it."""

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], opening: Callable[[], connect]) -> None:
        async def opened() -> ClientConnection:
            return await opening()

        self._run = run
        self.socket: ClientConnection = run(opened())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, message: Any) -> None:
        self._run(self.socket.send(message))

    def recv(self, seconds: float = SECONDS) -> Any:
        """The next message. Raises TimeoutError."""
        return self._run(asyncio.wait_for(self.socket.recv(), seconds))

    def ping(self, payload: bytes) -> float:
        """The seconds until the pong."""

        async def pong() -> float:
            return await (await self.socket.ping(payload))

        return float(self._run(pong()))

    def close(self, code: int = 1000) -> None:
        self._run(self.socket.close(code))


@contextmanager
def talkers() -> Iterator[Callable[[Callable[[], connect]], Talker]]:
    """What makes them, with a loop in a thread for them all."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(SECONDS)

    try:
        yield lambda opening: Talker(run, opening)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
