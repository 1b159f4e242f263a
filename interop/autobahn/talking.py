"""The client of websockets, with one call at a time.

Its client for threads reads and writes in two threads, and sometimes hangs over TLS.
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
"""The timeout of every call."""


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
        """Return the next message. Raises TimeoutError."""
        return self._run(asyncio.wait_for(self.socket.recv(), seconds))

    def ping(self, payload: bytes) -> float:
        """Send a ping, and return the seconds until the pong."""

        async def pong() -> float:
            return await (await self.socket.ping(payload))

        return float(self._run(pong()))

    def close(self, code: int = 1000) -> None:
        self._run(self.socket.close(code))


@contextmanager
def talkers() -> Iterator[Callable[[Callable[[], connect]], Talker]]:
    """Makes WebSockets, with one event loop in a thread for all of them."""
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
